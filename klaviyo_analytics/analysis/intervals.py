"""Series over time: longer intervals, and the change from one interval to the next."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import narwhals.stable.v2 as nw
from narwhals.stable.v2.typing import IntoFrameT

from klaviyo_analytics.analysis._calendar import (
    MONTHS,
    ORDER,
    STEP,
    Grid,
    LongInterval,
    grid_of,
    require_zone,
    with_buckets,
    with_wall,
)
from klaviyo_analytics.analysis._engine import (
    AGGREGATES,
    Table,
    closed,
    columns_of,
    listed,
    names,
    opened,
    paired,
    require,
    require_numbers,
    require_unique,
    series_columns,
    summed,
    takes,
    with_change,
    with_whole,
)
from klaviyo_analytics.analysis.measures import additive, refuse_unique
from klaviyo_analytics.errors import FrameError, InvalidInputError


@takes(AGGREGATES)
def resample(
    frame: IntoFrameT,
    interval: LongInterval,
    *,
    sum_of: str | Sequence[str] | None = None,
    source: LongInterval | None = None,
) -> IntoFrameT:
    """Add up a series into longer intervals, by the clock of the frame's own time zone.

    Parameters
    ----------
    frame : DataFrame
        Aggregates: `datetime` in a time zone, columns that tell the series apart, and counts.
    interval : {"hour", "day", "week", "month", "quarter", "year"}
        Weeks begin on Monday; a day on which the clocks change is one day.
    sum_of : str or sequence of str, optional
        What to add up; all that adds up over time if not given.
    source : {"hour", "day", "week", "month", "quarter", "year"}, optional
        Interval of the rows, read from their distance if not given; needed if all rows are of one time, or if so
        many are missing that no two are an interval apart.

    Returns
    -------
    DataFrame
        `datetime` (start of the interval), the columns that are neither numbers nor times, `sum_of`, and
        `complete` (boolean): false where rows are marked unfinished, or where a part of the interval has no row
        in any series, such as a week without its Thursday. Other numbers are left out. Sorted by time.

    Raises
    ------
    NotAdditiveError
        If unique counts or rates are asked for.
    FrameError
        If columns are missing, times have no zone, or the rows are not of a shorter interval that fits: rows two
        days apart are neither days nor weeks, and weeks do not add up to months, quarters or years.

    Examples
    --------
    Monday to Sunday had 1 + 2 + ... + 7 = 28 orders; of the second week only Monday is there.

    >>> import pandas as pd
    >>> from klaviyo_analytics import analysis
    >>> days = pd.date_range("2026-03-02", periods=8, tz="America/New_York")
    >>> daily = pd.DataFrame({"datetime": days, "metric": "Placed Order", "count": range(1, 9)})
    >>> analysis.resample(daily, "week")
                       datetime        metric  count  complete
    0 2026-03-02 00:00:00-05:00  Placed Order     28      True
    1 2026-03-09 00:00:00-04:00  Placed Order      8     False
    """
    table = opened(frame, "datetime")
    require_zone(table)
    values = _values(table, sum_of, interval)
    grid = grid_of(table, _interval(source, "source"), _stated(frame))
    grid = Grid(_shorter(grid.interval, interval), grid.converted)
    keys = series_columns(table, besides=values)
    table = with_buckets(with_whole(table), interval, grid)
    table = table.with_columns(__covered=nw.max_horizontal("__ends", "__followed"))
    first = nw.when(nw.col("__opens") == 1).then(nw.col("__start"))
    together = nw.col("__whole", "__opens", "__ends", "__covered")
    result = (
        summed(
            table.with_columns(__first=first),
            ["__bucket", *keys],
            values,
            nw.col("__start").min(),
            nw.col("__first").min(),
            nw.col("__whole").min(),
            nw.col("__opens").max(),
            nw.col("__ends").max(),
            nw.col("__covered").min(),
        )
        # A series without a row for an hour in which nothing happened is as complete as the others.
        .with_columns(
            nw.col("__opens", "__ends").max().over("__bucket"),
            nw.col("__covered").min().over("__bucket"),
            nw.col("__first").min().over("__bucket"),
        )
        .with_columns(complete=nw.min_horizontal(together) == 1)
        .select(nw.coalesce("__first", "__start").alias("datetime"), *keys, *values, "complete")
        .sort("datetime", *keys, nulls_last=True)
    )
    return closed(result, frame, interval=interval)


@takes(AGGREGATES)
def period_over_period(
    frame: IntoFrameT,
    values: str | Sequence[str],
    *,
    lag: int = 1,
    by: str | Sequence[str] | None = None,
    interval: LongInterval | None = None,
) -> IntoFrameT:
    """Put beside each interval the one before on the calendar: week over week, or year over year with `lag=52`.

    Parameters
    ----------
    frame : DataFrame
        One row per `datetime` and series. An interval whose predecessor has no row gets missing values.
    values : str or sequence of str
        Any number columns; nothing is added up here.
    lag : int, default 1
        How many intervals to go back.
    by : str or sequence of str, optional
        What tells the series apart; the columns that are neither numbers nor times if not given.
    interval : {"hour", "day", "week", "month", "quarter", "year"}, optional
        Interval of the rows, read from their distance if not given.

    Returns
    -------
    DataFrame
        `datetime`, `by`, for each value itself, `<value>_previous`, `<value>_difference` and `<value>_change` (a
        fraction of the previous value), and `complete`. Difference and change are missing where the interval before
        is missing, or where one of the two is not complete; so is a change from zero or less.

    Raises
    ------
    FrameError
        If columns are missing, several rows have one time, or the rows are not an interval apart.
    InvalidInputError
        If `lag` is less than 1, or `interval` is not allowed.

    Examples
    --------
    >>> import pandas as pd
    >>> from klaviyo_analytics import analysis
    >>> weeks = pd.date_range("2026-03-02", periods=3, freq="7D", tz="UTC")
    >>> weekly = pd.DataFrame({"datetime": weeks, "count": [20, 25, 5], "complete": [True, True, False]})
    >>> changes = analysis.period_over_period(weekly, "count")
    >>> changes[["count", "count_previous", "count_difference", "count_change"]]
       count  count_previous  count_difference  count_change
    0     20            <NA>              <NA>           NaN
    1     25              20                 5          0.25
    2      5              25              <NA>           NaN
    """
    wanted = names(values)
    table = opened(frame, "datetime", *wanted)
    require_numbers(table, wanted)
    if lag < 1:
        raise InvalidInputError(f"lag={lag} does not go back; it is at least 1")
    keys = series_columns(table, besides=wanted) if by is None else names(by)
    require(table, keys)
    require_unique(table, ["datetime", *keys])
    table = with_whole(table).select("datetime", *keys, *wanted, "__whole")
    grid = grid_of(table, _interval(interval, "interval"), _stated(frame))
    places = with_wall(table.select("datetime").unique(), grid)
    here, there = _places(grid.interval or "day", lag)
    later = places.select(__place=there, __later=nw.col("datetime"))
    moved = places.select("datetime", __place=here).join(later, on="__place").select("datetime", "__later")
    previous = table.join(moved, on="datetime").drop("datetime").rename({"__later": "datetime"})
    result = paired(table, previous, ["datetime", *keys], [*wanted, "__whole"])
    result = with_change(result, wanted).filter(nw.col("__current") == 1)
    both_whole = (nw.col("__whole") == 1) & (nw.col("__whole_previous") == 1)
    unfair = [f"{name}_{what}" for name in wanted for what in ("difference", "change")]
    result = result.with_columns(
        *(nw.when(both_whole).then(nw.col(name)).alias(name) for name in unfair),
        complete=nw.col("__whole") == 1,
    )
    found = [f"{name}{end}" for name in wanted for end in ("", "_previous", "_difference", "_change")]
    result = result.select("datetime", *keys, *found, "complete").sort("datetime", *keys, nulls_last=True)
    return closed(result, frame)


def _places(interval: LongInterval, lag: int) -> tuple[nw.Expr, nw.Expr]:
    """Return the place of each interval on the calendar, and the place `lag` intervals before it."""
    # Nothing is taken from the one as well, because Polars gives what is left another unit of time.
    nothing = nw.lit(timedelta(0))
    if interval == "hour":
        return nw.col("datetime") - nothing, nw.col("datetime") - nw.lit(lag * STEP["hour"])
    if interval in MONTHS:
        month = nw.col("__wall").dt.year().cast(nw.Int64) * 12 + nw.col("__wall").dt.month().cast(nw.Int64)
        return month, month - lag * MONTHS[interval]
    return nw.col("__wall") - nothing, nw.col("__wall") - nw.lit(timedelta(days=lag * STEP[interval].days))


def _interval(given: str | None, argument: str) -> LongInterval | None:
    if given is None:
        return None
    for name in ORDER:
        if given == name:
            return name
    raise InvalidInputError(f"{argument}={given!r} is not one of {listed(ORDER)}")


def _stated(frame: Any) -> object:
    """Return the interval that a pandas frame carries."""
    return getattr(frame, "attrs", {}).get("interval") if nw.dependencies.is_pandas_dataframe(frame) else None


def _values(table: Table, sum_of: str | Sequence[str] | None, interval: LongInterval) -> list[str]:
    _interval(interval, "interval")
    if sum_of is None:
        wanted = additive(columns_of(table), over_time=True)
    else:
        wanted = names(sum_of)
        instead = f"ask Klaviyo for it with interval={interval!r}: {_query(wanted, interval)}"
        refuse_unique(wanted, instead=instead)
    if not wanted:
        there = listed(columns_of(table))
        raise FrameError(f"nothing here is known to add up over time: {there}; name it in sum_of=")
    require_numbers(table, wanted)
    return wanted


def _query(wanted: list[str], interval: LongInterval) -> str:
    if interval in ("quarter", "year"):
        return f"no query has intervals of a {interval}, so use a time frame of one {interval}: " + (
            "client.reports.flow_values(...)"
        )
    if "unique" in wanted:
        return f"client.metric_aggregates.query(metric, measurements=['unique'], interval={interval!r}, ...)"
    return f"client.reports.flow_series(..., interval={interval!r})"


def _shorter(source: LongInterval | None, interval: LongInterval) -> LongInterval | None:
    if source is None:
        return None
    if ORDER.index(source) > ORDER.index(interval):
        raise FrameError(
            f"the rows are a {source} apart and cannot be cut into {interval}s; query them by {interval}"
        )
    if source == "week" and interval in MONTHS:
        raise FrameError(
            f"a week can lie in two {interval}s, so weeks do not add up to {interval}s; query by 'day' or 'month'"
        )
    return source
