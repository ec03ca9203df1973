"""Cohorts: what those who started together did later, and how long it took them."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from statistics import NormalDist
from typing import Any, Literal, NamedTuple

import narwhals.stable.v2 as nw
from narwhals.stable.v2.typing import IntoFrameT

from klaviyo_analytics.analysis._customer_events import (
    PERIODS,
    AsOf,
    Kind,
    Period,
    check_choice,
    days_between,
    index_of,
    last_moment,
    made_like,
    period_index,
    period_label,
    read_events,
    rows_of,
    wall_of,
)
from klaviyo_analytics.analysis._engine import Table, closed, columns_of, names, require_one_currency, takes
from klaviyo_analytics.analysis._events import (
    local_micros,
    moment_in,
    opened_rows,
    require_any,
    require_ids,
    span_of,
    with_micros,
    with_month,
    zone_named,
)
from klaviyo_analytics.analysis._ordering import first_of, placed, with_numbered_people
from klaviyo_analytics.analysis.orders import ORDERS
from klaviyo_analytics.errors import FrameError, InvalidInputError

Measure = Literal["customers", "orders", "revenue"]

_EVENTS = 'events: client.events.list(metric="Placed Order", properties=["$value"])'


@takes(_EVENTS)
def cohorts(
    starts: IntoFrameT,
    events: IntoFrameT | None = None,
    *,
    period: Period = "month",
    measure: Measure = "customers",
    by: str | Sequence[str] = (),
    as_of: AsOf = None,
    value: str | None = None,
) -> IntoFrameT:
    """Count what customers did in each period after the one in which they started.

    Parameters
    ----------
    starts : DataFrame
        Events that put a profile into a cohort, by its first one: `profile_id`, `datetime` (with a time zone,
        whose calendar decides the periods).
    events : DataFrame, optional
        Events that are counted, such as orders; those of `starts` if omitted. Events before a profile's start,
        and of profiles that never started, do not count.
    period : {"day", "week", "month", "quarter", "year"}
        Length of a cohort and of an age. Weeks begin on Monday.
    measure : {"customers", "orders", "revenue"}
        What is counted: profiles with an event in the period, events, or the sum of their values.
    by : str or sequence of str, optional
        Columns of `starts` that split the cohorts, such as the first product, discount, source or country. The
        value of the first start counts; of several at the same time, the first in sorting order.
    as_of : str, date or datetime, optional
        How far time has come; UTC if it has no zone. The last event of both frames if omitted.
    value : str, optional
        Column of the events' values; `value`, `$value` or `event_properties.$value` if omitted.

    Returns
    -------
    DataFrame
        One row for each cohort, `by` and age: `cohort` (text: "2026-01", "2026-Q1", "2026", or the date on which
        the day or week begins), `by`, `age` (Int64; 0 is the period of the start), `size` (Int64, profiles of the
        cohort), the measure, `share` (of `size`; for orders and revenue this is the mean per profile) and
        `complete` (whether the period was over at `as_of`). Cells that time has not reached are missing, not
        zero.

    Raises
    ------
    FrameError
        If columns are missing, values are not numbers, or there are several currencies.
    InvalidInputError
        If `period`, `measure` or `as_of` is not valid.

    Examples
    --------
    Three consents in January; A orders in January, B in March:

    >>> import pandas as pd
    >>> from klaviyo_analytics import analysis
    >>> def events(*rows):
    ...     made = pd.DataFrame(rows, columns=["profile_id", "datetime"])
    ...     return made.assign(datetime=pd.to_datetime(made["datetime"], utc=True))
    >>> consents = events(("A", "2026-01-03"), ("B", "2026-01-10"), ("C", "2026-01-20"))
    >>> orders = events(("A", "2026-01-05"), ("B", "2026-03-01"))
    >>> analysis.cohorts(consents, orders, as_of="2026-03-31")[["cohort", "age", "size", "customers", "share"]]
        cohort  age  size  customers     share
    0  2026-01    0     3          1  0.333333
    1  2026-01    1     3          0  0.000000
    2  2026-01    2     3          1  0.333333
    """
    check_choice("period", period, PERIODS)
    check_choice("measure", measure, ("customers", "orders", "revenue"))
    keys = names(by)
    begun = read_events(starts, *keys)
    money = measure == "revenue"
    acts = begun
    if events is not None or money:
        acts = read_events(starts if events is None else events, value=value, money=money)
    at = last_moment([begun, acts], as_of)
    kinds: dict[str, Kind] = {
        "cohort": "text",
        **dict.fromkeys(keys, "text"),
        "age": "count",
        "size": "count",
    }
    kinds |= {measure: "number" if measure == "revenue" else "count", "share": "number", "complete": "flag"}
    if at is None:
        return made_like([], kinds, starts)
    begun, acts = (
        table.filter(nw.col("__at") <= at) for table in with_numbered_people(begun, acts, keys=keys)
    )
    first = _first(begun, keys).with_columns(__cohort=period_index(period))
    first = first.select("profile_id", *keys, __start=nw.col("__at"), __cohort=nw.col("__cohort"))
    sizes = rows_of(first.group_by("__cohort", *keys).agg(nw.len().alias("size")))
    acts = acts.with_columns(__period=period_index(period))
    acts = acts.select("profile_id", "__at", "__period", *(["__value"] if measure == "revenue" else []))
    later = acts.join(first, on="profile_id", how="inner")
    later = later.filter(nw.col("__at") >= nw.col("__start"))
    later = later.with_columns(__age=nw.col("__period") - nw.col("__cohort"))
    if measure == "customers":
        later = later.unique(["profile_id", "__age"], keep="any")
    what = {
        "customers": nw.len(),
        "orders": nw.len(),
        "revenue": nw.col("__value").sum() if measure == "revenue" else nw.len(),
    }[measure]
    counted = {
        tuple(row[name] for name in ("__cohort", *keys, "__age")): row["counted"]
        for row in rows_of(later.group_by("__cohort", *keys, "__age").agg(what.alias("counted")))
    }
    return made_like(_grid(sizes, counted, keys, period, measure, wall_of(at, begun)), kinds, starts)


@takes(_EVENTS)
def retention_curves(
    starts: IntoFrameT,
    events: IntoFrameT | None = None,
    *,
    by: str | Sequence[str] = (),
    as_of: AsOf = None,
    confidence: float = 0.95,
) -> IntoFrameT:
    """Estimate how long it takes from a start to an event, with those still waiting counted (Kaplan-Meier).

    Pass consents and first orders to see who has not ordered yet, subscriptions and unsubscribes to see who
    stays, or orders alone to see who has not ordered again.

    Parameters
    ----------
    starts : DataFrame
        Events that start the clock of a profile, by its first one: `profile_id`, `datetime`.
    events : DataFrame, optional
        Events that stop it, by the first at or after the start; the second event of `starts` if omitted.
        Profiles without one are censored at `as_of`.
    by : str or sequence of str, optional
        Columns of `starts`; one curve for each value of the first start.
    as_of : str, date or datetime, optional
        Until when events are known; UTC if it has no zone. The last event of both frames if omitted.
    confidence : float, default 0.95
        Of the intervals, between 0 and 1.

    Returns
    -------
    DataFrame
        One row for each value of `by` and each number of whole elapsed days at which something happened, from 0
        on: `days` (Int64), `at_risk`, `events`, `censored` (Int64), `survival` (float: share for whom the
        event has not happened yet), `lower`, `upper` (float: its pointwise interval; missing where the
        variance is not defined, as it is once nobody is left).

    Raises
    ------
    FrameError
        If columns are missing.
    InvalidInputError
        If `confidence` or `as_of` is not valid.

    Notes
    -----
    Product-limit estimate of Kaplan and Meier (1958). The interval is Greenwood's variance on the scale of
    log(-log S), which keeps it between 0 and 1.

    Examples
    --------
    >>> import pandas as pd
    >>> from klaviyo_analytics import analysis
    >>> def events(*rows):
    ...     made = pd.DataFrame(rows, columns=["profile_id", "datetime"])
    ...     return made.assign(datetime=pd.to_datetime(made["datetime"], utc=True))
    >>> joined = events(("A", "2026-01-01"), ("B", "2026-01-01"), ("C", "2026-01-16"))
    >>> left = events(("A", "2026-01-11"), ("B", "2026-01-21"))
    >>> analysis.retention_curves(joined, left, as_of="2026-01-31").drop(columns=["lower", "upper"])
       days  at_risk  events  censored  survival
    0     0        3       0         0  1.000000
    1    10        3       1         0  0.666667
    2    15        2       0         1  0.666667
    3    20        1       1         0  0.000000
    """
    if not isinstance(confidence, float) or not 0 < confidence < 1:
        raise InvalidInputError(f"confidence={confidence!r} is not a number between 0 and 1, such as 0.95.")
    keys = names(by)
    begun = read_events(starts, *keys)
    acts = begun if events is None else read_events(events)
    at = last_moment([begun, acts], as_of)
    kinds: dict[str, Kind] = {**dict.fromkeys(keys, "text"), "days": "count", "at_risk": "count"}
    kinds |= {
        "events": "count",
        "censored": "count",
        "survival": "number",
        "lower": "number",
        "upper": "number",
    }
    if at is None:
        return made_like([], kinds, starts)
    begun, acts = (
        table.filter(nw.col("__at") <= at) for table in with_numbered_people(begun, acts, keys=keys)
    )
    first = _first(begun, keys).select("profile_id", *keys, __start=nw.col("__at"))
    if events is None:
        acts = _numbered(acts.select("profile_id", "__at")).filter(nw.col("__number") == 2)
    ends = acts.select("profile_id", __end=nw.col("__at")).join(first, on="profile_id", how="inner")
    ends = ends.filter(nw.col("__end") >= nw.col("__start"))
    ends = ends.group_by("profile_id").agg(nw.col("__end").min())
    waits = first.join(ends, on="profile_id", how="left").with_columns(
        __happened=(~nw.col("__end").is_null()).cast(nw.Int64),
        __until=nw.when(nw.col("__end").is_null()).then(nw.lit(at)).otherwise(nw.col("__end")),
    )
    waits = waits.with_columns(days=days_between("__until", "__start"))
    counted = rows_of(
        waits.group_by(*keys, "days").agg(nw.len().alias("all"), nw.col("__happened").sum().alias("events"))
    )
    groups: dict[tuple[Any, ...], list[Waits]] = defaultdict(list)
    for row in counted:
        happened = int(row["events"])
        waited = Waits(int(row["days"]), happened, int(row["all"]) - happened)
        groups[tuple(row[name] for name in keys)].append(waited)
    made = [
        {**dict(zip(keys, _texts(group), strict=True)), **point}
        for group in sorted(groups, key=_sortable)
        for point in kaplan_meier(groups[group], confidence=confidence)
    ]
    return made_like(made, kinds, starts)


class Waits(NamedTuple):
    """How many waited so many days, until the event happened or was not yet seen to."""

    days: int
    events: int
    censored: int


def kaplan_meier(waits: Iterable[Waits], *, confidence: float = 0.95) -> list[dict[str, Any]]:
    """Return the product-limit estimate, a point for each number of days, from 0."""
    ordered = sorted(waits)
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    at_risk = sum(one.events + one.censored for one in ordered)
    points: list[dict[str, Any]] = []
    if ordered and ordered[0].days > 0:
        ordered = [Waits(0, 0, 0), *ordered]
    survival, variance = 1.0, 0.0
    for one in ordered:
        survival *= (at_risk - one.events) / at_risk
        if at_risk > one.events:
            variance += one.events / (at_risk * (at_risk - one.events))
        lower, upper = _interval(survival, variance, z)
        points.append(
            {
                "days": one.days,
                "at_risk": at_risk,
                "events": one.events,
                "censored": one.censored,
                "survival": survival,
                "lower": lower,
                "upper": upper,
            }
        )
        at_risk -= one.events + one.censored
    return points


def survival_of(
    waited: Sequence[int], events: Sequence[int], every: Sequence[int]
) -> tuple[list[int], list[float]]:
    """Return the numbers of days and the estimate at each, as `kaplan_meier` has them but without an interval.

    For columns in order of days: how many had waited so long, and how many of `every` one returned then.
    """
    begun = bool(waited) and waited[0] > 0
    at_risk, survival = sum(every), 1.0
    estimates = [1.0] if begun else []
    for returned, ended in zip(events, every, strict=True):
        survival *= (at_risk - returned) / at_risk
        at_risk -= ended
        estimates.append(survival)
    return [0, *waited] if begun else [*waited], estimates


def _interval(survival: float, variance: float, z: float) -> tuple[float | None, float | None]:
    if survival >= 1:
        return 1.0, 1.0
    if survival <= 0:
        return None, None
    spread = z * math.sqrt(variance) / math.log(survival)
    middle = math.log(-math.log(survival))
    ends = (math.exp(-math.exp(middle - spread)), math.exp(-math.exp(middle + spread)))
    return min(ends), max(ends)


def _first(begun: Table, keys: Sequence[str]) -> Table:
    """Return each profile's first start."""
    return first_of(begun, ["profile_id"], by=["__at", *keys])


