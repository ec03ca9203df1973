"""Polling: wait until the server has finished something."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeVar

from klaviyo_analytics.errors import InvalidInputError, RequestTimeoutError

Answer = TypeVar("Answer")
FIRST, LONGEST = 0.5, 10.0  # seconds between two looks; each wait is half as long again as the one before


def wait_for(
    look: Callable[[], Answer],
    done: Callable[[Answer], bool],
    *,
    what: str,
    timeout: float,
    sleep: Callable[[float], None],
    clock: Callable[[], float],
    waiting: Callable[[Answer, float], None] | None = None,
) -> Answer:
    """Look until `done`, at most `timeout` seconds; `waiting` is called with the answer and the seconds so far.

    An answer of a status that nobody knows counts as not done, so that the timeout ends the wait.

    Raises
    ------
    InvalidInputError
        `timeout` is not a finite, non-negative number of seconds.
    RequestTimeoutError
        It did not finish in time; it goes on at the server.
    """
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)) or not 0 <= timeout < math.inf:
        raise InvalidInputError(f"timeout={timeout!r} is not a number of seconds. Pass 0 or more.")
    began, pause = clock(), FIRST
    while not done(answer := look()):
        passed = clock() - began
        if waiting:
            waiting(answer, passed)
        if passed >= timeout:
            raise RequestTimeoutError(
                f"{what} did not finish within {timeout:g} s. It is still running on the server; check again later."
            )
        sleep(min(pause, timeout - passed))
        pause = min(LONGEST, pause * 1.5)
    return answer
