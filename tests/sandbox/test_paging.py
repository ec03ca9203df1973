"""Cursors: every row once at any page size, in a stable order, even while the account changes."""

from __future__ import annotations

from unittest.mock import Mock
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest
from werkzeug.test import Client

from klaviyo_analytics.sandbox import Sandbox
from klaviyo_analytics.sandbox.app import reads
from klaviyo_analytics.sandbox.app import selection as events_module
from tests.sandbox.accounts import NOW, small_account, some_events
from tests.sandbox.api import Api, data


class TestPages:
    @pytest.mark.parametrize("size", [1, 2, 5, 11, 12, 13, 1000])
    @pytest.mark.parametrize("sort", ["datetime", "-datetime"])
    def test_events_come_once_in_their_order(self, api: Api, sort: str, size: int) -> None:
        ids = [f"ev{number:06d}" for number in range(12)]  # three at each moment: the order of ties counts
        expected = ids if sort == "datetime" else ids[::-1]
        pages = api.pages("/api/events", sort=sort, page__size=size)
        assert [id_ for page in pages for id_ in page.ids] == expected
        assert [len(page.ids) for page in pages[:-1]] == [size] * (len(pages) - 1)
        assert pages[-1].ids, "no page is empty"

    @pytest.mark.parametrize("sort", ["created", "-created", "name", "-name", "id", "-id", "updated"])
    def test_lists_come_ten_at_a_time(self, api: Api, sort: str) -> None:
        pages = api.pages("/api/lists", sort=sort)
        assert [len(page.ids) for page in pages] == [10, 10, 3]
        name = sort.removeprefix("-")
        shown = [item for page in pages for item in page.json["data"]]
        values = [item["id"] if name == "id" else item["attributes"][name] for item in shown]
        assert values == sorted(values, reverse=sort.startswith("-"))

    def test_members_that_joined_together_come_once(self, api: Api) -> None:
        assert api.all_ids("/api/lists/LIST01/profiles", page__size=1) == ["01ANNA", "01BO", "01CY"]
        back = api.all_ids("/api/lists/LIST01/profiles", page__size=1, sort="-joined_group_at")
        assert back == ["01CY", "01BO", "01ANNA"]
        ids = api.pages("/api/lists/LIST01/relationships/profiles", page__size=2)
        assert [page.json["data"] for page in ids][1] == [{"type": "profile", "id": "01CY"}]

    def test_nulls_have_a_place_in_the_order(self, api: Api) -> None:
        ids = api.all_ids("/api/profiles", sort="email", page__size=1)
        assert ids == ["01ANNA", "01BO", "01CY"], "without an email comes last"
        assert api.all_ids("/api/profiles", sort="-email", page__size=1) == ids[::-1]

    def test_an_empty_collection_is_one_empty_page(self, api: Api) -> None:
        reply = api.get("/api/events", filter='equals(metric_id,"none")')
        assert reply.json["data"] == []
        assert reply.next is None

    def test_without_a_page_size_parameter_the_default_holds(self) -> None:
        sandbox = Sandbox(account=small_account(some_events(450)))
        try:
            api = Api(sandbox)
            assert len(api.get("/api/events").ids) == 200
            assert len(api.get("/api/events", page__size=1000).ids) == 450
        finally:
            sandbox.close()


