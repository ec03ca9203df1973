"""Parts of a whole."""

from __future__ import annotations

from collections.abc import Sequence

import narwhals.stable.v2 as nw
from narwhals.stable.v2.typing import IntoFrameT

from klaviyo_analytics.analysis._engine import (
    AGGREGATES,
    carried,
    closed,
    filled,
    names,
    opened,
    ratio,
    require_numbers,
    require_one_currency,
    require_one_metric,
    summed,
    takes,
    with_whole,
)
from klaviyo_analytics.analysis.measures import money_among, refuse_unique


@takes(AGGREGATES)
def share_of_total(frame: IntoFrameT, value: str, *, within: str | Sequence[str] = ()) -> IntoFrameT:
    """Append each row's share of the total.

    Parameters
    ----------
    frame : DataFrame
        Rows of counts or money.
    value : str
        What to take shares of.
    within : str or sequence of str, optional
        Rows that agree here share one total, such as `datetime`; all rows if not given.

    Returns
    -------
    DataFrame
        The same rows and `<value>_share`, which adds up to 1; missing where the total is zero.

    Raises
    ------
    NotAdditiveError
        If `value` is a unique count or a rate: their parts are not parts of one whole.
    FrameError
        If rows of different metrics or currencies would share a total.

    Examples
    --------
    >>> import pandas as pd
    >>> from klaviyo_analytics import analysis
    >>> channels = pd.DataFrame({"attributed_channel": ["email", "sms"], "sum_value": [300.0, 100.0]})
    >>> analysis.share_of_total(channels, "sum_value")
      attributed_channel  sum_value  sum_value_share
    0              email      300.0             0.75
    1                sms      100.0             0.25
    """
    keys = names(within)
    table = opened(frame, value, *keys)
    refuse_unique([value], instead="compare the numbers as they are")
    require_numbers(table, [value])
    require_one_metric(table, keys)
    if money_among([value]):
        require_one_currency(table, keys)
    total = nw.col(value).sum().over(*keys) if keys else nw.col(value).sum()
    with_total = table.with_columns(__total=total)
    share = ratio(value, "__total").alias(f"{value}_share")
    return closed(with_total.with_columns(share).drop("__total"), frame)


@takes(
    "aggregates by message and flow: "
    'client.metric_aggregates.query(..., by=["$attributed_message", "$attributed_flow"])'
)
def revenue_split(frame: IntoFrameT, *, value: str = "sum_value", by: str | Sequence[str] = ()) -> IntoFrameT:
    """Split revenue into what campaigns brought, what flows brought, and all other.

    Parameters
    ----------
    frame : DataFrame
        Aggregates of the conversion metric by `$attributed_message` and `$attributed_flow`, and so with the
        columns `attributed_message` and `attributed_flow`: empty where no message is credited.
    value : str, default "sum_value"
        `count` splits orders instead.
    by : str or sequence of str, optional
        One split for each value of these: `datetime`, `attributed_channel`, `value_currency`.

    Returns
    -------
    DataFrame
        `by`, `source` ("campaign", "flow", "other"; always all three), `revenue` and `revenue_share` of all
        revenue, credited or not (`count` and `count_share` of orders), `currency` if there is one, and
        `complete`: whether all rows are. The three parts add up to the whole; of a frame without rows they are zero.

    Raises
    ------
    FrameError
        If two metrics or two currencies would be added.

    Examples
    --------
    500 in all: 200 by a flow (0.4), 50 by a campaign (0.1), the other 250 (0.5) by nothing that was sent.

    >>> import pandas as pd
    >>> from klaviyo_analytics import analysis
    >>> orders = pd.DataFrame(
    ...     {
    ...         "attributed_message": ["M1", "M2", ""],
    ...         "attributed_flow": ["F1", "", ""],
    ...         "sum_value": [200.0, 50.0, 250.0],
    ...     }
    ... )
    >>> analysis.revenue_split(orders)
         source  revenue  revenue_share  complete
    0  campaign     50.0            0.1      True
    1      flow    200.0            0.4      True
    2     other    250.0            0.5      True
    """
    keys = names(by)
    table = opened(frame, "attributed_message", "attributed_flow", value, *keys)
    refuse_unique([value], instead="split 'sum_value' or 'count'")
    require_numbers(table, [value])
    require_one_metric(table, keys)
    if money := money_among([value]):
        require_one_currency(table, keys)
    by_flow = filled("attributed_flow")
    by_campaign = ~by_flow & filled("attributed_message")
    parts = {"campaign": by_campaign, "flow": by_flow, "other": ~by_flow & ~by_campaign}
    wide = with_whole(table).with_columns(
        nw.when(belongs).then(nw.col(value)).otherwise(nw.col(value) * 0).alias(source)
        for source, belongs in parts.items()
    )
    currency = carried(table, keys)[:1] if money else []
    kept = [nw.col("__whole").min(), *(nw.col(name).max() for name in currency)]
    totals = summed(wide, keys, [value, *parts], *kept, nw.len().alias("__rows"))
    # without a single row nothing was sold; without a single known value it is not known how much
    nothing = nw.when(nw.col("__rows") > 0)
    totals = totals.with_columns(
        nothing.then(nw.col(source)).otherwise(nw.lit(0)).cast(table.collect_schema()[value]).alias(source)
        for source in parts
    )
    what = "revenue" if value == "sum_value" else value
    rows = nw.concat(
        [
            totals.select(
                *keys,
                nw.lit(source).alias("source"),
                nw.col(source).alias(what),
                ratio(source, value).alias(f"{what}_share"),
                *(nw.col(name).alias("currency") for name in currency),
                complete=nw.col("__whole") == 1,
            )
            for source in parts
        ]
    )
    return closed(rows.sort(*keys, "source", nulls_last=True), frame)
