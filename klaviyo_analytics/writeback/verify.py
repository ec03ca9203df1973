"""Read back what was sent, and say of every row whether it is there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
import pandas as pd

from klaviyo_analytics._progress import Progress
from klaviyo_analytics.errors import KlaviyoError
from klaviyo_analytics.writeback._account import Account
from klaviyo_analytics.writeback.kinds import Options
from klaviyo_analytics.writeback.looks import LOOKS
from klaviyo_analytics.writeback.looks._look import Found, Left, Remark

PATIENCE = (0.0, 5.0, 10.0, 20.0, 40.0, 60.0)  # seconds between looks: what was accepted shows after minutes
SENT = ("created", "updated", "written", "accepted", "unconfirmed")
MISSING = "it is not there when it is read back"


def verify(
    account: Account,
    rows: pd.DataFrame,
    batches: Sequence[tuple[str, Sequence[int]]],
    keys: Sequence[str],
    records: Sequence[bytes | None],
    options: Options,
) -> None:
    """Look for every row that was sent, several times; what is seen was written, what is not is unconfirmed."""
    statuses = rows["status"].tolist()
    total = sum(status in SENT for status in statuses)
    with Progress("reading back", shown=account.progress, total=total) as progress:
        for kind in dict.fromkeys(kind for kind, _ in batches):
            sent = {
                at: (keys[at], orjson.loads(records[at] or b"null"))
                for name, positions in batches
                if name == kind
                for at in positions
                if statuses[at] in SENT
            }
            left = {at: one for at, one in sent.items() if statuses[at] != "unconfirmed" or _tells(one[1])}
            _look_until_seen(account, rows, kind, left, options, progress)


def _look_until_seen(
    account: Account, rows: pd.DataFrame, kind: str, left: Left, options: Options, progress: Progress
) -> None:
    said: Found = {}
    for pause in PATIENCE:
        if not left:
            return
        account.sleep(pause)
        try:
            said = LOOKS[kind](account, options, left)
        except KlaviyoError as error:  # what was sent stays sent: the rows must not be lost over it
            said = dict.fromkeys(left, f"it could not be read back: {error}")
            break
        seen = {at: one for at in left if isinstance(one := said.get(at, MISSING), Remark | None)}
        _note(rows, seen)
        progress.add(len(seen))
        left = {at: one for at, one in left.items() if at not in seen}
    _note(rows, {at: said.get(at) or MISSING for at in left})


def _tells(record: Mapping[str, Any]) -> bool:
    """Say whether seeing it there means that it arrived: what is appended may have stood there before."""
    patches = (record.get("meta") or {}).get("patch_properties") or {}
    return not {"append", "unappend"} & set(patches)


def _note(rows: pd.DataFrame, said: Mapping[int, str | None]) -> None:
    """Write outcomes down; what the API said of a row that is there is said no worse than before."""
    doubtful = rows["status"].isin(["accepted", "unconfirmed"]).to_numpy(dtype=bool)
    by_text: dict[str | None, list[int]] = {}
    for at, text in said.items():
        if text is not None or doubtful[at]:
            by_text.setdefault(text, []).append(at)
    names = list(rows.columns)
    for text, positions in by_text.items():
        there = isinstance(text, Remark | None)
        rows.iloc[positions, names.index("status")] = "written" if there else "unconfirmed"
        rows.iloc[positions, names.index("code")] = None if there else "not_read_back"
        rows.iloc[positions, names.index("detail")] = text