class TestCost:
    def test_events_are_selected_once_for_all_pages(self, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
        select = Mock(wraps=events_module._select)
        monkeypatch.setattr(events_module, "_select", select)
        assert len(api.pages("/api/events", page__size=1, filter="has(profile)")) == 9
        assert select.call_count == 1
        api.post("/api/events", event("2026-01-20T11:00:00Z"))
        assert len(api.pages("/api/events", page__size=1, filter="has(profile)")) == 10
        assert select.call_count == 2, "a change is seen"

    def test_lists_are_sorted_once_for_all_pages(self, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
        sort_key = Mock(wraps=reads._sort_key)
        monkeypatch.setattr(reads, "_sort_key", sort_key)
        assert len(api.pages("/api/lists", sort="name")) == 3
        assert sort_key.call_count == 23


class TestLinks:
    @pytest.mark.parametrize("face", ["", "/klaviyo"])
    def test_a_client_that_follows_them_as_they_are_can_be_led_on_here(
        self, sandbox: Sandbox, face: str
    ) -> None:
        key = f"Bearer {sandbox.maton_key}" if face else f"Klaviyo-API-Key {sandbox.api_key}"
        own, path, pages = "http://127.0.0.1:8080", f"{face}/api/lists", 0
        sandbox.settings.own_links = True
        try:
            while path:
                headers = {"Authorization": key, "revision": "2026-01-15"}
                answer = Client(sandbox.wsgi).get(path, headers=headers, base_url=own)
                links = orjson.loads(answer.data)["links"]
                assert all(link.startswith(f"{own}{face}/api/lists") for link in links.values())
                path, pages = links.get("next", "").removeprefix(own), pages + 1
        finally:
            sandbox.settings.own_links = False
        assert pages == 3

    def test_through_the_gateway_they_lead_to_klaviyo_and_carry_the_query(self, sandbox: Sandbox) -> None:
        gateway = Api(sandbox, prefix="/klaviyo", Authorization=f"Bearer {sandbox.maton_key}")
        reply = gateway.get(
            "/api/events", page__size=2, filter='equals(metric_id,"PLACED")', fields__event="datetime"
        )
        links = reply.json["links"]
        assert links["self"].startswith("https://a.klaviyo.com/api/events?page%5Bsize%5D=2&filter=equals%28")
        parts = urlsplit(links["next"])
        assert (parts.scheme, parts.netloc, parts.path) == ("https", "a.klaviyo.com", "/api/events")
        query = parse_qs(parts.query)
        assert set(query) == {"page[size]", "filter", "fields[event]", "page[cursor]"}
        assert query["filter"] == ['equals(metric_id,"PLACED")']
        assert "[" not in parts.query
        assert "prev" not in links

    def test_prev_leads_back(self, api: Api) -> None:
        first, second, *_, last = api.pages("/api/events", page__size=5)
        assert "prev" not in first.json["links"]
        back = api.get(second.json["links"]["prev"].removeprefix("https://a.klaviyo.com"))
        assert back.ids == first.ids
        assert api.get(last.json["links"]["prev"].removeprefix("https://a.klaviyo.com")).ids == second.ids
        assert api.get(last.json["links"]["first"].removeprefix("https://a.klaviyo.com")).ids == first.ids

    def test_the_first_page_can_be_reached_from_anywhere_near_it(self, api: Api) -> None:
        second = api.pages("/api/events", page__size=3)[1]
        cursor = parse_qs(urlsplit(second.json["links"]["prev"]).query)["page[cursor]"][0]
        assert (
            api.get("/api/events", page__size=3, page__cursor=cursor).ids
            == api.get("/api/events", page__size=3).ids
        )
        assert (
            api.get("/api/events", page__size=9, page__cursor=cursor).ids
            == api.get("/api/events", page__size=3).ids
        )

    def test_links_to_nowhere_can_be_null(self, sandbox: Sandbox, api: Api) -> None:
        sandbox.settings.null_links = True
        links = api.get("/api/events").json["links"]
        assert (links["next"], links["prev"]) == (None, None)
        assert api.get("/api/events", page__size=5).json["links"]["next"]
        assert "next" not in api.get("/api/events/ev000001").json["links"]

    def test_a_cursor_alone_continues_ones_own_query(self, api: Api) -> None:
        first = api.get("/api/events", page__size=5)
        cursor = parse_qs(urlsplit(first.next or "").query)["page[cursor]"][0]
        assert api.get("/api/events", page__size=5, page__cursor=cursor).ids == api.get(first.next or "").ids


class TestChangesUnderway:
    def test_a_new_event_shifts_nothing(self, api: Api) -> None:
        page = api.get("/api/events", page__size=5, sort="-datetime")
        seen = page.ids
        api.post("/api/events", event("2026-01-20T11:00:00Z"))
        while page.next:
            page = api.get(page.next)
            seen += page.ids
        assert sorted(seen) == [f"ev{number:06d}" for number in range(12)]
        assert len(api.all_ids("/api/events")) == 13

    def test_a_deleted_resource_does_not_break_the_cursor_that_names_it(self, api: Api) -> None:
        page = api.get("/api/lists", sort="-id")
        api.delete(f"/api/lists/{page.ids[-1]}")
        rest = api.get(page.next or "")
        assert rest.ids[0] == "LIST13"
        assert len(rest.ids) == 10


class TestRefusals:
    @pytest.mark.parametrize(
        ("path", "name", "value"),
        [
            ("/api/events", "page[size]", "0"),
            ("/api/events", "page[size]", "1001"),
            ("/api/events", "page[size]", "many"),
            ("/api/events", "page[size]", "-5"),
            ("/api/events", "page[size]", ""),
            ("/api/profiles", "page[size]", "101"),
            ("/api/lists", "page[size]", "10"),
            ("/api/metrics", "page[size]", "200"),
            ("/api/events", "page[cursor]", "nonsense"),
            ("/api/events", "page[cursor]", "bm9uc2Vuc2U="),
            ("/api/events", "page[number]", "2"),
            ("/api/accounts", "page[cursor]", "x"),
            ("/api/events", "sort", "value"),
            ("/api/metrics", "sort", "name"),
        ],
    )
    def test_400_at_the_parameter(self, api: Api, path: str, name: str, value: str) -> None:
        reply = api.get(path, **{name: value})
        assert (reply.status, reply.source) == (400, {"parameter": name})

    def test_a_cursor_of_another_endpoint_is_refused(self, api: Api) -> None:
        cursor = parse_qs(urlsplit(api.get("/api/lists").next or "").query)["page[cursor]"][0]
        assert api.get("/api/events", page__cursor=cursor).source == {"parameter": "page[cursor]"}

    @pytest.mark.parametrize(
        ("path", "query"),
        [
            ("/api/lists", {"sort": "-name"}),
            ("/api/lists", {"sort": "name", "filter": "greater-than(created,2020-01-01)"}),
            ("/api/segments", {"sort": "name"}),
        ],
    )
    def test_a_cursor_of_another_query_is_refused(self, api: Api, path: str, query: dict[str, str]) -> None:
        """The keys of these orders are all text, so that a page could be cut, and would be a wrong one."""
        link = api.get("/api/lists", sort="name").next
        assert link is not None
        cursor = parse_qs(urlsplit(link).query)["page[cursor]"][0]
        reply = api.get(path, page__cursor=cursor, **query)
        assert (reply.status, reply.source) == (400, {"parameter": "page[cursor]"})

    def test_the_page_size_may_change_on_the_way(self, api: Api) -> None:
        first = api.get("/api/events", sort="datetime", page__size=2)
        assert first.next is not None
        cursor = parse_qs(urlsplit(first.next).query)["page[cursor]"][0]
        rest = api.get("/api/events", sort="datetime", page__size=50, page__cursor=cursor)
        assert first.ids + rest.ids == api.get("/api/events", sort="datetime").ids

    def test_a_parameter_twice_is_refused(self, api: Api) -> None:
        assert api.get("/api/events?include=metric&include=profile").source == {"parameter": "include"}

    def test_the_largest_page_of_events_can_be_200(self) -> None:
        sandbox = Sandbox(account=small_account(), events_page_max=200)
        try:
            api = Api(sandbox)
            assert api.get("/api/events", page__size=201).source == {"parameter": "page[size]"}
            assert api.get("/api/events", page__size=200).status == 200
            sandbox.settings.events_page_max = None
            assert api.get("/api/events", page__size=1000).status == 200
        finally:
            sandbox.close()


def event(time: str) -> object:
    metric = {"data": {"type": "metric", "attributes": {"name": "Scored"}}}
    profile = {"data": {"type": "profile", "attributes": {"email": "anna@shop.example"}}}
    return data("event", properties={}, metric=metric, profile=profile, time=time)


def test_the_clock_of_these_tests_is_the_accounts(sandbox: Sandbox) -> None:
    assert sandbox.account.now == NOW
