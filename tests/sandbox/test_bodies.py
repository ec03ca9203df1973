"""Bodies checked against the condensed schemas: every wrong place is named."""

from __future__ import annotations

from typing import Any

import pytest

from klaviyo_analytics.sandbox.app.contract import REVISION, load_contract
from klaviyo_analytics.sandbox.app.request_checks import find_problems
from tests.sandbox.api import Api, data


def pointers(operation: str, body: Any) -> list[str]:
    schema = load_contract().operations[operation].body
    assert schema is not None
    return [problem.source["pointer"] for problem in find_problems(schema, body, "")]


CAMPAIGN = {
    "name": "Spring",
    "audiences": {"included": ["LIST01"]},
    "send_strategy": {"method": "static", "datetime": "2026-03-01T10:00:00Z"},
    "campaign-messages": {
        "data": [
            {
                "type": "campaign-message",
                "attributes": {"definition": {"channel": "email", "content": {"subject": "Hi"}}},
            }
        ]
    },
}
MESSAGE = "/data/attributes/campaign-messages/data/0/attributes"


class TestPlaces:
    @pytest.mark.parametrize(
        ("body", "places"),
        [
            ({"data": {"type": "list", "attributes": {"name": "A"}}}, []),
            ({"data": {"type": "list", "attributes": {"name": "A", "opt_in_process": None}}}, []),
            ({}, ["/data"]),
            (None, ["/"]),
            ([], ["/"]),
            ({"data": []}, ["/data"]),
            ({"data": {"attributes": {"name": "A"}}}, ["/data/type"]),
            ({"data": {"type": "lists", "attributes": {"name": "A"}}}, ["/data/type"]),
            ({"data": {"type": "list", "attributes": {}}}, ["/data/attributes/name"]),
            ({"data": {"type": "list", "attributes": {"name": 5}}}, ["/data/attributes/name"]),
            ({"data": {"type": "list", "attributes": {"name": None}}}, ["/data/attributes/name"]),
            ({"data": {"type": "list", "attributes": {"name": "A", "nmae": 1}}}, ["/data/attributes/nmae"]),
            (
                {
                    "data": {"type": "list", "attributes": {"name": "A", "opt_in_process": "triple"}},
                    "meta": {},
                },
                ["/data/attributes/opt_in_process", "/meta"],
            ),
        ],
    )
    def test_of_a_list(self, body: Any, places: list[str]) -> None:
        assert pointers("create_list", body) == places

    def test_of_members(self) -> None:
        body = {"data": [{"type": "profile", "id": "a"}, {"type": "list", "id": "b"}, {"type": "profile"}]}
        assert pointers("add_profiles_to_list", body) == ["/data/1/type", "/data/2/id"]
        assert pointers("add_profiles_to_list", {"data": {"type": "profile", "id": "a"}}) == ["/data"]

    def test_types(self) -> None:
        def create(**attributes: Any) -> list[str]:
            known = {"external_id": "1", "title": "T", "description": "D", "url": "https://x"}
            return pointers("create_catalog_item", data("catalog-item", **known | attributes))

        assert create(price=5, published=False, custom_metadata={"anything": [1]}) == []
        assert create(price="5") == ["/data/attributes/price"]
        assert create(price=True) == ["/data/attributes/price"]
        assert create(published=1) == ["/data/attributes/published"]
        assert create(images=["a", 2]) == ["/data/attributes/images/1"]

    def test_a_datetime(self) -> None:
        def create(time: str) -> list[str]:
            links = {"coupon": {"type": "coupon", "id": "TEN"}}
            body = data("coupon-code", links=links, unique_code="A", expires_at=time)
            return pointers("create_coupon_code", body)

        for good in ("T00:00:00Z", "T00:00:00.5+05:30", "T00:00", " 00:00:00"):
            assert create(f"2026-01-01{good}") == [], good
        for bad in (
            "tomorrow",
            "2026-01-01",
            "20260101T000000Z",
            "2026-W01-1T00:00",
            "2026-02-30T00:00:00Z",
            "",
        ):
            assert create(bad) == ["/data/attributes/expires_at"], bad

    @pytest.mark.parametrize(("day", "good"), [("2026-03-01", True), ("2026-03-01T00:00:00Z", False)])
    def test_a_date_has_no_time(self, day: str, good: bool) -> None:
        strategy = {"method": "smart_send_time", "date": day}
        found = pointers("create_campaign", data("campaign", **CAMPAIGN | {"send_strategy": strategy}))
        assert found == ([] if good else ["/data/attributes/send_strategy/date"])


class TestAlternatives:
    """Of several shapes, the complaint is about the one that was meant."""

    def test_a_right_campaign(self) -> None:
        assert pointers("create_campaign", data("campaign", **CAMPAIGN)) == []

    @pytest.mark.parametrize(
        ("attributes", "places"),
        [
            ({"send_strategy": {"method": "static"}}, ["/data/attributes/send_strategy/datetime"]),
            ({"send_strategy": {"method": "now"}}, ["/data/attributes/send_strategy/method"]),
            (
                {
                    "send_strategy": {
                        "method": "throttled",
                        "datetime": "2026-03-01T10:00:00Z",
                        "throttle_percentage": 12,
                    }
                },
                ["/data/attributes/send_strategy/throttle_percentage"],
            ),
            (
                {
                    "campaign-messages": {
                        "data": [{"type": "campaign-message", "attributes": {"channel": "email"}}]
                    }
                },
                [f"{MESSAGE}/definition", f"{MESSAGE}/channel"],
            ),
        ],
    )
    def test_a_wrong_campaign(self, attributes: dict[str, Any], places: list[str]) -> None:
        assert pointers("create_campaign", data("campaign", **CAMPAIGN | attributes)) == places

    def test_a_wrong_segment_condition(self) -> None:
        condition = {"type": "profile-group-membership", "is_member": True, "group_ids": "LIST01"}
        definition = {"condition_groups": [{"conditions": [condition]}]}
        places = pointers("create_segment", data("segment", name="S", definition=definition))
        assert places == ["/data/attributes/definition/condition_groups/0/conditions/0/group_ids"]


def test_all_mistakes_come_in_one_answer(api: Api) -> None:
    reply = api.post("/api/lists", data("lists", opt_in_process="triple"))
    assert reply.status == 400
    assert {error["source"]["pointer"] for error in reply.json["errors"]} == {
        "/data/type",
        "/data/attributes/name",
        "/data/attributes/opt_in_process",
    }


@pytest.mark.parametrize(
    ("revision", "schema", "whole", "place"),
    [
        ("2026-01-15", "SkipToSuccess", {"type": "skip_to_success"}, "properties"),
        ("2026-01-15", "ExitIntent", {"type": "exit_intent"}, "properties"),
        ("2026-07-15", "ColumnV1", {}, "data"),
        ("2026-07-15", "CustomHTML", {"type": "custom_html", "properties": {"content": "x"}}, "styles"),
    ],
)
def test_an_object_that_holds_nothing_takes_nothing(
    revision: str, schema: str, whole: dict[str, Any], place: str
) -> None:
    token = REVISION.set(revision)
    try:
        known = load_contract().schemas[schema]
        assert [one.source["pointer"] for one in find_problems(known, {**whole, place: {}}, "")] == []
        problems = find_problems(known, {**whole, place: {"color": "red"}}, "")
    finally:
        REVISION.reset(token)
    assert [(one.source["pointer"], one.detail) for one in problems] == [
        (f"/{place}", "There may be at most 0 fields here, not 1.")
    ]
