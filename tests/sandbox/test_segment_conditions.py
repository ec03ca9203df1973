"""The rarer conditions of segments: each is judged, or refused in words; none is silently met by nobody."""

from __future__ import annotations

from typing import Any

import pytest

from klaviyo_analytics.sandbox import Sandbox
from klaviyo_analytics.sandbox.app import segment_conditions
from klaviyo_analytics.sandbox.app.contract import load_contract
from klaviyo_analytics.sandbox.app.segment_conditions import TESTS
from tests.http.clocks import Clock
from tests.sandbox.accounts import DAY, NOW, OPENED, PLACED, iso
from tests.sandbox.api import Api
from tests.sandbox.test_segments import ANNA, BO, CY, last, make, members, number

CONDITIONS = "/data/attributes/definition/condition_groups/0/conditions/0"


def attributes(sandbox: Sandbox, id_: str) -> dict[str, Any]:
    return sandbox.account.records["profile"][id_].attributes


def test_every_kind_of_condition_has_a_judge() -> None:
    schemas = load_contract().schemas
    branches = schemas["ConditionGroup"]["properties"]["conditions"]["items"]["oneOf"]
    kinds = {schemas[one["ref"]]["properties"]["type"]["ref"] for one in branches if "ref" in one}
    names = {name for kind in kinds for name in schemas[kind]["enum"]}
    judged = {*TESTS, *segment_conditions.CONDITIONS, "profile-group-membership"}
    assert names - judged == {"profile-has-custom-object"}, "which is refused"


class TestFunnel:
    """Anna ordered four days ago, Cy two days ago, Bo a day ago; who opened what is in the log as well."""

    def steps(self, *metrics: tuple[str, bool], window: str | None = None, days: int = 30) -> Any:
        steps = [{"metric_id": id_, "metric_exists": exists} for id_, exists in metrics]
        known = {"type": "profile-metric-funnel", "timeframe_filter": last(days), "steps": steps}
        return known | ({"completion_window_seconds": window} if window else {})

    @pytest.fixture
    def times(self, sandbox: Sandbox) -> dict[str, list[int]]:
        """Let Anna open an hour and Bo two days after the order, Cy an hour before it."""
        log = sandbox.account.events
        orders = {
            log.profile_ids[log.profile[row]]: row
            for row in range(len(log.ids))
            if log.metric_ids[log.metric[row]] == PLACED
        }
        opened = log.metric_ids.index(OPENED)
        others = [row for row in range(len(log.ids)) if row not in orders.values()]
        for row in others:
            log.profile[row] = -1
        for row, id_, after in zip(others, (ANNA, BO, CY), (3600, 2 * DAY, -3600), strict=False):
            log.metric[row], log.profile[row] = opened, log.profile_ids.index(id_)
            log.time[row] = log.time[orders[id_]] + after
        return {}

    def test_steps_come_in_their_order(self, api: Api, clock: Clock, times: Any) -> None:
        assert members(api, clock, [self.steps((PLACED, True))]) == [ANNA, BO, CY]
        assert members(api, clock, [self.steps((PLACED, True), (OPENED, True))]) == [ANNA, BO]
        assert members(api, clock, [self.steps((OPENED, True), (PLACED, True))]) == [CY]

    def test_soon_enough(self, api: Api, clock: Clock, times: Any) -> None:
        assert members(api, clock, [self.steps((PLACED, True), (OPENED, True), window="DAYS_1")]) == [ANNA]

    def test_a_step_not_taken(self, api: Api, clock: Clock, times: Any) -> None:
        assert members(api, clock, [self.steps((PLACED, True), (OPENED, False))]) == [CY]
        found = members(api, clock, [self.steps((PLACED, True), (OPENED, False), window="DAYS_1")])
        assert found == [BO, CY]

    def test_it_begins_within_the_timeframe(self, api: Api, clock: Clock, times: Any) -> None:
        assert members(api, clock, [self.steps((PLACED, True), (OPENED, True), days=3)]) == [BO]

    def test_refused(self, api: Api) -> None:
        reply = make(api, [self.steps((PLACED, True), ("none", True))])
        assert (reply.status, reply.source) == (400, {"pointer": f"{CONDITIONS}/steps/1/metric_id"})
        assert make(api, [self.steps()]).source == {"pointer": f"{CONDITIONS}/steps"}
        assert make(api, [self.steps((PLACED, False))]).status == 501


