"""Campaigns: create, change, estimate, send."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.errors import ConfirmationRequiredError, InvalidInputError, NotFoundError
from tests.resources.wire import Call, Json, check, data, one, sends
from tests.shops import Shop

REQUESTS = [
    sends(
        "campaign of a plain e-mail",
        lambda c: c.campaigns.create(
            name="Spring",
            audiences="L1",
            channel="email",
            subject="Tea",
            from_email="a@b.co",
            label="One",
            send_strategy=datetime(2026, 3, 1, 10, tzinfo=UTC),
        ),
        "POST /api/campaigns",
        data(
            "campaign",
            {
                "name": "Spring",
                "audiences": {"included": ["L1"]},
                "send_strategy": {"method": "static", "datetime": "2026-03-01T10:00:00+00:00"},
                "campaign-messages": {
                    "data": [
                        {
                            "type": "campaign-message",
                            "attributes": {
                                "definition": {
                                    "channel": "email",
                                    "label": "One",
                                    "content": {"subject": "Tea", "from_email": "a@b.co"},
                                }
                            },
                        }
                    ]
                },
            },
        ),
    ),
    sends(
        "campaign of a plain text message",
        lambda c: c.campaigns.create(
            name="Spring",
            audiences={"included": ["L1"], "excluded": ["L2"]},
            channel="sms",
            body="Tea",
            send_strategy="immediate",
        ),
        "POST /api/campaigns",
        data(
            "campaign",
            {
                "name": "Spring",
                "audiences": {"included": ["L1"], "excluded": ["L2"]},
                "send_strategy": {"method": "immediate"},
                "campaign-messages": {
                    "data": [
                        {
                            "type": "campaign-message",
                            "attributes": {"definition": {"channel": "sms", "content": {"body": "Tea"}}},
                        }
                    ]
                },
            },
        ),
    ),
    sends(
        "campaign update",
        lambda c: c.campaigns.update("C1", name="Summer", audiences=["L1", "L2"]),
        "PATCH /api/campaigns/C1",
        data("campaign", {"name": "Summer", "audiences": {"included": ["L1", "L2"]}}, id="C1"),
    ),
    sends(
        "campaign clone without a name has attributes all the same",
        lambda c: c.campaigns.clone("C1"),
        "POST /api/campaign-clone",
        data("campaign", {}, id="C1"),
    ),
    sends(
        "send: the job's id is the campaign's",
        lambda c: c.campaigns.send("C1"),
        "POST /api/campaign-send-jobs",
        data("campaign-send-job", id="C1"),
    ),
    sends(
        "cancel",
        lambda c: c.campaigns.cancel("C1"),
        "PATCH /api/campaign-send-jobs/C1",
        data("campaign-send-job", {"action": "cancel"}, id="C1"),
    ),
    sends(
        "revert",
        lambda c: c.campaigns.cancel("C1", revert=True),
        "PATCH /api/campaign-send-jobs/C1",
        data("campaign-send-job", {"action": "revert"}, id="C1"),
    ),
    sends(
        "estimate: a job, not the estimation itself",
        lambda c: c.campaigns.estimate_recipients("C1"),
        "POST /api/campaign-recipient-estimation-jobs",
        data("campaign-recipient-estimation-job", id="C1"),
    ),
    sends(
        "assign a template to a message",
        lambda c: c.campaign_messages.assign_template("M1", template="T1"),
        "POST /api/campaign-message-assign-template",
        data("campaign-message", id="M1", relationships={"template": one("template", "T1")}),
    ),
]


@pytest.mark.parametrize(("call", "request_line", "body"), REQUESTS)
def test_what_goes_out(offline: KlaviyoClient, call: Call, request_line: str, body: Json) -> None:
    check(offline, call, request_line, body)


MAIL = {"channel": "email", "content": {"subject": "Tea"}}


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda c: c.campaigns.create(name="x", audiences="L1"), "either channel="),
        (lambda c: c.campaigns.create(name="x", audiences="L1", channel="email", body="Hi"), "no 'body'"),
        (
            lambda c: c.campaigns.create(name="x", audiences="L1", channel="push", title="Hi"),
            "campaign_messages=",
        ),
        (
            lambda c: c.campaigns.create(name="x", audiences="L1", campaign_messages=MAIL, body="Hi"),
            "leave body",
        ),
        (lambda c: c.campaigns.create(name="x", audiences=[], channel="sms", body="Hi"), "at least one list"),
        (
            lambda c: c.campaigns.create(name="x", audiences={"to": ["L1"]}, channel="sms", body="Hi"),
            "no 'to'",
        ),
        (lambda c: c.campaigns.update("C1"), "nothing to change"),
        (lambda c: c.campaigns.list(channel="fax"), "there are email"),
    ],
)
def test_mistakes_are_refused_before_anything_is_sent(offline: KlaviyoClient, call: Call, said: str) -> None:
    with pytest.raises(InvalidInputError, match=said):
        call(offline)


def test_messages_tags_and_templates_of_a_campaign(client: KlaviyoClient) -> None:
    campaigns = client.campaigns.list(channel="email", include=["tags"])
    tagged = campaigns[campaigns["tag_ids"].map(len) > 0].iloc[0]
    assert set(client.campaigns.tags(tagged)["id"]) == set(tagged["tag_ids"])
    (message,) = (row for _, row in client.campaigns.messages(tagged).iterrows())
    assert client.campaign_messages.get(message)["definition.content.subject"]
    campaign = client.campaign_messages.campaign(message)
    assert campaign is not None
    assert campaign["id"] == tagged["id"]
    template = client.campaign_messages.template(message)
    assert template is not None
    assert "<" in template["html"]


def test_a_campaign_is_made_changed_copied_and_deleted(client: KlaviyoClient) -> None:
    newsletter = client.lists.find(name="Newsletter")
    made = client.campaigns.create(
        name="Spring",
        audiences=newsletter,
        channel="email",
        subject="Tea",
        send_strategy="2030-03-01T10:00",
    )
    # noon in New York, which is the shop's own zone
    assert made["send_strategy.datetime"].isoformat() == "2030-03-01T15:00:00+00:00"
    assert client.campaigns.update(made, name="Summer")["name"] == "Summer"
    message = client.campaigns.messages(made).iloc[0]
    client.campaign_messages.update(
        message, definition={"channel": "email", "content": {"subject": "Iced tea"}}
    )
    assert client.campaigns.messages(made)["definition.content.subject"].tolist() == ["Iced tea"]
    template = client.templates.list(limit=1).iloc[0]
    client.campaign_messages.assign_template(message, template=template)
    copy = client.campaign_messages.template(message)
    assert copy is not None
    assert copy["html"] == template["html"]
    assert client.campaigns.clone(made, new_name="Autumn")["name"] == "Autumn"
    client.campaigns.delete(made, confirm=True)
    with pytest.raises(NotFoundError):
        client.campaigns.get(made)


def test_sending_says_first_what_goes_to_how_many(client: KlaviyoClient) -> None:
    newsletter = client.lists.find(name="Newsletter")
    made = client.campaigns.create(
        name="Now", audiences=newsletter, channel="email", subject="Tea", send_strategy="immediate"
    )
    reach = client.campaigns.estimate_recipients(made)
    assert reach > 0
    message, template = client.campaigns.messages(made).iloc[0], client.templates.list(limit=1).iloc[0]
    client.campaign_messages.assign_template(message, template=template)
    with pytest.raises(ConfirmationRequiredError, match=rf"'Now' .*about {reach:,} people"):
        client.campaigns.send(made)
    assert client.campaigns.get(made)["status"] == "Draft"
    job = client.campaigns.send(made, confirm=True)
    assert job["id"] == made["id"]
    assert client.campaigns.send_job(job)["status"] in ("queued", "processing", "complete")
    client.campaigns.cancel(made)


def test_what_cannot_be_estimated_is_said_so(client: KlaviyoClient, shop: Shop) -> None:
    draft = client.campaigns.clone(client.campaigns.list(channel="email", limit=1).iloc[0], new_name="Again")
    shop.sandbox.faults.add(path="/api/campaign-recipient-estimation-jobs", status=403)
    with pytest.raises(ConfirmationRequiredError, match="could not be estimated"):
        client.campaigns.send(draft)
    client.campaigns.delete(draft, confirm=True)


def test_an_estimate_whose_answer_was_lost_is_asked_for_again(client: KlaviyoClient, shop: Shop) -> None:
    sent = client.campaigns.list(channel="email", limit=1).iloc[0]
    fault = shop.sandbox.faults.add(path="/api/campaign-recipient-estimation-jobs", drop="after")
    assert client.campaigns.estimate_recipients(sent) > 0
    assert fault.hits == 1