def _numbered(events: Table) -> Table:
    return placed(events, ["profile_id"], ["__at"], "__number")


def _grid(
    sizes: list[dict[str, Any]],
    counted: dict[tuple[Any, ...], Any],
    keys: Sequence[str],
    period: Period,
    measure: Measure,
    now: int,
) -> list[dict[str, Any]]:
    """Return a row for each cohort and age, as long as the oldest cohort's."""
    current = index_of(now, period)
    oldest = min((int(row["__cohort"]) for row in sizes), default=current)
    rows = []
    by_age = sorted(sizes, key=lambda row: (int(row["__cohort"]), _sortable(row[name] for name in keys)))
    for row in by_age:
        group = tuple(row[name] for name in keys)
        cohort, size = int(row["__cohort"]), int(row["size"])
        for age in range(current - oldest + 1):
            reached = cohort + age <= current
            found = counted.get((row["__cohort"], *group, age), 0) if reached else None
            number = found if found is None or measure == "revenue" else int(found)
            rows.append(
                {
                    "cohort": period_label(cohort, period),
                    **dict(zip(keys, _texts(group), strict=True)),
                    "age": age,
                    "size": size,
                    measure: float(number) if number is not None and measure == "revenue" else number,
                    "share": None if number is None else float(number) / size,
                    "complete": cohort + age < current,
                }
            )
    return rows


