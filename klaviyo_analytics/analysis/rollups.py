"""Events with the message that led to them, and rollups by person, campaign and flow."""

from __future__ import annotations

from typing import Literal, get_args

import narwhals.stable.v2 as nw
from narwhals.stable.v2.typing import IntoFrameT

from klaviyo_analytics.analysis._engine import closed
from klaviyo_analytics.analysis._events import one_of, opened_rows, present
from klaviyo_analytics.analysis.argument_checks import takes

Grain = Literal["person_touch", "campaign", "flow", "person"]
CREDITED = (
    "the frame of analysis.attribution(orders, touches), with the touches' campaign_id, flow_id, variation_id"
)
_GRAINS: dict[str, tuple[str, ...]] = {
    "person_touch": ("profile_id", "campaign_id", "flow_id", "variation_id"),
    "campaign": ("campaign_id",),
    "flow": ("flow_id",),
    "person": ("profile_id",),
}


@takes(CREDITED)
def touch_rollup(frame: IntoFrameT, grain: Grain = "person_touch") -> IntoFrameT:
    """Roll attributed orders up by person and touch, by campaign, by flow or by person.

    The grain "person_touch" is that of dbt_klaviyo: person × campaign or flow of the last touch × variation. Which
    of dbt_klaviyo's two ways it means depends on the model of the frame: "native" is its default since v1.1.0
    (Klaviyo's own attribution), "last_touch" with windows of 120 h for email and 24 h for text and `start="touch"`
    its sessions (`using_native_attribution: false`), but in elapsed time instead of hour boundaries, with the
    variation of the touch, with minus signs, and with ties ordered by id.

    Parameters
    ----------
    frame : DataFrame
        The frame of `attribution`, whose touches had `campaign_id`, `flow_id` and, for "person_touch",
        `variation_id`.
    grain : {"person_touch", "campaign", "flow", "person"}, default "person_touch"
        What a row is.

    Returns
    -------
    DataFrame
        The columns of the grain, `currency`, `first_order` and `last_order` (times), `orders` (float: sum of
        credits), `revenue` (with refunds negative), with net values `net_revenue`, `customers` but for persons, and
        `average_order_value`. Orders without a campaign or flow are a row with nulls for "person_touch", "campaign"
        and "flow". The rows add up to all orders. Sorted by the grain.

    Raises
    ------
    InvalidInputError
        If the grain is not allowed.
    FrameError
        If columns are missing.

    Examples
    --------
    >>> import pandas as pd
    >>> from klaviyo_analytics import analysis
    >>> at = pd.Timestamp("2026-04-10 12:00", tz="UTC")
    >>> credited = pd.DataFrame({"order_id": ["1", "2"], "profile_id": "A", "datetime": [at, at], "currency": "EUR"})
    >>> credited = credited.assign(campaign_id=["C1", None], credit=1.0, revenue=[30.0, -5.0])
    >>> analysis.touch_rollup(credited, "campaign")[["orders", "revenue", "customers"]]
       orders  revenue  customers
    0     1.0     30.0          1
    1     1.0     -5.0          1
    """
    keys = list(_GRAINS[one_of(grain, get_args(Grain), "grain")])
    needed = dict.fromkeys([*keys, "profile_id", "datetime", "currency", "credit", "revenue"])
    table = opened_rows(
        frame,
        *needed,
        times=("datetime",),
        numbers=("credit", "revenue", "net_revenue"),
        texts=(*keys, "currency"),
    )
    money = ["revenue", *present(table, ["net_revenue"])]
    groups = [*keys, "currency"]
    table = table.with_columns(
        __nobody=nw.col("profile_id").is_null().cast(nw.Int64), __person=nw.col("profile_id")
    )
    result = table.group_by(*groups).agg(
        nw.col("datetime").min().alias("first_order"),
        nw.col("datetime").max().alias("last_order"),
        nw.col("credit").sum().alias("orders"),
        *(nw.col(name).sum() for name in money),
        nw.col("__person").n_unique().alias("__people"),
        nw.col("__nobody").max(),
    )
    result = result.with_columns(
        customers=(nw.col("__people") - nw.col("__nobody")).cast(nw.Int64),
        average_order_value=nw.when(nw.col("orders") > 0).then(nw.col("revenue") / nw.col("orders")),
    )
    people = [] if "profile_id" in keys else ["customers"]
    columns = [*groups, "first_order", "last_order", "orders", *money, *people, "average_order_value"]
    return closed(result.select(columns).sort(*groups, nulls_last=True), frame)
