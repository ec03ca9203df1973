"""The archive is a sixth road to the numbers that raw events, counted by hand, give: by SQL, frame and summary."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klaviyo_analytics import ReadingWarning, analysis
from tests.analysis.test_five_roads import (
    CHANNELS,
    ORDERS,
    ZONES,
    Books,
    Number,
    Order,
    Shelf,
    added,
    cents,
    inside,
    periods,
    read_by_hand,
    seeded,
)
from tests.shops import open_shop

SHOPS: list[tuple[int, tuple[str, ...]]] = [(7, ("USD",)), (11, ("EUR", "USD"))]
TABLES = ["accounts", "metrics", "events", "campaigns", "campaign_messages", "flows", "flow_messages"]
CASES: dict[str, Any] = {
    "place": st.integers(0, len(SHOPS) - 1),
    "zone": st.sampled_from(ZONES),
    "span": periods(),
}
few = settings(seeded, max_examples=8)


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    with ExitStack() as stack:
        made = []
        for seed, currencies in SHOPS:
            shop = stack.enter_context(
                open_shop(seed=seed, profiles=250, events=6_000, currencies=currencies)
            )
            records = shop.account.records
            channel = {
                id: CHANNELS[one.attributes["definition"]["channel"]]
                for id, one in records["campaign-message"].items()
            }
            campaign = {
                id: str(one.relationships["campaign"]) for id, one in records["campaign-message"].items()
            }
            sent = {
                id: datetime.fromisoformat(one.attributes["send_time"])
                for id, one in records["campaign"].items()
                if one.attributes.get("send_time")
            }
            home = tmp_path_factory.mktemp(f"copy{seed}")
            book = Books(shop, home, read_by_hand(shop), channel, campaign, sent, currencies, {})
            with book.client("UTC") as client:
                client.archive(home / "copy").sync(TABLES)
            made.append(book)
        yield Shelf(made)


@few
@given(**CASES, source=st.sampled_from(["all", "campaign", "flow", "other"]))
def test_orders_that_were_placed_in_a_period(
    books: Shelf, place: int, zone: str, span: tuple[date, date], source: str
) -> None:
    book = books[place]
    currency = book.currencies[span[0].toordinal() % len(book.currencies)]
    belongs: dict[str, tuple[Callable[[Order], bool], str]] = {
        "all": (lambda _: True, "true"),
        "campaign": (lambda order: order.campaign is not None, "attributed_campaign_id IS NOT NULL"),
        "flow": (lambda order: order.flow is not None, "attributed_flow_id IS NOT NULL"),
        "other": (
            lambda order: order.message is None,
            "attributed_campaign_id IS NULL AND attributed_flow_id IS NULL",
        ),
    }
    mine, condition = belongs[source]
    by_hand = [
        order
        for order in book.orders
        if inside(order.at, span, zone) and order.currency == currency and mine(order)
    ]
    words = span[0].isoformat(), span[1].isoformat()
    numbers: dict[str, Number] = {"raw events": added(by_hand)}
    with book.client(zone) as client:
        archive = client.archive(book.home / "copy")
        metric = client.metrics.find(name=ORDERS[0], integration=ORDERS[1])["id"]
        row = archive.sql(
            "SELECT count(*) AS orders, coalesce(sum(value), 0) AS revenue FROM events "
            "WHERE metric_id = $metric AND event_properties ->> '$.\"$currency_code\"' = $currency "
            "AND (datetime AT TIME ZONE $zone)::DATE >= $first AND (datetime AT TIME ZONE $zone)::DATE < $last "
            f"AND {condition}",
            {"metric": metric, "currency": currency, "zone": zone, "first": span[0], "last": span[1]},
        ).iloc[0]
        numbers["sql"] = int(row["orders"]), cents(row["revenue"])
        columns = [
            "id",
            "datetime",
            "profile_id",
            "event_properties",
            "attributed_campaign_id",
            "attributed_flow_id",
        ]
        frame = archive.frame("events", metric=ORDERS, timeframe=words, columns=columns)
        orders = analysis.select_orders(analysis.normalise_orders(frame), {"currency": currency})
        kept = frame.set_index("id").loc[orders["id"]]
        campaign, flow = (kept[f"attributed_{kind}_id"].notna().to_numpy() for kind in ("campaign", "flow"))
        rows = {"all": campaign | ~campaign, "campaign": campaign, "flow": flow, "other": ~(campaign | flow)}
        chosen = orders[rows[source]]
        numbers["frame"] = len(chosen), cents(chosen["value"].sum())
        summary = archive.summary("account", words, conversion_metric=ORDERS, currency=currency)
        told = summary[summary["source"] == source].set_index("measure")["value"]
        numbers["summary"] = int(told["orders"]), cents(told["revenue"])
        if source == "all":
            scores = archive.analyses.rfm(metric=ORDERS, timeframe=words, orders={"currency": currency})
            numbers["analysis"] = int(scores["frequency"].sum()), cents(scores["monetary"].sum())
    assert numbers == dict.fromkeys(numbers, numbers["raw events"])


@few
@given(**CASES)
def test_orders_of_the_campaigns_that_were_sent_in_a_period(
    books: Shelf, place: int, zone: str, span: tuple[date, date]
) -> None:
    book = books[place]
    mine = {id for id, at in book.sent.items() if inside(at, span, zone)}
    by_hand = [order for order in book.orders if order.campaign in mine]
    words = span[0].isoformat(), span[1].isoformat()
    with book.client(zone) as client:
        archive = client.archive(book.home / "copy")
        for currency in book.currencies:
            options: dict[str, Any] = {"conversion_metric": ORDERS, "currency": currency}
            summary = archive.summary("campaigns", words, **options)
            told = int(summary["conversions"].sum()), cents(summary["conversion_value"].sum())
            assert told == added([order for order in by_hand if order.currency == currency])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ReadingWarning)  # Klaviyo's reports add currencies at par
            theirs = client.campaigns.summary(words, conversion_metric=ORDERS)
    assert added(by_hand) == (int(theirs["conversions"].sum()), cents(theirs["conversion_value"].sum()))


def test_the_shops_have_orders_of_every_kind(books: Shelf) -> None:
    for place in range(len(SHOPS)):
        orders = books[place].orders
        assert {bool(order.campaign) for order in orders} == {True, False}
        assert {bool(order.flow) for order in orders} == {True, False}
        assert {order.currency for order in orders} == set(SHOPS[place][1])
