"""Bulk imports: jobs that go on when they are asked for or when time passes, and an outcome for each profile."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from klaviyo_analytics.sandbox import Sandbox
from tests.http.clocks import Clock
from tests.sandbox.api import Api, Reply, data, identifiers

JOBS = "/api/profile-bulk-import-jobs"
ANNA = "anna@shop.example"
DAY = 86_400


def person(id_: str | None = None, /, meta: Any = None, **attributes: Any) -> dict[str, Any]:
    return dict(data("profile", id_, meta=meta, **attributes)["data"])


def send(api: Api, *people: dict[str, Any], lists: tuple[str, ...] = ()) -> Reply:
    links = {"lists": identifiers("list", *lists)} if lists else None
    return api.post(JOBS, data("profile-bulk-import-job", links=links, profiles={"data": list(people)}))


def own(reply: Reply) -> str:
    return f"{JOBS}/{quote(reply.json['data']['id'], safe='')}"


def finish(api: Api, reply: Reply) -> dict[str, Any]:
    """Ask for a job until it is done."""
    assert reply.status == 202, reply.body
    for _ in range(5):
        attributes = api.get(own(reply)).json["data"]["attributes"]
        if attributes["status"] == "complete":
            return dict(attributes)
    raise AssertionError(attributes)


def read(api: Api, email: str) -> dict[str, Any]:
    return dict(api.get("/api/profiles", filter=f'equals(email,"{email}")').json["data"][0]["attributes"])


class TestJob:
    people = tuple(person(email=f"p{number}@shop.example") for number in range(5))

    def test_it_goes_on_with_every_look_at_it(self, api: Api) -> None:
        reply = send(api, *self.people)
        seen = [reply] + [api.get(own(reply)) for _ in range(3)]
        states = [one.json["data"]["attributes"] for one in seen]
        assert [(state["status"], state["completed_count"]) for state in states] == [
            ("queued", 0),
            ("processing", 3),
            ("complete", 5),
            ("complete", 5),
        ]
        assert {state["total_count"] for state in states} == {5}
        assert [state["started_at"] is None for state in states] == [True, False, False, False]
        assert [state["completed_at"] is None for state in states] == [True, True, False, False]

    def test_it_goes_on_with_time(self, api: Api, clock: Clock) -> None:
        reply = send(api, *self.people)
        found = []
        for _ in range(3):
            found.append(len(api.get(f"{own(reply)}/profiles").ids))
            clock.now += 1
        assert found == [0, 3, 5]

    def test_nothing_is_there_before_its_time(self, api: Api) -> None:
        send(api, *self.people)
        assert api.get("/api/profiles", filter='equals(email,"p0@shop.example")').ids == []

    def test_it_expires(self, api: Api, clock: Clock) -> None:
        reply = send(api, *self.people, person("none"))
        assert finish(api, reply)["expires_at"] == "2026-01-27T12:00:00+00:00"
        clock.now += 7 * DAY
        for path in ("", "/profiles", "/import-errors"):
            assert api.get(own(reply) + path).status == 404
        assert api.get(JOBS).ids == []
        assert read(api, "p0@shop.example")["email"] == "p0@shop.example", "what it did stays"

    def test_jobs_are_listed_by_status(self, api: Api, clock: Clock) -> None:
        first = send(api, *self.people)
        finish(api, first)
        clock.now += 0.5
        second = send(api, *self.people)
        assert api.get(JOBS, filter='equals(status,"complete")').ids == [first.json["data"]["id"]]
        assert api.get(JOBS, filter='any(status,["queued","processing"])').ids == [second.json["data"]["id"]]


class TestUpsert:
    def test_profiles_are_found_by_any_identifier(self, api: Api, sandbox: Sandbox) -> None:
        before = len(sandbox.account.records["profile"])
        reply = send(
            api,
            person(email="ANNA@shop.example", first_name="by email"),
            person(phone_number="+4712345678", first_name="by phone"),
            person(external_id="customer-3", first_name="by external id"),
            person("01ANNA", last_name="by id"),
            person(email="new@shop.example", phone_number="+4799999999"),
        )
        counts = finish(api, reply)
        assert (counts["completed_count"], counts["failed_count"]) == (5, 0)
        names = [
            api.get(f"/api/profiles/{id_}").json["data"]["attributes"] for id_ in ("01ANNA", "01BO", "01CY")
        ]
        assert [name["first_name"] for name in names] == ["by email", "by phone", "by external id"]
        assert names[0]["last_name"] == "by id"
        assert len(sandbox.account.records["profile"]) == before + 1
        assert set(api.get(f"{own(reply)}/profiles").ids) >= {"01ANNA", "01BO", "01CY"}
        assert len(api.get(f"{own(reply)}/relationships/profiles").ids) == 4, "each once"

    def test_two_of_one_request_may_be_the_same(self, api: Api) -> None:
        reply = send(
            api, person(email="x@shop.example", title="A"), person(email="X@shop.example", title="B")
        )
        assert finish(api, reply)["completed_count"] == 2
        assert read(api, "X@shop.example")["title"] == "B"

    def test_nulls_clear_nothing(self, api: Api) -> None:
        nothing: dict[str, Any] = {
            "first_name": None,
            "location": {"city": None},
            "properties": {"tier": None},
        }
        finish(api, send(api, person(email=ANNA, **nothing)))
        found = read(api, ANNA)
        assert (found["first_name"], found["location"]["city"], found["properties"]) == (
            "Anna",
            "Oslo",
            {"tier": 1},
        )

    def test_properties_are_patched(self, api: Api) -> None:
        patch = {"append": {"skus": "a"}, "unset": "tier"}
        finish(api, send(api, person(meta={"patch_properties": patch}, email=ANNA, properties={"new": 1})))
        assert read(api, ANNA)["properties"] == {"new": 1, "skus": ["a"]}

    def test_they_join_the_lists(self, api: Api, clock: Clock) -> None:
        clock.now += 60
        reply = send(api, person(email="x@shop.example"), person(email=ANNA), lists=("LIST01", "LIST02"))
        assert api.get(f"{own(reply)}/lists").ids == ["LIST01", "LIST02"]
        assert api.get(f"{own(reply)}/relationships/lists").ids == ["LIST01", "LIST02"]
        finish(api, reply)
        members = api.get("/api/lists/LIST02/profiles").json["data"]
        assert {one["attributes"]["email"] for one in members} == {"x@shop.example", ANNA}
        assert {one["attributes"]["joined_group_at"] for one in members} == {"2026-01-20T12:01:00+00:00"}
        consent = api.get(
            "/api/profiles",
            filter='equals(email,"x@shop.example")',
            additional_fields__profile="subscriptions",
        )
        subscriptions = consent.json["data"][0]["attributes"]["subscriptions"]
        assert subscriptions["email"]["marketing"]["consent"] == "NEVER_SUBSCRIBED"


class TestErrors:
    def test_each_profile_that_fails_has_an_error(self, api: Api, sandbox: Sandbox) -> None:
        clash = person(email=ANNA, external_id="customer-2", title="T")
        unknown = person("none", title="T")
        reply = send(api, person(email="x@shop.example"), clash, unknown)
        counts = finish(api, reply)
        assert (counts["completed_count"], counts["failed_count"]) == (1, 2)
        errors = [one["attributes"] for one in api.get(f"{own(reply)}/import-errors").json["data"]]
        place = "/data/attributes/profiles/data"
        assert {(one["code"], one["title"], one["source"]["pointer"]) for one in errors} == {
            ("duplicate_profile", "Conflict.", f"{place}/1/attributes/external_id"),
            ("not_found", "Not found.", f"{place}/2/id"),
        }
        assert all(one["detail"] for one in errors)
        assert sorted(one["original_payload"].get("id", "") for one in errors) == ["", "none"]
        assert clash in [one["original_payload"] for one in errors]
        assert sandbox.account.records["profile"]["01ANNA"].attributes["title"] is None

    def test_errors_come_in_pages(self, api: Api) -> None:
        reply = send(api, *[person(f"none-{number}") for number in range(25)])
        finish(api, reply)
        pages = api.pages(f"{own(reply)}/import-errors")
        assert [len(page.ids) for page in pages] == [20, 5]


class TestRefused:
    @pytest.mark.parametrize(
        ("bad", "place"),
        [
            ({"email": "no-at-sign"}, "/email"),
            ({"email": "a@b.example", "phone_number": "0171"}, "/phone_number"),
            ({"first_name": "Nobody"}, ""),
            ({"email": "a@b.example", "subscriptions": {}}, "/subscriptions"),
        ],
    )
    def test_one_that_cannot_be_refuses_all(self, api: Api, sandbox: Sandbox, bad: Any, place: str) -> None:
        reply = send(api, person(email="fine@shop.example"), person(**bad))
        assert reply.status == 400
        assert reply.source == {"pointer": f"/data/attributes/profiles/data/1/attributes{place}"}
        assert api.get(JOBS).ids == []

    def test_all_that_is_wrong_is_told(self, api: Api) -> None:
        reply = send(api, person(email="a"), person(phone_number="b"))
        pointers = [error["source"]["pointer"] for error in reply.json["errors"]]
        place = "/data/attributes/profiles/data"
        assert pointers == [f"{place}/0/attributes/email", f"{place}/1/attributes/phone_number"]

    def test_ten_thousand_at_most(self, api: Api) -> None:
        many = [person(external_id=str(number)) for number in range(10_001)]
        assert send(api, *many).source == {"pointer": "/data/attributes/profiles/data"}
        assert send(api, *many[1:]).status == 202
        assert send(api).status == 400

    def test_a_profile_may_have_100_kb(self, api: Api) -> None:
        large = person(email="a@b.example", properties={"x": "y" * 102_400})
        reply = send(api, person(email="c@b.example"), large)
        assert (reply.status, reply.source) == (413, {"pointer": "/data/attributes/profiles/data/1"})

    def test_a_list_must_exist(self, api: Api) -> None:
        assert send(api, person(email="a@b.example"), lists=("none",)).status == 404
        assert api.get(JOBS).ids == []
