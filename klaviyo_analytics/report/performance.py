"""The performance report of one account: what practitioners look at each week, in their order."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, get_args

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure as Drawing

from klaviyo_analytics import analysis, plots
from klaviyo_analytics.errors import InvalidInputError, LookupFailedError
from klaviyo_analytics.plots._quantities import quantity
from klaviyo_analytics.report.account_frames import AccountFrames, ArchiveFrames, Comparison, Privacy
from klaviyo_analytics.report.document import (
    Branding,
    Figure,
    Heading,
    MetricCards,
    Part,
    Report,
    Table,
    Text,
)
from klaviyo_analytics.report.formats import Formatter, title_of
from klaviyo_analytics.report.sentences import best_and_worst, key_numbers, numbers_behind, sentences

if TYPE_CHECKING:
    from klaviyo_analytics.archive import Archive
    from klaviyo_analytics.client import KlaviyoClient

_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_BY_SOURCE = ("revenue", "revenue_share", "orders", "average_order_value", "revenue_per_recipient")
_SOURCES = {"all": "all", "campaign": "campaigns", "flow": "flows", "other": "other orders"}
_FEWEST_CUSTOMERS = 20  # for cohorts and RFM


def performance(
    client: KlaviyoClient | Archive,
    timeframe: Any = "last month",
    *,
    compare: Comparison | None = "previous_period",
    conversion_metric: Any = None,
    privacy: Privacy = "aggregate",
    sections: Sequence[str] | None = None,
    title: str | None = None,
    branding: Branding | None = None,
) -> Report:
    """Make the performance report of an account.

    It takes up to eight calls of the campaign and flow reports, of which Klaviyo allows two a minute and 225 a day,
    so it may wait a few minutes. Without a comparison it takes five at most; `connect(cache=True)` keeps the answers.

    An archive needs no key and no call, but only events: revenue, orders, growth, customers and mailbox providers are
    there; recipients, rates and revenue per recipient are not, and the notes say so. It needs the tables events and
    metrics; accounts, flows and campaigns give it the currency and names.

    Parameters
    ----------
    client : KlaviyoClient or Archive
        The account, or its copy as `client.archive` or `open_archive` returns it.
    timeframe : Timeframe, str or (start, end)
        At most a year, on the account's clock.
    compare : {"previous_period", "last_year"}, optional
        The period to compare with: the one directly before, of the same length; the same dates a year before; None
        for no comparison.
    conversion_metric : str, (name, integration) or metric row, optional
        Whose events are orders. The metric that the account maps to revenue if omitted, else "Placed Order".
    privacy : {"aggregate", "hashed", "full"}
        Whether people appear: not at all; the best customers by a hash of their profile id; by their profile id.
    sections : sequence of str, optional
        Chapters in their order: "headline", "changes", "revenue", "flows", "campaigns", "deliverability",
        "audience", "timing", "customers", "notes". All if omitted.
    title : str, optional
        Title; the name of the organization if omitted.
    branding : Branding, optional
        Colours, logo, footer, language of numbers and dates. The words of the report are English.

    Returns
    -------
    Report
        `report.failures` names the chapters that could not be made and why; the others are complete.

    Raises
    ------
    InvalidInputError
        A chapter, privacy level, comparison or time frame is not valid.
    AmbiguousMatchError, NoMatchError
        Several metrics have the name given, or none has.

    Examples
    --------
    >>> import klaviyo_analytics as ka
    >>> with ka.demo(profiles=100, events=2000) as client:
    ...     report = ka.report.performance(client, "last month", sections=["headline", "notes"])
    >>> report.title, dict(report.failures)
    ('Juniper & Pine Outfitters, LLC', {})
    """
    names = list(CHAPTERS) if sections is None else list(sections)
    _check("sections", names, list(CHAPTERS))
    _check("privacy", [privacy], list(get_args(Privacy)))
    _check("compare", [] if compare is None else [compare], list(get_args(Comparison)))
    own = branding or Branding()
    source = _source(client, timeframe, compare, conversion_metric, privacy, Formatter(own.language))
    parts: list[Part] = []
    failures: dict[str, str] = {}
    for name in names:
        chapter, make = CHAPTERS[name]
        made: list[Part] = []
        try:
            with _plain_style():
                made.extend(make(source))
        except Exception as error:  # noqa: BLE001  (the rest of the report is still worth having)
            failures[chapter] = f"{type(error).__name__}: {error}"
        if made:
            parts += [Heading(chapter), *made]
    return Report(
        title=title or source.organization or "Performance report",
        sections=parts,
        subtitle=source.subtitle,
        branding=own,
        failures=failures,
        wording="en",
    )


def _source(client: Any, timeframe: Any, *rest: Any) -> AccountFrames:
    """Return the frames of a client or an archive."""
    if hasattr(client, "account_summary"):
        return AccountFrames(client, client.timeframe(timeframe), *rest)
    if not (hasattr(client, "sync") and hasattr(client, "analyses")):
        raise InvalidInputError(
            f"client is of type {type(client).__name__}, not a client or an archive. "
            "Pass ka.connect(), ka.demo() or ka.open_archive(folder)."
        )
    frames = ArchiveFrames(client, client.analyses._source().timeframe(timeframe), *rest)
    _ = frames.orders_metric  # a metric that is missing or ambiguous would fail every chapter
    return frames


def _check(argument: str, given: Sequence[str], allowed: Sequence[str]) -> None:
    unknown = [value for value in given if value not in allowed]
    if unknown:
        raise InvalidInputError(
            f"{argument}={unknown[0]!r} is not valid; allowed are {', '.join(map(repr, allowed))}."
        )


@contextmanager
def _plain_style() -> Iterator[None]:
    """Draw with our own style, whatever the user's settings are: same data, same picture."""
    with mpl.rc_context():
        mpl.rcdefaults()
        with plots.style():
            yield


