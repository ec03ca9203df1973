"""Events in bulk: grouped by profile, refused whole or accepted in silence."""

from __future__ import annotations

from typing import Any

import pytest

from klaviyo_analytics.sandbox import Sandbox
from tests.sandbox.api import Api, Reply, data

ANNA, BO = "anna@shop.example", "bo+list@shop.example"
GROUPS = "/data/attributes/events-bulk-create/data"


def event(name: str = "Scored", **attributes: Any) -> dict[str, Any]:
    metric = {"data": {"type": "metric", "attributes": {"name": name}}}
    return dict(data("event", **{"properties": {}, "metric": metric} | attributes)["data"])


def group(profile: Any, *events: dict[str, Any]) -> dict[str, Any]:
    someone = {"type": "profile", "attributes": {"email": profile}} if isinstance(profile, str) else profile
    attributes = {"profile": {"data": someone}, "events": {"data": list(events)}}
    return dict(data("event-bulk-create", **attributes)["data"])


def send(api: Api, *groups: dict[str, Any]) -> Reply:
    body = data("event-bulk-create-job")
    body["data"]["attributes"] = {"events-bulk-create": {"data": list(groups)}}
    return api.post("/api/event-bulk-create-jobs", body)


def count(sandbox: Sandbox) -> int:
    return len(sandbox.account.events.ids)


def test_they_are_stored_with_their_profiles(api: Api, sandbox: Sandbox) -> None:
    before = count(sandbox)
    reply = send(
        api,
        group(ANNA, event(value=3, unique_id="a"), event(time="2026-01-01T00:00:00Z", properties={"n": 1})),
        group("new@shop.example", event(value_currency="EUR", value=2, unique_id="a")),
    )
    assert (reply.status, reply.body) == (202, b"")
    assert count(sandbox) == before + 3
    log = sandbox.account.events
    assert (log.time[1:] >= log.time[:-1]).all()
    assert log.properties[0] == {"n": 1, "$event_id": "1767225600"}
    newest = api.get("/api/events", page__size=2, include="profile").json
    assert {one["attributes"]["email"] for one in newest["included"]} == {ANNA, "new@shop.example"}
    anna = api.get("/api/profiles/01ANNA").json["data"]["attributes"]
    assert anna["last_event_date"] == "2026-01-20T12:00:00+00:00"


def test_a_profile_is_updated_on_the_way(api: Api) -> None:
    meta = {"patch_properties": {"append": {"skus": "x"}}}
    attributes = {"email": ANNA, "title": "Dr", "properties": {"a": 1}}
    send(api, group({"type": "profile", "attributes": attributes, "meta": meta}, event()))
    found = api.get("/api/profiles/01ANNA").json["data"]["attributes"]
    assert (found["title"], found["properties"]) == ("Dr", {"tier": 1, "a": 1, "skus": ["x"]})


def test_one_seen_in_an_earlier_request_is_passed_over(api: Api, sandbox: Sandbox) -> None:
    send(api, group(ANNA, event(unique_id="a", value=1)))
    before = count(sandbox)
    assert send(api, group(ANNA, event(unique_id="a", value=2), event(unique_id="b"))).status == 202
    assert count(sandbox) == before + 1


@pytest.mark.parametrize("other", [ANNA, ANNA.upper()])
def test_one_that_comes_twice_refuses_all(api: Api, sandbox: Sandbox, other: str) -> None:
    before = count(sandbox)
    reply = send(api, group(ANNA, event(unique_id="a"), event()), group(other, event(unique_id="a")))
    pointer = f"{GROUPS}/1/attributes/events/data/0/attributes/unique_id"
    assert (reply.status, reply.source) == (400, {"pointer": pointer})
    assert count(sandbox) == before


