"""Paginators: pages that follow `links.next` or a cursor, on our own host, never in a circle."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

from klaviyo_analytics.errors import MalformedResponseError, PaginationError
from klaviyo_analytics.http.session import Call, leaves_base


class SeenCursors:
    """The cursors of one reading; the same one twice would be read forever.

    Parameters
    ----------
    label : str
        Names the request in the message.
    """

    def __init__(self, label: str) -> None:
        self._label = label
        self._seen: set[str] = set()

    def add(self, cursor: str) -> None:
        """Remember a cursor.

        Raises
        ------
        PaginationError
            It was there before.
        """
        if cursor in self._seen:
            raise PaginationError(
                f"{self._label}: the server gave the same cursor twice; stopped after {len(self._seen) + 1} pages "
                "instead of reading them forever."
            )
        self._seen.add(cursor)


def pages(call: Call, send: Callable[[Call], Any]) -> Iterator[Any]:
    """Yield each page's document, starting with the call's own.

    The server writes next links for its own host, also when a gateway stands in between. Only their path
    below `/api` and their query are used, on the base URL that the caller configured.
    """
    seen = SeenCursors(call.label)
    following: Call | None = call
    while following is not None:
        document = send(following)
        yield document
        target = next_target(document)
        del document  # not needed while the next page is waited for
        if target is None:
            return
        seen.add(_cursor(target))
        following = replace(call, path=target, params={})


def next_target(document: Any) -> str | None:
    """Path and query of the next page, from `/api` on; None on the last page."""
    links = document.get("links") if isinstance(document, dict) else None
    link = links.get("next") if isinstance(links, dict) else None
    if isinstance(link, dict):  # JSON:API lets a link be an object
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


def next_cursor(document: Any) -> str | None:
    """Return the cursor of the next page, for requests that are repeated with it; None on the last page."""
    target = next_target(document)
    return None if target is None else _cursor(target)


def _cursor(target: str) -> str:
    query = parse_qs(urlsplit(target).query)
    for name in ("page[cursor]", "page_cursor"):
        if name in query:
            return query[name][0]
    return target
