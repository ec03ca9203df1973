"""The filter grammar, what each endpoint allows of it, and what each operator finds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klaviyo_analytics.sandbox import Sandbox
from klaviyo_analytics.sandbox.app.contract import load_contract
from klaviyo_analytics.sandbox.app.errors import ApiFault
from klaviyo_analytics.sandbox.app.filters import Condition, Moment, Parser
from tests.sandbox.api import Api


def parse(text: str) -> list[Condition]:
    return Parser(text).parse()


class TestGrammar:
    @pytest.mark.parametrize(
        ("literal", "value"),
        [
            ('"text"', "text"),
            ("'text'", "text"),
            ('"it\'s"', "it's"),
            ("'it\\'s'", "it's"),
            ('"say \\"hi\\" \\\\"', 'say "hi" \\'),
            ('"a,b)c]"', "a,b)c]"),
            ('""', ""),
            ("3", 3),
            ("-2.5", -2.5),
            ("1e3", 1000.0),
            ("true", True),
            ("false", False),
            ("null", None),
            ("2024-01-01", Moment("2024-01-01")),
            ("2024-01-01T10:30:00Z", Moment("2024-01-01T10:30:00Z")),
            ("2024-01-01T10:30:00.123456+02:00", Moment("2024-01-01T10:30:00.123456+02:00")),
            ("[]", ()),
            ('["a",2,null]', ("a", 2, None)),
        ],
    )
    def test_literals(self, literal: str, value: object) -> None:
        (condition,) = parse(f"equals(field,{literal})")
        assert condition == Condition("equals", "field", value)  # type: ignore[arg-type]
        assert type(condition.literal) is type(value)

    def test_a_comma_and_and_mean_the_same(self) -> None:
        both = [Condition("equals", "a", "1"), Condition("equals", "b", "2")]
        assert parse('equals(a,"1"),equals(b,"2")') == both
        assert parse('and(equals(a,"1"),equals(b,"2"))') == both
        assert parse('and(and(equals(a,"1")),equals(b,"2"))') == both

    def test_has_takes_a_field_only(self) -> None:
        assert parse("has(profile)") == [Condition("has", "profile")]

    @pytest.mark.parametrize(
        "text",
        [
            "equals",
            "equals(",
            "equals(a)",
            "equals(a,)",
            'equals(a,"b)',
            'equals(a,"b"',
            'equals(a,"b"))',
            'equals(a,"b"),',
            'equals(a,"b")equals(a,"b")',
            'equals(a,"b","c")',
            "equals(a,b)",
            "equals(a,TRUE)",
            'any(a,["b")',
            "and()",
            "has(profile,1)",
            "less-than(a,2024-13-01)",
            "less-than(a,2024-01-01T25:00:00Z)",
            "less-than(a,2024-01-01T00:00:00 00:00)",
            "(equals(a,1))",
            'equals(a, "b")',
            'equals(a,"b" )',
            'equals(a,"b"), equals(c,"d")',
            'any(a,["b", "c"])',
            ' equals(a,"b")',
            "less-than(a,2024-01-01 )",
        ],
    )
    def test_nonsense_is_a_400_at_the_filter(self, text: str) -> None:
        with pytest.raises(ApiFault) as caught:
            parse(text)
        assert caught.value.status == 400
        assert caught.value.problems[0].source == {"parameter": "filter"}

    @given(st.text(), st.sampled_from("'\""))
    def test_any_text_survives_quoting(self, text: str, quote: str) -> None:
        escaped = text.replace("\\", "\\\\").replace(quote, "\\" + quote)
        assert parse(f"equals(field,{quote}{escaped}{quote})") == [Condition("equals", "field", text)]


class TestWhatEndpointsAllow:
    @pytest.mark.parametrize(
        ("path", "filter_"),
        [
            ("/api/lists", 'equals(opt_in_process,"single_opt_in")'),
            ("/api/lists", 'contains(name,"News")'),
            ("/api/lists", "less-than(created,2026-01-01)"),
            ("/api/lists", 'greater-than(created,"2026-01-01T00:00:00Z")'),
            ("/api/lists", "greater-than(created,5)"),
            ("/api/lists", "equals(name,5)"),
            ("/api/lists", 'equals(name,["a"])'),
            ("/api/lists", 'any(name,"a")'),
            ("/api/lists", 'or(equals(name,"a"),equals(name,"b"))'),
            ("/api/segments", 'equals(is_active,"true")'),
            ("/api/segments", "equals(is_active,1)"),
            ("/api/events", 'any(metric_id,["PLACED"])'),
            ("/api/events", "greater-than(timestamp,2026-01-01)"),
            ("/api/events", "has(metric)"),
            ("/api/campaigns", 'equals(messages.channel,"carrier pigeon")'),
            ("/api/campaigns", 'equals(status,"Sent")'),
            ("/api/coupon-codes", 'equals(status,"UNASSIGNED")'),
            ("/api/profiles", 'equals(first_name,"Anna")'),
        ],
    )
    def test_what_is_not_allowed_is_a_400_at_the_filter(self, api: Api, path: str, filter_: str) -> None:
        reply = api.get(path, filter=filter_)
        assert reply.status == 400, reply.body
        assert reply.source == {"parameter": "filter"}

    @pytest.mark.parametrize("path", ["/api/campaigns", "/api/coupon-codes"])
    def test_a_required_filter_is_required(self, api: Api, path: str) -> None:
        assert api.get(path).source == {"parameter": "filter"}

    def test_an_endpoint_without_filters_takes_none(self, api: Api) -> None:
        assert api.get("/api/accounts", filter='equals(id,"ACC123")').source == {"parameter": "filter"}

    def test_every_filter_of_the_contract_can_be_evaluated(self, api: Api) -> None:
        literals = {"string": '"email"', "number": "3", "boolean": "true", "datetime": "2026-01-01T00:00:00Z"}
        owners = {"lists": "LIST01", "segments": "SEGM01", "flows": "FLOW01", "flow-actions": "1001"}
        owners |= {"coupons": "TEN", "tags": "tag-1", "campaigns": "01CAMP", "profiles": "01ANNA"}
        companions = {
            "get_campaigns": 'equals(messages.channel,"sms")',
            "get_coupon_codes": 'any(coupon.id,["TEN"])',
        }
        for operation in load_contract().operations.values():
            path = operation.path.replace("{id}", owners.get(operation.collection, "none"))
            for name, field in operation.filters.items():
                for operator in field.operators:
                    literal = literals[field.type]
                    literal = f"[{literal}]" if operator == "any" else literal
                    text = f"{operator}({name})" if operator == "has" else f"{operator}({name},{literal})"
                    companion = companions.get(operation.id)
                    if ".list_suppressions." in name:
                        companion = f'equals({name.rpartition(".")[0]}.list_id,"LIST01")'
                    reply = api.get(path, filter=",".join(filter(None, [text, companion])))
                    assert reply.status in (200, 404), (operation.id, text, reply.body)


def found(api: Api, path: str, filter_: str) -> list[str]:
    return sorted(api.all_ids(path, filter=filter_))


class TestOperators:
    def test_equals_and_any(self, api: Api) -> None:
        assert found(api, "/api/lists", 'equals(name,"Newsletter")') == ["LIST01"]
        assert found(api, "/api/lists", 'equals(name,"newsletter")') == [], "case matters"
        assert found(api, "/api/lists", 'any(name,["Newsletter","List 7","none"])') == ["LIST01", "LIST07"]
        assert found(api, "/api/lists", "any(id,[])") == []

    def test_booleans(self, api: Api) -> None:
        assert found(api, "/api/segments", "equals(is_active,true)") == ["SEGM01"]
        assert found(api, "/api/segments", "equals(is_active,false)") == ["SEGM02"]

    def test_null(self, api: Api) -> None:
        assert found(api, "/api/profiles", "equals(email,null)") == ["01CY"]

    def test_text(self, api: Api) -> None:
        assert found(api, "/api/flows", 'contains(name,"elco")') == ["FLOW01"]
        assert found(api, "/api/flows", 'starts-with(name,"Wel")') == ["FLOW01"]
        assert found(api, "/api/flows", 'starts-with(name,"elc")') == []
        assert found(api, "/api/flows", 'ends-with(name,"come")') == ["FLOW01"]
        email = 'equals(messages.channel,"email"),'
        assert found(api, "/api/campaigns", email + "contains(name,'\"sale\" 🌱')") == ["01CAMP"]

    def test_times(self, api: Api) -> None:
        # LIST23 was made on 13 January at noon, the others a day before each other.
        assert found(api, "/api/lists", "greater-than(created,2026-01-12)") == ["LIST22", "LIST23"]
        assert found(api, "/api/lists", "greater-than(created,2026-01-12T12:00:00Z)") == ["LIST23"]
        assert found(api, "/api/lists", "greater-than(created,2026-01-12T12:59:59+01:00)") == [
            "LIST22",
            "LIST23",
        ]
        created = "2025-12-01T12:00:00Z"
        assert found(api, "/api/flows", f"greater-or-equal(created,{created})") == ["FLOW01"]
        assert found(api, "/api/flows", f"less-or-equal(created,{created})") == ["FLOW01"]
        assert found(api, "/api/flows", f"less-than(created,{created})") == []
        assert found(api, "/api/flows", f"equals(created,{created})") == ["FLOW01"]

    def test_conditions_add_up(self, api: Api) -> None:
        newer = "greater-than(created,2026-01-12)"
        assert found(api, "/api/lists", f'{newer},any(id,["LIST01","LIST22"])') == ["LIST22"]
        assert found(api, "/api/lists", f'and({newer},any(id,["LIST01","LIST22"]))') == ["LIST22"]

    def test_what_belongs_to_others(self, api: Api) -> None:
        assert found(api, "/api/campaigns", 'equals(messages.channel,"email")') == ["01CAMP"]
        assert found(api, "/api/campaigns", 'equals(messages.channel,"sms")') == ["01TEXT"]
        assert found(api, "/api/coupon-codes", 'equals(profile.id,"01ANNA")') == ["TEN-A1"]
        assert found(api, "/api/coupon-codes", 'any(coupon.id,["OTHER"])') == []
        assert found(api, "/api/metrics", 'equals(integration.name,"Internal")') == ["OPENED", "RCEIVD"]

    def test_members(self, api: Api) -> None:
        path = "/api/lists/LIST01/profiles"
        assert found(api, path, "greater-or-equal(joined_group_at,2026-01-19T12:00:00Z)") == ["01BO", "01CY"]
        assert found(api, path, "less-than(joined_group_at,2026-01-19T12:00:00Z)") == ["01ANNA"]
        assert found(api, path, 'equals(email,"bo+list@shop.example")') == ["01BO"]
        assert found(api, "/api/segments/SEGM01/profiles", 'any(profile_id,["01ANNA","01BO"])') == ["01BO"]

    def test_suppressions_are_looked_at_one_by_one(self, api: Api, sandbox: Sandbox) -> None:
        marketing = sandbox.account.records["profile"]["01ANNA"].attributes["subscriptions"]["email"][
            "marketing"
        ]
        marketing["list_suppressions"] = [
            {"list_id": "LIST01", "reason": "USER_SUPPRESSED", "timestamp": "2026-01-02T00:00:00+00:00"},
            {"list_id": "LIST02", "reason": "HARD_BOUNCE", "timestamp": "2026-01-05T00:00:00+00:00"},
        ]
        lists = "subscriptions.email.marketing.list_suppressions"
        on_first = f'equals({lists}.list_id,"LIST01")'
        assert found(api, "/api/profiles", on_first) == ["01ANNA"]
        assert found(api, "/api/profiles", f'{on_first},equals({lists}.reason,"USER_SUPPRESSED")') == [
            "01ANNA"
        ]
        assert found(api, "/api/profiles", f'{on_first},equals({lists}.reason,"HARD_BOUNCE")') == []
        assert found(api, "/api/profiles", f"{on_first},less-than({lists}.timestamp,2026-01-03)") == [
            "01ANNA"
        ]
        assert found(api, "/api/profiles", f"{on_first},greater-than({lists}.timestamp,2026-01-03)") == []
        assert api.all_ids("/api/profiles", sort=f"{lists}.timestamp") == ["01ANNA", "01BO", "01CY"]

    @pytest.mark.parametrize(
        "filter_",
        [
            'equals({0}list_suppressions.reason,"HARD_BOUNCE")',
            'equals({0}list_suppressions.list_id,"L"),equals({0}suppression.reason,"UNSUBSCRIBE")',
            "less-than({0}suppression.timestamp,2026-01-01),greater-than({0}suppression.timestamp,2025-01-01)",
        ],
        ids=["no list", "both kinds", "two times"],
    )
    def test_suppression_filters_that_do_not_go_together(self, api: Api, filter_: str) -> None:
        reply = api.get("/api/profiles", filter=filter_.format("subscriptions.email.marketing."))
        assert reply.source == {"parameter": "filter"}

    def test_events(self, api: Api) -> None:
        # Three events a day at noon, 16 to 19 January; the fourth of each four has no profile.
        everything = found(api, "/api/events", "greater-than(timestamp,0)")
        assert len(everything) == 12
        assert len(found(api, "/api/events", 'equals(metric_id,"PLACED")')) == 4
        assert found(api, "/api/events", 'equals(metric_id,"none")') == []
        assert len(found(api, "/api/events", 'equals(profile_id,"01BO")')) == 3
        assert len(found(api, "/api/events", "has(profile)")) == 9
        noon = "2026-01-18T12:00:00Z"
        counts = {
            operator: len(found(api, "/api/events", f"{operator}(datetime,{noon})"))
            for operator in ("greater-than", "greater-or-equal", "less-than", "less-or-equal")
        }
        assert counts == {"greater-than": 3, "greater-or-equal": 6, "less-than": 6, "less-or-equal": 9}
        assert len(found(api, "/api/events", "less-than(timestamp,1768737600)")) == 6, "the same noon"
        both = f'equals(metric_id,"PLACED"),greater-or-equal(datetime,{noon}),equals(profile_id,"01CY")'
        assert len(found(api, "/api/events", both)) == 1
