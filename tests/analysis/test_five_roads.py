"""Five roads to one number, over random shops, zones, periods, channels and currencies, agree to the cent.

The roads: raw events counted by hand (without pandas), metric aggregates, reports, summaries, and the analysis of a
frame of events. What is dated by the order and what is dated by the send are two numbers, each with its own roads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

import klaviyo_analytics as ka
from klaviyo_analytics import analysis
from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.quota.budget import Ledger, Quota
from tests.shops import Shop, open_shop, without_waiting

ORDERS = ("Placed Order", "Shopify")
SHOPS: list[tuple[int, tuple[str, ...]]] = [
    (7, ("USD",)), (11, ("EUR", "USD")), (23, ("GBP",)), (41, ("USD", "CAD", "EUR")),
]  # fmt: skip
ZONES = [
    "America/New_York", "UTC", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Auckland", "America/St_Johns",
]  # fmt: skip
CHANNELS = {"email": "email", "sms": "sms", "mobile_push": "push-notification"}  # of messages, of reports
LIFE = ("2025-05-01", "2026-07-02")
Number = tuple[int, int]  # orders and cents


@dataclass(frozen=True)
class Order:
    """An order as the wire shows it, with the message that it is credited to."""

    id: str
    at: datetime
    value: float
    currency: str
    message: str | None
    campaign: str | None
    flow: str | None


@dataclass
class Books:
    """A shop, and its orders by hand."""

    shop: Shop
    home: Path
    orders: list[Order]
    channel: dict[str, str]  # message -> channel as reports write it
    campaign: dict[str, str]  # message -> campaign
    sent: dict[str, datetime]  # campaign -> when it was sent
    currencies: tuple[str, ...]
    frames: dict[str, pd.DataFrame]
    visits: int = 0

    @contextmanager
    def client(self, zone: str) -> Iterator[KlaviyoClient]:
        """Connect to the shop after its owner has moved to a zone."""
        account = self.shop.account
        account.timezone = zone
        next(iter(account.records["account"].values())).attributes["timezone"] = zone
        url = f"{self.shop.url}/klaviyo"
        self.visits += 1
        with ka.connect(api_key=self.shop.sandbox.maton_key, base_url=url, progress=False) as client:
            clock = self.shop.clock
            without_waiting(client, clock)
            ledger = Ledger(self.home / f"{self.visits}.sqlite3")
            client._context.quota = Quota(ledger, clock=clock, sleep=clock.sleep)
            client._context.now = lambda: self.shop.now
            yield client


class Shelf:
    """The books of all shops; hypothesis prints what it is given, and these would be a thousand lines."""

    def __init__(self, books: list[Books]) -> None:
        self._books = books

    def __getitem__(self, place: int) -> Books:
        return self._books[place]


def read_by_hand(shop: Shop) -> list[Order]:
    """Read every order page by page, with what it is credited to."""
    client = shop.client
    metric = client.metrics.find(name=ORDERS[0], integration=ORDERS[1])["id"]
    query: Any = {"filter": f'equals(metric_id,"{metric}")', "include": "attributions", "page[size]": 1000}
    document = client.request("GET", "/api/events", params=query)
    assert not document["links"].get("next"), "one page is enough for these shops"
    credit = {one["id"]: one["relationships"] for one in document["included"]}
    orders = []
    for event in document["data"]:
        about, properties = event["attributes"], event["attributes"]["event_properties"]
        of = event["relationships"]["attributions"]["data"]
        assert len(of) <= 1
        to = {
            name: link["data"]["id"]
            for name, link in (credit[of[0]["id"]] if of else {}).items()
            if link["data"]
        }
        orders.append(
            Order(
                event["id"], datetime.fromisoformat(about["datetime"]), properties["$value"],
                properties["$currency_code"], to.get("campaign-message") or to.get("flow-message"),
                to.get("campaign"), to.get("flow"),
            )
        )  # fmt: skip
    return orders


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    with ExitStack() as stack:
        made = []
        for seed, currencies in SHOPS:
            shop = stack.enter_context(
                open_shop(seed=seed, profiles=500, events=20_000, currencies=currencies)
            )
            records = shop.account.records
            of_campaigns = {
                id: one.attributes["definition"]["channel"] for id, one in records["campaign-message"].items()
            }
            of_flows = {id: one.attributes["channel"] for id, one in records["flow-message"].items()}
            channel = {id: CHANNELS[name] for id, name in (of_campaigns | of_flows).items()}
            sent = {
                id: datetime.fromisoformat(one.attributes["send_time"])
                for id, one in records["campaign"].items()
                if one.attributes.get("send_time")
            }
            home = tmp_path_factory.mktemp(f"shop{seed}")
            campaign = {
                id: str(one.relationships["campaign"]) for id, one in records["campaign-message"].items()
            }
            made.append(Books(shop, home, read_by_hand(shop), channel, campaign, sent, currencies, {}))
        yield Shelf(made)


def cents(value: float) -> int:
    return round(100 * value)


def added(orders: list[Order]) -> Number:
    return len(orders), cents(sum(order.value for order in orders))


def inside(at: datetime, span: tuple[date, date], zone: str) -> bool:
    return span[0] <= at.astimezone(ZoneInfo(zone)).date() < span[1]


@st.composite
def periods(draw: st.DrawFn) -> tuple[date, date]:
    """Days, months or quarters of the shops' life, with the changes of clocks among them."""
    kind = draw(st.sampled_from(["days", "months", "clock"]))
    if kind == "months":
        first = draw(st.integers(0, 10))
        length = draw(st.sampled_from([1, 2, 3]))
        start, end = (date(2025 + (6 + n) // 12, (6 + n) % 12 + 1, 1) for n in (first, first + length))
        return start, end
    if kind == "clock":  # the American, European and Australian changes
        start = draw(
            st.sampled_from([date(2025, 10, 4), date(2025, 11, 1), date(2026, 3, 7), date(2026, 4, 4)])
        )
        return start, start + timedelta(days=draw(st.integers(20, 60)))
    start = date(2025, 7, 1) + timedelta(days=draw(st.integers(0, 300)))
    return start, start + timedelta(days=draw(st.integers(20, 120)))


seeded = settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],  # shrinking asks the shop hundreds of times
    suppress_health_check=[HealthCheck.too_slow],
)
CASES: dict[str, Any] = {
    "place": st.integers(0, len(SHOPS) - 1),
    "zone": st.sampled_from(ZONES),
    "span": periods(),
}


