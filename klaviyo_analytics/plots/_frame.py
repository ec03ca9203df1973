"""Checks that every plot makes of its frame, with messages that name the column."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from inspect import signature
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import numpy.typing as npt
import pandas as pd

from klaviyo_analytics.analysis._calendar import time_cure
from klaviyo_analytics.analysis._engine import (
    P,
    R,
    WrongFrame,
    check_unique,
    described,
    lacking,
    opened,
    takes,
)
from klaviyo_analytics.arithmetic import CHANNELS_WITHOUT_OPENS, OPENS
from klaviyo_analytics.errors import FrameError
from klaviyo_analytics.plots._style import grown_type

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

NO_NAME = "(none)"
NOT_ATTRIBUTED = "Not attributed"
_BLANK = "(blank)"
_CHANNELS = {
    "email": "Email",
    "sms": "SMS",
    "text": "Text message",
    "push": "Mobile push",
    "mobile_push": "Mobile push",
    "push-notification": "Mobile push",
    "mobile push": "Mobile push",
    "whatsapp": "WhatsApp",
    "unattributed": NOT_ATTRIBUTED,
}
_SOURCES = {"all": "All", "campaign": "Campaigns", "flow": "Flows", "other": NOT_ATTRIBUTED}


def draws(what: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Accept frames of any library, and explain what the plot draws if it is given something else."""

    def decorate(plot: Callable[P, R]) -> Callable[P, R]:
        first = next(iter(signature(plot).parameters))

        @takes(what)
        @wraps(plot)
        def checked(*args: P.args, **kwargs: P.kwargs) -> R:
            given: list[Any] = list(args)
            named: dict[str, Any] = dict(kwargs)
            if given:
                given[0] = _drawable(given[0])
            elif first in named:
                named[first] = _drawable(named[first])
            if named.get("compare") is not None:
                named["compare"] = _drawable(named["compare"])
            with grown_type(named.get("ax")):
                return plot(*given, **named)

        return checked

    return decorate


def _drawable(given: Any) -> pd.DataFrame:
    """Return a pandas frame, of whatever library the frame was."""
    frame: Any = given
    if not isinstance(given, pd.DataFrame):
        try:
            known = nw.from_native(given)
        except TypeError:
            known = None
        if isinstance(known, nw.LazyFrame):
            known = known.collect()
        frame = known.to_pandas() if isinstance(known, nw.DataFrame) else given
    require(frame, [])
    return _visible(frame)