def _texts(group: Sequence[Any]) -> list[str | None]:
    return [None if value is None else str(value) for value in group]


def _sortable(group: Iterable[Any]) -> list[tuple[bool, str]]:
    return [(value is None, str(value)) for value in group]


@takes(f"{ORDERS} from full history, or the frame of analysis.attribution(...)")
def new_and_returning(
    orders: IntoFrameT,
    *,
    by: str | Sequence[str] = (),
    start: datetime | str | None = None,
    end: datetime | str | None = None,
    history: Literal["before start", "complete"] = "before start",
    zone: str = "UTC",
) -> IntoFrameT:
    """Split orders and revenue into those of new and of returning customers.

    The first order of a profile is new, every later one returning; orders at the same time are ordered by id.

    Parameters
    ----------
    orders : DataFrame
        Orders from full history: `id` (or `order_id`; each in one row), `profile_id`, `datetime` (with a time zone),
        `value` and `currency`. The frame of `attribution` works, too, and is split by its credit and revenue.
    by : str or sequence of str, optional
        Columns to split by, such as "campaign" or "flow"; "month" is made of `datetime` in `zone`.
    start, end : datetime or str, optional
        The period to count, half-open. A text or time without a zone is in `zone`. Needed unless
        `history="complete"`.
    history : {"before start", "complete"}, default "before start"
        "complete" affirms that the frame begins with the shop's first order. Otherwise the frame must hold orders
        from before `start`, without which everybody would look new.
    zone : str, default "UTC"
        Time zone of months and of times without one; the account's is right.

    Returns
    -------
    DataFrame
        `by`, `currency`, `customer` ("new", "returning", or "unknown" for orders without a profile), `orders` (float
        for an attribution frame), `customers`, `revenue` and `average_order_value` (in `currency`) and
        `revenue_share` (fraction of the group's revenue). Sorted by `by`, new first.

    Raises
    ------
    FrameError
        If the frame has no order before `start`, columns are missing, ids are null or repeated, or there are several
        currencies.
    InvalidInputError
        If `start` is missing, a date cannot be read or `zone` is not a time zone.

    Examples
    --------
    >>> import pandas as pd
    >>> from klaviyo_analytics import analysis
    >>> orders = pd.DataFrame({"id": ["1", "2", "3"], "profile_id": ["A", "A", "B"], "value": [10.0, 30.0, 20.0]})
    >>> orders["datetime"] = pd.to_datetime(["2026-03-05", "2026-04-02", "2026-04-09"], utc=True)
    >>> split = analysis.new_and_returning(orders.assign(currency="EUR"), start="2026-04-01")
    >>> split[["customer", "orders", "revenue", "revenue_share"]]
        customer  orders  revenue  revenue_share
    0        new       1     20.0            0.4
    1  returning       1     30.0            0.6
    """
    place = zone_named(zone)
    keys = names(by)
    table = opened_rows(
        orders,
        "profile_id",
        "datetime",
        "currency",
        times=("datetime",),
        numbers=("value", "revenue", "credit"),
        texts=("id", "order_id", "profile_id", "currency"),
    )
    shared = {"order_id", "credit", "revenue"} <= {*columns_of(table)}
    key = "order_id" if shared else require_any(table, ["id", "order_id"])
    money = "revenue" if shared else require_any(table, ["value"])
    require_one_currency(table, [])
    if not shared:
        require_ids(table, key, "orders")
    table = with_micros(table, __us="datetime").filter(~nw.col("__us").is_null())
    if "month" in keys and "month" not in columns_of(table):
        table = with_month(table, "month", local_micros("__us", place, span_of(table, "__us")))
    table = opened_rows(table.to_native(), *keys) if keys else table
    from_, until = moment_in(start, place, "start"), moment_in(end, place, "end")
    _require_history(table, from_, history)
    ranked = _ranked(table, key, shared=shared)
    inside = ~nw.col("__us").is_null()
    inside = inside if from_ is None else inside & (nw.col("__us") >= from_)
    inside = inside if until is None else inside & (nw.col("__us") < until)
    weight = nw.col("credit").cast(nw.Float64) if shared else nw.lit(1)
    groups = list(dict.fromkeys([*keys, "currency"]))
    counted = ranked.filter(inside).with_columns(__weight=weight, __money=nw.col(money).cast(nw.Float64))
    people = counted.filter(~nw.col("profile_id").is_null()).select(*groups, "__kind", "profile_id")
    (people,) = with_numbered_people(people, keys=groups)
    people_counts = people.unique().group_by(*groups, "__kind").agg(nw.len().alias("customers"))
    sums = counted.group_by(*groups, "__kind").agg(
        nw.col("__weight").sum().alias("orders"), nw.col("__money").sum().alias("revenue")
    )
    stacked = nw.concat(
        [
            sums.select(
                *groups,
                "__kind",
                orders=nw.col("orders").cast(nw.Float64),
                revenue="revenue",
                customers=nw.lit(0).cast(nw.Int64),
            ),
            people_counts.select(
                *groups,
                "__kind",
                orders=nw.lit(0.0),
                revenue=nw.lit(0.0),
                customers=nw.col("customers").cast(nw.Int64),
            ),
        ]
    )
    result = stacked.group_by(*groups, "__kind").agg(nw.col("orders", "revenue", "customers").sum())
    total = nw.col("revenue").sum().over(*groups)
    result = result.with_columns(__total=total).with_columns(
        customer=nw.when(nw.col("__kind") == 0)
        .then(nw.lit("new"))
        .otherwise(nw.when(nw.col("__kind") == 1).then(nw.lit("returning")).otherwise(nw.lit("unknown"))),
        average_order_value=nw.when(nw.col("orders") > 0).then(nw.col("revenue") / nw.col("orders")),
        revenue_share=nw.when(nw.col("__total") != 0).then(nw.col("revenue") / nw.col("__total")),
        orders=nw.col("orders") if shared else nw.col("orders").cast(nw.Int64),
        customers=nw.col("customers").cast(nw.Int64),
    )
    result = result.sort(*groups, "__kind", nulls_last=True).select(
        *groups, "customer", "orders", "customers", "revenue", "average_order_value", "revenue_share"
    )
    return closed(result, orders)


