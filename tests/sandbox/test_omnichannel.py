"""Campaigns of revision 2026-10-15: those of the older revisions, with audiences, messages and variations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from werkzeug.test import Client

from klaviyo_analytics.sandbox import Sandbox
from tests.contract.documents import document_of
from tests.contract.recorder import CheckedApp
from tests.http.clocks import Clock
from tests.sandbox.accounts import HOUR, NOW, iso
from tests.sandbox.api import Api, data

LETTER = {"channel": "email", "subject": "Hi", "template_id": "TPL1"}


@pytest.fixture
def newer(sandbox: Sandbox) -> Iterator[Api]:
    """Requests in the newest revision; where its document is at hand, each exchange must be as it says."""
    document = document_of("2026-10-15")
    api = Api(sandbox, revision="2026-10-15")
    if document is None:
        yield api
        return
    judge = CheckedApp(sandbox.wsgi, document, by_revision=True)
    api.client = Client(judge)
    yield api
    assert judge.exchanges
    wrong = [said for each in judge.exchanges for said in each.in_answer]
    wrong += [said for each in judge.exchanges if each.status < 400 for said in each.in_request]
    assert not wrong, wrong


def definition(reply: Any) -> Any:
    return reply.json["data"]["attributes"]["definition"]


def two_messages() -> Any:
    """A body that makes a campaign for two audiences, each with a message of its own."""
    audiences = [{"temporary_id": f"t{n}", "name": f"Group {n}", "included": [f"LIST0{n}"]} for n in (1, 2)]
    messages = [
        {
            "audience_temporary_id": f"t{n}",
            "name": f"Letter {n}",
            "variations": [{"definition": {"name": "A", "details": LETTER | {"subject": f"Subject {n}"}}}],
        }
        for n in (1, 2)
    ]
    return data("campaign", definition={"name": "Twin"}, audiences=audiences, messages=messages)


def schedule(api: Api, message: str, when: int, **more: Any) -> Any:
    given = {"strategy": "static", "send_time": iso(when)} | more
    links = {"campaign-message": {"type": "campaign-message", "id": message}}
    return api.post("/api/campaign-message-schedule", data("campaign-message-schedule", links=links, **given))


class TestReading:
    def test_a_campaign_has_the_facts_that_older_revisions_show(self, api: Api, newer: Api) -> None:
        old = api.get("/api/campaigns/01CAMP").json["data"]["attributes"]
        new = newer.get("/api/campaigns/01CAMP").json["data"]["attributes"]
        assert set(new) == {"created_at", "updated_at", "definition"}
        assert (new["created_at"], new["definition"]["name"]) == (old["created_at"], old["name"])
        assert new["definition"]["archived"] is old["archived"]
        assert new["definition"]["send_settings"]["send_strategy"] == "immediate"

    def test_status_and_send_time_stand_on_the_message(self, newer: Api) -> None:
        message = newer.get("/api/campaign-messages/MSG1")
        assert definition(message)["status"] == "sent"
        assert definition(message)["send_options"]["send_time"] == iso(NOW - 4 * 24 * HOUR)
        assert definition(newer.get("/api/campaign-messages/MSG2"))["status"] == "draft"

    def test_includes_lead_from_the_campaign_to_its_parts(self, newer: Api) -> None:
        document = newer.get(
            "/api/campaigns/01CAMP", include="campaign-audiences,campaign-messages,tags"
        ).json
        kinds = {each["type"]: each for each in document["included"]}
        assert kinds["campaign-message"]["id"] == "MSG1"
        assert kinds["campaign-audience"]["attributes"]["definition"]["included"] == ["LIST01"]
        assert kinds["tag"]["id"] == "tag-1"

    def test_a_variation_says_what_the_message_says(self, newer: Api) -> None:
        found = newer.get("/api/campaign-messages/MSG1/campaign-variations").json["data"]
        shown = found[0]["attributes"]["definition"]["details"]
        assert (shown["channel"], shown["subject"], shown["template_id"]) == ("email", "Hi", "TPL1")
        assert (
            newer.get(f"/api/campaign-variations/{found[0]['id']}/campaign-message").json["data"]["id"]
            == "MSG1"
        )

    @pytest.mark.parametrize(
        ("filter", "ids"),
        [
            ('contains(name,"Spring")', ["01CAMP"]),
            ("equals(archived,true)", []),
            ('any(id,["01TEXT"])', ["01TEXT"]),
            ('equals(builder,"wizard")', ["01CAMP", "01TEXT"]),
        ],
    )
    def test_filters(self, newer: Api, filter: str, ids: list[str]) -> None:
        assert sorted(newer.get("/api/campaigns", filter=filter).ids) == ids

    @pytest.mark.parametrize("filter", ['equals(messages.channel,"email")', 'equals(status,"Sent")'])
    def test_filters_that_are_gone(self, newer: Api, filter: str) -> None:
        assert newer.get("/api/campaigns", filter=filter).source == {"parameter": "filter"}

    def test_messages_are_listed_by_campaign_and_status(self, newer: Api) -> None:
        where = '/api/campaign-messages?filter=equals(campaign_id,"01CAMP")'
        assert newer.get(where).ids == ["MSG1"]
        assert newer.get("/api/campaign-messages", filter='equals(status,"draft")').ids == ["MSG2"]
        assert newer.get("/api/campaign-messages", sort="-created", page__size=1).json["links"]["next"]

    def test_older_revisions_have_none_of_it(self, api: Api) -> None:
        assert api.get("/api/campaign-messages").status == 404
        assert "status" in api.get("/api/campaigns/01CAMP").json["data"]["attributes"]


class TestWriting:
    def test_one_message_can_be_read_and_sent_by_an_older_revision(
        self, api: Api, newer: Api, clock: Clock
    ) -> None:
        body = two_messages()
        for part in ("audiences", "messages"):
            del body["data"]["attributes"][part][1]
        made = newer.post("/api/campaigns", body)
        assert made.status == 201
        id_ = made.json["data"]["id"]
        old = api.get(f"/api/campaigns/{id_}", include="campaign-messages").json
        assert old["data"]["attributes"]["audiences"] == {"included": ["LIST01"], "excluded": []}
        assert old["included"][0]["attributes"]["definition"]["content"]["subject"] == "Subject 1"
        assert old["included"][0]["attributes"]["definition"]["label"] == "Letter 1"
        assert (
            api.post("/api/campaign-send-jobs", {"data": {"type": "campaign-send-job", "id": id_}}).status
            == 202
        )
        for _ in range(3):
            clock.sleep(60)
            api.get(f"/api/campaign-send-jobs/{id_}")
        assert api.get(f"/api/campaigns/{id_}").json["data"]["attributes"]["status"] == "Sent"
        message = newer.get(f"/api/campaigns/{id_}/campaign-messages").json["data"][0]
        assert message["attributes"]["definition"]["status"] == "sent"

    def test_each_message_is_scheduled_and_sent_for_its_own_audience(
        self, api: Api, newer: Api, clock: Clock
    ) -> None:
        id_ = newer.post("/api/campaigns", two_messages()).json["data"]["id"]
        messages = newer.get(
            f"/api/campaigns/{id_}/campaign-messages", **{"fields__campaign-message": "definition"}
        )
        by_name = {each["attributes"]["definition"]["name"]: each["id"] for each in messages.json["data"]}
        one, two = by_name["Letter 1"], by_name["Letter 2"]
        refused = newer.post("/api/campaign-send-jobs", {"data": {"type": "campaign-send-job", "id": id_}})
        assert refused.error["detail"] == "A campaign of several messages is sent by scheduling each of them."
        assert schedule(newer, one, NOW + HOUR).json["data"]["attributes"]["send_time"] == iso(NOW + HOUR)
        assert definition(newer.get(f"/api/campaign-messages/{one}"))["status"] == "scheduled"
        assert definition(newer.get(f"/api/campaign-messages/{two}"))["status"] == "draft"
        assert api.get(f"/api/campaigns/{id_}").json["data"]["attributes"]["status"] == "Draft"
        schedule(newer, two, NOW + 2 * HOUR)
        assert api.get(f"/api/campaigns/{id_}").json["data"]["attributes"]["status"] == "Scheduled"
        clock.sleep(HOUR + 1)
        assert definition(newer.get(f"/api/campaign-messages/{one}"))["status"] == "sent"
        assert definition(newer.get(f"/api/campaign-messages/{two}"))["status"] == "scheduled"
        clock.sleep(HOUR)
        assert (
            definition(newer.get(f"/api/campaign-messages/{two}"))["status"] == "cancelled"
        )  # LIST02 is empty
        assert api.get(f"/api/campaigns/{id_}").json["data"]["attributes"]["status"] == "Sent"
        audiences = newer.get(f"/api/campaigns/{id_}/campaign-audiences").json["data"]
        found = [each["attributes"]["definition"]["included"] for each in audiences]
        assert sorted(found) == [["LIST01"], ["LIST02"]]

    def test_a_schedule_is_reverted_or_cancelled(self, newer: Api) -> None:
        id_ = newer.post("/api/campaigns", two_messages()).json["data"]["id"]
        one, two = newer.get(f"/api/campaigns/{id_}/campaign-messages").ids
        for message, action, status in ((one, "revert", "draft"), (two, "cancel", "cancelled")):
            schedule(newer, message, NOW + HOUR)
            path = f"/api/campaign-message-schedule/{message}"
            assert newer.patch(path, data("campaign-message-schedule", message, action=action)).status == 204
            assert definition(newer.get(f"/api/campaign-messages/{message}"))["status"] == status

    @pytest.mark.parametrize(
        ("more", "pointer"),
        [
            ({"send_time": iso(NOW - HOUR)}, "send_time"),
            ({"strategy": "smart_send_time"}, "send_date"),
            ({"strategy": "throttled"}, "throttled_options"),
        ],
    )
    def test_a_schedule_that_cannot_be_kept_is_refused(self, newer: Api, more: Any, pointer: str) -> None:
        reply = schedule(newer, "MSG2", NOW + HOUR, **more)
        assert reply.source == {"pointer": f"/data/attributes/{pointer}"}

    def test_audiences_are_added_changed_copied_and_deleted(self, api: Api, newer: Api) -> None:
        where = {"campaign": {"type": "campaign", "id": "01TEXT"}}
        body = data("campaign-audience", links=where, definition={"name": "More", "included": ["LIST03"]})
        made = newer.post("/api/campaign-audiences", body).json["data"]["id"]
        first = next(id_ for id_ in newer.get("/api/campaigns/01TEXT/campaign-audiences").ids if id_ != made)
        change = data("campaign-audience", first, definition={"excluded": ["LIST05"]})
        assert definition(newer.patch(f"/api/campaign-audiences/{first}", change))["excluded"] == ["LIST05"]
        old = api.get("/api/campaigns/01TEXT").json["data"]["attributes"]["audiences"]
        assert old == {"included": ["LIST01"], "excluded": ["LIST05"]}
        copy = data("campaign-audience-clone", made, id=made, name="Copy")
        copied = newer.post("/api/campaign-audience-clone", copy)
        assert definition(copied) | {"priority": 0} == {
            "name": "Copy", "included": ["LIST03"], "excluded": [], "priority": 0,
        }  # fmt: skip
        assert newer.delete(f"/api/campaign-audiences/{made}").status == 204
        assert newer.get(f"/api/campaign-audiences/{made}").status == 404
        assert newer.delete(f"/api/campaign-audiences/{first}").status == 400  # a message is for it

    def test_variations_are_added_changed_and_deleted(self, api: Api, newer: Api) -> None:
        where = {"campaign-message": {"type": "campaign-message", "id": "MSG2"}}
        text = {"name": "B", "details": {"channel": "sms", "body": "Second"}}
        made = newer.post(
            "/api/campaign-variations", data("campaign-variation", links=where, definition=text)
        )
        assert made.status == 201
        first, second = newer.get("/api/campaign-messages/MSG2/campaign-variations").ids
        assert second == made.json["data"]["id"]
        change = {"details": {"channel": "sms", "body": "First"}}
        newer.patch(f"/api/campaign-variations/{first}", data("campaign-variation", first, definition=change))
        old = api.get("/api/campaign-messages/MSG2").json["data"]["attributes"]["definition"]
        assert old["content"]["body"] == "First"
        wrong = {"details": {"channel": "email", "subject": "No"}}
        reply = newer.patch(
            f"/api/campaign-variations/{first}", data("campaign-variation", first, definition=wrong)
        )
        assert reply.source == {"pointer": "/data/attributes/definition/details/channel"}
        assert newer.delete(f"/api/campaign-variations/{second}").status == 204
        assert newer.get("/api/campaign-messages/MSG2/campaign-variations").ids == [first]

    def test_a_message_is_added_renamed_copied_and_deleted(self, newer: Api) -> None:
        audience = newer.get("/api/campaigns/01TEXT/campaign-audiences").ids[0]
        where = {
            "campaign": {"type": "campaign", "id": "01TEXT"},
            "campaign-audience": {"type": "campaign-audience", "id": audience},
        }
        made = newer.post(
            "/api/campaign-messages", data("campaign-message", links=where, definition={"name": "M"})
        )
        id_ = made.json["data"]["id"]
        assert newer.get(f"/api/campaign-messages/{id_}/campaign-variations").ids == []
        renamed = newer.patch(
            f"/api/campaign-messages/{id_}", data("campaign-message", id_, definition={"name": "N"})
        )
        assert definition(renamed)["name"] == "N"
        links = {"campaign-audience": where["campaign-audience"]}
        copy = newer.post(
            "/api/campaign-message-clone", data("campaign-message", "MSG2", links=links, id="MSG2")
        )
        assert definition(copy)["name"].startswith("Copy of ")
        assert newer.delete(f"/api/campaign-messages/{id_}").status == 204
        assert id_ not in newer.get("/api/campaigns/01TEXT/campaign-messages").ids
        assert newer.delete("/api/campaign-messages/MSG1").status == 400  # it was sent

    def test_a_copy_has_its_own_parts(self, newer: Api) -> None:
        id_ = newer.post("/api/campaigns", two_messages()).json["data"]["id"]
        copy = newer.post("/api/campaign-clone", data("campaign", id_, name="Copy")).json["data"]["id"]
        parts = [
            {*newer.get(f"/api/campaigns/{each}/{part}").ids}
            for part in ("campaign-audiences", "campaign-messages")
            for each in (id_, copy)
        ]
        assert [len(ids) for ids in parts] == [2, 2, 2, 2]
        assert not parts[0] & parts[1]
        assert not parts[2] & parts[3]
        assert newer.delete(f"/api/campaigns/{id_}").status == 204
        assert newer.get("/api/campaign-audiences/" + min(parts[0])).status == 404
        assert newer.get("/api/campaign-audiences/" + min(parts[1])).status == 200