def _visible(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a report without the opens of text messages: nobody can see them, and it has zeros in their place."""
    opens = [name for name in OPENS if name in frame.columns]
    if "send_channel" not in frame.columns or not opens:
        return frame
    blind = frame["send_channel"].isin(CHANNELS_WITHOUT_OPENS).astype(bool)
    seen = {name: frame[name].ne(0).fillna(value=True).astype(bool) for name in opens}
    return (
        frame.assign(**{name: frame[name].where(~blind | seen[name]) for name in opens})
        if blind.any()
        else frame
    )


def who_counts(frame: pd.DataFrame, columns: Iterable[str]) -> str | None:
    """Return the note that text messages take no part in rates of opens, where the frame has any of them."""
    if not {"open_rate", "click_to_open_rate"} & {*columns}:
        return None
    channels = next((name for name in ("send_channel", "channel") if name in frame.columns), None)
    if channels is None:
        return None
    words = {word for value in frame[channels].dropna().unique() for word in str(value).split(", ")}
    return "opens without text messages" if words & CHANNELS_WITHOUT_OPENS else None


CONVERSIONS = ("conversions", "conversion_uniques", "conversion_value", "average_order_value",
               "conversion_rate", "revenue_per_recipient")  # fmt: skip


def of_conversion(frame: pd.DataFrame, title: str, column: str) -> str:
    """Return the title after the conversion metric, where the frame names it and `column` depends on it."""
    metric = frame.attrs.get("conversion_metric")
    if not isinstance(metric, str) or column not in CONVERSIONS:
        return title
    return f"{metric}: {title[:1].lower()}{title[1:]}"


def require(frame: Any, columns: Iterable[str | None]) -> None:
    """Raise unless `frame` is one and has all `columns`; None stands for an option that was not given."""
    if not isinstance(frame, pd.DataFrame):
        raise WrongFrame(f"expected a pandas DataFrame, not {described(frame)}")
    check_unique(frame)
    missing = [name for name in columns if name is not None and name not in frame.columns]
    if missing:
        raise lacking(missing, frame.columns)


def numbers(frame: pd.DataFrame, column: str) -> Floats:
    """Return the column as floats, with NaN for missing and infinite values."""
    try:
        values = pd.to_numeric(frame[column]).astype("Float64").to_numpy(dtype=float, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise FrameError(f"column {column!r} is {frame[column].dtype}, and the plot needs numbers") from error
    return np.where(np.isfinite(values), values, np.nan)


def times(frame: pd.DataFrame, column: str) -> pd.DatetimeIndex:
    """Return the column as datetimes, in its own time zone; text is refused, because its zone is a guess."""
    values = frame[column]
    is_time = pd.api.types.is_datetime64_any_dtype(values.dtype) or values.isna().all()
    is_text = pd.api.types.infer_dtype(values, skipna=True) == "string"
    if not is_time and (is_text or values.dtype != object):
        kind = "text" if is_text else values.dtype
        raise FrameError(
            f"column {column!r} is {kind}, and the plot needs datetimes. "
            + (
                f"Set it to {time_cure(opened(frame[[column]]), column)}, with the account's time zone."
                if is_text
                else "Pass a column of datetimes with the account's time zone"
            )
        )
    try:
        return pd.DatetimeIndex(pd.to_datetime(values))
    except (TypeError, ValueError) as error:
        raise FrameError(f"column {column!r} does not hold datetimes of one time zone: {error}") from error


def names(frame: pd.DataFrame, column: str) -> list[str]:
    """Return the column as labels: what is null or blank gets a name, so that it is seen."""
    return [_name(value) for value in frame[column].astype(object)]


def labels_of(frame: pd.DataFrame, column: str) -> list[str]:
    """Return the column as a reader would name its values: `push-notification` is "Mobile push".

    Channels, sources of revenue and measures have such names (`open_rate` is "open rate"); other columns, and names
    that two values would share, stay.
    """
    found = names(frame, column)
    plain = column.strip("$").lower()
    if plain == "measure":
        return [name.replace("_", " ") for name in found]
    known: dict[str, str] = {}
    if plain == "source":
        known = _SOURCES
    elif plain.endswith("channel"):
        known = _CHANNELS
    if plain.startswith("attributed"):
        known = {**known, NO_NAME: NOT_ATTRIBUTED}
    words = {name: known.get(name.lower(), name) for name in dict.fromkeys(found)}
    return [words[name] for name in found] if len(set(words.values())) == len(words) else found


def finished(frame: pd.DataFrame) -> Flags:
    """Return which rows cover a whole interval: all, where the frame does not say."""
    if "complete" not in frame.columns:
        return np.ones(len(frame), dtype=bool)
    return frame["complete"].astype("boolean").fillna(value=True).to_numpy(dtype=bool)


def currency_of(frame: pd.DataFrame, given: str | None) -> str | None:
    """Return the one currency of the frame; two currencies are never drawn on one axis."""
    found = {given} if given else set()
    for column in {"currency", "value_currency"} & set(frame.columns):
        found |= {str(value) for value in frame[column].dropna().unique()}
    if len(found) > 1:
        listed = ", ".join(sorted(found))
        raise FrameError(
            f"money in several currencies cannot share an axis: {listed}; filter the frame first"
        )
    return found.pop() if found else _attribute(frame, "currency")


def interval_of(frame: pd.DataFrame, when: pd.DatetimeIndex, given: str | None) -> str | None:
    """Return the interval: as given, as the frame says, or as the distance between its rows shows."""
    if stated := given or _attribute(frame, "interval"):
        return stated
    distinct = when.dropna().unique().sort_values()
    if len(distinct) < 2:
        return None
    hours = float(np.median(np.diff(distinct.as_unit("us").asi8))) / 3_600e6
    limits = (("hour", 1.5), ("day", 36), ("week", 8 * 24), ("month", 32 * 24), ("quarter", 93 * 24))
    return next((name for name, limit in limits if hours <= limit), "year")


def zone_of(frame: pd.DataFrame, when: pd.DatetimeIndex) -> str | None:
    """Return the name of the time zone that the dates are in, as far as anything tells."""
    return str(when.tz) if when.tz is not None else _attribute(frame, "timezone")


def _attribute(frame: pd.DataFrame, name: str) -> str | None:
    value = frame.attrs.get(name)
    return str(value) if value else None


def _name(value: Any) -> str:
    if value is None or (pd.api.types.is_scalar(value) and pd.isna(value)):
        return NO_NAME
    return str(value).strip() or _BLANK