def _headline(source: AccountFrames) -> Iterator[Part]:
    yield MetricCards(list(key_numbers(source)))
    rows = source.summary[source.summary["measure"].isin(_BY_SOURCE)].reset_index(drop=True)
    rows = rows[rows["source"].ne("all") | rows["measure"].ne("revenue_per_recipient")].reset_index(drop=True)
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
        if source.has_reports
        else "Dated by the order, credited as Klaviyo attributed it.",
    )


def _changes(source: AccountFrames) -> Iterator[Part]:
    if source.compare is None:
        yield Text("This report compares with no other period.")
        return
    found = sentences(
        source.summary, source.flows, source.flows_before, currency=source.currency, write=source.write
    )
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


_FLOW_COLUMNS = (
    "recipients", "revenue_per_recipient", "conversion_value", "conversion_uniques", "conversion_rate", "click_rate",
    "unsubscribe_rate", "spam_complaint_rate", "bounce_rate", "open_rate",
)  # fmt: skip


def _flows(source: AccountFrames) -> Iterator[Part]:
    if not source.has_reports:
        yield from _credited(source.flows, "flow", source)
        return
    rows = source.flows.sort_values(["revenue_per_recipient", "flow_id"], ascending=[False, True])
    if rows.empty:
        yield Text("No flow sent a message in this period.")
        return
    yield from best_and_worst(rows, "flow", source)
    yield Table(
        "Flows by revenue per recipient",
        rows[["flow", "channel", "status", *_FLOW_COLUMNS]],
        currency=source.currency,
        note=_definitions(_FLOW_COLUMNS),
        chart="bar",
        series=["revenue_per_recipient"],
    )
    messages = source.messages
    yield Table(
        "Messages of flows",
        messages[["flow", "message", "channel", *_FLOW_COLUMNS]],
        currency=source.currency,
        note="In the order of the flow report.",
    )


