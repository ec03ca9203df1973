"""Small SQLite files beside the package: where they lie, and how several processes share them.

A file is opened for each use and closed again, so that no process keeps another waiting. A damaged file is
thrown away: what it held can be asked for again.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Literal

HOME = "KLAVIYO_ANALYTICS_HOME"
FAILURES = (sqlite3.Error, OSError)
PATIENCE = 10.0  # seconds to wait for another process
_DAMAGED = ("SQLITE_CORRUPT", "SQLITE_NOTADB")


def place(kind: Literal["state", "cache"], name: str) -> Path:
    """Return the path of a local file: in the folder set in the environment, else in the system's default."""
    if home := os.environ.get(HOME):
        return Path(home).expanduser() / name
    from platformdirs import user_cache_path, user_state_path  # noqa: PLC0415  (only needed by few)

    folder = user_state_path if kind == "state" else user_cache_path
    return folder("klaviyo-analytics", appauthor=False) / name


@contextmanager
def transaction(path: Path, schema: str) -> Iterator[sqlite3.Connection]:
    """Open the file, with its tables, for one transaction that others wait for.

    Raises
    ------
    sqlite3.Error, OSError
        The file cannot be used, now or at all; see `FAILURES`.
    """
    with closing(_opened(path, schema)) as connection:
        try:
            yield connection
        except BaseException as error:
            connection.rollback()
            if _is_damage(error):
                connection.close()
                path.unlink(missing_ok=True)
            raise
        connection.commit()


def _opened(path: Path, schema: str) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))  # nobody else's business
    try:
        return _begun(path, schema)
    except sqlite3.DatabaseError as error:
        if not _is_damage(error):
            raise
        path.unlink(missing_ok=True)
        return _begun(path, schema)


def _begun(path: Path, schema: str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None)
    try:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(schema)
    except BaseException:
        connection.close()
        raise
    return connection


def _is_damage(error: BaseException) -> bool:
    return isinstance(error, sqlite3.DatabaseError) and getattr(error, "sqlite_errorname", "") in _DAMAGED
