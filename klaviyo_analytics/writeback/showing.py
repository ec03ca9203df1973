"""Shows how far a write is: rows, requests, and what is left."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from types import TracebackType

from klaviyo_analytics._progress import Progress
from klaviyo_analytics.writeback._account import Account
from klaviyo_analytics.writeback.journal import Batch
from klaviyo_analytics.writeback.pace import how_far, seconds_at_limits, seconds_left


class Shown:
    """Counts the batches of one go, from any thread."""

    def __init__(self, action: str, todo: Sequence[Batch], account: Account) -> None:
        self._rows = sum(batch.count for batch in todo)
        self._requests = len(todo)
        self._left = Counter(batch.kind for batch in todo)
        self._rows_done = 0
        self._api = account.api
        self._clock = account.clock
        self._began = account.clock()
        self._lock = threading.Lock()
        self._bar = Progress(action, shown=account.progress, total=self._rows, estimates=False)

    def __enter__(self) -> Shown:
        self._bar.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.__exit__(kind, error, trace)

    def done(self, batch: Batch) -> None:
        """Count a batch."""
        with self._lock:
            self._rows_done += batch.count
            self._left[batch.kind] -= 1
            self._bar.add(batch.count, self._said())

    def looked(self) -> None:
        """Say it anew, while a job is waited for."""
        with self._lock:
            self._bar.note(self._said())

    def waiting(self, seconds: float) -> None:
        """Say that the account's limits make it wait."""
        with self._lock:
            self._bar.waiting(seconds)

    def _said(self) -> str:
        # an embedded sandbox has no limits to keep within
        least = seconds_at_limits(self._api, self._left) if self._api.paced else 0.0
        seconds = seconds_left(
            done=self._rows_done, total=self._rows, elapsed=self._clock() - self._began, least=least
        )
        done = self._requests - self._left.total()
        return how_far(requests=done, of=self._requests, seconds=seconds, measured=self._rows_done > 0)
