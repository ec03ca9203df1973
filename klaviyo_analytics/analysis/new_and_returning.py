"""Orders and revenue of new customers against those of returning ones."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import narwhals.stable.v2 as nw
from narwhals.stable.v2.typing import IntoFrameT

from klaviyo_analytics.analysis._engine import Table, closed, columns_of, names, require_one_currency
from klaviyo_analytics.analysis._events import (
    local_micros,
    moment_in,
    month_of,
    opened_rows,
    require_any,
    span_of,
    with_micros,
    zone_named,
)
from klaviyo_analytics.analysis.argument_checks import takes
from klaviyo_analytics.analysis.orders import ORDERS
from klaviyo_analytics.errors import FrameError, InvalidInputError


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
        Orders from full history: `id` (or `order_id`), `profile_id`, `datetime` (with a time zone), `value` and
        `currency`. The frame of `attribution` works, too, and is split by its credit and revenue.
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
        If the frame has no order before `start`, columns are missing or there are several currencies.
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
    table = with_micros(table, __us="datetime").filter(~nw.col("__us").is_null())
    if "month" in keys and "month" not in columns_of(table):
        table = table.with_columns(month=month_of(local_micros("__us", place, span_of(table, "__us"))))
    table = opened_rows(table.to_native(), *keys) if keys else table
    from_, until = moment_in(start, place, "start"), moment_in(end, place, "end")
    _require_history(table, from_, history)
    ranked = _ranked(table, key)
    inside = ~nw.col("__us").is_null()
    inside = inside if from_ is None else inside & (nw.col("__us") >= from_)
    inside = inside if until is None else inside & (nw.col("__us") < until)
    weight = nw.col("credit").cast(nw.Float64) if shared else nw.lit(1)
    groups = list(dict.fromkeys([*keys, "currency"]))
    counted = ranked.filter(inside).with_columns(__weight=weight, __money=nw.col(money).cast(nw.Float64))
    people = counted.select(*groups, "__kind", "profile_id").unique().group_by(*groups, "__kind")
    people_counts = people.agg(nw.col("profile_id").count().alias("customers"))
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


def _ranked(table: Table, key: str) -> Table:
    """Append `__kind`: 0 for the first order of a profile, 1 for later ones, 2 where the profile is unknown."""
    known = table.filter(~nw.col("profile_id").is_null() & ~nw.col("__us").is_null())
    once = known.select(key, "profile_id", "__us").unique().with_columns(__one=nw.lit(1))
    place = nw.col("__one").cum_sum().over("profile_id", order_by=["__us", key])
    kinds = once.with_columns(__kind=nw.when(place == 1).then(nw.lit(0)).otherwise(nw.lit(1))).select(
        key, "__kind"
    )
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
