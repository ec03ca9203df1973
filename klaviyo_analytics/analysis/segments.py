"""Segments and lists beside each other: engagement and revenue of each, and who belongs to several."""

from __future__ import annotations

from typing import Any

import narwhals.stable.v2 as nw
from narwhals.stable.v2.typing import IntoFrameT

from klaviyo_analytics.analysis._customer_events import (
    AsOf,
    Kind,
    addressable,
    as_time,
    made_like,
    moment,
    read_events,
    rows_of,
)
from klaviyo_analytics.analysis._engine import (
    Table,
    columns_of,
    opened,
)
from klaviyo_analytics.analysis.argument_checks import takes

MEMBERS = (
    "members with a column of the group: client.segments.profiles(...).assign(group='...'), concatenated"
)


@takes(MEMBERS)
def by_segment(
    members: IntoFrameT,
    events: IntoFrameT,
    *,
    group: str = "group",
    metric: str = "metric",
    members_as_of: AsOf = None,
    value: str | None = None,
) -> IntoFrameT:
    """Sum up engagement and revenue by segment, with the total counted once.

    Parameters
    ----------
    members : DataFrame
        One row per membership: the profile, as `profile_id` or `id`, and `group` (name of the segment or list).
    events : DataFrame
        Events of any metrics: `profile_id`, `datetime`, `metric` and, if their values are to be summed, a
        value. Limit them to the time in question.
    group, metric : str
        Columns that hold the name of the segment and of the metric.
    members_as_of : str, date or datetime, optional
        When the members were read. A segment's members change every day and Klaviyo keeps no history of
        them, so events from before this date are put to today's members; the column `members_as_of` says so.
    value : str, optional
        Column of the values; `value`, `$value` or `event_properties.$value` if omitted, and no revenue if
        the frame has none of them.

    Returns
    -------
    DataFrame
        One row for each segment and metric, and for the total: `group` (text; "(all, once)" for the profiles of any
        segment, each counted once), `members` (Int64), `shared` (Int64, members that are in another segment, too),
        `metric` (text), `profiles` (Int64, members with such an event), `rate` (float, profiles ÷ members), `events`
        (Int64), `revenue` (float; sum of the values) and `members_as_of` (text, ISO date). Rows of segments do
        not add up to the total where segments overlap.

    Raises
    ------
    FrameError
        If columns are missing, or there are several currencies.

    Examples
    --------
    >>> import pandas as pd
    >>> from klaviyo_analytics import analysis
    >>> members = pd.DataFrame({"profile_id": ["A", "B", "B"], "group": ["VIP", "VIP", "New"]})
    >>> orders = pd.DataFrame(
    ...     {
    ...         "profile_id": ["A", "B"],
    ...         "datetime": pd.to_datetime(["2026-01-01", "2026-01-02"], utc=True),
    ...         "metric": ["Placed Order"] * 2,
    ...         "value": [10.0, 30.0],
    ...     }
    ... )
    >>> analysis.by_segment(members, orders)[["group", "members", "shared", "profiles", "events", "revenue"]]
             group  members  shared  profiles  events  revenue
    0          New        1       1         1       1     30.0
    1          VIP        2       1         2       2     40.0
    2  (all, once)        2       1         2       2     40.0
    """
    total = "(all, once)"
    held = _memberships(members, group)
    columns = columns_of(opened(addressable(events)))
    priced = value is not None or any(
        one in columns for one in ("value", "$value", "event_properties.$value")
    )
    acts = read_events(events, metric, value=value, money=priced)
    acts = acts if priced else acts.with_columns(__value=nw.col("__at").cast(nw.Float64) * 0)
    each = acts.group_by("profile_id", nw.col(metric).cast(nw.String).alias("__metric")).agg(
        nw.len().alias("__events"), nw.col("__value").sum().alias("__revenue")
    )
    counts = held.group_by("profile_id").agg(nw.len().alias("__groups"))
    counts = counts.with_columns(__shared=(nw.col("__groups") > 1).cast(nw.Int64))
    in_group = held.join(counts, on="profile_id", how="left")
    once = counts.with_columns(__group=nw.lit(total))
    stamp = (
        None if members_as_of is None else as_time(moment(members_as_of, "members_as_of")).date().isoformat()
    )
    metrics = sorted(row["__metric"] for row in rows_of(each.select("__metric").unique().drop_nulls()))
    rows: list[dict[str, Any]] = []
    for table in (in_group, once):
        sizes = rows_of(
            table.group_by("__group").agg(nw.len().alias("members"), nw.col("__shared").sum().alias("shared"))
        )
        found = {
            (row["__group"], row["__metric"]): row
            for row in rows_of(
                table.join(each, on="profile_id", how="inner")
                .group_by("__group", "__metric")
                .agg(nw.len().alias("profiles"), nw.col("__events").sum(), nw.col("__revenue").sum())
            )
        }
        for size in sorted(sizes, key=lambda row: str(row["__group"])):
            for name in metrics or [None]:
                row = found.get((size["__group"], name), {})
                profiles = int(row.get("profiles", 0))
                rows.append(
                    {
                        group: size["__group"],
                        "members": int(size["members"]),
                        "shared": int(size["shared"]),
                        "metric": name,
                        "profiles": profiles,
                        "rate": profiles / int(size["members"]),
                        "events": int(row.get("__events", 0)),
                        "revenue": float(row.get("__revenue") or 0.0) if priced else None,
                        "members_as_of": stamp,
                    }
                )
    kinds: dict[str, Kind] = {group: "text", "members": "count", "shared": "count", "metric": "text"}
    kinds |= {"profiles": "count", "rate": "number", "events": "count", "revenue": "number"}
    return made_like(rows, {**kinds, "members_as_of": "text"}, members)


