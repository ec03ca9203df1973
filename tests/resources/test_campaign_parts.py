"""Audiences, messages, variations and schedules of campaigns, which revision 2026-10-15 brought, by their effect."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pandas as pd
import pytest

from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.errors import ApiError, ConfirmationRequiredError, InvalidInputError, NotFoundError
from klaviyo_analytics.sandbox import Sandbox
from tests.resources.newer import asked_in, offline, there

REVISION = "2026-10-15"


@pytest.fixture(scope="module")
def both() -> Iterator[tuple[KlaviyoClient, Sandbox]]:
    with asked_in(REVISION) as both:
        yield both


@pytest.fixture(scope="module")
def client(both: tuple[KlaviyoClient, Sandbox]) -> KlaviyoClient:
    return both[0]


@pytest.fixture
def campaign(client: KlaviyoClient) -> pd.Series[Any]:
    """A draft of its own, with one message that could be sent."""
    messages = client.campaign_messages.list()
    email = next(
        one
        for _, one in messages.iterrows()
        if client.campaign_messages.variations(one)["definition.details.channel"][0] == "email"
    )
    return client.campaigns.clone(there(client.campaign_messages.campaign(email)), name="Copy")


def message_of(client: KlaviyoClient, campaign: pd.Series[Any]) -> pd.Series[Any]:
    return client.campaigns.messages(campaign).iloc[0]


def test_an_audience_is_made_changed_copied_and_deleted(
    client: KlaviyoClient, campaign: pd.Series[Any]
) -> None:
    members = client.lists.list()["id"].tolist()[:1]
    made = client.campaign_audiences.create(
        definition={"name": "Members", "included": members, "excluded": [], "priority": 2}, campaign=campaign
    )
    assert client.campaign_audiences.get(made)["definition.included"] == members
    assert there(client.campaign_audiences.campaign(made))["id"] == campaign["id"]
    client.campaign_audiences.update(made, definition={"name": "Everyone"})
    copy = client.campaign_audiences.clone(made, name="Again")
    names = client.campaigns.audiences(campaign).set_index("id")["definition.name"]
    assert names[[made["id"], copy["id"]]].tolist() == ["Everyone", "Again"]
    client.campaign_audiences.delete(copy, confirm=True)
    assert copy["id"] not in client.campaigns.audiences(campaign)["id"].tolist()


def test_a_message_has_an_audience_and_variations_of_its_own(
    client: KlaviyoClient, campaign: pd.Series[Any]
) -> None:
    audience = client.campaigns.audiences(campaign).iloc[0]
    made = client.campaign_messages.create(
        definition={"name": "Second"}, campaign=campaign, campaign_audience=audience
    )
    assert there(client.campaign_messages.audience(made))["id"] == audience["id"]
    assert made["id"] in client.campaign_audiences.messages(audience)["id"].tolist()
    variation = client.campaign_variations.create(
        definition={"name": "A", "details": {"channel": "email", "subject": "Tea"}}, campaign_message=made
    )
    client.campaign_variations.update(variation, definition={"name": "B"})
    assert client.campaign_messages.variations(made)["definition.name"].tolist() == ["B"]
    assert client.campaign_variations.get(variation)["definition.details.subject"] == "Tea"
    assert there(client.campaign_variations.message(variation))["id"] == made["id"]
    copy = client.campaign_messages.clone(made, campaign_audience=audience, name="Third")
    assert copy["definition.name"] == "Third"
    client.campaign_variations.delete(variation, confirm=True)
    assert client.campaign_messages.variations(made).empty
    client.campaign_messages.delete(copy, confirm=True)
    with pytest.raises(NotFoundError):
        client.campaign_messages.get(copy)


def test_a_message_is_scheduled_when_confirmed_and_can_be_stopped(
    both: tuple[KlaviyoClient, Sandbox], campaign: pd.Series[Any]
) -> None:
    client, sandbox = both
    message = message_of(client, campaign)
    before = len(sandbox.requests)
    with pytest.raises(ConfirmationRequiredError, match="This schedules the message"):
        client.campaign_messages.schedule(message["id"], "2027-03-01 09:00")
    assert {each.method for each in list(sandbox.requests)[before:]} <= {"GET"}
    schedule = client.campaign_messages.schedule(message, "2027-03-01 09:00", confirm=True)
    assert schedule["send_time"] == pd.Timestamp(
        "2027-03-01 14:00", tz="UTC"
    )  # New York is the account's zone
    assert client.campaign_messages.get(message)["definition.status"] == "scheduled"
    client.campaign_messages.cancel_schedule(schedule, revert=True)
    assert client.campaign_messages.get(message)["definition.status"] == "draft"


def test_the_messages_of_a_campaign_are_scheduled_together_or_not_at_all(
    client: KlaviyoClient, campaign: pd.Series[Any]
) -> None:
    first = message_of(client, campaign)
    second = client.campaign_messages.clone(
        first, campaign_audience=client.campaigns.audiences(campaign).iloc[0], name="Second"
    )
    times = {first["id"]: "2027-03-01 09:00", second["id"]: "2001-01-01 09:00"}
    with pytest.raises(ConfirmationRequiredError, match="This schedules 2 messages of the campaign"):
        client.campaigns.schedule(campaign, times)
    with pytest.raises(ApiError, match="past"):
        client.campaigns.schedule(campaign, times, confirm=True)
    assert client.campaign_messages.get(first)["definition.status"] == "draft"
    times[second["id"]] = "2027-03-02 09:00"
    done = client.campaigns.schedule(campaign, pd.Series(times), confirm=True)
    assert dict(zip(done["id"], done["send_time"], strict=True)) == {
        first["id"]: pd.Timestamp("2027-03-01 14:00", tz="UTC"),  # New York is the account's zone
        second["id"]: pd.Timestamp("2027-03-02 14:00", tz="UTC"),
    }
    assert done["strategy"].tolist() == ["static", "static"]
    for message in (first, second):
        assert client.campaign_messages.get(message)["definition.status"] == "scheduled"


@pytest.mark.parametrize("times", [{}, ["M1"], pd.Series(dtype=object), "2027-03-01"])
def test_a_schedule_of_no_message_is_refused_before_a_request(times: Any) -> None:
    with (
        offline(REVISION) as client,
        pytest.raises(InvalidInputError, match=r"names no message\. Pass the time"),
    ):
        client.campaigns.schedule("C1", times, confirm=True)


def test_a_message_named_twice_is_refused_before_a_request() -> None:
    times = pd.Series(["2027-03-01T09:00:00Z", "2027-03-02T09:00:00Z"], index=["M1", "M1"])
    with offline(REVISION) as client, pytest.raises(InvalidInputError, match="the message M1 twice"):
        client.campaigns.schedule("C1", times, confirm=True)


def test_messages_are_listed_with_what_they_belong_to(client: KlaviyoClient) -> None:
    messages = client.campaign_messages.list(include=["campaign"])
    assert messages["campaign.definition.name"].notna().all()
    chunks = [*client.campaign_messages.iter_frames(chunk_size=3)]
    assert pd.concat(chunks)["id"].tolist() == client.campaign_messages.list()["id"].tolist()
    tagged = [client.campaign_messages.tags(id) for id in messages["id"]]
    assert all([*one.columns][:1] == ["id"] for one in tagged)


ATTRIBUTES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "each recipient's own clock": (
        {"time": "2027-03-01 09:00", "strategy": "local_timezone", "send_past_timezones_tomorrow": True},
        {
            "strategy": "local_timezone",
            "send_time": "2027-03-01T09:00:00+00:00",
            "timezone_options": {"send_past_timezones_tomorrow": True},
        },
    ),
    "a share of them at a time": (
        {
            "time": "2027-03-01T09:00:00Z",
            "strategy": "throttled",
            "throttling_percentage": 25,
            "throttle_unit": "hour",
        },
        {
            "strategy": "throttled",
            "send_time": "2027-03-01T09:00:00+00:00",
            "throttled_options": {"throttling_percentage": 25, "throttle_unit": "hour"},
        },
    ),
    "a day": (
        {"time": date(2027, 3, 1), "strategy": "smart_send_time"},
        {"strategy": "smart_send_time", "send_date": "2027-03-01"},
    ),
}


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_each_strategy_is_written_as_the_api_takes_it(client: KlaviyoClient, name: str) -> None:
    given, written = ATTRIBUTES[name]
    time = given["time"]
    options = {key: value for key, value in given.items() if key != "time"}
    request = client.campaign_messages.schedule("M1", time, dry_run=True, **options)
    assert request["body"].item()["data"]["attributes"] == written


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "a strategy that is none": (
        {"strategy": "statc"},
        r"strategy='statc' is not allowed \(did you mean 'static'",
    ),
    "an option of another strategy": (
        {"throttling_percentage": 25},
        "throttling_percentage=25 belongs to strategy='throttled'",
    ),
    "a share that is none of those allowed": (
        {"strategy": "throttled", "throttling_percentage": 30},
        "throttling_percentage=30 is not allowed. strategy='throttled' needs one of 1, 2, 5, 10, 11",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_schedule_that_cannot_be_is_refused_before_a_request(name: str) -> None:
    options, said = REFUSED[name]
    with offline(REVISION) as client, pytest.raises(InvalidInputError, match=said):
        client.campaign_messages.schedule("M1", "2027-03-01T09:00:00Z", confirm=True, **options)
