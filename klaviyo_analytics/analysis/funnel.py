"""Campaigns and flows, message by message."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, get_args

import narwhals.stable.v2 as nw
from narwhals.stable.v2.typing import IntoFrameT

from klaviyo_analytics.analysis._customer_events import (
    DAY,
    AsOf,
    Kind,
    check_positive,
    last_moment,
    made_like,
    read_events,
    rows_of,
)
from klaviyo_analytics.analysis._engine import (
    CAMPAIGNS,
    FLOWS,
    Table,
    WrongFrame,
    closed,
    columns_of,
    listed,
    opened,
    ratio,
    renamed,
    require,
    require_numbers,
    require_one_currency,
    require_one_metric,
    series_columns,
    takes,
)
from klaviyo_analytics.analysis._events import one_of, opened_rows, present
from klaviyo_analytics.analysis._ordering import first_of, in_order, interleaved, windowed
from klaviyo_analytics.analysis.measures import money_among, summed, with_rates, without_blind_opens
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
        `rank` (rows that are equal share one) and the columns of `frame`, best first. `rates` defines numerator and
        denominator of each rate, which is made of the row's own counts and missing if one is not known. Rows for
        which `by` is missing, such as a rate of nobody, have no rank and are left out. A pandas frame tells in
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
    result = in_order(ranked.select("rank", *columns), "rank", *names, nulls_last=True)
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
    order = [name for name in _ORDER if name in ids]
    totalled = in_order(totalled, *order, nulls_last=True)
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
    return closed(interleaved(steps, *order, "position"), frame)


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


EVENTS = "events: client.events.list(metric=[...])"

_NEVER = 2**62  # microseconds, later than any event


@takes(EVENTS)
def ordered_funnel(
    events: IntoFrameT,
    steps: Sequence[str],
    *,
    within: float | None = None,
    step: str = "metric",
    as_of: AsOf = None,
) -> IntoFrameT:
    """Count profiles that did the steps in order, and how long they took.

    A profile may start with any of its events of the first step; the start that gets furthest counts, and of
    those the earliest. After it the next event of each step counts, at the same time or later (later, if two
    steps in a row are the same).

    Parameters
    ----------
    events : DataFrame
        Events of all steps: `profile_id`, `datetime` (with a time zone) and `step`. Rows that share an `id`
        count once.
    steps : sequence of str
        Names of the steps in order, as they stand in column `step`; at least two.
    within : float, optional
        Days from the first step to the last; no limit if omitted.
    step : str, default "metric"
        Column that holds the name of the event's metric.
    as_of : str, date or datetime, optional
        Events after it do not count; UTC if it has no zone.

    Returns
    -------
    DataFrame
        One row per step: `position` (Int64, from 1), `step`, `profiles` (Int64), `share` (float, of those
        with the first step), `share_of_previous` (float), `median_hours` (float, from the previous step) and
        `median_hours_from_first` (float). Missing where no profile got there.

    Raises
    ------
    FrameError
        If columns are missing.
    InvalidInputError
        If there are fewer than two steps, or `within` is not positive.

    Notes
    -----
    Klaviyo's funnel has up to five steps and a completion window from the first to the last step as well.
    Events of the site exist for identified visitors only, so the first step of a site funnel misses unknown visitors.

    Examples
    --------
    >>> import pandas as pd
    >>> from klaviyo_analytics import analysis
    >>> times = ["2026-01-01 10:00", "2026-01-01 12:00", "2026-01-01 10:00"]
    >>> events = pd.DataFrame(
    ...     {
    ...         "profile_id": ["A", "A", "B"],
    ...         "metric": ["Viewed Product", "Placed Order", "Viewed Product"],
    ...         "datetime": pd.to_datetime(times, utc=True),
    ...     }
    ... )
    >>> funnel = analysis.ordered_funnel(events, ["Viewed Product", "Placed Order"], within=7)
    >>> funnel[["step", "profiles", "share", "median_hours"]]
                 step  profiles  share  median_hours
    0  Viewed Product         2    1.0           NaN
    1    Placed Order         1    0.5           2.0
    """
    if isinstance(steps, str) or len(steps) < 2:
        raise InvalidInputError(f"steps={steps!r} are not at least two names of events, in order.")
    if within is not None:
        check_positive("within", within)
    acts = read_events(events, step)
    at = last_moment([], as_of)
    acts = acts if at is None else acts.filter(nw.col("__at") <= at)
    acts = acts.select("profile_id", "__at", __step=nw.col(step).cast(nw.String))
    chains = acts.filter(nw.col("__step") == steps[0]).select("profile_id", __t0=nw.col("__at"))
    chains = chains.unique(["profile_id", "__t0"], keep="any")
    for number in range(1, len(steps)):
        chains = _next_step(chains, acts, steps, number, within)
    reached = nw.lit(1)
    for number in range(1, len(steps)):
        reached = nw.when(~nw.col(f"__t{number}").is_null()).then(nw.lit(number + 1)).otherwise(reached)
    best = chains.with_columns(__left=nw.lit(len(steps)) - reached)
    best = first_of(best, ["profile_id"], by=["__left", "__t0"])
    totals = best.select(nw.col(f"__t{number}").count().alias(f"{number}") for number in range(len(steps)))
    (counted,) = rows_of(totals)
    counts = [int(counted[f"{number}"] or 0) for number in range(len(steps))]
    found = _medians_between(best, [number for number in range(1, len(steps)) if counts[number]])
    rows = [
        {
            "position": number + 1,
            "step": name,
            "profiles": counts[number],
            "share": counts[number] / counts[0] if counts[0] else None,
            "share_of_previous": counts[number] / counts[number - 1]
            if number and counts[number - 1]
            else None,
            "median_hours": found.get(f"gap{number}"),
            "median_hours_from_first": found.get(f"all{number}"),
        }
        for number, name in enumerate(steps)
    ]
    kinds: dict[str, Kind] = {"position": "count", "step": "text", "profiles": "count", "share": "number"}
    kinds |= dict.fromkeys(("share_of_previous", "median_hours", "median_hours_from_first"), "number")
    return made_like(rows, kinds, events)


def _next_step(chains: Table, acts: Table, steps: Sequence[str], number: int, within: float | None) -> Table:
    """Append the time of the next step of each chain: the first event that follows."""
    known = [f"__t{place}" for place in range(number)]
    at_once = steps[number] != steps[number - 1]
    # Chains and events in one column of time; the next event of each row is the smallest of those after it.
    open_ = chains.filter(~nw.col(known[-1]).is_null())
    waiting = open_.select(
        "profile_id", "__t0", __when=nw.col(known[-1]), __side=nw.lit(0 if at_once else 1, dtype=nw.Int64)
    )
    waiting = waiting.with_columns(__event=nw.lit(_NEVER, dtype=nw.Int64))
    following = acts.filter(nw.col("__step") == steps[number]).select(
        "profile_id",
        __t0=nw.lit(-1, dtype=nw.Int64),
        __when=nw.col("__at"),
        __side=nw.lit(1 if at_once else 0, dtype=nw.Int64),
        __event=nw.col("__at"),
    )
    both = nw.concat([waiting.select(*columns_of(following)), following])
    # from the last to the first, as pandas 2 cannot go backwards
    both = both.with_columns(__back=-nw.col("__when"), __turn=-nw.col("__side"))
    soonest = nw.col("__event").cum_min()
    both = windowed(both, ["profile_id"], ["__back", "__turn"], __found=soonest).filter(nw.col("__t0") != -1)
    limit = _NEVER if within is None else math.floor(within * DAY)
    in_time = (nw.col("__found") < _NEVER) & (nw.col("__found") - nw.col("__t0") <= limit)
    next_at = nw.when(in_time).then(nw.col("__found"))
    both = both.with_columns(next_at.cast(nw.Int64).alias(f"__t{number}"))
    both = both.select("profile_id", "__t0", f"__t{number}")
    return chains.join(both, on=["profile_id", "__t0"], how="left")


def _medians_between(chains: Table, numbers: Sequence[int]) -> dict[str, float]:
    """Return the median hours to each step that somebody reached, from the step before and from the first."""
    hour = 3_600_000_000
    medians = []
    for number in numbers:
        here = nw.col(f"__t{number}")
        for name, since in ((f"gap{number}", f"__t{number - 1}"), (f"all{number}", "__t0")):
            medians.append(((here - nw.col(since)).cast(nw.Float64) / hour).median().alias(name))
    return rows_of(chains.select(*medians))[0] if medians else {}


Grain = Literal["person_touch", "campaign", "flow", "person"]
CREDITED = (
    "the frame of analysis.attribution(orders, touches), with the touches' campaign_id, flow_id, variation_id"
)
_GRAINS: dict[str, tuple[str, ...]] = {
    "person_touch": ("profile_id", "campaign_id", "flow_id", "variation_id"),
    "campaign": ("campaign_id",),
    "flow": ("flow_id",),
    "person": ("profile_id",),
}


@takes(CREDITED)
def touch_rollup(frame: IntoFrameT, grain: Grain = "person_touch") -> IntoFrameT:
    """Roll attributed orders up by person and touch, by campaign, by flow or by person.

    The grain "person_touch" is that of dbt_klaviyo: person × campaign or flow of the last touch × variation. Which
    of dbt_klaviyo's two ways it means depends on the model of the frame: "native" is its default since v1.1.0
    (Klaviyo's own attribution), "last_touch" with windows of 120 h for email and 24 h for text and `start="touch"`
    its sessions (`using_native_attribution: false`), but in elapsed time instead of hour boundaries, with the
    variation of the touch, with minus signs, and with ties ordered by id. There a touch ends the session before it,
    and a text whose 24 h have passed hides an older email; here that email still earns the order.

    Parameters
    ----------
    frame : DataFrame
        The frame of `attribution`, whose touches had `campaign_id`, `flow_id` and, for "person_touch",
        `variation_id`.
    grain : {"person_touch", "campaign", "flow", "person"}, default "person_touch"
        What a row is.

    Returns
    -------
    DataFrame
        The columns of the grain, `currency`, `first_order` and `last_order` (times), `orders` (float: sum of
        credits), `revenue` (with refunds negative), with net values `net_revenue`, `customers` but for persons, and
        `average_order_value`. Orders without a campaign or flow are a row with nulls for "person_touch", "campaign"
        and "flow". The rows add up to all orders. Sorted by the grain.

    Raises
    ------
    InvalidInputError
        If the grain is not allowed.
    FrameError
        If columns are missing.

    Examples
    --------
    >>> import pandas as pd
    >>> from klaviyo_analytics import analysis
    >>> at = pd.Timestamp("2026-04-10 12:00", tz="UTC")
    >>> credited = pd.DataFrame({"order_id": ["1", "2"], "profile_id": "A", "datetime": [at, at], "currency": "EUR"})
    >>> credited = credited.assign(campaign_id=["C1", None], credit=1.0, revenue=[30.0, -5.0])
    >>> analysis.touch_rollup(credited, "campaign")[["orders", "revenue", "customers"]]
       orders  revenue  customers
    0     1.0     30.0          1
    1     1.0     -5.0          1
    """
    keys = list(_GRAINS[one_of(grain, get_args(Grain), "grain")])
    needed = dict.fromkeys([*keys, "profile_id", "datetime", "currency", "credit", "revenue"])
    table = opened_rows(
        frame,
        *needed,
        times=("datetime",),
        numbers=("credit", "revenue", "net_revenue"),
        texts=(*keys, "currency"),
    )
    money = ["revenue", *present(table, ["net_revenue"])]
    groups = [*keys, "currency"]
    table = table.with_columns(
        __nobody=nw.col("profile_id").is_null().cast(nw.Int64), __person=nw.col("profile_id")
    )
    result = table.group_by(*groups).agg(
        nw.col("datetime").min().alias("first_order"),
        nw.col("datetime").max().alias("last_order"),
        nw.col("credit").sum().alias("orders"),
        *(nw.col(name).sum() for name in money),
        nw.col("__person").n_unique().alias("__people"),
        nw.col("__nobody").max(),
    )
    result = result.with_columns(
        customers=(nw.col("__people") - nw.col("__nobody")).cast(nw.Int64),
        average_order_value=nw.when(nw.col("orders") > 0).then(nw.col("revenue") / nw.col("orders")),
    )
    people = [] if "profile_id" in keys else ["customers"]
    columns = [*groups, "first_order", "last_order", "orders", *money, *people, "average_order_value"]
    return closed(result.select(columns).sort(*groups, nulls_last=True), frame)
