"""A client of a sandbox whose clock moves only when somebody waits; the official document judges its requests."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import klaviyo_analytics as ka
from klaviyo_analytics._transport import Pacer
from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.sandbox import Sandbox
from klaviyo_analytics.sandbox.wire import Server
from tests.contract.openapi import Document
from tests.contract.recorder import CheckedApp, Exchange

OPENAPI = os.environ.get("KLAVIYO_OPENAPI", "")


class Clock:
    """Stands still until somebody sleeps."""

    def __init__(self, start: float = 1_000_000.0) -> None:
        self.now = start

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@dataclass
class Shop:
    """A sandbox, a client that reaches it through the gateway, and what went between them."""

    client: KlaviyoClient
    sandbox: Sandbox
    clock: Clock
    url: str
    checked: CheckedApp | None

    @property
    def exchanges(self) -> list[Exchange]:
        """What was asked and answered; needs the document."""
        assert self.checked is not None
        return self.checked.exchanges


@contextmanager
def serving(**options: Any) -> Iterator[Shop]:
    """Serve a small shop; at the end no request may have broken the document, where there is one."""
    clock = Clock()
    sandbox = Sandbox(**{"profiles": 120, "events": 2_000, "clock": clock, "sleep": clock.sleep, **options})
    checked = CheckedApp(sandbox.wsgi, Document.load(OPENAPI)) if Path(OPENAPI).is_file() else None
    server = Server("127.0.0.1", 0, checked or sandbox.wsgi)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        with ka.connect(api_key=sandbox.maton_key, base_url=f"{url}/klaviyo", progress=False) as client:
            _without_waiting(client, clock)
            yield Shop(client, sandbox, clock, url, checked)
    finally:
        server.end()
        thread.join()
        sandbox.close()
    wrong = [
        f"{each.method} {each.url}: {said}"
        for each in (checked.exchanges if checked else ())
        for said in each.in_request
    ]
    assert not wrong, "\n".join(wrong)


def _without_waiting(client: KlaviyoClient, clock: Clock) -> None:
    """Let pauses cost no time: those of the pacing, of retries, and between two looks at a job."""
    transport = client._api.transport
    transport.pacer = Pacer(clock=clock, sleep=clock.sleep)
    transport._sleep = clock.sleep
    client._context.sleep = clock.sleep
    client._context.clock = clock
