"""What a check found: questions, answers, and how to mend what is wrong."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from klaviyo_analytics.errors import KlaviyoError

State = Literal["ok", "problem", "unknown"]
MARKS: dict[State, str] = {"ok": "ok     ", "problem": "PROBLEM", "unknown": "?      "}
SIGNS: dict[State, str] = {"ok": "✓", "problem": "✗", "unknown": "?"}
LEFT = "style='text-align:left'"


@dataclass(frozen=True, slots=True)
class Finding:
    """One question, its answer, and how to mend it."""

    question: str
    status: State
    found: str
    mend: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """What `client.check()` found.

    Attributes
    ----------
    findings : tuple of Finding
        One for each question: question, status ("ok", "problem" or "unknown"), found, mend.
    ok : bool
        Whether there is no problem.
    frame : pandas.DataFrame
        The findings as rows.
    """

    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Whether there is no problem."""
        return all(finding.status != "problem" for finding in self.findings)

    @property
    def frame(self) -> pd.DataFrame:
        """The findings as rows."""
        columns = ("question", "status", "found", "mend")
        rows = [[getattr(finding, name) for name in columns] for finding in self.findings]
        return pd.DataFrame(rows, columns=list(columns), dtype="string")

    def __repr__(self) -> str:
        lines = []
        for finding in self.findings:
            lines.append(f"{MARKS[finding.status]} {finding.question} {finding.found}")
            if finding.mend:
                lines.append(f"        -> {finding.mend}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{SIGNS[finding.status]}</td><td {LEFT}>{html.escape(finding.question)}</td>"
            f"<td {LEFT}>{html.escape(finding.found)}</td>"
            f"<td {LEFT}>{html.escape(finding.mend)}</td></tr>"
            for finding in self.findings
        )
        names = ("Question", "Found", "How to mend it")
        head = f"<tr><th></th>{''.join(f'<th {LEFT}>{name}</th>' for name in names)}</tr>"
        return f"<table>{head}{rows}</table>"


def without_client(error: KlaviyoError) -> Report:
    """Report that no client could be made."""
    words, _, mend = str(error).partition(". ")
    return Report((Finding("Is there a key?", "problem", f"{words}.", mend),))
