"""Answers of reports and aggregates on disk, so that running a notebook again costs no calls.

An answer is found only by the same question: host, account, connection, revision, endpoint and body. Neither a
key nor anything made of one is stored.
"""

from __future__ import annotations

import hashlib
import logging
import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pandas as pd

from klaviyo_analytics import local_files
from klaviyo_analytics.errors import ConfigurationError

log = logging.getLogger("klaviyo_analytics")
NAME = "answers.sqlite3"
HOUR, DAY = 3_600, 86_400
SETTLED = timedelta(days=30)
COLUMNS = {
    "endpoint": "string", "account": "string", "host": "string",
    "stored_at": "datetime64[us, UTC]", "expires_at": "datetime64[us, UTC]", "bytes": "Int64",
}  # fmt: skip
_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS answers (question TEXT PRIMARY KEY, endpoint TEXT, account TEXT, host TEXT, "
    "stored REAL, expires REAL, answer BLOB)"
)


def lifetime(end: datetime, now: datetime) -> int:
    """Return for how many seconds an answer about a time frame that ends then is good.

    An hour while the frame is not over; a day until thirty days after it, because opens and orders come in late;
    thirty days from then on.
    """
    if end > now:
        return HOUR
    return DAY if now - end < SETTLED else 30 * DAY


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked of which account; `body` is what is sent, without its place in the pages."""

    account: str
    endpoint: str
    body: Any


class NoCache:
    """Cache used when caching is off; `ka.connect(cache=True)` turns it on."""

    def answer(self, question: Question, ask: Callable[[], list[Any]], *, seconds: int) -> list[Any]:  # noqa: ARG002
        """Fetch the response; nothing is stored."""
        return ask()

    def holds(self, question: Question) -> bool:  # noqa: ARG002
        """Return False: nothing is stored."""
        return False

    def clear(self) -> int:
        """Return 0: there is nothing to remove."""
        return 0

    def info(self) -> pd.DataFrame:
        """List what is stored: no rows."""
        return _listing([])

    def __repr__(self) -> str:
        return "<no cache; ka.connect(cache=True) keeps answers on disk>"


def cache_at(*, where: str | Path | bool | None, host: str, connection: str | None, revision: str) -> NoCache:
    """Make the cache that `connect(cache=...)` names: none, the usual file, or a file or folder of one's own."""
    if where is None or where is False:
        return NoCache()
    path = local_files.place("cache", NAME) if where is True else Path(where).expanduser()
    path = path / NAME if path.is_dir() else path
    return Cache(path, host=host, connection=connection, revision=revision)


class Cache(NoCache):
    """Answers in one SQLite file, which several clients, accounts and processes may share.

    Parameters
    ----------
    path : Path
    host, connection, revision : str
        Part of every question that this client asks.
    clock : callable
        Unix seconds; tests bring their own.
    """

    def __init__(
        self,
        path: Path,
        *,
        host: str,
        connection: str | None,
        revision: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.path = path
        self._host = host
        self._scope = [host, connection, revision]
        self._clock = clock

    def answer(self, question: Question, ask: Callable[[], list[Any]], *, seconds: int) -> list[Any]:
        """Return the stored answer, or fetch it and store it for so many seconds.

        If the cache file cannot be used, the answer is fetched.
        """
        key = self._key(question)
        if (found := self._find(key)) is not None:
            return found
        answer = ask()
        self._keep(key, question, answer, seconds)
        return answer

    def holds(self, question: Question) -> bool:
        """Return whether a valid answer is stored."""
        return self._find(self._key(question)) is not None

    def clear(self) -> int:
        """Forget all answers in the file, also those of other accounts.

        Returns
        -------
        int
            How many there were.

        Raises
        ------
        ConfigurationError
            The file cannot be changed.
        """
        try:
            with local_files.transaction(self.path, _SCHEMA) as file:
                return file.execute("DELETE FROM answers").rowcount
        except local_files.FAILURES as failure:
            raise ConfigurationError(f"{self.path} cannot be changed: {failure}") from None

    def info(self) -> pd.DataFrame:
        """List what is stored and still good, of all accounts.

        Returns
        -------
        pandas.DataFrame
            endpoint, account, host (string), stored_at, expires_at (UTC), bytes (Int64).
        """
        query = (
            "SELECT endpoint, account, host, stored, expires, length(answer) FROM answers WHERE expires > ?"
        )
        try:
            with local_files.transaction(self.path, _SCHEMA) as file:
                return _listing(file.execute(f"{query} ORDER BY stored", (self._clock(),)).fetchall())
        except local_files.FAILURES as failure:
            log.warning("%s cannot be read: %s", self.path, failure)
            return _listing([])

    def __repr__(self) -> str:
        return f"Cache({str(getattr(self, 'path', 'not opened'))!r})"

    def _key(self, question: Question) -> str:
        whole = [*self._scope, question.account, question.endpoint, question.body]
        return hashlib.sha256(orjson.dumps(whole, option=orjson.OPT_SORT_KEYS)).hexdigest()

    def _find(self, key: str) -> list[Any] | None:
        try:
            with local_files.transaction(self.path, _SCHEMA) as file:
                row = _row(file, key, self._clock())
        except local_files.FAILURES as failure:
            log.warning("%s cannot be read: %s", self.path, failure)
            return None
        with suppress(TypeError, ValueError):  # nothing, or not what was written
            found = orjson.loads(row[0]) if row else None
            return found if isinstance(found, list) else None
        return None

    def _keep(self, key: str, question: Question, answer: list[Any], seconds: int) -> None:
        now = self._clock()
        about = (key, question.endpoint, question.account, self._host, now, now + seconds)
        try:
            with local_files.transaction(self.path, _SCHEMA) as file:
                file.execute("DELETE FROM answers WHERE expires <= ?", (now,))
                written = orjson.dumps(answer)
                file.execute("INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?, ?, ?)", (*about, written))
        except local_files.FAILURES as failure:
            log.warning("%s cannot be written: %s", self.path, failure)


def _row(file: sqlite3.Connection, key: str, now: float) -> tuple[bytes] | None:
    # what was stored by a clock that is ahead of ours would stay for longer than it is good
    query = "SELECT answer FROM answers WHERE question = ? AND expires > ? AND stored <= ?"
    found: tuple[bytes] | None = file.execute(query, (key, now, now + HOUR)).fetchone()
    return found


def _listing(rows: list[tuple[Any, ...]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    for name in ("stored_at", "expires_at"):
        frame[name] = pd.to_datetime(frame[name].astype("float64"), unit="s", utc=True).dt.as_unit("us")
    return frame.astype(COLUMNS)
