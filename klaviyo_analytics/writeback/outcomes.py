"""What a journal says of every row, and which of them can be sent again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from klaviyo_analytics.writeback import journals
from klaviyo_analytics.writeback.answers import said
from klaviyo_analytics.writeback.journal import Journal

COLUMNS = ("status", "code", "detail", "pointer")
Again = Mapping[int, tuple[str, bytes]]  # by position: kind and record of what can be sent again


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Every row's outcome; what of them can be sent again; and those of requests that are not settled."""

    rows: pd.DataFrame
    again: Again
    unfinished: frozenset[int]


def outcomes(journal: Journal, stopped: str | None, index: pd.Index[Any] | None = None) -> Outcomes:
    """Read a journal: of a row that was sent several times, the last is what counts."""
    keys = journal.fact("keys")
    columns = {name: np.full(len(keys), None, dtype=object) for name in (*COLUMNS, "job_id", "note")}
    for position, told in journal.fact("left_out").items():
        for name, value in zip(columns, told, strict=False):
            columns[name][int(position)] = value
    for position, note in journal.fact("notes").items():
        columns["note"][int(position)] = note
    again: dict[int, tuple[str, bytes]] = {}
    unfinished: set[int] = set()
    for batch in journal.batches():
        payload, outcome = journal.payload(batch.number), journal.outcome(batch.number)
        at = np.asarray(payload.positions)
        columns["job_id"][at] = (outcome or {}).get("job") or batch.job
        if outcome is None:
            refused = journal.refused(batch.number)
            unfinished.update(at for row, at in enumerate(payload.positions) if row not in refused)
            outcome = _unfinished(batch.state, stopped) | {"rows": refused}
        columns["status"][at] = outcome["status"]
        columns["detail"][at] = outcome.get("detail")
        columns["code"][at] = columns["pointer"][at] = None
        for row, told in outcome["rows"].items():
            for name, value in zip(COLUMNS, told, strict=True):
                columns[name][at[int(row)]] = value
        for row, record in enumerate(payload.records):
            again.pop(int(at[row]), None)
            if columns["status"][at[row]] in ("failed", "not sent"):
                again[int(at[row])] = (batch.kind, record)
    frame = pd.DataFrame({"key": pd.array(keys, dtype="string")})
    for name, values in columns.items():
        frame[name] = pd.array(values, dtype="string")
    frame.index = journals.index_of(journal.fact("index")) if index is None else index
    return Outcomes(frame, again, frozenset(unfinished))


def _unfinished(state: str, stopped: str | None) -> dict[str, Any]:
    why = stopped or "the write has not come this far"
    status, _, detail, _ = {
        "planned": said("not sent", detail=why),
        "sending": said("unconfirmed", detail=f"sent, but no answer came: {why}"),
        "accepted": said("unconfirmed", detail=f"taken, but not followed to its end: {why}"),
    }[state]
    return {"status": status, "detail": detail}
