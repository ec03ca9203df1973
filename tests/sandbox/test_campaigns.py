"""Campaigns: drafts that are made, changed, cloned and sent, and what cannot be done any more."""

from __future__ import annotations

from typing import Any

import pytest

from klaviyo_analytics.sandbox import Sandbox
from tests.http.clocks import Clock
from tests.sandbox.accounts import record
from tests.sandbox.api import Api, Reply, data

LATER = "2026-02-01T10:00:00+00:00"
EMAIL = {"channel": "email", "label": "One", "content": {"subject": "Spring"}}


def message(**definition: Any) -> dict[str, Any]:
    return dict(data("campaign-message", definition=definition)["data"])


def make(api: Api, *messages: dict[str, Any], **attributes: Any) -> Reply:
    """Create a campaign of the list; more attributes take the place of these."""
    known = {"name": "Spring", "audiences": {"included": ["LIST01"]}} | attributes
    body = data("campaign", **known, **{"campaign-messages": {"data": list(messages or [message(**EMAIL)])}})
    return api.post("/api/campaigns", body)


def ready(api: Api, **attributes: Any) -> tuple[str, str]:
    """Create a campaign that can be sent; return its id and its message's."""
    campaign = make(api, **attributes).json["data"]
    text = campaign["relationships"]["campaign-messages"]["data"][0]["id"]
    assert assign(api, text, "TPL1").status == 200
    return campaign["id"], text


def assign(api: Api, text: str, template: str) -> Reply:
    body = data("campaign-message", text, links={"template": {"type": "template", "id": template}})
    del body["data"]["attributes"]
    return api.post("/api/campaign-message-assign-template", body)


def job(api: Api, kind: str, campaign: str) -> Reply:
    return api.post(f"/api/campaign-{kind}-jobs", {"data": {"type": f"campaign-{kind}-job", "id": campaign}})


def stop(api: Api, campaign: str, action: str) -> Reply:
    return api.patch(
        f"/api/campaign-send-jobs/{campaign}", data("campaign-send-job", campaign, action=action)
    )


def status(api: Api, campaign: str) -> str:
    return str(api.get(f"/api/campaigns/{campaign}").json["data"]["attributes"]["status"])


