"""The account that a write goes to, as far as writes need it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import quote, urlsplit

import pandas as pd

from klaviyo_analytics.credentials import DIRECT, GATEWAY
from klaviyo_analytics.endpoints import jsonapi
from klaviyo_analytics.endpoints.api import Api
from klaviyo_analytics.errors import ApiError, ConnectionFailedError

DOORS = [urlsplit(door).netloc for door in (DIRECT, GATEWAY)]  # both lead to the same accounts


class Account(Protocol):
    """An account as its resources know it."""

    @property
    def api(self) -> Api:
        """What makes its calls."""
        ...

    @property
    def progress(self) -> bool | None:
        """Whether progress is shown."""
        ...

    @property
    def now(self) -> Callable[[], datetime]:
        """Its clock."""
        ...

    @property
    def sleep(self) -> Callable[[float], None]:
        """How to wait between two looks at a job."""
        ...

    @property
    def clock(self) -> Callable[[], float]:
        """Monotonic seconds."""
        ...

    @property
    def account(self) -> pd.Series[Any]:
        """The account's own row."""
        ...

    @property
    def timezone(self) -> str:
        """The account's time zone."""
        ...


def fingerprint(account: Account) -> str:
    """Return what identifies an account: its id and host, or only the address if the key may not read the id.

    Klaviyo's own host and Maton's gateway are one place: what was begun through one can go on through the other. Any
    other host is a place of its own, port included, for sandboxes share ids, and one that was started again has
    lost what was written to it.
    """
    base_url = account.api.transport.base_url
    try:
        id = account.account["id"]
    except ApiError:
        return base_url
    host = urlsplit(base_url).netloc
    return f"{id} at {'Klaviyo' if host in DOORS else host}"


def check_open(account: Account) -> None:
    """Refuse a closed client before anything is recorded as sent.

    Raises
    ------
    ConnectionFailedError
        The client is closed.
    """
    if account.api.transport._closed:
        raise ConnectionFailedError("This client is closed, and nothing was sent. Connect again.")


AT_ONCE = 50  # keys in a filter; no page is smaller
LONGEST = 6_000  # characters of them, percent-encoded: servers take addresses of 8,000


def portions(keys: Iterable[str]) -> Iterator[list[str]]:
    """Split keys, each once, into lists that fit into one filter."""
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
    """Yield the resources of all pages."""
    endpoint = account.api.catalog[operation]
    for document in account.api.pages(endpoint, ids or {}, params, size=endpoint.page_max, chosen=False):
        yield from jsonapi.listed(document, endpoint.path, endpoint.type)
