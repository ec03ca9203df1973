"""Next links: followed to their end on our own host, never in a circle."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import klaviyo_analytics
from klaviyo_analytics.endpoints.paging import (
    BodyCursors,
    NextLinks,
    Paginator,
    QueryCursors,
    next_target,
)
from klaviyo_analytics.errors import MalformedResponseError, PaginationError
from tests.http.scripted_server import Answer, ScriptedServer
from tests.http.senders import get, transport

DATA: Mapping[str, Any] = {"data": {"attributes": {}}}
KLAVIYO = "https://a.klaviyo.com/api/profiles"


def page(*ids: str, next: Any = None, **links: Any) -> Answer:
    body = {
        "data": [{"type": "profile", "id": id} for id in ids],
        "links": {"self": KLAVIYO, "next": next, **links},
    }
    return Answer(body=json.dumps(body).encode())


def read(server: ScriptedServer, face: str = "", **params: str) -> Iterator[list[str]]:
    sender = transport(server.url + face)
    call = get(**params)
    for document in NextLinks(call.label).pages(call, lambda call: sender.send(call).document):
        yield [record["id"] for record in document["data"]]


@pytest.mark.parametrize(
    ("link", "cursor"),
    [
        (None, None),
        (f"{KLAVIYO}?page%5Bcursor%5D=a%2Bb", "a+b"),
        (f"{KLAVIYO}?page_cursor=two", "two"),
        (f"{KLAVIYO}?x=1", "/api/profiles?x=1"),
    ],
)
def test_the_cursor_of_the_next_page(link: str | None, cursor: str | None) -> None:
    document = {**DATA, "links": {"next": link}}
    for paginator in (BodyCursors("aggregates"), QueryCursors("reports")):
        found = paginator.following({"kept": "1"}, document)
        assert found == (cursor and (cursor, {"kept": "1", "page_cursor": cursor}))


@pytest.mark.parametrize("face", ["", "/klaviyo"], ids=["direct", "gateway"])
@pytest.mark.parametrize(
    "origin",
    [
        "https://a.klaviyo.com",
        "https://gateway.maton.ai/klaviyo",
        "https://evil.example",
        "http://127.0.0.1:1",
        "",
    ],
)
def test_only_path_and_query_of_a_next_link_are_used(face: str, origin: str) -> None:
    with ScriptedServer() as elsewhere:
        origin = elsewhere.url if "evil" in origin else origin
        link = f"{origin}/api/profiles?filter=equals%28a%2C%22%2B1%22%29&page%5Bcursor%5D=two"
        with ScriptedServer(page("1", next=link), page("2")) as server:
            assert list(read(server, face, filter='equals(a,"+1")')) == [["1"], ["2"]]
        assert elsewhere.asked == []
    assert server.targets() == [
        f"{face}/api/profiles?filter=equals%28a%2C%22%2B1%22%29",
        f"{face}/api/profiles?filter=equals%28a%2C%22%2B1%22%29&page%5Bcursor%5D=two",
    ]


def test_the_links_own_query_is_followed_whole_and_ours_is_not_added() -> None:
    link = f"{KLAVIYO}?page%5Bcursor%5D=two&page%5Bsize%5D=1"
    with ScriptedServer(page("1", next=link), page("2")) as server:
        list(read(server, **{"page[size]": "1"}))
    assert server.targets()[1] == "/api/profiles?page%5Bcursor%5D=two&page%5Bsize%5D=1"


@pytest.mark.parametrize("cursor", ["ab%3D%3D", "a%2Bb", "a%2Fb%26c", "a==", "🙂".encode().hex()])
def test_a_cursor_goes_back_as_it_came(cursor: str) -> None:
    with ScriptedServer(page("1", next=f"{KLAVIYO}?page%5Bcursor%5D={cursor}"), page("2")) as server:
        list(read(server))
    assert server.targets()[1] == f"/api/profiles?page%5Bcursor%5D={cursor}"


@pytest.mark.parametrize("wrapped", [lambda link: link, lambda link: {"href": link, "meta": {"count": 1}}])
def test_a_link_may_be_an_object(wrapped: Any) -> None:
    with ScriptedServer(page("1", next=wrapped(f"{KLAVIYO}?page%5Bcursor%5D=two")), page("2")) as server:
        assert list(read(server)) == [["1"], ["2"]]


class TestTheEnd:
    @pytest.mark.parametrize(
        "document",
        [
            {"data": [], "links": {"next": None}},
            {"data": [], "links": {"next": ""}},
            {"data": [], "links": {"next": {}}},
            {"data": [], "links": {"next": {"href": None}}},
            {"data": [], "links": {}},
            {"data": [], "links": None},
            {"data": []},
            {},
            [],
            None,
        ],
    )
    def test_no_link_is_the_last_page(self, document: Any) -> None:
        assert next_target(document) is None

    def test_an_empty_page_in_the_middle_is_not_the_end(self) -> None:
        link = KLAVIYO + "?page%5Bcursor%5D="
        with ScriptedServer(page("1", next=link + "b"), page(next=link + "c"), page("3")) as server:
            assert list(read(server)) == [["1"], [], ["3"]]

    def test_pages_are_read_only_when_they_are_wanted(self) -> None:
        with ScriptedServer(page("1", next=f"{KLAVIYO}?page%5Bcursor%5D=b"), page("2")) as server:
            pages = read(server)
            next(pages)
            assert len(server.asked) == 1


class TestCircles:
    def test_the_same_cursor_twice_stops_the_reading(self) -> None:
        with ScriptedServer(page("1", next=f"{KLAVIYO}?page%5Bcursor%5D=b")) as server:
            pages = read(server)
            assert [next(pages), next(pages)] == [["1"], ["1"]]
            with pytest.raises(PaginationError, match=r"GET /api/profiles.*same cursor twice.*after 2 pages"):
                next(pages)
        assert len(server.asked) == 2

    def test_also_a_circle_of_several(self) -> None:
        link = KLAVIYO + "?page%5Bcursor%5D="
        script = [page(str(n), next=f"{link}{n % 3}") for n in range(20)]
        with ScriptedServer(*script) as server, pytest.raises(PaginationError):
            list(read(server))
        assert len(server.asked) == 4

    def test_also_where_the_cursor_has_another_name_or_none(self) -> None:
        for query in ("?page_cursor=b", "?offset=5", ""):
            with ScriptedServer(page("1", next=KLAVIYO + query)) as server, pytest.raises(PaginationError):
                list(read(server))

    def test_a_cursor_that_differs_only_in_the_rest_of_the_query_is_the_same(self) -> None:
        script = [page(str(n), next=f"{KLAVIYO}?page%5Bcursor%5D=b&n={n}") for n in range(9)]
        with ScriptedServer(*script) as server, pytest.raises(PaginationError):
            list(read(server))


@pytest.mark.parametrize(
    "link",
    ["https://a.klaviyo.com/", "https://a.klaviyo.com/login?next=x", "?page[cursor]=x", "https://[broken/api/x",
     "/api/", "javascript:alert(1)", 5, True, ["https://a.klaviyo.com/api/x"], {"href": 7}],
)  # fmt: skip
def test_a_link_that_is_none_is_an_error_and_no_end(link: Any) -> None:
    with pytest.raises(MalformedResponseError, match=r"links\.next leads to no page of the API"):
        next_target({"links": {"next": link}})


@given(st.text(max_size=40) | st.integers() | st.lists(st.text(max_size=3)))
def test_whatever_stands_there_it_leads_below_api_or_is_refused(link: Any) -> None:
    try:
        target = next_target({"links": {"next": link}})
    except MalformedResponseError:
        return
    assert target is None or target.startswith("/api/")


class TestCursors:
    """The two ways that repeat the same request with a cursor."""

    NEXT = "https://a.klaviyo.com/api/x?page_cursor="

    @pytest.mark.parametrize(
        "paginator", [BodyCursors("the request"), QueryCursors("the request")], ids=["body", "query"]
    )
    def test_each_page_is_the_first_request_with_the_cursor_of_the_page_before(
        self, paginator: Paginator[Mapping[str, Any]]
    ) -> None:
        asked: list[Mapping[str, Any]] = []
        documents = iter([{**DATA, "links": {"next": self.NEXT + cursor}} for cursor in "bc"] + [DATA])

        def send(request: Mapping[str, Any]) -> Any:
            asked.append(request)
            return next(documents)

        assert len(list(paginator.pages({"by": "day"}, send))) == 3
        assert asked == [
            {"by": "day"},
            {"by": "day", "page_cursor": "b"},
            {"by": "day", "page_cursor": "c"},
        ]

    @pytest.mark.parametrize(
        "paginator", [BodyCursors("the request"), QueryCursors("the request")], ids=["body", "query"]
    )
    def test_the_same_cursor_twice_stops_the_reading(self, paginator: Paginator[Mapping[str, Any]]) -> None:
        document = {**DATA, "links": {"next": self.NEXT + "b"}}
        with pytest.raises(PaginationError, match=r"the request: .*same cursor twice.*after 2 pages"):
            list(paginator.pages({}, lambda _request: document))

    def test_a_cursor_in_the_attributes_goes_into_the_body(self) -> None:
        documents = iter([{"data": {"attributes": {"next_page_cursor": "b"}}}, DATA])
        asked: list[Mapping[str, Any]] = []

        def send(body: Mapping[str, Any]) -> Any:
            asked.append(body)
            return next(documents)

        list(BodyCursors("x").pages({}, send))
        assert asked == [{}, {"page_cursor": "b"}]


def test_only_the_paginators_follow_pages() -> None:
    """A loop of its own elsewhere would lack the guard against circles."""
    package = Path(klaviyo_analytics.__file__).parent
    loops = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        if "sandbox" not in path.parts
        and re.search(r"page_cursor|page\[cursor\]|\"next\"", path.read_text("utf-8"))
    }
    assert {loop for loop in loops if not loop.startswith("resources/_generated/")} == {"endpoints/paging.py"}
