"""Push tokens, web feeds, tracking settings, conversations, back in stock, and single methods, by their effect."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pandas as pd
import pytest

import klaviyo_analytics as ka
from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.errors import (
    ConfirmationRequiredError,
    InvalidInputError,
    InvalidQueryError,
    NotFoundError,
)
from klaviyo_analytics.sandbox import Sandbox
from tests.resources.newer import asked_in, offline, there

PIXEL = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"


@pytest.fixture(scope="module")
def both() -> Iterator[tuple[KlaviyoClient, Sandbox]]:
    with asked_in("2026-07-15") as both:
        yield both


@pytest.fixture(scope="module")
def client(both: tuple[KlaviyoClient, Sandbox]) -> KlaviyoClient:
    return both[0]


def test_a_push_token_belongs_to_its_profile_and_moves_with_it(client: KlaviyoClient) -> None:
    def register(profile: Any, **more: Any) -> pd.Series[Any]:
        client.push_tokens.create(token="t-1", platform="ios", vendor="apns", profile=profile, **more)
        return client.push_tokens.find(token="t-1")

    first = register("ann@shop.example", device_metadata={"device_model": "Phone"}, background="DENIED")
    assert first["background"] == "DENIED"
    assert first["metadata.device_model"] == "Phone"
    assert there(client.push_tokens.profile(first))["email"] == "ann@shop.example"
    other = client.profiles.create(email="bob@shop.example")
    moved = register(other, enablement_status="DENIED")
    assert moved["id"] == first["id"]
    assert client.profiles.push_tokens(other)["id"].tolist() == [first["id"]]
    of_bob = client.push_tokens.list(filter=ka.F["profile.id"] == other["id"])
    assert of_bob["enablement_status"].tolist() == ["DENIED"]
    with pytest.raises(ConfirmationRequiredError, match="This deletes the push token"):
        client.push_tokens.delete(first)
    client.push_tokens.delete(first, confirm=True)
    assert client.profiles.push_tokens(other).empty


def test_a_web_feed_is_made_changed_found_and_deleted(client: KlaviyoClient) -> None:
    feeds = client.web_feeds
    made = feeds.create(name="Teas", url="https://a.example", request_method="get", content_type="json")
    feeds.update(made, url="https://b.example")
    found = feeds.find(name="Teas")
    assert (found["id"], found["url"], found["content_type"]) == (made["id"], "https://b.example", "json")
    feeds.create(name="Cups", url="https://c.example", request_method="post", content_type="xml")
    assert feeds.list(sort="-name")["name"].tolist() == ["Teas", "Cups"]
    assert feeds.list(filter=ka.F.name.contains("up"))["name"].tolist() == ["Cups"]
    feeds.delete(made, confirm=True)
    assert feeds.list()["name"].tolist() == ["Cups"]


def test_tracking_settings_change_only_what_is_given(client: KlaviyoClient) -> None:
    (before,) = client.tracking_settings.list().to_dict("records")
    assert before["id"] == client.account["id"]
    after = client.tracking_settings.update(
        before["id"], auto_add_parameters=False, utm_id={"flow": {"type": "static", "value": "f"}}
    )
    assert not after["auto_add_parameters"]
    assert after["utm_id.flow.value"] == "f"
    assert after["utm_source.flow.value"] == before["utm_source.flow.value"]
    assert client.tracking_settings.get(before["id"])["utm_id.flow.value"] == "f"


def test_a_message_is_sent_into_a_conversation_only_when_confirmed(
    both: tuple[KlaviyoClient, Sandbox],
) -> None:
    client, sandbox = both
    people = client.profiles.list(include=["conversations"])
    talker = people[people["conversation_ids"].str.len() > 0].iloc[0]
    (talk,) = client.profiles.conversations(talker).to_dict("records")
    assert talk["channel"] == "sms"
    assert there(client.profiles.conversation(talker))["id"] == talk["id"]
    before = len(sandbox.requests)
    with pytest.raises(ConfirmationRequiredError, match="This sends a message to the customer"):
        client.conversations.send_message(talk["id"], "It is on its way.")
    assert len(sandbox.requests) == before
    client.conversations.send_message(talk["id"], "It is on its way.", confirm=True)
    (sent,) = sandbox.account.records["conversation-message"].values()
    assert sent.attributes["body"] == "It is on its way."
    assert sent.relationships["conversation"] == talk["id"]


def test_who_has_not_agreed_to_text_messages_has_no_conversation(client: KlaviyoClient) -> None:
    silent = client.profiles.create(email="silent@shop.example")
    assert client.profiles.conversations(silent).empty
    with pytest.raises(NotFoundError):
        there(client.profiles.conversation(silent))


def test_who_waits_for_a_variant_has_an_event_that_says_so(client: KlaviyoClient) -> None:
    variant = client.catalog_variants.list(limit=1)["external_id"].item()
    client.catalog_variants.subscribe_back_in_stock(
        variant, profile={"email": "eve@shop.example"}, channels=["EMAIL", "SMS"]
    )
    events = client.events.list(metric="Subscribed to Back in Stock", properties="columns")
    assert events["event_properties.VariantId"].tolist() == [variant]
    profile = client.profiles.get(events["profile_id"].item())
    assert profile["email"] == "eve@shop.example"


def test_the_metric_of_a_property_is_the_one_that_has_it(client: KlaviyoClient) -> None:
    metric = client.metrics.find(name="Placed Order", integration="Shopify")
    properties = client.metrics.properties(metric, samples=False)
    assert there(client.metrics.of_property(properties["id"].iloc[-1]))["id"] == metric["id"]


def test_a_message_gets_another_image(client: KlaviyoClient) -> None:
    message = client.campaigns.messages(client.campaigns.list(limit=1)["id"].item()).iloc[0]
    image = client.images.create(PIXEL, name="pixel")
    client.campaign_messages.replace_image(message, image)
    assert there(client.campaign_messages.image(message))["id"] == image["id"]


def test_what_led_to_a_deleted_action_leads_to_what_follows_it(client: KlaviyoClient) -> None:
    actions = [
        {
            "temporary_id": name,
            "type": "time-delay",
            "links": {"next": after},
            "data": {"unit": "days", "value": 1},
        }
        for name, after in (("a", "b"), ("b", "c"), ("c", None))
    ]
    flow = client.flows.create(
        name="Three", definition={"triggers": [], "actions": actions, "entry_action_id": "a"}
    )
    first, second, third = _links(client, flow)
    client.flow_actions.delete(second[0], confirm=True)
    assert _links(client, flow) == [(first[0], third[0]), (third[0], None)]
    client.flow_actions.delete(first[0], confirm=True)
    definition = client.flows.get(flow, additional_fields=["definition"])
    assert definition["definition.entry_action_id"] == third[0]
    assert _links(client, flow) == [(third[0], None)]
    with pytest.raises(NotFoundError):
        client.flow_actions.get(first[0])


def _links(client: KlaviyoClient, flow: pd.Series[Any]) -> list[tuple[str, str | None]]:
    read = client.flows.get(flow, additional_fields=["definition"])
    return [(one["id"], one["links"]["next"]) for one in read["definition.actions"]]


REFUSED: dict[str, tuple[Callable[[KlaviyoClient], object], str]] = {
    "a platform that is none": (
        lambda c: c.push_tokens.create(token="t", platform="ioss", vendor="apns", profile="a@b.co"),  # type: ignore[arg-type]
        r"platform='ioss' is not allowed \(did you mean 'ios'\?\). Allowed values: ios, android",
    ),
    "a channel that is none": (
        lambda c: c.catalog_variants.subscribe_back_in_stock("V", profile="a@b.co", channels="email"),  # type: ignore[arg-type]
        "channels='email' is not allowed",
    ),
    "no channel": (
        lambda c: c.catalog_variants.subscribe_back_in_stock("V", profile="a@b.co", channels=[]),
        r"channels=\[\] names no channel. Pass at least one of EMAIL, PUSH, SMS, WHATSAPP",
    ),
    "an empty message": (
        lambda c: c.conversations.send_message("C", "  ", confirm=True),
        "body='  ' is not a message. Pass the text to send",
    ),
    "an update of nothing": (lambda c: c.web_feeds.update("F"), "no attribute was given"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_bad_input_is_refused_before_a_request(name: str) -> None:
    call, said = REFUSED[name]
    with offline("2026-07-15") as client, pytest.raises(InvalidInputError, match=said):
        call(client)


@pytest.mark.parametrize(
    "call",
    [
        lambda c: c.conversations.send_message("C", "Hello", confirm=True),
        lambda c: c.flow_actions.delete("A", confirm=True),
        lambda c: c.profiles.conversations("P"),
        lambda c: c.campaign_audiences.get("A"),
        lambda c: c.campaign_messages.schedule("M", "2026-12-01", confirm=True),
    ],
)
def test_what_a_revision_lacks_is_refused_before_a_request(call: Callable[[KlaviyoClient], object]) -> None:
    with (
        offline("2026-01-15") as client,
        pytest.raises(InvalidQueryError, match="Connect with revision='2026"),
    ):
        call(client)
