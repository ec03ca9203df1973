"""Columns of a frame as JSON values; values that it cannot are reported row by row."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

import numpy as np
import pandas as pd

from klaviyo_analytics.errors import InvalidInputError
from klaviyo_analytics.timeframe.words import in_zone, plain, zone_named

Wanted = Literal["json", "text", "number", "integer"]
DEEPEST = 50
EXACT = 2**53  # below this a float holds each whole number
SMALLEST, LARGEST = -(2**63), 2**64 - 1  # what JSON writers and readers agree on


class _Absent:
    """A null cell: None would be a null that is sent."""

    def __repr__(self) -> str:
        return "absent"


ABSENT: Any = _Absent()


class UnwritableError(ValueError):
    """A value that JSON cannot represent; the message says why."""


@dataclass(frozen=True, slots=True)
class Column:
    """The values of a column, ABSENT where a cell is null, and what is wrong with some, by position."""

    values: list[Any]
    problems: dict[int, str] = field(default_factory=dict)


def written_column(series: pd.Series[Any], wanted: Wanted = "json") -> Column:
    """Encode a column: numbers stay numbers, times become ISO text, nulls become ABSENT."""
    series = _dense(series)
    values: list[Any] = _values(series)
    problems: dict[int, str] = {}
    for position in np.flatnonzero(series.isna().to_numpy(dtype=bool)):
        values[position] = ABSENT
    if pd.api.types.is_float_dtype(series.dtype):
        found = series.to_numpy(dtype=float, na_value=np.nan)
        for position in np.flatnonzero(
            np.isnan(found)
        ):  # pandas 2 does not count them among a Float64's nulls
            values[position] = ABSENT
        problems = {int(at): f"{found[at]} is not a JSON number" for at in np.flatnonzero(np.isinf(found))}
        if wanted != "text":  # as text they are refused below
            whole = np.flatnonzero(np.isfinite(found) & (np.abs(found) >= EXACT))
            problems |= {int(at): _lost_digits(found[at]) for at in whole}
    elif series.dtype == object or not _is_plain(series):
        values, problems = _one_by_one(values)
    if wanted != "json":
        _convert(values, problems, {"text": as_text, "number": _as_number, "integer": _as_integer}[wanted])
    return Column(values, problems)


def value(given: Any, depth: int = 0) -> Any:
    """Encode one value; nulls inside lists and objects stay nulls.

    Raises
    ------
    UnwritableError
        JSON cannot represent it.
    """
    if isinstance(given, np.ndarray) and given.ndim == 0:
        given = given[()]
    if isinstance(given, np.floating):
        given = float(str(given))  # as many digits as it has: a float32 of 0.87 is not 0.8700000047683716
    elif isinstance(given, np.generic) and not isinstance(given, (np.datetime64, np.timedelta64)):
        given = given.item()
    if given is None or given is pd.NA or given is pd.NaT or isinstance(given, (str, bool)):
        return None if given is pd.NA or given is pd.NaT else given
    if isinstance(given, (int, float, Decimal)):
        return _number(given)
    if isinstance(given, (datetime, date, time)):
        return given.isoformat()
    if isinstance(given, np.datetime64):
        return pd.Timestamp(given).isoformat()
    if isinstance(given, UUID):
        return str(given)
    if depth == DEEPEST:
        raise UnwritableError(f"it is nested deeper than {DEEPEST} levels")
    if isinstance(given, Mapping):
        written = {_name(key): value(item, depth + 1) for key, item in given.items()}
        if len(written) < len(given):
            raise UnwritableError("two of its names are the same as text; rename one")
        return written
    if isinstance(given, (list, tuple, set, frozenset, np.ndarray, pd.Series, pd.Index)):
        return [value(item, depth + 1) for item in given]
    raise UnwritableError(f"a {type(given).__name__} cannot be written as JSON; make it text or a number")


def _dense(series: pd.Series[Any]) -> pd.Series[Any]:
    """Return a categorical or sparse column as plain values."""
    if isinstance(series.dtype, pd.CategoricalDtype):
        held = series.cat.categories.dtype
        return series.astype(held if held.kind == "f" else object)  # objects would widen a float32
    return pd.Series(series.to_numpy()) if isinstance(series.dtype, pd.SparseDtype) else series


def _is_plain(series: pd.Series[Any]) -> bool:
    kinds = pd.api.types
    return (
        kinds.is_bool_dtype(series.dtype)
        or kinds.is_integer_dtype(series.dtype)
        or isinstance(series.dtype, pd.StringDtype)
        or kinds.is_datetime64_any_dtype(series.dtype)
    )


def _values(series: pd.Series[Any]) -> list[Any]:
    if pd.api.types.is_datetime64_any_dtype(series.dtype):
        return [None if pd.isna(moment) else moment.isoformat() for moment in series]
    if str(series.dtype).startswith("map<"):  # Arrow's maps come as lists of pairs
        return [dict(one) if isinstance(one, (list, np.ndarray)) else one for one in series]
    size = getattr(series.dtype, "itemsize", 8)
    if pd.api.types.is_float_dtype(series.dtype) and size != 8:
        # of float16, float32 and long double the digits that they show, not those that a float64 of them would
        shown = series.to_numpy(dtype=np.dtype(f"f{size}"), na_value=np.nan).astype(str)
        return [float(one) for one in shown]
    return series.tolist()


def _lost_digits(given: float) -> str:
    return (
        f"{float(given)!r} is a float of 2**53 or more, which may have lost digits; read the column as text, or as "
        "integers (dtype 'Int64')"
    )


def _one_by_one(given: list[Any]) -> tuple[list[Any], dict[int, str]]:
    values, problems = [], {}
    for position, one in enumerate(given):
        if one is ABSENT or type(one) is str:
            values.append(one)
            continue
        try:
            values.append(value(one))
        except UnwritableError as problem:
            values.append(ABSENT)
            problems[position] = str(problem)
    return values, problems


def _number(given: float | Decimal) -> int | float | None:
    if isinstance(given, Decimal):
        if not given.is_finite():
            return _number(float(given))
        if given != Decimal(repr(float(given))):
            raise UnwritableError(f"{given} has more digits than a JSON number keeps; make it text")
        return float(given)
    if isinstance(given, int):
        if not SMALLEST <= given <= LARGEST:
            raise UnwritableError(f"{given} is larger than a JSON number may be; make it text")
        return given
    if math.isinf(given):
        raise UnwritableError(f"{given} is not a JSON number")
    if abs(given) >= EXACT:
        raise UnwritableError(_lost_digits(given))
    return None if math.isnan(given) else given


def _name(key: Any) -> str:
    if not isinstance(key, (str, int)) or isinstance(key, bool):
        raise UnwritableError(f"an object's names are text, not {type(key).__name__}")
    return str(key)


def _convert(values: list[Any], problems: dict[int, str], change: Any) -> None:
    for position, one in enumerate(values):
        if one is not ABSENT and type(one) is not str:
            try:
                values[position] = change(one)
            except UnwritableError as problem:
                problems[position] = str(problem)
    if change is not as_text:
        for position, one in enumerate(values):
            if type(one) is str:
                problems[position] = f"{one!r} is not a number"


def as_text(one: Any) -> str:
    """Return text, or a whole number as text; anything else is refused."""
    # ids and postcodes are read as numbers by pandas, and as 123.0 beside an empty cell
    if isinstance(one, float) and one.is_integer():
        if abs(one) >= EXACT:
            raise UnwritableError(f"{one!r} is a float that may have lost digits; read the column as text")
        one = int(one)
    if isinstance(one, int) and not isinstance(one, bool):
        return str(one)
    raise UnwritableError(f"{one!r} is not text")


def _as_integer(one: Any) -> int:
    if isinstance(one, (int, float)) and not isinstance(one, bool) and float(one).is_integer():
        return int(one)
    raise UnwritableError(f"{one!r} is not a whole number")


def _as_number(one: Any) -> Any:
    if isinstance(one, (int, float)) and not isinstance(one, bool):
        return one
    raise UnwritableError(f"{one!r} is not a number")


DateFormat = str | Mapping[str, str] | None
_IN_UTC = re.compile(r"(.*\d)\s*(?:UTC|GMT)", re.IGNORECASE | re.DOTALL)


def moments(series: pd.Series[Any], timezone: Callable[[], str], date_format: str | None = None) -> Column:
    """Return ISO texts in UTC; `timezone` is asked only if it is needed.

    Texts are ISO 8601 ("2026-05-01T09:30", "2026-05-01 09:30:00 UTC"), or in `date_format` where that is given.
    """
    if not (isinstance(series.dtype, np.dtype | pd.DatetimeTZDtype) and series.dtype.kind == "M"):
        return _moments_one_by_one(series, timezone, date_format)
    times = series.dt.floor("us").dt  # a text of Python's has no nanoseconds
    if times.tz is None:
        # of an hour that comes twice the first is taken; one that is skipped goes on to the next that is not
        first = np.ones(len(series), dtype=bool)
        times = times.tz_localize(timezone(), ambiguous=first, nonexistent="shift_forward").dt
    return Column([ABSENT if pd.isna(one) else one.isoformat() for one in times.tz_convert("UTC")])


def format_of(date_format: DateFormat, column: str) -> str | None:
    """Return the format of one column of times."""
    return date_format.get(column) if isinstance(date_format, Mapping) else date_format


def check_format(date_format: Any, columns: Iterable[str], what: str, *, single: bool = True) -> None:
    """Refuse formats that strptime does not take, and those of columns that are not there.

    Raises
    ------
    InvalidInputError
        Something is wrong with the format.
    """
    if date_format is None:
        return
    several = isinstance(date_format, Mapping)
    if not (isinstance(date_format, str) and single) and not several:
        ways = "a text like '%d/%m/%Y', or " if single else ""
        raise InvalidInputError(
            f"{what}: date_format={date_format!r} is not a format. Give {ways}a dict of formats by column, like "
            "{'born': '%d/%m/%Y'}."
        )
    there = [*columns]
    for name, form in date_format.items() if several else [("", date_format)]:
        if several and name not in there:
            raise InvalidInputError(f"{what}: date_format: the frame has no column {name!r}.")
        try:
            datetime.strptime(datetime(2026, 12, 31, tzinfo=UTC).strftime(form), form)  # noqa: DTZ007
        except (ValueError, TypeError):
            raise InvalidInputError(
                f"{what}: date_format={form!r} is not a format that datetime.strptime reads, like '%d/%m/%Y'."
            ) from None


def days(series: pd.Series[Any], timezone: Callable[[], str], date_format: str) -> Column:
    """Read texts of one format as ISO texts: days where the format has no hour, else moments in UTC."""
    written = moments(series, timezone, date_format)
    if re.search(r"%[HIXcTsR]", date_format):
        return written
    values: list[Any] = []
    for row, one in enumerate(series):
        if written.values[row] is ABSENT:
            values.append(ABSENT)
        elif isinstance(one, str):
            values.append(_parsed(one, date_format).date().isoformat())
        else:
            values.append(one.isoformat())
    return Column(values, written.problems)


def _moments_one_by_one(
    series: pd.Series[Any], timezone: Callable[[], str], date_format: str | None
) -> Column:
    values: list[Any] = []
    problems: dict[int, str] = {}
    for position, (one, missing) in enumerate(zip(series, series.isna(), strict=True)):
        values.append(ABSENT)
        if missing:
            continue
        try:
            moment = plain(_read(one, date_format))
            if not isinstance(moment, datetime) or moment.tzinfo is None:
                moment = in_zone(moment, zone_named(timezone()))
            values[-1] = moment.astimezone(UTC).isoformat()
        except (InvalidInputError, AttributeError, TypeError, ValueError, OverflowError):
            right = (
                f"it is not in the format {date_format!r}"
                if date_format and isinstance(one, str)
                else ("give datetimes, ISO texts like 2026-05-01T09:30, or date_format=")
            )
            problems[position] = f"{one!r} is not a time; {right}"
    return Column(values, problems)


def _read(one: Any, date_format: str | None) -> str | date | datetime:
    if not isinstance(one, str):
        return one  # type: ignore[no-any-return]
    if date_format is not None:
        return _parsed(one, date_format)
    in_utc = _IN_UTC.fullmatch(one.strip())
    return f"{in_utc[1].strip()}+00:00" if in_utc else one


def _parsed(text: str, date_format: str) -> datetime:
    """Read a text of a declared format; an offset that it names is kept."""
    moment = datetime.strptime(text.strip(), date_format)  # noqa: DTZ007  (the zone follows)
    if "%Z" not in date_format or moment.tzinfo is not None:
        return moment
    if not re.search(r"\b(?:UTC|GMT)\b", text, re.IGNORECASE):
        raise ValueError("names of zones are those of this machine")
    return moment.replace(tzinfo=UTC)