def _campaigns(source: AccountFrames) -> Iterator[Part]:
    if not source.has_reports:
        yield from _credited(source.campaigns, "campaign", source)
        return
    rows = source.campaigns.sort_values(["revenue_per_recipient", "campaign_id"], ascending=[False, True])
    if rows.empty:
        yield Text("No campaign was sent in this period.")
        return
    yield from best_and_worst(rows, "campaign", source)
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
    yield Figure("Campaigns by attributed revenue", figure, data, kind="money", currency=source.currency)
    yield Table(
        "Campaigns by revenue per recipient",
        rows[["campaign", "channel", "send_time", *_FLOW_COLUMNS]],
        currency=source.currency,
        note=_definitions(_FLOW_COLUMNS) + " Opens of text messages cannot be seen and are missing.",
    )


def _credited(rows: pd.DataFrame, kind: str, source: AccountFrames) -> Iterator[Part]:
    """Show what events alone know of flows or campaigns: the orders that they were credited with."""
    if rows.empty:
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
        note="From the orders of the archive, dated by the order. Recipients and rates are known to Klaviyo's "
        "reports only.",
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
            "Which weekday does best needs the recipients of campaigns, which only Klaviyo's reports know."
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
    names = ["weekday", "campaigns", "recipients", "click_rate", "conversion_rate", "revenue_per_recipient"]
    yield Table(
        "Campaigns by weekday of sending",
        rows[names],
        currency=source.currency,
        note="Rates are made from summed counts. Days with few campaigns say little about the day itself.",
    )


def _customers(source: AccountFrames) -> Iterator[Part]:
    orders = source.orders
    people = orders["profile_id"].nunique()
    if people < _FEWEST_CUSTOMERS:
        yield Text(
            f"{people} customers ordered in the twelve months before the end of the period; at least "
            f"{_FEWEST_CUSTOMERS} are needed for cohorts and RFM."
        )
        return
    end = source.period.end
    local = orders.assign(datetime=orders["datetime"].dt.tz_convert(source.period.timezone))
    repeat = analysis.repeat_purchase(local, as_of=end).head(5)
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
    cohorts = analysis.cohorts(local, as_of=end)
    figure, ax = _axes(height=5.2)
    plots.cohort_heatmap(cohorts, title="", ax=ax)
    data = Table(
        "Monthly cohorts", cohorts, kinds={"share": "rate"}, note="share = customers ÷ size of the cohort."
    )
    yield Figure("Customers who order again, by month of their first order", figure, data, kind="rate")
    groups = analysis.klaviyo_rfm(local, as_of=end)
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
        f"Money is in {source.currency or 'an unknown currency'}.",
        *(_OF_REPORTS if source.has_reports else _OF_ARCHIVES),
        f"The period {'is over' if over else 'is not over'}: the data end at {ending:%Y-%m-%d %H:%M}.",
        "Late opens and orders still come in for about five days after the last message.",
        {
            "aggregate": "Nobody is named in this report.",
            "hashed": "Customers appear by a hash of their profile id only.",
            "full": "This report holds profile ids of customers: treat it as personal data.",
        }[source.privacy],
    ]  # fmt: skip
    if source.has_reports:
        lines.append(
            f"This report took {source.scarce_calls} of the 225 report queries that Klaviyo allows a day."
        )
    yield Text(lines, items=True)


_OF_REPORTS = (
    "Open, click, unsubscribe, spam complaint and placed-order rates are shares of delivered messages; "
    "bounce rates and revenue per recipient are shares of recipients. All are made from summed counts.",
    "Revenue and orders by source are dated by the order. Attributed revenue of campaigns and flows comes "
    "from Klaviyo's reports, which may credit a message by the date of its sending: the two need not agree.",
)
_OF_ARCHIVES = (
    "This report is made from a copy of the account's events. What only Klaviyo's reports know is missing: "
    "recipients, delivered messages, open, click, placed-order, unsubscribe and complaint rates, revenue per "
    "recipient, and results by the day of sending.",
    "Revenue and orders by source are dated by the order and credited as Klaviyo attributed each order.",
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
