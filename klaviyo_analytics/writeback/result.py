"""What became of every row."""

from __future__ import annotations

import html
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from klaviyo_analytics._wording import counted
from klaviyo_analytics.errors import WriteFailedError
from klaviyo_analytics.writeback import journals
from klaviyo_analytics.writeback._account import Account
from klaviyo_analytics.writeback.answers import said
from klaviyo_analytics.writeback.apply import Run
from klaviyo_analytics.writeback.journal import Journal, Payload

FAILED = ("failed", "not sent", "unconfirmed")
COLUMNS = ("status", "code", "detail", "pointer")
Again = Mapping[int, tuple[str, bytes]]  # by position: kind and record of what can be sent again


class Result:
    """The outcome of a write, one row for each row of the frame that was to be written.

    Attributes
    ----------
    rows : pandas.DataFrame
        By the frame's own index: key; status ("created", "updated", "written": done, and the API does not tell
        which of the two; "accepted": taken, and the API tells no more; "unchanged"; "failed"; "not sent";
        "unconfirmed": nothing tells what became of it); code, detail and pointer of what went wrong; job_id.
    failures : pandas.DataFrame
        Those of them that failed, were not sent, or are unconfirmed.
    journal : Path or None
        Where to go on from with ``client.resume``; None when it was not needed any more.
    stopped : str or None
        Why the write ended early.
    """

    def __init__(
        self,
        rows: pd.DataFrame,
        *,
        action: str,
        journal: Path | None,
        stopped: str | None,
        again: Again,
        source: tuple[Account, Mapping[str, Any]],
    ) -> None:
        self.rows = rows
        self.action = action
        self.journal = journal
        self.stopped = stopped
        self._again = again
        self._source = source

    @property
    def failures(self) -> pd.DataFrame:
        """The rows that failed, were not sent, or are unconfirmed."""
        return self.rows[self.rows["status"].isin(FAILED)]

    def retry(self, *, journal: str | Path | None = None) -> Result:
        """Send the rows once more that the API refused, or that were not reached.

        Rows that did not pass the checks, and those that may have arrived, are left as they are.

        Parameters
        ----------
        journal : str or Path, optional
            As for `Plan.apply`.

        Returns
        -------
        Result
            All rows again, those sent once more with their new outcome.
        """
        if not self._again:
            return self
        account, facts = self._source
        chosen: dict[str, list[int]] = {}
        for position, (kind, _) in sorted(self._again.items()):
            chosen.setdefault(kind, []).append(position)
        payloads = [
            (kind, Payload(part.tolist(), [self._again[at][1] for at in part.tolist()]))
            for kind, positions in chosen.items()
            for part in journals.parts(
                kind, positions, [self._again[at][1] for at in positions], facts["options"]
            )
        ]
        with_left_out = {**facts, "left_out": self._kept()}
        begun = journals.begin(account, with_left_out, payloads, journal)
        return finish(begun, account, index=self.rows.index)

    def raise_for_failures(self) -> None:
        """Raise if any row failed, was not sent, or is unconfirmed.

        Raises
        ------
        WriteFailedError
            Says how many, and why the first of them; its `failures` are the frame.
        """
        failures = self.failures
        if len(failures):
            first = failures.iloc[0]
            why = next(said for name in ("detail", "code", "status") if not pd.isna(said := first[name]))
            raise WriteFailedError(
                f"{len(failures):,} of {len(self.rows):,} rows were not written: {_counts(failures)}. The first, "
                f"{first['key']}: {str(why).rstrip('.')}.",
                failures,
            )

    def _kept(self) -> dict[str, Any]:
        """Give the outcomes of the rows that are not sent again."""
        told = self.rows[[*COLUMNS, "job_id"]].astype(object)
        told = told.where(told.notna(), None)
        return {
            str(position): list(row)
            for position, row in enumerate(told.itertuples(index=False))
            if position not in self._again
        }

    def __repr__(self) -> str:
        ended = f"; stopped: {self.stopped}" if self.stopped else ""
        return f"<Result of {self.action}: {counted(len(self.rows), 'row')}, {_counts(self.rows)}{ended}>"

    def _repr_html_(self) -> str:
        lines = [f"<b>{html.escape(self.action)}</b>: {counted(len(self.rows), 'row')}, {_counts(self.rows)}"]
        if self.stopped:
            lines.append(f"Ended early: {html.escape(self.stopped)}")
        if self.journal:
            lines.append(
                f"Journal: <code>{html.escape(str(self.journal))}</code>; it holds the rows' data. "
                "<code>client.resume(...)</code> goes on with it."
            )
        failures = self.failures
        table = failures.head(10).to_html(max_cols=8) if len(failures) else ""
        return "<br>".join(lines) + table


def _counts(rows: pd.DataFrame) -> str:
    return (
        ", ".join(f"{count:,} {status}" for status, count in rows["status"].value_counts().items()) or "none"
    )


def finish(
    journal: Journal, account: Account, *, index: pd.Index[Any] | None = None, keep: bool = False
) -> Result:
    """Carry out what a journal has left, and tell what became of every row.

    A journal is deleted when every row was written, and kept otherwise; one without a file always goes.
    """
    run = Run(journal, account)
    try:
        run.carry_out()
        result = _told(journal, account, run.stopped, index)
    except BaseException as error:
        if journal.path is not None:
            error.add_note(f"Go on where it stopped: client.resume({str(journal.path)!r})")
        journal.close()
        raise
    if journal.path is None or keep or len(result.failures):
        journal.close()
        result.journal = journal.path
    else:
        journal.delete()
    return result


def _told(journal: Journal, account: Account, stopped: str | None, index: pd.Index[Any] | None) -> Result:
    facts = {name: journal.fact(name) for name in journals.FACTS}
    keys = facts["keys"]
    columns = {name: np.full(len(keys), None, dtype=object) for name in (*COLUMNS, "job_id")}
    for position, told in facts["left_out"].items():
        for name, value in zip(columns, told, strict=False):
            columns[name][int(position)] = value
    again: dict[int, tuple[str, bytes]] = {}
    for batch in journal.batches():
        payload, outcome = journal.payload(batch.number), journal.outcome(batch.number)
        at = np.asarray(payload.positions)
        columns["job_id"][at] = (outcome or {}).get("job") or batch.job
        if outcome is None:
            outcome = _unfinished(batch.state, stopped)
        columns["status"][at] = outcome["status"]
        columns["detail"][at] = outcome.get("detail")
        for row, told in outcome["rows"].items():
            for name, value in zip(COLUMNS, told, strict=True):
                columns[name][at[int(row)]] = value
        for row, record in enumerate(payload.records):
            if columns["status"][at[row]] in ("failed", "not sent"):
                again[int(at[row])] = (batch.kind, record)
    frame = pd.DataFrame({"key": pd.array(keys, dtype="string")})
    for name, values in columns.items():
        frame[name] = pd.array(values, dtype="string")
    frame.index = journals.index_of(facts["index"]) if index is None else index
    return Result(
        frame, action=facts["action"], journal=None, stopped=stopped, again=again, source=(account, facts)
    )


def _unfinished(state: str, stopped: str | None) -> dict[str, Any]:
    why = stopped or "the write has not come this far"
    status, _, detail, _ = {
        "planned": said("not sent", detail=why),
        "sending": said("unconfirmed", detail=f"sent, but no answer came: {why}"),
        "accepted": said("unconfirmed", detail=f"taken, but not followed to its end: {why}"),
    }[state]
    return {"status": status, "detail": detail, "rows": {}}
