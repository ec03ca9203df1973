"""Health of an account: findings, each with its evidence, its weight and one action."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pandas as pd

from klaviyo_analytics._messages import counted
from klaviyo_analytics.answers.source import CHECKOUTS, Source, Span
from klaviyo_analytics.errors import PermissionDeniedError
from klaviyo_analytics.resources import Campaigns, Context, Flows, Forms, Lists, MetricAggregates, Reports
from klaviyo_analytics.timeframe import Timeframe

ORDERS = "Placed Order"
# standard flows: the words that name them, and the metrics without any of which the shop has no use for the flow
STANDARD: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "welcome": (("welcome",), ()),
    "abandoned cart": (("cart", "checkout"), CHECKOUTS),
    "browse abandonment": (("browse",), ("Viewed Product",)),
    "post-purchase": (("post-purchase", "post purchase", "thank you"), (ORDERS,)),
    "win-back": (("win-back", "winback", "win back"), (ORDERS,)),
}
WEEKS = 12
_KINDS = {
    "check": "string", "weight": "string", "subject": "string", "evidence": "string", "action": "string",
}  # fmt: skip
_ORDER = ["high", "medium", "low"]


@dataclass(frozen=True)
class _Finding:
    check: str
    weight: str
    subject: str
    evidence: str
    action: str


def audit(context: Context, timeframe: Span = "last 90 days") -> pd.DataFrame:
    """Look for what is missing or broken in an account; see `KlaviyoClient.audit`."""
    source = Source(context)
    period = source.timeframe(timeframe)
    metrics = source.known_metrics()
    found: list[_Finding] = []
    refused: list[str] = []
    checks: dict[str, Callable[[], Iterator[_Finding]]] = {
        "flows": lambda: _flows(source, period, metrics),
        "duplicate metrics": lambda: _duplicates(metrics),
        "metrics over time": lambda: _stopped(source, metrics),
        "orders": lambda: _orders(source, period, metrics),
        "forms": lambda: _forms(context, period),
        "lists": lambda: _lists(context),
    }
    for name, check in checks.items():
        try:
            found += check()
        except PermissionDeniedError as error:
            refused.append(f"{name}: {error}")
    rows = pd.DataFrame([vars(one) for one in found], columns=list(_KINDS)).astype(_KINDS)
    rank = rows["weight"].map({weight: place for place, weight in enumerate(_ORDER)})
    rows = rows.iloc[rank.astype("int64").argsort(kind="stable")].reset_index(drop=True)
    return source.signed(rows, "audit", period, checks=list(checks), not_checked=refused)


def _flows(source: Source, period: Timeframe, metrics: pd.DataFrame) -> Iterator[_Finding]:
    """Check which standard flows exist, are live, and send."""
    flows = Flows(source.context).list()
    flows = flows[~flows["archived"].fillna(value=False).astype(bool)]
    names = flows["name"].fillna("").str.lower()
    sent: pd.DataFrame | None = None
    for kind, (words, wanted) in STANDARD.items():
        mine = flows[names.map(lambda name, words=words: any(word in name for word in words)).astype(bool)]
        if mine.empty:
            if not wanted or _events_of(source, metrics, wanted, period) > 0:
                yield _Finding(
                    "standard flow is missing", "medium", kind,
                    f"no flow is named {' or '.join(map(repr, words))}", f"Create a {kind} flow.",
                )  # fmt: skip
            continue
        live = mine[mine["status"] == "live"]
        if live.empty:
            first = mine.iloc[0]
            yield _Finding(
                "standard flow is not live", "high", str(first["name"]),
                f"flow {first['id']} has status {first['status']!r}", "Review its messages and set it live.",
            )  # fmt: skip
            continue
        if sent is None:
            sent = Reports(source.context).flow_values(
                timeframe=period, statistics=["recipients"], names=False
            )
        if int(sent.loc[sent["flow_id"].isin(live["id"]), "recipients"].sum()) == 0:
            first = live.iloc[0]
            yield _Finding(
                "live flow sends nothing", "high", str(first["name"]),
                f"flow {first['id']} is live and had no recipients in {period}",
                "Check its trigger and its filters.",
            )  # fmt: skip


def _duplicates(metrics: pd.DataFrame) -> Iterator[_Finding]:
    """Check for metrics that several integrations send under one name.

    Integrations that sell side by side share many names for one reason, so all names that they share are one finding.
    Names that only some of them share belong to the same finding.
    """
    named = metrics.dropna(subset=["name"])
    named = named.assign(origin=named["integration.name"].fillna("API"))
    shared = {str(name): group for name, group in named.groupby("name", sort=True) if len(group) > 1}
    origins = {name: frozenset(group["origin"]) for name, group in shared.items()}
    found: dict[frozenset[str], list[str]] = {}
    for name in sorted(shared, key=lambda name: (-len(origins[name]), name != ORDERS, name)):
        whole = next((each for each in found if origins[name] <= each), origins[name])
        found.setdefault(whole, []).append(name)
    for names in found.values():
        names.sort(key=lambda name: (name != ORDERS, name))
        each = "; ".join(
            f"{name}: " + ", ".join(f"{row.id} ({row.origin})" for row in shared[name].itertuples())
            for name in names
        )
        yield _Finding(
            "duplicate metric", "high" if ORDERS in names else "medium", ", ".join(names),
            f"{sum(len(shared[name]) for name in names)} metrics of {counted(len(names), 'name')}. {each}",
            "Choose the ones that count, and turn the others off if they record the same events.",
        )  # fmt: skip


def _stopped(source: Source, metrics: pd.DataFrame) -> Iterator[_Finding]:
    """Check whether the events of orders and checkouts have stopped or jumped, by whole weeks."""
    last = pd.Timestamp(source.now).tz_convert(source.timezone).normalize()
    start = last - pd.Timedelta(days=7 * WEEKS)
    for row in metrics[metrics["name"].isin([ORDERS, *CHECKOUTS, "Viewed Product"])].itertuples():
        span = Timeframe(start.to_pydatetime(), last.to_pydatetime(), timezone=source.timezone)
        days = MetricAggregates(source.context).query(str(row.id), interval="day", timeframe=span)
        counts = days["count"].astype("float64").to_numpy()
        weeks = [float(counts[place : place + 7].sum()) for place in range(0, len(counts) - 6, 7)]
        if len(weeks) < WEEKS - 1:
            continue
        *before, now = weeks
        usual = float(pd.Series(before).median())
        spread = 4 * max(usual, 1.0) ** 0.5  # four standard deviations of a count
        if usual >= 10 and now == 0:
            yield _Finding(
                "metric stopped", "high", str(row.name),
                f"{row.id}: no event in the last 7 days, {usual:g} in a usual week",
                "Check the integration that sends it.",
            )  # fmt: skip
        elif usual >= 10 and now > 3 * usual + spread:
            yield _Finding(
                "metric jumped", "medium", str(row.name),
                f"{row.id}: {now:g} events in the last 7 days, {usual:g} in a usual week",
                "Check whether events are recorded twice.",
            )  # fmt: skip


def _orders(source: Source, period: Timeframe, metrics: pd.DataFrame) -> Iterator[_Finding]:
    """Check for orders that were counted twice, and for orders without a value, a currency or a profile."""
    ids = [str(id) for id in metrics.loc[metrics["name"] == ORDERS, "id"]]
    if not ids:
        return
    orders = source.orders(ids, period, None, as_sent=True)
    total = counted(len(orders), "order")
    doubled = orders.dropna(subset=["order_id"]).duplicated("order_id", keep="first").sum()
    wrong: Sequence[tuple[str, str, int, str]] = (
        ("orders counted twice", "high", int(doubled), "Turn off the second integration that sends them."),
        (
            "orders without a value", "high", int(orders["value"].isna().sum()),
            "Send $value with each order event.",
        ),
        (
            "orders without a currency", "low", int(orders["currency"].isna().sum()),
            "Send $value_currency with each order event; Shopify sends $currency_code.",
        ),
        (
            "events without a profile", "medium", int(orders["profile_id"].isna().sum()),
            "Send an email address or another identifier with each event.",
        ),
    )  # fmt: skip
    for check, weight, count, action in wrong:
        if count:
            yield _Finding(check, weight, ORDERS, f"{count:,} of {total} in {period}", action)


def _forms(context: Context, period: Timeframe) -> Iterator[_Finding]:
    """Check for live forms that people see and nobody submits."""
    forms = Forms(context).list()
    live = forms[forms["status"] == "live"]
    if live.empty:
        return
    report = Reports(context).form_values(
        timeframe=period, statistics=["viewed_form", "submits"], names=False
    )
    sums = report.groupby("form_id")[["viewed_form", "submits"]].sum()
    for row in live.itertuples():
        counts: list[Any] = [*sums.loc[str(row.id), :]] if str(row.id) in sums.index else [0, 0]
        viewed, submitted = int(counts[0]), int(counts[1])
        if submitted == 0:
            yield _Finding(
                "form without submissions", "medium" if viewed else "low", str(row.name),
                f"form {row.id}: {counted(viewed, 'view')}, no submission in {period}",
                "Check where it is shown, or set it to draft.",
            )  # fmt: skip


def _lists(context: Context) -> Iterator[_Finding]:
    """Check for lists that no campaign of a year was sent to, no flow starts from, and nothing has changed."""
    lists = Lists(context).list()
    if lists.empty:
        return
    old = lists[lists["updated"] < pd.Timestamp(context.now()) - timedelta(days=365)]
    if old.empty:
        return
    campaigns = Campaigns(context).list()
    used = {
        str(id)
        for column in ("audiences.included", "audiences.excluded")
        if column in campaigns.columns
        for ids in campaigns[column]
        if isinstance(ids, list)
        for id in ids
    }
    for row in old.itertuples():
        if row.id in used or not Lists(context).flow_triggers(str(row.id)).empty:
            continue
        yield _Finding(
            "list is not used", "low", str(row.name),
            f"list {row.id}: no campaign is addressed to it, no flow starts from it, unchanged for a year",
            "Use it, or delete it after a look at its members.",
        )  # fmt: skip


def _events_of(source: Source, metrics: pd.DataFrame, names: Sequence[str], period: Timeframe) -> int:
    """Count the events of all metrics of these names."""
    total = 0
    for id in metrics.loc[metrics["name"].isin(list(names)), "id"]:
        rows = MetricAggregates(source.context).query(str(id), interval="month", timeframe=period)
        total += int(rows["count"].sum())
    return total
