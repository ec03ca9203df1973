"""What no decent client sends: each is answered in words, and never with a 500."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import orjson
import pytest

from klaviyo_analytics.sandbox import Sandbox
from klaviyo_analytics.sandbox.app.filters import MOST_DEPTH
from tests.http.clocks import Clock
from tests.sandbox.accounts import PLACED
from tests.sandbox.api import Api, data


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = {"a": value}
    return value


class TestFilters:
    def test_as_deep_as_one_likes(self, api: Api) -> None:
        def reply(depth: int) -> Any:
            return api.get("/api/lists", filter="and(" * depth + 'equals(id,"LIST01")' + ")" * depth)

        assert reply(MOST_DEPTH).ids == ["LIST01"]
        assert [reply(depth).status for depth in (MOST_DEPTH + 1, 5000)] == [400, 400]
        many = ",".join(['and(equals(id,"LIST01"))'] * (MOST_DEPTH + 1))
        assert api.get("/api/lists", filter=many).ids == ["LIST01"], "depth is not width"

    @pytest.mark.parametrize(
        ("number", "count"), [("9" * 5000, 0), ("-" + "9" * 25, 12), ("1e400", 0), ("-1e400", 12)]
    )
    def test_numbers_of_any_length(self, api: Api, number: str, count: int) -> None:
        assert len(api.get("/api/events", filter=f"greater-than(timestamp,{number})").ids) == count

    @pytest.mark.parametrize(
        "moment", ["0001-01-01", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"]
    )
    @pytest.mark.parametrize(("path", "field"), [("/api/events", "datetime"), ("/api/lists", "created")])
    def test_the_ends_of_time(self, api: Api, path: str, field: str, moment: str) -> None:
        assert api.get(path, filter=f"greater-than({field},{moment})").status == 200

    def test_letters_that_should_have_been_encoded(self, sandbox: Sandbox, api: Api) -> None:
        api.post("/api/lists", data("list", name="Café"))
        raw = 'equals(name,"Café")'.encode().decode("latin-1")  # as a server hands bytes over
        environ = {"QUERY_STRING": f"filter={raw}", "REQUEST_URI": "/api/lists"}
        answer = api.client.get(
            "/api/lists",
            headers={name: value for name, value in api.headers.items() if value},
            environ_overrides=environ,
        )
        assert len(orjson.loads(answer.data)["data"]) == 1
        assert len(api.get("/api/lists?filter=" + quote('equals(name,"Café")')).ids) == 1


class TestBodies:
    @pytest.mark.parametrize(("depth", "status"), [(200, 201), (260, 400), (900, 400), (5000, 400)])
    def test_nested_properties(self, api: Api, depth: int, status: int) -> None:
        text = orjson.dumps(data("profile", email="deep@shop.co", properties={}))
        body = text.replace(b'"properties":{}', b'"properties":' + b'{"a":' * depth + b"1" + b"}" * depth)
        reply = api.post("/api/profiles", body)
        assert reply.status == status
        assert api.get("/api/profiles", sort="-created").status == 200

    def test_what_was_let_in_can_be_imported_and_changed(self, api: Api) -> None:
        id_ = api.post("/api/profiles", data("profile", email="deep@shop.co")).json["data"]["id"]
        people = {
            "data": [{"type": "profile", "attributes": {"email": "d@shop.co", "properties": nested(230)}}]
        }
        job = api.post(
            "/api/profile-bulk-import-jobs", data("profile-bulk-import-job", profiles=people)
        ).json["data"]["id"]
        for _ in range(2):
            done = api.get(f"/api/profile-bulk-import-jobs/{quote(job, safe='')}").json
        assert done["data"]["attributes"]["completed_count"] == 1
        meta = {"patch_properties": {"append": {"deep": nested(230)}}}
        assert api.patch(f"/api/profiles/{id_}", data("profile", id_, meta=meta)).status == 200


class TestReports:
    @pytest.mark.parametrize(
        ("start", "end"),
        [
            ("0001-01-01T00:00:00", "0001-02-01T00:00:00"),
            ("9999-01-01T00:00:00", "9999-12-31T00:00:00"),
            ("2026-01-01T00:00:00", "9999-12-31T00:00:00"),
        ],
    )
    @pytest.mark.parametrize("offset", ["", "+14:00", "-12:00"])
    def test_the_ends_of_time(self, api: Api, start: str, end: str, offset: str) -> None:
        attributes: dict[str, Any] = {"timeframe": {"start": start + offset, "end": end + offset}}
        attributes |= {"statistics": ["opens"], "conversion_metric_id": PLACED}
        for kind, more in (("campaign-values", {}), ("flow-series", {"interval": "monthly"})):
            body = data(f"{kind}-report", **attributes, **more)
            assert api.post(f"/api/{kind}-reports", body).status == 400
        for zone in ("UTC", "Asia/Tokyo", "America/New_York"):
            bounds = [f"greater-or-equal(datetime,{start}{offset})", f"less-than(datetime,{end}{offset})"]
            known = {"metric_id": PLACED, "measurements": ["count"], "timezone": zone, "filter": bounds}
            assert api.post("/api/metric-aggregates", data("metric-aggregate", **known)).status == 400


class TestHalfSaid:
    """Bodies that the schemas let through, and that say too little."""

    @pytest.mark.parametrize(
        ("path", "type_", "id_", "attributes", "relationship"),
        [
            ("campaign-message-assign-template", "campaign-message", "MSG1", None, "template"),
            (
                "back-in-stock-subscriptions",
                "back-in-stock-subscription",
                None,
                {
                    "channels": ["EMAIL"],
                    "profile": {"data": {"type": "profile", "attributes": {"email": "a@shop.co"}}},
                },
                "variant",
            ),
            ("coupon-codes", "coupon-code", None, {"unique_code": "A"}, "coupon"),
        ],
    )
    def test_a_relationship_without_data(
        self, api: Api, path: str, type_: str, id_: str | None, attributes: Any, relationship: str
    ) -> None:
        resource = {"type": type_, "relationships": {relationship: {}}}
        resource |= {"id": id_} if id_ else {}
        resource |= {"attributes": attributes} if attributes else {}
        reply = api.post(f"/api/{path}", {"data": resource})
        assert (reply.status, reply.source) == (400, {"pointer": f"/data/relationships/{relationship}/data"})

    def test_a_code_without_a_coupon_fails_alone(self, api: Api, clock: Clock) -> None:
        codes = [
            {"type": "coupon-code", "attributes": {"unique_code": name}, "relationships": {"coupon": coupon}}
            for name, coupon in (("A1", {}), ("A2", {"data": {"type": "coupon", "id": "TEN"}}))
        ]
        body = data("coupon-code-bulk-create-job", **{"coupon-codes": {"data": codes}})
        job = api.post("/api/coupon-code-bulk-create-jobs", body).json["data"]["id"]
        clock.now += 5
        found = api.get(f"/api/coupon-code-bulk-create-jobs/{job}").json["data"]["attributes"]
        assert (found["failed_count"], found["status"]) == (1 + (found["completed_count"] == 0), "complete")
        assert found["errors"][0]["source"]["pointer"].endswith("/0/relationships/coupon/data")

    def test_null_for_nobody_and_nothing(self, api: Api) -> None:
        for kind in ("create", "delete"):
            type_ = f"profile-suppression-bulk-{kind}-job"
            assert api.post(f"/api/{type_}s", data(type_, profiles=None)).source == {"pointer": "/data"}
        type_ = "data-source-record-bulk-create-job"
        assert api.post(f"/api/{type_}s", data(type_, **{"data-source-records": None})).status == 400
        wishes = {"email": None, "sms": None}
        people = {"data": [data("profile", email="bo+list@shop.example", subscriptions=wishes)["data"]]}
        type_ = "profile-subscription-bulk-create-job"
        assert api.post(f"/api/{type_}s", data(type_, profiles=people)).status == 202

    @pytest.mark.parametrize(
        "filters",
        ["all", ["all"], [{"field": "mood"}], [{"field": "status_date"}], [{"field": "method"}], [{}]],
    )
    def test_filters_of_a_consent(self, api: Api, filters: Any) -> None:
        """The document leaves the filters of whoever never subscribed open."""
        status = {"subscription": "never_subscribed", "filters": filters}
        wanted = {"channel": "email", "can_receive_marketing": True, "consent_status": status}
        condition = {"type": "profile-marketing-consent", "consent": wanted}
        definition = {"condition_groups": [{"conditions": [condition]}]}
        assert api.post("/api/segments", data("segment", name="New", definition=definition)).status == 400

    def test_a_source_of_data_goes_with_what_points_at_it(self, api: Api) -> None:
        attributes = {"title": "Shops", "visibility": "private", "description": ""}
        source = api.post("/api/data-sources", data("data-source", **attributes)).json["data"]["id"]
        record = {"data": {"type": "data-source-record", "attributes": {"record": {"a": 1}}}}
        links = {"data-source": {"type": "data-source", "id": source}}
        body = data("data-source-record-create-job", links=links, **{"data-source-record": record})
        assert api.post("/api/data-source-record-create-jobs", body).status == 204
        assert api.delete(f"/api/data-sources/{source}").status == 204

    def test_a_null_leaves_what_cannot_be_empty(self, api: Api) -> None:
        groups = [{"metric_id": PLACED, "metric_filters": None, "value_property": None}]
        definition = {"aggregation_method": "count", "metric_groups": groups}
        made = api.post(
            "/api/custom-metrics", data("custom-metric", name="Orders", definition=definition)
        ).json
        id_ = made["data"]["id"]
        body = data("custom-metric", id_, name="All orders", definition=None)
        changed = api.patch(f"/api/custom-metrics/{id_}", body).json["data"]["attributes"]
        assert changed["name"] == "All orders"
        assert changed["definition"] == made["data"]["attributes"]["definition"]
