"""Lists, segments and consent say the same as the events."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import datetime
from typing import Any

import numpy as np
import pytest

from klaviyo_analytics.sandbox.shop.clock import DEFAULT_NOW, Clock
from klaviyo_analytics.sandbox.shop.story.people import contact, draw_people
from tests.sandbox.shopkeeping import DAY, Shop, shop


@pytest.fixture(params=[(7, 2000, 50_000), (12, 900, 5000)], ids=str, scope="module")
def story(request: pytest.FixtureRequest) -> Shop:
    return shop(*request.param)


def _counts(story: Shop, name: str, integration: str = "Klaviyo", since: int = 0) -> Counter[str]:
    return Counter(str(event.profile) for event in story.events(name, integration) if event.time >= since)


def _members(story: Shop, segment: str) -> set[str]:
    return set(story.account.members[story.id_of("segment", segment)])


def test_list_members_are_those_who_joined_and_did_not_leave(story: Shop) -> None:
    names = {record.attributes["name"]: key for key, record in story.records["list"].items()}
    members: dict[str, dict[str, int]] = defaultdict(dict)
    for event in story.events("Subscribed to List"):
        assert event.properties["List ID"] == names[event.properties["List"]]
        members[event.properties["List ID"]][str(event.profile)] = event.time
    for event in story.events("Unsubscribed from List"):
        assert members[event.properties["List ID"]].pop(str(event.profile)) <= event.time
    for key in story.records["list"]:
        assert story.account.members[key] == members[key]


def test_leaving_marketing_leaves_the_lists_at_the_same_time(story: Shop) -> None:
    left = {event.profile: event.time for event in story.events("Unsubscribed from Email Marketing")}
    left_texts = {
        event.profile: event.time for event in story.events("Unsubscribed from Text Message Marketing")
    }
    for event in story.events("Unsubscribed from List"):
        times = left_texts if event.properties["List"] == "SMS Subscribers" else left
        assert times[event.profile] == event.time


def test_profile_counts_are_the_numbers_of_members(story: Shop) -> None:
    for type_ in ("list", "segment"):
        for key, record in story.records[type_].items():
            assert record.attributes["profile_count"] == len(story.account.members[key])


def test_every_group_has_members_from_the_past(story: Shop) -> None:
    assert set(story.account.members) == {*story.records["list"], *story.records["segment"]}
    for members in story.account.members.values():
        assert set(members) <= set(story.records["profile"])
        assert all(0 < joined <= story.account.now for joined in members.values())


def test_email_consent_follows_the_events(story: Shop) -> None:
    joined = story.times_by_profile("Subscribed to Email Marketing")
    left = story.times_by_profile("Unsubscribed from Email Marketing")
    for key, record in story.records["profile"].items():
        consent = record.attributes["subscriptions"]["email"]["marketing"]
        if key in left:
            assert consent["consent"] == "UNSUBSCRIBED"
            assert consent["suppression"] == [
                {"reason": "UNSUBSCRIBE", "timestamp": consent["consent_timestamp"]}
            ]
            assert _seconds(consent["consent_timestamp"]) == left[key][-1]
            assert len(consent["list_suppressions"]) >= 1
        elif key in joined:
            assert consent["consent"] == "SUBSCRIBED"
            assert _seconds(consent["consent_timestamp"]) == joined[key][-1]
        else:
            assert consent["consent"] == "NEVER_SUBSCRIBED"
        mailable = record.attributes["email"] is not None and not consent["suppression"]
        assert consent["can_receive_email_marketing"] == mailable


def test_suppressions_follow_the_events(story: Shop) -> None:
    expected = {
        (str(event.profile), "SPAM_COMPLAINT", event.time) for event in story.events("Marked Email as Spam")
    }
    expected |= {
        (str(event.profile), "HARD_BOUNCE", event.time)
        for event in story.events("Bounced Email")
        if event.properties["Bounce Type"] == "Hard"
    }
    expected |= {
        (str(event.profile), "UNSUBSCRIBE", event.time)
        for event in story.events("Unsubscribed from Email Marketing")
    }
    shown = {
        (key, one["reason"], _seconds(one["timestamp"]))
        for key, record in story.records["profile"].items()
        for one in record.attributes["subscriptions"]["email"]["marketing"]["suppression"]
    }
    assert shown == expected


def test_text_consent_follows_the_events(story: Shop) -> None:
    joined = story.times_by_profile("Subscribed to Text Message Marketing")
    left = story.times_by_profile("Unsubscribed from Text Message Marketing")
    for key, record in story.records["profile"].items():
        texts = record.attributes["subscriptions"]["sms"]
        assert (texts is None) == (record.attributes["phone_number"] is None)
        if texts is not None:
            consent = "UNSUBSCRIBED" if key in left else "SUBSCRIBED" if key in joined else "NEVER_SUBSCRIBED"
            assert texts["marketing"]["consent"] == consent
            assert texts["marketing"]["can_receive_sms_marketing"] == (consent == "SUBSCRIBED")


def test_segments_hold_whom_their_definitions_describe(story: Shop) -> None:
    now, profiles = story.account.now, story.records["profile"]
    orders = _counts(story, "Placed Order", "Shopify")
    recent = _counts(story, "Placed Order", "Shopify", now - 90 * DAY)
    latest = _counts(story, "Placed Order", "Shopify", now - 30 * DAY)
    views = _counts(story, "Viewed Product", "API", now - 30 * DAY)
    touched = _counts(story, "Opened Email", since=now - 90 * DAY) + _counts(
        story, "Clicked Email", since=now - 90 * DAY
    )
    spent: Counter[str] = Counter()
    for event in story.events("Placed Order", "Shopify"):
        spent[str(event.profile)] += round(event.value * 100)
    newsletter = story.account.members[story.id_of("list", "Newsletter")]

    def mailable(key: str) -> bool:
        told = profiles[key].attributes["subscriptions"]["email"]["marketing"]
        return bool(told["can_receive_email_marketing"])

    assert _members(story, "Engaged (90 days)") == {key for key in touched if mailable(key)}
    assert _members(story, "VIP: spent $250+") == {key for key, cents in spent.items() if cents >= 25_000}
    assert _members(story, "Bought apparel") == {
        str(event.profile)
        for event in story.events("Placed Order", "Shopify")
        if "Apparel" in event.properties["Collections"]
    }
    assert _members(story, "Repeat buyers") == {key for key, count in orders.items() if count >= 2}
    assert _members(story, "Lapsed buyers") == {key for key in orders if not recent[key]}
    assert _members(story, "Newsletter, never bought") == {key for key in newsletter if not orders[key]}
    assert _members(story, "Window shoppers 👀") == {
        key for key, count in views.items() if count >= 3 and not latest[key]
    }
    assert _members(story, "United States") == {
        key for key, one in profiles.items() if one.attributes["location"]["country"] == "United States"
    }
    assert _members(story, "SMS reachable") == {
        key for key, one in profiles.items() if _can_receive(one.attributes["subscriptions"]["sms"])
    }


def test_buyers_and_only_buyers_have_predictions(story: Shop) -> None:
    count, spent = Counter[str](), Counter[str]()
    for integration in ("Shopify", "Point of Sale", "API"):
        for event in story.events("Placed Order", integration):
            count[str(event.profile)] += 1
            spent[str(event.profile)] += round(event.value * 100)
    for key, record in story.records["profile"].items():
        told = record.attributes["predictive_analytics"]
        assert (told is None) == (key not in count)
        if told is not None:
            assert told["historic_number_of_orders"] == count[key]
            assert round(told["historic_clv"] * 100) == spent[key]


def test_contacts_are_safe_to_publish() -> None:
    for record in shop().records["profile"].values():
        email, phone = record.attributes["email"], record.attributes["phone_number"]
        assert email or phone
        if email:
            domain = email.rsplit("@", 1)[1]
            assert domain.endswith(".example") or domain in {"mail.example.net", "corp.example.org"}
        if phone:
            assert phone.startswith("+1")
            assert phone[5:10] == "55501"
            assert len(phone) == 12


def test_no_two_people_share_an_address_even_when_phone_numbers_run_out() -> None:
    people = draw_people(np.random.default_rng(3), Clock.until(DEFAULT_NOW), 82_000)
    contacts = contact(people, 3)
    for addresses in (contacts.emails, contacts.phones, contacts.ids):
        known = [address for address in addresses if address is not None]
        assert len(set(known)) == len(known)
    assert all(email or phone for email, phone in zip(contacts.emails, contacts.phones, strict=True))


def test_profiles_are_as_untidy_as_real_ones() -> None:
    people = [record.attributes for record in shop().records["profile"].values()]
    names = "".join(str(one["first_name"]) + str(one["last_name"]) for one in people)
    for letters in ("☀️", "李", "א", "م", '"', ",", "\\", "Ł", "й"):
        assert letters in names
    assert {type(one["properties"].get("Shoe Size")) for one in people} == {int, float, str, type(None)}
    assert any(isinstance(one["properties"].get("Favourite Colours"), list) for one in people)
    assert any(isinstance(one["properties"].get("Loyalty"), dict) for one in people)
    assert any("organization" not in one for one in people)
    kept = [one["properties"] for one in people]
    assert {type(one["$source"]) for one in kept if "$source" in one} == {int, str}
    assert {" " in one["$consent_timestamp"] for one in kept if "$consent_timestamp" in one} == {True, False}
    assert {tuple(one["$consent"]) for one in kept if "$consent" in one} >= {("email",), ("email", "sms")}
    assert {type(one["$consent_form_version"]) for one in kept if "$consent_form_id" in one} == {int}
    assert {type(one["Shopify Tags"]) for one in kept if "Shopify Tags" in one} == {list}
    assert {type(one["Accepts Marketing"]) for one in kept} == {bool, str}
    assert len({one["location"].get("timezone") for one in people}) > 8
    for name in ("email", "phone_number", "external_id", "first_name", "last_name", "locale"):
        missing = sum(one[name] is None for one in people)
        assert 0 < missing < len(people)


def _can_receive(texts: dict[str, Any] | None) -> bool:
    return texts is not None and bool(texts["marketing"]["can_receive_sms_marketing"])


def _seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())
