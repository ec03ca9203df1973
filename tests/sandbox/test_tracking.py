"""Events that come in: stored once, with their profile and metric, and read back from every side."""

from __future__ import annotations

from typing import Any

import pytest

from klaviyo_analytics.sandbox import Sandbox
from tests.sandbox.accounts import NOW
from tests.sandbox.api import Api, data


def event(
    *, name: str = "Scored", email: str = "anna@shop.example", service: str | None = None, **attributes: Any
) -> Any:
    metric_attributes = {"name": name} | ({"service": service} if service else {})
    metric = {"data": {"type": "metric", "attributes": metric_attributes}}
    profile = {"data": {"type": "profile", "attributes": {"email": email}}}
    return data("event", **{"properties": {}, "metric": metric, "profile": profile} | attributes)


def newest(api: Api) -> dict[str, Any]:
    return dict(api.get("/api/events", page__size=1, sort="-datetime", include="metric,profile").json)


def count(sandbox: Sandbox) -> int:
    return len(sandbox.account.events.ids)


class TestStored:
    def test_it_is_read_back(self, api: Api) -> None:
        reply = api.post(
            "/api/events", event(properties={"level": 3}, value=9.5, value_currency="EUR", unique_id="u-1")
        )
        assert (reply.status, reply.body) == (202, b"")
        page = newest(api)
        assert page["data"][0]["attributes"]["event_properties"] == {
            "level": 3,
            "$event_id": "u-1",
            "$value": 9.5,
            "$value_currency": "EUR",
        }
        assert page["data"][0]["attributes"]["timestamp"] == NOW
        metric, profile = sorted(page["included"], key=lambda item: str(item["type"]))
        assert (metric["attributes"]["name"], metric["attributes"]["integration"]["name"]) == (
            "Scored",
            "API",
        )
        assert profile["id"] == "01ANNA"
        assert profile["attributes"]["last_event_date"] == "2026-01-20T12:00:00+00:00"

    def test_an_old_one_finds_its_place(self, api: Api, sandbox: Sandbox) -> None:
        api.post("/api/events", event(time="2026-01-17T12:00:00Z"))
        ids = api.all_ids("/api/events", sort="datetime")
        assert [index for index, id_ in enumerate(ids) if not id_.startswith("ev")] == [6], (
            "after those it ties with"
        )
        assert sandbox.account.events.ids == ids
        assert (sandbox.account.events.time[1:] >= sandbox.account.events.time[:-1]).all()

    def test_the_metric_of_a_service_is_another_one(self, api: Api) -> None:
        api.post("/api/events", event(name="Placed Order"))
        names = [item["attributes"] for item in api.get("/api/metrics").json["data"]]
        services = sorted(item["integration"]["name"] for item in names if item["name"] == "Placed Order")
        assert services == ["API", "eCommerce"]
        api.post("/api/events", event(name="Placed Order", service="eCommerce", unique_id="x"))
        assert len(api.get("/api/events", filter='equals(metric_id,"PLACED")').ids) == 5

    def test_the_same_unique_id_is_stored_once(self, api: Api, sandbox: Sandbox) -> None:
        before = count(sandbox)
        for value in (1, 2):
            assert api.post("/api/events", event(unique_id="u", value=value)).status == 202
        assert count(sandbox) == before + 1
        assert newest(api)["data"][0]["attributes"]["event_properties"]["$value"] == 1
        api.post("/api/events", event(unique_id="u", name="Another"))
        api.post("/api/events", event(unique_id="u", email="bo+list@shop.example"))
        assert count(sandbox) == before + 3

    def test_without_a_unique_id_the_second_is_the_key(self, api: Api, sandbox: Sandbox) -> None:
        before = count(sandbox)
        for time in ("2026-01-19T10:00:00.1Z", "2026-01-19T10:00:00.9Z", "2026-01-19T10:00:01Z"):
            api.post("/api/events", event(time=time))
        assert count(sandbox) == before + 2

    def test_ids_known_from_the_start_count_too(self, api: Api, sandbox: Sandbox) -> None:
        before = count(sandbox)
        api.post("/api/events", event(name="Placed Order", service="eCommerce", unique_id="k0"))
        assert count(sandbox) == before

    def test_it_creates_and_updates_its_profile(self, api: Api) -> None:
        attributes = {"email": "new@shop.example", "first_name": "New", "properties": {"a": 1}}
        attributes["meta"] = {"patch_properties": {"append": {"skus": "x"}}}
        api.post("/api/events", event(profile={"data": {"type": "profile", "attributes": attributes}}))
        profile = api.get("/api/profiles", filter='equals(email,"new@shop.example")').json["data"][0]
        assert profile["attributes"]["first_name"] == "New"
        assert profile["attributes"]["properties"] == {"a": 1, "skus": ["x"]}

    def test_nothing_is_not_stored(self, api: Api) -> None:
        properties: dict[str, Any] = {
            "zero": 0,
            "null": None,
            "empty": "",
            "false": False,
            "list": [],
            "text": "0",
        }
        api.post("/api/events", event(properties=properties, unique_id="u"))
        stored = newest(api)["data"][0]["attributes"]["event_properties"]
        assert stored == {"false": False, "list": [], "text": "0", "$event_id": "u"}

    def test_example_addresses_are_accepted_and_dropped(self, api: Api, sandbox: Sandbox) -> None:
        before = count(sandbox)
        assert api.post("/api/events", event(email="a@example.com")).status == 202
        assert count(sandbox) == before


class TestRefused:
    @pytest.mark.parametrize(
        ("attributes", "place"),
        [
            ({"time": "1999-12-31T00:00:00Z"}, "time"),
            ({"time": "2027-06-01T00:00:00Z"}, "time"),
            ({"time": "yesterday"}, "time"),
            ({"value": "9"}, "value"),
            ({"properties": {str(number): 1 for number in range(401)}}, "properties"),
            ({"name": ""}, "metric/data/attributes/name"),
            ({"name": "x" * 128}, "metric/data/attributes/name"),
            ({"email": "nobody"}, "profile/data/attributes/email"),
            ({"profile": {"data": {"type": "profile"}}}, "profile/data/attributes"),
            ({"profile": {"data": {"type": "profile", "attributes": {}}}}, "profile/data/attributes"),
        ],
    )
    def test_400_at_the_attribute(self, api: Api, sandbox: Sandbox, attributes: Any, place: str) -> None:
        before = count(sandbox)
        reply = api.post("/api/events", event(**attributes))
        assert (reply.status, reply.source) == (400, {"pointer": f"/data/attributes/{place}"})
        assert count(sandbox) == before
