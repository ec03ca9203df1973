"""Flows over time: which have faded, where people are lost, and which collide."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import reduce
from operator import add

import narwhals.stable.v2 as nw
from narwhals.stable.v2.typing import IntoFrameT

from klaviyo_analytics._messages import near
from klaviyo_analytics.analysis._engine import closed, names, ratio, require_addable, takes
from klaviyo_analytics.analysis._events import (
    MICROSECONDS_PER_HOUR,
    critical_value,
    moment_in,
    opened_rows,
    parse_duration,
    require_ids,
    with_micros,
    with_wilson,
    zone_named,
)
from klaviyo_analytics.analysis.measures import summed
from klaviyo_analytics.arithmetic import RATES
from klaviyo_analytics.errors import InvalidInputError

SERIES = "a flow series: client.reports.flow_series(...)"
LOST = ("unsubscribe_uniques", "spam_complaints", "bounced")
_MEANS = {"revenue_per_recipient", "average_order_value"}


@takes(SERIES)
def flow_health(
    frame: IntoFrameT,
    *,
    since: datetime | str,
    measure: str = "click_rate",
    by: str | Sequence[str] = "flow",
    zone: str = "UTC",
    confidence: float = 0.95,
) -> IntoFrameT:
    """Compare the rate of each flow since a date with that before it.

    Parameters
    ----------
    frame : DataFrame
        A row per flow (or message) and interval: `datetime` (with a time zone), `by` and the counts of the measure,
        such as `clicks_unique` and `delivered`.
    since : datetime or str
        Where the recent part begins; a text or time without a zone is in `zone`.
    measure : str, default "click_rate"
        A rate of people, such as "click_rate", "open_rate" or "conversion_rate".
    by : str or sequence of str, default "flow"
        What to compare, such as ["flow", "message"].
    zone : str, default "UTC"
        The account's time zone.
    confidence : float, default 0.95
        Level of the intervals.

    Returns
    -------
    DataFrame
        `by`, `measure`, `numerator_before`, `denominator_before`, `rate_before` with `low_before` and `high_before`,
        the same with `_since`, `difference` with `difference_low` and `difference_high` (Newcombe's method 10, in
        fractions), `change` (relative) and `verdict`: "faded", "improved", "no clear change" or "too little data".
        Rows count in which numerator and denominator are both known.
        Rates where more is worse fade by rising. Sorted by change, the most faded first.

    Raises
    ------
    InvalidInputError
        If the measure is not a rate of people, or a date, zone or confidence is not valid.
    FrameError
        If columns are missing or times have no zone.

    Examples
    --------
    >>> import pandas as pd
    >>> from klaviyo_analytics import analysis
    >>> months = pd.to_datetime(["2026-01-01", "2026-02-01"], utc=True)
    >>> series = pd.DataFrame({"datetime": months, "flow": "Welcome", "delivered": [4000, 4000]})
    >>> series["clicks_unique"] = [400, 200]
    >>> health = analysis.flow_health(series, since="2026-02-01")
    >>> health[["flow", "rate_before", "rate_since", "change", "verdict"]]
          flow  rate_before  rate_since  change verdict
    0  Welcome          0.1        0.05    -0.5   faded
    """
    known = [name for name in RATES if name not in _MEANS]
    if measure not in known:
        raise InvalidInputError(
            f"measure={measure!r} is not a rate of people. Allowed are {near(measure, map(repr, known))}."
        )
    z = critical_value(confidence)
    split = moment_in(since, zone_named(zone), "since")
    rate = RATES[measure]
    keys = names(by)
    above, below = rate.numerator, rate.denominator
    table = opened_rows(frame, *keys, "datetime", above, below, times=("datetime",), numbers=(above, below))
    table = with_micros(table, __us="datetime").filter(~nw.col("__us").is_null())
    # A row whose numerator is missing, such as the opens of a text message, takes its denominator along.
    table = table.filter(~nw.col(above).is_null() & ~nw.col(below).is_null())
    recent = nw.col("__us") >= split
    parts = {}
    for name, inside in (("before", ~recent), ("since", recent)):
        weight = inside.cast(nw.Float64)
        parts[f"numerator_{name}"] = nw.col(above).cast(nw.Float64) * weight
        parts[f"denominator_{name}"] = nw.col(below).cast(nw.Float64) * weight
    sums = table.with_columns(**parts).group_by(*keys).agg(*(nw.col(name).sum() for name in parts))
    for name in ("before", "since"):
        parts_of = (f"numerator_{name}", f"denominator_{name}")
        sums = sums.with_columns(ratio(*parts_of).alias(f"rate_{name}"))
        sums = with_wilson(sums, *parts_of, z, low=f"low_{name}", high=f"high_{name}")
    gap = nw.col("rate_since") - nw.col("rate_before")
    under = (nw.col("rate_since") - nw.col("low_since")) ** 2 + (
        nw.col("high_before") - nw.col("rate_before")
    ) ** 2
    over = (nw.col("high_since") - nw.col("rate_since")) ** 2 + (
        nw.col("rate_before") - nw.col("low_before")
    ) ** 2
    result = sums.with_columns(
        measure=nw.lit(measure),
        difference=gap,
        difference_low=gap - under.sqrt(),
        difference_high=gap + over.sqrt(),
        change=nw.when(nw.col("rate_before") > 0).then(gap / nw.col("rate_before")),
    )
    worse = nw.col("difference_high") < 0 if rate.better == "above" else nw.col("difference_low") > 0
    better = nw.col("difference_low") > 0 if rate.better == "above" else nw.col("difference_high") < 0
    result = result.with_columns(
        verdict=nw.when(nw.col("difference").is_null())
        .then(nw.lit("too little data"))
        .otherwise(
            nw.when(worse)
            .then(nw.lit("faded"))
            .otherwise(nw.when(better).then(nw.lit("improved")).otherwise(nw.lit("no clear change")))
        ),
        __order=nw.col("change") * (1.0 if rate.better == "above" else -1.0),
    )
    shown = [
        f"{what}_{name}"
        for name in ("before", "since")
        for what in ("numerator", "denominator", "rate", "low", "high")
    ]
    columns = [
        *keys,
        "measure",
        *shown,
        "difference",
        "difference_low",
        "difference_high",
        "change",
        "verdict",
    ]
    return closed(result.sort("__order", *keys, nulls_last=True).select(columns), frame)


@takes("a flow summary by message: client.flows.summary(..., by='message')")
def flow_losses(
    frame: IntoFrameT, *, flow: str = "flow", message: str = "message", confidence: float = 0.95
) -> IntoFrameT:
    """Find the messages of each flow after which people are lost.

    Parameters
    ----------
    frame : DataFrame
        A row per message of a flow: `flow`, `message`, `recipients`, `delivered`, and where there,
        `unsubscribe_uniques`, `spam_complaints` and `bounced`. With `position` (1 for the first), messages
        are in its order, otherwise in that of their recipients, most first. With `branch`, each branch of a
        flow is a way of its own.
    flow, message : str
        The columns with the names.
    confidence : float, default 0.95
        Level of Wilson's interval.

    Returns
    -------
    DataFrame
        `flow` (and `branch`), `message`, `step` (1 for the first), `recipients`, `reached` (fraction of the first
        message's recipients), `kept` (fraction of the message before), `not_reached` (recipients of the message
        before that did not get this one; negative where more did), `left` (unsubscribed, complained or bounced,
        counts that may overlap), `left_rate` (left ÷ recipients) with `low` and `high`. Rows in which one of the
        three counts is missing take no part in `left` and in the recipients of `left_rate`; both are missing where
        that leaves none, or the frame has none of the three. Sorted by flow and step.

    Raises
    ------
    FrameError
        If columns are missing.

    Notes
    -----
    People also stop because they bought, if the flow's filter says so: a low `kept` is not always a loss.

    Examples
    --------
    >>> import pandas as pd
    >>> from klaviyo_analytics import analysis
    >>> sent = pd.DataFrame({"flow": "Welcome", "message": ["#1", "#2"], "recipients": [1000, 600]})
    >>> sent["unsubscribe_uniques"] = [20, 6]
    >>> analysis.flow_losses(sent)[["message", "step", "kept", "not_reached", "left", "left_rate"]]
      message  step  kept  not_reached  left  left_rate
    0      #1     1   NaN         <NA>    20       0.02
    1      #2     2   0.6          400     6       0.01
    """
    z = critical_value(confidence)
    table = opened_rows(
        frame, flow, message, "recipients", numbers=("recipients", *LOST), texts=(flow, message)
    )
    schema = table.collect_schema()
    keys = [flow, *(["branch"] if "branch" in schema else [])]
    counts = ["recipients", *(name for name in LOST if name in schema)]
    require_addable(table, counts, together=True, as_whole=True)
    lost = [nw.col(name).cast(nw.Int64) for name in LOST if name in schema]
    # where one of the counts is missing, nobody knows how many left
    nothing = nw.when(nw.col("recipients").is_null()).then(nw.col("recipients").cast(nw.Int64))
    left = reduce(add, lost) if lost else nothing
    table = table.with_columns(left=left).with_columns(
        __of=nw.when(~nw.col("left").is_null()).then(nw.col("recipients").cast(nw.Int64))
    )
    ordered = ["position"] if "position" in schema else ["__negative"]
    position = [nw.col("position").min()] if "position" in schema else []
    sums = summed(table, [*keys, message], ["recipients", "left", "__of"], *position)
    sums = sums.with_columns(
        nw.col("recipients").cast(nw.Int64),
        __negative=nw.col("recipients") * -1,
        __one=nw.lit(1),
    )
    sums = sums.with_columns(
        step=nw.col("__one").cum_sum().over(*keys, order_by=[*ordered, message]).cast(nw.Int64),
        __before=nw.col("recipients").cast(nw.Float64).shift(1).over(*keys, order_by=[*ordered, message]),
    )
    sums = sums.with_columns(
        __opening=nw.when(nw.col("step") == 1).then(nw.col("recipients")).otherwise(nw.lit(0))
    )
    sums = sums.with_columns(__first=nw.col("__opening").max().over(*keys))
    result = sums.with_columns(
        reached=ratio("recipients", "__first"),
        kept=ratio("recipients", "__before"),
        not_reached=(nw.col("__before") - nw.col("recipients")).cast(nw.Int64),
        left_rate=ratio("left", "__of"),
    )
    result = with_wilson(result, "left", "__of", z)
    columns = [
        *keys,
        message,
        "step",
        "recipients",
        "reached",
        "kept",
        "not_reached",
        "left",
        "left_rate",
        "low",
        "high",
    ]
    return closed(result.select(columns).sort(*keys, "step", nulls_last=True), frame)


@takes("sends: client.events.list(metric='Received Email', ...) with id, profile_id, datetime and flow")
def flow_collisions(
    sends: IntoFrameT, *, hours: float | timedelta = 24, flow: str = "flow", same: bool = False
) -> IntoFrameT:
    """Find flows that write to the same person within a few hours.

    Parameters
    ----------
    sends : DataFrame
        A row per message received: `id`, `profile_id`, `datetime` (with a time zone) and the flow; rows without a
        flow are campaigns and left out, unless the column names them.
    hours : float or timedelta, default 24
        How close two messages are to collide, the bound included.
    flow : str, default "flow"
        The column with the flow.
    same : bool, default False
        Whether two messages of one flow collide, too.

    Returns
    -------
    DataFrame
        `first` and `second` (flows, in order of time), `collisions` (pairs of messages), `profiles` (people that got
        such a pair), `share` (fraction of the people who got the first flow) and `mean_hours` (float, between the
        two messages). Sorted by collisions, most first.

    Raises
    ------
    FrameError
        If columns are missing, times have no zone, or ids are null or repeated.

    Examples
    --------
    >>> import pandas as pd
    >>> from klaviyo_analytics import analysis
    >>> sends = pd.DataFrame({"id": ["1", "2"], "profile_id": "A", "flow": ["Welcome", "Cart"]})
    >>> sends["datetime"] = pd.to_datetime(["2026-04-01 10:00", "2026-04-01 13:00"], utc=True)
    >>> analysis.flow_collisions(sends, hours=3)
         first second  collisions  profiles  share  mean_hours
    0  Welcome   Cart           1         1    1.0         3.0
    """
    length = parse_duration(hours if isinstance(hours, timedelta) else timedelta(hours=hours), "hours")
    texts = ("id", "profile_id", flow)
    table = opened_rows(sends, "id", "profile_id", "datetime", flow, times=("datetime",), texts=texts)
    require_ids(table, "id", "sends")
    stretch = max(length, MICROSECONDS_PER_HOUR)
    sent = with_micros(table, __us="datetime").select("id", "profile_id", "__us", first=nw.col(flow))
    sent = sent.filter(
        ~nw.col("profile_id").is_null() & ~nw.col("__us").is_null() & ~nw.col("first").is_null()
    ).with_columns(__stretch=nw.col("__us") // stretch)
    later = sent.select("profile_id", "__stretch", __later="id", second="first", __then="__us")
    earlier = nw.concat([sent, sent.with_columns(__stretch=nw.col("__stretch") + 1)])
    gap = nw.col("__then") - nw.col("__us")
    pairs = earlier.join(later, on=["profile_id", "__stretch"], how="inner").filter(
        (gap >= 0) & (gap <= length) & ((gap > 0) | (nw.col("__later") > nw.col("id")))
    )
    if not same:
        pairs = pairs.filter(nw.col("first") != nw.col("second"))
    pairs = pairs.with_columns(__one=nw.lit(1), __gap=gap.cast(nw.Float64) / MICROSECONDS_PER_HOUR)
    found = pairs.group_by("first", "second").agg(
        nw.col("__one").sum().alias("collisions"),
        nw.col("profile_id").n_unique().alias("profiles"),
        nw.col("__gap").mean().alias("mean_hours"),
    )
    people = sent.group_by("first").agg(nw.col("profile_id").n_unique().alias("__people"))
    result = found.join(people, on="first", how="left").with_columns(
        nw.col("collisions", "profiles").cast(nw.Int64), share=ratio("profiles", "__people")
    )
    columns = ["first", "second", "collisions", "profiles", "share", "mean_hours"]
    order = result.select(columns).sort("collisions", "first", "second", descending=[True, False, False])
    return closed(order, sends)
