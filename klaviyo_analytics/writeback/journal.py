"""What is to be sent and what became of it, in one SQLite file, so that a crash loses nothing.

Each batch is recorded before it is sent and again after the answer. The file holds the rows themselves, for
they are needed to go on: it is readable by its owner only, holds no key, and is deleted when all rows were written.
One process at a time works with it. Everything in it is sealed by a checksum: nothing is sent from a file
that was damaged or edited.
"""

from __future__ import annotations

import math
import os
import secrets
import sqlite3
import threading
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any, Literal

import numpy as np
import orjson
import pandas as pd
from numpy.typing import NDArray

from klaviyo_analytics import local_files
from klaviyo_analytics.errors import InvalidInputError
from klaviyo_analytics.http.json import dumps
from klaviyo_analytics.writeback.account import Account, check_open, fingerprint
from klaviyo_analytics.writeback.checks import printable
from klaviyo_analytics.writeback.encode import LARGEST, SMALLEST
from klaviyo_analytics.writeback.write_types import WRITE_TYPES, Options

State = Literal["planned", "sending", "accepted", "done"]
FORM = 3  # the format of the file
TABLES = """
CREATE TABLE facts (name TEXT PRIMARY KEY, value BLOB NOT NULL);
CREATE TABLE batches (
    number INTEGER PRIMARY KEY, kind TEXT NOT NULL, count INTEGER NOT NULL, payload BLOB NOT NULL,
    state TEXT NOT NULL DEFAULT 'planned', since REAL, refused BLOB, job TEXT, outcome BLOB,
    seal BLOB NOT NULL, progress BLOB NOT NULL
);
"""
ROWS = ("number", "kind", "count", "payload")  # sealed by `seal`
PROGRESS = ("number", "state", "since", "refused", "job", "outcome")  # sealed by `progress`
UNUSABLE = ("SQLITE_CANTOPEN", "SQLITE_READONLY", "SQLITE_PERM", "SQLITE_FULL", "SQLITE_IOERR")
STARTED = ("planned", None, None, None, None)


