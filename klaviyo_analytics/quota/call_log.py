"""When scarce calls were sent, in a file that outlives the process and is shared between processes."""

from __future__ import annotations

import json
import logging
import os
import sqlite3
import threading
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from klaviyo_analytics import local_files
from klaviyo_analytics.http.rate_limits import SLACK, SlidingWindows

log = logging.getLogger("klaviyo_analytics")
Answer = TypeVar("Answer")
Key = tuple[str, str]  # account, operation
Windows = Sequence[tuple[int, int]]  # (calls, seconds)

DAY = 86_400


def wait(sent: Sequence[float], windows: Windows, now: float) -> float:
    """Return the seconds until one more call fits into every window; `sent` is in order."""
    return max(0.0, SlidingWindows(windows, sent).wait(now))


class Ledger:
    """Times of the last day's calls, by account and operation.

    Parameters
    ----------
    path : Path, optional
        A SQLite file; without one, or if it cannot be used, calls are counted in memory.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._memory: dict[Key, list[float]] = {}
        _ledgers.add(self)

    def sent(self, account: str, operation: str, now: float) -> list[float]:
        """Return the times of calls, in order."""
        return self._change((account, operation), now, list)

    def book(self, account: str, operation: str, windows: Windows, now: float) -> float:
        """Record a call and return 0 if it may be sent now, else return the seconds until it may."""

        def book(times: list[float]) -> float:
            pause = wait(times, windows, now)
            if not pause:
                times.append(now)
            return pause

        return self._change((account, operation), now, book)

    def add(self, account: str, operation: str, now: float) -> None:
        """Record a call that was sent, whether or not the limits allow it."""
        self._change((account, operation), now, lambda times: times.append(now))

    def undo(self, account: str, operation: str, now: float) -> None:
        """Remove the latest call."""
        self._change((account, operation), now, lambda times: times[-1:] and times.pop())

    def _change(self, key: Key, now: float, change: Callable[[list[float]], Answer]) -> Answer:
        """Run `change` on the times while holding the lock."""
        with self._lock:
            if self.path is not None:
                try:
                    return _change_file(self.path, key, now, change)
                except local_files.FAILURES as failure:
                    log.warning(
                        "%s cannot be used (%s); calls are counted in memory only", self.path, failure
                    )
                    self.path = None
            times = self._memory[key] = _recent(self._memory.get(key, []), now)
            return change(times)


_ledgers: weakref.WeakSet[Ledger] = weakref.WeakSet()


def _renew_after_fork() -> None:
    for ledger in list(_ledgers):
        ledger._lock = threading.Lock()  # another thread of the parent may hold the old one


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_renew_after_fork)


_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS calls (account TEXT, operation TEXT, times TEXT, UNIQUE (account, operation))"
)
_READ = "SELECT times FROM calls WHERE account = ? AND operation = ?"
_WRITE = "INSERT OR REPLACE INTO calls VALUES (?, ?, ?)"


def _change_file(path: Path, key: Key, now: float, change: Callable[[list[float]], Answer]) -> Answer:
    with local_files.transaction(path, _SCHEMA) as file:
        before = _recent(_read(file, key), now)
        times = list(before)
        answer = change(times)
        if times != before:
            file.execute(_WRITE, (*key, json.dumps(times)))
        return answer


def _read(file: sqlite3.Connection, key: Key) -> list[float]:
    row = file.execute(_READ, key).fetchone()
    try:
        return [float(at) for at in json.loads(row[0])] if row else []
    except (TypeError, ValueError):
        return []


def _recent(times: Sequence[float], now: float) -> list[float]:
    # a clock that was set back leaves times in the future, which would block calls forever
    return [at for at in times if now - DAY - SLACK < at <= now]
