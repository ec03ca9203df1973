"""Calendar intervals inside a database: each row's interval, by the clock of its own time zone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, Literal, get_args

import narwhals.stable.v2 as nw

from klaviyo_analytics._messages import counted
from klaviyo_analytics.analysis._engine import Table, columns_of
from klaviyo_analytics.errors import FrameError

LongInterval = Literal["hour", "day", "week", "month", "quarter", "year"]
"""Intervals of frames; Klaviyo itself answers by hour, day, week and month."""

ORDER: tuple[LongInterval, ...] = get_args(LongInterval)
MONTHS: dict[LongInterval, int] = {"month": 1, "quarter": 3, "year": 12}
STEP: dict[LongInterval, timedelta] = {
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(days=7),
}

_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
# Clocks change by an hour, on Lord Howe Island by half an hour.
_GAPS: dict[LongInterval, tuple[timedelta, timedelta]] = {
    "hour": (_HOUR / 2, 1.5 * _HOUR),
    "day": (_DAY - _HOUR, _DAY + _HOUR),
    "week": (7 * _DAY - _HOUR, 7 * _DAY + _HOUR),
    "month": (28 * _DAY - _HOUR, 31 * _DAY + _HOUR),
    "quarter": (90 * _DAY - _HOUR, 92 * _DAY + _HOUR),
    "year": (365 * _DAY - _HOUR, 366 * _DAY + _HOUR),
}
# From the first of a month, quarter or year this many days lead into the next one, whatever its length.
_INTO_THE_NEXT: dict[LongInterval, timedelta] = {
    "month": timedelta(days=31),
    "quarter": timedelta(days=93),
    "year": timedelta(days=367),
}


@dataclass(frozen=True, slots=True)
class Grid:
    """How the rows lie in time.

    `interval` is None if all rows are of one time. With `converted`, days begin at midnight in another zone than
    that of the column, which is UTC: each row then belongs to the nearest midnight.
    """

    interval: LongInterval | None
    converted: bool


def require_zone(table: Table) -> None:
    """Raise FrameError unless `datetime` holds times with a time zone."""
    kind = table.collect_schema()["datetime"]
    # Narwhals does not recognise pandas' times in zones like America/New_York, but computes with them.
    if kind == nw.Unknown or (isinstance(kind, nw.Datetime) and kind.time_zone is not None):
        return
    raise FrameError(
        f"column 'datetime' is {kind}, and its time zone decides what a day is. Set it to "
        f"{time_cure(table, 'datetime')}, with the account's time zone"
    )


def time_cure(table: Table, column: str, zone: str = "America/New_York") -> str:
    """Return the code that makes times with a zone of a column that has none, in the table's own library.

    Text with an offset is converted; text and times without one are on the account's clock.
    """
    kind = table.collect_schema()[column]
    texts = [] if isinstance(kind, nw.Datetime) else _texts(table, column)
    offset = any(re.search(r":\d\d.*(Z|[+-]\d\d(:?\d\d)?)$", text) for text in texts)
    if table.implementation.is_polars():
        named = f"pl.col({column!r})"
        if isinstance(kind, nw.Datetime):
            made = f"{named}.dt.replace_time_zone({zone!r})"
        elif offset:
            made = f"{named}.str.to_datetime(time_zone='UTC').dt.convert_time_zone({zone!r})"
        else:
            made = f"{named}.str.to_datetime().dt.replace_time_zone({zone!r})"
        return f"frame.with_columns({made})"
    if not table.implementation.is_pandas_like():
        return "a timestamp with time zone"
    named = f"frame[{column!r}]"
    if isinstance(kind, nw.Datetime):
        return f"{named}.dt.tz_localize({zone!r})"
    # pandas reads all texts by the form of the first one, unless it is told that forms differ
    forms = ", format='ISO8601'" if len({len(text) for text in texts}) > 1 else ""
    if offset:
        return f"pd.to_datetime({named}, utc=True{forms}).dt.tz_convert({zone!r})"
    return f"pd.to_datetime({named}{forms}).dt.tz_localize({zone!r})"


def _texts(table: Table, column: str) -> list[str]:
    """Return the texts of a column, one of each length."""
    column_of = table.select(nw.col(column).cast(nw.String).str.strip_chars().alias("text")).drop_nulls()
    by_length = column_of.with_columns(length=nw.col("text").str.len_chars()).group_by("length")
    return [str(text) for text in by_length.agg(nw.col("text").min()).collect()["text"].to_list()]


def holds_times(table: Table) -> bool:
    """Return whether `datetime` holds times, with or without a time zone."""
    kind = table.collect_schema()["datetime"]
    return kind == nw.Unknown or isinstance(kind, nw.Datetime)


def grid_of(table: Table, given: LongInterval | None, stated: object = None) -> Grid:
    """Read how far rows are apart; `given` by the caller, `stated` by the frame where the rows do not show it.

    Raises
    ------
    FrameError
        If the rows are not an interval apart, or are days, weeks or months that do not begin at midnight.
    """
    moments = (
        table.select("datetime", __wall=wall("datetime")).unique().drop_nulls().sort("datetime").collect()
    )
    times, walls = moments["datetime"].to_list(), moments["__wall"].to_list()
    interval = given or _apart(times)
    if interval is None and stated in ORDER:
        interval = next(name for name in ORDER if name == stated)
    return Grid(interval, interval not in (None, "hour") and _converted(table, walls))


def _apart(times: list[datetime]) -> LongInterval | None:
    gaps = [later - earlier for earlier, later in pairwise(times)]
    if not gaps:
        return None
    smallest = min(gaps)
    for name, (least, most) in _GAPS.items():
        if least <= smallest <= most:
            return name
    raise FrameError(
        f"the rows of 'datetime' are {smallest} apart, which is not one of hour, day, week, month, quarter or year. "
        "If rows are missing, pass the interval that they have (source= of resample, interval= of "
        "period_over_period)"
    )


def _converted(table: Table, walls: list[datetime]) -> bool:
    """Return whether the rows begin at another zone's midnight; in some zones a day begins at 01:00 once a year."""
    odd = [one for one in walls if one - _midnight(one) > _HOUR]
    if not odd:
        return False
    kind = table.collect_schema()["datetime"]
    in_utc = isinstance(kind, nw.Datetime) and str(kind.time_zone).upper() in {"UTC", "ETC/UTC"}
    # 11:00 UTC is midnight in Auckland's summer as well as in Pago Pago, a day apart.
    unclear = [one for one in odd if 10 * _HOUR < one - _midnight(one) < 12 * _HOUR]
    if in_utc and not unclear:
        return True
    raise FrameError(
        f"the rows of 'datetime' are at {(unclear or odd)[0]:%H:%M} o'clock, but days, weeks and months begin at "
        "midnight. Convert the column to the account's time zone: frame['datetime'].dt.tz_convert('Europe/Berlin')"
    )


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def with_wall(table: Table, grid: Grid) -> Table:
    """Append `__wall`: the time of each row on its own clock; where rows are whole days, the day."""
    own = wall("datetime")
    if grid.converted:
        own = (own + nw.lit(12 * _HOUR)).dt.truncate("1d")
    elif grid.interval not in (None, "hour"):
        own = own.dt.truncate("1d")
    return table.with_columns(__wall=own)


