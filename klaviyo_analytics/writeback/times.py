"""Columns of times as the moments they mean: what has no zone is read in the account's."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC
from typing import Any

import numpy as np
import pandas as pd

from klaviyo_analytics.errors import InvalidInputError
from klaviyo_analytics.timeframe._moments import in_zone, zone_named
from klaviyo_analytics.writeback.encode import ABSENT, Column


def moments(series: pd.Series[Any], timezone: Callable[[], str]) -> Column:
    """Give ISO texts in UTC; `timezone` is asked only if it is needed."""
    if not (isinstance(series.dtype, np.dtype | pd.DatetimeTZDtype) and series.dtype.kind == "M"):
        return _one_by_one(series, timezone)
    times = series.dt.floor("us").dt  # a text of Python's has no nanoseconds
    if times.tz is None:
        # of an hour that comes twice the first is taken; one that is skipped goes on to the next that is not
        first = np.ones(len(series), dtype=bool)
        times = times.tz_localize(timezone(), ambiguous=first, nonexistent="shift_forward").dt
    return Column([ABSENT if pd.isna(one) else one.isoformat() for one in times.tz_convert("UTC")])


def _one_by_one(series: pd.Series[Any], timezone: Callable[[], str]) -> Column:
    values: list[Any] = []
    problems: dict[int, str] = {}
    for position, (one, missing) in enumerate(zip(series, series.isna(), strict=True)):
        values.append(ABSENT)
        if missing:
            continue
        try:
            values[-1] = in_zone(one, zone_named(timezone())).astimezone(UTC).isoformat()
        except (InvalidInputError, AttributeError, TypeError, OverflowError):
            problems[position] = f"{one!r} is no time; give datetimes, or ISO texts like 2026-05-01T09:30"
    return Column(values, problems)
