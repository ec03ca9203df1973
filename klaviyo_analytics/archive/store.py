"""One folder (or URL) of Delta tables: opened, written in whole commits, and owned by one account."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake
from deltalake.exceptions import CommitFailedError, TableNotFoundError

from klaviyo_analytics.archive.tables import TABLES
from klaviyo_analytics.errors import ConfigurationError, InvalidInputError
from klaviyo_analytics.http import cancellation
from klaviyo_analytics.http.session import LOOPBACK

ACCOUNT = "klaviyo.account"
REACHED = "reached"  # the mark of a table until when it was read
TIMEZONE = "klaviyo.timezone"
LOCK = ".writing"
ATTEMPTS = 8  # of a commit that another writer was faster with; matters for object stores only
LOOK = 0.2  # seconds between two looks whether another process still writes
COMPACT_FILES = 12  # files of a partition from which on they are joined
MICROSECOND = 1_000_000
Marks = Mapping[str, datetime | None]


class Store:
    """The tables of one folder.

    Parameters
    ----------
    where : str or Path
        Folder, or URL of an object store.
    storage_options : mapping
        As the deltalake package takes them; never written to disk.
    account : str, optional
        Fingerprint that the tables must carry; None accepts any.
    timezone : str, optional
        The account's time zone, noted in each new table.
    sleep : callable
        Waits for a number of seconds while another process writes.
    """

    def __init__(
        self,
        where: str | Path,
        storage_options: Mapping[str, str] | None,
        account: str | None,
        timezone: str | None,
        sleep: Callable[[float], None] = cancellation.sleep,
    ) -> None:
        self.sleep = sleep
        self.where, self.local = _place(where)
        self.options = dict(storage_options) if storage_options else None
        self.account = account
        self.timezone = timezone
        self._current: dict[str, tuple[frozenset[object] | None, DeltaTable | None]] = {}
        self._last_read: tuple[list[DeltaTable], datetime | None] = ([], None)

    def __getstate__(self) -> dict[str, Any]:
        if self.options:
            raise ConfigurationError(
                "An archive with storage_options cannot be pickled, since they may hold keys. "
                "Call ka.open_archive() in the process that needs it."
            )
        return {**self.__dict__, "_current": {}, "_last_read": ([], None)}

    def uri(self, name: str) -> str:
        """Where a table is."""
        return f"{self.where.rstrip('/')}/{name}"

    def current(self, name: str) -> DeltaTable | None:
        """Return the last version of a table, to read: all share it, and nobody writes to it.

        A local table is opened again only if its log has changed, since opening takes longer than most questions.
        """
        if self.local is None:
            return self.table(name)
        # looked at before the table is opened, so that what comes in between is seen next time
        log = _entries(self.local / name / "_delta_log")
        known = self._current.get(name)
        if log is None or known is None or known[0] != log:
            known = self._current[name] = (log, self.table(name))
        return known[1]

    def is_another(self, seen: DeltaTable | None, current: DeltaTable) -> bool:
        """Return whether a table is not what it was when it was seen; one made anew may have the same version."""
        if seen is None or self.local is not None:
            return seen is not current
        return seen.version() != current.version()

    def table(self, name: str) -> DeltaTable | None:
        """Open the last version of a table for oneself; None if it was never written."""
        if self.local is not None and not (self.local / name / "_delta_log").is_dir():
            return None
        try:
            table = DeltaTable(self.uri(name), storage_options=self.options)
        except TableNotFoundError:
            return None
        found = table.metadata().configuration.get(ACCOUNT)
        if self.account is not None and found != self.account:
            anew = (
                " A sandbox that starts again is a new account: delete this folder, or keep one running with "
                "`klaviyo-analytics sandbox`."
                if _is_sandbox(found) and _is_sandbox(self.account)
                else ""
            )
            raise InvalidInputError(
                f"The archive {self.where} holds {found or 'an unknown account'}, not {self.account}. "
                f"One folder holds one account; choose another folder.{anew}"
            )
        return table

    def last_read(self) -> datetime | None:
        """Return until when the copy of a sandbox, whose clock may stand still, was read; None for any other."""
        tables = [table for name in TABLES if (table := self.current(name)) is not None]
        if not tables or not _is_sandbox(tables[0].metadata().configuration.get(ACCOUNT)):
            return None  # one folder holds one account
        if self._last_read[0] != tables:
            marks = (mark(table, REACHED) for table in tables)
            self._last_read = tables, max((moment for moment in marks if moment is not None), default=None)
        return self._last_read[1]

    def opened(
        self, name: str, schema: pa.Schema, partition: str | None, statistics: Sequence[str]
    ) -> DeltaTable:
        """Open a table to write to it; a new one is created, and one that lacks new columns gets them."""
        table = self.table(name)
        if table is None:
            if self.local is not None:  # files get the usual modes; nobody else reaches them in here
                (self.local / name).mkdir(mode=0o700, exist_ok=True)
            table = DeltaTable.create(
                self.uri(name),
                schema,
                mode="ignore",
                partition_by=[partition] if partition else None,
                configuration={
                    ACCOUNT: self.account or "",
                    TIMEZONE: self.timezone or "UTC",
                    "delta.dataSkippingStatsColumns": ",".join(f"`{column}`" for column in statistics),
                },
                storage_options=self.options,
                raise_if_key_not_exists=False,
            )
        present = {field.name for field in table.schema().fields}
        if missing := [name for name in schema.names if name not in present]:
            from deltalake import Schema  # noqa: PLC0415

            wanted = Schema.from_arrow(pa.schema([schema.field(name) for name in missing]))
            table.alter.add_columns(wanted.fields)
        return table

    def append(self, table: DeltaTable, rows: pa.Table, marks: Marks) -> None:
        """Append rows that the table certainly lacks, in one commit with the marks."""
        write_deltalake(table, rows, mode="append", schema_mode="merge", commit_properties=_committing(marks))
        table.update_incremental()

    def merge(
        self,
        table: DeltaTable,
        rows: pa.Table,
        key: Sequence[str],
        marks: Marks,
        *,
        within: str | None = None,
    ) -> None:
        """Insert or replace rows by key, in one commit with the marks; `within` narrows what is searched."""
        predicate = " and ".join(f't."{column}" = s."{column}"' for column in key)

        def commit() -> None:
            merger = table.merge(
                rows,
                f"{predicate} and {within}" if within else predicate,
                source_alias="s",
                target_alias="t",
                commit_properties=_committing(marks),
            )
            merger.when_matched_update_all().when_not_matched_insert_all().execute()

        self.repeated(table, commit)

    def delete(
        self, table: DeltaTable, column: str, values: Sequence[str], *, within: str | None = None
    ) -> None:
        """Delete the rows whose column has one of the values."""
        for start in range(0, len(values), 2_000):
            some = ", ".join(quoted(value) for value in values[start : start + 2_000])
            predicate = f'"{column}" in ({some})' + (f" and {within}" if within else "")
            self.repeated(table, lambda predicate=predicate: table.delete(predicate))  # type: ignore[misc]

    def repeated(self, table: DeltaTable, commit: Callable[[], Any]) -> None:
        """Make a commit, on a newer version if another writer was faster."""
        for attempt in range(ATTEMPTS):
            try:
                commit()
            except CommitFailedError:
                if attempt == ATTEMPTS - 1:
                    raise
                table.update_incremental()
            else:
                table.update_incremental()
                return

    def compact(self, table: DeltaTable) -> None:
        """Join small files of a table that has many of them."""
        partitions = max(1, len(table.partitions()) if table.metadata().partition_columns else 1)
        if len(table.file_uris()) > COMPACT_FILES * partitions:
            self.repeated(table, table.optimize.compact)

    def files(self, table: DeltaTable) -> list[str]:
        """List the current Parquet files of a table."""
        found: list[str] = table.file_uris()
        if self.local is None:
            return found
        return [_path(file) for file in found]

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Wait until no other process writes to a local folder; the system lifts the lock of a killed one."""
        if self.local is None:
            yield
            return
        self.local.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self.local / LOCK).open("a+b") as file:
            while not _locked(file):
                self.sleep(LOOK)
            yield


