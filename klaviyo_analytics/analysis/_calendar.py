"""Calendar intervals inside a database: each row's interval, by the clock of its own time zone."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import narwhals.stable.v2 as nw

from klaviyo_analytics.analysis._engine import Table
from klaviyo_analytics.errors import FrameError
from klaviyo_analytics.vocabulary import Interval

ORDER: tuple[Interval, ...] = ("hour", "day", "week", "month")

# The shortest distance between two rows tells their interval; a day has 23 hours once a year.
_LONGEST_GAP: tuple[tuple[Interval, timedelta], ...] = (
    ("hour", timedelta(hours=2)),
    ("day", timedelta(days=2)),
    ("week", timedelta(days=8)),
)
_STEP: dict[Interval, timedelta] = {
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(days=7),
}


def require_zone(table: Table) -> None:
    """Raise FrameError unless `datetime` holds times that know their zone."""
    kind = table.collect_schema()["datetime"]
    # Narwhals does not recognise pandas' times in zones like America/New_York, but computes with them.
    if kind == nw.Unknown or (isinstance(kind, nw.Datetime) and kind.time_zone is not None):
        return
    naive = isinstance(kind, nw.Datetime)
    times = "frame['datetime']" if naive else "pd.to_datetime(frame['datetime'])"
    raise FrameError(
        f"column 'datetime' is {kind}, and its time zone decides what a day is; "
        f"give it one with {times}.dt.tz_localize('America/New_York')"
    )


def interval_among(table: Table) -> Interval | None:
    """Return the interval that the rows are apart; None if all are of one time."""
    times = table.select("datetime").unique().drop_nulls().sort("datetime").collect()["datetime"].to_list()
    gaps = [later - earlier for earlier, later in pairwise(times)]
    if not gaps:
        return None
    return next((name for name, longest in _LONGEST_GAP if min(gaps) < longest), "month")


def with_buckets(table: Table, interval: Interval, source: Interval) -> Table:
    """Append `__bucket` (its wall-clock start, to group by), `__start` (when that is), `__opens`, `__closes`.

    A row opens its bucket if both start together, and closes it if the next row's place is in another bucket.
    """
    table = table.with_columns(__wall=_wall("datetime"))
    table = table.with_columns(__bucket=_floor(nw.col("__wall"), interval))
    # Going back by the clock's difference lands an hour off if the clocks changed in between; the second step
    # puts that right. Unlike reading the wall clock again, this knows no missing and no doubled hour.
    table = table.with_columns(__start=nw.col("datetime") - (nw.col("__wall") - nw.col("__bucket")))
    table = table.with_columns(__start=nw.col("__start") + (nw.col("__bucket") - _wall("__start")))
    opens = nw.col("datetime") == nw.col("__start")
    closes = (
        nw.lit(value=True)
        if source == interval
        else _floor(nw.col("__wall") + nw.lit(_STEP[source]), interval) != nw.col("__bucket")
    )
    return table.with_columns(__opens=opens.cast(nw.Int8), __closes=closes.cast(nw.Int8))


def _wall(name: str) -> nw.Expr:
    return nw.col(name).dt.replace_time_zone(None)


def _floor(wall: nw.Expr, interval: Interval) -> nw.Expr:
    if interval == "week":
        # Monday, as `Timeframe` has it. Sunday is 7 in most engines and 0 in PySpark.
        since_monday = (wall.dt.weekday() + 6) % 7
        return wall.dt.truncate("1d") - nw.lit(timedelta(days=1)) * since_monday
    return wall.dt.truncate({"hour": "1h", "day": "1d", "month": "1mo"}[interval])