@pytest.mark.filterwarnings("ignore:The conversion metric has values in:klaviyo_analytics.ReadingWarning")
@seeded
@given(**CASES, channel=st.sampled_from(["email", "sms", None]))
def test_orders_of_the_campaigns_that_were_sent_in_a_period(
    books: Shelf, place: int, zone: str, span: tuple[date, date], channel: str | None
) -> None:
    shop = books[place]
    mine = {id for id, at in shop.sent.items() if inside(at, span, zone)}
    by_hand = [
        order for order in shop.orders
        if order.campaign in mine and channel in (None, shop.channel[str(order.message)])
    ]  # fmt: skip
    messages = {
        message for message, campaign in shop.campaign.items()
        if campaign in mine and channel in (None, shop.channel[message])
    }  # fmt: skip
    assume(by_hand or span[0].day == 1)  # few periods without any order
    words = span[0].isoformat(), span[1].isoformat()
    numbers: dict[str, Number] = {"raw events": added(by_hand)}
    with shop.client(zone) as client:
        monthly = client.metric_aggregates.query(
            ORDERS, measurements=["count", "sum_value"], interval="month",
            by=["$attributed_message", "$value_currency"], timeframe=LIFE,
        )  # fmt: skip
        counted = monthly[monthly["attributed_message"].isin(messages)]
        numbers["aggregates"] = int(counted["count"].sum()), cents(counted["sum_value"].sum())
        query: Any = {"statistics": ["conversions", "conversion_value"], "conversion_metric": ORDERS}
        report = client.reports.campaign_values(timeframe=words, **query)
        if channel is not None:
            report = report[report["send_channel"] == channel]
        numbers["report"] = int(report["conversions"].sum()), cents(report["conversion_value"].sum())
        summary = client.campaigns.summary(words, conversion_metric=ORDERS, by="message")
        if channel is not None:
            summary = summary[summary["channel"] == channel]
        numbers["summary"] = int(summary["conversions"].sum()), cents(summary["conversion_value"].sum())
        if "events" not in shop.frames:  # what was ordered is the same in all zones
            shop.frames["events"] = client.events.list(
                metric=ORDERS, timeframe=LIFE, include=["attributions"]
            )
    orders = analysis.normalise_orders(shop.frames["events"])
    one = orders.assign(currency="any")  # reports add all currencies, so for this comparison they are one
    touches = pd.DataFrame(
        {"id": ["-"], "profile_id": ["-"], "datetime": one["datetime"].iloc[:1],
         "received": one["datetime"].iloc[:1], "channel": ["email"], "interaction": ["click"], "message": ["-"]}
    )  # fmt: skip
    credited = analysis.attribution(one, touches, "native")
    credited = credited[credited["message"].isin(messages)]
    numbers["analysis"] = credited["order_id"].nunique(), cents(credited["revenue"].sum())
    assert numbers == dict.fromkeys(numbers, numbers["raw events"])


