"""The shop's numbers are ones that a marketer would believe, for more than one seed."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from klaviyo_analytics.sandbox.shop import build_account
from tests.sandbox.shopkeeping import DAY, Event, Shop, shop

NEW_YORK = ZoneInfo("America/New_York")


@pytest.fixture(params=[(7, 2000, 50_000), (1, 2000, 50_000), (2, 4000, 120_000)], ids=str, scope="module")
def story(request: pytest.FixtureRequest) -> Shop:
    return shop(*request.param)


def _unique(events: list[Event]) -> int:
    return len({(event.profile, event.properties["$message"]) for event in events})


def test_email_rates(story: Shop) -> None:
    received = list(story.events("Received Email"))
    opens, clicks = list(story.events("Opened Email")), list(story.events("Clicked Email"))
    bounced = sum(1 for _ in story.events("Bounced Email"))
    delivered = len(received)
    assert 0.33 < _unique(opens) / delivered < 0.46
    assert 0.015 < _unique(clicks) / delivered < 0.032
    assert 0.001 < bounced / (delivered + bounced) < 0.01
    assert 0.001 < sum(1 for _ in story.events("Unsubscribed from Email Marketing")) / delivered < 0.003
    assert sum(1 for _ in story.events("Marked Email as Spam")) / delivered < 0.0002
    assert 0.2 < sum(event.properties["machine_open"] for event in opens) / len(opens) < 0.6
    assert 0.05 < sum(event.properties["Bot Click"] for event in clicks) / len(clicks) < 0.5


def test_revenue_and_its_sources(story: Shop) -> None:
    orders = list(story.events("Placed Order", "Shopify"))
    revenue = sum(event.value for event in orders)
    credited = [event for event in orders if event.attribution]
    assert 60 < revenue / len(orders) < 120
    assert 0.22 < sum(event.value for event in credited) / revenue < 0.42
    received = Counter("$flow" in event.properties for event in story.events("Received Email"))
    by_flow = Counter(bool(event.attribution.flow) for event in credited if event.attribution)
    assert by_flow[True] / received[True] > 1.5 * by_flow[False] / received[False], "flows convert better"


def test_some_carts_are_abandoned_and_some_buyers_come_back(story: Shop) -> None:
    checkouts = sum(1 for _ in story.events("Checkout Started", "Shopify"))
    orders = Counter(event.profile for event in story.events("Placed Order", "Shopify"))
    assert 0.35 < orders.total() / checkouts < 0.7
    assert 0.1 < sum(count > 1 for count in orders.values()) / len(orders) < 0.4


@pytest.fixture(scope="module")
def default_shop() -> Shop:
    return Shop(build_account())


@pytest.mark.parametrize("ends", [0, 165, 330], ids="{} days ago".format)
def test_in_any_400_days_of_the_default_shop_as_many_come_back_as_in_a_shop_of_400_days(
    default_shop: Shop, ends: int
) -> None:
    until = default_shop.account.now - ends * DAY
    orders = Counter(
        event.profile
        for event in default_shop.events("Placed Order", "Shopify")
        if until - 400 * DAY <= event.time < until
    )
    assert 0.1 < sum(count > 1 for count in orders.values()) / len(orders) < 0.4


def test_more_of_the_default_shop_come_back_within_its_two_years(default_shop: Shop) -> None:
    orders = Counter(event.profile for event in default_shop.events("Placed Order", "Shopify"))
    assert 0.35 < sum(count > 1 for count in orders.values()) / len(orders) < 0.45
    checkouts = sum(1 for _ in default_shop.events("Checkout Started", "Shopify"))
    assert 0.35 < orders.total() / checkouts < 0.7
    assert (len(default_shop.records["profile"]), len(default_shop.log.ids)) == (8_000, 300_000)


def test_the_holidays_are_the_busiest_days_and_nights_are_quiet() -> None:
    hours: Counter[int] = Counter()
    days: Counter[str] = Counter()
    for event in shop(2, 4000, 120_000).events("Placed Order", "Shopify"):
        wall = datetime.fromtimestamp(event.time, NEW_YORK)
        hours[wall.hour] += 1
        days[wall.date().isoformat()] += 1
    busiest = {day for day, _ in days.most_common(2)}
    assert busiest <= {"2025-11-27", "2025-11-28", "2025-11-29", "2025-11-30", "2025-12-01"}
    assert sum(hours[hour] for hour in (2, 3, 4, 5)) < 0.3 * sum(hours[hour] for hour in (18, 19, 20, 21))


def test_the_year_has_its_campaigns() -> None:
    one = shop()
    campaigns = [record.attributes for record in one.records["campaign"].values()]
    assert Counter(campaign["status"] for campaign in campaigns).keys() == {
        "Sent",
        "Draft",
        "Scheduled",
        "Cancelled",
    }
    assert 50 <= sum(campaign["status"] == "Sent" for campaign in campaigns) <= 60
    assert sum(campaign["archived"] for campaign in campaigns) == 1
    channels = Counter(
        record.attributes["definition"]["channel"] for record in one.records["campaign-message"].values()
    )
    assert channels["email"] > channels["sms"] > channels["mobile_push"] == 1
    sent = {event.properties["$message"] for event in one.events("Received Email")}
    for record in one.records["campaign-message"].values():
        status = one.records["campaign"][str(record.relationships["campaign"])].attributes["status"]
        if record.attributes["definition"]["channel"] == "email":
            assert (record.relationships["campaign"] in sent) == (status == "Sent")


def test_campaigns_go_out_when_they_say() -> None:
    one = shop()
    times = defaultdict(list)
    for event in one.events("Received Email"):
        if "$flow" not in event.properties:
            times[event.properties["$message"]].append(event.time)
    for key, sent in times.items():
        campaign = one.records["campaign"][key]
        begun = datetime.fromisoformat(campaign.attributes["send_time"]).timestamp()
        assert begun <= min(sent) <= max(sent) < begun + 3600


def test_both_sides_of_an_ab_test_are_sent_and_named() -> None:
    one = shop()
    sides: dict[str, Counter[str]] = defaultdict(Counter)
    for event in one.events("Received Email"):
        if "$variation" in event.properties:
            sides[event.properties["$message"]][event.properties["$variation"]] += 1
    assert len(sides) >= 4
    messages = {
        str(record.relationships["campaign"]): record for record in one.records["campaign-message"].values()
    }
    for key, counted in sides.items():
        assert set(counted) == set(messages[key].hidden["variations"])
        campaign = one.records["campaign"][key]
        assert campaign.attributes["send_strategy"] == {"method": "ab_test_campaign"}
        assert min(counted.values()) > 0.3 * max(counted.values())


DIMENSIONS = [
    (
        "Received Email",
        "$message",
        "$_cohort$message_send_cohort",
        "Subject",
        "$flow",
        "$variation",
        "$_cohort$variation_send_cohort",
    ),
    ("Opened Email", "Campaign Name", "Message Name", "Email Domain", "Inbox Provider"),
    ("Opened Email", "Client Name", "Client Type", "Client Canonical"),
    ("Clicked Email", "URL", "Bot Click"),
    ("Bounced Email", "Bounce Type"),
    ("Subscribed to List", "List", "Method", "form_id"),
    ("Failed to Deliver Text Message", "Failure Source", "Failure Type"),
    ("Received Text Message", "$usage_amount", "Segment Count", "Message Type"),
    ("Received Text Message", "From Number", "From Phone Region", "To Number", "To Phone Region"),
]


@pytest.mark.parametrize("names", DIMENSIONS, ids=lambda names: names[0])
def test_the_dimensions_of_metric_aggregates_are_told(names: tuple[str, ...]) -> None:
    told = [event.properties for event in shop().events(names[0])]
    for dimension in names[1:]:
        assert any(one.get(dimension) not in (None, "") for one in told), dimension


def test_both_shops_have_metrics_of_the_same_names_and_one_metric_has_no_integration() -> None:
    metrics = [record.attributes for record in shop().records["metric"].values()]
    names = Counter(metric["name"] for metric in metrics)
    assert {name: count for name, count in names.items() if count > 1} == {
        "Placed Order": 3,  # the till in the store has it, too
        "Ordered Product": 2,
        "Fulfilled Order": 2,
        "Cancelled Order": 2,
        "Refunded Order": 2,
    }
    assert sum(metric["integration"] is None for metric in metrics) == 1
    assert {"object", "id", "name", "category"} <= set(metrics[0]["integration"])


def test_every_metric_has_events() -> None:
    log = shop().log
    assert len(np.unique(log.metric)) == len(log.metric_ids)
