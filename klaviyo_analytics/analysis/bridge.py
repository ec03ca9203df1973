"""Why two numbers differ: the steps from one way of counting revenue to another, which add up to the difference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import narwhals.stable.v2 as nw
import pandas as pd
from narwhals.stable.v2.typing import IntoFrameT

from klaviyo_analytics.analysis._engine import Table, closed, columns_of, require_one_currency, takes
from klaviyo_analytics.analysis._events import like_given, moment_in, opened_rows, with_micros, zone_named
from klaviyo_analytics.errors import InvalidInputError

BRIDGE_ORDERS = (
    "attributed orders with order_id, datetime, sent, value and currency: "
    "analysis.attribution(orders, touches, 'native') joined with the time of sending"
)
REASONS: tuple[tuple[str, str], ...] = (
    ("deleted message", "the message was deleted: reports leave it out, events keep it"),
    ("sent before the period", "ordered in the period, from a message sent before it"),
    ("sent after the period", "ordered in the period, from a message sent after it"),
    ("unknown send", "ordered in the period, from a message whose time of sending is not known"),
    ("ordered before the period", "sent in the period, ordered before it"),
    ("ordered after the period", "sent in the period, ordered after it"),
)


@takes(BRIDGE_ORDERS)
def bridge_orders(
    frame: IntoFrameT, *, start: str | datetime, end: str | datetime, zone: str = "UTC"
) -> IntoFrameT:
    """Place each attributed order on the way from revenue by date of the order to revenue by date of the send.

    Parameters
    ----------
    frame : DataFrame
        A row per order (or order and touch): `order_id`, `datetime` (of the order), `sent` (of the message; null if
        not known), `value` (or `revenue`) and `currency`; `deleted` (boolean) if messages were deleted since.
    start, end : datetime or str
        The period, half-open; texts are in `zone`.
    zone : str, default "UTC"
        The account's time zone.

    Returns
    -------
    DataFrame
        The rows that either way counts, with `by_order` and `by_send` (what each way counts of them, in `currency`)
        and `reason`: null where both count the row.

    Raises
    ------
    FrameError
        If columns are missing or there are several currencies.
    InvalidInputError
        If a date or the zone is not valid.

    Examples
    --------
    >>> import pandas as pd
    >>> from klaviyo_analytics import analysis
    >>> orders = pd.DataFrame({"order_id": ["1"], "value": [80.0], "currency": ["EUR"]})
    >>> orders["sent"] = pd.Timestamp("2026-03-31 12:00", tz="UTC")
    >>> orders["datetime"] = pd.Timestamp("2026-04-02 12:00", tz="UTC")
    >>> analysis.bridge_orders(orders, start="2026-04-01", end="2026-05-01")[["by_order", "by_send", "reason"]]
       by_order  by_send                  reason
    0      80.0      0.0  sent before the period
    """
    table = opened_rows(
        frame,
        "order_id",
        "datetime",
        "sent",
        "currency",
        times=("datetime", "sent"),
        numbers=("value", "revenue"),
    )
    placed = _placed(table, *_period(start, end, zone)).drop("__in_order")
    order = [name for name in ("datetime", "order_id", "touch_id") if name in columns_of(placed)]
    return closed(placed.sort(*order, nulls_last=True), frame)


@takes(BRIDGE_ORDERS)
def bridge(
    frame: IntoFrameT,
    *,
    start: str | datetime,
    end: str | datetime,
    zone: str = "UTC",
    reported: float | None = None,
    adjustments: Mapping[str, float] | None = None,
) -> IntoFrameT:
    """Sum up the steps from revenue by date of the order to revenue by date of the send, and to what was reported.

    Parameters
    ----------
    frame, start, end, zone
        As in `bridge_orders`.
    reported : float, optional
        What a report returned for the period, in the same currency. What the steps do not explain stands in a last
        step "not explained".
    adjustments : mapping of str to float, optional
        Known further steps with their amounts, such as `{"refunds": -120.0}`.

    Returns
    -------
    DataFrame
        `step` (text), `kind` ("total" or "change"), `amount` (float, in `currency`), `orders` (Int64; null for totals
        given and adjustments), `currency` and `explanation`. The first row is the revenue by date of the order; each
        change adds to it; the last row is the total that they lead to. Steps of nothing are there with 0.

    Raises
    ------
    FrameError
        If columns are missing or there are several currencies.
    InvalidInputError
        If a date or the zone is not valid.

    Examples
    --------
    >>> import pandas as pd
    >>> from klaviyo_analytics import analysis
    >>> orders = pd.DataFrame({"order_id": ["1", "2"], "value": [80.0, 20.0], "currency": "EUR"})
    >>> orders["sent"] = pd.to_datetime(["2026-03-31 12:00", "2026-04-03 12:00"], utc=True)
    >>> orders["datetime"] = pd.to_datetime(["2026-04-02 12:00", "2026-04-04 12:00"], utc=True)
    >>> steps = analysis.bridge(orders, start="2026-04-01", end="2026-05-01", reported=20.0)
    >>> steps.loc[steps["amount"] != 0, ["step", "kind", "amount", "orders"]]
                         step    kind  amount  orders
    0        by order (event)   total   100.0       2
    2  sent before the period  change   -80.0       1
    8                reported   total    20.0    <NA>
    """
    table = opened_rows(
        frame,
        "order_id",
        "datetime",
        "sent",
        "currency",
        times=("datetime", "sent"),
        numbers=("value", "revenue"),
    )
    placed = _placed(table, *_period(start, end, zone)).with_columns(
        __change=nw.col("by_send") - nw.col("by_order"), reason=nw.col("reason").fill_null("")
    )
    sums = placed.group_by("reason").agg(
        nw.col("by_order").sum(),
        nw.col("by_send").sum(),
        nw.col("__change").sum(),
        nw.col("order_id").n_unique(),
    )
    found = {row["reason"]: row for row in sums.collect().rows(named=True)}
    money = placed.select("currency").unique().drop_nulls().collect()["currency"].to_list()
    counted = (
        placed.filter(nw.col("__in_order")).select(nw.col("order_id").n_unique().alias("n")).collect()["n"]
    )
    total = sum(float(row["by_order"] or 0.0) for row in found.values())
    rows: list[tuple[str, str, float, int | None, str]] = [
        (
            "by order (event)",
            "total",
            total,
            int(counted.to_list()[0] or 0),
            "attributed revenue, by date of the order",
        )
    ]
    for reason, words in REASONS:
        row = found.get(reason)
        amount, orders = (float(row["__change"] or 0.0), int(row["order_id"])) if row else (0.0, 0)
        rows.append((reason, "change", amount, orders, words))
    for name, amount in (adjustments or {}).items():
        rows.append((name, "change", float(amount), None, "given by the caller"))
    reached = sum(row[2] for row in rows)
    if reported is None:
        rows.append(("by send (report)", "total", reached, None, "attributed revenue, by date of the send"))
    else:
        rows.append(
            ("not explained", "change", _cents(float(reported) - reached), None, "none of the steps above")
        )
        rows.append(("reported", "total", float(reported), None, "what the report returned"))
    result = pd.DataFrame(rows, columns=["step", "kind", "amount", "orders", "explanation"])
    result["orders"] = result["orders"].astype("Float64").astype("Int64")
    currency = pd.Series([money[0] if money else None] * len(result), dtype="string")
    result.insert(4, "currency", currency)
    for name in ("step", "kind", "explanation"):
        result[name] = result[name].astype("string")
    return like_given(result, frame)


def _cents(value: float) -> float:
    """Return zero for the rest that floating sums leave."""
    return 0.0 if abs(value) < 5e-7 else value


def _period(start: str | datetime, end: str | datetime, zone: str) -> tuple[int, int]:
    place = zone_named(zone)
    first, last = moment_in(start, place, "start"), moment_in(end, place, "end")
    if first is None or last is None or first >= last:
        raise InvalidInputError(
            f"start={start!r} and end={end!r} are not a period. The start must be before the end."
        )
    return first, last


def _placed(table: Table, start: int, end: int) -> Table:
    require_one_currency(table, [])
    here = columns_of(table)
    money = "revenue" if "revenue" in here else "value"
    table = with_micros(opened_rows(table.to_native(), money), __at="datetime", __sent="sent")
    ordered = (nw.col("__at") >= start) & (nw.col("__at") < end)
    sent = (nw.col("__sent") >= start) & (nw.col("__sent") < end)
    table = table.with_columns(
        __in_order=ordered.fill_null(value=False), __in_send=sent.fill_null(value=False)
    )
    gone = nw.col("deleted").fill_null(value=False) if "deleted" in here else nw.lit(value=False)
    table = table.with_columns(__gone=gone).with_columns(__kept=nw.col("__in_send") & ~nw.col("__gone"))
    amount = nw.col(money).cast(nw.Float64).fill_null(0.0)
    zero = nw.lit(0.0)
    reason: nw.Expr = nw.lit("")
    tests: Sequence[tuple[nw.Expr, str]] = (
        (nw.col("__in_order") & nw.col("__sent").is_null(), "unknown send"),
        (nw.col("__in_order") & (nw.col("__sent") < start).fill_null(value=False), "sent before the period"),
        (nw.col("__in_order") & (nw.col("__sent") >= end).fill_null(value=False), "sent after the period"),
        (nw.col("__kept") & (nw.col("__at") < start).fill_null(value=False), "ordered before the period"),
        (nw.col("__kept") & (nw.col("__at") >= end).fill_null(value=False), "ordered after the period"),
        (nw.col("__in_order") & nw.col("__in_send") & nw.col("__gone"), "deleted message"),
    )
    for holds, name in tests:
        reason = nw.when(holds).then(nw.lit(name)).otherwise(reason)
    table = table.filter(nw.col("__in_order") | nw.col("__kept"))
    table = table.with_columns(
        by_order=nw.when(nw.col("__in_order")).then(amount).otherwise(zero),
        by_send=nw.when(nw.col("__kept")).then(amount).otherwise(zero),
        __reason=reason,
    ).with_columns(reason=nw.when(nw.col("__reason") != "").then(nw.col("__reason")))
    return table.sort("__at", "order_id", nulls_last=True).drop(
        "__at", "__sent", "__in_send", "__gone", "__kept", "__reason"
    )
