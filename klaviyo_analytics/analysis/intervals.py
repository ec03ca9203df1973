"""Series over time: longer intervals, the change from one interval to the next, and the growth of lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from numbers import Integral
from typing import Any

import narwhals.stable.v2 as nw
import pandas as pd
from narwhals.stable.v2.typing import IntoFrameT

from klaviyo_analytics._messages import counted
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
    WrongFrame,
    closed,
    columns_of,
    listed,
    names,
    opened,
    paired,
    require,
    require_numbers,
    require_one_metric,
    require_unique,
    series_columns,
    takes,
    with_change,
    with_whole,
)
from klaviyo_analytics.analysis.measures import additive, refuse_unique, summed
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
        raise WrongFrame(f"nothing here is known to add up over time: {there}; name what does in sum_of=")
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


_METRICS = ("metric", "metric_id")


@takes(
    "aggregates of two metrics: client.metric_aggregates.query('Subscribed to List', by='List', ...) and "
    "the same of 'Unsubscribed from List'"
)
def list_growth(
    subscribed: IntoFrameT,
    unsubscribed: IntoFrameT,
    *,
    members_before: int | Mapping[Any, int] | None = None,
    by: str | Sequence[str] | None = None,
) -> IntoFrameT:
    """Put joiners against leavers, interval by interval: net growth = subscribed − unsubscribed.

    Parameters
    ----------
    subscribed, unsubscribed : DataFrame
        Aggregates (`datetime`, `count`) of "Subscribed to List" and "Unsubscribed from List", or of the
        account-wide metrics, with the same interval and time frame.
    members_before : int or mapping of list to int, optional
        Size of the list when the first interval begins, 0 or more; without it `members` stays missing. Several lists
        take a mapping, keyed by the value of `by` (by tuples if there are several), such as
        `{"Newsletter": 1200, "VIP": 80}`; a list that is not in it has no `members`.
    by : str or sequence of str, optional
        What tells lists apart; the columns that both have and that are neither numbers nor times, if not given.

    Returns
    -------
    DataFrame
        `datetime`, `by`, `subscribed`, `unsubscribed`, `net`, `members` (the size at the interval's end), and
        `complete`: whether both are. An interval that only one frame has counts as zero in the other. From an
        interval whose `net` is not known on, `members` is missing.

    Raises
    ------
    InvalidInputError
        If one number is given for several lists, a mapping has a list that the frames do not have, or a size is not a
        non-negative whole number; or if a list would have fewer than 0 members: then `members_before` is too small.
    FrameError
        If columns are missing, one frame holds several metrics, or a count is negative.

    Notes
    -----
    These are events: who joins, leaves and joins again counts twice and once. Profiles that were deleted,
    suppressed or merged leave without an event, so `members` is an estimate. It is never negative: more leavers than
    members show that the list was larger before, or that people left who were not in it (the metric of the whole
    account counts those of all lists). Leave out `members_before`, or that list of the mapping, to have `net` alone.

    Examples
    --------
    10 join and 4 leave: 6 more; then 5 and 8: 3 fewer. 100 members become 106 and 103.

    >>> import pandas as pd
    >>> from klaviyo_analytics import analysis
    >>> days = pd.date_range("2026-03-02", periods=2, tz="UTC")
    >>> joined = pd.DataFrame({"datetime": days, "count": [10, 5]})
    >>> left = pd.DataFrame({"datetime": days, "count": [4, 8]})
    >>> analysis.list_growth(joined, left, members_before=100).drop(columns="datetime")
       subscribed  unsubscribed  net  members  complete
    0          10             4    6      106      True
    1           5             8   -3      103      True
    """
    joined, left = opened(subscribed, "datetime", "count"), opened(unsubscribed, "datetime", "count")
    keys = _shared_series(joined, left) if by is None else names(by)
    sides = (_counted(joined, keys, "subscribed"), _counted(left, keys, "unsubscribed"))
    both = paired(*sides, ["datetime", *keys], ["count", "__whole"])
    result = both.with_columns(
        subscribed=nw.when(nw.col("__current") == 1).then(nw.col("count")).otherwise(nw.lit(0)),
        unsubscribed=nw.when(nw.col("__previous") == 1).then(nw.col("count_previous")).otherwise(nw.lit(0)),
        complete=nw.min_horizontal("__whole", "__whole_previous") == 1,
    ).with_columns(net=nw.col("subscribed") - nw.col("unsubscribed"))
    before = _sizes_before(result, keys, members_before)
    result = result.with_columns(__unknown=nw.col("net").is_null().cast(nw.Int64))
    result = result.with_columns(
        nw.col("__unknown").cum_sum().over(*keys, order_by="datetime"),
        members=nw.col("net").cum_sum().over(*keys, order_by="datetime"),
    ).with_columns(members=nw.when(nw.col("__unknown") == 0).then(nw.col("members") + before))
    if members_before is not None:
        _require_members(result, keys)
    found = ["datetime", *keys, "subscribed", "unsubscribed", "net", "members", "complete"]
    return closed(result.select(*found).sort("datetime", *keys, nulls_last=True), subscribed)


def _sizes_before(table: Table, keys: list[str], given: int | Mapping[Any, int] | None) -> nw.Expr:
    """Return the size that each list began with; missing where it is not known."""
    nothing = nw.when(nw.col("net").is_null() & ~nw.col("net").is_null()).then(nw.col("net"))
    if given is None:
        return nothing
    sizes_given: list[Any] = [*given.values()] if isinstance(given, Mapping) else [given]
    for size in sizes_given:
        if isinstance(size, bool) or not isinstance(size, Integral) or not 0 <= int(size) < 2**53:
            raise InvalidInputError(
                f"members_before={given!r} has {size!r}, which is not a size of a list. Expected a whole number of 0 "
                "or more; leave out a list whose size is not known"
            )
    lists = _rows(table.select(*keys).unique()) if keys else [()]
    named = {_key(values): values for values in lists}
    if not isinstance(given, Mapping):
        if len(lists) > 1:
            shown = ", ".join(repr(name) for name in sorted(named, key=str)[:5])
            raise InvalidInputError(
                f"members_before={given} is one number, but the frames have {len(lists)} lists ({shown}). Pass a "
                f"number for each, such as {{{sorted(named, key=str)[0]!r}: {given}}}, or filter to one list"
            )
        return nw.lit(int(given))
    if unknown := [name for name in given if name not in named]:
        shown = ", ".join(repr(name) for name in sorted(named, key=str)[:5])
        raise InvalidInputError(
            f"members_before has {unknown[0]!r}, which is not a list in the frames. They have {shown}"
        )
    sizes: nw.Expr = nothing
    for name, size in given.items():
        pairs = zip(keys, named[name], strict=True)
        matches = [nw.col(key).is_null() if value is None else nw.col(key) == value for key, value in pairs]
        same = nw.all_horizontal(*matches, ignore_nulls=True) if matches else nw.lit(value=True)
        sizes = nw.when(same).then(nw.lit(int(size))).otherwise(sizes)
    return sizes


def _require_members(table: Table, keys: list[str]) -> None:
    """Raise InvalidInputError if a list would have fewer than no members."""
    below = table.filter(nw.col("members") < 0)
    lowest = (
        below.group_by(*keys).agg(nw.col("members").min()) if keys else below.select(nw.col("members").min())
    )
    found = [
        (*values, least) for *values, least in _rows(lowest.select(*keys, "members")) if least is not None
    ]
    if not found:
        return
    *values, least = min(found, key=lambda row: (row[-1], str(row)))
    times = below
    for key, value in zip(keys, values, strict=True):
        times = times.filter(nw.col(key).is_null() if value is None else nw.col(key) == value)
    first = times.select(nw.col("datetime").min()).collect().item()
    name = f"the list {_key(tuple(values))!r}" if keys else "the list"
    more = f" So would {counted(len(found) - 1, 'other list')}." if len(found) > 1 else ""
    raise InvalidInputError(
        f"members_before is too small: {name} would have {int(least):,} members at the lowest, and fewer than 0 from "
        f"{first} on.{more} Pass a size that is larger by {-int(least):,} or more, or {_without(keys)}"
    )


def _without(keys: list[str]) -> str:
    what = "leave the list out of members_before" if keys else "omit members_before"
    return f"{what} if people left who were not in it; its `members` are then missing"


def _rows(table: Table) -> list[tuple[Any, ...]]:
    """Return rows as plain values; each library writes a missing one in its own way."""
    found = table.with_columns(nw.all().is_null().name.prefix("__no_")).collect()
    values, absent = (found.select(*part).rows() for part in _halves(found.columns))
    return [
        tuple(None if gone else value for value, gone in zip(row, missing, strict=True))
        for row, missing in zip(values, absent, strict=True)
    ]


def _halves(columns: list[str]) -> tuple[list[str], list[str]]:
    middle = len(columns) // 2
    return columns[:middle], columns[middle:]


def _key(values: tuple[Any, ...]) -> Any:
    """Return how a mapping writes a list: one value as it is, several as a tuple."""
    return values[0] if len(values) == 1 else values


def _counted(table: Table, keys: list[str], what: str) -> Table:
    require(table, keys)
    require_numbers(table, ["count"])
    least = table.select(nw.col("count").min()).collect().item()
    if not pd.isna(least) and least < 0:
        raise FrameError(
            f"column 'count' of `{what}` holds {least}, and a count is 0 or more. Pass leavers as positive "
            "numbers, too"
        )
    require_one_metric(table, keys)
    # `members` adds the counts of all intervals
    return summed(with_whole(table), ["datetime", *keys], ["count"], nw.col("__whole").min(), added_by=keys)


def _shared_series(joined: Table, left: Table) -> list[str]:
    there = columns_of(left)
    return [name for name in series_columns(joined, besides=_METRICS) if name in there]