def mark(table: DeltaTable, name: str) -> datetime | None:
    """Read a mark: a moment that was committed together with rows."""
    found = table.transaction_version(name)
    return None if found is None else datetime.fromtimestamp(0, UTC) + _microseconds(found)


def quoted(text: str) -> str:
    """Write text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def named(name: str) -> str:
    """Write a column name as SQL does."""
    return '"' + name.replace('"', '""') + '"'


def _microseconds(count: int) -> Any:
    from datetime import timedelta  # noqa: PLC0415

    return timedelta(microseconds=count)


def _committing(marks: Marks) -> CommitProperties:
    transactions = [
        Transaction(name, round((moment - datetime.fromtimestamp(0, UTC)).total_seconds() * MICROSECOND))
        for name, moment in marks.items()
        if moment is not None
    ]
    return CommitProperties(app_transactions=transactions)


def _is_sandbox(account: str | None) -> bool:
    """Return whether an account's fingerprint names a server on this machine."""
    return urlsplit(f"//{(account or '').rpartition(' at ')[2]}").hostname in LOOPBACK


def _entries(folder: Path) -> frozenset[object] | None:
    """Return what changes with each file of a folder; None without a folder, or if a file goes meanwhile."""
    try:
        with os.scandir(folder) as files:
            stats = [(file.name, file.stat()) for file in files]
    except FileNotFoundError:
        return None
    return frozenset((name, found.st_ino, found.st_mtime_ns, found.st_size) for name, found in stats)


def _place(where: str | Path) -> tuple[str, Path | None]:
    """Where the tables are, as deltalake takes it; with the folder if it is on this machine."""
    text = os.fspath(where)
    if not isinstance(text, str) or not text.strip():
        raise ConfigurationError(f"folder={where!r} is empty. Pass a folder or the URL of an object store.")
    if text.startswith("file:"):
        folder = Path(_path(text))
    elif "://" in text:
        return text, None
    else:
        folder = Path(text).expanduser().absolute()
    if folder.exists() and not folder.is_dir():
        raise ConfigurationError(f"folder={text!r} is a file. Pass a folder, which may not exist yet.")
    return str(folder), folder


def _path(file: str) -> str:
    """Return a path for a path or a file URL."""
    return url2pathname(urlsplit(file).path) if file.startswith("file:") else file


def _locked(file: IO[bytes]) -> bool:
    """Lock a file, which lasts until it is closed; False if another process has locked it."""
    try:
        import fcntl  # noqa: PLC0415  (not on Windows)
    except ImportError:
        import msvcrt  # noqa: PLC0415

        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined, unused-ignore]
        except OSError:
            return False
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