def test_the_same_key_may_serve_other_metrics_and_profiles(api: Api, sandbox: Sandbox) -> None:
    before = count(sandbox)
    rows = [group(ANNA, event(unique_id="a"), event("Other", unique_id="a")), group(BO, event(unique_id="a"))]
    assert send(api, *rows).status == 202
    assert count(sandbox) == before + 3


def test_without_a_key_the_second_is_one(api: Api, sandbox: Sandbox) -> None:
    before = count(sandbox)
    assert send(api, group(ANNA, event(), event())).status == 202
    assert count(sandbox) == before + 1


def test_example_addresses_vanish_alone(api: Api, sandbox: Sandbox) -> None:
    before = count(sandbox)
    assert send(api, group("a@test.com", event()), group(ANNA, event())).status == 202
    assert count(sandbox) == before + 1
    assert api.get("/api/profiles", filter='equals(email,"a@test.com")').ids == []


def test_identifiers_of_two_profiles_are_accepted_and_lost(api: Api, sandbox: Sandbox) -> None:
    before = count(sandbox)
    clash = {"type": "profile", "attributes": {"email": ANNA, "external_id": "customer-2"}}
    assert send(api, group(clash, event()), group(BO, event())).status == 202
    assert count(sandbox) == before + 1


@pytest.mark.parametrize(
    ("bad", "place"),
    [
        (group("nobody", event()), "profile/data/attributes/email"),
        (group({"type": "profile", "attributes": {}}, event()), "profile/data/attributes"),
        (group("a" * 90 + "@shop.example", event()), "profile/data/attributes/email"),
        (group(ANNA, event(time="1999-01-01T00:00:00Z")), "events/data/0/attributes/time"),
        (group(ANNA, event(unique_id="x" * 256)), "events/data/0/attributes/unique_id"),
        (group(ANNA, event(properties={"a": "x" * 102_401})), "events/data/0/attributes/properties/a"),
        (group(ANNA, event(properties={"a": [0] * 4001})), "events/data/0/attributes/properties/a"),
        (
            group(ANNA, event(properties={"a": [{"b": "x" * 102_401}]})),
            "events/data/0/attributes/properties/a/0/b",
        ),
    ],
)
def test_one_that_cannot_be_refuses_all(api: Api, sandbox: Sandbox, bad: Any, place: str) -> None:
    before = count(sandbox)
    reply = send(api, group(BO, event()), bad)
    assert (reply.status, reply.source) == (400, {"pointer": f"{GROUPS}/1/attributes/{place}"})
    assert count(sandbox) == before


def test_what_is_just_small_enough(api: Api, sandbox: Sandbox) -> None:
    before = count(sandbox)
    properties: dict[str, Any] = {f"p{number}": 1 for number in range(399)} | {"a": [0] * 4000}
    events = [
        event(unique_id="x" * 255, properties=properties),
        event("y" * 127, properties={"b": "x" * 102_400}),
    ]
    address = "a" * 87 + "@shop.example"
    assert len(address) == 100
    assert send(api, group(address, *events)).status == 202
    assert count(sandbox) == before + 2
    large = {"type": "profile", "attributes": {"email": ANNA, "properties": {"x": "y" * 97_280}}}
    pointer = f"{GROUPS}/0/attributes/profile/data"
    assert send(api, group(large, event())).source == {"pointer": pointer}


@pytest.mark.parametrize(("deep", "status"), [(10, 202), (11, 400)])
def test_objects_may_be_ten_deep(api: Api, deep: int, status: int) -> None:
    value: Any = 1
    for _ in range(deep):
        value = {"a": value}
    assert send(api, group(ANNA, event(properties={"a": value}))).status == status


@pytest.mark.parametrize(("number", "status"), [(0, 400), (1000, 202), (1001, 400)])
def test_a_thousand_events_at_most(api: Api, number: int, status: int) -> None:
    events = [event(unique_id=str(one)) for one in range(number)]
    reply = send(api, group(ANNA, *events[: number // 2]), group(BO, *events[number // 2 :]))
    assert reply.status == status
