"""The one wait of this package: it ends at once when another thread cancels it.

A widget's Cancel button and Ctrl-C during parallel work both end here. Whoever starts threads runs them in a copy of
its context inside `group`, so that everything they wait for ends with the group.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from contextvars import Context, ContextVar, copy_context
from queue import Empty, SimpleQueue
from typing import TypeVar

from klaviyo_analytics.errors import InvalidInputError, RequestTimeoutError

SLICE = 0.2  # seconds between two looks where several events, or a signal, can end a wait
cancel_event: ContextVar[threading.Event | None] = ContextVar("cancel_event", default=None)
_groups: ContextVar[tuple[threading.Event, ...]] = ContextVar("groups", default=())
_endings: ContextVar[tuple[threading.Event, ...]] = ContextVar("endings", default=())


class Cancelled(Exception):  # noqa: N818  (nothing went wrong)
    """The work was cancelled; raised where it would wait or send next.

    Attributes
    ----------
    sent : bool
        Whether the request at hand had gone out before.
    ambiguous : bool
        Whether the server may have carried it out; False after it was refused for its rate.
    """

    sent = False
    ambiguous = False


def events() -> tuple[threading.Event, ...]:
    """Return the events that cancel the work of this thread."""
    event = cancel_event.get()
    return _groups.get() if event is None else (event, *_groups.get())


def cancelled() -> bool:
    """Return whether the work was cancelled."""
    return any(event.is_set() for event in events())


def check() -> None:
    """Raise `Cancelled` if the work was cancelled, or is to begin nothing more."""
    if any(event.is_set() for event in (*events(), *_endings.get())):
        raise Cancelled


@contextmanager
def ending(event: threading.Event) -> Iterator[None]:
    """Once `event` is set, the threads of this context neither wait nor send; answers under way are still read."""
    token = _endings.set((*_endings.get(), event))
    try:
        yield
    finally:
        _endings.reset(token)


def sleep(seconds: float) -> None:
    """Wait, and raise `Cancelled` at once if the work is cancelled meanwhile."""
    watched = (*events(), *_endings.get())
    if not watched:
        time.sleep(seconds)
        return
    until = time.monotonic() + seconds
    while True:
        check()
        left = until - time.monotonic()
        if left <= 0:
            return
        watched[0].wait(left if len(watched) == 1 else min(left, SLICE))


@contextmanager
def group() -> Iterator[threading.Event]:
    """Cancel the waits of all threads that were started inside with a copy of this context, if the block fails.

    Yields
    ------
    threading.Event
        Set when the block ends with an exception, Ctrl-C included; it may be set earlier by hand.
    """
    event = threading.Event()
    token = _groups.set((*_groups.get(), event))
    try:
        yield event
    except BaseException:
        event.set()
        raise
    finally:
        _groups.reset(token)


def context(event: threading.Event) -> Context:
    """Return a copy of this context whose waits also end when `event` is set, to run a thread of a generator in."""
    copied = copy_context()
    copied.run(_groups.set, (*_groups.get(), event))
    return copied


Item = TypeVar("Item")
Answer = TypeVar("Answer")


def take(queue: SimpleQueue[Item]) -> Item:
    """Wait for the next item of a queue, so that Ctrl-C is always noticed.

    A signal that arrives in the instant before a wait begins does not interrupt it; so no wait is endless.
    """
    while True:
        with suppress(Empty):
            return queue.get(timeout=SLICE)


def as_completed(futures: Iterable[Future[Answer]]) -> Iterator[Answer]:
    """Yield the results of `futures` as they come, or raise their first error; Ctrl-C is always noticed."""
    ended: SimpleQueue[Future[Answer]] = SimpleQueue()
    count = 0
    for count, future in enumerate(futures, start=1):  # noqa: B007  (the count is what is needed)
        future.add_done_callback(ended.put)
    for _ in range(count):
        yield take(ended).result()


def in_parallel(
    work: Callable[[Item], Answer], items: Iterable[Item], *, workers: int, name: str
) -> list[Answer]:
    """Do `work` for each item in threads and return the results in order; an error or Ctrl-C ends the rest.

    Each item runs in a copy of this context.
    """
    with group() as ended, ThreadPoolExecutor(workers, thread_name_prefix=name) as pool:
        try:
            futures = [pool.submit(copy_context().run, work, item) for item in items]
            for _ in as_completed(futures):
                pass
        except BaseException:
            ended.set()
            pool.shutdown(wait=True, cancel_futures=True)
            raise
        return [future.result() for future in futures]


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

    An unknown status counts as not done, so that the timeout ends the wait.

    Raises
    ------
    InvalidInputError
        `timeout` is not a finite, non-negative number of seconds.
    RequestTimeoutError
        It did not finish in time; it is still running on the server.
    """
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)) or not 0 <= timeout < math.inf:
        raise InvalidInputError(
            f"timeout={timeout!r} is not a non-negative number of seconds. Pass a number such as 60."
        )
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
