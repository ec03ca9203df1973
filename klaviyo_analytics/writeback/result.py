"""The outcome of every row of a write."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from klaviyo_analytics import _safe_text
from klaviyo_analytics._html import table
from klaviyo_analytics._messages import counted, explained
from klaviyo_analytics.errors import InvalidInputError, KlaviyoError, WriteFailedError
from klaviyo_analytics.writeback import journal as _journal
from klaviyo_analytics.writeback.account import Account
from klaviyo_analytics.writeback.journal import Journal, NotRecordedError, Payload
from klaviyo_analytics.writeback.run import PATIENCE, Run, checked_timeout, row_outcome
from klaviyo_analytics.writeback.write_types import options_from

COLUMNS = ("status", "code", "detail", "pointer")
Again = Mapping[int, tuple[str, bytes]]  # by position: kind and record of what can be sent again


@dataclass(frozen=True, slots=True)
class Outcomes:
    """The outcome of every row, the rows that can be sent again, and the rows of unsettled requests."""

    rows: pd.DataFrame
    again: Again
    unfinished: frozenset[int]


def outcomes(journal: Journal, stopped: str | None, index: pd.Index[Any] | None = None) -> Outcomes:
    """Read a journal: of a row that was sent several times, the last is what counts."""
    keys = journal.fact("keys")
    columns = {name: np.full(len(keys), None, dtype=object) for name in (*COLUMNS, "job_id", "note")}
    for position, row in journal.fact("left_out").items():
        for name, value in zip(columns, row, strict=False):
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
        for row, held in outcome["rows"].items():
            for name, value in zip(COLUMNS, held, strict=True):
                columns[name][at[int(row)]] = value
        for row, record in enumerate(payload.records):
            again.pop(int(at[row]), None)
            if columns["status"][at[row]] in ("failed", "not sent"):
                again[int(at[row])] = (batch.kind, record)
    frame = pd.DataFrame({"key": pd.array(keys, dtype="string")})
    for name, values in columns.items():
        frame[name] = pd.array(values, dtype="string")
    frame.index = _journal.index_of(journal.fact("index")) if index is None else index
    return Outcomes(frame, again, frozenset(unfinished))


def _unfinished(state: str, stopped: str | None) -> dict[str, Any]:
    why = stopped or "the write ended before this row"
    status, _, detail, _ = {
        "planned": row_outcome("not sent", detail=why),
        "sending": row_outcome("unconfirmed", detail=f"sent, but not answered: {why}"),
        "accepted": row_outcome("unconfirmed", detail=f"taken, but not followed to its end: {why}"),
    }[state]
    return {"status": status, "detail": detail}


FAILED = ("failed", "not sent", "unconfirmed")


class Result:
    """The outcome of a write, one row for each row of the frame that was to be written.

    Attributes
    ----------
    rows : pandas.DataFrame
        By the frame's own index: key; status ("created", "updated", "written": done, and the API does not say
        which of the two; "accepted": taken, and the API says no more; "unchanged"; "failed"; "not sent";
        "unconfirmed": the outcome is not known); code, detail and pointer of what went wrong; job_id; note,
        what the plan said of it: what Klaviyo will not keep, or what a comparison found.
    failures : pandas.DataFrame
        Those of them that failed, were not sent, or are unconfirmed.
    journal : Path or None
        The file for ``client.resume``; None if it is not needed any more.
    stopped : str or None
        Why the write ended early.
    """

    def __init__(
        self,
        found: Outcomes,
        facts: Mapping[str, Any],
        account: Account,
        *,
        stopped: str | None,
        keep: bool,
        timeout: float = PATIENCE,
    ) -> None:
        self.rows = found.rows
        self.action: str = facts["action"]
        self.journal: Path | None = None
        self.stopped = stopped
        self._outcomes = found
        self._facts = facts
        self._account = account
        self._keep = keep
        self._timeout = timeout

    @property
    def failures(self) -> pd.DataFrame:
        """The rows that failed, were not sent, or are unconfirmed."""
        return self.rows[self.rows["status"].isin(FAILED)]

    @explained
    def retry(self, *, journal: str | Path | None = None, timeout: float | None = None) -> Result:
        """Send the rows that the API refused once more, and continue with those that were not reached.

        A write that has a journal on disk goes on in it, as with ``client.resume``: where an answer was lost, it is
        found out first whether the request was carried out. Rows that did not pass the checks are left as they are.

        Parameters
        ----------
        journal : str or Path, optional
            As for `Plan.apply`, for a write that has no journal yet.
        timeout : float, optional
            Seconds to wait for each job; that of the write itself, if not given.

        Returns
        -------
        Result
            All rows again, those sent once more with their new outcome; this one, if nothing can be sent.

        Raises
        ------
        InvalidInputError
            `journal` is given, and there is one already; or that one is gone; or `timeout` is invalid.
        WriteFailedError
            The journal cannot be written any more; see `Plan.apply`.
        """
        seconds = self._timeout if timeout is None else checked_timeout(timeout)
        if self.journal is not None and journal is not None:
            raise InvalidInputError(
                f"journal={journal!r}: retry() continues with {self.journal}. Leave it out."
            )
        if not self._outcomes.again and not (self.journal and self._outcomes.unfinished):
            return self
        if self.journal is not None:
            return self._retried_in(self.journal, seconds)
        left_out = {str(at): row for at, row in self._kept().items()}
        begun = _journal.begin(
            self._account,
            {**self._facts, "left_out": left_out},
            self._payloads(self._outcomes.again),
            journal,
        )
        return finish(begun, self._account, index=self.rows.index, timeout=seconds)

    def _retried_in(self, path: Path, timeout: float) -> Result:
        """Add what was refused to its own journal, so that no crash can lose or repeat it, and go on."""
        journal = _journal.reopen(path, self._account)
        try:
            now = outcomes(journal, None)
            refused = {at: one for at, one in now.again.items() if at not in now.unfinished}
            journal.add(self._payloads(refused))
        except NotRecordedError as error:
            journal.close()
            raise WriteFailedError(
                f"The journal {path} cannot be written any more ({error}), so nothing was sent again. Free some "
                "space on the disk, then call retry() again.",
                self.failures,
            ) from error
        except BaseException:
            journal.close()
            raise
        result = finish(journal, self._account, index=self.rows.index, keep=self._keep, timeout=timeout)
        settled = list(self._kept())  # reading back may have said more of these than the journal holds
        for place, name in enumerate(result.rows.columns):
            result.rows.iloc[settled, place] = self.rows[name].iloc[settled].array
        return result

    def _payloads(self, chosen: Again) -> list[tuple[str, Payload]]:
        kinds: dict[str, list[int]] = {}
        for position, (kind, _) in sorted(chosen.items()):
            kinds.setdefault(kind, []).append(position)
        return [
            (kind, Payload(part.tolist(), [chosen[at][1] for at in part.tolist()]))
            for kind, positions in kinds.items()
            for part in _journal.parts(
                kind,
                positions,
                [chosen[at][1] for at in positions],
                options_from(kind, self._facts["options"]),
            )
        ]

    def raise_for_failures(self) -> None:
        """Raise if any row failed, was not sent, or is unconfirmed.

        Raises
        ------
        WriteFailedError
            The message has the count and the first reason; its `failures` are the rows.
        """
        failures = self.failures
        if len(failures):
            first = failures.iloc[0]
            why = next(text for name in ("detail", "code", "status") if not pd.isna(text := first[name]))
            message = (
                f"{len(failures):,} of {len(self.rows):,} rows were not written: {_counts(failures)}. The first, "
                f"{first['key']}: {str(why).rstrip('.')}." + (f" {way}." if (way := self._goes_on()) else "")
            )
            raise WriteFailedError(_safe_text.printable(message.replace("\n", "\\n")), failures)

    def _kept(self) -> dict[int, list[Any]]:
        """Return the outcomes of the rows that are settled."""
        open_ones = {*self._outcomes.again, *(self._outcomes.unfinished if self.journal else ())}
        rows = self.rows[[*COLUMNS, "job_id"]].astype(object)
        rows = rows.where(rows.notna(), None)
        return {at: list(row) for at, row in enumerate(rows.itertuples(index=False)) if at not in open_ones}

    def _goes_on(self) -> str:
        """Return how to continue; empty if nothing is left."""
        if self.journal is None or not self._outcomes.unfinished:
            return ""
        rows = counted(len(self._outcomes.unfinished), "row")
        return f"client.resume(result.journal) continues with {rows} not settled yet"

    def __repr__(self) -> str:
        noted = int(self.rows["note"].notna().sum())
        parts = [
            f"{counted(len(self.rows), 'row')}, {_counts(self.rows)}",
            f"{noted:,} with a note" if noted else "",
            f"stopped: {self.stopped}" if self.stopped else "",
            self._goes_on(),
        ]
        whole = f"<Result of {self.action}: {'; '.join(filter(None, parts))}>"
        return _safe_text.printable(whole.replace("\n", "\\n"))

    def _repr_html_(self) -> str:
        lines = [f"<b>{html.escape(self.action)}</b>: {counted(len(self.rows), 'row')}, {_counts(self.rows)}"]
        if self.stopped:
            lines.append(f"Ended early: {html.escape(_safe_text.printable(self.stopped))}")
        if self.journal:
            lines.append(
                f"Journal: <code>{html.escape(str(self.journal))}</code>; it holds the rows' data. "
                "<code>client.resume(...)</code> goes on with it."
            )
        if noted := int(self.rows["note"].notna().sum()):
            lines.append(f'{counted(noted, "row")} with a note: <code>result.rows["note"]</code>')
        failures = self.failures
        return "<br>".join(lines) + (table(failures, most=10, widest=8) if len(failures) else "")


def _counts(rows: pd.DataFrame) -> str:
    return (
        ", ".join(f"{count:,} {status}" for status, count in rows["status"].value_counts().items()) or "none"
    )


def finish(
    journal: Journal,
    account: Account,
    *,
    index: pd.Index[Any] | None = None,
    keep: bool = False,
    timeout: float = PATIENCE,
) -> Result:
    """Send what a journal has left, and return the outcome of every row.

    A journal is deleted when every row was written, and kept otherwise; one without a file always goes.

    Raises
    ------
    WriteFailedError
        The journal cannot be written any more.
    """
    try:
        run = Run(journal, account, timeout)
        stopped = _carried_out(run)
        facts = {name: journal.fact(name) for name in _journal.FACTS}
        found = outcomes(journal, stopped, index)
        result = Result(found, facts, account, stopped=stopped, keep=keep, timeout=timeout)
    except NotRecordedError as error:
        journal.close()
        raise _not_recorded(error, journal.path, None) from error
    except BaseException as error:
        if journal.path is not None:
            error.add_note(f"Continue where it stopped: client.resume({str(journal.path)!r})")
        journal.close()
        raise
    if run.unrecorded is not None:
        journal.close()
        raise _not_recorded(run.unrecorded, journal.path, result) from run.unrecorded
    if journal.path is None or keep or len(result.failures):
        journal.close()
        result.journal = journal.path
    elif not journal.delete():
        result.journal = journal.path
    return result


def _not_recorded(why: NotRecordedError, path: Path | None, result: Result | None) -> WriteFailedError:
    """Return the error of a write that cannot be recorded any more: what is kept, and how it goes on."""
    place = "in memory" if path is None else str(path)
    kept = ""
    if result is not None:
        done = len(result.rows) - len(result.failures)
        kept = f" {done:,} of {len(result.rows):,} rows are recorded as done."
    way = (
        "" if path is None else f" Free some space on the disk, then client.resume({str(path)!r}) continues."
    )
    return WriteFailedError(
        f"The journal {place} cannot be written any more ({why}), so the write stopped.{kept}{way}",
        None if result is None else result.failures,
    )


def _carried_out(run: Run) -> str | None:
    """Do all that is left, and say what ended it early: rows that were sent must not be lost over an error."""
    try:
        run.carry_out()
    except KlaviyoError as error:
        return str(error)
    return run.stopped