class TestCreate:
    def test_a_draft_with_its_message(self, api: Api) -> None:
        reply = make(api)
        campaign = reply.json["data"]["attributes"]
        assert (reply.status, campaign["status"], campaign["archived"]) == (201, "Draft", False)
        assert campaign["audiences"] == {"included": ["LIST01"], "excluded": []}
        assert campaign["send_strategy"] == {"method": "immediate"}
        assert campaign["send_options"] == {"use_smart_sending": True}
        assert campaign["created_at"] == "2026-01-20T12:00:00+00:00"
        path = f"/api/campaigns/{reply.json['data']['id']}/campaign-messages"
        known = api.get(path).json["data"][0]["attributes"]["definition"]
        assert (known["label"], known["content"]["subject"]) == ("One", "Spring")
        assert known["content"]["from_email"] == "hello@shop.example", "the account's own"
        assert known["content"]["cc_email"] is None

    def test_texts_and_pushes(self, api: Api) -> None:
        ids = []
        for definition in (
            {"channel": "sms", "content": {"body": "Hi"}, "render_options": {"shorten_links": False}},
            {"channel": "mobile_push", "content": {"body": "Hi"}},
            {"channel": "mobile_push", "notification_type": "silent", "kv_pairs": {"a": "b"}},
        ):
            reply = make(api, message(**definition))
            assert reply.status == 201, reply.body
            ids.append(reply.json["data"]["id"])
        found = api.get("/api/campaigns", filter='equals(messages.channel,"mobile_push")', sort="created_at")
        assert sorted(found.ids) == sorted(ids[1:])
        text = api.get(f"/api/campaigns/{ids[0]}/campaign-messages").json["data"][0]["attributes"]
        assert text["definition"]["render_options"]["shorten_links"] is False
        assert text["definition"]["render_options"]["add_org_prefix"] is True

    def test_the_strategy_tells_when(self, api: Api) -> None:
        strategy = {"method": "static", "datetime": LATER, "options": {"is_local": True}}
        campaign = make(api, send_strategy=strategy).json["data"]["id"]
        text = api.get(f"/api/campaigns/{campaign}/campaign-messages").json["data"][0]["attributes"]
        assert text["send_times"] == [{"datetime": LATER, "is_local": True}]

    @pytest.mark.parametrize(
        ("messages", "attributes", "place"),
        [
            ((), {"audiences": {"included": ["none"]}}, "audiences/included/0"),
            ((), {"audiences": {"included": []}}, "audiences/included"),
            (
                (),
                {"audiences": {"included": ["LIST01"], "excluded": ["SEGM01", "none"]}},
                "audiences/excluded/1",
            ),
            ((), {"audiences": {}}, "audiences/included"),
            ((message(**EMAIL), message(channel="sms")), {}, "campaign-messages/data"),
            ((message(channel="fax"),), {}, "campaign-messages/data/0/attributes/definition/channel"),
            (
                ({"type": "campaign-message", "attributes": {"channel": "email"}},),
                {},
                "campaign-messages/data/0/attributes/definition",
            ),
            (
                (),
                {"send_strategy": {"method": "throttled", "datetime": LATER}},
                "send_strategy/throttle_percentage",
            ),
        ],
    )
    def test_refused(self, api: Api, sandbox: Sandbox, messages: Any, attributes: Any, place: str) -> None:
        before = len(sandbox.account.records["campaign"])
        reply = make(api, *messages, **attributes)
        assert reply.status == 400
        assert {"pointer": f"/data/attributes/{place}"} in [error["source"] for error in reply.json["errors"]]
        assert len(sandbox.account.records["campaign"]) == before


