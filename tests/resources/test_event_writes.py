"""Recording one event."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from klaviyo_analytics.client import KlaviyoClient
from tests.resources.wire import Call, Json, check, data, sends

REQUESTS = [
    sends(
        "event of an address",
        lambda c: c.events.create(
            metric=("Scored", "lab"),
            profile="a@b.co",
            value=2,
            time=datetime(2026, 1, 2, tzinfo=UTC),
            unique_id="u",
        ),
        "POST /api/events",
        data(
            "event",
            {
                "metric": {"data": {"type": "metric", "attributes": {"name": "Scored", "service": "lab"}}},
                "profile": {"data": {"type": "profile", "attributes": {"email": "a@b.co"}}},
                "properties": {},
                "value": 2,
                "time": "2026-01-02T00:00:00+00:00",
                "unique_id": "u",
            },
        ),
    ),
]


@pytest.mark.parametrize(("call", "request_line", "body"), REQUESTS)
def test_what_goes_out(offline: KlaviyoClient, call: Call, request_line: str, body: Json) -> None:
    check(offline, call, request_line, body)
