"""How far people get through steps in order, and how long each step takes."""

from __future__ import annotations

import math
from collections.abc import Sequence

import narwhals.stable.v2 as nw
from narwhals.stable.v2.typing import IntoFrameT

from klaviyo_analytics.analysis._customer_events import (
    DAY,
    AsOf,
    Kind,
    check_positive,
    first_of,
    last_moment,
    made_like,
    read_events,
    rows_of,
    settled,
)
from klaviyo_analytics.analysis._engine import (
    Table,
    columns_of,
)
from klaviyo_analytics.analysis.argument_checks import takes
from klaviyo_analytics.errors import InvalidInputError

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
    both = settled(nw.concat([waiting.select(*columns_of(following)), following]))
    soonest = nw.col("__event").cum_min(reverse=True).over("profile_id", order_by=["__when", "__side"])
    both = both.with_columns(__found=soonest).filter(nw.col("__t0") != -1)
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
