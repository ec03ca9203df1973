"""Flows: made from a definition, set to a status, changed action by action."""

from __future__ import annotations

from typing import Any

import pytest

from klaviyo_analytics.sandbox import Sandbox
from tests.sandbox.api import Api, Reply, data

LETTER = {
    "from_email": "hello@shop.example",
    "from_label": "Shop",
    "reply_to_email": None,
    "cc_email": None,
    "bcc_email": None,
    "subject_line": "Welcome",
    "preview_text": "",
    "template_id": "TPL1",
}
WAIT = {
    "temporary_id": "wait",
    "type": "time-delay",
    "links": {"next": "split"},
    "data": {"unit": "days", "value": 1},
}
SPLIT = {
    "temporary_id": "split",
    "type": "conditional-split",
    "links": {"next_if_true": "send", "next_if_false": None},
    "data": {"profile_filter": {"condition_groups": []}},
}
SEND = {"temporary_id": "send", "type": "send-email", "links": {"next": None}, "data": {"message": LETTER}}


def make(api: Api, *actions: Any, trigger: Any = None, entry: str | None = "wait", **more: Any) -> Reply:
    definition = {
        "triggers": [trigger or {"type": "list", "id": "LIST01"}],
        "actions": list(actions or (WAIT, SPLIT, SEND)),
        "entry_action_id": entry,
    }
    return api.post(
        "/api/flows",
        data("flow", name="Welcome", definition=definition | more),
        additional_fields__flow="definition",
    )


class TestCreate:
    def test_temporary_ids_become_ids(self, api: Api) -> None:
        reply = make(api)
        flow = reply.json["data"]
        assert (reply.status, flow["attributes"]["status"]) == (201, "draft")
        assert flow["attributes"]["trigger_type"] == "Added to List"
        definition = flow["attributes"]["definition"]
        wait, split, send = definition["actions"]
        assert definition["entry_action_id"] == wait["id"]
        assert wait["links"] == {"next": split["id"]}
        assert split["links"] == {"next_if_true": send["id"], "next_if_false": None}
        assert "temporary_id" not in str(definition)
        shown = api.get(f"/api/flows/{flow['id']}/flow-actions").json["data"]
        assert {one["id"]: one["attributes"]["definition"] for one in shown} == {
            action["id"]: action for action in definition["actions"]
        }

    def test_a_message_of_its_own(self, api: Api) -> None:
        send = make(api).json["data"]["attributes"]["definition"]["actions"][2]
        found = api.get(f"/api/flow-actions/{send['id']}/flow-messages").json["data"][0]
        assert found["id"] == send["data"]["message"]["id"]
        assert found["attributes"]["channel"] == "email"
        assert found["attributes"]["definition"]["subject_line"] == "Welcome"
        assert (
            api.get(f"/api/flow-messages/{found['id']}", include="template").json["included"][0]["id"]
            == "TPL1"
        )

    def test_the_trigger_knows_its_flow(self, api: Api) -> None:
        flow = make(api).json["data"]["id"]
        assert api.get("/api/lists/LIST01/flow-triggers").ids == [flow]
        assert api.delete(f"/api/flows/{flow}").status == 204
        assert api.get("/api/lists/LIST01/flow-triggers").ids == []

    def test_parts_of_a_test_are_actions_too(self, api: Api) -> None:
        main = SEND | {"temporary_id": "main"}
        trial = {"main_action": main, "current_experiment": {"variations": [SEND | {"temporary_id": "b"}]}}
        test = {"temporary_id": "test", "type": "ab-test", "links": {"next": None}, "data": trial}
        reply = make(api, test, entry="test")
        assert reply.status == 201, reply.body
        made = reply.json["data"]["attributes"]["definition"]["actions"][0]
        ids = {
            made["id"],
            made["data"]["main_action"]["id"],
            made["data"]["current_experiment"]["variations"][0]["id"],
        }
        assert len(ids) == 3
        assert "temporary_id" not in str(made)

    @pytest.mark.parametrize(
        ("actions", "more", "place"),
        [
            ((), {"trigger": {"type": "list", "id": "none"}}, "triggers/0/id"),
            ((), {"triggers": [{"type": "list", "id": "LIST01"}] * 2}, "triggers"),
            ((), {"entry": "elsewhere"}, "entry_action_id"),
            ((WAIT,), {}, "actions"),
            ((WAIT, SPLIT, SEND, SEND), {}, "actions/3/temporary_id"),
            (({**SEND, "temporary_id": None},), {}, "actions/0"),
            (({**SEND, "id": "1"},), {}, "actions/0"),
            (
                ({**SEND, "data": {"message": LETTER | {"template_id": "none"}}},),
                {"entry": "send"},
                "actions/0/data/message/template_id",
            ),
        ],
    )
    def test_refused(self, api: Api, sandbox: Sandbox, actions: Any, more: Any, place: str) -> None:
        reply = make(api, *actions, **more)
        assert (reply.status, reply.source) == (400, {"pointer": f"/data/attributes/definition/{place}"})
        assert list(sandbox.account.records["flow"]) == ["FLOW01"]


