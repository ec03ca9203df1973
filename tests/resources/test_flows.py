"""Flows, their actions, their messages."""

from __future__ import annotations

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
from tests.resources.wire import Call, Json, check, data, sends
from tests.shops import Shop

FLOW = {
    "triggers": [{"type": "list", "id": "L1"}],
    "entry_action_id": "a",
    "profile_filter": None,
    "actions": [
        {
            "temporary_id": "a",
            "type": "time-delay",
            "links": {"next": None},
            "data": {"unit": "days", "value": 1},
        }
    ],
}
REQUESTS = [
    sends(
        "flow from a definition",
        lambda c: c.flows.create(name="Hello", definition=FLOW),
        "POST /api/flows",
        data("flow", {"name": "Hello", "definition": FLOW}),
    ),
    sends(
        "flow status",
        lambda c: c.flows.update_status("F1", "live"),
        "PATCH /api/flows/F1",
        data("flow", {"status": "live"}, id="F1"),
    ),
]


@pytest.mark.parametrize(("call", "request_line", "body"), REQUESTS)
def test_what_goes_out(offline: KlaviyoClient, call: Call, request_line: str, body: Json) -> None:
    check(offline, call, request_line, body)


def test_messages_of_a_flow_know_their_action(client: KlaviyoClient) -> None:
    for _, flow in client.flows.list().iterrows():
        actions = client.flows.actions(flow)
        messages = client.flows.messages(flow)
        assert (messages["flow_id"] == flow["id"]).all()
        assert set(messages["flow_action_id"]) <= set(actions["id"])
        assert messages["action_type"].str.startswith("send-").all()
        kinds = actions.set_index("id")["definition.type"]
        assert kinds[messages["flow_action_id"]].tolist() == messages["action_type"].tolist()


def test_a_flow_that_sends_nothing_has_the_same_columns(client: KlaviyoClient, shop: Shop) -> None:
    flow = client.flows.list(limit=1).iloc[0]
    some = client.flows.messages(flow)
    shop.sandbox.faults.add(path="/api/flows/*/flow-actions", status=200, body={"data": []})
    none = client.flows.messages(flow)
    assert none.empty
    assert none.dtypes.astype(str).to_dict() == some.dtypes.astype(str).to_dict()


def test_actions_are_narrow_unless_their_parts_are_asked_for(client: KlaviyoClient) -> None:
    flow = client.flows.list(limit=1).iloc[0]
    whole = client.flows.actions(flow)
    assert isinstance(whole["definition.data"][0], dict)
    assert len(whole.columns) < 10
    parts = client.flows.actions(flow, fields=["definition.type", "definition.data.status"])
    assert parts.columns.tolist() == ["id", "definition.type", "definition.data.status"]


def test_the_ways_between_flow_action_and_message(client: KlaviyoClient) -> None:
    flow = client.flows.list(limit=1).iloc[0]
    message = client.flows.messages(flow).iloc[0]
    action = client.flow_messages.action(message)
    assert action is not None
    assert action["id"] == message["flow_action_id"]
    owner = client.flow_actions.flow(action)
    assert owner is not None
    assert owner["id"] == flow["id"]
    assert message["id"] in set(client.flow_actions.messages(action)["id"])
    read = client.flow_messages.get(message, include=["flow-action"])
    assert read["flow_action_id"] == action["id"]
    assert client.flows.tags(flow).columns.tolist() == ["id", "name"]


def test_going_live_must_be_confirmed(client: KlaviyoClient) -> None:
    flow = client.flows.list(limit=1).iloc[0]
    sending = client.flows.messages(flow)["flow_action_id"].nunique()
    with pytest.raises(ConfirmationRequiredError, match=rf"live: {sending} of its"):
        client.flows.update_status(flow, "live")
    assert client.flows.update_status(flow, "draft")["status"] == "draft"
    assert client.flows.update_status(flow, "live", confirm=True)["status"] == "live"
    with pytest.raises(InvalidInputError, match="draft, manual, live"):
        client.flows.update_status(flow, "on")  # type: ignore[arg-type]


def test_an_action_is_changed_and_read_back(client: KlaviyoClient) -> None:
    flow = client.flows.list(limit=1).iloc[0]
    action = client.flows.messages(flow).iloc[0]["flow_action_id"]
    whole = client.flow_actions.get(action)
    definition = {name: whole[f"definition.{name}"] for name in ("id", "type", "data", "links")}
    live = {**definition, "data": {**definition["data"], "status": "live"}}
    with pytest.raises(ConfirmationRequiredError, match="1 action"):
        client.flow_actions.update(action, definition=live)
    draft = {**definition, "data": {**definition["data"], "status": "draft"}}
    client.flow_actions.update(action, definition=draft)
    assert client.flow_actions.get(action)["definition.data"]["status"] == "draft"


def test_a_flow_is_made_and_deleted(client: KlaviyoClient) -> None:
    group = client.lists.list()["id"][0]
    made = client.flows.create(name="Hello", definition={**FLOW, "triggers": [{"type": "list", "id": group}]})
    assert client.flows.get(made)["status"] == "draft"
    assert client.flows.actions(made)["definition.type"].tolist() == ["time-delay"]
    client.flows.delete(made, confirm=True)
    with pytest.raises(NotFoundError):
        client.flows.get(made)


def test_a_wrong_query_is_refused_before_anything_is_sent(offline: KlaviyoClient) -> None:
    for wrong in ({"sort": "status"}, {"filter": ka.F.status == "live"}, {"fields": ["subject"]}):
        with pytest.raises(InvalidQueryError, match="allowed are"):
            offline.flows.messages("F1", **wrong)


@pytest.mark.parametrize("revision", ["2026-04-15", "2026-07-15", "2026-10-15"])
def test_messages_of_a_flow_have_the_same_columns_in_every_revision(revision: str) -> None:
    """Newer revisions return the action of each message, too; it is one column."""
    options: Any = {"profiles": 20, "events": 200, "progress": False}
    with ka.demo(**options) as older, ka.demo(revision=revision, **options) as newer:
        flow = older.flows.list(limit=1)["id"].item()
        was, now = older.flows.messages(flow), newer.flows.messages(flow)
    assert len(was) > 0
    pd.testing.assert_frame_equal(now[list(was.columns)], was)
