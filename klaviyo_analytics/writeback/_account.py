"""What a write needs to know of the account it goes to."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol

import pandas as pd

from klaviyo_analytics._api import Api
from klaviyo_analytics.errors import ApiError


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
    """Tell accounts apart by the account's own id; by its address where the key may not read that."""
    try:
        return str(account.account["id"])
    except ApiError:
        return account.api.transport.base_url
