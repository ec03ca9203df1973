"""Lists: who joined and who left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import narwhals.stable.v2 as nw
from narwhals.stable.v2.typing import IntoFrameT

from klaviyo_analytics.analysis._engine import (
    Table,
    closed,
    columns_of,
    names,
    opened,
    paired,
    require,
    require_numbers,
    require_one_metric,
    series_columns,
    summed,
    with_whole,
)
from klaviyo_analytics.analysis.argument_checks import takes
from klaviyo_analytics.errors import InvalidInputError

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
        Size of the list when the first interval begins; without it `members` stays missing. Several lists take a
        mapping, keyed by the value of `by` (by tuples if there are several): `{"Newsletter": 1200, "VIP": 80}`;
        a list that is not in it has no `members`.
    by : str or sequence of str, optional
        What tells lists apart; the columns that both have and that are neither numbers nor times, if not given.

    Returns
    -------
    DataFrame
        `datetime`, `by`, `subscribed`, `unsubscribed`, `net`, `members` (the size at the interval's end), and
        `complete`: whether both are. An interval that only one frame has counts as zero in the other.

    Raises
    ------
    InvalidInputError
        If one number is given for several lists, or a mapping has a list that the frames do not have.
    FrameError
        If columns are missing or one frame holds several metrics.

    Notes
    -----
    These are events: who joins, leaves and joins again counts twice and once. Profiles that were deleted,
    suppressed or merged leave without an event, so `members` is an estimate.

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
    both = paired(_counted(joined, keys), _counted(left, keys), ["datetime", *keys], ["count", "__whole"])
    result = both.with_columns(
        subscribed=nw.when(nw.col("__current") == 1).then(nw.col("count")).otherwise(nw.lit(0)),
        unsubscribed=nw.when(nw.col("__previous") == 1).then(nw.col("count_previous")).otherwise(nw.lit(0)),
        complete=nw.min_horizontal("__whole", "__whole_previous") == 1,
    ).with_columns(net=nw.col("subscribed") - nw.col("unsubscribed"))
    before = _sizes_before(result, keys, members_before)
    size = nw.col("net").cum_sum().over(*keys, order_by="datetime")
    result = result.with_columns(members=size).with_columns(members=nw.col("members") + before)
    found = ["datetime", *keys, "subscribed", "unsubscribed", "net", "members", "complete"]
    return closed(result.select(*found).sort("datetime", *keys, nulls_last=True), subscribed)


def _sizes_before(table: Table, keys: list[str], given: int | Mapping[Any, int] | None) -> nw.Expr:
    """Return the size that each list began with; missing where it is not known."""
    nothing = nw.when(nw.col("net").is_null() & ~nw.col("net").is_null()).then(nw.col("net"))
    if given is None:
        return nothing
    lists = _rows(table.select(*keys).unique()) if keys else [()]
    named = {_key(values): values for values in lists}
    if not isinstance(given, Mapping):
        if len(lists) > 1:
            shown = ", ".join(repr(name) for name in sorted(named, key=str)[:5])
            raise InvalidInputError(
                f"members_before={given} is one number, but the frames have {len(lists)} lists ({shown}). Pass a "
                f"number for each, such as {{{sorted(named, key=str)[0]!r}: {given}}}, or filter to one list"
            )
        return nw.lit(given)
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
        sizes = nw.when(same).then(nw.lit(size)).otherwise(sizes)
    return sizes


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


def _counted(table: Table, keys: list[str]) -> Table:
    require(table, keys)
    require_numbers(table, ["count"])
    require_one_metric(table, keys)
    return summed(with_whole(table), ["datetime", *keys], ["count"], nw.col("__whole").min())


def _shared_series(joined: Table, left: Table) -> list[str]:
    there = columns_of(left)
    return [name for name in series_columns(joined, besides=_METRICS) if name in there]
