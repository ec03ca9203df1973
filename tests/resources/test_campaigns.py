"""Campaigns: create, change, estimate, send."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import klaviyo_analytics as ka
from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.errors import (
    ApiError,
    ConfirmationRequiredError,
    InvalidInputError,
    InvalidQueryError,
    NotFoundError,
)
from tests.resources.wire import Call, Json, check, data, one, sends
from tests.shops import Shop, without_waiting

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
        (
            lambda c: c.campaigns.create(name="x", audiences="L1"),
            "pass channel= with its content",
        ),
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


LOCAL = {
    "method": "static",
    "datetime": "2026-12-01T09:00",
    "options": {"is_local": True, "send_past_recipients_immediately": True},
}


PASSED = "definition.send_settings.send_passed_rltz_immediately"  # means something to a local strategy only


class TestTheNewerForm:
    """From 2026-10-15 on campaigns are written in another form, and read back in the same columns."""

    @pytest.fixture
    def newer(self, shop: Shop) -> Iterator[KlaviyoClient]:
        options: Any = {"base_url": shop.sandbox.gateway_url, "revision": "2026-10-15", "progress": False}
        with ka.connect(api_key=shop.sandbox.maton_key, **options) as newer:
            without_waiting(newer, shop.clock)
            yield newer

    def test_a_campaign_is_made_changed_copied_sent_and_deleted(
        self, newer: KlaviyoClient, client: KlaviyoClient
    ) -> None:
        newsletter = newer.lists.find(name="Newsletter")
        made = newer.campaigns.create(
            name="Spring",
            audiences=newsletter,
            channel="email",
            subject="Tea",
            label="One",
            send_strategy="immediate",
            tracking_options={"add_tracking_params": True},
        )
        assert (made["name"], made["status"], made["audiences.included"]) == (
            "Spring",
            "Draft",
            [newsletter["id"]],
        )
        assert bool(made["tracking_options.add_tracking_params"])
        older = client.campaigns.get(made, include=["campaign-messages"])
        assert older["campaign_messages.definition.content.subject"] == ["Tea"]
        assert older["campaign_messages.definition.label"] == ["One"]
        other = next(id for id in newer.lists.list()["id"] if id != newsletter["id"])
        changed = newer.campaigns.update(
            made, name="Summer", audiences={"included": [newsletter], "excluded": [other]}
        )
        assert (changed["name"], changed["audiences.excluded"]) == ("Summer", [other])
        assert newer.campaigns.update(made, audiences=newsletter)["audiences.excluded"] == []
        message, template = newer.campaigns.messages(made).iloc[0], newer.templates.list(limit=1).iloc[0]
        newer.campaign_messages.assign_template(message, template=template)
        copy = newer.campaigns.clone(made, new_name="Late autumn")
        assert newer.campaigns.find(name="Late autumn")["id"] == copy["id"]
        reach = newer.campaigns.estimate_recipients(made)
        assert reach > 0
        with pytest.raises(ConfirmationRequiredError, match=rf"'Summer' .*about {reach:,} people"):
            newer.campaigns.send(made)
        newer.campaigns.send(made, confirm=True)
        for _ in range(3):
            newer.campaigns.send_job(made)
        assert newer.campaigns.get(made)["status"] == "Sent"
        with pytest.raises(InvalidInputError, match="is Sent and goes out once"):
            newer.campaigns.send(made, confirm=True)
        newer.campaigns.delete(copy, confirm=True)
        with pytest.raises(NotFoundError):
            newer.campaigns.get(copy)

    @pytest.mark.parametrize(
        ("call", "error", "message"),
        [
            (
                lambda c: c.campaigns.create(
                    name="x",
                    audiences="L",
                    channel="sms",
                    body="Hi",
                    send_strategy={"method": "smart_send_time", "date": "2030-01-01"},
                ),
                InvalidQueryError,
                "method 'smart_send_time' has no equivalent in API revision 2026-10-15. Use .*schedule",
            ),
            (
                lambda c: c.campaigns.update("C", send_strategy={"method": "static"}),
                InvalidQueryError,
                "method 'static' without a datetime has no equivalent",
            ),
            (
                lambda c: c.campaigns.update(
                    "C", send_strategy={"method": "throttled", "datetime": "2030-01-01T10:00:00+00:00"}
                ),
                InvalidQueryError,
                "'throttled' has no throttle_percentage",
            ),
            (
                lambda c: c.campaigns.update("C", send_options={"use_smart_sending": None}),
                InvalidQueryError,
                r"send_options\['use_smart_sending'\]=None has no equivalent .* use_smart_sending=True or False",
            ),
            (
                lambda c: c.campaigns.update(
                    "C", tracking_options={"custom_tracking_params": [{"type": "static"}]}
                ),
                InvalidQueryError,
                r"tracking_options\['custom_tracking_params'\]=.* has no equivalent",
            ),
            (lambda c: c.campaigns.update("C"), InvalidInputError, "nothing to change"),
            (lambda c: c.campaigns.clone("C", name="a", new_name="b"), InvalidInputError, "mean the same"),
            (
                lambda c: c.campaigns.create(
                    name="x",
                    audiences="L",
                    campaign_messages={
                        "channel": "mobile_push",
                        "content": {"body": "Hi"},
                        "options": {"badge": {}},
                    },
                ),
                InvalidQueryError,
                "'options', which API revision 2026-10-15 takes in another form",
            ),
        ],
    )
    def test_what_has_no_place_there_is_refused_before_a_request(
        self, newer: KlaviyoClient, shop: Shop, call: Call, error: type[Exception], message: str
    ) -> None:
        before = len(shop.sandbox.requests)
        with pytest.raises(error, match=message):
            call(newer)
        assert len(shop.sandbox.requests) == before

    @pytest.mark.parametrize(
        "send_strategy",
        [
            "immediate",
            "2026-12-01 10:00",
            {"method": "static", "datetime": "2026-12-01T10:00", "options": {"is_local": False}},
            LOCAL,
            {"method": "throttled", "datetime": "2026-12-01T10:00", "throttle_percentage": 25},
        ],
        ids=["immediate", "time", "static", "local", "throttled"],
    )
    def test_the_same_call_plans_the_same_in_the_older_and_in_the_newer_form(
        self, newer: KlaviyoClient, client: KlaviyoClient, send_strategy: Any
    ) -> None:
        options: dict[str, Any] = {
            "send_strategy": send_strategy,
            "send_options": {"use_smart_sending": False},
            "tracking_options": {
                "add_tracking_params": True,
                "is_tracking_clicks": False,
                "is_tracking_opens": True,
            },
        }
        plans = []
        for way in ("create", "update"):
            for each in (client, newer):
                given = options if way == "create" else {}
                made = each.campaigns.create(
                    name="x",
                    audiences=each.lists.find(name="Newsletter"),
                    channel="email",
                    subject="Tea",
                    **given,
                )
                if way == "update":
                    each.campaigns.update(made, send_strategy=LOCAL)
                    each.campaigns.update(made, **options)
                plans.append((client.campaigns.get(made), newer.campaigns.get(made)))
        own = ["id", "created_at", "updated_at", "campaign_message_ids"]
        shown = [
            [row.drop([name for name in [*own, PASSED] if name in row.index]).dropna() for row in rows]
            for rows in plans
        ]
        for older_row, newer_row in shown:
            plain = [name for name in older_row.index if not name.endswith("options.is_local")]
            assert older_row[plain].to_dict() == shown[0][0].reindex(plain).to_dict()
            assert newer_row.to_dict() == shown[0][1].to_dict()
            assert not newer_row["send_options.use_smart_sending"]
            assert not newer_row["tracking_options.is_tracking_clicks"]
            assert "send_time" not in newer_row
        if send_strategy is LOCAL:
            assert [bool(newer_row[PASSED]) for _, newer_row in plans] == [True] * 4

    def test_a_planned_campaign_is_sent_at_its_time(
        self, newer: KlaviyoClient, client: KlaviyoClient, shop: Shop
    ) -> None:
        made = newer.campaigns.create(
            name="Later",
            audiences=newer.lists.find(name="Newsletter"),
            channel="sms",
            body="Tea",
            send_strategy=shop.now + timedelta(days=2),
        )
        message = newer.campaigns.messages(made).iloc[0]
        assert message["definition.send_options.send_time"] == shop.now + timedelta(days=2)
        newer.campaigns.send(made, confirm=True)
        for _ in range(3):
            newer.campaigns.send_job(made)
        for each in (client, newer):
            row = each.campaigns.get(made)
            assert (row["status"], row["send_time"]) == ("Scheduled", shop.now + timedelta(days=2))

    def test_a_draft_whose_messages_could_not_be_set_is_named(self, newer: KlaviyoClient, shop: Shop) -> None:
        shop.sandbox.faults.add(path="/api/campaign-messages/*", method="PATCH", status=400)
        with pytest.raises(ApiError) as caught:
            newer.campaigns.create(
                name="Half",
                audiences=newer.lists.find(name="Newsletter"),
                channel="sms",
                body="Hi",
                send_strategy="2030-01-01",
            )
        draft = newer.campaigns.find(name="Half")
        assert f"The campaign {draft['id']} was created as a draft" in caught.value.__notes__[0]

    def test_a_dry_run_shows_what_follows(self, newer: KlaviyoClient) -> None:
        requests = newer.campaigns.create(
            name="x",
            audiences="L1",
            channel="sms",
            body="Hi",
            send_strategy="2030-01-01T10:00:00+00:00",
            send_options={"use_smart_sending": True},
            dry_run=True,
        )
        assert requests["path"].tolist() == ["/api/campaigns", "/api/campaign-messages/MESSAGE_ID"]
        first, second = (body["data"]["attributes"] for body in requests["body"])
        assert first["messages"][0]["throttling_type"] == "FOR_CAMPAIGNS_AND_FLOWS"
        assert second["definition"] == {
            "send_options": {"send_strategy": "static", "send_time": "2030-01-01T10:00:00+00:00"}
        }

    def test_several_audiences_are_not_changed_as_one(self, newer: KlaviyoClient) -> None:
        id = newer.campaigns.list(limit=1)["id"].item()
        definition = {"name": "More", "included": newer.lists.list()["id"].tolist()[:1]}
        link = {"campaign": {"data": {"type": "campaign", "id": id}}}
        body = {"type": "campaign-audience", "attributes": {"definition": definition}, "relationships": link}
        newer.request("POST", "/api/campaign-audiences", json={"data": body})
        with pytest.raises(InvalidInputError, match="has 2 audiences, and audiences= means one"):
            newer.campaigns.update(id, audiences=definition["included"])

    def test_a_push_is_written_in_its_own_words(self, newer: KlaviyoClient) -> None:
        request = newer.campaigns.create(
            name="x",
            audiences="L1",
            campaign_messages={
                "channel": "mobile_push",
                "notification_type": "silent",
                "kv_pairs": {"a": "b"},
            },
            dry_run=True,
        )
        attributes = request["body"].item()["data"]["attributes"]
        (message,) = attributes["messages"]
        assert message["variations"][0]["definition"]["details"] == {
            "channel": "push", "push_type": "silent", "kv_pairs": {"a": "b"},
        }  # fmt: skip
        assert attributes["audiences"] == [{"temporary_id": "audience", "included": ["L1"]}]
