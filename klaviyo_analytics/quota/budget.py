"""How many calls the documented limits allow, when the next may be sent, and waiting for it."""

from __future__ import annotations

import json
import logging
import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from klaviyo_analytics import local_files
from klaviyo_analytics._messages import counted, spoken
from klaviyo_analytics.arithmetic import COUNTS, MONEY, RATES
from klaviyo_analytics.endpoints import Endpoint
from klaviyo_analytics.errors import NotAdditiveError, QuotaExhaustedError
from klaviyo_analytics.http import cancellation
from klaviyo_analytics.http.rate_limits import SLACK, SlidingWindows
from klaviyo_analytics.timeframe import Timeframe
from klaviyo_analytics.vocabulary import Interval

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
        A SQLite file; without one, or where it cannot be used, this process remembers for itself.
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
        """Write a call down if it may be sent now, else give the seconds until it may."""

        def book(times: list[float]) -> float:
            pause = wait(times, windows, now)
            if not pause:
                times.append(now)
            return pause

        return self._change((account, operation), now, book)

    def add(self, account: str, operation: str, now: float) -> None:
        """Write a call down that was sent, whether there was room or not."""
        self._change((account, operation), now, lambda times: times.append(now))

    def strike(self, account: str, operation: str, now: float) -> None:
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
    # a clock that was set back leaves times in the future, and they would make a caller wait for ever
    return [at for at in times if now - DAY - SLACK < at <= now]


PATIENCE = 300.0  # the longest single wait that is worth keeping a caller for


@dataclass(frozen=True, slots=True)
class Standing:
    """How an endpoint's day stands: calls of the last 24 hours, and when there is room again."""

    limit: int | None
    used: int
    next_at: datetime

    @property
    def left(self) -> int | None:
        """Calls that are left of the day; None where no daily limit is documented."""
        return None if self.limit is None else max(0, self.limit - self.used)


@dataclass(frozen=True, slots=True)
class Forecast:
    """What so many more calls mean: how long each has to wait, and the day before them."""

    waits: tuple[float, ...]
    standing: Standing

    @property
    def calls(self) -> int:
        """How many."""
        return len(self.waits)

    def __str__(self) -> str:
        said = [counted(self.calls, "call")]
        if self.calls:
            said.append(in_words(self.waits[-1]))
        if self.standing.limit is not None:
            said.append(f"{self.standing.left} of {self.standing.limit} left today")
        return ", ".join(said)


class Quota:
    """Counts calls by account and endpoint, and waits until the next may be sent.

    The server counts in fixed windows whose edges nobody can see. Here any 24 hours are a day and any 60 seconds
    a minute: what stays within those stays within the server's.

    Parameters
    ----------
    ledger : Ledger
    clock, sleep : callable
        Unix seconds, and how to wait; tests bring their own.
    enforced : bool
        False only counts: a sandbox without limits makes nobody wait.
    """

    def __init__(
        self,
        ledger: Ledger | None = None,
        *,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = cancellation.sleep,
        enforced: bool = True,
    ) -> None:
        self.ledger = ledger or Ledger()
        self.enforced = enforced
        self._clock = clock
        self._sleep = sleep

    def acquire(
        self, account: str, endpoint: Endpoint, *, on_wait: Callable[[float], None] | None = None
    ) -> None:
        """Wait until one call may be sent, and count it.

        Raises
        ------
        QuotaExhaustedError
            The day's calls are used up; nothing was counted.
        """
        windows = self._windows(endpoint)
        while pause := self.ledger.book(account, endpoint.operation, windows, self._clock()):
            if pause > PATIENCE:
                raise QuotaExhaustedError(_used_up(endpoint, self.standing(account, endpoint), 1))
            if on_wait:
                on_wait(pause)
            self._sleep(pause)

    def repeat(self, account: str, endpoint: Endpoint) -> None:
        """Count a call that is sent once more: the server answered the attempt before, and may have counted it."""
        self.ledger.add(account, endpoint.operation, self._clock())

    def strike(self, account: str, endpoint: Endpoint) -> None:
        """Remove the last call, which never reached the server."""
        self.ledger.strike(account, endpoint.operation, self._clock())

    def standing(self, account: str, endpoint: Endpoint) -> Standing:
        """Return how much of the endpoint's daily limit is used."""
        now = self._clock()
        sent = self.ledger.sent(account, endpoint.operation, now)
        limit = next((window.requests for window in endpoint.limits if window.seconds == DAY), None)
        next_at = now + wait(sent, self._windows(endpoint), now)
        return Standing(limit, len(sent), datetime.fromtimestamp(next_at, UTC))

    def forecast(self, account: str, endpoint: Endpoint, calls: int) -> Forecast:
        """Return how long so many calls take and what is left of the daily limit."""
        now, windows = self._clock(), self._windows(endpoint)
        times = self.ledger.sent(account, endpoint.operation, now)
        for _ in range(calls):
            times.append(now + wait(times, windows, now))
        waits = tuple(at - now for at in times[len(times) - calls :])
        return Forecast(waits, self.standing(account, endpoint))

    def require(self, account: str, endpoint: Endpoint, calls: int) -> Forecast:
        """Return the forecast; raise before the first call if the daily limit has no room."""
        forecast = self.forecast(account, endpoint, calls)
        left = forecast.standing.left
        if self.enforced and left is not None and calls > left:
            raise QuotaExhaustedError(_used_up(endpoint, forecast.standing, calls))
        return forecast

    def _windows(self, endpoint: Endpoint) -> Windows:
        if not self.enforced:
            return ()
        return [(window.requests, window.seconds) for window in endpoint.limits]


