"""Campaigns and flows, message by message."""

from __future__ import annotations

from collections.abc import Sequence

import narwhals.stable.v2 as nw
from narwhals.stable.v2.typing import IntoFrameT

from klaviyo_analytics.analysis._engine import (
    Table,
    closed,
    columns_of,
    listed,
    opened,
    ratio,
    require,
    require_numbers,
    require_one_currency,
    require_one_metric,
    series_columns,
    summed,
)
from klaviyo_analytics.analysis.argument_checks import CAMPAIGNS, FLOWS, WrongFrame, renamed, takes
from klaviyo_analytics.analysis.measures import money_among, with_rates, without_blind_opens
from klaviyo_analytics.arithmetic import RATES
from klaviyo_analytics.errors import InvalidInputError

_STAGES = ("recipients", "delivered", "opens_unique", "clicks_unique", "conversion_uniques")
_IDENTITY = ("flow_id", "flow", "flow_message_id", "message", "message_position", "channel")
_ORDER = ("flow", "flow_id", "message_position", "message", "flow_message_id", "channel")


@renamed(rank_by="by")
@takes(CAMPAIGNS)
def campaign_ranking(
    frame: IntoFrameT,
    *,
    by: str = "revenue_per_recipient",
    top: int | None = None,
    minimum_recipients: int = 0,
    ascending: bool = False,
) -> IntoFrameT:
    """Rank the rows of a summary by a rate, a count or money; rates are rebuilt from counts first.

    Parameters
    ----------
    frame : DataFrame
        Campaign summary; a flow summary, or one by message or variation, does as well.
    by : str, default "revenue_per_recipient"
        The column, or a rate that is made of columns.
    top : int, optional
        Only so many rows.
    minimum_recipients : int, default 0
        Leave out smaller sends: a rate over twenty recipients says little.
    ascending : bool, default False
        True puts the lowest first, as for `unsubscribe_rate`.

    Returns
    -------
    DataFrame
        `rank` (rows that are equal share one) and the columns of `frame`, best first. Rows for which `by`
        is missing, such as a rate of nobody, have no rank and are left out. A pandas frame tells in
        `attrs["ranking"]` how many rows there were and how many are left out why, so that a picture can say it.

    Raises
    ------
    FrameError
        If `by` can be neither found nor made, or is money in two currencies.

    Examples
    --------
    The large send earned 400 ÷ 2,000 = 0.20 a recipient, the small one 150 ÷ 500 = 0.30.

    >>> import pandas as pd
    >>> from klaviyo_analytics import analysis
    >>> summary = pd.DataFrame(
    ...     {"campaign": ["Large", "Small"], "recipients": [2000, 500], "conversion_value": [400.0, 150.0]}
    ... )
    >>> analysis.campaign_ranking(summary)
       rank campaign  recipients  conversion_value  revenue_per_recipient
    0     1    Small         500             150.0                    0.3
    1     2    Large        2000             400.0                    0.2
    """
    table = without_blind_opens(opened(frame))
    if by in RATES:
        require(table, [RATES[by].numerator, RATES[by].denominator])
        table = with_rates(table)
    require_numbers(table, [by])
    if money_among([RATES[by].numerator if by in RATES else by]):
        require_one_currency(table, [])
    if top is not None and top < 1:
        raise InvalidInputError(f"top={top} leaves nothing; it is at least 1")
    large = table
    if minimum_recipients:
        require(table, ["recipients"])
        large = table.filter(nw.col("recipients") >= minimum_recipients)
    columns = [name for name in columns_of(table) if name != "rank"]
    ranked = large.filter(~nw.col(by).is_null()).with_columns(
        rank=nw.col(by).rank("min", descending=not ascending).cast(nw.Int64)
    )
    # Equal rows keep one order, whatever order they came in.
    names = series_columns(table)
    result = ranked.select("rank", *columns).sort("rank", *names, nulls_last=True)
    result = result if top is None else result.head(top)
    if not nw.dependencies.is_pandas_dataframe(frame):
        return closed(result, frame)
    given, kept, with_rank, shown = (_rows(one) for one in (table, large, ranked, result))
    left_out = {"small": given - kept, "minimum_recipients": minimum_recipients, "unranked": kept - with_rank}
    return closed(result, frame, ranking={"by": by, "of": given, "shown": shown, **left_out})


def _rows(table: Table) -> int:
    return int(table.select(nw.len()).collect().item())