class TestChange:
    def test_the_status_is_its_actions_too(self, api: Api) -> None:
        flow = make(api).json["data"]["id"]
        reply = api.patch(f"/api/flows/{flow}", data("flow", flow, status="live"))
        assert (reply.status, reply.json["data"]["attributes"]["status"]) == (200, "live")
        whole = api.get(f"/api/flows/{flow}", additional_fields__flow="definition").json["data"]["attributes"]
        send = whole["definition"]["actions"][2]
        assert send["data"]["status"] == "live"
        assert api.get(f"/api/flow-actions/{send['id']}").json["data"]["attributes"]["definition"] == send
        assert api.patch(f"/api/flows/{flow}", data("flow", flow, status="active")).source == {
            "pointer": "/data/attributes/status"
        }

    def test_an_action_and_its_message(self, api: Api) -> None:
        made = make(api).json["data"]
        send = made["attributes"]["definition"]["actions"][2]
        message = send["data"]["message"] | {"subject_line": "Hello"}
        change = {"type": "send-email", "data": {"message": message, "status": "manual"}}
        path = f"/api/flow-actions/{send['id']}"
        known = api.patch(path, data("flow-action", send["id"], definition=change)).json["data"]["attributes"]
        assert known["definition"]["data"]["status"] == "manual"
        assert known["definition"]["links"] == {"next": None}
        found = api.get(f"/api/flow-messages/{message['id']}").json["data"]["attributes"]["definition"]
        assert found["subject_line"] == "Hello"
        whole = api.get(f"/api/flows/{made['id']}", additional_fields__flow="definition").json["data"]
        assert whole["attributes"]["definition"]["actions"][2] == known["definition"]
        assert api.get(f"/api/flow-actions/{send['id']}").json["data"]["attributes"] == known

    @pytest.mark.parametrize(
        ("name", "change"), [("type", {"type": "time-delay"}), ("id", {"type": "send-email", "id": "9"})]
    )
    def test_an_action_stays_what_it_is(self, api: Api, name: str, change: Any) -> None:
        body = data("flow-action", "1001", definition={"data": {"unit": "days", "value": 1}} | change)
        if name == "id":
            body["data"]["attributes"]["definition"]["data"] = {"message": LETTER}
        assert api.patch("/api/flow-actions/1001", body).source == {
            "pointer": f"/data/attributes/definition/{name}"
        }

    def test_a_body_about_another_one(self, api: Api) -> None:
        flow, action = data("flow", "other", status="live"), data("flow-action", "other", definition=WAIT)
        assert api.patch("/api/flows/FLOW01", flow).source == {"pointer": "/data/id"}
        assert api.patch("/api/flow-actions/1001", action).source == {"pointer": "/data/id"}

    def test_a_flow_goes_with_its_actions_and_messages(self, api: Api) -> None:
        assert api.delete("/api/flows/FLOW01").status == 204
        assert api.get("/api/flows/FLOW01").status == api.get("/api/flow-actions/1001").status == 404
        assert api.get("/api/flow-messages/FMSG01").status == 404
