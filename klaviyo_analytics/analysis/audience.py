"""How engaged an audience is: profiles by the time since they last opened or clicked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import narwhals.stable.v2 as nw
from narwhals.stable.v2.typing import IntoFrameT

from klaviyo_analytics.analysis._customer_events import (
    DAY,
    MACHINES,
    AsOf,
    addressable,
    check_positive,
    last_moment,
    made_like,
    read_events,
    rows_of,
)
from klaviyo_analytics.analysis._engine import (
    Table,
    closed,
    columns_of,
    opened,
)
from klaviyo_analytics.analysis.argument_checks import takes
from klaviyo_analytics.errors import InvalidInputError


@takes("engagement events: client.events.list(metric=['Opened Email', 'Clicked Email'])")
def engagement_tiers(
    events: IntoFrameT,
    profiles: Any = None,
    *,
    days: Sequence[int] = (30, 60, 90, 180),
    as_of: AsOf = None,
    per_profile: bool = False,
) -> IntoFrameT:
    """Count profiles by how long ago they last opened, clicked or did whatever else the events are.

    Parameters
    ----------
    events : DataFrame
        Events that count as engagement: `profile_id`, `datetime` (with a time zone). Rows whose `machine_open`,
        "Apple Privacy Open" or "Bot Click" is true (also with the prefix `event_properties.`) are left out: a
        machine did them.
    profiles : DataFrame, optional
        All profiles of the audience, of the same library: `id`. Those without an event are then counted as
        "never"; events of others do not count. Without it only profiles with an event are known.
    days : sequence of int, default (30, 60, 90, 180)
        Upper ends of the tiers, in days of 24 hours before `as_of`.
    as_of : str, date or datetime, optional
        When the tiers are determined; UTC if it has no zone. The last event if omitted.
    per_profile : bool, default False
        Return a row per profile instead of one per tier.

    Returns
    -------
    DataFrame
        One row per tier, the most engaged first: `tier` ("0-30 days", ..., "over 180 days", "never"), `profiles`
        (Int64) and `share` (float, of all profiles). With `per_profile=True` one row per profile: `profile_id`,
        `last_engaged` (time), `days` (Int64, elapsed whole days) and `tier`.

    Raises
    ------
    FrameError
        If columns are missing.
    InvalidInputError
        If `days` does not increase, or `as_of` is not valid.

    Notes
    -----
    Klaviyo's segments ("in the last 30 days") run on UTC, its metrics on the account's time zone. Pass `as_of` as the
    midnight in UTC at which a segment was built to compare with its size.

    Examples
    --------
    >>> import pandas as pd
    >>> from klaviyo_analytics import analysis
    >>> events = pd.DataFrame(
    ...     {"profile_id": ["A", "B"], "datetime": pd.to_datetime(["2026-03-20", "2026-01-15"], utc=True)}
    ... )
    >>> profiles = pd.DataFrame({"id": ["A", "B", "C"]})
    >>> analysis.engagement_tiers(events, profiles, as_of="2026-03-31", days=[30, 90])
               tier  profiles     share
    0     0-30 days         1  0.333333
    1    31-90 days         1  0.333333
    2  over 90 days         0  0.000000
    3         never         1  0.333333
    """
    for one in days:
        check_positive("days", one, whole=True)
    if not days or sorted(set(days)) != list(days):
        raise InvalidInputError(f"days={list(days)!r} do not increase. Expected such as [30, 60, 90, 180].")
    acts = _by_people(read_events(events))
    at = last_moment([acts], as_of)
    last = (
        acts.filter(nw.col("__at") <= (at or 0))
        .group_by("profile_id")
        .agg(nw.col("datetime").max().alias("last_engaged"), nw.col("__at").max().alias("__last"))
    )
    if profiles is not None:
        everybody = opened(addressable(profiles), "id").filter(~nw.col("id").is_null())
        everybody = everybody.select(profile_id=nw.col("id").cast(nw.String)).unique("profile_id", keep="any")
        last = everybody.join(last, on="profile_id", how="left")
    tiers = _tier_names(days)
    elapsed = nw.lit(at or 0) - nw.col("__last")
    tier = nw.when(~nw.col("__last").is_null()).then(nw.lit(tiers[-2])).otherwise(nw.lit(tiers[-1]))
    for end, name in reversed(list(zip(days, tiers, strict=False))):
        tier = nw.when(elapsed <= end * DAY).then(nw.lit(name)).otherwise(tier)
    each = last.with_columns(days=(elapsed // DAY).cast(nw.Int64), tier=tier)
    if per_profile:
        return closed(each.select("profile_id", "last_engaged", "days", "tier").sort("profile_id"), events)
    found = {row["tier"]: int(row["n"]) for row in rows_of(each.group_by("tier").agg(nw.len().alias("n")))}
    total = sum(found.values())
    shown = tiers if profiles is not None else tiers[:-1]
    rows = [
        {"tier": name, "profiles": found.get(name, 0), "share": found.get(name, 0) / total if total else None}
        for name in shown
    ]
    return made_like(rows, {"tier": "text", "profiles": "count", "share": "number"}, events)


def _by_people(acts: Table) -> Table:
    """Leave out what a machine did."""
    for name in MACHINES:
        for column in (name, f"event_properties.{name}"):
            if column in columns_of(acts):
                text = nw.col(column).cast(nw.String).str.to_lowercase().fill_null("")
                acts = acts.filter(~text.is_in(["true", "1", "1.0"]))
    return acts


def _tier_names(days: Sequence[int]) -> list[str]:
    starts = [0, *(end + 1 for end in days[:-1])]
    tiers = [f"{start}-{end} days" for start, end in zip(starts, days, strict=True)]
    return [*tiers, f"over {days[-1]} days", "never"]
