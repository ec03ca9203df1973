"""What a write needs to know of the account it goes to."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import urlsplit

import pandas as pd

from klaviyo_analytics._api import Api
from klaviyo_analytics._credentials import DIRECT, GATEWAY
from klaviyo_analytics.errors import ApiError, ConnectionFailedError

DOORS = [urlsplit(door).netloc for door in (DIRECT, GATEWAY)]  # both lead to the same accounts


class Account(Protocol):
    """An account as its nouns know it."""

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
    """Tell accounts apart by their own id and where they are; by the address where the key may not read the id.

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
    """Refuse a client that was closed, before anything is noted as sent.

    Raises
    ------
    ConnectionFailedError
        It is closed.
    """
    if account.api.transport._closed:
        raise ConnectionFailedError("This client is closed, and nothing was sent. Connect again.")
