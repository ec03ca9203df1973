"""Rate limits: fixed windows, counted for each endpoint."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

SECOND, MINUTE, DAY = 1, 60, 86_400


@dataclass(frozen=True, slots=True)
class Bucket:
    """What is counted under one name, and how much of it each window allows."""

    name: str
    windows: Sequence[tuple[int, int]]  # (requests, seconds), the shortest first


@dataclass(frozen=True, slots=True)
class Standing:
    """How a bucket stands after a request: of its shortest window, as the API shows it."""

    bucket: Bucket
    remaining: int
    reset: int

    def headers(self) -> dict[str, str]:
        """Write the headers of an answer that was not refused."""
        first = self.bucket.windows[0][0]
        windows = [f"{requests};w={seconds}" for requests, seconds in self.bucket.windows]
        return {
            "RateLimit-Limit": ", ".join([str(first), *windows]),
            "RateLimit-Remaining": str(self.remaining),
            "RateLimit-Reset": str(self.reset),
        }


class Throttled(Exception):  # noqa: N818 - it is an answer, not a mistake of the program
    """A window is full; it opens again after so many seconds."""

    def __init__(self, seconds: int) -> None:
        self.seconds = seconds
        super().__init__(seconds)


class RateLimiter:
    """Counts requests in fixed windows of a clock."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._counts: dict[tuple[str, int], tuple[int, int]] = {}  # (bucket, seconds) -> (window, count)

    def spend(self, buckets: Iterable[Bucket], *, enforce: bool = True) -> Standing | None:
        """Count one request in every bucket, or in none if one of their windows is full."""
        buckets = list(buckets)
        now = self._clock()
        waits = [
            seconds - now % seconds
            for bucket in buckets
            for requests, seconds in bucket.windows
            if self._count(bucket, seconds, now) >= requests
        ]
        if waits and enforce:
            raise Throttled(max(1, math.ceil(max(waits))))
        for bucket in buckets:
            for _, seconds in bucket.windows:
                count = self._count(bucket, seconds, now) + 1
                self._counts[bucket.name, seconds] = (int(now // seconds), count)
        return self._standing(buckets[0], now) if buckets else None

    def _count(self, bucket: Bucket, seconds: int, now: float) -> int:
        window, count = self._counts.get((bucket.name, seconds), (-1, 0))
        return count if window == int(now // seconds) else 0

    def _standing(self, bucket: Bucket, now: float) -> Standing:
        requests, seconds = bucket.windows[0]
        left = max(0, requests - self._count(bucket, seconds, now))
        return Standing(bucket, left, int(seconds - now % seconds))
