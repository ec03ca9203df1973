"""Profiles merged and deleted: what becomes of their data, groups and events."""

from __future__ import annotations

from typing import Any

import pytest

from klaviyo_analytics.sandbox import Sandbox
from tests.http.clocks import Clock
from tests.sandbox.api import Api, Reply, data, identifiers

ANNA, BO, CY = "01ANNA", "01BO", "01CY"


def merge(api: Api, goal: str, *sources: str) -> Reply:
    body = data("profile-merge", goal, links={"profiles": identifiers("profile", *sources)})
    del body["data"]["attributes"]
    return api.post("/api/profile-merge", body)


def events_of(api: Api, profile: str) -> list[str]:
    return api.all_ids("/api/events", filter=f'equals(profile_id,"{profile}")')


def erase(api: Api, id_: str | None = None, **attributes: str) -> Reply:
    profile = {"data": data("profile", id_, **attributes)["data"]}
    return api.post("/api/data-privacy-deletion-jobs", data("data-privacy-deletion-job", profile=profile))


class TestMerge:
    def test_the_destination_keeps_what_it_knows_and_learns_the_rest(self, api: Api, clock: Clock) -> None:
        clock.now += 60
        reply = merge(api, CY, BO)
        assert (reply.status, reply.json["data"]["type"], reply.json["data"]["id"]) == (201, "profile", CY)
        found = api.get(f"/api/profiles/{CY}").json["data"]["attributes"]
        assert (found["external_id"], found["first_name"]) == ("customer-3", "Cy")
        assert (found["email"], found["phone_number"]) == ("bo+list@shop.example", "+4712345678")
        assert found["properties"] == {"tier": 2}
        assert found["updated"] == "2026-01-20T12:01:00+00:00"
        assert api.get(f"/api/profiles/{BO}").status == 404
        assert (
            api.post("/api/profile-import", data("profile", email="bo+list@shop.example")).json["data"]["id"]
            == CY
        )

    def test_groups_events_and_codes_go_over(self, api: Api, sandbox: Sandbox) -> None:
        theirs = events_of(api, ANNA) + events_of(api, CY)
        joined = sandbox.account.members["LIST01"][ANNA]
        merge(api, CY, ANNA)
        assert sorted(events_of(api, CY)) == sorted(theirs)
        assert sandbox.account.members["LIST01"][CY] == joined, "the earlier time of joining"
        assert sandbox.account.records["coupon-code"]["TEN-A1"].relationships["profile"] == CY
        repeated = {"unique_id": "k0", "properties": {}, "profile": {"data": data("profile", CY)["data"]}}
        metric = {"data": {"type": "metric", "attributes": {"name": "Placed Order", "service": "eCommerce"}}}
        before = len(sandbox.account.events.ids)
        api.post("/api/events", data("event", metric=metric, **repeated))
        assert len(sandbox.account.events.ids) == before, "an event that went over is known"

    def test_consent_fills_a_gap_and_nothing_else(self, api: Api, sandbox: Sandbox) -> None:
        people = sandbox.account.records["profile"]
        sms = {"marketing": {"consent": "SUBSCRIBED", "can_receive_sms_marketing": True}}
        people[BO].attributes["subscriptions"]["sms"] = sms
        people[CY].attributes["subscriptions"]["email"]["marketing"]["consent"] = "NEVER_SUBSCRIBED"
        merge(api, CY, BO)
        known = people[CY].attributes["subscriptions"]
        assert (known["sms"], known["email"]["marketing"]["consent"]) == (sms, "SUBSCRIBED")
        people[CY].attributes["subscriptions"]["email"]["marketing"]["consent"] = "UNSUBSCRIBED"
        merge(api, CY, ANNA)
        assert known["email"]["marketing"]["consent"] == "UNSUBSCRIBED", "who has left has left"

    def test_into_somebody_without_events(self, api: Api) -> None:
        new = api.post("/api/profiles", data("profile", external_id="new")).json["data"]["id"]
        theirs = events_of(api, BO)
        merge(api, new, BO)
        assert events_of(api, new) == theirs

    @pytest.mark.parametrize(
        ("goal", "sources", "status"),
        [(CY, [ANNA, BO], 400), (CY, [], 400), (CY, [CY], 400), (CY, ["none"], 404), ("none", [CY], 404)],
    )
    def test_refused(self, api: Api, goal: str, sources: list[str], status: int) -> None:
        assert merge(api, goal, *sources).status == status
        assert api.get(f"/api/profiles/{CY}").status == 200


class TestDeletion:
    @pytest.mark.parametrize(
        "who", [{"id_": BO}, {"email": "bo+list@shop.example"}, {"phone_number": "+4712345678"}]
    )
    def test_nothing_of_the_profile_is_left(self, api: Api, sandbox: Sandbox, who: Any) -> None:
        theirs = events_of(api, BO)
        reply = erase(api, **who)
        assert (reply.status, reply.body) == (202, b"")
        assert api.get(f"/api/profiles/{BO}").status == 404
        assert BO not in sandbox.account.members["LIST01"]
        event = api.get(f"/api/events/{theirs[0]}", include="profile").json
        assert event["included"] == [], "the event stays, and nobody did it"
        assert events_of(api, BO) == []

    def test_a_new_profile_may_have_the_address(self, api: Api) -> None:
        erase(api, email="anna@shop.example")
        assert api.post("/api/profiles", data("profile", email="anna@shop.example")).status == 201

    def test_an_unknown_address_is_accepted(self, api: Api) -> None:
        assert erase(api, email="nobody@shop.example").status == 202

    @pytest.mark.parametrize(
        "who",
        [
            {},
            {"id_": BO, "email": "bo+list@shop.example"},
            {"email": "a@b.example", "phone_number": "+4712345678"},
        ],
    )
    def test_exactly_one_identifier(self, api: Api, who: Any) -> None:
        assert erase(api, **who).source == {"pointer": "/data/attributes/profile/data"}
        assert api.get(f"/api/profiles/{BO}").status == 200
