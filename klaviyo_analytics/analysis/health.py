"""Deliverability against benchmarks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import narwhals.stable.v2 as nw
from narwhals.stable.v2.typing import IntoFrameT

from klaviyo_analytics.analysis._definitions import RATES, Rate
from klaviyo_analytics.analysis._engine import closed, columns_of, listed, names, opened
from klaviyo_analytics.analysis._given import MESSAGES, WrongFrame, takes
from klaviyo_analytics.analysis.measures import above, below, rolled_up
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
        where there is no rate. In the order of the benchmarks.

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
    totals = rolled_up(opened(frame, *keys), keys)
    present = columns_of(totals)
    judged = [name for name in limits if above(name) in present]
    if not judged:
        raise WrongFrame(f"none of {listed(list(limits))} can be made of {listed(columns_of(opened(frame)))}")
    rows = nw.concat(
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
        ]
    )
    return closed(rows.sort(*keys, "__place", nulls_last=True).drop("__place"), frame)


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
