"""Flows, their actions, their messages."""

from __future__ import annotations

import pytest

from klaviyo_analytics.client import KlaviyoClient
from tests.resources.wire import Call, Json, check, data, sends

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
