"""Deliverability against benchmarks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Literal

import narwhals.stable.v2 as nw
from narwhals.stable.v2.typing import IntoFrameT

from klaviyo_analytics.analysis._engine import (
    MESSAGES,
    Table,
    WrongFrame,
    closed,
    columns_of,
    listed,
    names,
    opened,
    takes,
)
from klaviyo_analytics.analysis._events import (
    closed_whole,
    critical_value,
    opened_rows,
    true,
    with_floats,
    with_wilson,
)
from klaviyo_analytics.analysis._ordering import interleaved, with_words
from klaviyo_analytics.analysis.measures import above, below, rolled_up
from klaviyo_analytics.arithmetic import RATES, Rate
from klaviyo_analytics.errors import InvalidInputError

_GOOD = {
    "bounce_rate": 0.01,
    "unsubscribe_rate": 0.003,
    "spam_complaint_rate": 0.0001,
    "click_rate": 0.012,
    "open_rate": 0.33,
}

BENCHMARKS: Mapping[str, Mapping[str, float]] = MappingProxyType(
    {
        "good": MappingProxyType(_GOOD),
        "modest": MappingProxyType({**_GOOD, "open_rate": 0.20}),
        "ambitious": MappingProxyType({**_GOOD, "open_rate": 0.43}),
    }
)
"""Named profiles. Published open rates differ by more than two to one, so the profiles differ in that."""


@takes(MESSAGES)
def deliverability(
    frame: IntoFrameT,
    *,
    benchmarks: str | Mapping[str, float] = "good",
    by: str | Sequence[str] = (),
) -> IntoFrameT:
    """Compare the rates that mailbox providers look at with benchmarks.

    Each rate is its numerator ÷ its denominator as `rates` defines them, both added up over those rows alone in
    which both are known: text messages, whose opens nobody can see, take no part in `open_rate`.

    Parameters
    ----------
    frame : DataFrame
        Campaign or flow summary, or any rows with the counts: `recipients`, `delivered`, `bounced`,
        `opens_unique`, `clicks_unique`, `unsubscribe_uniques`, `spam_complaints`.
    benchmarks : str or mapping of rate to limit, default "good"
        A name in `BENCHMARKS`, or limits of your own: `{**BENCHMARKS["good"], "open_rate": 0.25}`. Only the
        rates in it are judged.
    by : str or sequence of str, optional
        One judgement for each value of these, such as `channel`; of everything together if not given.

    Returns
    -------
    DataFrame
        `by`, `measure` (the rate's name), `rate`, `numerator` and `denominator` (float64: the sums that it is
        made of, over the rows that count), `benchmark`, `better` ("below" or "above") and `healthy`, missing
        where the rate is missing. In the order of the benchmarks.

    Raises
    ------
    InvalidInputError
        If the profile or a rate in it is not known.
    FrameError
        If the counts for none of the rates are there.

    Examples
    --------
    30 of 2,000 recipients bounced: 0.015 is more than 0.01. 800 of the 1,970 delivered opened: 0.4061.

    >>> import pandas as pd
    >>> from klaviyo_analytics import analysis
    >>> sent = pd.DataFrame({"recipients": [1500, 500], "delivered": [1480, 490], "bounced": [20, 10]})
    >>> sent["opens_unique"] = [700, 100]
    >>> judged = analysis.deliverability(sent)
    >>> judged[["measure", "rate", "benchmark", "better", "healthy"]].round(4)
           measure    rate  benchmark better  healthy
    0  bounce_rate  0.0150       0.01  below    False
    1    open_rate  0.4061       0.33  above     True
    """
    limits = limits_of(benchmarks)
    keys = names(by)
    totals = rolled_up(opened(frame, *keys), keys, limits)
    present = columns_of(totals)
    judged = [name for name in limits if above(name) in present]
    if not judged:
        raise WrongFrame(f"none of {listed(list(limits))} can be made of {listed(columns_of(opened(frame)))}")
    totals = _of_rates(totals, keys, judged)
    rows = interleaved(
        [
            totals.select(
                *keys,
                nw.lit(name).alias("measure"),
                nw.lit(place).alias("__place"),
                nw.col(name).alias("rate"),
                nw.col(above(name)).cast(nw.Float64).alias("numerator"),
                nw.col(below(name)).cast(nw.Float64).alias("denominator"),
                nw.lit(limits[name]).alias("benchmark"),
                nw.lit(RATES[name].better).alias("better"),
                _healthy(name, RATES[name], limits[name]),
            )
            for place, name in enumerate(judged)
        ],
        *keys,
        "__place",
    )
    return closed_whole(rows.drop("__place"), frame, flags=["healthy"])


def _of_rates(totals: Table, keys: Sequence[str], rates: Sequence[str]) -> Table:
    """Return the keys, the rates and their parts, in floats."""
    columns = [column for name in rates for column in (name, above(name), below(name))]
    return with_floats(totals.select(*keys, *columns), *columns)


def limits_of(benchmarks: str | Mapping[str, float]) -> Mapping[str, float]:
    """Return the limits of a profile, or those given, if each is of a rate that is known."""
    if isinstance(benchmarks, str):
        if benchmarks not in BENCHMARKS:
            raise InvalidInputError(
                f"benchmarks={benchmarks!r} is not one of {listed(list(BENCHMARKS))}; "
                "or give limits of your own: {'open_rate': 0.25}"
            )
        return BENCHMARKS[benchmarks]
    unknown = [name for name in benchmarks if name not in RATES]
    if unknown or not benchmarks:
        raise InvalidInputError(f"benchmarks for {listed(unknown)}: name some of {listed(list(RATES))}")
    return benchmarks


def _healthy(name: str, rate: Rate, limit: float) -> nw.Expr:
    value = nw.col(name)
    good = value <= limit if rate.better == "below" else value >= limit
    return nw.when(~value.is_null()).then(good).alias("healthy")


BANDS: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        "bounce_rate": (0.01, 0.02),
        "spam_complaint_rate": (0.0001, 0.0005),
        "unsubscribe_rate": (0.003, 0.01),
        "open_rate": (0.33, 0.27),
        "click_rate": (0.012, 0.008),
    }
)
"""Where "healthy" ends and where "attention" begins (help.klaviyo.com 12695416712219), as fractions."""

Provider = Literal["Inbox Provider", "Email Domain"]
_EVENTS = (
    "email events: client.events.list(metric=['Received Email', 'Bounced Email', 'Opened Email', ...], "
    "properties=['Inbox Provider', '$message'], ...) with metric, profile_id and message"
)
_METRICS = {
    "delivered": "Received Email",
    "bounced": "Bounced Email",
    "opens_unique": "Opened Email",
    "clicks_unique": "Clicked Email",
    "unsubscribe_uniques": "Unsubscribed from Email Marketing",
    "spam_complaints": "Marked Email as Spam",
}


@takes(MESSAGES)
def deliverability_bands(
    frame: IntoFrameT, *, by: str | Sequence[str] = (), confidence: float = 0.95
) -> IntoFrameT:
    """Place the rates that mailbox providers look at in Klaviyo's three bands.

    Parameters
    ----------
    frame : DataFrame
        Campaign or flow summary, or any rows with the counts.
    by : str or sequence of str, optional
        One judgement for each value of these, such as "campaign"; of everything together if omitted.
    confidence : float, default 0.95
        Level of Wilson's interval.

    Returns
    -------
    DataFrame
        `by`, `measure`, `numerator`, `denominator`, `rate` with `low` and `high` (fractions), `healthy_bound` and
        `attention_bound`, and `band`: "healthy" (strictly on the good side of the first bound), "attention" (strictly
        beyond the second) or "room for improvement"; null where the rate is missing. Numerator and denominator are
        sums over the rows in which both are known, so text messages take no part in rates of opens.

    Raises
    ------
    FrameError
        If the counts of none of the rates are there.

    Examples
    --------
    A bounce rate of exactly 1% is not healthy any more.

    >>> import pandas as pd
    >>> from klaviyo_analytics import analysis
    >>> sent = pd.DataFrame({"recipients": [1000], "delivered": [990], "bounced": [10], "clicks_unique": [12]})
    >>> analysis.deliverability_bands(sent)[["measure", "rate", "band"]].round(4)
           measure    rate                  band
    0  bounce_rate  0.0100  room for improvement
    1   click_rate  0.0121               healthy
    """
    keys = names(by)
    z = critical_value(confidence)
    totals = rolled_up(opened(frame, *keys), keys, BANDS)
    return closed(_banded(totals, keys, z), frame)


@takes(_EVENTS)
def deliverability_by_provider(
    events: IntoFrameT,
    *,
    provider: str = "Inbox Provider",
    machine_opens: bool = True,
    confidence: float = 0.95,
) -> IntoFrameT:
    """Place deliverability in Klaviyo's three bands by mailbox provider.

    Parameters
    ----------
    events : DataFrame
        A row per email event: `metric` (its name), `profile_id`, `message` and the provider. A person counts once per
        message and metric. Without any "Bounced Email", for example, the bounce rate is left out.
    provider : str, default "Inbox Provider"
        The column with the provider; "Email Domain" is finer.
    machine_opens : bool, default True
        Whether opens by machines count; leaving them out needs the column `machine_open`.
    confidence : float, default 0.95
        Level of Wilson's interval.

    Returns
    -------
    DataFrame
        As `deliverability_bands`, with the provider first ("(unknown)" where it is missing) and `share` (fraction of
        everything delivered). The largest provider first.

    Raises
    ------
    FrameError
        If columns are missing.

    Examples
    --------
    >>> import pandas as pd
    >>> from klaviyo_analytics import analysis
    >>> events = pd.DataFrame({"metric": ["Received Email"] * 3 + ["Opened Email"], "message": "M"})
    >>> events["profile_id"] = ["A", "B", "C", "A"]
    >>> events["Inbox Provider"] = ["Gmail", "Gmail", None, "Gmail"]
    >>> found = analysis.deliverability_by_provider(events)
    >>> found[["Inbox Provider", "measure", "numerator", "denominator", "band"]]
      Inbox Provider    measure  numerator  denominator       band
    0          Gmail  open_rate        1.0          2.0    healthy
    1      (unknown)  open_rate        0.0          1.0  attention
    """
    z = critical_value(confidence)
    needed = [] if machine_opens else ["machine_open"]
    texts = ("metric", "profile_id", "message", provider)
    table = opened_rows(events, "metric", "profile_id", "message", provider, *needed, texts=texts)
    if not machine_opens:
        table = table.filter((nw.col("metric") != "Opened Email") | ~true("machine_open"))
    name = nw.col(provider).cast(nw.String).fill_null("")
    name = nw.when(name == "").then(nw.lit("(unknown)")).otherwise(name)
    wanted = list(_METRICS.values())
    once = (
        table.filter(nw.col("metric").is_in(wanted))
        .select("metric", "profile_id", "message", name.alias(provider))
        .unique()
    )
    here = set(once.select("metric").unique().collect()["metric"].to_list())
    empty = not table.head(1).collect().shape[0]
    if not empty and "Received Email" not in here:
        raise WrongFrame("the frame has no 'Received Email' events, which the rates are taken of")
    counted = [count for count, metric in _METRICS.items() if empty or metric in here or count == "delivered"]
    totals = (
        once.with_columns(
            (nw.col("metric") == _METRICS[count]).cast(nw.Int64).alias(count) for count in counted
        )
        .group_by(provider)
        .agg(*(nw.col(count).sum() for count in counted))
    )
    bounced = nw.col("bounced") if "bounced" in counted else nw.lit(0)
    totals = totals.with_columns(
        *(nw.col(count).cast(nw.Int64) for count in counted),
        recipients=(nw.col("delivered") + bounced).cast(nw.Int64),
    )
    rated = totals.with_columns(
        (
            nw.when(nw.col(rate.denominator) > 0).then(
                nw.col(rate.numerator).cast(nw.Float64) / nw.col(rate.denominator)
            )
        ).alias(measure)
        for measure, rate in RATES.items()
        if measure in BANDS and rate.numerator in counted
    )
    if not any(measure in columns_of(rated) for measure in BANDS):
        raise WrongFrame("the frame holds sends only, and no rate can be made of them")
    sent = totals.with_columns(__all=nw.col("delivered").sum()).select(
        provider,
        __sent=nw.col("delivered"),
        share=nw.when(nw.col("__all") > 0).then(nw.col("delivered").cast(nw.Float64) / nw.col("__all")),
    )
    result = _banded(rated, [provider], z, place=True).join(sent, on=provider, how="left")
    result = result.sort("__sent", provider, "__place", descending=[True, False, False], nulls_last=True)
    return closed(result.drop("__sent", "__place"), events)


def _banded(totals: Table, keys: Sequence[str], z: float, *, place: bool = False) -> Table:
    """Lay the rates below each other, each with its interval and band."""
    here = columns_of(totals)
    found = [measure for measure in BANDS if measure in here]
    if not found:
        raise WrongFrame(f"none of {listed(list(BANDS))} can be made of {listed(here)}")
    sides = {name: _sides(name, here) for name in found}
    numbers = list(dict.fromkeys([*found, *(side for pair in sides.values() for side in pair)]))
    totals = with_floats(totals.select(*keys, *numbers), *numbers)
    parts = []
    for number, measure in enumerate(found):
        healthy, attention = BANDS[measure]
        value = nw.col(measure)
        lower = RATES[measure].better == "below"
        good = value < healthy if lower else value > healthy
        bad = value > attention if lower else value < attention
        band = nw.when(good).then(nw.lit(0)).otherwise(nw.when(bad).then(nw.lit(2)).otherwise(nw.lit(1)))
        counted, of = sides[measure]
        part = totals.select(
            *keys,
            nw.lit(number).alias("__place"),
            nw.col(counted).alias("numerator"),
            nw.col(of).alias("denominator"),
            value.alias("rate"),
            nw.lit(healthy).alias("healthy_bound"),
            nw.lit(attention).alias("attention_bound"),
            nw.when(value.is_null()).then(nw.lit(-1)).otherwise(band).alias("__band"),
        )
        parts.append(with_wilson(part, "numerator", "denominator", z))
    rows = with_words(interleaved(parts, *keys, "__place"), "measure", "__place", found)
    rows = with_words(rows, "band", "__band", ["healthy", "room for improvement", "attention"])
    last = ["numerator", "denominator", "rate", "low", "high", "healthy_bound", "attention_bound", "band"]
    return rows.select(*keys, "measure", *last, *(["__place"] if place else []))


def _sides(rate: str, here: Sequence[str]) -> tuple[str, str]:
    """Return the columns of numerator and denominator; unseen opens leave deliveries out."""
    whole = RATES[rate]
    counted = above(rate) if above(rate) in here else whole.numerator
    return counted, below(rate) if below(rate) in here else whole.denominator
