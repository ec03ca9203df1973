"""The chapters of a performance report: each makes its parts from the frames of one account."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal

import pandas as pd
from matplotlib.figure import Figure as Drawing

from klaviyo_analytics import analysis, plots
from klaviyo_analytics.errors import InvalidInputError, LookupFailedError
from klaviyo_analytics.plots._quantities import quantity
from klaviyo_analytics.report.account_frames import TABLES_OF_REPORTS, AccountFrames
from klaviyo_analytics.report.document import Figure, MetricCards, Part, Table, Text
from klaviyo_analytics.report.formats import title_of
from klaviyo_analytics.report.sentences import best_and_worst, key_numbers, numbers_behind, sentences
from klaviyo_analytics.resources.accounts import OF_ORDERS

_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_BY_SOURCE = ("revenue", "revenue_share", "orders", "average_order_value", "revenue_per_recipient")
_SOURCES = {"all": "all", "campaign": "campaigns", "flow": "flows", "other": "other orders"}
_FEWEST_CUSTOMERS = 20  # for cohorts and RFM


def _headline(source: AccountFrames) -> Iterator[Part]:
    yield MetricCards(list(key_numbers(source)))
    rows = source.summary[source.summary["measure"].isin(_BY_SOURCE)].reset_index(drop=True)
    rows = rows[rows["source"].ne("all") | rows["measure"].ne("revenue_per_recipient")]
    if not source.has_conversions:
        rows = rows[rows["measure"].ne("revenue_per_recipient")]
    rows = rows.reset_index(drop=True)
    columns = ["source", "measure", "value", *(["previous", "change"] if source.compare else [])]
    shown = rows[columns].assign(
        source=rows["source"].map(_SOURCES).astype("string"),
        measure=rows["measure"].map(lambda name: title_of(quantity(str(name)).label)).astype("string"),
    )
    mixed: dict[str, Any] = {name: "mixed" for name in ("value", "previous") if name in columns}
    yield Table(
        "Revenue and orders by source",
        shown,
        kinds=mixed | ({"change": "rate"} if source.compare else {}),
        currency=source.currency,
        row_kinds=rows["kind"].tolist(),
        note="Flows and campaigns are shown apart: their revenue per recipient is not comparable."
        if source.has_conversions
        else "Dated by the order, credited as Klaviyo attributed it.",
    )


def _changes(source: AccountFrames) -> Iterator[Part]:
    if source.compare is None:
        yield Text("This report compares with no other period.")
        return
    found = sentences(source.summary, *source.revenue_of_flows, currency=source.currency, write=source.write)
    yield Text([f"{n}. {sentence.text}" for n, sentence in enumerate(found, start=1)])
    numbers = numbers_behind(found)
    yield Table(
        "Numbers behind these sentences",
        numbers,
        kinds={"change": "rate", "sentence": "count", "value": "mixed", "previous": "mixed"},
        currency=source.currency,
        row_kinds=[kind for sentence in found for _, kind, *_ in sentence.numbers],
    )


def _revenue(source: AccountFrames) -> Iterator[Part]:
    split = source.split
    order = ["flow", "campaign", "other"]
    wide = split.pivot_table(index="datetime", columns="source", values="revenue", aggfunc="sum")
    wide = wide.reindex(columns=order).reset_index()
    wide.columns.name = None
    wide["total"] = wide[order].sum(axis=1)
    wide["complete"] = split.groupby("datetime", sort=True)["complete"].all().to_numpy()
    data = Table(
        f"Revenue by {source.interval}",
        wide,
        kinds={"datetime": "date", **dict.fromkeys((*order, "total"), "money")},
        labels={
            "datetime": f"{source.interval} (start)",
            "flow": "flows",
            "campaign": "campaigns",
            "other": "other orders",
        },
        currency=source.currency,
        note="Dated by the order. Flows, campaigns and other orders add up to the total.",
        chart="stacked",
        series=order,
    )
    figure, ax = _axes()
    plots.revenue_split(split, currency=source.currency, interval=source.interval, title="", ax=ax)
    yield Figure("Revenue by what brought it", figure, data, kind="money", currency=source.currency)


_RESULTS = (
    "recipients", "revenue_per_recipient", "conversion_value", "conversion_uniques", "conversion_rate", "click_rate",
    "unsubscribe_rate", "spam_complaint_rate", "bounce_rate", "open_rate",
)  # fmt: skip
_OF_ALL_ORDERS = {*OF_ORDERS, "conversion_value"}


def _results(source: AccountFrames) -> list[str]:
    """Return the results of messages to show; without those that count all orders where only some are asked for."""
    return [name for name in _RESULTS if source.has_conversions or name not in _OF_ALL_ORDERS]


def _flows(source: AccountFrames) -> Iterator[Part]:
    if not source.has_conversions:
        yield from _credited("flow", source)
    if not source.has_reports:
        return
    rows, shown = source.flows, _results(source)
    if rows.empty:
        yield Text("No flow sent a message in this period.")
        return
    by = "revenue_per_recipient" if source.has_conversions else "recipients"
    rows = rows.sort_values([by, "flow_id"], ascending=[False, True])
    if source.has_conversions:
        yield from best_and_worst(rows, "flow", source)
    yield Table(
        f"Flows by {quantity(by).label}",
        rows[["flow", "channel", "status", *shown]],
        currency=source.currency,
        note=_definitions(shown),
        chart="bar",
        series=[by],
    )
    yield Table(
        "Messages of flows",
        source.messages[["flow", "message", "channel", *shown]],
        currency=source.currency,
        note="By the name of the flow." if source.from_copy else "In the order of the flow report.",
    )


def _campaigns(source: AccountFrames) -> Iterator[Part]:
    if not source.has_conversions:
        yield from _credited("campaign", source)
    if not source.has_reports:
        return
    rows, shown = source.campaigns, _results(source)
    if rows.empty:
        yield Text("No campaign was sent in this period.")
        return
    by = "revenue_per_recipient" if source.has_conversions else "recipients"
    rows = rows.sort_values([by, "campaign_id"], ascending=[False, True])
    if source.has_conversions:
        yield from best_and_worst(rows, "campaign", source)
        yield _ranking(rows, source)
    yield Table(
        f"Campaigns by {quantity(by).label}",
        rows[["campaign", "channel", "send_time", *shown]],
        currency=source.currency,
        note=_definitions(shown) + " Opens of text messages cannot be seen and are missing.",
    )


def _ranking(rows: pd.DataFrame, source: AccountFrames) -> Part:
    figure, ax = _axes(height=min(1.2 + 0.34 * min(len(rows), 10), 4.6))
    plots.campaign_ranking(rows, by="conversion_value", currency=source.currency, title="", ax=ax)
    top = rows.sort_values(["conversion_value", "campaign_id"], ascending=[False, True]).head(10)
    data = Table(
        "Campaigns by attributed revenue",
        top[["campaign", "send_time", "recipients", "conversion_value"]],
        currency=source.currency,
        chart="bar",
        series=["conversion_value"],
        note="The ten with most attributed revenue.",
    )
    return Figure("Campaigns by attributed revenue", figure, data, kind="money", currency=source.currency)


def _credited(kind: Literal["flow", "campaign"], source: AccountFrames) -> Iterator[Part]:
    """Show what the orders themselves say of flows or campaigns: which of them they were credited with."""
    rows = source.credited(kind)
    if rows is None or rows.empty:
        yield Text(f"No {kind} was credited with an order in this period.")
        return
    yield Table(
        f"Orders credited to {kind}s",
        rows[[kind, "conversions", "conversion_value", "average_order_value"]],
        labels={
            "conversions": "orders",
            "conversion_value": "revenue",
            "average_order_value": "average order value",
        },
        kinds={"average_order_value": "money", "conversion_value": "money", "conversions": "count"},
        currency=source.currency,
        note="From the orders themselves, dated by the order.",
        chart="bar",
        series=["conversion_value"],
    )


def _definitions(columns: Sequence[str]) -> str:
    known = [(quantity(name).label, quantity(name).definition) for name in columns]
    return title_of("; ".join(f"{label} = {how}" for label, how in known if "÷" in how)) + "."


def _deliverability(source: AccountFrames) -> Iterator[Part]:
    if not source.has_reports:
        yield _providers(source)
        return
    shared = [name for name in source.campaigns.columns if name in source.flows.columns]
    sent = pd.concat([source.campaigns[shared], source.flows[shared]], ignore_index=True)
    bands = analysis.deliverability_bands(sent)
    bands["measure"] = bands["measure"].map(lambda name: title_of(quantity(str(name)).label)).astype("string")
    bounds = ("rate", "low", "high", "healthy_bound", "attention_bound")
    counts: dict[str, Any] = dict.fromkeys(("numerator", "denominator"), "count")
    yield Table(
        "Rates against Klaviyo's bands",
        bands[["measure", "numerator", "denominator", *bounds, "band"]],
        kinds=counts | dict.fromkeys(bounds, "rate"),
        labels={
            "low": "at least (95%)",
            "high": "at most (95%)",
            "healthy_bound": "healthy up to or from",
            "attention_bound": "attention from",
        },
        note="Campaigns and flows of all channels; 95% confidence intervals.",
    )
    yield _providers(source)


def _providers(source: AccountFrames) -> Part:
    counts = {}
    for name, metric in (
        ("received", "Received Email"),
        ("bounced", "Bounced Email"),
        ("spam_complaints", "Marked Email as Spam"),
        ("opens", "Opened Email"),
    ):
        counts[name] = source.by_provider(metric)
    frame = pd.DataFrame(counts).fillna(0).astype("int64")
    frame.index.name = "provider"
    frame = frame.reset_index()
    frame["provider"] = frame["provider"].replace("", "(unknown)").astype("string")
    tried = frame["received"] + frame["bounced"]
    frame["bounce_rate"] = frame["bounced"] / tried.where(tried > 0)
    frame["spam_complaint_rate"] = frame["spam_complaints"] / frame["received"].where(frame["received"] > 0)
    frame["opens_per_email"] = frame["opens"] / frame["received"].where(frame["received"] > 0)
    frame = frame.sort_values(["received", "provider"], ascending=[False, True])
    return Table(
        "Email by mailbox provider",
        frame.reset_index(drop=True),
        kinds={"opens_per_email": "number"},
        labels={"received": "received", "opens_per_email": "opens per email"},
        note="Dated by the event. Bounce rate = bounced ÷ (received + bounced); "
        "spam complaint rate = spam complaints ÷ received; opens per email = all opens ÷ received, with repeated "
        "opens and those of machines. A provider far below the others may file the mail as spam.",
    )


def _audience(source: AccountFrames) -> Iterator[Part]:
    joined, left = (
        source.counted(name)
        for name in ("Subscribed to Email Marketing", "Unsubscribed from Email Marketing")
    )
    growth = analysis.list_growth(joined, left)
    shown = growth[["datetime", "subscribed", "unsubscribed", "net", "complete"]]
    data = Table(
        f"Email subscribers by {source.interval}",
        shown,
        kinds={"datetime": "date"},
        labels={"datetime": f"{source.interval} (start)"},
        note="Events: who joins, leaves and joins again counts each time.",
        chart="column",
        series=["subscribed", "unsubscribed"],
    )
    net = int(growth["net"].sum())
    yield Text(
        f"{source.write(int(growth['subscribed'].sum()), 'count')} consents to email marketing and "
        f"{source.write(int(growth['unsubscribed'].sum()), 'count')} withdrawals: a net change of "
        f"{source.write(net, 'count')}."
    )
    figure, ax = _axes()
    plots.list_growth(growth, interval=source.interval, title="", ax=ax)
    yield Figure("Growth of email subscribers", figure, data, kind="count")
    yield _growth_by_source(source)
    yield _engaged(source)


def _growth_by_source(source: AccountFrames) -> Part:
    title = "Subscriptions to lists by source"
    try:
        growth = source.client.analyses.growth_by_source(source.period)
    except (InvalidInputError, LookupFailedError) as error:
        return Text(f"Not known: {error}", title=title)
    sums = growth.groupby("Method", dropna=False)[["subscribed", "unsubscribed", "net"]].sum().reset_index()
    sums["Method"] = sums["Method"].fillna("(unknown)").astype("string")
    total = int(sums["subscribed"].sum())
    sums["share"] = sums["subscribed"].astype("float64") / (total or float("nan"))
    return Table(
        title,
        sums.sort_values(["subscribed", "Method"], ascending=[False, True], ignore_index=True),
        kinds={"share": "rate"},
        labels={"Method": "source", "unsubscribed": "left again", "share": "share of subscriptions"},
        note="Subscriptions to single lists: who joins two lists counts twice.",
    )


def _engaged(source: AccountFrames) -> Part:
    title = "Engaged profiles"
    most = source.most_events
    if most is not None and (number := source.number_of_reactions()) > most:
        return Text(
            f"Left out: it needs all {source.write(number, 'count')} opens and clicks of 90 days. A report that is "
            "made from an archive has it.",
            title=title,
        )
    try:
        tiers = source.client.analyses.engagement_tiers(source.quarter, days=(30, 60, 90))
    except (InvalidInputError, LookupFailedError) as error:
        return Text(f"Not known: {error}", title=title)
    tiers = tiers.assign(profiles_so_far=tiers["profiles"].cumsum())
    tiers["share_so_far"] = tiers["profiles_so_far"].astype("float64") / int(tiers["profiles"].sum() or 1)
    return Table(
        title,
        tiers[["tier", "profiles", "share", "profiles_so_far", "share_so_far"]],
        kinds={"share": "rate", "share_so_far": "rate"},
        labels={
            "tier": "last open or click",
            "profiles_so_far": "profiles up to here",
            "share_so_far": "share up to here",
        },
        note="All profiles by the last open or click that was not a machine's, before the end of the period. "
        "Earlier reactions than 90 days ago were not read.",
    )


def _timing(source: AccountFrames) -> Iterator[Part]:
    if not source.has_reports:
        yield Text(
            "Which weekday does best needs the recipients of campaigns. They are counted from an archive that has "
            f"the tables {', '.join(TABLES_OF_REPORTS)}; this one lacks {', '.join(source.missing_tables)}."
        )
        return
    sent = source.campaigns.dropna(subset=["send_time"])
    if sent.empty:
        yield Text("No campaign was sent in this period.")
        return
    days = sent.assign(weekday=sent["send_time"].dt.day_of_week)
    rows = analysis.roll_up(days, by="weekday").sort_values("weekday")
    number = days.groupby("weekday").size().rename("campaigns").reset_index()
    rows = rows.merge(number, on="weekday", how="left", validate="1:1")
    rows["weekday"] = rows["weekday"].map(lambda day: _WEEKDAYS[int(day)]).astype("string")
    results = [
        name
        for name in ("click_rate", "conversion_rate", "revenue_per_recipient")
        if name in _results(source)
    ]
    yield Table(
        "Campaigns by weekday of sending",
        rows[["weekday", "campaigns", "recipients", *results]],
        currency=source.currency,
        note="Rates are made from summed counts. Days with few campaigns say little about the day itself.",
    )


def _customers(source: AccountFrames) -> Iterator[Part]:
    orders = source.orders
    begun = source.begun
    if begun is not None and begun > pd.Timestamp(source.year.start):
        yield Text(
            f"The copy's events begin at {begun:%Y-%m-%d}. Earlier orders are unknown, so that customers may look "
            "newer and ordering less often than they are."
        )
    people = orders["profile_id"].nunique()
    if people < _FEWEST_CUSTOMERS:
        yield Text(
            f"{people} customers ordered in the twelve months before the end of the period; at least "
            f"{_FEWEST_CUSTOMERS} are needed for cohorts and RFM."
        )
        return
    end = source.period.end
    repeat = analysis.repeat_purchase(orders, as_of=end).head(5)
    within = {f"within_{days}": f"within {days} days" for days in (30, 90, 365)}
    yield Table(
        "Repeat purchases",
        repeat[["order", "customers", "returned", "share", *within, "median_days_km"]],
        kinds=dict.fromkeys(("share", *within), "rate"),
        labels={
            "order": "order number",
            "share": "returned so far",
            "median_days_km": "median days to next order",
            **within,
        },
        note="Orders of the last twelve months; shares within so many days are Kaplan-Meier estimates.",
    )
    cohorts = analysis.cohorts(orders, as_of=end)
    figure, ax = _axes(height=5.2)
    plots.cohort_heatmap(cohorts, title="", ax=ax)
    data = Table(
        "Monthly cohorts", cohorts, kinds={"share": "rate"}, note="share = customers ÷ size of the cohort."
    )
    yield Figure("Customers who order again, by month of their first order", figure, data, kind="rate")
    groups = analysis.klaviyo_rfm(orders, as_of=end)
    order = ["Champions", "Loyal", "Recent", "Needs attention", "At risk", "Inactive"]
    sums = groups.groupby("group").agg(
        customers=("profile_id", "size"), orders=("frequency", "sum"), revenue=("monetary", "sum")
    )
    sums = sums.reindex([*[g for g in order if g in sums.index], *[g for g in sums.index if g not in order]])
    sums["share_of_customers"] = sums["customers"] / len(groups)
    yield Table(
        "RFM groups",
        sums.rename_axis("group").reset_index(),
        currency=source.currency,
        kinds={"share_of_customers": "rate", "orders": "count"},
        note="Klaviyo's six groups, from orders of the last twelve months.",
        chart="column",
        series=["customers"],
    )
    if source.privacy != "aggregate":
        yield _best_customers(groups, source)


def _best_customers(groups: pd.DataFrame, source: AccountFrames) -> Part:
    best = groups.sort_values(["monetary", "profile_id"], ascending=[False, True]).head(20)
    ids = best["profile_id"].astype(str)
    if source.privacy == "hashed":
        account = str(source.account.get("id", ""))
        ids = ids.map(lambda own: hashlib.sha256(f"{account}:{own}".encode()).hexdigest()[:16])
    return Table(
        "Best customers",
        best.assign(profile=ids.astype("string"))[
            ["profile", "group", "frequency", "monetary", "last_order"]
        ],
        kinds={"frequency": "count", "monetary": "money", "last_order": "date"},
        labels={"frequency": "orders", "monetary": "revenue"},
        currency=source.currency,
        note="The twenty with most revenue in twelve months.",
    )


def _notes(source: AccountFrames) -> Iterator[Part]:
    now = source.now
    over = source.period.is_complete(now)
    ending = source.period.end if over else now
    lines = [
        f"Times are in {source.period.timezone}; the period is {source.period}.",
        f"Money is in {source.currency}."
        if source.currency
        else "Amounts carry no currency: the orders have several, or none is known.",
        *_sources(source),
        f"The period {'is over' if over else 'is not over'}: the data end at {ending:%Y-%m-%d %H:%M}.",
        "Late opens and orders still come in for about five days after the last message.",
        {
            "aggregate": "Nobody is named in this report.",
            "hashed": "Customers appear by a hash of their profile id only.",
            "full": "This report holds profile ids of customers: treat it as personal data.",
        }[source.privacy],
    ]  # fmt: skip
    if not source.from_copy:
        lines.append(
            f"This report took {source.scarce_calls} of the 225 report queries that Klaviyo allows a day."
        )
    yield Text(lines, items=True)


def _sources(source: AccountFrames) -> Iterator[str]:
    """Yield where the numbers come from, what they are made of, and what is missing."""
    if source.from_copy:
        yield "This report is made from a copy of the account's events, without Klaviyo's reports."
    if source.conditions is not None:
        yield (
            f"Orders that count: {source.conditions.describe()}. Converted profiles, placed-order rates and "
            "revenue per recipient are left out: they are known of all orders only."
        )
    if source.has_reports:
        placed, money = (
            (" and placed-order", " and revenue per recipient") if source.has_conversions else ("", "")
        )
        yield (
            f"Open, click, unsubscribe, spam complaint{placed} rates are shares of delivered messages; bounce "
            f"rates{money} are shares of recipients. All are made from summed counts."
        )
    if source.has_conversions:
        yield (
            "Revenue and orders by source are dated by the order. Attributed revenue of campaigns and flows "
            + (
                "is dated by the sending of the message: the two need not agree."
                if source.from_copy
                else "comes from Klaviyo's reports, which may credit a message by the date of its sending: the two "
                "need not agree."
            )
        )
    else:
        yield "Revenue and orders are dated by the order and credited as Klaviyo attributed each order."
    if source.from_copy and source.has_reports:
        yield (
            "Results of messages are counted from events, dated by the sending of the message. What only Klaviyo's "
            "reports know is missing: variations, costs of text messages, deleted messages, later corrections."
        )
    elif source.from_copy:
        yield (
            "What only Klaviyo's reports know is missing: recipients, delivered messages, open, click, placed-order, "
            "unsubscribe and complaint rates, revenue per recipient, and results by the day of sending. An "
            f"archive that also has {', '.join(source.missing_tables)} counts them from its events."
        )


def _axes(height: float = 3.9) -> tuple[Drawing, Any]:
    figure = Drawing(figsize=(9.6, height), layout="constrained")
    return figure, figure.add_subplot()


CHAPTERS: dict[str, tuple[str, Callable[[AccountFrames], Iterator[Part]]]] = {
    "headline": ("Key numbers", _headline),
    "changes": ("What changed most", _changes),
    "revenue": ("Revenue", _revenue),
    "flows": ("Flows", _flows),
    "campaigns": ("Campaigns", _campaigns),
    "deliverability": ("Deliverability", _deliverability),
    "audience": ("Audience growth", _audience),
    "timing": ("Timing of campaigns", _timing),
    "customers": ("Customers", _customers),
    "notes": ("Notes", _notes),
}
