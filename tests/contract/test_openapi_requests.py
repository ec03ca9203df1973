"""The judge of requests: what it must let through and what it must not, in queries, bodies and filters."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import orjson
import pytest

from tests.contract.conftest import VARIABLE, document_path
from tests.contract.openapi import Document

Json = dict[str, Any]
JSONAPI = "application/vnd.api+json"
HEADERS = {"revision": "2026-01-15", "Content-Type": JSONAPI}
SERVER = "https://a.klaviyo.com"


def get(document: Document, path: str, **query: str) -> list[str]:
    url = f"{path}?{urlencode(query)}" if query else path
    return document.check_request("GET", url, {"revision": "2026-01-15"})


def send(document: Document, method: str, path: str, body: Any) -> list[str]:
    return document.check_request(method, path, HEADERS, orjson.dumps(body))


class TestQuery:
    def test_a_full_event_query_is_right(self, document: Document) -> None:
        query = {
            "filter": 'equals(metric_id,"M1"),greater-or-equal(datetime,2026-01-01T00:00:00+00:00)',
            "include": "profile,metric",
            "fields[event]": "datetime,uuid",
            "fields[profile]": "email,location.city",
            "sort": "-datetime",
            "page[size]": "1000",
            "page[cursor]": "bmV4dA",
        }
        assert get(document, "/api/events", **query) == []

    @pytest.mark.parametrize(
        ("parameter", "value", "complaint"),
        [
            ("page[size]", "1001", "maximum"),
            ("page[size]", "0", "minimum"),
            ("page[size]", "many", "not of type integer"),
            ("sort", "datetime,timestamp", "is not one of"),
            ("include", "profile, metric", "is not one of"),
            ("include", "lists", "'lists' is not one of"),
            ("fields[event]", "datetime,colour", "'colour' is not one of"),
            ("fields[list]", "name", "not a parameter"),
            ("page[number]", "2", "not a parameter"),
            ("filter", 'equals(email,"a@b.c")', "email is not one of the fields"),
            ("filter", 'any(metric_id,["M1"])', "metric_id takes equals, not any"),
            ("filter", 'greater-than(datetime,"2026-01-01T00:00:00Z")', "not text"),
            ("filter", 'or(equals(metric_id,"M1"),equals(metric_id,"M2"))', "no operator 'or'"),
            ("filter", "equals(metric_id,M1)", "neither quoted nor"),
            ("filter", 'equals(metric_id,"M1"', "the end"),
            ("filter", 'equals(metric_id,"M1"))', "left over"),
            ("filter", 'equals(metric_id, "M1")', "cannot read"),
            ("filter", "has(profile,true)", "has with 1 literals"),
            ("filter", "equals(metric_id)", "equals with 0 literals"),
        ],
    )
    def test_an_event_query_that_the_document_does_not_know(
        self, document: Document, parameter: str, value: str, complaint: str
    ) -> None:
        found = get(document, "/api/events", **{parameter: value})
        assert len(found) == 1
        assert complaint in found[0]

    @pytest.mark.parametrize(
        "expression",
        [
            'and(equals(email,"o\\"hara@example.com"),less-than(created,2026-01-01))',
            "any(email,['a,b(c)','ann@example.com'])",
            'equals(subscriptions.email.marketing.suppression.reason,"UNSUBSCRIBE")',
        ],
    )
    def test_profile_filters(self, document: Document, expression: str) -> None:
        assert get(document, "/api/profiles", filter=expression) == []

    def test_any_takes_a_list(self, document: Document) -> None:
        assert get(document, "/api/lists", filter='any(id,["L1"])') == []
        assert "any takes a list" in get(document, "/api/lists", filter='any(id,"L1")')[0]

    def test_campaigns_need_a_filter(self, document: Document) -> None:
        assert get(document, "/api/campaigns", filter="equals(messages.channel,'email')") == []
        assert get(document, "/api/campaigns") == ["filter: this parameter is required"]

    def test_a_parameter_comes_once(self, document: Document) -> None:
        found = get(document, "/api/events?include=profile&include=metric")
        assert found == ["query: a parameter comes twice"]

    def test_every_request_names_a_revision(self, document: Document) -> None:
        assert document.check_request("GET", "/api/accounts", {}) == ["revision header: ''"]

    def test_paths_and_methods_are_the_documents(self, document: Document) -> None:
        assert get(document, "/api/catalog-items/%24custom%3A%3A%3A%24default%3A%3A%3A1") == []
        assert get(document, f"{SERVER}/api/lists/L1/profiles") == []
        assert get(document, "/api/carts") == ["/api/carts is not a path of the document"]
        assert get(document, "/api/events/") == ["/api/events/ is not a path of the document"]
        assert document.check_request("PUT", "/api/lists/L1", HEADERS) == [
            "PUT is not allowed, only GET, PATCH, DELETE"
        ]

    def test_the_examples_of_all_filter_parameters_are_right(self, document: Document) -> None:
        parameters = [op.query["filter"] for op in document.operations if "filter" in op.query]
        assert len(parameters) > 50
        for operation in document.operations:
            if "filter" in operation.query and operation.template.startswith("/api"):
                url = operation.template.replace("{id}", "X")
                example = operation.query["filter"]["schema"]["example"]
                assert get(document, url, filter=example) == []


class TestRequestBody:
    def aggregate(self, **changes: Any) -> Json:
        attributes = {
            "metric_id": "M1",
            "measurements": ["count", "unique"],
            "interval": "week",
            "by": ["$attributed_channel", "Campaign Name"],
            "filter": [
                "greater-or-equal(datetime,2026-01-01T00:00:00)",
                "less-than(datetime,2026-02-01T00:00:00.000000)",
                'equals(Campaign Name,"Spring")',
            ],
            "timezone": "Europe/Berlin",
        } | changes
        return {"data": {"type": "metric-aggregate", "attributes": attributes}}

    def test_an_aggregate_is_right(self, document: Document) -> None:
        assert send(document, "POST", "/api/metric-aggregates", self.aggregate()) == []
        assert send(document, "POST", "/api/metric-aggregates", self.aggregate(interval=None)) == []

    @pytest.mark.parametrize(
        ("changes", "complaint"),
        [
            ({"interval": "daily"}, "data.attributes.interval: 'daily' is not one of"),
            ({"measurements": "count"}, "data.attributes.measurements: 'count' is not of type array"),
            ({"by": ["Colour"]}, "data.attributes.by[0]: 'Colour' is not one of"),
            ({"statistics": []}, "data.attributes: has statistics, but the schema lists only"),
            ({"metric_id": None}, "data.attributes.metric_id: None is not of type string"),
            ({"filter": ["less-than(datetime)"]}, "less-than with 0 literals"),
        ],
    )
    def test_an_aggregate_is_wrong(self, document: Document, changes: Json, complaint: str) -> None:
        found = send(document, "POST", "/api/metric-aggregates", self.aggregate(**changes))
        assert len(found) == 1
        assert complaint in found[0]

    def test_a_report_filter_is_checked_like_a_query(self, document: Document) -> None:
        def asked(expression: str) -> list[str]:
            attributes = {
                "statistics": ["opens"],
                "timeframe": {"key": "last_30_days"},
                "conversion_metric_id": "M1",
                "filter": expression,
            }
            body = {"data": {"type": "campaign-values-report", "attributes": attributes}}
            return send(document, "POST", "/api/campaign-values-reports", body)

        assert asked('and(equals(campaign_id,"C1"),contains-any(send_channel,["email","sms"]))') == []
        assert "send_channel takes contains-any, equals, not any" in asked('any(send_channel,["sms"])')[0]
        assert "flow_id is not one of the fields" in asked('equals(flow_id,"F1")')[0]

    def test_a_profile_may_have_nulls_and_any_custom_property(self, document: Document) -> None:
        attributes = {
            "email": None,
            "properties": {"Any Thing": [1, {"a": None}]},
            "location": {"latitude": "1"},
        }
        body: Json = {"data": {"type": "profile", "attributes": attributes}}
        assert send(document, "POST", "/api/profiles", body) == []
        body["data"]["attributes"] |= {"favourite": "tea", "location": {"latitude": True}}
        assert send(document, "POST", "/api/profiles", body) == [
            "data.attributes.location.latitude: fits none of 3 shapes; the nearest says "
            "data.attributes.location.latitude: True is not of type string",
            "data.attributes: has favourite, but the schema lists only email, external_id, first_name, "
            "image, last_name, locale, location, organization, phone_number, properties, title",
        ]

    def test_a_bulk_job_names_the_item_that_is_wrong(self, document: Document) -> None:
        def job(*items: Json) -> Json:
            data = [{"type": "catalog-item", "attributes": item} for item in items]
            return {"data": {"type": "catalog-item-bulk-create-job", "attributes": {"items": {"data": data}}}}

        good = {"external_id": "1", "title": "Tea", "description": "Green", "url": "https://shop.example/1"}
        path = "/api/catalog-item-bulk-create-jobs"
        assert (
            send(document, "POST", path, job(good, good | {"price": None, "custom_metadata": {"a": 1}})) == []
        )
        assert send(document, "POST", path, job(good, good | {"price": "9"})) == [
            "data.attributes.items.data[1].attributes.price: '9' is not of type number, null"
        ]
        untitled = {key: value for key, value in good.items() if key != "title"}
        assert send(document, "POST", path, job(untitled, good, untitled)) == [
            "data.attributes.items.data[0].attributes: 'title' is missing (and 1 more like it)"
        ]

    def test_a_branch_is_chosen_by_what_fixes_it(self, document: Document) -> None:
        def segment(condition: Json) -> list[str]:
            definition = {"condition_groups": [{"conditions": [condition]}]}
            attributes = {"name": "Regulars", "definition": definition}
            return send(
                document, "POST", "/api/segments", {"data": {"type": "segment", "attributes": attributes}}
            )

        member = {"type": "profile-group-membership", "is_member": True, "group_ids": ["L1"]}
        assert segment({**member, "timeframe_filter": None}) == []
        place = "data.attributes.definition.condition_groups[0].conditions[0]"
        assert segment({**member, "is_member": "yes"}) == [
            f"{place}.is_member: 'yes' is not one of True, False"
        ]
        assert f"{place}.type: 'profile-mood' is not one of" in segment({"type": "profile-mood"})[0]

    def test_a_change_repeats_the_id_of_its_path(self, document: Document) -> None:
        body: Json = {"data": {"type": "list", "id": "L1", "attributes": {"name": "News"}}}
        assert send(document, "PATCH", "/api/lists/L1", body) == []
        assert send(document, "PATCH", "/api/lists/L2", body) == ["data.id: 'L1' is not the 'L2' of the path"]

    def test_relationships_take_a_list_also_when_deleted(self, document: Document) -> None:
        url = "/api/lists/L1/relationships/profiles"
        one = {"type": "profile", "id": "p1"}
        assert send(document, "DELETE", url, {"data": [one]}) == []
        assert "data: " in send(document, "DELETE", url, {"data": one})[0]

    def test_a_file_is_uploaded_as_a_form(self, document: Document) -> None:
        form = HEADERS | {"Content-Type": "multipart/form-data; boundary=x"}
        assert document.check_request("POST", "/api/image-upload", form, b"--x--") == []
        assert document.check_request("POST", "/api/image-upload", HEADERS, b"{}") == [
            "content-type: multipart/form-data is required"
        ]

    def test_bodies_come_where_they_belong_and_as_jsonapi(self, document: Document) -> None:
        body = b'{"data":{"type":"profile","attributes":{}}}'
        plain = HEADERS | {"Content-Type": "application/json"}
        with_charset = HEADERS | {"Content-Type": f"{JSONAPI}; charset=utf-8"}
        assert document.check_request("POST", "/api/profiles", with_charset, body) == []
        assert document.check_request("POST", "/api/profiles", plain, body) == [
            f"content-type: 'application/json' is not {JSONAPI}"
        ]
        assert document.check_request("POST", "/api/profiles", HEADERS, b"") == ["body: missing"]
        assert "not JSON" in document.check_request("POST", "/api/profiles", HEADERS, body[:-1])[0]
        assert "where none is allowed" in document.check_request("GET", "/api/profiles", HEADERS, body)[0]
        assert "where none is allowed" in document.check_request("DELETE", "/api/lists/L1", HEADERS, body)[0]


class TestWithoutTheDocument:
    def test_it_says_what_to_set(self) -> None:
        with pytest.raises(pytest.skip.Exception, match=f"set {VARIABLE}"):
            document_path({})

    def test_continuous_integration_does_not_skip(self) -> None:
        with pytest.raises(pytest.fail.Exception, match=f"set {VARIABLE}"):
            document_path({"CI": "true"})

    def test_a_wrong_path_is_not_passed_over(self) -> None:
        with pytest.raises(pytest.fail.Exception, match="nowhere"):
            document_path({VARIABLE: "nowhere.json"})
