"""Rates from counts, and sums of counts."""

from __future__ import annotations

from collections.abc import Sequence

import narwhals.stable.v2 as nw
from narwhals.stable.v2.typing import IntoFrameT

from klaviyo_analytics.analysis._definitions import RATES, Rate, additive, money_among, refuse_unique
from klaviyo_analytics.analysis._engine import (
    Table,
    carried,
    closed,
    columns_of,
    listed,
    names,
    opened,
    ratio,
    require,
    require_numbers,
    require_one_currency,
    require_one_metric,
    summed,
)
from klaviyo_analytics.analysis._given import MESSAGES, WrongFrame, takes


@takes(MESSAGES)
def rates(frame: IntoFrameT) -> IntoFrameT:
    """Rebuild every rate from the counts of its row.

    ======================= =====================================
    column                  definition
    ======================= =====================================
    delivery_rate           delivered ÷ recipients
    bounce_rate             bounced ÷ recipients
    failed_rate             failed ÷ recipients
    bounced_or_failed_rate  bounced_or_failed ÷ recipients
    open_rate               opens_unique ÷ delivered
    click_rate              clicks_unique ÷ delivered
    click_to_open_rate      clicks_unique ÷ opens_unique
    unsubscribe_rate        unsubscribe_uniques ÷ delivered
    spam_complaint_rate     spam_complaints ÷ delivered
    conversion_rate         conversion_uniques ÷ delivered
    average_order_value     conversion_value ÷ conversions
    revenue_per_recipient   conversion_value ÷ recipients
    ======================= =====================================

    Parameters
    ----------
    frame : DataFrame
        With counts as the reports name them; pandas, Polars, DuckDB, PySpark, ...

    Returns
    -------
    DataFrame
        The same rows. Each rate whose two counts are there is replaced or appended, as a fraction; it is
        missing where the denominator is zero.

    Raises
    ------
    FrameError
        If no rate can be made of the columns.

    Examples
    --------
    Of 1,000 recipients 980 were delivered; 490 opened, so the open rate is 490 ÷ 980 = 0.5, and 49 clicked:
    49 ÷ 980 = 0.05 of those delivered and 49 ÷ 490 = 0.1 of those who opened.

    >>> import pandas as pd
    >>> from klaviyo_analytics import analysis
    >>> sent = pd.DataFrame({"recipients": [1000, 0], "delivered": [980, 0], "opens_unique": [490, 0]})
    >>> sent["clicks_unique"] = [49, 0]
    >>> analysis.rates(sent)[["delivery_rate", "open_rate", "click_rate", "click_to_open_rate"]]
       delivery_rate  open_rate  click_rate  click_to_open_rate
    0           0.98        0.5        0.05                 0.1
    1            NaN        NaN         NaN                 NaN
    """
    return closed(with_rates(opened(frame)), frame)


@takes(MESSAGES)
def roll_up(frame: IntoFrameT, *, by: str | Sequence[str] = ()) -> IntoFrameT:
    """Add up counts and money over rows, and rebuild the rates from the sums.

    Unique counts of messages are added: who opened two messages counts as two opens, of two deliveries.

    Parameters
    ----------
    frame : DataFrame
        A summary (one row a message) or aggregates.
    by : str or sequence of str
        Columns that keep their rows apart; none adds up everything into one row.

    Returns
    -------
    DataFrame
        `by`, the sums, `currency` if there is one, and the rates as in `rates`; sorted by `by`. Columns that
        neither group nor add up are left out.

    Raises
    ------
    FrameError
        If two currencies or two metrics would be added, or if there is nothing to add.
    NotAdditiveError
        If `unique` or unique counts would be added over time.

    Examples
    --------
    Two messages, 100 opens of 200 deliveries and 10 of 100: together 110 of 300, not the mean of 0.5 and 0.1.

    >>> import pandas as pd
    >>> from klaviyo_analytics import analysis
    >>> messages = pd.DataFrame(
    ...     {"flow": ["Welcome", "Welcome"], "delivered": [200, 100], "opens_unique": [100, 10]}
    ... )
    >>> analysis.roll_up(messages, by="flow").round(4)
          flow  delivered  opens_unique  open_rate
    0  Welcome        300           110     0.3667
    """
    keys = names(by)
    return closed(rolled_up(opened(frame, *keys), keys), frame)


def with_rates(table: Table) -> Table:
    """Append or replace the rates that the columns allow."""
    made = possible_rates(table)
    if not made:
        raise WrongFrame(
            f"no rate can be made of {listed(columns_of(table))}; counts like 'delivered' and 'opens_unique' "
            "are needed"
        )
    require_numbers(table, {name for rate in made.values() for name in (rate.numerator, rate.denominator)})
    return table.with_columns(
        **{name: ratio(rate.numerator, rate.denominator) for name, rate in made.items()}
    )


def possible_rates(table: Table) -> dict[str, Rate]:
    """Return the rates whose two counts are both there."""
    present = set(columns_of(table))
    return {name: rate for name, rate in RATES.items() if {rate.numerator, rate.denominator} <= present}


def rolled_up(table: Table, keys: list[str]) -> Table:
    """Add up and rebuild the rates, where there are any."""
    require(table, keys)
    over_time = "datetime" in columns_of(table) and "datetime" not in keys
    free = [name for name in columns_of(table) if name not in keys]
    if over_time:
        refuse_unique(
            [name for name in free if name not in RATES],
            instead="ask for one interval over the whole time frame, or keep 'datetime' in by=",
        )
    result = sums(table, keys, additive(free, over_time=over_time))
    return with_rates(result) if possible_rates(result) else result


def sums(table: Table, keys: list[str], values: list[str]) -> Table:
    """Add up `values` by `keys`, sorted; money keeps its currency."""
    if not values:
        raise WrongFrame(f"nothing here is known to add up: {listed(columns_of(table))}")
    require_numbers(table, values)
    require_one_metric(table, keys)
    kept = []
    if money_among(values):
        require_one_currency(table, keys)
        kept = [nw.col(name).max() for name in carried(table, keys)]
    result = summed(table, keys, values, *kept)
    return result.sort(*keys, nulls_last=True) if keys else result
