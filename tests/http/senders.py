"""Transports that do not wait, for tests that talk to a scripted server."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from klaviyo_analytics.http.retry import RetryPolicy
from klaviyo_analytics.http.session import Call, HeaderAuth, Transport
from tests.http.clocks import Clock

KEY = "maton-key-0123456789"


def transport(url: str, *, clock: Clock | None = None, **options: Any) -> Transport:
    """A transport whose waits take no time."""
    clock = clock or Clock()
    options = {"timeout": (60.0, 60.0), **options}
    headers = {"revision": "2026-01-15"}
    return Transport(url, HeaderAuth(f"Bearer {KEY}"), headers, clock=clock, sleep=clock.sleep, **options)


def get(path: str = "/api/profiles", **params: str) -> Call:
    return Call("GET", path, params)


def post(*, replay_safe: bool = False, body: bytes = b'{"a":1}') -> Call:
    return Call("POST", "/api/events", body=body, replay_safe=replay_safe)


@contextmanager
def deaf_address() -> Iterator[str]:
    """An address that is taken, so that nobody else can listen there, and at which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


TWICE = RetryPolicy(attempts=2)
