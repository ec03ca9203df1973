"""What was meant to be sent and what became of it, in one SQLite file, so that a crash loses nothing.

Each batch is noted before it is sent and again after it was answered. The file holds the rows themselves, for
they are needed to go on: it is readable by its owner only, holds no key, and is deleted when all went well.
One process at a time works with it.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import orjson

from klaviyo_analytics.errors import InvalidInputError

State = Literal["planned", "sending", "accepted", "done"]
FORM = 2
TABLES = """
CREATE TABLE facts (name TEXT PRIMARY KEY, value BLOB NOT NULL);
CREATE TABLE batches (
    number INTEGER PRIMARY KEY, kind TEXT NOT NULL, count INTEGER NOT NULL, payload BLOB NOT NULL,
    state TEXT NOT NULL DEFAULT 'planned', since REAL, refused BLOB, job TEXT, outcome BLOB
);
"""


@dataclass(frozen=True, slots=True)
class Batch:
    """One request's rows: where it stands, and since when it was about to be sent."""

    number: int
    kind: str
    count: int
    state: State
    since: float | None
    job: str | None


@dataclass(frozen=True, slots=True)
class Payload:
    """What a batch sends: positions in the frame, and encoded records."""

    positions: list[int]
    records: list[bytes]


class Journal:
    """An open journal; made by `create` or `reopen`."""

    def __init__(self, connection: sqlite3.Connection, path: Path | None) -> None:
        self._connection = connection
        self._lock = threading.Lock()
        self.path = path

    @classmethod
    def create(
        cls, path: Path | None, facts: Mapping[str, Any], batches: Iterable[tuple[str, Payload]]
    ) -> Journal:
        """Write a new journal down, whole or not at all; without a path it is kept in memory.

        Raises
        ------
        InvalidInputError
            There is a file of that name, or none can be written there.
        """
        if path is not None:
            _claim(path)
        try:
            return cls(_filled(path, facts, batches), path)
        except BaseException as error:
            if path is not None:
                _remove(path)
                if isinstance(error, sqlite3.Error):
                    raise _unwritable(path, error) from None
            raise

    @classmethod
    def reopen(cls, path: Path) -> Journal:
        """Open a journal that was begun earlier.

        Raises
        ------
        InvalidInputError
            There is none, it is no journal, or another process is working with it.
        """
        try:
            path.stat()
        except (FileNotFoundError, NotADirectoryError):
            raise InvalidInputError(f"{path}: there is no journal of that name.") from None
        except (OSError, ValueError) as error:
            raise InvalidInputError(f"{path} cannot be opened: {error}.") from None
        connection = None
        try:
            connection = _connect(path)
            journal = cls(connection, path)
            form = journal.fact("form")
        except (sqlite3.Error, TypeError) as error:
            if connection is not None:
                connection.close()
            name = getattr(error, "sqlite_errorname", "")
            if name in ("SQLITE_BUSY", "SQLITE_LOCKED"):
                raise InvalidInputError(f"{path}: another process is working with this journal.") from None
            if name.startswith(("SQLITE_CANTOPEN", "SQLITE_READONLY", "SQLITE_PERM")):
                raise InvalidInputError(
                    f"{path} cannot be opened for reading and writing: {error}."
                ) from None
            raise InvalidInputError(
                f"{path} is no journal of this package, or was not written to its end, before anything was sent."
            ) from None
        if form != FORM:
            journal.close()
            raise InvalidInputError(f"{path} was written by another version of this package (form {form}).")
        return journal

    def add(self, batches: Iterable[tuple[str, Payload]]) -> None:
        """Note more to be sent, all of it or nothing."""
        with self._lock, self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            (last,) = self._connection.execute("SELECT MAX(number) FROM batches").fetchone()
            _insert(self._connection, 0 if last is None else last + 1, batches)

    def fact(self, name: str) -> Any:
        """Give what was noted about the whole."""
        with self._lock:
            row = self._connection.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return orjson.loads(row[0])

    def batches(self) -> list[Batch]:
        """Tell where each batch stands."""
        with self._lock:
            rows = self._connection.execute(
                "SELECT number, kind, count, state, since, job FROM batches ORDER BY number"
            ).fetchall()
        return [Batch(*row) for row in rows]

    def payload(self, number: int) -> Payload:
        """Give what a batch sends."""
        with self._lock:
            row = self._connection.execute(
                "SELECT payload FROM batches WHERE number = ?", (number,)
            ).fetchone()
        head, *records = zlib.decompress(row[0]).split(b"\n")
        return Payload(orjson.loads(head), records)

    def outcome(self, number: int) -> Any:
        """Give what became of a batch; None before it is done."""
        return self._noted("outcome", number)

    def refused(self, number: int) -> dict[int, list[Any]]:
        """Give what the API has refused of a batch while the rest was sent again."""
        return {int(row): said for row, said in (self._noted("refused", number) or {}).items()}

    def jobs(self) -> set[str]:
        """Name the jobs that are known to be some batch's."""
        return {batch.job for batch in self.batches() if batch.job}

    def sending(self, number: int, *, since: float, refused: Mapping[int, Any]) -> None:
        """Note that a batch is about to be sent, but for what was refused of it."""
        statement = "UPDATE batches SET state='sending', since=?, refused=? WHERE number=?"
        self._note(statement, since, _written(refused), number)

    def unsent(self, number: int) -> None:
        """Note that a batch was certainly not carried out."""
        self._note("UPDATE batches SET state='planned' WHERE number=?", number)

    def accepted(self, number: int, job: str | None) -> None:
        """Note that a batch was taken."""
        self._note("UPDATE batches SET state='accepted', job=? WHERE number=?", job, number)

    def done(self, number: int, outcome: Any) -> None:
        """Note what became of a batch."""
        self._note("UPDATE batches SET state='done', outcome=? WHERE number=?", _written(outcome), number)

    def close(self) -> None:
        """Let the file go."""
        with self._lock:
            self._connection.close()

    def delete(self) -> None:
        """Let the file go, and delete it."""
        self.close()
        if self.path is not None:
            _remove(self.path)

    def _noted(self, column: Literal["outcome", "refused"], number: int) -> Any:
        statement = f"SELECT {column} FROM batches WHERE number = ?"  # noqa: S608  (one of two words)
        with self._lock:
            row = self._connection.execute(statement, (number,)).fetchone()
        return None if row[0] is None else orjson.loads(row[0])

    def _note(self, statement: str, *values: object) -> None:
        with self._lock:
            self._connection.execute(statement, values)