class TestPlaces:
    def far(self, operator: str, value: float, unit: str = "kilometers", code: str = "0150") -> Any:
        known = {"type": "profile-postal-code-distance", "country_code": "NO", "postal_code": code}
        return known | {"unit": unit, "filter": number(operator, value)}

    def test_the_distance_from_a_postal_code(self, api: Api, clock: Clock, sandbox: Sandbox) -> None:
        """Oslo to Bergen is 305 km, which is 190 miles."""
        places = {ANNA: (59.91, "10.75", "0150"), BO: ("60.39", 5.32, "5003"), CY: (None, None, None)}
        for id_, (latitude, longitude, code) in places.items():
            location = {"country": "Norway", "latitude": latitude, "longitude": longitude, "zip": code}
            attributes(sandbox, id_)["location"] = location
        assert members(api, clock, [self.far("less-than", 5)]) == [ANNA]
        assert members(api, clock, [self.far("less-than", 310)]) == [ANNA, BO]
        assert members(api, clock, [self.far("greater-than", 300)]) == [BO]
        assert members(api, clock, [self.far("less-than", 195, "miles")]) == [ANNA, BO]
        assert members(api, clock, [self.far("less-than", 185, "miles")]) == [ANNA]
        assert members(api, clock, [self.far("less-than", 185, code="5003")]) == [BO]

    def test_one_where_nobody_lives_is_refused(self, api: Api) -> None:
        reply = make(api, [self.far("less-than", 5, code="9999")])
        assert (reply.status, reply.source) == (501, {"pointer": f"{CONDITIONS}/postal_code"})


class TestWhatsApp:
    def reachable(self, how: str, purpose: str = "marketing", *filters: Any) -> Any:
        permission = {"reachable_status": how} | ({"filters": list(filters)} if "_or_" not in how else {})
        if how.startswith("implicitly"):
            permission.pop("filters", None)
        return {
            "type": "profile-permissions",
            "channel": f"whatsapp_{purpose}",
            "permission": permission,
        }

    @pytest.mark.parametrize(
        ("how", "expected"),
        [
            ("explicitly_reachable", [ANNA]),
            ("explicitly_unreachable", [BO]),
            ("implicitly_reachable", []),
            ("implicitly_unreachable", [CY]),
            ("implicitly_or_explicitly_reachable", [ANNA]),
            ("implicitly_or_explicitly_unreachable", [BO, CY]),
        ],
    )
    def test_permissions(
        self, api: Api, clock: Clock, sandbox: Sandbox, how: str, expected: list[str]
    ) -> None:
        for id_, state in ((ANNA, "SUBSCRIBED"), (BO, "UNSUBSCRIBED")):
            known = {"consent": state, "can_receive": state == "SUBSCRIBED", "consent_timestamp": iso(NOW)}
            attributes(sandbox, id_)["subscriptions"]["whatsapp"] = {"marketing": known}
        assert members(api, clock, [self.reachable(how)]) == expected
        if how == "explicitly_reachable":
            assert members(api, clock, [self.reachable(how, "transactional")]) == []
            date = {"field": "effective_date", "filter": last(1)}
            assert members(api, clock, [self.reachable(how, "marketing", date)]) == [ANNA]
            for method, found in (("api", [ANNA]), ("checkout", [])):
                wanted = {"field": "subscribe_method", "method": method}
                assert members(api, clock, [self.reachable(how, "marketing", wanted)]) == found


class TestEmail:
    @pytest.mark.parametrize(
        ("field", "reason"),
        [
            ("bounce_date", "HARD_BOUNCE"),
            ("manual_suppression_date", "USER_SUPPRESSED"),
            ("invalid_email_date", "INVALID_EMAIL"),
        ],
    )
    def test_why_it_is_not_received(
        self, api: Api, clock: Clock, sandbox: Sandbox, field: str, reason: str
    ) -> None:
        for id_, told, days in ((ANNA, reason, 2), (BO, reason, 9), (CY, "SPAM_COMPLAINT", 1)):
            email = attributes(sandbox, id_)["subscriptions"]["email"]["marketing"]
            email["suppression"] = [{"reason": told, "timestamp": iso(NOW - days * DAY)}]
            email["can_receive_email_marketing"] = False

        def suppressed(filter: Any) -> Any:
            status = {"subscription": "any", "filters": [{"field": field, "filter": filter}]}
            wanted = {"channel": "email", "can_receive_marketing": False, "consent_status": status}
            return {"type": "profile-marketing-consent", "consent": wanted}

        assert members(api, clock, [suppressed({"type": "existence", "operator": "is-set"})]) == [ANNA, BO]
        assert members(api, clock, [suppressed(last(3))]) == [ANNA]

    def test_through_which_form_it_came(self, api: Api, clock: Clock, sandbox: Sandbox) -> None:
        for id_, form in ((ANNA, "FORM01"), (BO, "FORM02")):
            email = attributes(sandbox, id_)["subscriptions"]["email"]["marketing"]
            email |= {"method": "FORM", "method_detail": form}

        def through(*forms: str) -> Any:
            among = {"type": "string", "operator": "in", "value": list(forms)}
            wanted = {"field": "method", "method": "form"} | ({"filter": among} if forms else {})
            status = {"subscription": "subscribed", "filters": [wanted]}
            known = {"channel": "email", "can_receive_marketing": True, "consent_status": status}
            return {"type": "profile-marketing-consent", "consent": known}

        assert members(api, clock, [through()]) == [ANNA, BO]
        assert members(api, clock, [through("FORM02", "FORM03")]) == [BO]


