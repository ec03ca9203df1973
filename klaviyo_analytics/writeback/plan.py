"""A plan: what would be sent, checked, counted and shown before anything is sent."""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pandas as pd

from klaviyo_analytics import _safe_text
from klaviyo_analytics._html import table
from klaviyo_analytics._messages import counted, explained, spoken
from klaviyo_analytics.errors import FrameError, InvalidInputError
from klaviyo_analytics.writeback import journal
from klaviyo_analytics.writeback import journal as _journal
from klaviyo_analytics.writeback.account import Account, fingerprint
from klaviyo_analytics.writeback.checks import printable
from klaviyo_analytics.writeback.confirmations import confirmed
from klaviyo_analytics.writeback.journal import Payload
from klaviyo_analytics.writeback.result import Result, finish
from klaviyo_analytics.writeback.run import PATIENCE, checked_timeout, row_outcome, seconds_at_limits
from klaviyo_analytics.writeback.verification import verify as read_back
from klaviyo_analytics.writeback.write_types import WRITE_TYPES, Options, stored_options

NOT_SENT = {"not_agreed": "not agreed", "nothing_to_send": "with nothing to send"}


@dataclass(frozen=True, repr=False, eq=False)
class Plan:
    """A write that is ready to be sent, or the reasons why it is not; made by the `plan_*` methods.

    Look at `preview()`, `problems` and `summary()`, then `apply()`. Making a plan sends nothing.
    """

    action: str
    _account: Account
    _index: pd.Index[Any]
    _keys: Sequence[str]
    _records: Sequence[bytes | None]  # None: the row is not sent
    _batches: Sequence[tuple[str, Sequence[int]]]
    _options: Options
    _problems: Mapping[int, str] = field(default_factory=dict)
    _left_out: Mapping[int, tuple[str, str]] = field(default_factory=dict)  # status and reason
    _notes: Mapping[int, str] = field(default_factory=dict)  # worth knowing; keeps nobody from applying
    _confirm: Sequence[str] = ()
    _counts: Mapping[str, int] = field(default_factory=dict)  # what was found out about the rows
    _unused: Sequence[str] = ()  # columns that are not sent

    def preview(self) -> pd.DataFrame:
        """Show what would happen to every row.

        Returns
        -------
        pandas.DataFrame
            By the frame's index: row (the position), key, action, fields (what would be sent), problem, note.
        """
        actions = np.full(len(self._keys), "none", dtype=object)
        for kind, positions in self._batches:
            actions[np.asarray(positions)] = kind
        for position, (status, _) in self._left_out.items():
            actions[position] = status
        columns = {
            "key": list(self._keys),
            "action": list(actions),
            "fields": [_fields(record, kind) for record, kind in zip(self._records, actions, strict=True)],
            "problem": [self._problems.get(position) for position in range(len(self._keys))],
            "note": [self._note(position) for position in range(len(self._keys))],
        }
        frame = pd.DataFrame({name: pd.array(values, dtype="string") for name, values in columns.items()})
        frame.insert(0, "row", range(len(frame)))
        frame.index = self._index
        return frame

    @property
    def problems(self) -> pd.DataFrame:
        """The rows that cannot be sent, each with its reason: key, problem."""
        at = sorted(self._problems)
        columns = {"key": [self._keys[row] for row in at], "problem": [self._problems[row] for row in at]}
        frame = pd.DataFrame({name: pd.array(values, dtype="string") for name, values in columns.items()})
        frame.index = self._index[at]
        return frame

    @property
    def requests(self) -> int:
        """How many requests it takes."""
        return len(self._batches)

    def summary(self) -> pd.Series[Any]:
        """Count what would happen.

        Returns
        -------
        pandas.Series
            action, rows, to_send, problems, new and changed (of a plan with compare=True), not_agreed (rows whose
            consent column says no), nothing_to_send (rows that hold nothing but their key), unchanged, left_out (all
            rows that are not sent for other reasons), requests, bytes, seconds_at_limits (what the documented limits
            make it take at least), unused_columns (columns of the frame that are not sent), confirm (what
            must be confirmed with ``apply(confirm=True)``).
        """
        unchanged = sum(status == "unchanged" for status, _ in self._left_out.values())
        return pd.Series(
            {
                "action": self.action,
                "rows": len(self._keys),
                "to_send": sum(len(positions) for _, positions in self._batches),
                "problems": len(self._problems),
                **self._counts,
                "unchanged": unchanged,
                "left_out": len(self._left_out) - unchanged,
                "requests": self.requests,
                "bytes": sum(len(record) for record in self._records if record is not None),
                "seconds_at_limits": seconds_at_limits(self._account.api, self._counted()),
                "unused_columns": ", ".join(self._unused),
                "confirm": " ".join(self._confirm),
            },
            dtype=object,
        )

    @explained
    def apply(
        self,
        *,
        confirm: bool = False,
        skip_invalid: bool = False,
        journal: str | Path | bool | None = None,
        keep_journal: bool = False,
        verify: bool = False,
        timeout: float = PATIENCE,
    ) -> Result:
        """Send the rows, and return the outcome of each.

        Parameters
        ----------
        confirm : bool
            True confirms what reaches people or destroys data; `summary()` says what that is.
        skip_invalid : bool
            True sends the valid rows although others have problems, which are reported as not sent.
        journal : str, Path or bool, optional
            A new file that records every request before and after it is sent, so that ``client.resume`` can
            continue after a crash. By default in the user's data folder if there is more than one request; False
            for no journal. It holds the rows themselves, is readable by its owner only, and is deleted when all
            rows were written.
        keep_journal : bool
            True keeps the journal although all rows were written.
        verify : bool
            Read everything back, whatever was written. What is there was written, and an event says which properties
            Klaviyo dropped; what is not to be seen within two minutes, or differs, is "unconfirmed", and says how. It
            costs as many reads as writing took, or more.
        timeout : float
            Seconds to wait at most for each job that a request starts, 24 hours by default. Rows of a job that takes
            longer are "unconfirmed", and ``client.resume`` looks at it again.

        Returns
        -------
        Result
            One row for each row of the frame.

        Raises
        ------
        FrameError
            Rows have problems; nothing was sent.
        ConfirmationRequiredError
            `confirm` is not True; nothing was sent.
        InvalidInputError
            An option is invalid, or the journal file cannot be created. No request was sent.
        ConnectionFailedError
            The client is closed; nothing was sent.
        WriteFailedError
            The journal cannot be written any more, as on a full disk. The message says how many rows are recorded
            as done, and ``client.resume`` continues with the others.
        """
        timeout = checked_timeout(timeout)
        _check_flags(skip_invalid=skip_invalid, keep_journal=keep_journal, verify=verify)
        if self._problems and not skip_invalid:
            raise FrameError(_complaint(self.problems, len(self._keys)))
        confirmed(confirm, *self._confirm)
        path = None if isinstance(journal, bool) else journal
        begun = _journal.begin(
            self._account, self._facts(), self._payloads(), path, enabled=journal is not False
        )
        result = finish(begun, self._account, index=self._index, keep=keep_journal, timeout=timeout)
        if verify:
            try:
                read_back(self._account, result.rows, self._batches, self._keys, self._records, self._options)
            except KeyboardInterrupt as stop:
                stop.add_note("Everything was sent before; only reading it back was interrupted.")
                raise
        return result

    def _request(self, rows: str = "rows") -> tuple[str, Any]:
        """Return the operation and the body of a plan of one request, of which every row is sent.

        Raises
        ------
        FrameError
            Some rows cannot or must not be sent.
        """
        self._check_complete(rows)
        ((name, positions),) = self._batches
        records = [orjson.loads(self._records[at] or b"null") for at in positions]
        return WRITE_TYPES[name].operation, WRITE_TYPES[name].body(records, self._options)

    def _single_request(self) -> Any:
        """Return the body that writes the only row of a plan alone.

        Raises
        ------
        FrameError
            The row cannot be sent.
        """
        self._check_complete("rows")
        ((name, _),) = self._batches
        return WRITE_TYPES[name].single(orjson.loads(self._records[0] or b"null"))

    def _check_complete(self, rows: str) -> None:
        """Refuse a plan of a single call of which a row would be left out."""
        why = {**{at: reason for at, (_, reason) in self._left_out.items()}, **self._problems}
        if not why:
            return
        if rows == "rows" and len(self._keys) == 1:
            raise FrameError(_safe_text.printable(f"{self.action}: {why[0]}. Nothing was sent."))
        first = "; ".join(f"{self._keys[at] or f'row {at}'}: {why[at]}" for at in sorted(why)[:3])
        more = f"; and {len(why) - 3:,} more" if len(why) > 3 else ""
        raise FrameError(
            _safe_text.printable(
                f"{len(why):,} of {len(self._keys):,} {rows} cannot be sent, so nothing was: {first}{more}."
            )
        )

    def _facts(self) -> dict[str, Any]:
        left_out = {
            row: row_outcome("not sent", {"code": "invalid"}, why) for row, why in self._problems.items()
        }
        for row, (status, why) in self._left_out.items():
            left_out[row] = [status, None, why, None]
        return {
            "action": self.action,
            "account": fingerprint(self._account),
            "options": stored_options(self._options),
            "index": _journal.index_facts(self._index),
            "keys": list(self._keys),
            "left_out": {str(row): outcome for row, outcome in left_out.items()},
            "notes": {str(row): note for row, note in self._notes.items() if row not in left_out},
        }

    def _payloads(self) -> list[tuple[str, Payload]]:
        return [
            (kind, Payload(positions, [self._records[at] or b"" for at in positions]))
            for kind, positions in ((kind, [int(at) for at in group]) for kind, group in self._batches)
        ]

    def _counted(self) -> Counter[str]:
        return Counter(kind for kind, _ in self._batches)

    def _note(self, position: int) -> str | None:
        left_out = self._left_out.get(position)
        return left_out[1] if left_out else self._notes.get(position)

    def __repr__(self) -> str:
        return _safe_text.printable(f"<Plan: {self._sentence()}>")

    def _sentence(self) -> str:
        facts = self.summary()
        rows, requests = counted(facts["rows"], "row"), counted(facts["requests"], "request")
        parts = [f"{self.action}: {facts['to_send']:,} of {rows} in {requests}"]
        parts += [counted(facts["problems"], "problem")] if facts["problems"] else []
        parts += [f"{facts['unchanged']:,} unchanged"] if facts["unchanged"] else []
        parts += [
            f"{self._counts[name]:,} {words}" for name, words in NOT_SENT.items() if self._counts.get(name)
        ]
        seconds = facts["seconds_at_limits"]
        least = f"; at least {spoken(seconds)} at the documented limits" if seconds else ""
        return ", ".join(parts) + least

    def _repr_html_(self) -> str:
        lines = [html.escape(_safe_text.printable(self._sentence()))]
        lines += [
            f"<b>Needs confirm=True</b>: {html.escape(_safe_text.printable(why))}" for why in self._confirm
        ]
        if self._unused:
            shown = ", ".join(self._unused[:10]) + (", ..." if len(self._unused) > 10 else "")
            lines.append(f"Columns that are not sent: {html.escape(_safe_text.printable(shown))}")
        if self._problems:
            lines.append("<b>Nothing will be sent</b> until these rows are fixed, or with skip_invalid=True:")
            return "<br>".join(lines) + table(self.problems, most=10)
        return "<br>".join(lines) + table(self._first(5).preview())

    def _first(self, count: int) -> Plan:
        """Return the same plan for its first rows, for display."""
        batches = [(kind, [at for at in group if at < count]) for kind, group in self._batches]
        return Plan(
            self.action,
            self._account,
            self._index[:count],
            self._keys[:count],
            self._records[:count],
            [(kind, group) for kind, group in batches if group],
            self._options,
            _left_out={at: why for at, why in self._left_out.items() if at < count},
            _notes=self._notes,
        )


