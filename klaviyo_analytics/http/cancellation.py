"""The one wait of this package: it ends at once when another thread cancels it.

A widget's Cancel button and Ctrl-C during parallel work both end here. Whoever starts threads runs them in a copy of
its context inside `group`, so that everything they wait for ends with the group.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from contextvars import Context, ContextVar, copy_context
from itertools import islice
from queue import Empty, Full, Queue, SimpleQueue
from typing import Any, TypeVar

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


def take(queue: SimpleQueue[Item] | Queue[Item]) -> Item:
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


def in_turn(
    work: Callable[[Item], Answer], items: Iterable[Item], *, workers: int, name: str
) -> Iterator[Answer]:
    """Do `work` for the next few items in threads, and yield the results in order, as the caller wants them.

    No more than `workers` results and one exist at a time. Each item runs in a copy of this context.
    """
    ends, rest = threading.Event(), iter(items)
    copied, futures = context(ends), deque[Future[Answer]]()
    pool = ThreadPoolExecutor(workers, thread_name_prefix=name)

    def begin() -> None:
        futures.extend(
            pool.submit(copied.copy().run, work, item) for item in islice(rest, workers - len(futures))
        )

    try:
        begin()
        while futures:
            answer = next(as_completed([futures.popleft()]))
            begin()
            yield answer
    finally:
        ends.set()
        pool.shutdown(wait=False, cancel_futures=True)


def streams_in_turn(
    sources: Sequence[Callable[[], Generator[Item, None, None]]], *, at_once: int, ahead: int, name: str
) -> Generator[Iterator[Item], None, None]:
    """Yield the items of each source, one source after the other, while the next sources run in threads already.

    A source waits once it has yielded `ahead` items that nobody took. Each runs in a copy of this context.
    """
    ends, rest = threading.Event(), iter(sources)
    copied, queues = context(ends), deque[Queue[Any]]()

    def begin() -> None:
        for source in islice(rest, at_once - len(queues)):
            queues.append(Queue(ahead))
            run = (copied.copy().run, _fill, queues[-1], source, ends)
            threading.Thread(target=run[0], args=run[1:], name=name, daemon=True).start()

    try:
        begin()
        while queues:
            yield _emptied(queues[0])
            queues.popleft()
            begin()
    finally:
        ends.set()


_END = object()


def _fill(queue: Queue[Any], source: Callable[[], Generator[Any, None, None]], ends: threading.Event) -> None:
    def put(found: tuple[Any, BaseException | None]) -> None:
        while not ends.is_set():
            with suppress(Full):
                queue.put(found, timeout=SLICE)
                return

    items = source()
    try:
        for item in items:
            put((item, None))
            if ends.is_set():
                return
        put((_END, None))
    except BaseException as problem:  # noqa: BLE001  (raised where the items are waited for)
        put((_END, problem))
    finally:
        items.close()


def _emptied(queue: Queue[Any]) -> Iterator[Any]:
    while True:
        item, problem = take(queue)
        if problem is not None:
            raise problem
        if item is _END:
            return
        yield item


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