class NotRecordedError(Exception):
    """The journal cannot be used any more, for example because the disk is full; the message says why."""


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
        """Write a new journal, completely or not at all; without a path it is kept in memory.

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
                if isinstance(error, (sqlite3.Error, OSError)):
                    raise _unwritable(path, error) from None
            raise

    @classmethod
    def reopen(cls, path: Path) -> Journal:
        """Open a journal that was begun earlier.

        Raises
        ------
        InvalidInputError
            The file does not exist, is not a journal, was damaged or written by another version of this package, or
            is in use by another process.
        """
        try:
            found = path.stat()
        except (FileNotFoundError, NotADirectoryError):
            raise InvalidInputError(f"{path}: no journal has this name.") from None
        except (OSError, ValueError) as error:
            raise InvalidInputError(f"{path} cannot be opened: {error}.") from None
        connection = None
        try:
            connection = _connect(path)
            if not _is_still(path, found):
                connection.close()
                raise InvalidInputError(
                    f"{path}: another process went on with this journal and finished it meanwhile. Nothing was sent."
                )
            journal = cls(connection, path)
            form = journal.fact("form")
        except (sqlite3.Error, NotRecordedError, TypeError, ValueError) as problem:
            if isinstance(problem, InvalidInputError):
                raise
            cause = problem.__cause__ if isinstance(problem, NotRecordedError) else problem
            if connection is not None:
                connection.close()
            name = getattr(cause, "sqlite_errorname", "")
            if name in ("SQLITE_BUSY", "SQLITE_LOCKED"):
                raise InvalidInputError(
                    f"{path}: another process is working with this journal, so this one sent nothing. Wait until it "
                    "has ended, then resume again if the file is still there."
                ) from None
            if not _is_still(path, found):
                raise InvalidInputError(
                    f"{path}: another process went on with this journal and finished it meanwhile. Nothing was sent."
                ) from None
            if name.startswith(UNUSABLE):
                raise InvalidInputError(
                    f"{path} cannot be opened for reading and writing: {cause}."
                ) from None
            raise InvalidInputError(
                f"{path} is not a journal of this package, or was not completely written before anything was sent."
            ) from None
        if form != FORM:
            journal.close()
            raise InvalidInputError(
                f"{path} was written by another version of this package (journal format {form}; this version reads "
                f"{FORM}). Nothing was sent. Resume it with the version that wrote it."
            )
        try:
            intact = journal._is_intact()
        except (sqlite3.Error, TypeError, ValueError):
            intact = False
        if not intact:
            journal.close()
            raise InvalidInputError(
                f"{path} was damaged or changed after it was written: its checksum does not match. Nothing was sent. "
                "Plan the write again with compare=True, which finds the rows that are in the account already."
            )
        return journal

    def add(self, batches: Iterable[tuple[str, Payload]]) -> None:
        """Add batches to be sent, all of them or none."""
        with self._use(writes=True):
            (last,) = self._connection.execute("SELECT MAX(number) FROM batches").fetchone()
            _insert(self._connection, 0 if last is None else last + 1, batches)
            _seal(self._connection)

    def fact(self, name: str) -> Any:
        """Return a fact about the whole write."""
        with self._use():
            row = self._connection.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return orjson.loads(row[0])

    def batches(self) -> list[Batch]:
        """Return the state of every batch."""
        with self._use():
            rows = self._connection.execute(
                "SELECT number, kind, count, state, since, job FROM batches ORDER BY number"
            ).fetchall()
        return [Batch(*row) for row in rows]

    def payload(self, number: int) -> Payload:
        """Return what a batch sends."""
        with self._use():
            row = self._connection.execute(
                "SELECT payload FROM batches WHERE number = ?", (number,)
            ).fetchone()
        head, *records = zlib.decompress(row[0]).split(b"\n")
        return Payload(orjson.loads(head), records)

    def outcome(self, number: int) -> Any:
        """Return the outcome of a batch; None before it is done."""
        return self._noted("outcome", number)

    def refused(self, number: int) -> dict[int, list[Any]]:
        """Return the rows of a batch that the API refused before the rest was sent again."""
        return {int(row): outcome for row, outcome in (self._noted("refused", number) or {}).items()}

    def jobs(self) -> set[str]:
        """Return the ids of jobs that belong to a batch."""
        return {batch.job for batch in self.batches() if batch.job}

    def sending(self, number: int, *, since: float, refused: Mapping[int, Any]) -> None:
        """Record that a batch is about to be sent, except for the rows that were refused."""
        self._note(number, state="sending", since=since, refused=_written(refused))

    def unsent(self, number: int) -> None:
        """Record that a batch was certainly not carried out."""
        self._note(number, state="planned")

    def accepted(self, number: int, job: str | None) -> None:
        """Record that a batch was accepted."""
        self._note(number, state="accepted", job=job)

    def done(self, number: int, outcome: Any) -> None:
        """Record the outcome of a batch."""
        self._note(number, state="done", outcome=_written(outcome))

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def delete(self) -> bool:
        """Close the file and delete it; False if it stays, as on Windows while another program has it open."""
        self.close()
        return self.path is None or _remove(self.path)

    @contextmanager
    def _use(self, *, writes: bool = False) -> Iterator[None]:
        """Use the file, in a transaction if it is written to.

        Raises
        ------
        NotRecordedError
            The disk is full, or the file cannot be used for another reason.
        """
        with self._lock:
            try:
                if not writes:
                    yield
                    return
                with self._connection:
                    self._connection.execute("BEGIN IMMEDIATE")
                    yield
            except (sqlite3.Error, OSError) as error:
                raise NotRecordedError(getattr(error, "strerror", None) or str(error)) from error

    def _noted(self, column: Literal["outcome", "refused"], number: int) -> Any:
        statement = f"SELECT {column} FROM batches WHERE number = ?"  # noqa: S608  (one of two words)
        with self._use():
            row = self._connection.execute(statement, (number,)).fetchone()
        return None if row[0] is None else orjson.loads(row[0])

    def _note(self, number: int, **changes: object) -> None:
        """Change the state of a batch and its checksum in one step."""
        columns = ", ".join(PROGRESS[1:])
        with self._use(writes=True):
            statement = f"SELECT {columns} FROM batches WHERE number = ?"  # noqa: S608  (names of our own)
            row = self._connection.execute(statement, (number,)).fetchone()
            now = {**dict(zip(PROGRESS[1:], row, strict=True)), **changes}
            sets = ", ".join(f"{name} = ?" for name in (*PROGRESS[1:], "progress"))
            self._connection.execute(
                f"UPDATE batches SET {sets} WHERE number = ?",  # noqa: S608
                (*now.values(), _checksum([number, *now.values()]), number),
            )

    def _is_intact(self) -> bool:
        """Compare everything in the file with its checksums."""
        with self._lock:
            names = ", ".join((*ROWS, *PROGRESS[1:], "seal", "progress"))
            statement = f"SELECT {names} FROM batches ORDER BY number"  # noqa: S608
            for *held, seal, progress in self._connection.execute(statement):
                number, after = held[0], held[len(ROWS) :]
                if _checksum(held[: len(ROWS)]) != seal or _checksum([number, *after]) != progress:
                    return False
            (whole,) = self._connection.execute("SELECT value FROM facts WHERE name = 'seal'").fetchone()
            return bool(_checksum(_sealed(self._connection)) == whole)


def _is_still(path: Path, found: os.stat_result) -> bool:
    """Check that a file was neither deleted nor replaced since it was looked at."""
    try:
        now = path.stat()
    except OSError:
        return False
    return (now.st_dev, now.st_ino) == (found.st_dev, found.st_ino)


def _checksum(values: Iterable[Any]) -> bytes:
    """Return a checksum of values and their types, so that neither can move between two of them."""
    whole = blake2b(digest_size=16)
    for value in values:
        held = value if isinstance(value, bytes) else repr(value).encode("utf-8", "backslashreplace")
        whole.update(f"{type(value).__name__}:{len(held)}:".encode())
        whole.update(held)
    return whole.digest()


def _sealed(connection: sqlite3.Connection) -> list[Any]:
    """Return what the checksum of the whole is made of: all facts, and which batches there are."""
    facts = connection.execute("SELECT name, value FROM facts WHERE name != 'seal' ORDER BY name").fetchall()
    batches = connection.execute("SELECT number, seal FROM batches ORDER BY number").fetchall()
    return [one for row in (*facts, *batches) for one in row]


def _seal(connection: sqlite3.Connection) -> None:
    connection.execute("INSERT OR REPLACE INTO facts VALUES ('seal', ?)", (_checksum(_sealed(connection)),))


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
            f"{path} exists already. Continue it with client.resume({str(path)!r}), or pass another path."
        ) from None
    except (OSError, ValueError) as error:
        raise _unwritable(path, error) from None


def _unwritable(path: Path, error: Exception) -> InvalidInputError:
    why = getattr(error, "strerror", None) or error
    return InvalidInputError(
        f"The journal {path} cannot be written ({why}), so nothing was sent. Pass another path as journal=, or "
        "journal=False for no journal."
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
        _seal(connection)
        connection.execute("COMMIT")
    except BaseException:
        connection.close()
        raise
    return connection


def _insert(connection: sqlite3.Connection, first: int, batches: Iterable[tuple[str, Payload]]) -> None:
    for number, (kind, payload) in enumerate(batches, first):
        row = [number, kind, len(payload.records), _packed(payload)]
        connection.execute(
            "INSERT INTO batches (number, kind, count, payload, seal, progress) VALUES (?, ?, ?, ?, ?, ?)",
            (*row, _checksum(row), _checksum([number, *STARTED])),
        )


def _connect(path: Path | None) -> sqlite3.Connection:
    # mode=rw: a file that another process deletes meanwhile must not come back empty
    place = ":memory:" if path is None else f"{path.absolute().as_uri()}?mode=rw"
    connection = sqlite3.connect(
        place, timeout=1.0, isolation_level=None, check_same_thread=False, uri=path is not None
    )
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


def _remove(path: Path) -> bool:
    """Delete a journal and the files beside it; False if that is not possible now."""
    try:
        for name in (path, Path(f"{path}-wal"), Path(f"{path}-shm")):
            name.unlink(missing_ok=True)
    except OSError:
        return False
    return True


Positions = NDArray[np.int64]
REQUEST_BYTES = 5_000_000  # "5 MB" in its smaller reading
WASTE = 1.02


def cut(sizes: Sequence[int], *, most: int, room: int) -> list[Positions]:
    """Cut rows of these sizes (bytes, without the comma between two) into groups of positions.

    Neighbours stay together where that costs no request. Where small and large rows lie apart, so that some
    groups are full by count and others by bytes, they are dealt like cards instead.
    """
    each = np.asarray(sizes, dtype=np.int64) + 1
    if not len(each):
        return []
    least = max(math.ceil(len(each) / most), math.ceil(int(each.sum()) / room))
    together = _in_order(each, most, room)
    if len(together) <= max(least, least * WASTE):
        return together
    for count in range(least, len(together)):
        dealt = _dealt(each, count)
        if all(len(group) <= most and each[group].sum() <= room for group in dealt):
            return dealt
    return together


def _in_order(each: Positions, most: int, room: int) -> list[Positions]:
    ends = np.cumsum(each)
    groups, start, before = [], 0, 0
    while start < len(each):
        stop = int(np.searchsorted(ends, before + room, side="right"))
        stop = min(max(stop, start + 1), start + most)
        groups.append(np.arange(start, stop))
        start, before = stop, int(ends[stop - 1])
    return groups


def _dealt(each: Positions, count: int) -> list[Positions]:
    """Deal the rows, the largest first, to and fro, so that no group gets much more than another."""
    order = np.argsort(-each, kind="stable")
    turn = np.arange(len(each)) % (2 * count)
    group = np.where(turn < count, turn, 2 * count - 1 - turn)
    return [np.sort(order[group == number]) for number in range(count)]


FACTS = ("action", "account", "options", "index", "keys", "left_out", "notes")


def begin(
    account: Account,
    facts: Mapping[str, Any],
    payloads: Sequence[tuple[str, Payload]],
    path: str | Path | None,
    *,
    enabled: bool = True,
) -> Journal:
    """Create a journal: at the caller's path, in the user's folder for more than one request, otherwise in memory.

    Raises
    ------
    InvalidInputError
        The file cannot be created.
    ConnectionFailedError
        The client is closed.
    """
    check_open(account)
    if path is not None:
        path = _path(path, f"journal={path!r}: pass the path of a new file, or False for no journal.")
    elif enabled and len(payloads) > 1:
        path = _fresh(facts["action"])
    return Journal.create(path, facts, payloads)


def reopen(path: str | Path, account: Account) -> Journal:
    """Open a journal of this account.

    Raises
    ------
    InvalidInputError
        It is not a journal, or belongs to another account.
    ConnectionFailedError
        The client is closed.
    """
    check_open(account)
    why = f"{path!r} is not a path of a journal. A result whose journal is None has nothing to resume."
    journal = Journal.reopen(_path(path, why))
    theirs, ours = journal.fact("account"), fingerprint(account)
    if theirs != ours:
        journal.close()
        raise InvalidInputError(
            f"{path} is a journal of the account {theirs}, and this client's is {ours}: resume it with a client "
            "of that account and host."
        )
    return journal


def _path(given: Any, complaint: str) -> Path:
    try:
        if given:
            return Path(given).expanduser()
    except (TypeError, ValueError, RuntimeError):  # no path at all, or a home that nobody has
        pass
    raise InvalidInputError(complaint)


def parts(kind: str, positions: Sequence[int], records: Sequence[bytes], options: Options) -> list[Positions]:
    """Return the rows of one write type cut into requests, as positions."""
    places = np.asarray(positions, dtype=np.int64)
    groups = cut([*map(len, records)], most=WRITE_TYPES[kind].most, room=room(kind, options))
    return [places[group] for group in groups]


def room(kind: str, options: Options) -> int:
    """Return how many bytes of records fit into a request."""
    if WRITE_TYPES[kind].most == 1:
        return REQUEST_BYTES
    return REQUEST_BYTES - len(dumps(WRITE_TYPES[kind].body([], options)))


def index_facts(index: pd.Index[Any]) -> dict[str, Any]:
    """Return an index as JSON, so that another process labels the rows in the same way."""
    if isinstance(index, pd.RangeIndex):
        return {"range": [index.start, index.stop, index.step], "name": _plain(index.name)}
    if isinstance(index, pd.MultiIndex):
        levels = [index_facts(index.get_level_values(level)) for level in range(index.nlevels)]
        return {"levels": levels}
    return {
        "labels": [_plain(label) for label in index],
        "dtype": str(index.dtype),
        "name": _plain(index.name),
    }


def index_of(facts: Mapping[str, Any]) -> pd.Index[Any]:
    """Read an index; labels that JSON could not carry come back as text."""
    if "range" in facts:
        start, stop, step = facts["range"]
        return pd.RangeIndex(start, stop, step, name=facts["name"])
    if "levels" in facts:
        return pd.MultiIndex.from_arrays([index_of(level) for level in facts["levels"]])
    try:
        index: pd.Index[Any] = pd.Index(facts["labels"], dtype=facts["dtype"], name=facts["name"])
    except (TypeError, ValueError):
        index = pd.Index(facts["labels"], dtype=object, name=facts["name"])
    return index


def _plain(label: Any) -> Any:
    if isinstance(label, np.generic):
        label = label.item()
    if label is None or isinstance(label, (float, bool)):
        return label
    if isinstance(label, int) and SMALLEST <= label <= LARGEST:
        return label
    return printable(str(label))


def _fresh(action: str) -> Path:
    moment = datetime.now(UTC).strftime("%Y-%m-%d_%H%M%S")
    name = f"{action.replace(' ', '-')}_{moment}_{secrets.token_hex(3)}.journal"
    return local_files.place("state", f"journals/{name}")