@seeded
@given(**CASES, source=st.sampled_from(["all", "campaign", "flow", "other"]))
def test_orders_that_were_placed_in_a_period(
    books: Shelf, place: int, zone: str, span: tuple[date, date], source: str
) -> None:
    shop = books[place]
    currency = shop.currencies[span[0].toordinal() % len(shop.currencies)]
    belongs: dict[str, Callable[[Order], bool]] = {
        "all": lambda _: True,
        "campaign": lambda order: order.campaign is not None,
        "flow": lambda order: order.flow is not None,
        "other": lambda order: order.message is None,
    }
    by_hand = [
        order for order in shop.orders
        if inside(order.at, span, zone) and order.currency == currency and belongs[source](order)
    ]  # fmt: skip
    assume(by_hand or span[0].day == 1)  # few periods without any order
    words = span[0].isoformat(), span[1].isoformat()
    numbers: dict[str, Number] = {"raw events": added(by_hand)}
    with shop.client(zone) as client:
        by: Any = ["$attributed_message", "$attributed_flow"]
        daily = client.metric_aggregates.query(
            ORDERS, measurements=["count", "sum_value"], by=by, timeframe=words, currency=currency
        )
        message, flow = daily["attributed_message"].notna(), daily["attributed_flow"].notna()
        rows = {"all": message | ~message, "campaign": message & ~flow, "flow": flow, "other": ~message}[
            source
        ]
        numbers["aggregates"] = int(daily.loc[rows, "count"].sum()), cents(daily.loc[rows, "sum_value"].sum())
        summary = client.account_summary(words, compare=None, conversion_metric=ORDERS, currency=currency)
        told = summary[summary["source"] == source].set_index("measure")["value"]
        numbers["summary"] = int(told["orders"]), cents(told["revenue"])
        split = [
            analysis.revenue_split(daily, value=value).set_index("source")[column]
            for value, column in (("count", "count"), ("sum_value", "revenue"))
        ]
        count, revenue = (each.sum() if source == "all" else each.get(source, 0.0) for each in split)
        numbers["analysis of aggregates"] = int(count), cents(revenue)
        chosen = client.analyses._source().orders(ORDERS, words, {"currency": currency}, attributions=True)
        kinds = {"campaign": "attributed_campaign_id", "flow": "attributed_flow_id"}
        if source in kinds:
            chosen = chosen[chosen[kinds[source]].notna()]
        elif source == "other":
            chosen = chosen[chosen["attributed_message"].isna()]
        scores = analysis.rfm(chosen, as_of=span[1].isoformat())
        numbers["analysis of events"] = int(scores["frequency"].sum()), cents(scores["monetary"].sum())
    assert numbers == dict.fromkeys(numbers, numbers["raw events"])
