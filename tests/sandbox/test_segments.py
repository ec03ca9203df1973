"""Segments made through the API: who belongs to them, and when that is known."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from klaviyo_analytics.sandbox import Sandbox
from klaviyo_analytics.sandbox.app.segment_conditions import members_of, passes
from klaviyo_analytics.sandbox.app.store import Store
from klaviyo_analytics.sandbox.shop import build_account
from tests.http.clocks import Clock
from tests.sandbox.accounts import DAY, NOW, PLACED, iso
from tests.sandbox.api import Api, Reply, data, identifiers

ANNA, BO, CY = "01ANNA", "01BO", "01CY"
ALWAYS = {"type": "date", "operator": "alltime"}


def definition(*groups: Any) -> dict[str, Any]:
    return {"condition_groups": [{"conditions": list(group)} for group in groups]}


def number(operator: str, value: float) -> dict[str, Any]:
    return {"type": "numeric", "operator": operator, "value": value}


def owns(name: str, **wanted: Any) -> dict[str, Any]:
    return {"type": "profile-property", "property": name, "filter": wanted}


def did(count: dict[str, Any], frame: Any = None, measurement: str = "count", filters: Any = None) -> Any:
    return {
        "type": "profile-metric",
        "metric_id": PLACED,
        "measurement": measurement,
        "measurement_filter": count,
        "timeframe_filter": frame or ALWAYS,
        "metric_filters": filters,
    }


def belongs(*groups: str, is_member: bool = True, **more: Any) -> dict[str, Any]:
    return {"type": "profile-group-membership", "is_member": is_member, "group_ids": list(groups)} | more


def last(days: int) -> dict[str, Any]:
    return {"type": "date", "operator": "in-the-last", "unit": "day", "quantity": days}


def make(api: Api, *groups: Any) -> Reply:
    return api.post("/api/segments", data("segment", name="New", definition=definition(*groups)))


def members(api: Api, clock: Clock, *groups: Any) -> list[str]:
    """Create a segment and wait for its members."""
    reply = make(api, *groups)
    assert reply.status == 201, reply.body
    clock.now += 2
    return sorted(api.get(f"/api/segments/{reply.json['data']['id']}/profiles").ids)


class TestLife:
    def test_it_is_processed_while_it_is_asked_for(self, api: Api) -> None:
        reply = make(api, [belongs("LIST01")])
        path = f"/api/segments/{reply.json['data']['id']}"
        assert api.get(f"{path}/profiles").ids == []
        seen = [reply, api.get(path), api.get(path)]
        assert [one.json["data"]["attributes"]["is_processing"] for one in seen] == [True, True, False]
        assert sorted(api.get(f"{path}/relationships/profiles").ids) == [ANNA, BO, CY]
        count = api.get(path, additional_fields__segment="profile_count").json["data"]["attributes"]
        assert count["profile_count"] == 3

    def test_its_members_follow_the_account(self, api: Api, clock: Clock) -> None:
        path = f"/api/segments/{make(api, [belongs('LIST02')]).json['data']['id']}"
        clock.now += 2
        assert api.get(f"{path}/profiles").ids == []
        api.post("/api/lists/LIST02/relationships/profiles", {"data": identifiers("profile", BO)})
        clock.now += 60
        found = api.get(f"{path}/profiles").json["data"]
        assert [one["id"] for one in found] == [BO]
        assert found[0]["attributes"]["joined_group_at"] == iso(NOW + 62)
        api.post("/api/lists/LIST02/relationships/profiles", {"data": identifiers("profile", CY)})
        clock.now += 60
        assert api.get(f"{path}/profiles", sort="joined_group_at").ids == [BO, CY], "who is in stays in"
        assert api.get(f"/api/profiles/{BO}/segments").ids == sorted(["SEGM01", path[-6:]])
        api.delete("/api/lists/LIST02/relationships/profiles", {"data": identifiers("profile", BO)})
        assert api.get(f"/api/profiles/{BO}/segments").ids == ["SEGM01"]
        assert api.get(f"{path}/profiles").ids == [CY]

    def test_a_new_definition(self, api: Api, clock: Clock) -> None:
        id_ = make(api, [belongs("LIST01")]).json["data"]["id"]
        path = f"/api/segments/{id_}"
        clock.now += 2
        assert len(api.get(f"{path}/profiles").ids) == 3
        body = data("segment", id_, definition=definition([belongs("SEGM01")]), is_starred=True)
        changed = api.patch(path, body).json["data"]["attributes"]
        assert (changed["is_processing"], changed["is_starred"]) == (True, True)
        clock.now += 2
        assert api.get(f"{path}/profiles").ids == [BO]
        assert api.get(path).json["data"]["attributes"]["is_processing"] is False

    def test_one_that_is_not_active_stays_as_it_is(self, api: Api, clock: Clock) -> None:
        id_ = make(api, [belongs("LIST02")]).json["data"]["id"]
        clock.now += 2
        assert api.get(f"/api/segments/{id_}/profiles").ids == []
        api.patch(f"/api/segments/{id_}", data("segment", id_, is_active=False))
        api.post("/api/lists/LIST02/relationships/profiles", {"data": identifiers("profile", BO)})
        assert api.get(f"/api/segments/{id_}/profiles").ids == []
        api.patch(f"/api/segments/{id_}", data("segment", id_, is_active=True))
        assert api.get(f"/api/segments/{id_}/profiles").ids == [BO]

    def test_one_that_was_there_keeps_its_members(self, api: Api) -> None:
        assert api.get("/api/segments/SEGM01").status == 200
        assert api.get("/api/segments/SEGM01/profiles").ids == [BO]

    def test_a_deleted_one_is_gone(self, api: Api, sandbox: Sandbox, clock: Clock) -> None:
        id_ = make(api, [belongs("LIST01")]).json["data"]["id"]
        assert api.delete(f"/api/segments/{id_}").status == 204
        clock.now += 5
        assert (
            api.get(f"/api/segments/{id_}").status == api.get(f"/api/segments/{id_}/profiles").status == 404
        )
        assert id_ not in sandbox.account.members

    @pytest.mark.parametrize(
        ("condition", "name"),
        [
            (did(number("equals", 0)) | {"metric_id": "none"}, "metric_id"),
            (belongs("LIST01", "none"), "group_ids"),
        ],
    )
    def test_conditions_about_nothing(self, api: Api, condition: Any, name: str) -> None:
        place = f"/data/attributes/definition/condition_groups/1/conditions/0/{name}"
        assert make(api, [belongs("LIST01")], [condition]).source == {"pointer": place}


class TestConditions:
    @pytest.mark.parametrize(
        ("condition", "expected"),
        [
            (owns("first_name", type="string", operator="equals", value="Anna"), [ANNA]),
            (owns("email", type="string", operator="contains", value="+list"), [BO]),
            (owns("email", type="existence", operator="not-set"), [CY]),
            (owns("properties['tier']", type="numeric", operator="greater-than-or-equal", value=2), [BO]),
            (owns("tier", type="numeric", operator="equals", value=1), [ANNA]),
            (owns("location['city']", type="string", operator="in", value=["Oslo", "Rome"]), [ANNA, BO, CY]),
            (owns("created", type="date", operator="after", date=iso(NOW - 98 * DAY - 1)), [BO, CY]),
            (belongs("SEGM01"), [BO]),
            (belongs("SEGM01", is_member=False), [ANNA, CY]),
            (belongs("LIST01", timeframe_filter=last(2)), [BO, CY]),
            ({"type": "profile-region", "in_region": False, "region": "united_states"}, [ANNA, BO, CY]),
            ({"type": "profile-region", "in_region": True, "region": "european_union"}, []),
            (
                {
                    "type": "profile-predictive-analytics",
                    "dimension": "historic_clv",
                    "filter": number("greater-than", 15),
                },
                [BO, CY],
            ),
        ],
    )
    def test_one(self, api: Api, clock: Clock, condition: Any, expected: list[str]) -> None:
        assert members(api, clock, [condition]) == expected

    def test_metrics(self, api: Api, clock: Clock) -> None:
        """Anna ordered for 10 four days ago, Cy for 16 two days ago, Bo for 19 (list L1) a day ago."""
        for condition, expected in (
            (did(number("greater-than", 0)), [ANNA, BO, CY]),
            (did(number("equals", 0), last(3)), [ANNA]),
            (did(number("greater-than-or-equal", 16), measurement="sum"), [BO, CY]),
            (
                did(
                    number("equals", 1),
                    {"type": "date", "operator": "at-least", "unit": "day", "quantity": 3},
                ),
                [ANNA],
            ),
            (
                did(
                    number("equals", 1),
                    {"type": "date", "operator": "between", "start": 2, "end": 3, "unit": "day"},
                ),
                [CY],
            ),
            (
                did(
                    number("equals", 1),
                    filters=[
                        {
                            "property": "List",
                            "filter": {"type": "string", "operator": "equals", "value": "L1"},
                        }
                    ],
                ),
                [BO],
            ),
        ):
            assert members(api, clock, [condition]) == expected, condition

    def test_consent(self, api: Api, clock: Clock, sandbox: Sandbox) -> None:
        anna = sandbox.account.records["profile"][ANNA].attributes["subscriptions"]["email"]["marketing"]
        anna |= {"consent": "UNSUBSCRIBED", "can_receive_email_marketing": False}

        def consent(channel: str, may: bool, status: str) -> Any:
            wanted = {
                "channel": channel,
                "can_receive_marketing": may,
                "consent_status": {"subscription": status},
            }
            return {"type": "profile-marketing-consent", "consent": wanted}

        assert members(api, clock, [consent("email", True, "subscribed")]) == [BO], "Cy has no address"
        assert members(api, clock, [consent("email", False, "unsubscribed")]) == [ANNA]
        assert members(api, clock, [consent("sms", False, "never_subscribed")]) == [ANNA, BO, CY]

    @pytest.mark.parametrize(
        ("wanted", "expected"),
        [
            ({"field": "status_date", "filter": last(3)}, [BO]),
            (
                {"field": "status_date", "filter": {"type": "date", "operator": "before", "date": iso(NOW)}},
                [],
            ),
            ({"field": "method", "method": "api"}, [BO]),
            ({"field": "method", "method": "form"}, []),
            (
                {
                    "field": "custom_source",
                    "filter": {"type": "string", "operator": "equals", "value": "Fair"},
                },
                [BO],
            ),
            (
                {
                    "field": "is_double_opt_in",
                    "filter": {"type": "boolean", "operator": "equals", "value": False},
                },
                [BO],
            ),
        ],
    )
    def test_more_about_consent(
        self, api: Api, clock: Clock, sandbox: Sandbox, wanted: Any, expected: list[str]
    ) -> None:
        for id_ in (ANNA, BO):
            email = sandbox.account.records["profile"][id_].attributes["subscriptions"]["email"]["marketing"]
            email["consent"] = "NEVER_SUBSCRIBED"
        wish = {"email": {"marketing": {"consent": "SUBSCRIBED"}}}
        people = {"data": [data("profile", email="bo+list@shop.example", subscriptions=wish)["data"]]}
        type_ = "profile-subscription-bulk-create-job"
        api.post(f"/api/{type_}s", data(type_, profiles=people, custom_source="Fair"))
        status = {"subscription": "subscribed", "filters": [wanted]}
        known = {"channel": "email", "can_receive_marketing": True, "consent_status": status}
        assert members(api, clock, [{"type": "profile-marketing-consent", "consent": known}]) == expected

    def test_groups_are_all_met_and_of_each_one_condition(self, api: Api, clock: Clock) -> None:
        anna = owns("first_name", type="string", operator="equals", value="Anna")
        bo = owns("first_name", type="string", operator="equals", value="Bo")
        assert members(api, clock, [anna, bo]) == [ANNA, BO]
        assert members(api, clock, [anna, bo], [belongs("SEGM01")]) == [BO]
        assert members(api, clock, [anna], [bo]) == []
        assert members(api, clock) == []


def test_the_shops_segments_are_those_that_their_definitions_describe() -> None:
    """The shop finds the members of its segments by other means: an independent account of the same."""
    account = build_account(seed=3, profiles=400, events=8000, now=1_767_225_600, currencies=("USD",))
    store = Store(account, lambda: 0.0)
    for id_, segment in account.records["segment"].items():
        found = members_of(store, segment.attributes["definition"])
        assert found == set(account.members[id_]), segment.attributes["name"]
        assert found


class TestFilters:
    @pytest.mark.parametrize(
        ("value", "operator", "wanted", "expected"),
        [
            ("tea", "equals", "tea", True),
            ("tea", "not-equals", "tea", False),
            (None, "not-equals", "tea", True),
            (None, "equals", "tea", False),
            ("green tea", "starts-with", "green", True),
            ("green tea", "not-ends-with", "tea", False),
            ("green tea", "regex", "^g.*a$", True),
            ("green tea", "nregex", "^g.*a$", False),
            ("tea", "not-in", ["coffee"], True),
            ("+4712345678", "phone-country-code-in", ["SE", "no"], True),
            ("+4712345678", "phone-country-code-not-in", ["NO"], False),
            ("+12025550123", "phone-country-code-in", ["NO"], False),
            (None, "phone-country-code-in", ["NO"], False),
            (None, "phone-country-code-not-in", ["NO"], True),
        ],
    )
    def test_texts(self, value: Any, operator: str, wanted: Any, expected: bool) -> None:
        assert passes(value, {"type": "string", "operator": operator, "value": wanted}, NOW) is expected

    @pytest.mark.parametrize(
        ("value", "expected"), [(3, True), ("3", True), (True, False), ("x", False), (None, False)]
    )
    def test_numbers(self, value: Any, expected: bool) -> None:
        assert passes(value, number("greater-than", 0), NOW) is expected
        assert (
            passes(value, {"type": "numeric", "operator": "between", "start": 1, "end": 4}, NOW) is expected
        )

    @pytest.mark.parametrize(
        ("operator", "wanted", "expected"),
        [
            ("contains", "a", True),
            ("not-contains", "a", False),
            ("contains-any", ["x", "b"], True),
            ("contains-all", ["a", "x"], False),
            ("not-contains-all", ["a", "x"], True),
            ("contains-substring", "bb", False),
            ("contains-substring", "b", True),
            ("not-contains-substring", "b", False),
            ("length-equals", 2, True),
            ("length-less-than", 2, False),
        ],
    )
    def test_lists(self, operator: str, wanted: Any, expected: bool) -> None:
        assert passes(["a", "b"], {"type": "list", "operator": operator, "value": wanted}, NOW) is expected
        assert passes(None, {"type": "list", "operator": operator, "value": wanted}, NOW) is False

    @pytest.mark.parametrize(
        ("wanted", "expected"),
        [
            ({"operator": "before", "date": iso(NOW - DAY)}, False),
            ({"operator": "between-static", "start": iso(NOW - 2 * DAY), "end": iso(NOW)}, True),
            ({"operator": "in-the-last", "unit": "hour", "quantity": 23}, False),
            ({"operator": "in-the-last", "unit": "week", "quantity": 1}, True),
            ({"operator": "in-the-next", "unit": "day", "quantity": 1}, False),
            ({"operator": "calendar-month", "value": 1}, True),
            ({"operator": "anniversary"}, False),
            ({"operator": "anniversary-month"}, True),
            ({"operator": "anniversary-last", "unit": "day", "quantity": 3}, False),
        ],
    )
    def test_dates(self, wanted: Any, expected: bool) -> None:
        assert passes(iso(NOW - DAY), {"type": "date"} | wanted, NOW) is expected
        assert passes("soon", {"type": "date"} | wanted, NOW) is False

    @pytest.mark.parametrize(
        ("born", "last", "next_"),
        [
            ("2000-01-20", True, True),  # today
            ("2000-01-13", True, False),
            ("2000-01-12", False, False),
            ("2000-01-27", False, True),
            ("2000-01-28", False, False),
            ("2026-01-19", False, False),  # its first is a year away
            ("2025-01-19T23:00:00Z", True, False),
        ],
    )
    def test_anniversaries_of_about_now(self, born: str, last: bool, next_: bool) -> None:
        week = {"type": "date", "unit": "week", "quantity": 1}
        assert passes(born, week | {"operator": "anniversary-last"}, NOW) is last
        assert passes(born, week | {"operator": "anniversary-next"}, NOW) is next_

    def test_anniversaries_over_new_year_and_of_leap_days(self) -> None:
        week = {"type": "date", "unit": "day", "quantity": 7}
        new_year = datetime(2026, 1, 2, tzinfo=UTC).timestamp()
        assert passes("1999-12-30", week | {"operator": "anniversary-last"}, new_year)
        assert passes("1999-01-03", week | {"operator": "anniversary-next"}, new_year - 5 * DAY)
        assert passes(
            "2004-02-29",
            week | {"operator": "anniversary-last"},
            datetime(2026, 3, 1, tzinfo=UTC).timestamp(),
        )

    def test_truths(self) -> None:
        truth = {"type": "boolean", "operator": "equals", "value": True}
        assert [passes(value, truth, NOW) for value in (True, False, None, 1)] == [True, False, False, False]
