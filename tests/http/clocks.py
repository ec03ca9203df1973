"""Clocks that tests turn by hand: nothing here really waits."""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Callable

from klaviyo_analytics.http import cancellation


class Clock:
    """Sleeping moves it on at once."""

    def __init__(self, now: float = 1_000_000.0) -> None:
        self.now = now
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


class SkippingClock:
    """Real time, ahead by what was slept: whatever really passes counts, and a pause passes at once."""

    def __init__(self, real: Callable[[], float] = time.monotonic) -> None:
        self._real = real
        self._ahead = 0.0
        self._lock = threading.Lock()

    def __call__(self) -> float:
        return self._real() + self._ahead

    def sleep(self, seconds: float) -> None:
        cancellation.check()
        with self._lock:
            self._ahead += max(seconds, 0.0)


class SharedClock:
    """A clock for several threads: it moves on to the next to wake when all of them are asleep."""

    def __init__(self, threads: int) -> None:
        self.now = 0.0
        self._threads = threads
        self._wakes: list[float] = []
        self._changed = threading.Condition()

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        with self._changed:
            wake = self.now + seconds
            heapq.heappush(self._wakes, wake)
            self._turn()
            self._changed.wait_for(lambda: self.now >= wake)

    def leave(self) -> None:
        """Say that a thread will not sleep any more."""
        with self._changed:
            self._threads -= 1
            self._turn()

    def _turn(self) -> None:
        if self._wakes and len(self._wakes) == self._threads:
            self.now = self._wakes[0]
            while self._wakes and self._wakes[0] <= self.now:
                heapq.heappop(self._wakes)
            self._changed.notify_all()
