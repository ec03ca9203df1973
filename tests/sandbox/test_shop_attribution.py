"""A conversion is credited to the last message that its person opened or clicked in time."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest

from klaviyo_analytics.sandbox.shop.events.ledger import Log
from klaviyo_analytics.sandbox.shop.events.messages import attribute
from klaviyo_analytics.sandbox.shop.story.mailings import Message, MessageBook, Sends
from tests.sandbox.shopkeeping import CHECKOUTS, DAY, Event, Shop, credited_to, order_of, shop

CONVERSIONS = [
    ("Checkout Started", "Shopify"),
    ("Placed Order", "Shopify"),
    ("Ordered Product", "Shopify"),
    ("Placed Order", "Point of Sale"),
    ("Started Checkout", "API"),
    ("Placed Order", "API"),
    ("Ordered Product", "API"),
]


@pytest.fixture(params=[(7, 2000, 50_000), (11, 400, 30_000)], ids=str, scope="module")
def story(request: pytest.FixtureRequest) -> Shop:
    return shop(*request.param)


def _touches(story: Shop) -> dict[str | None, list[tuple[Event, int]]]:
    """{profile: (open or click by a person, how long it counts)} in order of time."""
    touches = defaultdict(list)
    for name, window in (
        ("Opened Email", 5 * DAY),
        ("Clicked Email", 5 * DAY),
        ("Clicked Text Message", DAY),
        ("Opened Push", DAY),
    ):
        for event in story.events(name):
            if not event.properties.get("machine_open") and not event.properties.get("Bot Click"):
                touches[event.profile].append((event, window))
    for mine in touches.values():
        mine.sort(key=lambda touch: touch[0].row)
    return touches


def test_credit_goes_to_the_last_touch_in_time_and_to_nobody_else(story: Shop) -> None:
    touches, credited = _touches(story), 0
    for name, integration in CONVERSIONS:
        for event in story.events(name, integration):
            earlier = [
                touch
                for touch, window in touches[event.profile]
                if touch.row < event.row and touch.time >= event.time - window
            ]
            message = earlier[-1].properties["$message"] if earlier else None
            assert credited_to(event.attribution) == message
            credited += message is not None
    assert credited > 50


def test_a_credited_message_was_received_by_the_same_person(story: Shop) -> None:
    received = defaultdict(list)
    for name in ("Received Email", "Received Text Message", "Received Push"):
        for event in story.events(name):
            received[event.profile, event.properties["$message"]].append(event)
    for name, integration in CONVERSIONS:
        for event in story.events(name, integration):
            if event.attribution is not None:
                known = received[event.profile, str(credited_to(event.attribution))]
                assert event.attribution.sent_at <= event.time
                assert any(abs(one.time - event.attribution.sent_at) <= 2 for one in known)
                assert event.attribution.variation in {one.properties.get("$variation") for one in known}


def test_a_credit_names_the_campaign_or_the_flow_that_the_message_belongs_to(story: Shop) -> None:
    campaigns = {
        key: record.relationships["campaign"] for key, record in story.records["campaign-message"].items()
    }
    flows = {
        key: story.records["flow-action"][str(record.relationships["flow-action"])].relationships["flow"]
        for key, record in story.records["flow-message"].items()
    }
    channels = {"email": 0, "sms": 0, "mobile_push": 0}
    for credit in story.log.attribution:
        if credit is not None:
            assert (credit.campaign is None) != (credit.flow is None)
            assert credit.campaign == campaigns.get(credit.message)
            assert credit.flow == flows.get(credit.message)
            record = story.records["campaign-message" if credit.campaign else "flow-message"][credit.message]
            definition = record.attributes["definition"]
            channel = definition.get("channel", record.attributes.get("channel"))
            assert credit.channel == {"mobile_push": "push"}.get(channel, channel)
            channels[channel] += 1
    assert channels["email"] > channels["sms"]


def test_only_conversions_are_credited(story: Shop) -> None:
    known = {story.metric(name, integration) for name, integration in CONVERSIONS}
    credited = {
        int(metric)
        for metric, credit in zip(story.log.metric, story.log.attribution, strict=True)
        if credit is not None
    }
    assert credited <= known


def test_the_lines_of_an_order_share_its_credit(story: Shop) -> None:
    for integration in CHECKOUTS:
        orders = {order_of(event): event.attribution for event in story.events("Placed Order", integration)}
        for line in story.events("Ordered Product", integration):
            order = orders[order_of(line)]
            assert (line.attribution and line.attribution.message) == (order and order.message)


@pytest.mark.parametrize(
    ("channel", "lag", "earned"),
    [
        ("email", 5 * DAY, True),
        ("email", 5 * DAY + 1, False),
        ("sms", DAY, True),
        ("sms", DAY + 1, False),
        ("push", DAY, True),
        ("push", DAY + 1, False),
    ],
)
def test_the_windows_end_to_the_second(channel: str, lag: int, earned: bool) -> None:
    book = MessageBook([Message("M", "A message", channel, "Hello", campaign="C")])
    one, two = np.array([0]), np.array([0, 0])
    sends = Sends(person=one, time=one + 100, message=one, side=one - 1, fate=one)
    log = Log(
        metric=two,
        person=two,
        time=np.array([200, 200 + lag]),
        value=np.array([np.nan, 10.0]),
        send=np.array([0, -1]),
        converts=np.array([False, True]),
        properties=[{}, {}],
    )
    touched, order = attribute(log, book, sends, salt=1)
    assert touched is None
    assert (order is not None and (order.message, order.campaign, order.sent_at) == ("M", "C", 100)) == earned
