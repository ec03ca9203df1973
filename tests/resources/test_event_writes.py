"""Recording one event."""

from __future__ import annotations

from datetime import UTC, datetime

import pandas as pd
import pytest

from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.errors import InvalidInputError
from tests.resources.wire import Call, Json, check, data, sends
from tests.shops import Shop

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


def test_an_event_arrives_with_its_own_id(client: KlaviyoClient) -> None:
    for score in (1, 2):
        client.events.create(
            metric="Scored",
            profile="ann@tea.example",
            properties={"score": score},
            value=9.5,
            time="2026-01-02",
        )
    events = client.events.list(metric="Scored", properties=["score", "$value"])
    assert sorted(events["event_properties.score"]) == [1, 2]
    # midnight in New York, which is the shop's own zone
    assert set(events["datetime"].astype(str)) == {"2026-01-02 05:00:00+00:00"}
    profile = client.events.profile(events.iloc[0])
    assert profile is not None
    assert profile["email"] == "ann@tea.example"
    metric = client.events.metric(events.iloc[0])
    assert metric is not None
    assert metric["name"] == "Scored"


def test_a_lost_answer_makes_no_second_event(client: KlaviyoClient, shop: Shop) -> None:
    fault = shop.sandbox.faults.add(method="POST", path="/api/events", drop="after")
    client.events.create(metric="Dropped", profile="ann@tea.example")
    assert fault.hits == 1
    assert len(client.events.list(metric="Dropped")) == 1


@pytest.mark.parametrize(
    ("profile", "sent"),
    [
        ("a@b.co", {"type": "profile", "attributes": {"email": "a@b.co"}}),
        ("01ABC", {"type": "profile", "id": "01ABC", "attributes": {}}),
        (pd.Series({"id": "01ABC", "email": "a@b.co"}), {"type": "profile", "id": "01ABC", "attributes": {}}),
        (
            {"id": "01ABC", "external_id": "7"},
            {"type": "profile", "id": "01ABC", "attributes": {"external_id": "7"}},
        ),
    ],
)
def test_whose_event_it_is(offline: KlaviyoClient, profile: Json, sent: Json) -> None:
    body = offline.events.create(metric="S", profile=profile, dry_run=True)["body"][0]
    assert body["data"]["attributes"]["profile"]["data"] == sent


def test_an_event_needs_somebody(offline: KlaviyoClient) -> None:
    with pytest.raises(InvalidInputError, match="profile=None"):
        offline.events.create(metric="S", profile=None)
