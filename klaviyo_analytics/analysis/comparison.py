"""One period against another, and the parts of a whole."""

from __future__ import annotations

from collections.abc import Sequence

import narwhals.stable.v2 as nw
from narwhals.stable.v2.typing import IntoFrameT

from klaviyo_analytics.analysis._calendar import require_comparable
from klaviyo_analytics.analysis._engine import (
    AGGREGATES,
    Table,
    carried,
    closed,
    columns_of,
    filled,
    names,
    opened,
    paired,
    ratio,
    require,
    require_numbers,
    require_one_currency,
    require_one_metric,
    takes,
    with_change,
    with_whole,
)
from klaviyo_analytics.analysis.measures import (
    additive,
    money_among,
    possible_rates,
    refuse_unique,
    summed,
    totals,
)
from klaviyo_analytics.arithmetic import RATES
from klaviyo_analytics.errors import FrameError


@takes(
    "the same query for two time frames: client.metric_aggregates.query(...), client.campaigns.summary(...)"
)
def compare_periods(
    current: IntoFrameT,
    previous: IntoFrameT,
    *,
    values: str | Sequence[str] | None = None,
    by: str | Sequence[str] = (),
    check_periods: bool = True,
) -> IntoFrameT:
    """Compare the totals of two periods: counts and money added up, rates rebuilt from the sums.

    The periods are the same number of one calendar unit (February with January, a quarter with another), or
    equally many days, the later one first: `Timeframe.previous()` and `Timeframe.same_period_last_year()` return
    such periods. Their dates are read from `datetime`, or from the time frame that the client's frames carry.

    A rate is its numerator ÷ its denominator as `rates` defines them, each added up over those rows of its period
    alone in which both are known: text messages, whose opens nobody can see, take no part in `open_rate`.

    Parameters
    ----------
    current, previous : DataFrame
        The same query (aggregates or a summary) for two time frames.
    values : str or sequence of str, optional
        Counts, money and rates (see `rates`); all that can be had if not given.
    by : str or sequence of str, optional
        Columns that keep rows apart, such as `attributed_channel`; one row of totals if not given.
    check_periods : bool, default True
        False compares any two frames: periods of different length or order, or twice the same one.

    Returns
    -------
    DataFrame
        `by`, for each value itself, `<value>_previous`, `<value>_difference` and `<value>_change`, a fraction
        of the previous value and missing where that is not above zero; and `complete`: whether all rows of both are.
        What only one period has counts as zero in the other.

    Raises
    ------
    FrameError
        If two currencies or two metrics meet, columns are missing, or the periods are not of one length with the
        later one first (as far as the frames show it).
    NotAdditiveError
        If `unique` is asked for, or a unique count over time.

    Examples
    --------
    Email grew from 40 to 50, a change of 10 ÷ 40 = 0.25; text messages are new, so no fraction describes them.

    >>> import pandas as pd
    >>> from klaviyo_analytics import analysis
    >>> march = pd.DataFrame({"attributed_channel": ["email", "sms"], "count": [50, 6]})
    >>> february = pd.DataFrame({"attributed_channel": ["email"], "count": [40]})
    >>> analysis.compare_periods(march, february, by="attributed_channel").drop(columns="complete")
      attributed_channel  count  count_previous  count_difference  count_change
    0              email     50              40                10          0.25
    1                sms      6               0                 6           NaN
    """
    keys = names(by)
    frames = (current, previous)
    tables = opened(current, *keys), opened(previous, *keys)
    wanted, counts = _values(tables[0], keys, values)
    if check_periods and "datetime" not in keys:
        require_comparable(frames, tables)
    require(tables[1], counts)
    _require_alike(*tables, keys, money=money_among(counts))
    everything = [*keys, "__all"]
    rates = {name: RATES[name] for name in wanted if name in RATES}
    now, then = (
        totals(_with_all(table), everything, counts, rates, nw.col("__whole").min()) for table in tables
    )
    both = paired(now, then, everything, [*counts, *rates, "__whole"]).with_columns(
        *_zero_if_absent(counts),
        *(nw.col(name).fill_null(1) for name in ("__whole", "__whole_previous")),
    )
    found = [f"{name}{end}" for name in wanted for end in ("", "_previous", "_difference", "_change")]
    whole = (nw.col("__whole") == 1) & (nw.col("__whole_previous") == 1)
    result = with_change(both, wanted).with_columns(complete=whole).sort(*everything, nulls_last=True)
    return closed(result.select(*keys, *found, "complete"), current)


def _values(table: Table, keys: list[str], values: str | Sequence[str] | None) -> tuple[list[str], list[str]]:
    """Return what is wanted and the counts that it takes."""
    free = [name for name in columns_of(table) if name not in keys]
    over_time = "datetime" in free
    possible = additive(free, over_time=over_time)
    if values is None:
        rates = [
            name
            for name, rate in possible_rates(table).items()
            if {rate.numerator, rate.denominator} <= {*possible}
        ]
        if not possible:
            raise FrameError("nothing here is known to add up; name what to compare in values=")
        return [*possible, *rates], possible
    wanted = names(values)
    made = [RATES[name] for name in wanted if name in RATES]
    counts = [name for name in wanted if name not in RATES]
    counts += [name for rate in made for name in (rate.numerator, rate.denominator) if name not in counts]
    counts = list(dict.fromkeys(counts))
    require(table, counts)
    refuse_unique(
        [name for name in counts if name not in possible],
        instead="ask for one interval that covers each period and compare the two numbers",
    )
    return wanted, counts


def _require_alike(current: Table, previous: Table, keys: list[str], *, money: bool) -> None:
    kinds = ("metric_id", "metric", "currency", "value_currency")
    shared = [name for name in kinds if name in columns_of(current) and name in columns_of(previous)]
    if shared:
        both = nw.concat([current.select(shared), previous.select(shared)])
        require_one_metric(both, keys)
        if money:
            require_one_currency(both, keys)


def _with_all(table: Table) -> Table:
    return with_whole(table).with_columns(__all=nw.lit(1))


def _zero_if_absent(counts: list[str]) -> list[nw.Expr]:
    return [
        nw.when(nw.col(side) == 1).then(nw.col(f"{name}{end}")).otherwise(nw.lit(0)).alias(f"{name}{end}")
        for name in counts
        for end, side in (("", "__current"), ("_previous", "__previous"))
    ]


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
    # as floats, since whole numbers may add up to more than 64 bits hold
    total = nw.col(value).cast(nw.Float64).sum()
    total = total.over(*keys) if keys else total
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
                complete=nw.col("__whole").fill_null(1) == 1,
            )
            for source in parts
        ]
    )
    return closed(rows.sort(*keys, "source", nulls_last=True), frame)
