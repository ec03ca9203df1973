"""Segments and lists beside each other: engagement and revenue of each, and who belongs to several."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import narwhals.stable.v2 as nw
from narwhals.stable.v2.typing import IntoFrameT

from klaviyo_analytics.analysis._calendar import require_zone
from klaviyo_analytics.analysis._customer_events import (
    PERIODS,
    VALUES,
    AsOf,
    Kind,
    Period,
    as_time,
    check_choice,
    made_like,
    moment,
    period_index,
    period_label,
    read_events,
    rows_of,
)
from klaviyo_analytics.analysis._engine import (
    AGGREGATES,
    Table,
    columns_of,
    found_column,
    names,
    opened,
    require_numbers,
    require_one_currency,
    require_one_metric,
    takes,
)
from klaviyo_analytics.analysis._ordering import first_of, windowed, with_numbered_people
from klaviyo_analytics.analysis.measures import refuse_unique

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
        `metric` (text), `profiles` (Int64, members with such an event), `rate` (float, profiles ÷ members; all
        members of the segment are known to have such an event or not, so all count), `events` (Int64), `revenue`
        (float; sum of the values) and `members_as_of` (text, ISO date). Rows of segments do not add up to the total
        where segments overlap.

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
    columns = columns_of(opened(events))
    priced = value is not None or found_column(columns, VALUES) is not None
    acts = read_events(events, metric, value=value, money=priced)
    acts = acts if priced else acts.with_columns(__value=nw.col("__at").cast(nw.Float64) * 0)
    held, acts = with_numbered_people(held, acts, keys=[metric])
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


@takes("events of two metrics: client.events.list(metric='Subscribed to List', properties=[...])")
def growth_by_source(
    subscribed: IntoFrameT,
    unsubscribed: IntoFrameT | None = None,
    *,
    by: str | Sequence[str],
    period: Period = "month",
) -> IntoFrameT:
    """Count who subscribed by source, channel or form, and who of them left again.

    Parameters
    ----------
    subscribed : DataFrame
        Events of "Subscribed to List" or of consent: `profile_id`, `datetime` (with a time zone, whose calendar
        decides the periods) and the columns of `by`.
    unsubscribed : DataFrame, optional
        Events of leaving: `profile_id`, `datetime`. They need no source: each is put to the source of the profile's
        latest subscription before it, and to a missing source if no such subscription exists.
    by : str or sequence of str
        Columns of `subscribed` such as "source", "channel", "$form_id".
    period : {"day", "week", "month", "quarter", "year"}
        Weeks begin on Monday.

    Returns
    -------
    DataFrame
        One row for each period and source with an event: `period` (text, as in `cohorts`), `by`,
        `subscribed` (Int64, events), `profiles` (Int64, of them different profiles), `unsubscribed` (Int64,
        events), `net` (Int64, subscribed − unsubscribed) and `share` (float, of the period's `subscribed`).

    Raises
    ------
    FrameError
        If columns are missing.
    InvalidInputError
        If `period` is not valid.

    Notes
    -----
    `net` is not the growth of the list. The report of a list in Klaviyo also counts uploads, quick add and
    merged profiles, which leave no event "Subscribed to List"; deleted and suppressed profiles leave the
    list without an event "Unsubscribed from List"; who joins twice counts twice here.
    `client.reports.segment_series` and the size of the list show the growth, this function where its
    subscribers came from.

    Examples
    --------
    >>> import pandas as pd
    >>> from klaviyo_analytics import analysis
    >>> joined = pd.DataFrame(
    ...     {
    ...         "profile_id": ["A", "B", "C"],
    ...         "datetime": pd.to_datetime(["2026-01-05", "2026-01-06", "2026-01-07"], utc=True),
    ...         "source": ["popup", "popup", "checkout"],
    ...     }
    ... )
    >>> left = pd.DataFrame({"profile_id": ["B"], "datetime": pd.to_datetime(["2026-01-20"], utc=True)})
    >>> analysis.growth_by_source(joined, left, by="source")
        period    source  subscribed  profiles  unsubscribed  net     share
    0  2026-01  checkout           1         1             0    1  0.333333
    1  2026-01     popup           2         2             1    1  0.666667
    """
    check_choice("period", period, PERIODS)
    keys = names(by)
    joined = read_events(subscribed, *keys)
    texts = [nw.col(name).cast(nw.String).alias(name) for name in keys]
    joined = joined.with_columns(texts).with_columns(__period=period_index(period))
    came = joined.group_by("__period", *keys).agg(
        nw.len().alias("subscribed"), nw.col("profile_id").n_unique().alias("profiles")
    )
    found: dict[tuple[Any, ...], dict[str, int]] = {}
    for row in rows_of(came):
        found[row["__period"], *(row[name] for name in keys)] = {
            "subscribed": int(row["subscribed"]),
            "profiles": int(row["profiles"]),
        }
    if unsubscribed is not None:
        gone = read_events(unsubscribed).with_columns(__period=period_index(period))
        person = nw.col("profile_id").cast(nw.String)
        both = [table.with_columns(profile_id=person) for table in (joined, gone)]
        joined, gone = with_numbered_people(*both, keys=keys)
        for row in rows_of(_left_by_source(joined, gone, keys)):
            place = (row["__period"], *(row[name] for name in keys))
            found.setdefault(place, {"subscribed": 0, "profiles": 0})["unsubscribed"] = int(row["n"])
    totals: dict[Any, int] = {}
    for place, counts in found.items():
        totals[place[0]] = totals.get(place[0], 0) + counts["subscribed"]
    rows = []
    for place in sorted(found, key=lambda one: (one[0], [(text is None, str(text)) for text in one[1:]])):
        counts, total = found[place], totals[place[0]]
        lost = counts.get("unsubscribed", 0)
        rows.append(
            {
                "period": period_label(int(place[0]), period),
                **dict(zip(keys, place[1:], strict=True)),
                "subscribed": counts["subscribed"],
                "profiles": counts["profiles"],
                "unsubscribed": lost,
                "net": counts["subscribed"] - lost,
                "share": counts["subscribed"] / total if total else None,
            }
        )
    kinds: dict[str, Kind] = {"period": "text", **dict.fromkeys(keys, "text")}
    kinds |= dict.fromkeys(("subscribed", "profiles", "unsubscribed", "net"), "count")
    return made_like(rows, {**kinds, "share": "number"}, subscribed)


@takes(AGGREGATES)
def year_over_year(frame: IntoFrameT, value: str = "count", *, by: str | Sequence[str] = ()) -> IntoFrameT:
    """Put each calendar month beside the same month of the year before.

    Parameters
    ----------
    frame : DataFrame
        Rows of days, weeks or months: `datetime` (with a time zone, whose calendar decides the months), `value`, and
        `complete` if it is there. A week that spans two months counts in the month in which it begins.
    value : str, default "count"
        Column of counts or money.
    by : str or sequence of str, optional
        Columns that tell series apart.

    Returns
    -------
    DataFrame
        One row for each series and month, in order: `year`, `month` (Int64), `by`, `value`,
        `<value>_previous` (float), `<value>_difference`, `<value>_change` (float, relative; missing over
        zero and less) and `complete` (whether all rows of both months are). Months without a row are missing, not
        zero.

    Raises
    ------
    NotAdditiveError
        If `value` is a unique count or a rate.
    FrameError
        If columns are missing, or different metrics or currencies would be added.

    Examples
    --------
    >>> import pandas as pd
    >>> from klaviyo_analytics import analysis
    >>> months = pd.to_datetime(["2025-01-01", "2025-02-01", "2026-01-01"], utc=True)
    >>> frame = pd.DataFrame({"datetime": months, "count": [100, 90, 120]})
    >>> analysis.year_over_year(frame)[["year", "month", "count", "count_previous", "count_change"]]
       year  month  count  count_previous  count_change
    0  2025      1  100.0             NaN           NaN
    1  2025      2   90.0             NaN           NaN
    2  2026      1  120.0           100.0           0.2
    """
    keys = names(by)
    table = opened(frame, "datetime", value, *keys)
    require_zone(table)
    refuse_unique([value], instead="compare months that were queried as months (interval='month')")
    require_numbers(table, [value])
    require_one_metric(table, keys)
    require_one_currency(table, keys)
    wall = nw.col("datetime").dt.replace_time_zone(None)
    whole = ~nw.col("complete") if "complete" in columns_of(table) else nw.col("datetime").is_null()
    table = table.filter(~nw.col("datetime").is_null()).with_columns(
        __open=whole.fill_null(value=False).cast(nw.Int64),
        __value=nw.col(value).cast(nw.Float64),  # whole numbers may add up to more than 64 bits hold
        __year=wall.dt.year().cast(nw.Int64),
        __month=wall.dt.month().cast(nw.Int64),
        **{f"__by{place}": nw.col(name).cast(nw.String) for place, name in enumerate(keys)},
    )
    columns = [f"__by{place}" for place in range(len(keys))]
    sums = table.group_by("__year", "__month", *columns).agg(
        nw.col("__value").sum().alias("__sum"),
        nw.col(value).count().alias("__known"),
        nw.col("__open").max(),
    )
    found = {
        (tuple(row[name] for name in columns), int(row["__year"]), int(row["__month"])): (
            float(row["__sum"]) if row["__known"] else None,
            not row["__open"],
        )
        for row in rows_of(sums)
    }
    rows = []
    in_order = sorted(found, key=lambda one: ([(text is None, str(text)) for text in one[0]], one[1:]))
    for series, year, month in in_order:
        now, whole_now = found[series, year, month]
        before, whole_before = found.get((series, year - 1, month), (None, True))
        difference = change = None
        if now is not None and before is not None:
            difference = now - before
            change = difference / before if before > 0 else None
        rows.append(
            {
                "year": year,
                "month": month,
                **dict(zip(keys, series, strict=True)),
                value: now,
                f"{value}_previous": before,
                f"{value}_difference": difference,
                f"{value}_change": change,
                "complete": whole_now and whole_before,
            }
        )
    kinds: dict[str, Kind] = {
        "year": "count",
        "month": "count",
        **dict.fromkeys(keys, "text"),
        value: "number",
    }
    kinds |= {f"{value}_{what}": "number" for what in ("previous", "difference", "change")}
    return made_like(rows, {**kinds, "complete": "flag"}, frame)


def _left_by_source(joined: Table, gone: Table, keys: Sequence[str]) -> Table:
    """Count leavers by the source of their latest subscription before."""
    moves = [
        table.select(
            "__period",
            "profile_id",
            __at=nw.col("__at").cast(nw.Int64),
            __leaves=nw.lit(leaves).cast(nw.Int64),
            __came=(nw.lit(-(2**62)) if leaves else nw.col("__at")).cast(nw.Int64),
        )
        for leaves, table in enumerate((joined, gone))
    ]
    # At one time, joining comes before leaving.
    moved = windowed(
        nw.concat(moves), ["profile_id"], ["__at", "__leaves"], __since=nw.col("__came").cum_max()
    )
    left = moved.filter(nw.col("__leaves") == 1)
    sources = joined.select(*dict.fromkeys([*keys, "profile_id"]), __since=nw.col("__at").cast(nw.Int64))
    sources = first_of(sources, ["profile_id", "__since"], by=keys)
    latest = left.select("profile_id", "__period", "__since").join(
        sources, on=["profile_id", "__since"], how="left"
    )
    return latest.group_by("__period", *keys).agg(nw.len().alias("n"))