class TestChange:
    def test_a_draft(self, api: Api, clock: Clock) -> None:
        campaign = make(api, send_options={"use_smart_sending": False}).json["data"]["id"]
        clock.now += 60
        change = {
            "name": "Later",
            "audiences": {"included": ["SEGM01"]},
            "send_strategy": {"method": "static", "datetime": LATER},
        }
        reply = api.patch(f"/api/campaigns/{campaign}", data("campaign", campaign, **change))
        found = reply.json["data"]["attributes"]
        assert (reply.status, found["name"]) == (200, "Later")
        assert found["audiences"] == {"included": ["SEGM01"], "excluded": []}
        assert found["send_options"] == {"use_smart_sending": False}
        assert found["updated_at"] == "2026-01-20T12:01:00+00:00"
        text = api.get(f"/api/campaigns/{campaign}/campaign-messages").json["data"][0]["attributes"]
        assert text["send_times"] == [{"datetime": LATER, "is_local": False}]

    def test_its_message(self, api: Api) -> None:
        text = make(api).json["data"]["relationships"]["campaign-messages"]["data"][0]["id"]
        path, content = f"/api/campaign-messages/{text}", {"preview_text": "Buds"}
        body = data("campaign-message", text, definition={"channel": "email", "content": content})
        known = api.patch(path, body).json["data"]["attributes"]["definition"]
        assert (known["label"], known["content"]["subject"]) == ("One", "Spring")
        assert known["content"]["preview_text"] == "Buds"
        assert api.get(path).json["data"]["attributes"]["definition"] == known
        body = data("campaign-message", text, definition={"channel": "sms", "content": {"body": "Hi"}})
        assert api.patch(path, body).source == {"pointer": "/data/attributes/definition/channel"}

    def test_options_are_changed_one_by_one(self, api: Api) -> None:
        campaign = make(api, tracking_options={"add_tracking_params": True}).json["data"]["id"]
        body = data("campaign", campaign, tracking_options={"is_tracking_opens": False})
        found = api.patch(f"/api/campaigns/{campaign}", body).json["data"]["attributes"]["tracking_options"]
        assert (found["is_tracking_opens"], found["is_tracking_clicks"]) == (False, True)
        assert (found["add_tracking_params"], found["custom_tracking_params"]) == (True, [])

    def test_an_image_of_a_push(self, api: Api, sandbox: Sandbox) -> None:
        sandbox.account.records["image"] = {"I1": record("image", "I1", {"name": "I"})}
        links = {"image": {"type": "image", "id": "I1"}}
        push = data(
            "campaign-message", links=links, definition={"channel": "mobile_push", "content": {"body": "Hi"}}
        )
        text = make(api, push["data"]).json["data"]["relationships"]["campaign-messages"]["data"][0]["id"]
        assert api.get(f"/api/campaign-messages/{text}/image").json["data"]["id"] == "I1"
        links["image"]["id"] = "none"
        assert make(api, push["data"]).status == 404
        body = data("campaign-message", text, links=links)
        assert api.patch(f"/api/campaign-messages/{text}", body).status == 404

    def test_what_was_sent_stays(self, api: Api) -> None:
        assert api.patch("/api/campaigns/01CAMP", data("campaign", "01CAMP", name="New")).status == 400
        body = data(
            "campaign-message", "MSG1", definition={"channel": "email", "content": {"subject": "New"}}
        )
        assert api.patch("/api/campaign-messages/MSG1", body).status == 400
        assert assign(api, "MSG1", "TPL1").status == 400
        assert api.get("/api/campaigns/01CAMP").json["data"]["attributes"]["name"] == 'Spring "sale" 🌱'

    def test_a_campaign_goes_with_its_messages(self, api: Api) -> None:
        campaign, text = ready(api)
        job(api, "recipient-estimation", campaign)
        api.get(f"/api/campaign-recipient-estimation-jobs/{campaign}")
        path = f"/api/campaigns/{campaign}"
        assert (api.delete(path).status, api.get(path).status) == (204, 404)
        assert api.get(f"/api/campaign-messages/{text}").status == 404
        for name in ("recipient-estimation-jobs", "recipient-estimations"):
            assert api.get(f"/api/campaign-{name}/{campaign}").status == 404


class TestCopies:
    def test_a_message_gets_a_template_of_its_own(self, api: Api) -> None:
        text = make(api).json["data"]["relationships"]["campaign-messages"]["data"][0]["id"]
        reply = assign(api, text, "TPL1")
        assert (reply.json["data"]["attributes"]["channel"], reply.json["data"]["attributes"]["label"]) == (
            "email",
            "One",
        )
        copy = api.get(f"/api/campaign-messages/{text}/template").json["data"]
        assert copy["id"] != "TPL1"
        assert copy["attributes"]["html"] == "<p>Hello {{ first_name }}</p>"
        api.patch("/api/templates/TPL1", data("template", "TPL1", html="<p>New</p>"))
        assert api.get(f"/api/templates/{copy['id']}").json["data"]["attributes"]["html"] != "<p>New</p>"

    def test_a_text_has_no_template(self, api: Api) -> None:
        assert assign(api, "MSG2", "TPL1").source == {"pointer": "/data/id"}
        assert assign(api, "MSG2", "none").status == assign(api, "none", "TPL1").status == 404

    def test_a_clone(self, api: Api) -> None:
        reply = api.post("/api/campaign-clone", data("campaign", "01CAMP", new_name="Again"))
        clone = reply.json["data"]
        assert (reply.status, clone["attributes"]["name"], clone["attributes"]["status"]) == (
            201,
            "Again",
            "Draft",
        )
        assert clone["attributes"]["send_time"] is None
        texts = api.get(f"/api/campaigns/{clone['id']}/campaign-messages", include="template").json
        assert texts["data"][0]["id"] != "MSG1"
        assert texts["included"][0]["id"] != "TPL1"
        assert texts["data"][0]["attributes"]["definition"]["content"]["subject"] == "Hi"
        body = data("campaign", clone["id"], audiences={"included": ["LIST02"]})
        api.patch(f"/api/campaigns/{clone['id']}", body)
        assert api.get("/api/campaigns/01CAMP").json["data"]["attributes"]["audiences"]["included"] == [
            "LIST01"
        ]

    def test_a_clone_without_a_name(self, api: Api) -> None:
        clone = api.post("/api/campaign-clone", data("campaign", "01TEXT")).json["data"]
        assert clone["attributes"]["name"] == "Copy of Text"
        assert api.post("/api/campaign-clone", data("campaign", "none")).status == 404


