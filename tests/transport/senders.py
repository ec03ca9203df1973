"""Transports that do not wait, for tests that talk to a scripted server."""

from __future__ import annotations

import socket
from typing import Any

from klaviyo_analytics._transport import Call, HeaderAuth, RetryPolicy, Transport
from tests.transport.clocks import Clock

KEY = "maton-key-0123456789"


def transport(url: str, *, clock: Clock | None = None, **options: Any) -> Transport:
    """A transport whose waits take no time."""
    clock = clock or Clock()
    options = {"timeout": (5.0, 5.0), **options}
    headers = {"revision": "2026-01-15"}
    return Transport(url, HeaderAuth(f"Bearer {KEY}"), headers, clock=clock, sleep=clock.sleep, **options)


def get(path: str = "/api/profiles", **params: str) -> Call:
    return Call("GET", path, params)


def post(*, replay_safe: bool = False, body: bytes = b'{"a":1}') -> Call:
    return Call("POST", "/api/events", body=body, replay_safe=replay_safe)


def unused_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


TWICE = RetryPolicy(attempts=2)
