"""Events hold what real accounts' events hold: Shopify's words, the developer guide's, and Klaviyo's own."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import pytest

from klaviyo_analytics.sandbox import Sandbox
from klaviyo_analytics.sandbox.shop import build_account
from tests.sandbox.api import Api, data
from tests.sandbox.shopkeeping import Shop, shop

ULID = "[0-9A-HJKMNP-TV-Z]{26}"


def held(name: str, integration: str = "") -> list[dict[str, Any]]:
    return [event.properties for event in shop().events(name, integration)]


def test_built_in_integrations_have_their_ids_everywhere() -> None:
    for seed in (1, 2):
        metrics = build_account(seed=seed, profiles=1, events=0).records["metric"].values()
        owners = [one.attributes["integration"] for one in metrics if one.attributes["integration"]]
        ids = {one["name"]: one["id"] for one in owners}
        assert (ids["Klaviyo"], ids["Shopify"], ids["API"]) == ("0rG4eQ", "0eMvjm", "7FtS4J")


@pytest.mark.parametrize("name", ["Active on Site", "Viewed Product"])
def test_what_the_site_sees_comes_through_the_api(name: str) -> None:
    assert held(name, "API")
    with pytest.raises(KeyError):
        shop().metric(name, "Klaviyo")


@pytest.mark.parametrize("name", ["Placed Order", "Checkout Started", "Fulfilled Order", "Refunded Order"])
def test_shopify_names_items_and_keeps_objects_aside(name: str) -> None:
    for one in held(name, "Shopify"):
        assert all(isinstance(item, str) for item in one["Items"])
        assert one["Items"] == [line["title"] for line in one["$extra"]["line_items"]]
        assert re.fullmatch(r"\d+\.\d\d", one["Total Discounts"])
        assert {type(line["price"]) for line in one["$extra"]["line_items"]} == {str}
        assert {type(line["quantity"]) for line in one["$extra"]["line_items"]} == {float}
        assert one["$currency_code"] == "USD"
        assert one["$event_id"] == str(one["$extra"]["id"])
        assert one["$event_id"].isdigit()
        assert not {"OrderId", "ItemNames", "Categories", "CheckoutURL", "$value_currency"} & set(one)


def test_sources_of_shopify_orders_are_words_or_numbers_of_apps() -> None:
    sources = Counter(one["Source Name"] for one in held("Placed Order", "Shopify"))
    assert {type(name) for name in sources} == {str}
    assert "web" in sources
    assert any(name.isdigit() for name in sources)


def test_the_own_shop_has_the_words_of_the_developer_guide() -> None:
    for name in ("Started Checkout", "Placed Order"):
        for one in held(name, "API"):
            assert {"OrderId", "ItemNames", "Categories", "$value_currency"} <= set(one)
            assert all(item["RowTotal"] == pytest.approx(item["ItemPrice"] * item["Quantity"], abs=0.02)
                       for item in one["Items"])  # fmt: skip
            assert not {"$currency_code", "Collections", "Total Discounts"} & set(one)


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("Received Email", rf"\w+:{ULID}"),
        ("Bounced Email", rf"\w+:{ULID}"),
        ("Opened Email", rf"\w+:{ULID}:\d+"),
        ("Clicked Email", rf"\w+:{ULID}:\d+:\d+"),
    ],
)
def test_the_event_ids_of_mail_begin_with_its_message(name: str, form: str) -> None:
    events = held(name)
    for one in events:
        assert re.fullmatch(form, one["$event_id"])
        assert one["$event_id"].startswith(one["$message"] + ":")
    assert len({one["$event_id"] for one in events}) == len(events)


def test_reactions_carry_the_transmission_of_their_message() -> None:
    sent = {one["$event_id"] for one in held("Received Email")}
    opened = [one["$event_id"].rsplit(":", 1)[0] for one in held("Opened Email")]
    assert set(opened) <= sent


def test_a_campaigns_events_name_the_campaign_and_its_audience() -> None:
    records = shop().records
    seen = 0
    for one in held("Received Email"):
        assert one["$_cohort$message_send_cohort"].split(":")[1] == one["$message"]
        if "$flow" not in one:
            audiences = records["campaign"][one["$message"]].attributes["audiences"]["included"]
            assert one["$group_ids"] == audiences
            seen += 1
        else:
            assert one["$message"] in records["flow-message"]
            assert "$group_ids" not in one
    assert seen


def test_recent_mail_says_how_it_was_handed_over() -> None:
    kept = [one for one in held("Received Email") if "$internal" in one]
    assert 0 < len(kept) < len(held("Received Email"))
    for one in kept:
        assert one["$event_id"] == f"{one['$message']}:{one['$internal']['Transmission ID']}"


def test_bounces_say_why() -> None:
    kinds = set()
    for one in held("Bounced Email"):
        info = one["bounce_delivery_info"]
        assert info["type"] == one["Bounce Type"]
        assert info["add_exclusion"] == (one["Bounce Type"] == "Hard")
        assert 400 <= info["code"] < 600
        kinds.add(one["Bounce Type"])
    assert kinds == {"Hard", "Soft"}
    assert all("type" not in one["bounce_delivery_info"] for one in held("Dropped Email"))


def test_addresses_are_as_typed_and_those_of_profiles_when_folded() -> None:
    profiles = shop().records["profile"]
    typed = 0
    for event in shop().events("Received Email"):
        address, known = event.properties["Recipient Email Address"], profiles[str(event.profile)].attributes
        assert address.lower() == known["email"]
        typed += address != known["email"]
    assert typed


def test_text_metrics_have_their_old_names_on_request() -> None:
    names = {
        text: {
            one.attributes["name"]
            for one in build_account(profiles=1, events=0, text_names=text).records["metric"].values()
        }
        for text in ("new", "old")
    }
    assert names["old"] - names["new"] == {
        "Received SMS",
        "Clicked SMS",
        "Failed to Deliver SMS",
        "Subscribed to SMS Marketing",
        "Unsubscribed from SMS Marketing",
    }
    assert len(names["old"]) == len(names["new"])


def test_an_apps_metric_has_an_integration_of_its_own_form() -> None:
    metrics = shop().records["metric"].values()
    (app,) = [one for one in metrics if (one.attributes["integration"] or {}).get("object") == "application"]
    assert app.attributes["integration"].keys() == {"object", "id", "key", "name", "category"}
    assert len(app.attributes["integration"]["id"]) == 26
    assert app.attributes["integration"]["category"].keys() == {"id", "category"}


def test_a_segment_asks_for_a_property_of_profiles() -> None:
    conditions = [
        condition
        for one in shop().records["segment"].values()
        for group in one.attributes["definition"]["condition_groups"]
        for condition in group["conditions"]
    ]
    (condition,) = [each for each in conditions if each["type"] == "profile-property"]
    path = re.fullmatch(r"properties\['(.+)'\]", condition["property"])
    assert path
    known = [one.attributes["properties"].get(path[1]) for one in shop().records["profile"].values()]
    assert condition["filter"]["value"] in known


def test_flags_are_numbers_as_text_in_aggregates() -> None:
    with Sandbox(profiles=200, events=4_000) as sandbox:
        client = Api(sandbox)
        (clicked,) = [
            id_
            for id_, one in sandbox.account.records["metric"].items()
            if one.attributes["name"] == "Clicked Email"
        ]
        log = sandbox.account.events
        flags = [
            held.get("Bot Click")
            for held, number in zip(log.properties, log.metric, strict=True)
            if log.metric_ids[number] == clicked
        ]
        question = {"metric_id": clicked, "measurements": ["count"], "by": ["Bot Click"], "interval": "month"}
        every = ["greater-or-equal(datetime,2025-07-01T00:00:00)", "less-than(datetime,2026-07-01T00:00:00)"]
        counts = {}
        for more in ((), ('equals(Bot Click,"1.0")',)):
            body = data("metric-aggregate", filter=[*every, *more], **question)
            rows = client.post("/api/metric-aggregates", body).json["data"]["attributes"]["data"]
            counts[more] = {row["dimensions"][0]: sum(row["measurements"]["count"]) for row in rows}
    assert set(counts[()]) == {"1.0", "0.0"}
    assert counts[()]["1.0"] <= flags.count(True)
    assert counts['equals(Bot Click,"1.0")',] == {"1.0": counts[()]["1.0"]}


def test_other_options_are_refused_with_what_is_allowed() -> None:
    with pytest.raises(ValueError, match=r"days=10 is too short\. .*90"):
        build_account(profiles=1, events=1, days=10)
    with pytest.raises(ValueError, match=r"form_names='newer'.*'new' or 'old'"):
        build_account(profiles=1, events=1, form_names="newer")
    with pytest.raises(ValueError, match=r"text_names='older'.*'new' or 'old'"):
        build_account(profiles=1, events=1, text_names="older")
    with pytest.raises(ValueError, match=r"message_ids='both'.*'own' or 'campaign'"):
        build_account(profiles=1, events=1, message_ids="both")


def test_a_long_history_has_more_of_everything() -> None:
    long, short = (Shop(build_account(profiles=300, events=9000, days=days)) for days in (730, 400))
    assert len(long.records["campaign"]) > 1.5 * len(short.records["campaign"])
    assert long.log.time[0] < short.log.time[0] - 300 * 86_400