class TestSend:
    def test_it_goes_through_its_states(self, api: Api) -> None:
        campaign, _ = ready(api)
        reply = job(api, "send", campaign)
        assert (reply.status, reply.json["data"]["id"]) == (202, campaign)
        seen = [(reply.json["data"]["attributes"]["status"], status(api, campaign))]
        for _ in range(3):
            state = api.get(f"/api/campaign-send-jobs/{campaign}").json["data"]["attributes"]["status"]
            seen.append((state, status(api, campaign)))
        assert seen == [
            ("queued", "Preparing to send"),
            ("processing", "Sending"),
            ("complete", "Sent"),
            ("complete", "Sent"),
        ]
        found = api.get(f"/api/campaigns/{campaign}").json["data"]["attributes"]
        assert found["send_time"] == "2026-01-20T12:00:00+00:00"
        assert job(api, "send", campaign).status == 400
        assert stop(api, campaign, "cancel").status == 400

    def test_time_sends_it_too(self, api: Api, clock: Clock) -> None:
        campaign, _ = ready(api)
        job(api, "send", campaign)
        clock.now += 2
        assert status(api, campaign) == "Sent"

    def test_it_reaches_whom_it_may(self, api: Api, sandbox: Sandbox, clock: Clock) -> None:
        """Of the list's three, one has no address and one wants no email."""
        anna = sandbox.account.records["profile"]["01ANNA"].attributes["subscriptions"]["email"]["marketing"]
        campaign, _ = ready(api)
        job(api, "recipient-estimation", campaign)
        assert estimate(api, campaign) == 2
        anna["can_receive_email_marketing"] = False
        before = len(sandbox.account.events.ids)
        job(api, "send", campaign)
        clock.now += 2
        status(api, campaign)
        log = sandbox.account.events
        assert len(log.ids) == before + 1
        assert log.properties[-1]["$message"] == campaign
        assert log.properties[-1]["Subject"] == "Spring"
        assert log.profile_ids[log.profile[-1]] == "01BO"

    def test_texts_and_pushes(self, api: Api, sandbox: Sandbox) -> None:
        sms = {"marketing": {"consent": "SUBSCRIBED", "can_receive_sms_marketing": True}}
        sandbox.account.records["profile"]["01BO"].attributes["subscriptions"]["sms"] = sms
        token = record("push-token", "t", {"token": "t"}, profile="01CY")
        sandbox.account.records["push-token"] = {"t": token}
        for definition, metric, who in (
            ({"channel": "sms", "content": {"body": "Hi"}}, "Received Text Message", "01BO"),
            ({"channel": "mobile_push", "content": {"body": "Hi"}}, "Received Push", "01CY"),
        ):
            campaign = make(api, message(**definition)).json["data"]["id"]
            job(api, "recipient-estimation", campaign)
            assert estimate(api, campaign) == 1
            job(api, "send", campaign)
            api.get(f"/api/campaign-send-jobs/{campaign}")
            page = api.get(
                "/api/events", filter=f'equals(profile_id,"{who}")', include="metric", page__size=1
            ).json
            assert page["included"][0]["attributes"]["name"] == metric

    def test_one_on_its_way_is_not_deleted(self, api: Api) -> None:
        campaign, _ = ready(api)
        job(api, "send", campaign)
        assert api.delete(f"/api/campaigns/{campaign}").status == 400
        stop(api, campaign, "cancel")
        assert api.delete(f"/api/campaigns/{campaign}").status == 204
        assert api.get(f"/api/campaign-send-jobs/{campaign}").status == 404

    def test_excluded_audiences(self, api: Api) -> None:
        campaign = make(api, audiences={"included": ["LIST01"], "excluded": ["SEGM01"]}).json["data"]["id"]
        job(api, "recipient-estimation", campaign)
        assert estimate(api, campaign) == 1

    def test_a_time_to_come_schedules(self, api: Api, clock: Clock) -> None:
        campaign, _ = ready(api, send_strategy={"method": "static", "datetime": LATER})
        job(api, "send", campaign)
        assert status(api, campaign) == "Preparing to schedule"
        clock.now += 2
        found = api.get(f"/api/campaigns/{campaign}").json["data"]["attributes"]
        assert (found["status"], found["send_time"]) == ("Scheduled", LATER)
        assert found["scheduled_at"] == "2026-01-20T12:00:00+00:00"

    @pytest.mark.parametrize(("action", "after"), [("cancel", "Cancelled"), ("revert", "Draft")])
    def test_it_can_be_stopped(self, api: Api, clock: Clock, action: str, after: str) -> None:
        campaign, _ = ready(api, send_strategy={"method": "static", "datetime": LATER})
        job(api, "send", campaign)
        reply = stop(api, campaign, action)
        assert (reply.status, reply.body) == (204, b"")
        clock.now += 10
        assert status(api, campaign) == after
        other = data("campaign-send-job", "01CAMP", action=action)
        assert api.patch(f"/api/campaign-send-jobs/{campaign}", other).source == {"pointer": "/data/id"}
        state = api.get(f"/api/campaign-send-jobs/{campaign}").json["data"]["attributes"]["status"]
        assert state == "cancelled"
        assert job(api, "send", campaign).status == (202 if action == "revert" else 400)

    def test_what_is_not_ready_is_refused(self, api: Api) -> None:
        campaign = make(api).json["data"]["id"]
        assert job(api, "send", campaign).status == 400, "it has no template"
        assert job(api, "send", "none").status == 404
        assert stop(api, campaign, "cancel").status == 400
        empty = make(api, message(channel="sms")).json["data"]["id"]
        assert job(api, "send", empty).status == 400
        assert status(api, campaign) == "Draft"

    def test_a_scheduled_one_that_was_there_before(self, api: Api, sandbox: Sandbox) -> None:
        attributes = dict(sandbox.account.records["campaign"]["01CAMP"].attributes) | {"status": "Scheduled"}
        sandbox.account.records["campaign"]["01NEXT"] = record("campaign", "01NEXT", attributes, tags=[])
        assert stop(api, "01NEXT", "revert").status == 204
        assert status(api, "01NEXT") == "Draft"

    def test_a_deleted_one_takes_no_other_along(self, api: Api, clock: Clock) -> None:
        first, second = ready(api)[0], make(api).json["data"]["id"]
        job(api, "send", first)
        job(api, "recipient-estimation", second)
        assert api.delete(f"/api/campaigns/{second}").status == 204
        clock.now += 2
        assert status(api, first) == "Sent"

    def test_there_is_no_estimate_before_somebody_asks(self, api: Api) -> None:
        assert api.get("/api/campaign-recipient-estimations/01CAMP").status == 404


def estimate(api: Api, campaign: str) -> int:
    api.get(f"/api/campaign-recipient-estimation-jobs/{campaign}")
    found = api.get(f"/api/campaign-recipient-estimations/{campaign}").json["data"]
    return int(found["attributes"]["estimated_recipient_count"])
