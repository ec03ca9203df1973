"""Recording one event."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import numpy as np
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


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"metric": ""}, "1 to 127 characters"),
        ({"metric": None}, "pass a name"),
        ({"profile": {"first_name": "Ann"}}, "external_id is missing"),
        ({"profile": {"email": "a@b"}}, "'a@b' is not a valid email address"),
        ({"profile": "ann@example.com"}, "takes events of example.com and drops them"),
        ({"profile": {"id": "P1", "nickname": "A"}}, "'nickname' is not an attribute"),
        ({"profile": {"id": "P1", "locale": "en_GB"}}, "write 'en-GB'"),
        ({"value": "9,50"}, "'9,50' is not a number"),
        ({"value_currency": "euro"}, "value_currency: 'euro'"),
        ({"time": "1999-12-31T00:00Z"}, "not between the year 2000"),
        ({"time": "31/12/2026"}, "31/12/2026"),
        ({"time": pd.NaT}, "time is missing"),
        ({"unique_id": "u" * 256}, "1 to 255 characters"),
        ({"properties": {"x": "y" * 100_001}}, "100,000 bytes"),
        ({"properties": [1]}, "properties=[1] is not a dict"),
        ({"properties": {"n": 2.0**53}}, "may have lost digits"),
    ],
)
def test_what_a_frame_refuses_a_single_event_refuses_too(
    offline: KlaviyoClient, given: Json, said: str
) -> None:
    with pytest.raises(InvalidInputError, match=re.escape(said)):
        offline.events.create(**{"metric": "S", "profile": "a@b.co", **given})


def test_a_single_event_and_a_frame_of_one_row_send_the_same(offline: KlaviyoClient) -> None:
    single = offline.events.create(
        metric=("Scored", "lab"),
        profile={"email": "a@b.co", "phone_number": "+14155550123"},
        properties={"n": np.float32(0.87), "a.b": [1], "nothing": None},
        value=9.5,
        value_currency="EUR",
        time="2026-01-02T03:04:05Z",
        unique_id="u",
        dry_run=True,
    )["body"][0]["data"]["attributes"]
    frame = pd.DataFrame(
        {
            "email": ["a@b.co"],
            "phone_number": ["+14155550123"],
            "n": pd.Series([0.87], dtype="float32"),
            "a.b": [[1]],
            "value": [9.5],
            "time": ["2026-01-02T03:04:05Z"],
            "unique_id": ["u"],
        }
    )
    plan = offline.events.plan_create(
        frame, metric=("Scored", "lab"), properties=["n", "a.b"], value_currency="EUR"
    )
    _, job = plan._request()
    held = job["data"]["attributes"]["events-bulk-create"]["data"][0]["attributes"]
    assert single == {**held["events"]["data"][0]["attributes"], "profile": held["profile"]}


def test_more_about_a_person_goes_along(offline: KlaviyoClient) -> None:
    profile = {
        "anonymous_id": "visitor",
        "last_name": None,
        "location": {"city": "Bath"},
        "properties": {"tier": 2},
    }
    body = offline.events.create(metric="S", profile=profile, dry_run=True)["body"][0]
    assert body["data"]["attributes"]["profile"]["data"] == {"type": "profile", "attributes": profile}


def test_an_event_needs_somebody(offline: KlaviyoClient) -> None:
    with pytest.raises(InvalidInputError, match="profile=None"):
        offline.events.create(metric="S", profile=None)  # type: ignore[arg-type]
