"""The time of a report, on the wall clock of the account.

The API ignores the offset of a start or an end and reads both in the account's zone. So all times of a report are
what a clock on the account's wall shows, counted in seconds as if it hung in Greenwich: an hour that the wall shows
twice is one hour, an hour that it skips is empty, and a frame that is cut anywhere adds up again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from klaviyo_analytics.sandbox.app.buckets import bucket_starts
from klaviyo_analytics.sandbox.app.errors import ApiFault
from klaviyo_analytics.sandbox.app.store import Store
from klaviyo_analytics.sandbox.app.times import YEARS, to_text

Ints = npt.NDArray[np.int64]

POINTER = "/data/attributes/timeframe"
DAY = timedelta(days=1)
QUARTER = 900  # no clock on Earth changes but at a quarter of an hour
GREENWICH = ZoneInfo("UTC")

#: the longest frame of each interval of a series
LONGEST: Mapping[str, timedelta] = {
    "hourly": 7 * DAY,
    "daily": 60 * DAY,
    "weekly": 364 * DAY,
    "monthly": 364 * DAY,
}
_UNITS = {"hourly": "hour", "daily": "day", "weekly": "week", "monthly": "month"}


@dataclass(frozen=True, slots=True)
class Frame:
    """From `start` until just before `stop`, cut into intervals that begin at `starts`; one for values."""

    start: int
    stop: int
    starts: tuple[int, ...]

    def holds(self, moments: Ints) -> npt.NDArray[np.bool_]:
        """Tell which moments lie in the frame."""
        return (moments >= self.start) & (moments < self.stop)

    def intervals(self, moments: Ints) -> Ints:
        """Find the number of the interval of each moment."""
        return np.searchsorted(np.array(self.starts, dtype=np.int64), moments, side="right") - 1

    def date_times(self) -> list[str]:
        """Write where the intervals begin.

        The document's days begin at midnight with an offset of zero, so like the bounds of a request these are
        taken for times on the account's wall with an offset that means nothing. The first interval begins before
        the frame if the frame begins within it, as in metric aggregates; only what is in the frame is counted.
        """
        return [to_text(start) for start in self.starts]


def read_frame(store: Store, attributes: Mapping[str, Any], *, earliest: datetime | None = None) -> Frame:
    """Read `timeframe` and `interval`, which have the form that the schema asks for."""
    told = attributes["timeframe"]
    if "key" in told:
        start, stop = KEYS[told["key"]](_today(store))
        length = stop - start
    else:
        start, end = (datetime.fromisoformat(told[name]).replace(tzinfo=UTC) for name in ("start", "end"))
        if start.year not in YEARS or end.year not in YEARS:
            _refuse("The timeframe lies where no account has data.")
        # Both ends have been seen to belong to the frame; events have whole seconds.
        length, stop = end - start, datetime.fromtimestamp(math.floor(end.timestamp()) + 1, UTC)
    interval = attributes.get("interval")
    _check(start, length, interval, earliest)
    first, after = math.ceil(start.timestamp()), int(stop.timestamp())
    starts = bucket_starts(first, after, _UNITS[interval], GREENWICH) if interval else [first]
    return Frame(first, after, tuple(starts))


def _check(start: datetime, length: timedelta, interval: str | None, earliest: datetime | None) -> None:
    if length < timedelta(0):
        _refuse("The timeframe ends before it starts.")
    if start + length > _year_later(start):
        _refuse("The timeframe may not be longer than a year.")
    if interval and length > LONGEST[interval]:
        _refuse(f"With the interval {interval} the timeframe may have {LONGEST[interval].days} days.")
    if earliest and start < earliest:
        _refuse(f"There is no data before {earliest:%Y-%m-%d}.")


def wall_clock(store: Store, seconds: Ints) -> Ints:
    """Read the account's clock at these moments (Unix seconds)."""
    zone = ZoneInfo(store.account.timezone)
    quarters, place = np.unique(seconds // QUARTER, return_inverse=True)
    ahead = [_ahead(zone, quarter * QUARTER) for quarter in quarters.tolist()]
    return seconds + np.array(ahead, dtype=np.int64)[place]


def _ahead(zone: ZoneInfo, seconds: int) -> int:
    offset = datetime.fromtimestamp(seconds, zone).utcoffset()
    assert offset is not None
    return int(offset.total_seconds())


def _today(store: Store) -> datetime:
    now = datetime.fromtimestamp(store.now(), ZoneInfo(store.account.timezone))
    return datetime(now.year, now.month, now.day, tzinfo=UTC)


def _last_days(count: int) -> Callable[[datetime], tuple[datetime, datetime]]:
    return lambda today: (today - count * DAY, today)


def _last_months(count: int) -> Callable[[datetime], tuple[datetime, datetime]]:
    return lambda today: (_months_before(today, count), _months_before(today, 0))


def _months_before(day: datetime, count: int) -> datetime:
    months = 12 * day.year + day.month - 1 - count
    return day.replace(year=months // 12, month=months % 12 + 1, day=1)


def _monday(day: datetime) -> datetime:
    return day - day.weekday() * DAY


def _new_year(day: datetime) -> datetime:
    return day.replace(month=1, day=1)


def _year_later(moment: datetime) -> datetime:
    if (moment.month, moment.day) == (2, 29):
        return moment.replace(year=moment.year + 1, month=3, day=1)
    return moment.replace(year=moment.year + 1)


#: How the document's keys are meant is told in a guide only. Here "last" is whole days, weeks, months or years before
#: the one under way, and "this" runs until the end of today; weeks begin on Monday, as in metric aggregates.
KEYS: Mapping[str, Callable[[datetime], tuple[datetime, datetime]]] = {
    "today": lambda today: (today, today + DAY),
    "yesterday": _last_days(1),
    "last_7_days": _last_days(7),
    "last_30_days": _last_days(30),
    "last_90_days": _last_days(90),
    "last_365_days": _last_days(365),
    "this_week": lambda today: (_monday(today), today + DAY),
    "last_week": lambda today: (_monday(today) - 7 * DAY, _monday(today)),
    "this_month": lambda today: (today.replace(day=1), today + DAY),
    "last_month": _last_months(1),
    "last_3_months": _last_months(3),
    "last_12_months": _last_months(12),
    "this_year": lambda today: (_new_year(today), today + DAY),
    "last_year": lambda today: (_new_year(_new_year(today) - DAY), _new_year(today)),
}


def _refuse(detail: str) -> NoReturn:
    raise ApiFault.pointer(POINTER, detail)
