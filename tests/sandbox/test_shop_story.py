"""Nothing in the shop happens before what causes it."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from datetime import datetime

import pytest

from tests.sandbox.shopkeeping import CHECKOUTS, DAY, HOUR, Event, Shop, checkout_of, order_of, shop


@pytest.fixture(params=[(7, 2000, 50_000), (11, 400, 30_000), (12, 900, 5000)], ids=str, scope="module")
def story(request: pytest.FixtureRequest) -> Shop:
    return shop(*request.param)


def _received(story: Shop, name: str) -> dict[tuple[str | None, str], list[Event]]:
    received = defaultdict(list)
    for event in story.events(name):
        received[event.profile, event.properties["$message"]].append(event)
    return received


@pytest.mark.parametrize(
    ("reaction", "cause"),
    [
        ("Opened Email", "Received Email"),
        ("Clicked Email", "Received Email"),
        ("Marked Email as Spam", "Received Email"),
        ("Clicked Text Message", "Received Text Message"),
        ("Opened Push", "Received Push"),
    ],
)
def test_people_react_only_to_what_they_received(story: Shop, reaction: str, cause: str) -> None:
    received = _received(story, cause)
    for event in story.events(reaction):
        known = received[event.profile, event.properties["$message"]]
        assert known, f"{reaction} without {cause}"
        assert known[0].time <= event.time
        assert {one.properties.get("$variation") for one in known} >= {event.properties.get("$variation")}


@pytest.mark.parametrize(
    ("sent", "joined", "left"),
    [
        ("Received Email", "Subscribed to Email Marketing", "Unsubscribed from Email Marketing"),
        ("Bounced Email", "Subscribed to Email Marketing", "Unsubscribed from Email Marketing"),
        (
            "Received Text Message",
            "Subscribed to Text Message Marketing",
            "Unsubscribed from Text Message Marketing",
        ),
    ],
)
def test_messages_go_out_only_between_subscribing_and_unsubscribing(
    story: Shop, sent: str, joined: str, left: str
) -> None:
    joins, leaves = story.times_by_profile(joined), story.times_by_profile(left)
    for profile, times in story.times_by_profile(sent).items():
        assert joins[profile][0] <= times[0]
        if profile in leaves:
            assert times[-1] <= leaves[profile][0]


@pytest.mark.parametrize("last", ["Marked Email as Spam", "Hard bounce"])
def test_nothing_is_sent_after_a_complaint_or_a_hard_bounce(story: Shop, last: str) -> None:
    if last == "Hard bounce":
        ends = [event for event in story.events("Bounced Email") if event.properties["Bounce Type"] == "Hard"]
    else:
        ends = list(story.events(last))
    received = story.times_by_profile("Received Email")
    for event in ends:
        assert all(time <= event.time for time in received[str(event.profile)])


def test_people_leave_after_reading_the_last_message_they_got(story: Shop) -> None:
    received = {event.profile: event for event in story.events("Received Email")}
    opened: dict[str | None, int] = {}
    for event in story.events("Opened Email"):
        last = received[event.profile].properties["$message"]
        if not event.properties["machine_open"] and event.properties["$message"] == last:
            opened.setdefault(event.profile, event.time)
    for name in ("Unsubscribed from Email Marketing", "Marked Email as Spam"):
        for event in story.events(name):
            assert received[event.profile].properties["$message"] == event.properties["$message"]
            assert received[event.profile].time < event.time
            assert opened.get(event.profile, 0) < event.time < received[event.profile].time + 10 * DAY


def test_forms_are_seen_before_they_are_sent_and_sent_before_people_subscribe(story: Shop) -> None:
    seen, sent = story.times_by_profile("Viewed Form"), story.times_by_profile("Submitted Form")
    for profile, times in sent.items():
        assert seen[profile][0] < times[0]
    for name in ("Subscribed to Email Marketing", "Subscribed to Text Message Marketing"):
        for event in story.events(name):
            if event.properties["Method"] == "FORM":
                assert sent[str(event.profile)][0] <= event.time
                assert event.properties["form_id"] in story.records["form"]
                assert str(event.properties["form_version_id"]) in story.records["form-version"]


def test_every_recipient_of_a_campaign_gets_it_once(story: Shop) -> None:
    seen = set()
    for name in (
        "Received Email",
        "Bounced Email",
        "Dropped Email",
        "Received Text Message",
        "Received Push",
    ):
        for event in story.events(name):
            if "$flow" not in event.properties:
                key = event.profile, event.properties["$message"]
                assert key not in seen
                seen.add(key)


def test_flows_follow_their_triggers(story: Shop) -> None:
    flows = {record.attributes["name"]: record.id for record in story.records["flow"].values()}
    newsletter = defaultdict(list)
    for event in story.events("Subscribed to List"):
        if event.properties["List"] == "Newsletter":
            newsletter[str(event.profile)].append(event.time)
    triggers = {
        "Welcome Series": (newsletter, 8 * DAY),
        "Abandoned Cart": (story.times_by_profile("Checkout Started", "Shopify"), DAY + HOUR),
        "Browse Abandonment": (story.times_by_profile("Viewed Product"), 4 * HOUR),
        "Post-Purchase": (story.times_by_profile("Placed Order", "Shopify"), 17 * DAY),
        "Win-Back": (story.times_by_profile("Placed Order", "Shopify"), 76 * DAY),
    }
    by_id = {flows[name]: trigger for name, trigger in triggers.items()}
    sent = [event for event in story.events("Received Email") if "$flow" in event.properties]
    assert {event.properties["$flow"] for event in sent} == set(by_id)
    for event in sent:
        times, within = by_id[event.properties["$flow"]]
        mine = times[str(event.profile)]
        assert bisect_left(mine, event.time) > bisect_left(mine, event.time - within)


def test_no_cart_reminder_after_the_order(story: Shop) -> None:
    flow = story.id_of("flow", "Abandoned Cart")
    checkouts = story.times_by_profile("Checkout Started", "Shopify")
    orders = {checkout_of(event): event.time for event in story.events("Placed Order", "Shopify")}
    carts = defaultdict(list)
    for event in story.events("Checkout Started", "Shopify"):
        carts[str(event.profile)].append((event.time, orders.get(checkout_of(event))))
    for event in story.events("Received Email"):
        if event.properties.get("$flow") == flow:
            last = bisect_right(checkouts[str(event.profile)], event.time)
            open_carts = [
                ordered
                for started, ordered in carts[str(event.profile)][:last]
                if started >= event.time - DAY - HOUR and (ordered is None or ordered > event.time - 60)
            ]
            assert open_carts


@pytest.mark.parametrize("integration", CHECKOUTS)
def test_orders_come_after_their_checkout_and_before_what_becomes_of_them(
    story: Shop, integration: str
) -> None:
    checkouts = {checkout_of(event): event for event in story.events(CHECKOUTS[integration], integration)}
    orders = {order_of(event): event for event in story.events("Placed Order", integration)}
    for order in orders.values():
        begun = checkouts[checkout_of(order)]
        assert begun.time < order.time
        assert (begun.profile, begun.value) == (order.profile, order.value)
    for name in ("Fulfilled Order", "Cancelled Order", "Refunded Order"):
        for event in story.events(name, integration):
            assert orders[order_of(event)].time < event.time
            assert orders[order_of(event)].profile == event.profile


def test_reviews_come_after_the_order(story: Shop) -> None:
    orders = {order_of(one): one for owner in CHECKOUTS for one in story.events("Placed Order", owner)}
    for event in story.events("Submitted Review", "Klaviyo"):
        assert orders[order_of(event)].time < event.time
        assert orders[order_of(event)].profile == event.profile


def test_things_lie_in_the_cart_before_its_checkout(story: Shop) -> None:
    added = story.times_by_profile("Added to Cart", "Shopify")
    for event in story.events("Checkout Started", "Shopify"):
        times = added[str(event.profile)]
        place = bisect_left(times, event.time)
        assert place
        assert times[place - 1] >= event.time - 30
    views = story.times_by_profile("Viewed Product")
    for profile, times in added.items():
        assert profile in views
        assert views[profile][0] <= times[0]


@pytest.mark.parametrize("integration", CHECKOUTS)
def test_a_cancelled_order_is_neither_shipped_nor_refunded(story: Shop, integration: str) -> None:
    cancelled = {order_of(event) for event in story.events("Cancelled Order", integration)}
    for name in ("Fulfilled Order", "Refunded Order"):
        assert not cancelled & {order_of(event) for event in story.events(name, integration)}


@pytest.mark.parametrize("integration", CHECKOUTS)
def test_refunds_come_after_shipping_and_never_exceed_the_order(story: Shop, integration: str) -> None:
    orders = {order_of(event): event.value for event in story.events("Placed Order", integration)}
    shipped = {order_of(event): event.time for event in story.events("Fulfilled Order", integration)}
    for event in story.events("Refunded Order", integration):
        assert 0 < event.value <= orders[order_of(event)]
        assert integration == "API" or event.value == orders[order_of(event)]
        assert shipped[order_of(event)] < event.time


@pytest.mark.parametrize("integration", CHECKOUTS)
def test_lines_and_units_add_up_to_their_order(story: Shop, integration: str) -> None:
    parts = defaultdict(list)
    for event in story.events("Ordered Product", integration):
        parts[order_of(event)].append(event)
    for order in story.events("Placed Order", integration):
        mine, held = parts.pop(order_of(order)), order.properties
        assert round(sum(one.value for one in mine), 2) == order.value > 0
        assert {one.time for one in mine} == {order.time}
        if integration == "API":
            assert sum(one.properties["Quantity"] for one in mine) == held["Item Count"]
            assert [item["RowTotal"] for item in held["Items"]] == [one.value for one in mine]
        else:
            lines = held["$extra"]["line_items"]
            assert len(mine) == sum(line["quantity"] for line in lines)
            assert {one.properties["Quantity"] for one in mine} == {1}
            assert held["Item Count"] == len(lines) == len(held["Items"])
            assert held["Items"] == [line["title"] for line in lines]
            gross = sum(round(float(line["price"]) * 100) * int(line["quantity"]) for line in lines)
            assert gross - round(float(held["Total Discounts"]) * 100) == round(order.value * 100)
    assert not parts


def test_what_is_sold_is_in_the_catalog(story: Shop) -> None:
    skus = {record.attributes["sku"]: record for record in story.records["catalog-variant"].values()}
    items = {record.attributes["external_id"] for record in story.records["catalog-item"].values()}
    for integration in CHECKOUTS:
        for event in story.events("Ordered Product", integration):
            variant = skus[event.properties["SKU"]]
            assert variant.id == f"$custom:::$default:::{event.properties['SKU']}"
            assert integration == "Shopify" or event.properties["ProductID"] in items
            assert event.value <= variant.attributes["price"] * event.properties["Quantity"] + 0.01
    assert {event.properties["SKU"] for event in story.events("Viewed Product")} <= set(skus)
    assert {event.properties["Variant SKU"] for event in story.events("Added to Cart")} <= set(skus)


def test_used_coupon_codes_are_those_of_orders(story: Shop) -> None:
    used = {
        record.attributes["unique_code"]: record.relationships["profile"]
        for record in story.records["coupon-code"].values()
        if record.attributes["status"] == "USED"
    }
    seen = {
        code: event.profile
        for integration in CHECKOUTS
        for event in story.events("Placed Order", integration)
        for code in event.properties["Discount Codes"]
    }
    assert used == seen


def test_nobody_does_anything_before_their_profile_exists(story: Shop) -> None:
    created = {key: record.attributes["created"] for key, record in story.records["profile"].items()}
    latest: dict[str, int] = {}
    first: dict[str, int] = {}
    for row in range(len(story.log.ids)):
        event = story.event(row)
        if event.profile:
            first.setdefault(event.profile, event.time)
            latest[event.profile] = event.time
    for profile, time in first.items():
        assert _seconds(created[profile]) <= time
    for profile, record in story.records["profile"].items():
        shown = record.attributes["last_event_date"]
        assert (None if shown is None else _seconds(shown)) == latest.get(profile)


def test_reviews_belong_to_their_events(story: Shop) -> None:
    events = {event.id: event for event in story.events("Submitted Review")}
    for record in story.records.get("review", {}).values():
        keys = record.relationships["events"]
        assert isinstance(keys, list)
        (key,) = keys
        event = events.pop(key)
        profile = story.records["profile"][str(event.profile)]
        assert record.attributes["email"] == profile.attributes["email"]
        assert record.attributes["rating"] == event.properties["Rating"]
    assert not events


def _seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())
