"""A sandbox and a client of it that waits for nothing; the official document may judge what the client asks."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import klaviyo_analytics as ka
from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.http.rate_limits import Pacer
from klaviyo_analytics.sandbox import Sandbox
from klaviyo_analytics.sandbox.model import Account
from tests.contract.openapi import Document
from tests.contract.recorder import CheckedApp, Exchange
from tests.http.clocks import Clock

OPENAPI = os.environ.get("KLAVIYO_OPENAPI", "")


@dataclass(frozen=True)
class Shop:
    """Both ends of the wire, and who judges what goes over it."""

    client: KlaviyoClient
    sandbox: Sandbox
    clock: Clock
    judge: CheckedApp | None = None

    @property
    def account(self) -> Account:
        """What is behind the API."""
        return self.sandbox.account

    @property
    def now(self) -> datetime:
        """The shop's present."""
        return datetime.fromtimestamp(self.account.now, UTC)

    @property
    def url(self) -> str:
        """Where the shop listens."""
        return self.sandbox.url

    @property
    def exchanges(self) -> list[Exchange]:
        """What was asked and answered; needs the document."""
        assert self.judge is not None
        return self.judge.exchanges

    def asked(self, since: int = 0) -> list[str]:
        """The requests so far, as "GET /api/events", without the gateway's prefix."""
        requests = list(self.sandbox.requests)[since:]
        return [f"{one.method} {one.path.removeprefix('/klaviyo')}" for one in requests]


@contextmanager
def open_shop(*, judged: bool = False, **options: Any) -> Iterator[Shop]:
    """Serve a shop over HTTP; its client reaches it through the gateway's face.

    At the end, no request of a judged shop may have broken the document, where there is one.
    """
    clock = Clock()
    options = {"profiles": 60, "events": 600, "clock": clock, "sleep": clock.sleep, **options}
    with Sandbox(**options) as sandbox:
        judge = None
        if judged and Path(OPENAPI).is_file():
            judge = sandbox._server.app = CheckedApp(sandbox.wsgi, Document.load(OPENAPI), by_revision=True)
        with ka.connect(api_key=sandbox.maton_key, base_url=sandbox.gateway_url, progress=False) as client:
            shop = Shop(client, sandbox, clock, judge)
            client._embed(now=lambda: shop.now, on_close=lambda: None)
            without_waiting(client, clock)
            yield shop
    wrong = [
        f"{each.method} {each.url}: {said}"
        for each in (judge.exchanges if judge else ())
        for said in each.in_request
    ]
    assert not wrong, "\n".join(wrong)


def without_waiting(client: KlaviyoClient, clock: Clock) -> None:
    """Let pauses cost no time: those of the pacing, of retries, and between two looks at a job."""
    transport = client._api.transport
    transport.pacer = Pacer(clock=clock, sleep=clock.sleep)
    transport._sleep = clock.sleep
    client._context.sleep = clock.sleep
    client._context.clock = clock
