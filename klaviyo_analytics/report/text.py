"""A report as Markdown, and as a folder of tables and pictures."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pandas as pd

from klaviyo_analytics._safe_text import neutralised, replace_file
from klaviyo_analytics.report.document import Figure, Heading, MetricCards, Report, Table, Text
from klaviyo_analytics.report.formats import Formatter, is_number, kind_of, label_of

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|!~])")


def markdown(report: Report) -> str:
    """Return the report as Markdown, with every text of the account escaped."""
    write = Formatter(report.branding.language)
    lines = [f"# {_escaped(report.title)}", ""]
    if report.subtitle:
        lines += [_escaped(report.subtitle), ""]
    for part in report.sections:
        if isinstance(part, Heading):
            lines += [f"## {_escaped(part.title)}", ""]
            continue
        if title := getattr(part, "title", ""):
            lines += [f"### {_escaped(title)}", ""]
        if isinstance(part, Text):
            mark = "- " if part.items else ""
            for line in part.lines:
                lines += [mark + _escaped(line)] if part.items else [_escaped(line), ""]
            lines += [""] if part.items else []
        elif isinstance(part, Table):
            lines += [*_table(part, write), ""]
        elif isinstance(part, Figure) and part.data is not None:
            lines += [*_table(part.data, write), ""]
        elif isinstance(part, MetricCards):
            lines += [*_cards(part, write), ""]
    if report.failures:
        lines += ["## Sections that could not be made", ""]
        lines += [
            f"- {_escaped(name)}: {_escaped(reason)}" for name, reason in sorted(report.failures.items())
        ]
        lines += [""]
    if report.branding.footer:
        lines += [_escaped(report.branding.footer), ""]
    return "\n".join(lines)


def folder(report: Report, path: Path) -> list[Path]:
    """Write the files of `Report.to_folder`; nothing is written if one of them exists."""
    path.mkdir(parents=True, exist_ok=True)
    planned: dict[Path, Table | Figure | None] = {path / "report.md": None}
    with_parquet = find_spec("pyarrow") is not None
    for number, part in enumerate(
        (part for part in report.sections if isinstance(part, Table | Figure)), start=1
    ):
        stem = f"{number:02d}-{_stem(part.title)}"
        if isinstance(part, Figure):
            planned[path / f"{stem}.svg"] = part
            planned[path / f"{stem}.png"] = part
        table = part.data if isinstance(part, Figure) else part
        if table is not None:
            planned[path / f"{stem}.csv"] = table
            if with_parquet:
                planned[path / f"{stem}.parquet"] = table
    if there := [file.name for file in planned if file.exists()]:
        raise FileExistsError(
            f"{path} already holds {', '.join(there[:3])}. Choose an empty folder, or remove these files first."
        )
    for file, what in planned.items():
        if what is None:
            content: str | bytes = markdown(report)
        elif isinstance(what, Table):
            content = _table_file(what.frame, file.suffix)
        else:
            content = what.svg if file.suffix == ".svg" else what.png
        replace_file(file, content, private=report.private)
    return list(planned)


def _table_file(frame: pd.DataFrame, suffix: str) -> str | bytes:
    return neutralised(frame).to_csv(index=False) if suffix == ".csv" else frame.to_parquet(None, index=False)


def _escaped(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", " ".join(str(text).split()))


def _table(table: Table, write: Formatter) -> Iterator[str]:
    names = [str(name) for name in table.frame.columns]
    yield "| " + " | ".join(_escaped(label_of(table, name)) for name in names) + " |"
    yield "|" + "|".join("---:" if is_number(kind_of(table, name)) else ":---" for name in names) + "|"
    for row in zip(*(write.column(table, name) for name in names), strict=True):
        yield "| " + " | ".join(map(_escaped, row)) + " |"
    if table.note:
        yield ""
        yield _escaped(table.note)


def _cards(part: MetricCards, write: Formatter) -> Iterator[str]:
    yield "| number | value | change | threshold | possible action |"
    yield "|:---|---:|---:|:---|:---|"
    for card in part.cards:
        change = "" if card.change is None or pd.isna(card.change) else write.change(card.change)
        cells = [card.label, write.card(card), change, card.threshold, card.action]
        yield "| " + " | ".join(map(_escaped, cells)) + " |"


def _stem(title: str) -> str:
    """Return a title as part of a file name on every system."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:60] or "part"