def _fields(record: bytes | None, kind: str) -> str | None:
    if record is None or kind not in WRITE_TYPES:
        return None
    sent = orjson.loads(record)
    patches = ((sent.get("meta") or {}).get("patch_properties") or {}).values()
    patched = (f"properties.{name}" for patch in patches for name in patch)
    return ", ".join([*_named(WRITE_TYPES[kind].shown(sent), ""), *patched])


def _named(attributes: Mapping[str, Any], before: str) -> Iterable[str]:
    for name, value in attributes.items():
        if isinstance(value, dict) and value and not before:
            yield from _named(value, f"{name}.")
        else:
            yield before + name


def _check_flags(**given: object) -> None:
    for name, flag in given.items():
        if not isinstance(flag, bool | np.bool_):
            raise InvalidInputError(f"{name}={flag!r}: pass True or False. Nothing was sent.")


def _complaint(problems: pd.DataFrame, rows: int) -> str:
    first = "; ".join(f"{row.key}: {row.problem}" for row in problems.head(3).itertuples())
    more = f"; and {len(problems) - 3:,} more" if len(problems) > 3 else ""
    return _safe_text.printable(
        f"{len(problems):,} of {rows:,} rows cannot be sent, so nothing was: {first}{more}. Fix the rows "
        "listed in plan.problems, or pass skip_invalid=True to send only the valid ones."
    )


