"""Pacing within the documented limits, so that a well-behaved run is never turned away."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from klaviyo_analytics.errors import QuotaExhaustedError

SLACK = 0.06  # seconds: requests sent a second apart can arrive a little closer


class SlidingWindows:
    """Moments at which calls were sent, counted in several windows at once.

    Parameters
    ----------
    limits : sequence of (int, int)
        Calls allowed within so many seconds.
    sent : iterable of float
        Earlier moments in seconds, in order.

    Examples
    --------
    >>> windows = SlidingWindows([(2, 1)], [0.0, 0.5])
    >>> round(windows.wait(0.6), 2)
    0.46
    """

    def __init__(self, limits: Sequence[tuple[int, int]], sent: Iterable[float] = ()) -> None:
        self.limits = tuple(limits)
        self.sent = list(sent)

    def wait(self, now: float) -> float:
        """Return the seconds until one more call fits into every window."""
        return max(
            (
                self.sent[-calls] + seconds + SLACK - now
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
    """Pacing of requests as fast as the windows of their buckets allow; shared by all threads of a client.

    Parameters
    ----------
    clock, sleep : callable
        Monotonic seconds, and how to wait; tests bring their own.
    patience : float
        Longest wait, in seconds, that is worth keeping a caller for. A daily quota that is used up raises.
    """

    def __init__(
        self, *, clock: Callable[[], float], sleep: Callable[[float], None], patience: float = 300.0
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._patience = patience
        self._counts: dict[str, _Count] = {}
        self._lock = threading.Lock()

    def acquire(self, buckets: Sequence[Bucket], *, on_wait: Callable[[float], None] | None = None) -> None:
        """Wait until one request may be sent, and count it in every bucket."""
        while (wait := self._take(buckets)) > 0:
            if wait > self._patience:
                names = ", ".join(bucket.name for bucket in buckets)
                raise QuotaExhaustedError(
                    f"the documented quota of {names} is used up; there is room again in {wait:,.0f} s. "
                    "Come back then, or ask for less."
                )
            if on_wait:
                on_wait(wait)
            self._sleep(wait)

    def close(self, bucket: Bucket, seconds: float) -> None:
        """Send nothing more under this bucket for a while: the server said so."""
        with self._lock:
            count = self._count(bucket)
            count.closed_until = max(count.closed_until, self._clock() + seconds)

    def _take(self, buckets: Sequence[Bucket]) -> float:
        with self._lock:
            now = self._clock()
            wait = max((self._wait(bucket, now) for bucket in buckets), default=0.0)
            if wait <= 0:
                for bucket in buckets:
                    self._count(bucket).windows.add(now)
            return wait

    def _wait(self, bucket: Bucket, now: float) -> float:
        count = self._count(bucket)
        return max(count.closed_until - now, count.windows.wait(now))

    def _count(self, bucket: Bucket) -> _Count:
        if bucket.name not in self._counts:
            self._counts[bucket.name] = _Count(SlidingWindows(bucket.windows))
        return self._counts[bucket.name]

    def renew(self) -> None:
        """Replace the lock in a process that was forked: another thread may have held it."""
        self._lock = threading.Lock()


def told_to_wait(headers: Mapping[str, str]) -> float | None:
    """Seconds until the window opens again, where an answer says that nothing is left in it."""
    try:
        remaining, reset = float(headers["RateLimit-Remaining"]), float(headers["RateLimit-Reset"])
    except (KeyError, ValueError):
        return None
    return reset if remaining <= 0 < reset else None
