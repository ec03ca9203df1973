"""Lists: who joined and who left."""

from __future__ import annotations

from collections.abc import Sequence

import narwhals.stable.v2 as nw
from narwhals.stable.v2.typing import IntoFrameT

from klaviyo_analytics.analysis._engine import (
    Table,
    closed,
    columns_of,
    names,
    opened,
    require,
    require_numbers,
    require_one_metric,
    series_columns,
    summed,
    with_whole,
)
from klaviyo_analytics.analysis._given import takes
from klaviyo_analytics.analysis._pairs import paired

_METRICS = ("metric", "metric_id")


@takes(
    "aggregates of two metrics: client.metric_aggregates.query('Subscribed to List', by='List', ...) and "
    "the same of 'Unsubscribed from List'"
)
def list_growth(
    subscribed: IntoFrameT,
    unsubscribed: IntoFrameT,
    *,
    members_before: int | None = None,
    by: str | Sequence[str] | None = None,
) -> IntoFrameT:
    """Put joiners against leavers, interval by interval: net growth = subscribed − unsubscribed.

    Parameters
    ----------
    subscribed, unsubscribed : DataFrame
        Aggregates (`datetime`, `count`) of "Subscribed to List" and "Unsubscribed from List", or of the
        account-wide metrics, with the same interval and time frame.
    members_before : int, optional
        Size of the list when the first interval begins; without it `members` stays missing.
    by : str or sequence of str, optional
        What tells lists apart; the columns that both have and that are neither numbers nor times, if not given.

    Returns
    -------
    DataFrame
        `datetime`, `by`, `subscribed`, `unsubscribed`, `net`, `members` (the size at the interval's end), and
        `complete`: whether both are. An interval that only one frame has counts as zero in the other.

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
    size = nw.col("net").cum_sum().over(*keys, order_by="datetime") + (members_before or 0)
    known = nw.lit(value=members_before is not None)
    result = result.with_columns(members=size).with_columns(members=nw.when(known).then(nw.col("members")))
    found = ["datetime", *keys, "subscribed", "unsubscribed", "net", "members", "complete"]
    return closed(result.select(*found).sort("datetime", *keys, nulls_last=True), subscribed)


def _counted(table: Table, keys: list[str]) -> Table:
    require(table, keys)
    require_numbers(table, ["count"])
    require_one_metric(table, keys)
    return summed(with_whole(table), ["datetime", *keys], ["count"], nw.col("__whole").min())


def _shared_series(joined: Table, left: Table) -> list[str]:
    there = columns_of(left)
    return [name for name in series_columns(joined, besides=_METRICS) if name in there]
