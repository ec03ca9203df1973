"""Pages of an ordered collection, by cursors that stay true while the collection changes.

A cursor names the resource where a page ends, by its place in the order and its id; it does not count. It belongs to
the query that it came from: the same collection, filter and sort, in pages of any size.
"""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any
from urllib.parse import quote, urlencode

import numpy as np
import numpy.typing as npt
import orjson

from klaviyo_analytics.sandbox.app.contract import load_contract
from klaviyo_analytics.sandbox.app.errors import ApiFault
from klaviyo_analytics.sandbox.app.request_checks import Query

KLAVIYO = "https://a.klaviyo.com"
ORIGIN: ContextVar[str] = ContextVar(
    "origin", default=KLAVIYO
)  # what links of the request at hand begin with
CURSORS = ("page[cursor]", "page_cursor")


@dataclass(frozen=True, slots=True)
class View:
    """Ids in an order: `keys` rise, and where they tie, the ids are in an order that does not change."""

    keys: Sequence[Any] | npt.NDArray[np.int64]
    ids: Sequence[str]
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """The ids of one page, and the cursors of the pages beside it."""

    ids: list[str]
    next: str | None = None
    previous: str | None = None


def take_page(view: View, size: int | None, cursor: str, mark: str = "") -> Page:
    """Cut one page out of an ordered collection; `mark` tells the query from every other."""
    count = len(view.ids)
    size = count if size is None else size
    start = 0
    if cursor:
        direction, key, id_ = decode_cursor(cursor, mark)
        before, after = _places(view, key, id_)
        start = after if direction == "next" else max(0, before - size)
        size = size if direction == "next" else before - start
    stop = min(count, start + size)
    places = [count - 1 - place if view.descending else place for place in range(start, stop)]
    return Page(
        ids=[view.ids[place] for place in places],
        next=_encode("next", view, places[-1], mark) if places and stop < count else None,
        previous=_encode("prev", view, places[0], mark) if places and start > 0 else None,
    )


def page_links(path: str, query: Query, page: Page) -> dict[str, str]:
    """Links to this page and those beside it; each carries the other parameters."""
    rest = [(name, value) for name, value in query.pairs if name not in CURSORS]
    links = {"self": url(path, query.pairs)}
    if "first" in load_contract().links:
        links["first"] = url(path, rest)
    if page.previous:
        links["prev"] = url(path, [*rest, ("page[cursor]", page.previous)])
    if page.next:
        links["next"] = url(path, [*rest, ("page[cursor]", page.next)])
    return links


def url(path: str, pairs: Iterable[tuple[str, str]] = ()) -> str:
    """Write an absolute URL, as the API does."""
    query = urlencode(list(pairs), quote_via=quote)
    return ORIGIN.get() + path + ("?" + query if query else "")


def mark_of(*parts: str) -> str:
    """Make a short mark of what a cursor must not be taken away from."""
    return blake2b("\n".join(parts).encode(), digest_size=6).hexdigest()


def decode_cursor(text: str, mark: str) -> tuple[str, Any, str]:
    """Read a cursor: its direction, and the place and id it starts from."""
    try:
        direction, key, id_, own = orjson.loads(urlsafe_b64decode(text.encode("ascii")))
    except (ValueError, binascii.Error, TypeError):
        direction = key = id_ = own = None
    if direction not in ("next", "prev") or not isinstance(id_, str):
        raise ApiFault.parameter("page[cursor]", "The cursor is malformed.")
    if own != mark:
        raise ApiFault.parameter("page[cursor]", "The cursor belongs to another query.")
    return direction, tuple(key) if isinstance(key, list) else key, id_


def _encode(direction: str, view: View, place: int, mark: str) -> str:
    key = view.keys[place]
    plain = key.item() if hasattr(key, "item") else key
    return urlsafe_b64encode(orjson.dumps([direction, plain, view.ids[place], mark])).decode("ascii")


def _places(view: View, key: Any, id_: str) -> tuple[int, int]:
    """How many resources come before the cursor's own, and how many up to it, in the order of display."""
    try:
        low, high = bisect_left(view.keys, key), bisect_right(view.keys, key)
    except TypeError:
        raise ApiFault.parameter("page[cursor]", "The cursor belongs to another query.") from None
    ties = list(view.ids[low:high])
    found = id_ in ties
    place = low + (ties.index(id_) if found else bisect_left(ties, id_))
    if view.descending:
        count = len(view.ids)
        return count - place - found, count - place
    return place, place + found
