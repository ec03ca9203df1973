"""Clients of one shop, each as new as after a restart, and what they asked it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import klaviyo_analytics as ka
from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.quota.budget import Ledger, Quota
from tests.shops import Shop, without_waiting

SHOPIFY = ("Placed Order", "Shopify")
REPORTS = (
    "campaign_values", "flow_values", "flow_series", "form_values", "form_series", "segment_values", "segment_series",
)  # fmt: skip


@dataclass
class Visits:
    """Makes clients of a shop; their clocks move only when somebody waits, and theirs is the same ledger."""

    shop: Shop
    home: Path
    _seen: int = 0
    _open: ExitStack = field(default_factory=ExitStack)

    def connect(self, **options: Any) -> KlaviyoClient:
        """Connect as a new process would."""
        url, key = f"{self.shop.url}/klaviyo", self.shop.sandbox.maton_key
        client = ka.connect(api_key=key, base_url=url, progress=False, **options)
        self._open.callback(client.close)
        clock = self.shop.clock
        without_waiting(client, clock)
        ledger = Ledger(self.home / "calls.sqlite3")
        client._context.quota = Quota(ledger, clock=clock, sleep=clock.sleep)
        client._context.now = lambda: datetime.fromtimestamp(self.shop.sandbox.account.now, UTC)
        self.forget()
        return client

    def forget(self) -> None:
        """Look only at what is asked from here on."""
        self._seen = len(self.shop.sandbox.requests)

    def requests(self) -> list[Any]:
        """Give the requests since `forget`."""
        return list(self.shop.sandbox.requests)[self._seen :]

    def calls(self) -> Counter[str]:
        """Count the requests since `forget` by the last word of their paths."""
        return Counter(request.path.rsplit("/", 1)[-1] for request in self.requests())

    def close(self) -> None:
        """Let the connections go."""
        self._open.close()


def visits(shop: Shop, home: Path) -> Iterator[Visits]:
    """Give visits, and close them at the end."""
    made = Visits(shop, home)
    yield made
    made.close()
    shop.clock.sleep(100_000)  # the sandbox's own limits have forgotten everything until the next test