def given_frame(rows: Sequence[Mapping[str, Any]]) -> tuple[pd.DataFrame, dict[str, list[int]]]:
    """Return the values of single writes as a frame.

    Parameters
    ----------
    rows : list of dict
        Values by attribute; a row need not have all of them.

    Returns
    -------
    pandas.DataFrame, dict
        A column of objects for each attribute, and the rows in which an attribute is null on purpose.
    """
    names = list(dict.fromkeys(name for row in rows for name in row))
    frame = pd.DataFrame(index=range(len(rows)))
    nulls: dict[str, list[int]] = {}
    columns = {}
    for name in names:
        values = np.empty(len(rows), dtype=object)
        for at, row in enumerate(rows):
            values[at] = row.get(name)
            if name in row and is_null(row[name]):
                nulls.setdefault(name, []).append(at)
        columns[name] = pd.Series(values, dtype=object)
    return frame.assign(**columns), nulls


def is_null(value: Any) -> bool:
    """Check whether a value is one of the ways to say null: None, NA, NaT or NaN."""
    return value is None or (pd.api.types.is_scalar(value) and bool(pd.isna(value)))


def drafted(
    action: str,
    account: Account,
    frame: pd.DataFrame,
    *,
    keys: Sequence[str],
    records: Sequence[bytes | None],
    kinds: Mapping[str, Iterable[int]],
    options: Options,
    problems: Mapping[int, str],
    left_out: Mapping[int, tuple[str, str]] | None = None,
    notes: Mapping[int, str] | None = None,
    confirm: Sequence[str] = (),
    counts: Mapping[str, int] | None = None,
    unused: Sequence[str] = (),
) -> Plan:
    """Return a plan: `records` is None for rows that are not sent, `kinds` assigns rows to write types."""
    batches: list[tuple[str, Sequence[int]]] = []
    for kind, positions in kinds.items():
        held = [(at, record) for at in positions if (record := records[at]) is not None]
        groups = journal.parts(kind, [at for at, _ in held], [record for _, record in held], options)
        batches += [(kind, group.tolist()) for group in groups]
    return Plan(
        action,
        account,
        frame.index,
        [printable(key) for key in keys],
        records,
        batches,
        options,
        problems,
        left_out or {},
        notes or {},
        confirm,
        counts or {},
        [*map(str, unused)],
    )
