"""The judge of answers: what it must let through and what it must not, of pages, resources and errors."""

from __future__ import annotations

import time
from typing import Any

import orjson
import pytest

from tests.contract.openapi import Document

Json = dict[str, Any]
JSONAPI = "application/vnd.api+json"
HEADERS = {"Content-Type": JSONAPI}
SERVER = "https://a.klaviyo.com"


def answered(document: Document, url: str, body: Any, *, method: str = "GET", status: int = 200) -> list[str]:
    return document.check_response(method, url, status, HEADERS, orjson.dumps(body))


def event(number: int = 1) -> Json:
    own = f"{SERVER}/api/events/e{number}"
    return {
        "type": "event",
        "id": f"e{number}",
        "attributes": {
            "timestamp": 1_767_225_600,
            "event_properties": {"$value": 12.5, "Items": ["Tea"], "anything": {"goes": None}},
            "datetime": "2026-01-01T00:00:00+00:00",
            "uuid": "0b1d6d00-6c0f-11f0-8001-1f0e4d9c2b7a",
        },
        "relationships": {
            "profile": {
                "data": {"type": "profile", "id": "p1"},
                "links": {"self": f"{own}/relationships/profile", "related": f"{own}/profile"},
            }
        },
        "links": {"self": own},
    }


def profile(identity: str = "p1") -> Json:
    return {
        "type": "profile",
        "id": identity,
        "attributes": {"email": "ann@example.com", "location": {"city": None, "latitude": 1.5}},
        "links": {"self": f"{SERVER}/api/profiles/{identity}"},
    }


def page(*data: Json, url: str = "/api/events", **rest: Any) -> Json:
    return {"data": list(data), "links": {"self": SERVER + url}, **rest}


