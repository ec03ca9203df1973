"""A sandbox and a client of it that waits for nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import klaviyo_analytics as ka
from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.sandbox import Sandbox
from klaviyo_analytics.sandbox.model import Account
from tests.transport.clocks import Clock


@dataclass(frozen=True)
class Shop:
    """Both ends of the wire."""

    client: KlaviyoClient
    sandbox: Sandbox
    clock: Clock

    @property
    def account(self) -> Account:
        """What is behind the API."""
        return self.sandbox.account

    @property
    def now(self) -> datetime:
        """The shop's present."""
        return datetime.fromtimestamp(self.account.now, UTC)

    def asked(self, since: int = 0) -> list[str]:
        """The requests so far, as "GET /api/events", without the gateway's prefix."""
        requests = list(self.sandbox.requests)[since:]
        return [f"{one.method} {one.path.removeprefix('/klaviyo')}" for one in requests]


@contextmanager
def open_shop(**options: Any) -> Iterator[Shop]:
    """Serve a shop over HTTP; its client reaches it through the gateway's face."""
    clock = Clock()
    with Sandbox(
        **{"profiles": 60, "events": 600, "clock": clock, "sleep": clock.sleep, **options}
    ) as sandbox:
        client = ka.connect(api_key=sandbox.maton_key, base_url=sandbox.gateway_url, progress=False)
        shop = Shop(client, sandbox, clock)
        client._embed(now=lambda: shop.now, on_close=lambda: None)
        client._api.transport._sleep = clock.sleep
        with client:
            yield shop
