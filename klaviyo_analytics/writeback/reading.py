"""Reading what the account has of a frame's rows: many keys in one filter, as many as an address holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from klaviyo_analytics import _jsonapi
from klaviyo_analytics.writeback._account import Account

AT_ONCE = 50  # keys in a filter; no page is smaller
LONGEST = 6_000  # characters of them, percent-encoded: servers take addresses of 8,000


def portions(keys: Iterable[str]) -> Iterator[list[str]]:
    """Part keys, each once, into lists that a filter can name."""
    some: list[str] = []
    room = LONGEST
    for key in dict.fromkeys(keys):
        size = len(quote(f'"{key}",', safe=""))
        if some and (len(some) == AT_ONCE or size > room):
            yield some
            some, room = [], LONGEST
        some.append(key)
        room -= size
    if some:
        yield some


def records(
    account: Account, operation: str, params: Mapping[str, str], ids: Mapping[str, str] | None = None
) -> Iterator[Mapping[str, Any]]:
    """Give the resources of all pages."""
    endpoint = account.api.catalog[operation]
    for document in account.api.pages(endpoint, ids or {}, params, size=endpoint.page_max, chosen=False):
        yield from _jsonapi.resources(document, endpoint.path)
