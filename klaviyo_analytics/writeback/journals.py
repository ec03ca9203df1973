"""Where journals lie, what they say of a whole write, and how rows are cut for them."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from klaviyo_analytics import _files
from klaviyo_analytics._transport.decoding import dumps
from klaviyo_analytics.errors import InvalidInputError
from klaviyo_analytics.writeback._account import Account, check_open, fingerprint
from klaviyo_analytics.writeback.batches import REQUEST_BYTES, Positions, cut
from klaviyo_analytics.writeback.checks import printable
from klaviyo_analytics.writeback.encode import LARGEST, SMALLEST
from klaviyo_analytics.writeback.journal import Journal, Payload
from klaviyo_analytics.writeback.kinds import KINDS, Options

FACTS = ("action", "account", "options", "index", "keys", "left_out", "notes")


def begin(
    account: Account,
    facts: Mapping[str, Any],
    payloads: Sequence[tuple[str, Payload]],
    path: str | Path | None,
    *,
    enabled: bool = True,
) -> Journal:
    """Begin a journal: at a path of the caller's, in the user's folder beyond one request, else in memory.

    Raises
    ------
    InvalidInputError
        It cannot be written there.
    ConnectionFailedError
        The client is closed.
    """
    check_open(account)
    if path is not None:
        path = _path(path, f"journal={path!r}: it is the path of a new file, or False for none.")
    elif enabled and len(payloads) > 1:
        path = _fresh(facts["action"])
    return Journal.create(path, facts, payloads)


def reopen(path: str | Path, account: Account) -> Journal:
    """Open a journal of this account.

    Raises
    ------
    InvalidInputError
        It is none, or belongs to another account.
    ConnectionFailedError
        The client is closed.
    """
    check_open(account)
    why = f"{path!r} is no path of a journal. A result whose journal is None has none to go on with."
    journal = Journal.reopen(_path(path, why))
    theirs, ours = journal.fact("account"), fingerprint(account)
    if theirs != ours:
        journal.close()
        raise InvalidInputError(
            f"{path} is a journal of the account {theirs}, and this client's is {ours}: it goes on in its own "
            "account, at its own host."
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
    """Cut the rows of one kind into requests: the positions of each."""
    places = np.asarray(positions, dtype=np.int64)
    groups = cut([*map(len, records)], most=KINDS[kind].most, room=room(kind, options))
    return [places[group] for group in groups]


def room(kind: str, options: Options) -> int:
    """Give the bytes that a request of a kind has for its records."""
    if KINDS[kind].most == 1:
        return REQUEST_BYTES
    return REQUEST_BYTES - len(dumps(KINDS[kind].body([], options)))


def index_facts(index: pd.Index[Any]) -> dict[str, Any]:
    """Write an index down, so that another process can name the rows as this one does."""
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
    return _files.place("state", f"journals/{name}")
