"""What Klaviyo itself attributed: the touch it names or, where it names none, the message, campaign or flow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import narwhals.stable.v2 as nw

from klaviyo_analytics.analysis._engine import Table, columns_of
from klaviyo_analytics.analysis._events import MICROSECONDS_PER_HOUR, present

TOUCH = "attributed_event_id"
# column of the orders -> column of the touches that holds the same
_SAME: Mapping[str, str] = {
    "attributed_campaign_id": "campaign_id",
    "attributed_flow_id": "flow_id",
    "attributed_message": "message",
    "attributed_variation_id": "variation_id",
}
IDS = (TOUCH, *_SAME)
"""Columns of orders; one of them with a value makes the order an attributed one."""

NO_TOUCH = ""
"""Stands for the touch, while tables are joined, of an order that is attributed without one."""

# what all touches of one message have in common
_OF_A_MESSAGE = ("channel", "campaign", "campaign_id", "flow", "flow_id")


def without_marks(table: Table) -> Table:
    """Return the table with `touch_id` missing where Klaviyo names no touch."""
    return table.with_columns(touch_id=nw.when(nw.col("touch_id") != NO_TOUCH).then(nw.col("touch_id")))


def attributed_natively(sold: Table) -> Table:
    """Return the attributed orders with `touch_id`, which is NO_TOUCH where Klaviyo names none, and their ids."""
    ids = present(sold, IDS)
    attributed = nw.lit(value=False)
    for name in ids:
        attributed = attributed | (nw.col(name).fill_null("") != "")
    touch = nw.col(TOUCH).fill_null(NO_TOUCH) if TOUCH in ids else nw.lit(NO_TOUCH)
    return sold.filter(attributed).with_columns(touch_id=touch)


def native_rows(sold: Table, details: Table) -> Table:
    """Return what Klaviyo attributed, also where the touch itself is not among the touches."""
    found = attributed_natively(sold).select("order_id", "__us", "touch_id", *present(sold, list(_SAME)))
    rows = with_details(found, details)
    return rows.drop(*present(rows, list(_SAME))).with_columns(
        hours=(nw.col("__us") - nw.col("__touch_us")).cast(nw.Float64) / MICROSECONDS_PER_HOUR,
        position=nw.lit(1).cast(nw.Int64),
        touches=nw.lit(1).cast(nw.Int64),
        credit=nw.lit(1.0),
    )


def with_details(rows: Table, details: Table) -> Table:
    """Join the columns of the touches to rows with a `touch_id` and the ids of the order.

    Where the touch is not among the touches, they come from the ids that the order carries and from other touches of
    the same message, which have the same channel, campaign and flow.
    """
    ids = [name for name in present(rows, list(_SAME)) if _SAME[name] in columns_of(details)]
    rows = rows.join(details, on="touch_id", how="left")
    if not ids:
        return rows
    gone = nw.col("__touch_us").is_null() & ~nw.col("touch_id").is_null()
    rows = rows.with_columns(
        nw.when(gone).then(nw.col(name)).otherwise(nw.col(_SAME[name])).alias(_SAME[name]) for name in ids
    )
    if "attributed_message" not in ids:
        return rows
    schema = details.collect_schema()
    shared = [name for name in present(details, _OF_A_MESSAGE) if schema[name] == nw.String]
    about = (
        _typed_texts(details, shared)
        .filter(~nw.col("message").is_null())
        .with_columns(nw.col(name).cast(nw.String).alias(f"__of_{name}") for name in shared)
        .group_by("message")
        .agg(*(nw.col(f"__of_{name}").max() for name in shared))
    )
    rows = rows.join(about, on="message", how="left").with_columns(
        nw.when(gone & nw.col(name).is_null())
        .then(nw.col(f"__of_{name}"))
        .otherwise(nw.col(name))
        .alias(name)
        for name in shared
    )
    return rows.drop(*(f"__of_{name}" for name in shared))


def _typed_texts(table: Table, columns: Sequence[str]) -> Table:
    """Return the table with pandas' own text type, of which it finds the largest beside missing values."""
    native: Any = table.to_native()
    if not nw.dependencies.is_pandas_dataframe(native):
        return table
    return nw.from_native(native.astype(dict.fromkeys(columns, "string"))).lazy()
