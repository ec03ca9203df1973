"""Whether two frames cover periods that can be compared, read from their dates or from what pandas frames carry."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import narwhals.stable.v2 as nw

from klaviyo_analytics._wording import counted
from klaviyo_analytics.analysis._calendar import MONTHS, STEP, LongInterval, grid_of, holds_times, with_wall
from klaviyo_analytics.analysis._engine import Table, columns_of
from klaviyo_analytics.errors import FrameError

# How `str(Timeframe)` writes itself: whole days with the last one included, or two times.
_DAYS = re.compile(r"(\d{4}-\d{2}-\d{2})(?: to (\d{4}-\d{2}-\d{2}))? \(.+\)")
_TIMES = re.compile(r"(\d{4}-\d{2}-\d{2} \d{2}:\d{2}) to (\d{4}-\d{2}-\d{2} \d{2}:\d{2}) \(.+\)")
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Period:
    """A stretch of time on its own clock; `end` is not part of it, and unknown if the length is."""

    start: datetime
    end: datetime | None

    @property
    def months(self) -> int | None:
        """Number of whole calendar months, if it consists of those."""
        if self.end is None or any(one != _first_of_month(one) for one in (self.start, self.end)):
            return None
        return 12 * (self.end.year - self.start.year) + self.end.month - self.start.month

    def __str__(self) -> str:
        if self.end is None:
            return f"a period from {self.start:%Y-%m-%d %H:%M}"
        if self.months:
            length = counted(self.months, "month")
        elif (self.end - self.start) % _DAY:
            return f"{self.start:%Y-%m-%d %H:%M} to {self.end:%Y-%m-%d %H:%M}"
        else:
            length = counted((self.end - self.start).days, "day")
        return f"{self.start:%Y-%m-%d} to {self.end - _DAY:%Y-%m-%d} ({length})"


def require_comparable(frames: tuple[Any, Any], tables: tuple[Table, Table]) -> None:
    """Raise FrameError unless both periods have one length and the first is the later, as far as frames show it.

    One length is the same number of calendar months (so of quarters and years), or equally many days; shorter
    periods than days have it if equal time passes.
    """
    current, previous = (_period(frame, table) for frame, table in zip(frames, tables, strict=True))
    if current is None or previous is None:
        return
    both = f"`current` is {current} and `previous` is {previous}"
    way_out = "Or pass check_periods=False to compare them anyway"
    if current.start <= previous.start:
        raise FrameError(
            f"{both}, but `current` must be the later one. Pass the later frame first, and the earlier one second. "
            f"{way_out}"
        )
    if current.end is None or previous.end is None or _alike(current, previous):
        return
    raise FrameError(
        f"{both}, which are not equally long. Compare the same number of whole months, or equally many days: "
        f"Timeframe.previous() returns such a period. {way_out}"
    )


def _alike(one: Period, other: Period) -> bool:
    assert one.end is not None
    assert other.end is not None
    same_months = one.months is not None and one.months == other.months
    return same_months or one.end - one.start == other.end - other.start


def _period(frame: Any, table: Table) -> Period | None:
    """Return the period of a frame: the time frame that it carries, unless its rows are only a part of that."""
    attrs = dict(frame.attrs) if nw.dependencies.is_pandas_dataframe(frame) else {}
    stated = _written(str(attrs.get("timeframe") or ""))
    if "datetime" not in columns_of(table) or not holds_times(table):
        return stated
    grid = grid_of(table, None, attrs.get("interval"))
    times = with_wall(table, grid).select("__wall").unique().drop_nulls().sort("__wall").collect()
    walls: list[datetime] = times["__wall"].to_list()
    if not walls:
        return stated
    first, last = walls[0], walls[-1]
    if grid.interval is None:
        return stated or Period(first, None)
    end = _after(last, grid.interval)
    if stated is not None and stated.end is not None:
        whole = first <= stated.start < _after(first, grid.interval) and last < stated.end <= end
        return stated if whole else Period(first, end)
    return Period(first, end)


def _written(text: str) -> Period | None:
    """Read a time frame as `str(Timeframe)` writes it."""
    if found := _DAYS.fullmatch(text):
        first, last = found[1], found[2] or found[1]
        return Period(datetime.fromisoformat(first), datetime.fromisoformat(last) + _DAY)
    if found := _TIMES.fullmatch(text):
        return Period(datetime.fromisoformat(found[1]), datetime.fromisoformat(found[2]))
    return None


def _after(start: datetime, interval: LongInterval) -> datetime:
    """Return where the interval ends that begins here."""
    if interval in STEP:
        return start + STEP[interval]
    first = _first_of_month(start)
    for _ in range(MONTHS[interval]):
        first = _first_of_month(first + 31 * _DAY)
    return first


def _first_of_month(moment: datetime) -> datetime:
    return moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
