"""When things happen: the shop's hours, weekdays, seasons, growth and holidays, in its own time zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from klaviyo_analytics.sandbox.shop.columns import Floats, Ints

TIMEZONE = "America/New_York"
ZONE = ZoneInfo(TIMEZONE)

#: The present of a sandbox account unless another is chosen: a Tuesday morning in New York, its day unfinished.
DEFAULT_NOW = int(datetime(2026, 6, 30, 15, 20, tzinfo=UTC).timestamp())
#: How long the history is: a small shop has too few events to spread them over two years.
SHORTEST_HISTORY, SHORT_HISTORY, LONG_HISTORY = 90, 400, 730
LARGE_SHOP = 200_000  # events from which on a shop has the long history

MINUTE, HOUR, DAY = 60, 3600, 86_400

_BY_HOUR = np.array(
    [10, 6, 4, 3, 3, 5, 12, 24, 38, 50, 58, 62, 66, 60, 54, 52, 54, 58, 66, 78, 86, 74, 48, 24], dtype=float
)
_BY_WEEKDAY = np.array([1.06, 0.98, 0.95, 1.0, 1.02, 0.92, 1.12])  # Monday first
_BY_MONTH = np.array([0.82, 0.88, 0.94, 0.98, 1.06, 0.96, 0.90, 0.93, 1.0, 1.05, 1.45, 1.5])


def iso(seconds: float) -> str:
    """Write a Unix time as RFC 3339 in UTC."""
    return datetime.fromtimestamp(int(seconds), UTC).isoformat()


def local(seconds: float) -> datetime:
    """Return the shop's wall-clock time."""
    return datetime.fromtimestamp(int(seconds), ZONE)


def local_seconds(day: date, hour: int, minute: int = 0) -> int:
    """Return the Unix time of a wall-clock time in the shop's zone."""
    return int(datetime(day.year, day.month, day.day, hour, minute, tzinfo=ZONE).timestamp())


def black_friday(year: int) -> date:
    """Return the day after the fourth Thursday of November."""
    first = date(year, 11, 1)
    return first + timedelta(days=(3 - first.weekday()) % 7 + 22)


@dataclass(slots=True)
class Clock:
    """The account's past from `start` to `now` and how busy the shop was in each hour of it."""

    start: int
    now: int
    days: int
    _edges: Ints
    _share: Floats  # cumulative, 0 at start to 1 at now
    _ahead: Ints  # seconds by which the shop's clock is ahead of UTC at each edge

    @classmethod
    def until(cls, now: int, days: int = SHORT_HISTORY) -> Clock:
        """Build the clock of an account whose present is `now` and whose history has so many days."""
        start = now - days * DAY
        edges = np.append(np.arange(start, now, HOUR, dtype=np.int64), now)
        moments = [local(second) for second in edges.tolist()]
        offsets = [moment.utcoffset() for moment in moments]
        ahead = np.array([int(offset.total_seconds()) if offset else 0 for offset in offsets], dtype=np.int64)
        wall = moments[:-1]
        busy = np.array([_season(moment.date()) for moment in wall])
        busy *= _BY_HOUR[[moment.hour for moment in wall]]
        busy *= _BY_WEEKDAY[[moment.weekday() for moment in wall]]
        busy *= np.linspace(0.9, 1.15, len(busy))  # the shop grows
        busy *= np.diff(edges)
        share = np.concatenate([[0.0], np.cumsum(busy)])
        return cls(start, now, days, edges, share / share[-1], ahead)

    def draw(self, rng: np.random.Generator, after: Ints) -> Ints:
        """Draw one busy moment after each given time."""
        begin = self.elapsed(after)
        moments = np.interp(begin + rng.random(len(after)) * (1 - begin), self._share, self._edges)
        return np.maximum(moments.astype(np.int64), after)

    def hours(self, when: Ints) -> Ints:
        """Return the hour of the day of each time on the shop's clock."""
        place = np.clip(np.searchsorted(self._edges, when, side="right") - 1, 0, len(self._ahead) - 1)
        hours: Ints = (when + self._ahead[place]) // HOUR % 24
        return hours

    def elapsed(self, when: Ints) -> Floats:
        """Return the share of all the shop's business that was done before each time."""
        return np.interp(when, self._edges, self._share)


def _season(day: date) -> float:
    sale = black_friday(day.year)
    days = (day - sale).days
    weight = float(_BY_MONTH[day.month - 1])
    if -1 <= days <= 3:
        return weight * (5.0 if days in {0, 3} else 2.8)
    if -7 <= days <= 24:
        return weight * 1.3
    if (day.month, day.day) in {(12, 24), (12, 25), (1, 1)}:
        return weight * 0.45
    return weight