@takes(MEMBERS)
def overlap(members: IntoFrameT, *, group: str = "group") -> IntoFrameT:
    """Count the profiles that two lists or segments share, for each pair of them.

    Parameters
    ----------
    members : DataFrame
        One row per membership: the profile, as `profile_id` or `id`, and `group` (name of the list or segment).
        Repeated rows count once.
    group : str, default "group"
        Column that holds the name.

    Returns
    -------
    DataFrame
        One row for each ordered pair, each group with itself included: `group_a`, `group_b`, `size_a`,
        `size_b`, `both` (Int64), `share_of_a` (float, both ÷ size_a) and `jaccard` (float, both ÷ profiles
        in any of the two).

    Raises
    ------
    FrameError
        If columns are missing.

    Examples
    --------
    >>> import pandas as pd
    >>> from klaviyo_analytics import analysis
    >>> members = pd.DataFrame({"profile_id": ["A", "B", "B", "C"], "group": ["VIP", "VIP", "New", "New"]})
    >>> analysis.overlap(members)[["group_a", "group_b", "both", "share_of_a"]]
      group_a group_b  both  share_of_a
    0     New     New     2         1.0
    1     New     VIP     1         0.5
    2     VIP     New     1         0.5
    3     VIP     VIP     2         1.0
    """
    held = _memberships(members, group)
    left = held.select("profile_id", __a=nw.col("__group"))
    right = held.select("profile_id", __b=nw.col("__group"))
    counted = rows_of(
        left.join(right, on="profile_id", how="inner").group_by("__a", "__b").agg(nw.len().alias("both"))
    )
    both = {(row["__a"], row["__b"]): int(row["both"]) for row in counted}
    groups = sorted({a for a, _ in both})
    rows = []
    for a in groups:
        for b in groups:
            shared, sizes = both.get((a, b), 0), (both[a, a], both[b, b])
            rows.append(
                {
                    "group_a": a,
                    "group_b": b,
                    "size_a": sizes[0],
                    "size_b": sizes[1],
                    "both": shared,
                    "share_of_a": shared / sizes[0],
                    "jaccard": shared / (sum(sizes) - shared),
                }
            )
    kinds: dict[str, Kind] = {"group_a": "text", "group_b": "text", "size_a": "count", "size_b": "count"}
    return made_like(rows, {**kinds, "both": "count", "share_of_a": "number", "jaccard": "number"}, members)


def _memberships(members: IntoFrameT, group: str) -> Table:
    table = opened(members, group)
    profile = "profile_id" if "profile_id" in columns_of(table) else "id"
    table = opened(members, profile, group)
    held = table.filter(~nw.col(profile).is_null() & ~nw.col(group).is_null())
    held = held.select(profile_id=nw.col(profile).cast(nw.String), __group=nw.col(group).cast(nw.String))
    return held.unique(["profile_id", "__group"], keep="any")
