"""Paginators: each knows where its pages name the next one; the loop and its guard against circles stand once.

The API has three ways to name the next page: a link that is followed, a cursor that goes into the body of the same
request, and a cursor that goes into the address of the same request. No operation pages by offset or page number.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Generic, TypeVar
from urllib.parse import parse_qs, urlsplit

from klaviyo_analytics._reader import Reader
from klaviyo_analytics.errors import MalformedResponseError, PaginationError
from klaviyo_analytics.http.session import Call, leaves_base

Request = TypeVar("Request")
Body = Mapping[str, Any]
Params = Mapping[str, str]


class Paginator(ABC, Generic[Request]):
    """Reads the pages of one request, as long as a page names a further one.

    Parameters
    ----------
    label : str
        Names the request in messages.
    """

    def __init__(self, label: str) -> None:
        self.label = label

    @abstractmethod
    def following(self, first: Request, document: Any) -> tuple[str, Request] | None:
        """Return the cursor of the next page and the request for it; None on the last page."""

    def pages(self, first: Request, send: Callable[[Request], Any]) -> Iterator[Any]:
        """Yield each page's document, starting with that of `first`; a page is requested when it is wanted.

        Raises
        ------
        PaginationError
            A cursor came twice: the pages would be read forever.
        MalformedResponseError
            The next link leads to no page of the API.
        """
        seen: set[str] = set()
        request = first
        while True:
            document = send(request)
            yield document
            further = self.following(first, document)
            del document  # not needed while the next page is waited for
            if further is None:
                return
            cursor, request = further
            if cursor in seen:
                raise PaginationError(
                    f"{self.label}: the server gave the same cursor twice; stopped after {len(seen) + 1} pages "
                    "instead of reading them forever."
                )
            seen.add(cursor)


class NextLinks(Paginator[Call]):
    """Follows `links.next`: the collections.

    The server writes next links for its own host, also when a gateway stands in between. Only their path
    below `/api` and their query are used, on the base URL that the caller configured.
    """

    def following(self, first: Call, document: Any) -> tuple[str, Call] | None:
        """Return the call that the page links to."""
        target = next_target(document)
        return None if target is None else (_cursor(target), replace(first, path=target, params={}))


class BodyCursors(Paginator[Body]):
    """Repeats a request with the cursor in its body: metric aggregates.

    How the server hands over the cursor is not documented: it is taken from `links.next` or from an attribute.
    """

    def following(self, first: Body, document: Any) -> tuple[str, Body] | None:
        """Return the same body with the cursor of the next page."""
        target = next_target(document)
        cursor = _cursor(target) if target else _cursor_attribute(document, self.label)
        return (cursor, {**first, "page_cursor": cursor}) if cursor else None


class QueryCursors(Paginator[Params]):
    """Repeats a request with the cursor as a query parameter: reports."""

    def following(self, first: Params, document: Any) -> tuple[str, Params] | None:
        """Return the same parameters with the cursor of the next page."""
        target = next_target(document)
        if target is None:
            return None
        cursor = _cursor(target)
        return cursor, {**first, "page_cursor": cursor}


def next_target(document: Any) -> str | None:
    """Path and query of the next page, from `/api` on; None on the last page."""
    links = document.get("links") if isinstance(document, Mapping) else None
    link = links.get("next") if isinstance(links, Mapping) else None
    if isinstance(link, Mapping):  # JSON:API lets a link be an object
        link = link.get("href")
    if not link:
        return None
    try:
        parts = urlsplit(link)
        _, slash, path = parts.path.partition("/api/")
    except (ValueError, TypeError, AttributeError):  # the last two where it is not text
        slash = ""
    if not slash or not path or leaves_base(f"/api/{path}"):
        raise MalformedResponseError("links.next leads to no page of the API; stopped before the end.")
    return f"/api/{path}?{parts.query}" if parts.query else f"/api/{path}"


def _cursor(target: str) -> str:
    query = parse_qs(urlsplit(target).query)
    for name in ("page[cursor]", "page_cursor"):
        if name in query:
            return query[name][0]
    return target


def _cursor_attribute(document: Any, label: str) -> str | None:
    attributes = Reader(document, label).at("data").at("attributes").mapping()
    cursor = attributes.get("next_page_cursor") or attributes.get("page_cursor")
    return str(cursor) if cursor else None