@takes(FLOWS)
def flow_funnel(frame: IntoFrameT) -> IntoFrameT:
    """Follow each message of a flow from its recipients to its conversions.

    Parameters
    ----------
    frame : DataFrame
        Flow summary by message: profiles as `recipients`, `delivered`, `opens_unique`, `clicks_unique`,
        `conversion_uniques`, as far as they are there. Variations of a message are added up.

    Returns
    -------
    DataFrame
        What names the message, `stage`, `position` (1 is `recipients`), `profiles`, `step_rate` (profiles of this
        stage ÷ those of the stage before) and `overall_rate` (÷ the recipients), float64. Both sides of a rate are
        added up over those rows alone in which both are known: text messages, whose opens nobody can see, take
        no part in the rates of opens. A row that stands for messages of several channels has no `overall_rate`
        of opens, since it does not say how many recipients each channel had. Flows by name, messages in the
        order of their flow where the summary has it (`message_position`), else by name, stages in order.

    Notes
    -----
    A later stage can be larger than the one before: a click without a counted open, or a conversion without
    a click. Its `step_rate` is then above 1, and that is what happened.

    Examples
    --------
    Of 200 recipients 100 opened (0.5) and 20 clicked: 20 ÷ 100 = 0.2 of the openers, 20 ÷ 200 = 0.1 of all.

    >>> import pandas as pd
    >>> from klaviyo_analytics import analysis
    >>> welcome = pd.DataFrame(
    ...     {"flow": ["Welcome"], "message": ["Hello"], "recipients": [200], "opens_unique": [100]}
    ... ).assign(clicks_unique=20)
    >>> analysis.flow_funnel(welcome)
          flow message          stage  position  profiles  step_rate  overall_rate
    0  Welcome   Hello     recipients         1       200        1.0           1.0
    1  Welcome   Hello   opens_unique         2       100        0.5           0.5
    2  Welcome   Hello  clicks_unique         3        20        0.2           0.1
    """
    table = without_blind_opens(opened(frame, "recipients"))
    present = columns_of(table)
    ids = [name for name in _IDENTITY if name in present]
    stages = [name for name in _STAGES if name in present]
    if not ids or len(stages) < 2:
        raise WrongFrame(f"a funnel needs a flow or message and at least two of {listed(_STAGES)}")
    require_numbers(table, stages)
    require_one_metric(table, ids)
    first, befores = stages[0], [stages[0], *stages]
    pairs = [
        pair
        for before, stage in zip(befores, stages, strict=False)
        for pair in ((stage, before), (stage, first))
    ]
    parts = {name: value for pair in pairs for name, value in _parts(present, *pair).items()}
    totalled = summed(table.with_columns(**parts), ids, [*stages, *parts])
    steps = [
        totalled.select(
            *ids,
            nw.lit(stage).alias("stage"),
            nw.lit(position).cast(nw.Int64).alias("position"),
            nw.col(stage).alias("profiles"),
            ratio(f"__{stage}_of_{before}", f"__{before}_for_{stage}").alias("step_rate"),
            ratio(f"__{stage}_of_{first}", f"__{first}_for_{stage}").alias("overall_rate"),
        )
        for position, (before, stage) in enumerate(zip(befores, stages, strict=False), start=1)
    ]
    order = [name for name in _ORDER if name in ids]
    return closed(nw.concat(steps).sort(*order, "position", nulls_last=True), frame)


def _parts(present: Sequence[str], stage: str, before: str) -> dict[str, nw.Expr]:
    """Return both sides of `stage` ÷ `before`, missing unless both are known."""
    over, under = nw.col(stage), nw.col(before)
    known = ~over.is_null() & ~under.is_null()
    for name, rate in RATES.items():
        # A row that stands for several messages brings what its rate is made of (see roll_up).
        if (rate.numerator, rate.denominator) == (stage, before):
            over = nw.coalesce(f"{name}_numerator", over) if f"{name}_numerator" in present else over
            under = nw.coalesce(f"{name}_denominator", under) if f"{name}_denominator" in present else under
        elif rate.numerator == stage and f"{name}_denominator" in present and rate.denominator != before:
            # How many of `before` belong to the messages whose `stage` is known cannot be told any more.
            known = known & (nw.coalesce(f"{name}_denominator", rate.denominator) == nw.col(rate.denominator))
    return {
        f"__{stage}_of_{before}": nw.when(known).then(over),
        f"__{before}_for_{stage}": nw.when(known).then(under),
    }
