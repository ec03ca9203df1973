"""One period against another."""

from __future__ import annotations

from collections.abc import Sequence

import narwhals.stable.v2 as nw
from narwhals.stable.v2.typing import IntoFrameT

from klaviyo_analytics.analysis._calendar import require_comparable
from klaviyo_analytics.analysis._engine import (
    Table,
    closed,
    columns_of,
    names,
    opened,
    paired,
    require,
    require_one_currency,
    require_one_metric,
    takes,
    with_change,
    with_whole,
)
from klaviyo_analytics.analysis.measures import additive, money_among, possible_rates, refuse_unique, totals
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
        of the previous value and missing where that is zero; and `complete`: whether all rows of both are.
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
