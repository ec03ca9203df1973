"""Profiles: identifiers that clash, nulls that clear, import that finds or creates."""

from __future__ import annotations

from typing import Any

import pytest

from klaviyo_analytics.sandbox import Sandbox
from tests.http.clocks import Clock
from tests.sandbox.api import Api, data

ANNA = "/api/profiles/01ANNA"


def patch(api: Api, meta: Any = None, **attributes: Any) -> dict[str, Any]:
    reply = api.patch(ANNA, data("profile", "01ANNA", meta=meta, **attributes))
    assert reply.status == 200, reply.body
    return dict(reply.json["data"]["attributes"])


class TestCreate:
    def test_what_is_not_given_is_null(self, api: Api) -> None:
        reply = api.post("/api/profiles", data("profile", email="dora@shop.example", properties={"a": 1}))
        attributes = reply.json["data"]["attributes"]
        assert reply.status == 201
        assert (attributes["email"], attributes["phone_number"], attributes["properties"]) == (
            "dora@shop.example",
            None,
            {"a": 1},
        )
        assert attributes["created"] == "2026-01-20T12:00:00+00:00"
        assert set(attributes["location"].values()) == {None}
        assert api.get(f"/api/profiles/{reply.json['data']['id']}").json["data"]["attributes"] == attributes

    @pytest.mark.parametrize(
        ("attributes", "name"),
        [
            ({"email": "anna@shop.example"}, "email"),
            ({"email": "ANNA@shop.example"}, "email"),
            ({"email": "new@shop.example", "external_id": "customer-1"}, "external_id"),
        ],
    )
    def test_one_that_exists_is_a_conflict_that_names_it(self, api: Api, attributes: Any, name: str) -> None:
        reply = api.post("/api/profiles", data("profile", **attributes))
        assert (reply.status, reply.error["code"]) == (409, "duplicate_profile")
        assert reply.error["meta"] == {"duplicate_profile_id": "01ANNA"}
        assert reply.source == {"pointer": f"/data/attributes/{name}"}

    @pytest.mark.parametrize(
        ("attributes", "place"),
        [
            ({}, ""),
            ({"first_name": "Nobody"}, ""),
            ({"email": "no-at-sign"}, "/email"),
            ({"phone_number": "0171 234"}, "/phone_number"),
            ({"email": "a@b.example", "subscriptions": {}}, "/subscriptions"),
            ({"email": "a@b.example", "_kx": "x"}, "/_kx"),
        ],
    )
    def test_what_cannot_be(self, api: Api, attributes: Any, place: str) -> None:
        reply = api.post("/api/profiles", data("profile", **attributes))
        assert (reply.status, reply.source) == (400, {"pointer": f"/data/attributes{place}"})

    def test_100_kb_at_most(self, api: Api) -> None:
        reply = api.post(
            "/api/profiles", data("profile", email="a@b.example", properties={"a": "x" * 102_400})
        )
        assert reply.status == 413


class TestUpdate:
    def test_null_clears_and_absence_keeps(self, api: Api, clock: Clock) -> None:
        clock.now += 60
        after = patch(api, first_name=None, title="Dr")
        assert (after["first_name"], after["title"], after["email"]) == (None, "Dr", "anna@shop.example")
        assert after["updated"] == "2026-01-20T12:01:00+00:00"

    def test_location_and_properties_are_merged(self, api: Api) -> None:
        after = patch(api, location={"city": "Bergen"}, properties={"colour": "red", "tier": None})
        assert after["location"] == {"city": "Bergen", "country": "Norway", "latitude": 59.9}
        assert after["properties"] == {"tier": None, "colour": "red"}

    def test_append_unappend_unset(self, api: Api) -> None:
        assert patch(api, {"patch_properties": {"append": {"skus": "a"}}})["properties"]["skus"] == ["a"]
        assert patch(api, {"patch_properties": {"append": {"skus": ["b", "c"]}}})["properties"]["skus"] == [
            "a",
            "b",
            "c",
        ]
        assert patch(api, {"patch_properties": {"unappend": {"skus": ["a", "c"]}}})["properties"]["skus"] == [
            "b"
        ]
        assert patch(api, {"patch_properties": {"unset": "skus"}})["properties"] == {"tier": 1}
        assert patch(api, {"patch_properties": {"unset": ["tier", "none"]}})["properties"] == {}

    def test_anothers_identifier_is_a_conflict(self, api: Api) -> None:
        reply = api.patch(ANNA, data("profile", "01ANNA", phone_number="+4712345678"))
        assert reply.error["meta"] == {"duplicate_profile_id": "01BO"}
        assert patch(api, email="anna@shop.example")["email"] == "anna@shop.example", "its own is none"


class TestImport:
    def test_it_finds_by_any_identifier(self, api: Api) -> None:
        for attributes in ({"email": "anna@shop.example"}, {"external_id": "customer-1"}):
            reply = api.post("/api/profile-import", data("profile", first_name="A", **attributes))
            assert (reply.status, reply.json["data"]["id"]) == (200, "01ANNA")
        assert api.get(ANNA).json["data"]["attributes"]["first_name"] == "A"

    def test_it_creates_what_it_does_not_find(self, api: Api) -> None:
        body = data("profile", email="new@shop.example", meta={"patch_properties": {"append": {"skus": "a"}}})
        reply = api.post("/api/profile-import", body)
        assert (reply.status, reply.json["data"]["attributes"]["properties"]) == (201, {"skus": ["a"]})
        assert api.post("/api/profile-import", body).status == 200

    def test_an_id_that_does_not_exist(self, api: Api) -> None:
        assert api.post("/api/profile-import", data("profile", "none", first_name="A")).status == 404

    def test_identifiers_of_two_profiles(self, api: Api) -> None:
        body = data("profile", email="anna@shop.example", phone_number="+4712345678")
        assert api.post("/api/profile-import", body).status == 409


def test_a_new_profile_is_found_by_its_identifiers(api: Api, sandbox: Sandbox) -> None:
    made = api.post("/api/profiles", data("profile", email="o'neil+1@shop.example")).json["data"]["id"]
    assert api.get("/api/profiles", filter="equals(email,'o\\'neil+1@shop.example')").ids == [made]
    assert made in sandbox.account.records["profile"]