def with_buckets(table: Table, interval: LongInterval, grid: Grid) -> Table:
    """Append the bucket of each row, and what tells whether the bucket is covered.

    `__bucket` (its wall-clock start, to group by), `__start` (when that is), `__opens` (the row begins with its
    bucket), `__ends` (the next row's place is in another bucket), `__followed` (the next row comes without a gap).
    """
    source = grid.interval or interval
    own = wall("datetime")
    table = with_wall(table, Grid(source, grid.converted))
    table = table.with_columns(__bucket=_floor(nw.col("__wall"), interval))
    if grid.converted:
        table = table.with_columns(__start=nw.col("datetime") - (nw.col("__wall") - nw.col("__bucket")))
    else:
        # Going back by the clock's difference lands an hour off if the clocks changed in between; the second step
        # puts that right. Unlike reading the wall clock again, this knows no missing and no doubled hour.
        table = table.with_columns(__start=nw.col("datetime") - (own - nw.col("__bucket")))
        table = table.with_columns(__start=nw.col("__start") + (nw.col("__bucket") - wall("__start")))
    opens = (
        nw.col("datetime") == nw.col("__start")
        if source == "hour"
        else nw.col("__wall") == nw.col("__bucket")
    )
    ends = (
        nw.lit(value=True)
        if source == interval
        else _floor(_next(nw.col("__wall"), source), interval) != nw.col("__bucket")
    )
    table = table.with_columns(__opens=opens.cast(nw.Int8), __ends=ends.cast(nw.Int8))
    return table.join(_followed(table, source), on="datetime", how="left")


