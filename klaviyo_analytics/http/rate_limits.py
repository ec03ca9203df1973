"""Pacing within the documented rate limits, so that the server need not refuse a request; how many readers help."""

from __future__ import annotations

import bisect
import math
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from klaviyo_analytics.errors import QuotaExhaustedError

FEW, MOST = 4, 16  # readers at first, and at most, where the caller sets no number
FASTER = 1.4  # how much faster a round has to be for more readers to be worth trying
SLACK = 0.06  # seconds: requests that are counted a second apart can be sent, and arrive, a little closer
JITTER = 0.015  # the same for requests that are counted when they have been written


class SlidingWindows:
    """Moments at which calls were sent, counted in several windows at once.

    Parameters
    ----------
    limits : sequence of (int, int)
        Calls allowed within so many seconds.
    sent : iterable of float
        Earlier moments in seconds, in order.
    slack : float
        Seconds to wait beyond a window.

    Examples
    --------
    >>> windows = SlidingWindows([(2, 1)], [0.0, 0.5])
    >>> round(windows.wait(0.6), 2)
    0.46
    """

    def __init__(
        self, limits: Sequence[tuple[int, int]], sent: Iterable[float] = (), *, slack: float = SLACK
    ) -> None:
        self.limits = tuple(limits)
        self.sent = list(sent)
        self._slack = slack

    def wait(self, now: float) -> float:
        """Return the seconds until one more call fits into every window."""
        return max(
            (
                self.sent[-calls] + seconds + self._slack - now
                for calls, seconds in self.limits
                if len(self.sent) >= calls
            ),
            default=0.0,
        )

    def add(self, now: float) -> None:
        """Count a call, and forget those that no window reaches any more."""
        self.sent.append(now)
        most = max((calls for calls, _ in self.limits), default=0)
        if len(self.sent) > 2 * most:
            del self.sent[: len(self.sent) - most]

    def move(self, before: float, now: float) -> None:
        """Count a call at another moment than it was counted at."""
        place = bisect.bisect_left(self.sent, before)
        if self.sent[place : place + 1] == [before]:
            del self.sent[place]
            bisect.insort(self.sent, now)


@dataclass(frozen=True, slots=True)
class Bucket:
    """A name that requests are counted under, and its (requests, seconds) windows."""

    name: str
    windows: tuple[tuple[int, int], ...]


@dataclass(slots=True)
class _Count:
    windows: SlidingWindows
    closed_until: float = 0.0


class Pacer:
    """Delays requests to what the windows of their buckets allow; shared by all threads of a client.

    Parameters
    ----------
    clock, sleep : callable
        Return monotonic seconds; wait for a number of seconds. Tests pass their own.
    patience : float
        Longest wait in seconds; a longer one, such as for a used-up daily quota, raises.
    """

    def __init__(
        self, *, clock: Callable[[], float], sleep: Callable[[float], None], patience: float = 300.0
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._patience = patience
        self._counts: dict[str, _Count] = {}
        self._lock = threading.Lock()

    def acquire(self, buckets: Sequence[Bucket], *, on_wait: Callable[[float], None] | None = None) -> float:
        """Wait until one request may be sent, count it in every bucket, and return the moment."""
        while True:
            wait, now = self._take(buckets)
            if wait <= 0:
                return now
            if wait > self._patience:
                names = ", ".join(bucket.name for bucket in buckets)
                raise QuotaExhaustedError(
                    f"The documented quota of {names} is used up for another {wait:,.0f} s. Try again then, or "
                    "request less data."
                )
            if on_wait:
                on_wait(wait)
            self._sleep(wait)

    def written(self, buckets: Sequence[Bucket], counted: float) -> None:
        """Count a request at this moment, at which it has been written, instead of the one before it."""
        with self._lock:
            now = self._clock()
            for bucket in buckets:
                self._count(bucket).windows.move(counted, now)

    def close(self, bucket: Bucket, seconds: float) -> None:
        """Send nothing more in this bucket for so many seconds, because the server asked for it."""
        with self._lock:
            count = self._count(bucket)
            count.closed_until = max(count.closed_until, self._clock() + seconds)

    def _take(self, buckets: Sequence[Bucket]) -> tuple[float, float]:
        with self._lock:
            now = self._clock()
            wait = max((self._wait(bucket, now) for bucket in buckets), default=0.0)
            if wait <= 0:
                for bucket in buckets:
                    self._count(bucket).windows.add(now)
            return wait, now

    def _wait(self, bucket: Bucket, now: float) -> float:
        count = self._count(bucket)
        return max(count.closed_until - now, count.windows.wait(now))

    def _count(self, bucket: Bucket) -> _Count:
        if bucket.name not in self._counts:
            self._counts[bucket.name] = _Count(SlidingWindows(bucket.windows, slack=JITTER))
        return self._counts[bucket.name]

    def renew(self) -> None:
        """Replace the lock in a process that was forked: another thread may have held it."""
        self._lock = threading.Lock()


def reset_wait(headers: Mapping[str, str]) -> float | None:
    """Return the seconds until the window is reset if a response says that nothing is left in it, else None."""
    try:
        remaining, reset = float(headers["RateLimit-Remaining"]), float(headers["RateLimit-Reset"])
    except (KeyError, ValueError):
        return None
    return reset if remaining <= 0 < reset else None


class Pace:
    """How many readers work at once: a fixed number, or as many as the first page suggests and more while that helps.

    Parameters
    ----------
    workers : int or None
        A fixed number.
    clock : callable
        Returns monotonic seconds.
    allowed : float, optional
        Requests a second that the documented limits allow; more readers than that needs are never started.
    most : int
        Most readers, where no number is fixed.
    """

    def __init__(
        self,
        workers: int | None,
        clock: Callable[[], float],
        allowed: float | None = None,
        *,
        most: int = MOST,
    ) -> None:
        self.readers = workers or min(FEW, most)
        self.most = workers or most
        self._clock = clock
        self._grows = workers is None
        self.limits = False  # whether the documented limits, not the latency, decide how long reading takes
        self._allowed = allowed
        self._rate = 0.0  # pages a second with the fewer readers before
        self._pages = -self.readers  # the first pages of a round are left out: readers are still starting
        self._began = clock()

    def first_page(self, seconds: float, work: float | None = None) -> None:
        """Measure the first page, which is read alone, for comparison with the first round.

        `work` are the seconds of it in which this process computed. While one reader waits for the rest of them,
        others can use the processor; beyond that more readers would wait for each other.
        """
        self._rate = 1 / max(seconds, 1e-6)
        self._began = self._clock()
        if not self._grows:
            return
        if self._allowed is not None:
            needed = math.ceil(self._allowed * seconds) + 1
            self.limits = needed <= self.most
            self.most = min(self.most, needed)
        useful = FEW if work is None else max(FEW, math.ceil(seconds / max(work, 1e-4)))
        self.readers = min(useful, self.most)
        self._pages = -self.readers

    def page(self) -> None:
        """Count a page; after a round that was faster than the one before, allow twice as many readers."""
        if not self._grows:
            return
        self._pages += 1
        if self._pages == 0:
            self._began = self._clock()
        if self._pages < self.readers:
            return
        rate = self._pages / max(self._clock() - self._began, 1e-6)
        if rate < self._rate * FASTER or self.readers == self.most:
            self._grows = False
            return
        self._rate = rate
        self.readers = min(self.most, self.readers * 2)
        self._pages = -self.readers