def _ranked(table: Table, key: str, *, shared: bool) -> Table:
    """Append `__kind`: 0 for the first order of a profile, 1 for later ones, 2 where the profile is unknown."""
    known = table.filter(~nw.col("profile_id").is_null() & ~nw.col("__us").is_null())
    once = known.select(key, "profile_id", "__us")
    once = once.unique() if shared else once
    once = placed(once, ["profile_id"], ["__us", key], "__place")
    later = nw.when(nw.col("__place") == 1).then(nw.lit(0)).otherwise(nw.lit(1))
    kinds = once.select(key, __kind=later)
    joined = table.join(kinds, on=key, how="left")
    return joined.with_columns(__kind=nw.col("__kind").fill_null(2).cast(nw.Int64))


def _require_history(table: Table, start: int | None, history: str) -> None:
    if history not in ("before start", "complete"):
        raise InvalidInputError(
            f"history={history!r} is not allowed. Allowed are 'before start' and 'complete'."
        )
    if history == "complete":
        return
    if start is None:
        raise InvalidInputError(
            "start is missing, so new and returning customers cannot be told apart. "
            "Give the start of the period, or history='complete' if the frame begins with the shop's first order."
        )
    earlier = table.filter(nw.col("__us") < start).head(1).collect()
    if not len(earlier) and len(table.head(1).collect()):
        raise FrameError(
            "the frame has no order before start, so that every customer would look new. Read the orders from full "
            "history, or pass history='complete' if the frame begins with the shop's first order."
        )
