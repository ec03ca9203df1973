"""Columns of times as the moments they mean: what has no zone is read in the account's."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pandas as pd

from klaviyo_analytics.errors import InvalidInputError
from klaviyo_analytics.timeframe._moments import in_zone, plain, zone_named
from klaviyo_analytics.writeback.encode import ABSENT, Column

DateFormat = str | Mapping[str, str] | None
_IN_UTC = re.compile(r"(.*\d)\s*(?:UTC|GMT)", re.IGNORECASE | re.DOTALL)


def moments(series: pd.Series[Any], timezone: Callable[[], str], date_format: str | None = None) -> Column:
    """Return ISO texts in UTC; `timezone` is asked only if it is needed.

    Texts are ISO 8601 ("2026-05-01T09:30", "2026-05-01 09:30:00 UTC"), or in `date_format` where that is given.
    """
    if not (isinstance(series.dtype, np.dtype | pd.DatetimeTZDtype) and series.dtype.kind == "M"):
        return _one_by_one(series, timezone, date_format)
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


def _one_by_one(series: pd.Series[Any], timezone: Callable[[], str], date_format: str | None) -> Column:
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