def _claim(path: Path) -> None:
    """Make an empty file that only its owner can read."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        raise _unwritable(path, error) from None
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError:
        raise InvalidInputError(
            f"{path} exists: go on with it by client.resume({str(path)!r}), or name another."
        ) from None
    except (OSError, ValueError) as error:
        raise _unwritable(path, error) from None


def _unwritable(path: Path, error: Exception) -> InvalidInputError:
    why = getattr(error, "strerror", None) or error
    return InvalidInputError(
        f"The journal {path} cannot be written ({why}), so nothing was sent. Name another file by journal=, or go "
        "without by journal=False."
    )


def _filled(
    path: Path | None, facts: Mapping[str, Any], batches: Iterable[tuple[str, Payload]]
) -> sqlite3.Connection:
    connection = _connect(path)
    try:
        connection.executescript("BEGIN;" + TABLES)
        connection.executemany(
            "INSERT INTO facts VALUES (?, ?)",
            [(name, orjson.dumps(value)) for name, value in {"form": FORM, **facts}.items()],
        )
        _insert(connection, 0, batches)
        connection.execute("COMMIT")
    except BaseException:
        connection.close()
        raise
    return connection


def _insert(connection: sqlite3.Connection, first: int, batches: Iterable[tuple[str, Payload]]) -> None:
    connection.executemany(
        "INSERT INTO batches (number, kind, count, payload) VALUES (?, ?, ?, ?)",
        (
            (number, kind, len(payload.records), _packed(payload))
            for number, (kind, payload) in enumerate(batches, first)
        ),
    )


def _connect(path: Path | None) -> sqlite3.Connection:
    place = ":memory:" if path is None else path
    connection = sqlite3.connect(place, timeout=1.0, isolation_level=None, check_same_thread=False)
    if path is not None:
        try:
            connection.execute("PRAGMA locking_mode=EXCLUSIVE")
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("COMMIT")
        except BaseException:
            connection.close()
            raise
    return connection


def _written(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS)


def _packed(payload: Payload) -> bytes:
    # JSON as orjson writes it holds no line ends of its own
    lines: Sequence[bytes] = [orjson.dumps(payload.positions), *payload.records]
    return zlib.compress(b"\n".join(lines), level=1)


def _remove(path: Path) -> None:
    for name in (path, Path(f"{path}-wal"), Path(f"{path}-shm")):
        name.unlink(missing_ok=True)
