"""Waiting that somebody else can call off: the limits make people wait for minutes, and they change their minds."""

from __future__ import annotations

import threading
import time
from contextvars import ContextVar

called_off: ContextVar[threading.Event | None] = ContextVar("called_off", default=None)


class CalledOff(Exception):  # noqa: N818  (nothing went wrong)
    """Nobody waits for the work any more; raised where it would wait or send next.

    `sent` tells whether the request at hand had gone out before.
    """

    sent = False


def check() -> None:
    """Raise if the work was called off."""
    event = called_off.get()
    if event is not None and event.is_set():
        raise CalledOff


def sleep(seconds: float) -> None:
    """Wait, and raise at once when the work is called off."""
    event = called_off.get()
    if event is None:
        time.sleep(seconds)
    elif event.wait(seconds):
        raise CalledOff