def _followed(table: Table, source: LongInterval) -> Table:
    """Return for each time whether the next one is the next interval."""
    times = table.select("datetime", "__wall").unique()
    times = times.with_columns(
        __later=nw.col("datetime").shift(-1).over(order_by="datetime"),
        __later_wall=nw.col("__wall").shift(-1).over(order_by="datetime"),
    )
    if source == "hour":
        # An hour passes, or, where clocks change by half an hour, an hour by the clock.
        hour = nw.lit(_HOUR)
        by_clock = nw.col("__later_wall") <= nw.col("__wall") + hour
        near = nw.col("__later") <= nw.col("datetime") + nw.lit(1.5 * _HOUR)
        follows = (nw.col("__later") <= nw.col("datetime") + hour) | (by_clock & near)
    else:
        follows = nw.col("__later_wall") <= _next(nw.col("__wall"), source)
    return times.select("datetime", __followed=follows.fill_null(value=False).cast(nw.Int8))


def _next(walls: nw.Expr, interval: LongInterval) -> nw.Expr:
    """Return the wall-clock start of the interval after the one that begins here."""
    if interval in STEP:
        return walls + nw.lit(STEP[interval])
    return _floor(_floor(walls, interval) + nw.lit(_INTO_THE_NEXT[interval]), interval)


def wall(name: str) -> nw.Expr:
    """Return what a clock in the column's own zone shows."""
    return nw.col(name).dt.replace_time_zone(None)


def _floor(walls: nw.Expr, interval: LongInterval) -> nw.Expr:
    if interval == "week":
        # Monday, as `Timeframe` has it. Sunday is 7 in most engines and 0 in PySpark.
        since_monday = (walls.dt.weekday() + 6) % 7
        return walls.dt.truncate("1d") - nw.lit(timedelta(days=1)) * since_monday
    every = {"hour": "1h", "day": "1d", "month": "1mo", "quarter": "1q", "year": "1y"}
    return walls.dt.truncate(every[interval])


# How `str(Timeframe)` writes itself: whole days with the last one included, or two times.
_DAYS = re.compile(r"(\d{4}-\d{2}-\d{2})(?: to (\d{4}-\d{2}-\d{2}))? \(.+\)")
_TIMES = re.compile(r"(\d{4}-\d{2}-\d{2} \d{2}:\d{2}) to (\d{4}-\d{2}-\d{2} \d{2}:\d{2}) \(.+\)")
_ONE_DAY = timedelta(days=1)


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
        elif (self.end - self.start) % _ONE_DAY:
            return f"{self.start:%Y-%m-%d %H:%M} to {self.end:%Y-%m-%d %H:%M}"
        else:
            length = counted((self.end - self.start).days, "day")
        return f"{self.start:%Y-%m-%d} to {self.end - _ONE_DAY:%Y-%m-%d} ({length})"


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
        return Period(datetime.fromisoformat(first), datetime.fromisoformat(last) + _ONE_DAY)
    if found := _TIMES.fullmatch(text):
        return Period(datetime.fromisoformat(found[1]), datetime.fromisoformat(found[2]))
    return None


def _after(start: datetime, interval: LongInterval) -> datetime:
    """Return where the interval ends that begins here."""
    if interval in STEP:
        return start + STEP[interval]
    first = _first_of_month(start)
    for _ in range(MONTHS[interval]):
        first = _first_of_month(first + 31 * _ONE_DAY)
    return first


def _first_of_month(moment: datetime) -> datetime:
    return moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