def in_words(seconds: float) -> str:
    """Write a length of time as people say it."""
    return "at once" if seconds < 1 else f"about {spoken(seconds)}"


def _used_up(endpoint: Endpoint, standing: Standing, calls: int) -> str:
    room = f"the next can be sent at {standing.next_at:%Y-%m-%d %H:%M} UTC. " if not standing.left else ""
    return (
        f"{endpoint.path.removeprefix('/api/')}: this takes {calls} of the {standing.limit} calls that any 24 hours "
        f"allow, and {standing.left} are left; {room}nothing was sent. Ask for a shorter time frame or a longer "
        "interval; with ka.connect(cache=True) a question that was answered before takes none."
    )


LONGEST: Mapping[Interval, int] = {"hour": 7, "day": 60, "week": 52 * 7, "month": 52 * 7}
"""Days that a series report covers at most."""

ADDITIVE = COUNTS | MONEY


def series_parts(timeframe: Timeframe, interval: Interval) -> list[Timeframe]:
    """Cut between intervals: every number then comes whole from one answer, and joining adds nothing up.

    Examples
    --------
    >>> quarter = Timeframe("2026-01-01", "2026-04-01", timezone="America/New_York")
    >>> for part in series_parts(quarter, "day"):
    ...     print(part)
    2026-01-01 to 2026-03-01 (America/New_York)
    2026-03-02 to 2026-03-31 (America/New_York)
    """
    return timeframe.split(days=LONGEST[interval], interval=interval)


def values_parts(timeframe: Timeframe, statistics: Sequence[str]) -> tuple[list[Timeframe], tuple[str, ...]]:
    """Cut a frame longer than a year, if its numbers can be added up; else refuse with the reason.

    Returns
    -------
    list of Timeframe
        One, where the frame is not longer than a year.
    tuple of str
        Statistics to ask for: those given, or the counts that they are rebuilt from.

    Examples
    --------
    >>> years = Timeframe("2024-01-01", "2026-01-01", timezone="America/New_York")
    >>> parts, asked = values_parts(years, ["delivery_rate", "recipients"])
    >>> len(parts), asked
    (2, ('delivered', 'recipients'))
    """
    parts = timeframe.split(years=1)
    if len(parts) == 1:
        return parts, tuple(statistics)
    asked: list[str] = []
    for name in statistics:
        made_of = (RATES[name].numerator, RATES[name].denominator) if name in RATES else (name,)
        if not ADDITIVE.issuperset(made_of):
            raise NotAdditiveError(_reason(name, timeframe))
        asked += made_of
    return parts, tuple(dict.fromkeys(asked))


def _reason(name: str, timeframe: Timeframe) -> str:
    why = "counts each person once, and who is in two years would count twice"
    if name in RATES or name.endswith(("_rate", "_roi")):
        why = "is a quotient of numbers that cannot be added up over time"
    elif name == "total_members":
        why = "is a size at one moment, which does not add up"
    return (
        f"a report covers at most a year, so {timeframe} takes several; {name!r} {why}. Ask for a year at a time, "
        "or leave it out: counts, money and the rates made of them are added up."
    )