class TestPredictions:
    def predicts(self, dimension: str, filter: Any, **more: Any) -> Any:
        return {"type": "profile-predictive-analytics", "dimension": dimension, "filter": filter} | more

    def test_the_next_order_and_the_favourite_channel(self, api: Api, clock: Clock, sandbox: Sandbox) -> None:
        for id_, days, channels in ((ANNA, 3, ["email", "sms"]), (BO, 30, ["sms"])):
            attributes(sandbox, id_)["predictive_analytics"] = {
                "expected_date_of_next_order": iso(NOW + days * DAY),
                "ranked_channel_affinity": channels,
            }
        soon = {"type": "date", "operator": "in-the-next", "unit": "week", "quantity": 1}
        assert members(api, clock, [self.predicts("expected_date_of_next_purchase", soon)]) == [ANNA]
        affinity = {"measurement": "priority", "predicted_channel": "sms"}
        for place, expected in ((1, [BO]), (2, [ANNA]), (3, [])):
            wanted = self.predicts("channel_affinity", number("equals", place), **affinity)
            assert members(api, clock, [wanted]) == expected

    def test_refused(self, api: Api) -> None:
        gender = {"type": "string", "operator": "equals", "value": "likely_female"}
        assert make(api, [self.predicts("predicted_gender", gender)]).status == 501
        rank = {"type": "string", "operator": "equals", "value": "high"}
        affinity = {"measurement": "rank", "predicted_channel": "sms"}
        reply = make(api, [self.predicts("channel_affinity", rank, **affinity)])
        assert (reply.status, reply.source) == (501, {"pointer": f"{CONDITIONS}/measurement"})


def owns(filter: Any) -> Any:
    return {"type": "profile-property", "property": "phone_number", "filter": filter}


@pytest.mark.parametrize(
    ("condition", "status", "place"),
    [
        (owns({"type": "string", "operator": "regex", "value": "("}), 400, "filter/value"),
        (
            owns({"type": "string", "operator": "phone-country-code-in", "value": ["NO", "QQ"]}),
            501,
            "filter/value/1",
        ),
        (
            {
                "type": "profile-has-custom-object",
                "object_type_id": "OBJ1",
                "object_type_relationship_id": "1",
                "filter": number("greater-than", 1),
                "filters": [],
            },
            400,
            "object_type_id",
        ),
        (
            {
                "type": "profile-marketing-consent",
                "consent": {
                    "channel": "sms",
                    "can_receive_marketing": True,
                    "consent_status": {
                        "subscription": "subscribed",
                        "filters": [
                            {
                                "field": "is_rcs_capable",
                                "filter": {"type": "boolean", "operator": "equals", "value": True},
                            }
                        ],
                    },
                },
            },
            501,
            "consent/consent_status/filters/0/field",
        ),
    ],
)
def test_what_cannot_be_judged_is_refused(api: Api, condition: Any, status: int, place: str) -> None:
    reply = make(api, [condition])
    assert (reply.status, reply.source) == (status, {"pointer": f"{CONDITIONS}/{place}"})
    id_ = make(api, [owns({"type": "existence", "operator": "is-set"})]).json["data"]["id"]
    change = {"condition_groups": [{"conditions": [condition]}]}
    body = {"data": {"type": "segment", "id": id_, "attributes": {"definition": change}}}
    assert api.patch(f"/api/segments/{id_}", body).status == status


def test_the_anniversary_of_an_event(api: Api, clock: Clock) -> None:
    """Anna ordered four days ago, Cy two, Bo one; a year later to the day all three have anniversaries."""
    clock.now += 365 * DAY
    condition = {
        "type": "profile-metric",
        "metric_id": PLACED,
        "measurement": "count",
        "measurement_filter": number("greater-than", 0),
        "timeframe_filter": {
            "type": "date",
            "operator": "anniversary-last",
            "unit": "day",
            "quantity": 3,
        },
        "metric_filters": None,
    }
    assert members(api, clock, [condition]) == [BO, CY]
