"""What was chosen before, in a file beside the package's others: ids and counts, nothing else."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from klaviyo_analytics import _files

log = logging.getLogger("klaviyo_analytics")
_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS choices (account TEXT, kind TEXT, id TEXT, times INTEGER, last INTEGER, "
    "UNIQUE (account, kind, id))"
)
_ADD = (
    "INSERT INTO choices VALUES (?, ?, ?, 1, (SELECT 1 + COALESCE(MAX(last), 0) FROM choices)) "
    "ON CONFLICT (account, kind, id) DO UPDATE SET times = times + 1, last = excluded.last"
)
_READ = "SELECT id FROM choices WHERE account = ? AND kind = ? ORDER BY times DESC, last DESC"
_LAST = "SELECT id FROM choices WHERE account = ? AND kind = ? ORDER BY last DESC LIMIT 1"


def remember(account: str, kind: str, ids: Iterable[str]) -> None:
    """Count a choice; where the file cannot be used, nothing is lost but a convenience."""
    try:
        with _files.transaction(_files.place("state", "choices.sqlite"), _SCHEMA) as file:
            file.executemany(_ADD, [(account, kind, id) for id in ids])
    except _files.FAILURES as failure:
        log.info("choices are not remembered: %s", failure)


def most_used(account: str, kind: str) -> list[str]:
    """Give the ids that were chosen before, the most used first."""
    return _ids(account, kind, _READ)


def last(account: str, kind: str) -> str | None:
    """Give the id that was chosen last."""
    return next(iter(_ids(account, kind, _LAST)), None)


def _ids(account: str, kind: str, query: str) -> list[str]:
    try:
        with _files.transaction(_files.place("state", "choices.sqlite"), _SCHEMA) as file:
            return [str(row[0]) for row in file.execute(query, (account, kind))]
    except _files.FAILURES as failure:
        log.info("choices are not remembered: %s", failure)
        return []
