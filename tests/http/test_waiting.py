"""Cancelled waits: nothing is sent afterwards."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from klaviyo_analytics.http import cancellation
from klaviyo_analytics.http.cancellation import Cancelled
from klaviyo_analytics.http.rate_limits import Bucket, Pacer
from klaviyo_analytics.http.session import Call
from tests.http.clocks import Clock
from tests.http.scripted_server import ScriptedServer, error
from tests.http.senders import get, transport

NARROW = Bucket("narrow", ((1, 60),))


@pytest.fixture
def event() -> Iterator[threading.Event]:
    event = threading.Event()
    token = cancellation.cancel_event.set(event)
    yield event
    cancellation.cancel_event.reset(token)


def paced() -> Call:
    return Call("GET", "/api/profiles", buckets=(NARROW,))


@pytest.mark.parametrize("which", ["own", "group"])
def test_either_of_two_events_ends_a_wait(event: threading.Event, which: str) -> None:
    with cancellation.group() as group:
        timer = threading.Timer(0.05, (event if which == "own" else group).set)
        timer.start()
        began = time.monotonic()
        with pytest.raises(Cancelled):
            cancellation.sleep(30)
        timer.join()
    assert time.monotonic() - began < 5


def test_a_wait_ends_the_moment_it_is_cancelled(event: threading.Event) -> None:
    clock = Clock()
    pacer = Pacer(clock=clock, sleep=cancellation.sleep)
    pacer.acquire([NARROW])
    threading.Timer(0, event.set).start()  # while this thread waits for a minute
    with pytest.raises(Cancelled) as ended:
        pacer.acquire([NARROW])
    assert not ended.value.sent


@pytest.mark.parametrize("when", ["before", "while it waits for the limits"])
def test_nothing_is_sent_once_it_is_cancelled(event: threading.Event, when: str) -> None:
    with ScriptedServer() as server:
        sender = transport(server.url)
        sender.pacer.acquire([NARROW])
        if when == "before":
            event.set()

        def waits(_seconds: float) -> None:
            event.set()

        with pytest.raises(Cancelled) as ended:
            sender.send(get() if when == "before" else paced(), on_wait=waits)
        assert server.asked == []
    assert not ended.value.sent


def test_a_retry_that_is_cancelled_says_that_the_request_went_out(event: threading.Event) -> None:
    with ScriptedServer(error(503)) as server:
        sender = transport(server.url, retry=None)

        def waits(*_: Any) -> None:
            event.set()

        sender._sleep = waits
        with pytest.raises(Cancelled) as ended:
            sender.send(get())
        assert len(server.asked) == 1
    assert ended.value.sent


def test_without_anybody_to_call_it_off_it_simply_waits() -> None:
    assert cancellation.cancel_event.get() is None
    cancellation.check()
    cancellation.sleep(0)


def test_work_on_nothing_ends_at_once() -> None:
    assert list(cancellation.as_completed([])) == []
    assert cancellation.in_parallel(abs, [], workers=2, name="none") == []
