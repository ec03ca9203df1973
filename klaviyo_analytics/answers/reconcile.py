"""Why two numbers differ: the same revenue by each way of counting, and the steps from one to another."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from itertools import combinations
from typing import Any

import pandas as pd

from klaviyo_analytics import analysis
from klaviyo_analytics._html import table
from klaviyo_analytics.answers.customers import _described
from klaviyo_analytics.answers.source import Copy, Orders, Source, Span
from klaviyo_analytics.errors import InvalidInputError
from klaviyo_analytics.resources import Campaigns, Context, Events, Flows, MetricAggregates, Reports
from klaviyo_analytics.resources.metrics import Metric, conversion_metric
from klaviyo_analytics.resources.reports import told
from klaviyo_analytics.timeframe import Timeframe

MARGIN = timedelta(days=14)  # the longest window of attribution is 12 days
LATE = timedelta(hours=24)  # a report may be computed some hours before the events that it should hold
CENT = 0.005
REFUNDS = ("Refunded Order", "Cancelled Order")
FURTHER = {
    "orders left out": "orders that `orders=` leaves out: reports count all orders",
    "other currencies": "the report adds amounts in other currencies at their face value",
    "refunds": "the report takes off what was refunded or cancelled",
    "clock": "the report's days begin at midnight in UTC",
    "machine filters": "the report leaves out orders earned by a machine's open or a bot's click",
    "late rows": "the report does not hold the orders of the last 24 hours yet",
}
# the rate a report returns, its numerator, and the denominators that it might be made of
_RATES = {
    "open_rate": ("opens_unique", ("delivered", "recipients")),
    "click_rate": ("clicks_unique", ("delivered", "recipients", "opens_unique")),
    "conversion_rate": ("conversion_uniques", ("delivered", "recipients", "clicks_unique")),
}


@dataclass(frozen=True)
class Reconciliation:
    """The same revenue by each road, and why the roads differ; made by `client.reconcile`.

    Attributes
    ----------
    roads : pandas.DataFrame
        A row for each road and currency: road, dated_by ("order" or "send"), scope ("all" or "attributed"; string),
        orders (Int64), revenue (float64, gross unless the road says net), currency (string; missing where
        Klaviyo's reports add amounts of several, which `bridge` takes apart).
    bridge : pandas.DataFrame
        Columns of `analysis.bridge`: from attributed revenue by date of the order to what the reports return;
        `ka.plots.bridge` draws it. Besides the steps of `analysis.bridge` there are "orders left out" (by `orders=`),
        "other currencies", "refunds", "clock", "machine filters" and "late rows". Of the last five, whose effect on a
        report is not documented, the fewest are taken with which the bridge closes to the cent; the others are 0.
    details : pandas.DataFrame
        The orders behind the bridge: columns of `analysis.bridge_orders`.
    rates : pandas.DataFrame
        A row for each rate of campaigns: rate (string), ours (float64, a fraction made of summed counts), rows
        (Int64: rows of the report), reproduced_by (string: the denominators with which every row of the report equals
        what Klaviyo returned, such as "delivered"; missing if none does or nothing was counted).
    """

    roads: pd.DataFrame
    bridge: pd.DataFrame
    details: pd.DataFrame
    rates: pd.DataFrame

    def orders(self, step: str) -> pd.DataFrame:
        """Open a step of the bridge to its orders.

        Parameters
        ----------
        step : str
            A step of the bridge, such as "sent before the period"; "by order (event)" for all that count by date
            of the order.

        Returns
        -------
        pandas.DataFrame
            Rows of `details`. Their by_send − by_order adds up to the amount of the step.

        Raises
        ------
        InvalidInputError
            The bridge has no such step.
        """
        known = self.bridge["step"].tolist()
        if step not in known:
            raise InvalidInputError(
                f"step={step!r} is not in the bridge. Steps are {', '.join(map(repr, known[:5]))}, ... "
                "See reconciliation.bridge."
            )
        if step == "by order (event)":
            chosen = self.details[self.details["by_order"] != 0]
        elif step in ("by send (report)", "reported"):
            chosen = self.details[self.details["by_send"] != 0]
        else:
            chosen = self.details[(self.details["reason"] == step).fillna(value=False).astype(bool)]
        return chosen.reset_index(drop=True)

    def _repr_html_(self) -> str:
        return table(self.roads, index=False) + table(self.bridge, index=False)


def reconcile(
    context: Context,
    timeframe: Span,
    *,
    metric: Metric | None = None,
    orders: Orders = None,
    archive: Copy | None = None,
) -> Reconciliation:
    """Count the same revenue by each road; see `KlaviyoClient.reconcile`."""
    source = Source(context)
    period = source.timeframe(timeframe)
    chosen = conversion_metric(context, metric)[0]
    wide = Timeframe(period.start - MARGIN, period.end + MARGIN, timezone=period.timezone)
    every = source.orders(chosen, wide, None)
    known = every if orders is None else analysis.select_orders(every, orders).reset_index(drop=True)
    all_credit = Events(context).attributions(metric=chosen, timeframe=wide)
    credit = all_credit[all_credit["event_id"].isin(known["id"])].reset_index(drop=True)
    report = _report(context, period, chosen)
    of_report = str(report["currency"].dropna().iloc[0]) if report["currency"].notna().any() else None
    currency = of_report or str(context.account["preferred_currency"])
    attributed = _attributed(source, all_credit, wide, currency)
    counts = attributed["order_id"].isin(known["id"])
    mine = attributed[counts & (attributed["currency"] == currency)].reset_index(drop=True)
    reported = float(report["conversion_value"].sum())
    refunds = _refunds(source, wide)
    further = _further(source, period, attributed, known, refunds, currency)
    first, last = period.start, period.end
    details = analysis.bridge_orders(mine, start=first, end=last, zone=period.timezone)
    details, steps = _bridged(details, mine, further, period, reported)
    if steps["currency"].isna().all():  # not a single order was attributed
        steps["currency"] = pd.array([currency] * len(steps), dtype="string")
    roads = [
        *_by_events(known, credit, refunds, period),
        *_by_aggregates(context, chosen, period, currency),
        _road("reports: campaigns and flows", "send", "attributed", *_sums(report), of_report),
        *_by_summaries(context, period, chosen, of_report),
    ]
    if archive is not None:
        kept = Source(context, archive).orders(chosen, period, orders)
        roads += _totals("archive", "order", "all", kept)
    frame = pd.DataFrame(roads, columns=["road", "dated_by", "scope", "orders", "revenue", "currency"])
    frame = frame.astype(
        {
            "road": "string", "dated_by": "string", "scope": "string", "orders": "Int64",
            "revenue": "float64", "currency": "string",
        }
    )  # fmt: skip
    facts = {"orders": _described(orders), "currency": currency}
    return Reconciliation(
        source.signed(frame, "reconcile", period, **facts),
        source.signed(steps, "bridge", period, **facts),
        source.signed(details, "bridge_orders", period, **facts),
        _rates(context, period, chosen),
    )


def _report(context: Context, period: Timeframe, metric: str) -> pd.DataFrame:
    statistics: Any = ["conversions", "conversion_value"]
    parts = [
        told(
            context, name, mixed=True, timeframe=period, statistics=statistics, conversion_metric=metric,
            names=False,
        )
        for name in ("campaign_values", "flow_values")
    ]  # fmt: skip
    columns = ["conversions", "conversion_value", "currency"]
    parts = [part.reindex(columns=columns) for part in parts]
    full = [part for part in parts if not part.empty]
    return pd.concat(full, ignore_index=True) if full else parts[0]


def _sums(frame: pd.DataFrame) -> tuple[int, float]:
    return int(frame["conversions"].sum()), float(frame["conversion_value"].sum())


def _attributed(source: Source, credit: pd.DataFrame, wide: Timeframe, currency: str) -> pd.DataFrame:
    """Return the attributed orders, with the time at which their message was sent and whether a machine earned them.

    An order without a currency is taken to be in that of the reports.
    """
    # the events of a campaign may name its message or the campaign itself
    message = credit["campaign_id"].fillna(credit["flow_message_id"]).astype("string")
    named = credit.dropna(subset=["campaign_message_id", "campaign_id"])
    campaigns = dict(zip(named["campaign_message_id"], named["campaign_id"], strict=True))
    frame = pd.DataFrame(
        {
            "order_id": credit["event_id"],
            "profile_id": credit["profile_id"],
            "datetime": credit["datetime"],
            "value": credit["value"] * credit["weight"],
            "currency": credit["value_currency"].fillna(currency),
            "message": message,
            "campaign": credit["campaign"],
            "flow": credit["flow"],
            "attributed_event_id": credit["attributed_event_id"],
        }
    )
    gone = (credit["campaign_id"].notna() & credit["campaign"].isna()) | (
        credit["flow_id"].notna() & credit["flow"].isna()
    )
    frame["deleted"] = gone.astype("boolean")
    if frame.empty:
        empty = pd.Series([], dtype="datetime64[us, UTC]")
        return frame.assign(sent=empty, machine=pd.Series([], dtype="bool"))
    touches = source.touches(wide)
    touches["message"] = touches["message"].map(lambda name: campaigns.get(name, name)).astype("string")
    by_machine = touches["machine_open"].fillna(value=False) | touches["bot_click"].fillna(value=False)
    machines = touches.loc[by_machine.astype(bool), "id"]
    frame = _with_send(frame, touches)
    return frame.assign(machine=frame["attributed_event_id"].isin(machines))


def _refunds(source: Source, wide: Timeframe) -> pd.DataFrame | None:
    """Return what was given back since the time frame began; None if the account records no refunds."""
    metrics = source.known_metrics()
    ids = [str(id) for id in metrics.loc[metrics["name"].isin(REFUNDS), "id"]]
    if not ids:
        return None
    end = max(wide.end, source.now + timedelta(seconds=1))
    return analysis.normalise_orders(source.events(ids, Timeframe(wide.start, end, timezone=wide.timezone)))


def _further(
    source: Source,
    period: Timeframe,
    attributed: pd.DataFrame,
    known: pd.DataFrame,
    refunds: pd.DataFrame | None,
    currency: str,
) -> dict[str, pd.DataFrame]:
    """Return for each further reason the orders by which a report differs if it counts in that way.

    Each frame has the columns of `attributed`, and `by_send`, which its rows add to the revenue by date of the send.
    """
    own = attributed["currency"] == currency
    counts = attributed["order_id"].isin(known["id"])
    sent = _by_send(attributed, period.start, period.end)
    kept = attributed.assign(by_send=sent)
    mine = kept[own & counts]
    number = mine["order_id"].map(known.set_index("id")["order_id"])
    back = pd.Series(0.0, index=mine.index)
    if refunds is not None:
        sold = known.dropna(subset=["order_id"]).drop_duplicates("order_id")
        net = analysis.net_of_refunds(sold, refunds).set_index("order_id")
        share = (net["refunded"] / net["value"].where(net["value"] != 0)).fillna(0.0)
        back = -mine["by_send"] * number.map(share).astype("float64").fillna(0.0)
    shifted = _by_send(mine, _naive_utc(period.start), _naive_utc(period.end))
    late = mine["datetime"] >= pd.Timestamp(source.now) - LATE
    changes = {
        "orders left out": kept[own & ~counts],
        "other currencies": kept[~own],
        "refunds": mine.assign(by_send=back),
        "clock": mine.assign(by_send=shifted - mine["by_send"]),
        "machine filters": mine.assign(by_send=-mine["by_send"].where(mine["machine"], 0.0)),
        "late rows": mine.assign(by_send=-mine["by_send"].where(late, 0.0)),
    }
    return {reason: rows[rows["by_send"].abs() > 0] for reason, rows in changes.items()}


def _by_send(attributed: pd.DataFrame, start: Any, end: Any) -> pd.Series[Any]:
    """Return what a report counts of each row: its value if the message was sent in the period and still exists."""
    inside = (attributed["sent"] >= start) & (attributed["sent"] < end) & ~attributed["deleted"].astype(bool)
    return attributed["value"].astype("float64").fillna(0.0).where(inside, 0.0)


def _bridged(
    details: pd.DataFrame,
    attributed: pd.DataFrame,
    further: dict[str, pd.DataFrame],
    period: Timeframe,
    reported: float,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the orders and the steps of the bridge, with the further reasons by which it closes.

    How a report treats refunds, machines, other currencies, late orders and the clock is not documented for every
    account. So the fewest of these reasons with which the steps add up to what was reported are taken, and
    none of them if no combination does.
    """
    span: dict[str, Any] = {"start": period.start, "end": period.end, "zone": period.timezone}
    amounts = {reason: float(rows["by_send"].sum()) for reason, rows in further.items()}
    rest = reported - float(details["by_send"].sum()) - amounts["orders left out"]
    open_to = [reason for reason in further if reason != "orders left out" and abs(amounts[reason]) > CENT]
    chosen = next(
        (
            some
            for size in range(len(open_to) + 1)
            for some in combinations(open_to, size)
            if abs(rest - sum(amounts[reason] for reason in some)) < CENT
        ),
        (),
    )
    taken = {"orders left out", *chosen}
    steps = analysis.bridge(
        attributed, **span, reported=reported,
        adjustments={reason: amounts[reason] if reason in taken else 0.0 for reason in further},
    )  # fmt: skip
    parts = [details]
    for reason, rows in further.items():
        here = steps["step"] == reason
        steps.loc[here, "explanation"] = FURTHER[reason]
        held = rows if reason in taken else rows.iloc[:0]
        steps.loc[here, "orders"] = held["order_id"].nunique()
        parts.append(held.assign(by_order=0.0, reason=reason)[details.columns])
    full = [part for part in parts if not part.empty]
    together = pd.concat(full, ignore_index=True) if full else details
    return together.astype(details.dtypes.to_dict()), steps


def _with_send(frame: pd.DataFrame, touches: pd.DataFrame) -> pd.DataFrame:
    """Add when each order's message was sent: to the touch that Klaviyo named, else the last receipt before it."""
    by_touch = touches.dropna(subset=["received"]).drop_duplicates("id").set_index("id")["received"]
    sent = frame["attributed_event_id"].map(by_touch)
    keys = ["profile_id", "message"]
    receipts = touches[["received", *keys]].dropna().sort_values("received", kind="stable")
    left = frame.reset_index(names="__row").dropna(subset=keys).sort_values("datetime", kind="stable")
    left["datetime"] = left["datetime"].dt.tz_convert(receipts["received"].dt.tz or "UTC")
    joined = pd.merge_asof(left, receipts, left_on="datetime", right_on="received", by=keys)
    fallback = joined.set_index("__row")["received"].reindex(frame.index)
    sent = pd.to_datetime(sent, utc=True).fillna(pd.to_datetime(fallback, utc=True))
    return frame.assign(sent=sent)


def _road(
    road: str, dated_by: str, scope: str, orders: int, revenue: float, currency: str | None
) -> tuple[Any, ...]:
    return road, dated_by, scope, orders, revenue, currency


def _totals(
    road: str, dated_by: str, scope: str, orders: pd.DataFrame, value: str = "value"
) -> list[tuple[Any, ...]]:
    """Return a row per currency, which are never added."""
    groups = orders.groupby(orders["currency"].fillna("(none)"), sort=True)
    return [
        _road(road, dated_by, scope, len(group), float(group[value].sum()), str(code))
        for code, group in groups
    ] or [_road(road, dated_by, scope, 0, 0.0, None)]


def _by_events(
    known: pd.DataFrame, credit: pd.DataFrame, refunds: pd.DataFrame | None, period: Timeframe
) -> list[tuple[Any, ...]]:
    inside = known[(known["datetime"] >= period.start) & (known["datetime"] < period.end)]
    held = credit["event_id"][credit["attribution_id"].notna()]
    roads = _totals("raw events", "order", "all", inside)
    roads += _totals("raw events", "order", "attributed", inside[inside["id"].isin(held)])
    start, end = _naive_utc(period.start), _naive_utc(period.end)
    shifted = known[(known["datetime"] >= start) & (known["datetime"] < end)]
    roads += _totals("raw events, days in UTC", "order", "all", shifted)
    if refunds is not None and not inside.empty:
        one = inside.dropna(subset=["order_id"]).drop_duplicates("order_id")
        net = analysis.net_of_refunds(one, refunds)
        roads += _totals("raw events, net of refunds", "order", "all", net, "net_value")
    return roads


def _naive_utc(moment: Any) -> pd.Timestamp:
    """Return the same date and hour on the clock of UTC."""
    return pd.Timestamp(moment).tz_localize(None).tz_localize("UTC")


def _by_aggregates(context: Context, metric: str, period: Timeframe, currency: str) -> list[tuple[Any, ...]]:
    rows = MetricAggregates(context).query(
        metric,
        measurements=["count", "sum_value"],
        interval="month",
        timeframe=period,
        by=["$attributed_channel", "$value_currency"],
    )
    there = rows["attributed_channel"]  # the empty text stands for orders without attribution
    held = (there.notna() & (there != "")).astype(bool)
    codes = rows["value_currency"].fillna("").replace("", currency)
    return [
        _road(
            "metric aggregates",
            "order",
            scope,
            int(part["count"].sum()),
            float(part["sum_value"].sum()),
            code,
        )
        for scope, some in (("all", rows["count"].notna()), ("attributed", held))
        for code, part in ((code, rows[some & (codes == code)]) for code in sorted({currency, *codes[some]}))
        if code == currency or part["count"].sum()
    ]


def _by_summaries(
    context: Context, period: Timeframe, metric: str, currency: str | None
) -> list[tuple[Any, ...]]:
    parts = [
        Campaigns(context).summary(period, conversion_metric=metric),
        Flows(context).summary(period, conversion_metric=metric),
    ]
    sums = [_sums(part) for part in parts]
    return [
        _road("summaries: campaigns and flows", "send", "attributed", sum(n for n, _ in sums),
              sum(value for _, value in sums), currency)
    ]  # fmt: skip


def _rates(context: Context, period: Timeframe, metric: str) -> pd.DataFrame:
    """Put our rates beside those of the report, and find the denominator that reproduces each of them."""
    counts = {name for top, below in _RATES.values() for name in (top, *below)}
    statistics: Any = sorted({*counts, *_RATES})
    report = Reports(context).campaign_values(
        timeframe=period, statistics=statistics, conversion_metric=metric, names=False
    )
    ours = analysis.roll_up(report) if not report.empty else pd.DataFrame()
    rows = []
    for rate, (top, below) in _RATES.items():
        telling = report[top].fillna(0).gt(0).any()  # zero is zero over any denominator
        fits = [name for name in below if telling and _equal(report, rate, top, name)]
        value = float(ours[rate].iloc[0]) if rate in ours.columns and ours[rate].notna().any() else None
        shown = int(report[rate].notna().sum())
        rows.append((rate, value, shown, " or ".join(fits) or None))
    frame = pd.DataFrame(rows, columns=["rate", "ours", "rows", "reproduced_by"])
    return frame.astype({"rate": "string", "ours": "float64", "rows": "Int64", "reproduced_by": "string"})


def _equal(report: pd.DataFrame, rate: str, top: str, below: str) -> bool:
    known = report[[rate, top, below]].astype("float64").dropna()
    known = known[known[below] > 0]
    return bool(((known[top] / known[below] - known[rate]).abs() < 5e-5).all())