class TestAnswer:
    def test_a_page_of_events_is_right(self, document: Document) -> None:
        assert answered(document, "/api/events", page(event(1), event(2))) == []
        assert answered(document, "/api/events", page()) == []

    @pytest.mark.parametrize(
        ("place", "value", "complaint"),
        [
            (("attributes", "colour"), "red", "data[0].attributes: has colour, but the schema lists only"),
            (("attributes", "timestamp"), "now", "data[0].attributes.timestamp: 'now' is not of type"),
            (("attributes", "datetime"), "2026-01-01 00:00:00", "is not a 'date-time'"),
            (("attributes", "datetime"), "2026-13-01T00:00:00Z", "is not a 'date-time'"),
            (("type",), "events", "data[0].type: 'events' is not one of event"),
            (("id",), 7, "data[0].id: 7 is not of type string"),
            (("id",), ["e1"], "data[0].id: ['e1'] is not of type string"),
            (("links",), {}, "data[0].links: 'self' is missing"),
            (("links", "self"), f"{SERVER}/api/event/e1", "data[0].links.self"),
            (("relationships", "shop"), {}, "data[0].relationships: has shop"),
            (
                ("relationships", "profile", "links", "related"),
                f"{SERVER}/api/events/e2/profile",
                "data[0].relationships.profile.links.related",
            ),
        ],
    )
    def test_an_event_is_wrong(
        self, document: Document, place: tuple[str, ...], value: object, complaint: str
    ) -> None:
        broken = event()
        holder = broken
        for step in place[:-1]:
            holder = holder[step]
        holder[place[-1]] = value
        found = answered(document, "/api/events", page(broken))
        assert any(complaint in each for each in found)

    def test_links_keep_the_query_and_only_move_the_cursor(self, document: Document) -> None:
        url = "/api/events?sort=datetime&page%5Bsize%5D=1"

        def linked(**links: str) -> list[str]:
            body = {"data": [event()], "links": {"self": SERVER + url, **links}}
            return answered(document, url, body)

        assert linked(next=f"{SERVER}/api/events?page%5Bcursor%5D=abc&sort=datetime&page%5Bsize%5D=1") == []
        assert "does not keep" in linked(next=f"{SERVER}/api/events?page%5Bcursor%5D=abc")[0]
        assert "leads away" in linked(next=f"{SERVER}/api/profiles?sort=datetime")[0]
        assert "does not start with" in linked(next=f"http://localhost{url}")[0]
        assert "is not what was asked" in linked(self=f"{SERVER}/api/events")[0]
        assert "links.next: None is not of type string" in linked(next=None)[0]  # type: ignore[arg-type]

    def test_links_lead_where_a_request_may_go(self, document: Document) -> None:
        endless = {"self": f"{SERVER}/api/webhooks", "next": f"{SERVER}/api/webhooks?page%5Bcursor%5D=abc"}
        assert answered(document, "/api/webhooks", {"data": [], "links": endless}) == [
            "links.next: page[cursor]: not a parameter of /api/webhooks"
        ]

    def test_a_page_is_no_longer_than_asked(self, document: Document) -> None:
        url = "/api/events?page%5Bsize%5D=1"
        assert answered(document, url, page(event(1), event(2), url=url)) == [
            "data: 2 resources on a page of 1"
        ]

    def test_what_is_included_is_asked_for_and_linked(self, document: Document) -> None:
        url = "/api/events?include=profile"
        whole = page(event(), url=url, included=[profile()])
        assert answered(document, url, whole) == []
        assert answered(document, "/api/events", page(event(), included=[profile()])) == [
            "included: nothing was asked to be included"
        ]
        assert "no relationship of the document leads to profile p2" in "".join(
            answered(document, url, page(event(), url=url, included=[profile(), profile("p2")]))
        )
        assert "('profile', 'p1') is not included" in answered(document, url, page(event(), url=url))[0]
        assert "twice" in answered(document, url, page(event(), url=url, included=[profile(), profile()]))[0]

    def test_an_included_resource_is_judged_by_its_own_type(self, document: Document) -> None:
        url = "/api/events?include=profile"
        wrong = profile()
        wrong["attributes"]["email"] = 5
        assert answered(document, url, page(event(), url=url, included=[wrong])) == [
            "included[0].attributes.email: 5 is not of type string, null"
        ]

    def test_sparse_fieldsets_need_nothing_and_allow_nothing_else(self, document: Document) -> None:
        url = "/api/campaigns/C1?fields%5Bcampaign%5D=name,send_strategy.method"
        own = f"{SERVER}/api/campaigns/C1"
        attributes: Json = {"name": "Tea", "send_strategy": {"method": "static"}}
        campaign = {"type": "campaign", "id": "C1", "attributes": attributes, "links": {"self": own}}
        body = {"data": campaign, "links": {"self": SERVER + url}}
        assert answered(document, url, body) == []
        attributes["archived"] = False
        assert answered(document, url, body) == ["data.attributes: archived is not in fields[campaign]"]
        assert "data.attributes: 'status' is missing" in answered(document, "/api/campaigns/C1", body)

    def test_dotted_fields_reach_into_objects(self, document: Document) -> None:
        url = "/api/profiles?fields%5Bprofile%5D=location.city"
        ann = profile() | {"attributes": {"location": {"city": "Bonn"}}}
        assert answered(document, url, page(ann, url=url)) == []
        nowhere = profile() | {"attributes": {"location": None}}
        assert answered(document, url, page(nowhere, url=url)) == []
        ann["attributes"]["location"]["country"] = "Germany"
        assert answered(document, url, page(ann, url=url)) == [
            "data[0].attributes: location.country is not in fields[profile]"
        ]

    def test_additional_fields_come_only_on_request(self, document: Document) -> None:
        ann = profile() | {"attributes": {"subscriptions": {}}}
        asked = "/api/profiles?additional-fields%5Bprofile%5D=subscriptions"
        assert answered(document, asked, page(ann, url=asked)) == []
        assert answered(document, "/api/profiles", page(ann, url="/api/profiles")) == [
            "data[0].attributes: subscriptions comes only with additional-fields[profile]"
        ]

    def test_attributes_that_the_document_requires(self, document: Document) -> None:
        tag: Json = {"type": "tag", "id": "T1", "attributes": {}, "links": {"self": f"{SERVER}/api/tags/T1"}}
        body = {"data": tag, "links": {"self": f"{SERVER}/api/tags/T1"}}
        assert answered(document, "/api/tags/T1", body) == ["data.attributes: 'name' is missing"]

    def test_what_is_only_written_is_not_read(self, document: Document) -> None:
        definition: Json = {"id": "1", "type": "back-in-stock-delay", "links": {"next": None}}
        own = f"{SERVER}/api/flow-actions/1"
        action = {
            "type": "flow-action",
            "id": "1",
            "attributes": {"definition": definition},
            "links": {"self": own},
        }
        body = {"data": action, "links": {"self": own}}
        assert answered(document, "/api/flow-actions/1", body) == []
        definition["temporary_id"] = "one"
        found = answered(document, "/api/flow-actions/1", body)
        assert "data.attributes.definition: has temporary_id" in found[0]

    def test_an_empty_answer_is_empty(self, document: Document) -> None:
        def deleted(body: bytes, status: int = 204) -> list[str]:
            return document.check_response("DELETE", "/api/lists/L1", status, HEADERS, body)

        assert deleted(b"") == []
        assert "where none is allowed" in deleted(b"{}")[0]
        assert "documented are 204" in deleted(b"", 200)[0]
        assert document.check_response("GET", "/api/lists", 200, HEADERS, b"") == ["body: missing"]
        assert document.check_response("POST", "/api/events", 202, HEADERS, b"") == []

    def test_errors_have_the_general_shape(self, document: Document) -> None:
        error: Json = {
            "id": "0b1d",
            "status": 404,
            "code": "not_found",
            "title": "Not found.",
            "detail": "A list with id L1 does not exist.",
            "source": {"pointer": "/data/"},
            "links": {},
            "meta": {},
        }
        assert answered(document, "/api/lists/L1", {"errors": [error]}, status=404) == []
        assert answered(document, "/api/nowhere", {"errors": [error]}, status=404) == []
        del error["detail"]
        assert answered(document, "/api/lists/L1", {"errors": [error]}, status=429) == [
            "errors[0]: 'detail' is missing"
        ]
        page = document.check_response("GET", "/api/lists", 500, {"content-type": "text/html"}, b"<p>")
        assert page[0] == f"content-type: 'text/html' is not {JSONAPI}"
        assert "body: not JSON" in page[1]

    def test_success_on_an_unknown_path_is_wrong(self, document: Document) -> None:
        assert "not in the document" in answered(document, "/api/nowhere", {"data": []})[0]

    def test_every_schema_of_the_document_can_be_read(self, document: Document) -> None:
        for operation in document.operations:
            for status in (200, 201, 202):
                if operation.gives(status):
                    url = operation.template.replace("{id}", "X").replace("{job_id}", "X")
                    found = answered(document, url, {}, method=operation.method, status=status)
                    assert "body: 'data' is missing" in found

    def test_a_long_page_takes_well_under_a_second(self, document: Document) -> None:
        body = orjson.dumps(page(*(event(number) for number in range(1000))))
        document.check_response("GET", "/api/events", 200, HEADERS, body)
        start = time.process_time()
        assert document.check_response("GET", "/api/events", 200, HEADERS, body) == []
        assert time.process_time() - start < 1
