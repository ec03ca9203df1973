"""Wait for what the server does in its own time."""

from __future__ import annotations

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
    """Look until it is done; `waiting` hears the answer and the seconds so far.

    Raises
    ------
    RequestTimeoutError
        It was not done in time; what was begun goes on at the server.
    """
    if timeout < 0:
        raise InvalidInputError(f"timeout={timeout}: give seconds, 0 or more.")
    began, pause = clock(), FIRST
    while not done(answer := look()):
        passed = clock() - began
        if waiting:
            waiting(answer, passed)
        if passed >= timeout:
            raise RequestTimeoutError(
                f"{what} was not done within {timeout:g} s. It goes on; look again later."
            )
        sleep(min(pause, timeout - passed))
        pause = min(LONGEST, pause * 1.5)
    return answer
