"""What customers order next, and when."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
from narwhals.stable.v2.typing import IntoFrameT

from klaviyo_analytics.analysis._customer_events import (
    ORDERS,
    AsOf,
    Kind,
    check_positive,
    days_between,
    last_moment,
    lists_of,
    made_like,
    read_events,
    with_days_later,
)
from klaviyo_analytics.analysis._engine import Table, closed, columns_of, names, opened, ratio, takes
from klaviyo_analytics.analysis._ordering import first_of, windowed
from klaviyo_analytics.analysis.cohorts import survival_of
from klaviyo_analytics.analysis.items import read_lines

# numbers of days in order, how many returned after so many, and how many had waited so long
Waited = tuple[list[int], list[int], list[int]]

ITEMS = "order lines: analysis.order_items(orders)"


@takes(ORDERS)
def repeat_purchase(
    orders: IntoFrameT,
    *,
    by: str | Sequence[str] = (),
    within: Sequence[int] = (30, 60, 90, 365),
    as_of: AsOf = None,
) -> IntoFrameT:
    """Measure how many customers go from their n-th order to the next one, and how long they take.

    Parameters
    ----------
    orders : DataFrame
        One row per order: `profile_id`, `datetime` (with a time zone); or one row per order line
        (`analysis.order_items(orders)`) with `by="product"`. Rows that share an `id` count once, and so do
        the lines of one `order_id` with the same `by`.
    by : str or sequence of str, optional
        Columns such as "product": orders are then numbered within each customer and product.
    within : sequence of int, default (30, 60, 90, 365)
        Days within which the share that returned is estimated.
    as_of : str, date or datetime, optional
        Until when orders are known; UTC if it has no zone. The last order of the frame if omitted.

    Returns
    -------
    DataFrame
        One row for each `by` and order number: `order` (Int64, n), `customers` (Int64, who have an n-th
        order), `returned` (Int64, who have the next one), `censored` (Int64, who do not have it yet),
        `share` (float, returned ÷ customers), `median_days` (Int64: whole days after which more than half of
        all these customers had returned, those who have not returned yet counted as such; missing if it was
        not more than half), `median_days_km` (Int64: the Kaplan-Meier estimate of the median, which counts
        the censored only as long as they were observed) and `within_30`, ... (float, the Kaplan-Meier
        estimate of the share that returns within so many days; missing if no customer was observed that long).

    Raises
    ------
    FrameError
        If columns are missing.
    InvalidInputError
        If `within` or `as_of` is not valid.

    Examples
    --------
    Three customers return after 10, 20 and 30 days, and one has been observed for 15 days:

    >>> import pandas as pd
    >>> from klaviyo_analytics import analysis
    >>> days = {"A": ["01-01", "01-11"], "B": ["01-01", "01-21"], "C": ["01-01", "01-31"], "D": ["01-16"]}
    >>> orders = pd.DataFrame(
    ...     [(name, f"2026-{day}") for name in days for day in days[name]], columns=["profile_id", "datetime"]
    ... ).assign(datetime=lambda frame: pd.to_datetime(frame["datetime"], utc=True))
    >>> repeat = analysis.repeat_purchase(orders, within=[30], as_of="2026-01-31")
    >>> repeat[["order", "customers", "returned", "censored", "share", "median_days", "median_days_km"]].head(1)
       order  customers  returned  censored  share  median_days  median_days_km
    0      1          4         3         1   0.75           30              20
    """
    keys = names(by)
    for days in within:
        check_positive("within", days, whole=True)
    events = read_events(orders, *keys)
    at = last_moment([events], as_of)
    kinds: dict[str, Kind] = {**dict.fromkeys(keys, "text")}
    kinds |= dict.fromkeys(("order", "customers", "returned", "censored"), "count")
    kinds |= {"share": "number", "median_days": "count", "median_days_km": "count"}
    kinds |= {f"within_{days}": "number" for days in within}
    if at is None:
        return made_like([], kinds, orders)
    events = events.filter(nw.col("__at") <= at)
    if "order_id" in columns_of(events):
        events = first_of(events, ["profile_id", "order_id", *keys], by=["__at"])
    waits = _gaps(events, ["profile_id", *keys], at)
    groups = _waits(waits, [*keys, "__number"])
    in_order = sorted(groups, key=lambda group: ([(one is None, str(one)) for one in group[:-1]], group[-1]))
    made = []
    for group in in_order:
        labels = (None if one is None else str(one) for one in group[:-1])
        made.append(
            {**dict(zip(keys, labels, strict=True)), "order": group[-1], **_returns(groups[group], within)}
        )
    return made_like(made, kinds, orders)


@takes(ITEMS)
def next_product(items: IntoFrameT, *, as_of: AsOf = None) -> IntoFrameT:
    """Count which products are in the order that follows one with a given product.

    Parameters
    ----------
    items : DataFrame
        One row per order line, as `analysis.order_items` returns them: `profile_id`, `datetime`, `order_id`,
        `product`.
    as_of : str, date or datetime, optional
        Orders after it do not count; UTC if it has no zone.

    Returns
    -------
    DataFrame
        One row for each pair, the most frequent first within `product`: `product`, `next_product` (the same
        one, if it was ordered again), `orders` (Int64, orders with `product`), `followed` (Int64, those with
        a next order of the same customer), `count` (Int64, those whose next order has `next_product`),
        `share` (float, count ÷ followed) and `median_days` (float, elapsed whole days between the two orders).

    Raises
    ------
    FrameError
        If columns are missing.

    Examples
    --------
    >>> import pandas as pd
    >>> from klaviyo_analytics import analysis
    >>> items = pd.DataFrame(
    ...     {
    ...         "profile_id": ["A", "A", "B"],
    ...         "datetime": pd.to_datetime(["2026-01-01", "2026-01-11", "2026-01-05"], utc=True),
    ...         "order_id": ["o1", "o2", "o3"],
    ...         "product": ["Pot", "Tea", "Pot"],
    ...     }
    ... )
    >>> analysis.next_product(items)
      product next_product  orders  followed  count  share  median_days
    0     Pot          Tea       2         1      1    1.0         10.0
    """
    lines = _until(read_lines(items), as_of)
    sequence = first_of(lines.select("profile_id", "order_id", "__at"), ["order_id"], by=["__at"])
    after = {"__next_id": nw.col("order_id").shift(-1), "__next_at": nw.col("__at").shift(-1)}
    sequence = windowed(sequence, ["profile_id"], ["__at", "order_id"], **after)
    following = sequence.select("order_id", *after)
    from_here = lines.select("order_id", "product", "__at").join(following, on="order_id", how="left")
    totals = from_here.group_by("product").agg(
        nw.len().alias("orders"), nw.col("__next_id").count().alias("followed")
    )
    there = lines.select(__next_id=nw.col("order_id"), next_product=nw.col("product"))
    pairs = from_here.join(there, on="__next_id", how="inner")
    pairs = pairs.with_columns(__days=days_between("__next_at", "__at"))
    counts = pairs.group_by("product", "next_product").agg(
        nw.len().alias("count"), nw.col("__days").median().alias("median_days")
    )
    result = counts.join(totals, on="product", how="left").with_columns(
        nw.col("orders").cast(nw.Int64),
        nw.col("followed").cast(nw.Int64),
        nw.col("count").cast(nw.Int64),
        nw.col("median_days").cast(nw.Float64),
    )
    result = result.with_columns(share=ratio("count", "followed"))
    result = result.select("product", "next_product", "orders", "followed", "count", "share", "median_days")
    return closed(result.sort("product", "count", "next_product", descending=[False, True, False]), items)


@takes(ITEMS)
def bought_together(items: IntoFrameT, *, least: int = 1) -> IntoFrameT:
    """Count which products are in the same order.

    Parameters
    ----------
    items : DataFrame
        One row per order line, as `analysis.order_items` returns them: `profile_id`, `datetime`, `order_id`,
        `product`.
    least : int, default 1
        Fewest common orders of a pair that is returned.

    Returns
    -------
    DataFrame
        One row for each pair of different products, the most frequent first: `product_a`, `product_b` (in
        alphabetical order), `orders_a`, `orders_b`, `together` (Int64, orders with the first, the second,
        both), `support` (float, together ÷ all orders), `share_of_a`, `share_of_b` (float, together ÷ orders
        of the one), `lift` (float: how many times more often than if both were bought independently).

    Raises
    ------
    FrameError
        If columns are missing.
    InvalidInputError
        If `least` is not a positive whole number.

    Examples
    --------
    >>> import pandas as pd
    >>> from klaviyo_analytics import analysis
    >>> items = pd.DataFrame(
    ...     {
    ...         "profile_id": ["A", "A", "B"],
    ...         "datetime": pd.to_datetime(["2026-01-01", "2026-01-01", "2026-01-05"], utc=True),
    ...         "order_id": ["o1", "o1", "o2"],
    ...         "product": ["Pot", "Tea", "Pot"],
    ...     }
    ... )
    >>> analysis.bought_together(items)[["product_a", "product_b", "together", "share_of_a", "lift"]]
      product_a product_b  together  share_of_a  lift
    0       Pot       Tea         1         0.5   1.0
    """
    return closed(_pairs(read_lines(items), "order_id", "orders", least), items)


@takes(ITEMS)
def product_affinity(items: IntoFrameT, *, least: int = 1) -> IntoFrameT:
    """Count which products are bought by the same customers, at any time.

    Parameters
    ----------
    items : DataFrame
        One row per order line, as `analysis.order_items` returns them: `profile_id`, `datetime`, `order_id`,
        `product`.
    least : int, default 1
        Fewest common customers of a pair that is returned.

    Returns
    -------
    DataFrame
        As `bought_together`, with customers in place of orders: `product_a`, `product_b`, `customers_a`,
        `customers_b`, `together`, `support`, `share_of_a`, `share_of_b`, `lift`.

    Raises
    ------
    FrameError
        If columns are missing.
    InvalidInputError
        If `least` is not a positive whole number.

    Examples
    --------
    >>> import pandas as pd
    >>> from klaviyo_analytics import analysis
    >>> items = pd.DataFrame(
    ...     {
    ...         "profile_id": ["A", "A", "B"],
    ...         "datetime": pd.to_datetime(["2026-01-01", "2026-02-01", "2026-01-05"], utc=True),
    ...         "order_id": ["o1", "o2", "o3"],
    ...         "product": ["Pot", "Tea", "Pot"],
    ...     }
    ... )
    >>> analysis.product_affinity(items)[["product_a", "product_b", "customers_a", "together", "support"]]
      product_a product_b  customers_a  together  support
    0       Pot       Tea            2         1      0.5
    """
    return closed(_pairs(read_lines(items), "profile_id", "customers", least), items)


@takes(ITEMS)
def replenishment(items: IntoFrameT, *, as_of: AsOf = None, own_gaps: int = 2) -> IntoFrameT:
    """Estimate when each customer is due to buy a product again.

    Parameters
    ----------
    items : DataFrame
        One row per order line, as `analysis.order_items` returns them: `profile_id`, `datetime`, `order_id`,
        `product`.
    as_of : str, date or datetime, optional
        Until when orders are known; UTC if it has no zone. The last order of the frame if omitted.
    own_gaps : int, default 2
        Gaps between a customer's own purchases of the product from which their median is used; with fewer it is
        the product's Kaplan-Meier median over all customers.

    Returns
    -------
    DataFrame
        One row for each customer and product, by both: `profile_id`, `product`, `orders` (Int64),
        `last_order` (time), `interval_days` (Int64), `basis` ("customer" or "product"), `due` (time, last
        order + interval) and `days_until_due` (Int64, from `as_of`; negative if overdue). Where less than
        half of a product's customers are estimated to return, no date can be given and the last four are missing.

    Raises
    ------
    FrameError
        If columns are missing.
    InvalidInputError
        If `own_gaps` or `as_of` is not valid.

    Notes
    -----
    To write the dates back, keep the rows of one product, with a date:
    `client.profiles.plan_upsert(due.rename(columns={"profile_id": "id"})[["id", "due"]],
    columns={"due": "properties.Coffee due"})`.

    Examples
    --------
    >>> import pandas as pd
    >>> from klaviyo_analytics import analysis
    >>> items = pd.DataFrame(
    ...     {
    ...         "profile_id": ["A", "A", "A"],
    ...         "datetime": pd.to_datetime(["2026-01-01", "2026-01-31", "2026-03-02"], utc=True),
    ...         "order_id": ["o1", "o2", "o3"],
    ...         "product": ["Coffee"] * 3,
    ...     }
    ... )
    >>> analysis.replenishment(items, as_of="2026-03-12")[["interval_days", "basis", "due", "days_until_due"]]
       interval_days     basis                       due  days_until_due
    0             30  customer 2026-04-01 00:00:00+00:00              20
    """
    check_positive("own_gaps", own_gaps, whole=True)
    lines = read_lines(items)
    at = last_moment([lines], as_of)
    lines = lines.filter(nw.col("__at") <= (at or 0))
    gaps = _gaps(lines, ["profile_id", "product"], at or 0)
    medians = _medians(gaps)
    known = made_like(
        [{"product": product, "__usual": days} for product, days in medians.items()],
        {"product": "text", "__usual": "count"},
        items,
    )
    own = gaps.group_by("profile_id", "product").agg(
        nw.len().alias("orders"),
        nw.col("datetime").max().alias("last_order"),
        nw.col("__at").max().alias("__last"),
        nw.col("__own").median().alias("__median"),
    )
    joined = own.join(opened(known), on="product", how="left").with_columns(nw.col("orders").cast(nw.Int64))
    enough = nw.col("orders") > own_gaps
    half_up = (nw.col("__median").cast(nw.Float64) + 0.5).floor().cast(nw.Int64)
    joined = joined.with_columns(
        interval_days=nw.when(enough).then(half_up).otherwise(nw.col("__usual").cast(nw.Int64)),
        basis=nw.when(enough)
        .then(nw.lit("customer"))
        .otherwise(nw.when(~nw.col("__usual").is_null()).then(nw.lit("product"))),
    )
    result = with_days_later(joined, "due", "last_order", "interval_days").with_columns(
        days_until_due=nw.col("interval_days") - days_between(at or 0, "__last"),
    )
    made = (
        "profile_id",
        "product",
        "orders",
        "last_order",
        "interval_days",
        "basis",
        "due",
        "days_until_due",
    )
    return closed(result.select(*made).sort("profile_id", "product"), items)


def _gaps(events: Table, keys: Sequence[str], at: int) -> Table:
    """Append the number of each order, whether another follows, and the whole days until then or until `at`."""
    ordering = ["__at", "order_id"] if "order_id" in columns_of(events) else ["__at"]
    columns = {"__number": nw.col("__one").cum_sum(), "__next": nw.col("__at").shift(-1)}
    table = windowed(events.with_columns(__one=nw.lit(1)), keys, ordering, **columns)
    table = table.with_columns(
        __returned=(~nw.col("__next").is_null()).cast(nw.Int64),
        __until=nw.when(nw.col("__next").is_null()).then(nw.lit(at)).otherwise(nw.col("__next")),
    )
    table = table.with_columns(__days=days_between("__until", "__at"))
    return table.with_columns(__own=nw.when(nw.col("__returned") == 1).then(nw.col("__days")))


def _returns(waits: Waited, within: Sequence[int]) -> dict[str, Any]:
    """Summarise who returned when."""
    days, estimates = survival_of(*waits)
    waited, events, every = waits
    customers, returned = sum(every), sum(events)
    so_far = accumulate(events)
    median = next((day for day, one in zip(waited, so_far, strict=True) if 2 * one > customers), None)
    reached = {}
    for end in within:
        seen = days[-1] >= end or estimates[-1] == 0
        reached[f"within_{end}"] = 1 - estimates[bisect_right(days, end) - 1] if seen else None
    return {
        "customers": customers,
        "returned": returned,
        "censored": customers - returned,
        "share": returned / customers,
        "median_days": median,
        "median_days_km": _median(days, estimates),
        **reached,
    }


def _median(days: Sequence[int], estimates: Sequence[float]) -> int | None:
    return next((day for day, one in zip(days, estimates, strict=True) if one <= 0.5 + 1e-12), None)


def _medians(gaps: Table) -> dict[str, int | None]:
    waits = _waits(gaps, ["product"])
    return {group[0]: _median(*survival_of(*waits[group])) for group in sorted(waits)}


def _waits(gaps: Table, keys: Sequence[str]) -> dict[tuple[Any, ...], Waited]:
    """Return the waits of each of the keys."""
    counted = lists_of(
        gaps.group_by(*keys, "__days").agg(
            nw.len().alias("all"), nw.col("__returned").sum().alias("returned")
        )
    )
    numbers: dict[tuple[Any, ...], int] = {}
    rows = zip(*(counted[name] for name in keys), strict=True)
    groups = np.array([numbers.setdefault(group, len(numbers)) for group in rows], dtype=np.int64)
    columns = [np.array(counted[name], dtype=np.int64) for name in ("__days", "returned", "all")]
    places = np.lexsort((columns[0], groups))
    waited, returned, every = (column[places].tolist() for column in columns)
    ends = np.cumsum(np.bincount(groups, minlength=len(numbers))).tolist()
    pieces = zip(numbers, [0, *ends], ends, strict=False)
    return {group: (waited[at:end], returned[at:end], every[at:end]) for group, at, end in pieces}


def _until(lines: Table, as_of: AsOf) -> Table:
    at = last_moment([], as_of)
    return lines if at is None else lines.filter(nw.col("__at") <= at)


def _pairs(lines: Table, unit: str, what: str, least: int) -> Table:
    check_positive("least", least, whole=True)
    held = lines.select(unit, "product").unique([unit, "product"], keep="any")
    sizes = held.group_by("product").agg(nw.len().alias("__size"))
    left = held.select(unit, product_a=nw.col("product"))
    right = held.select(unit, product_b=nw.col("product"))
    both = left.join(right, on=unit, how="inner").filter(nw.col("product_a") < nw.col("product_b"))
    counts = both.group_by("product_a", "product_b").agg(nw.len().alias("together"))
    for side in ("a", "b"):
        size = sizes.select(
            nw.col("product").alias(f"product_{side}"), nw.col("__size").alias(f"{what}_{side}")
        )
        counts = counts.join(size, on=f"product_{side}", how="left")
    total = int(held.select(nw.col(unit).n_unique()).collect().item() or 0)
    counts = counts.filter(nw.col("together") >= least).with_columns(
        nw.col("together").cast(nw.Int64),
        nw.col(f"{what}_a").cast(nw.Int64),
        nw.col(f"{what}_b").cast(nw.Int64),
        __all=nw.lit(total),
    )
    independent = nw.col(f"{what}_a").cast(nw.Float64) * nw.col(f"{what}_b").cast(nw.Float64)
    result = counts.with_columns(
        support=ratio("together", "__all"),
        share_of_a=ratio("together", f"{what}_a"),
        share_of_b=ratio("together", f"{what}_b"),
        lift=nw.col("together").cast(nw.Float64) * total / independent,
    )
    columns = ("product_a", "product_b", f"{what}_a", f"{what}_b", "together")
    result = result.select(*columns, "support", "share_of_a", "share_of_b", "lift")
    return result.sort("together", "product_a", "product_b", descending=[True, False, False])
