"""Where results go: tables for people, CSV and JSON for programs; messages and progress on standard error."""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
from collections.abc import Sequence
from typing import Any

import pandas as pd

from klaviyo_analytics._safe_text import printable, printable_frame

WIDE = 12  # columns of a table at most; the others are counted below it
LONG = 60  # rows


def show(frame: pd.DataFrame, options: argparse.Namespace) -> None:
    """Print a frame: a table on a terminal, CSV in a pipe, or what the options say.

    A pipe gets every value as it is. On a terminal, control characters are escaped in every form.
    """
    unicode = (getattr(sys.stdout, "encoding", None) or "utf-8").lower().startswith("utf")
    if options.json:
        for record in frame.to_dict("records"):
            _write(
                json.dumps({str(k): _plain(v) for k, v in record.items()}, ensure_ascii=not unicode) + "\n"
            )
    elif options.csv or not (options.table or sys.stdout.isatty()):
        text = io.StringIO()
        frame.map(_cell).to_csv(text, index=False, lineterminator="\n")
        if not unicode and not sys.stdout.isatty():  # a value is refused rather than changed
            text.getvalue().encode(sys.stdout.encoding)
        _write(text.getvalue())
    else:
        head, *lines = table(frame).split("\n")
        sys.stdout.write("\n".join([styled(head, BOLD), *lines]) + "\n")


BOLD, DIM = "1", "2"


def styled(text: str, style: str) -> str:
    """Return text in bold or dim letters where the terminal shows them; NO_COLOR and TERM=dumb turn them off."""
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM", "dumb") == "dumb"
    return text if plain or not sys.stdout.isatty() else f"\x1b[{style}m{text}\x1b[0m"


def _write(text: str) -> None:
    sys.stdout.write(printable(text) if sys.stdout.isatty() else text)


def table(frame: pd.DataFrame) -> str:
    """Return a frame as text for a terminal; what is left out is counted."""
    shown = frame.iloc[:LONG, :WIDE]
    cells = printable_frame(shown.astype("object").where(shown.notna(), ""))
    for place, name in enumerate(cells.columns):
        texts = [str(cell) for cell in cells.iloc[:, place]]
        if not _figures(texts):  # words are aligned to the left, numbers to the right
            width = max([len(str(name)), *map(len, texts)])
            cells.isetitem(place, [text.ljust(width) for text in texts])
    text = cells.to_string(index=False, justify="left")
    more = [
        f"{len(frame) - LONG:,} more rows" if len(frame) > LONG else "",
        f"{frame.shape[1] - WIDE} more columns" if frame.shape[1] > WIDE else "",
    ]
    left = " and ".join(filter(None, more))
    return f"{text}\n({left}; --csv or --json shows all)" if left else text


def say(text: str, style: str = "") -> None:
    """Print a message on standard output."""
    shown = printable(text)
    sys.stdout.write((styled(shown, style) if style else shown) + "\n")


def note(text: str) -> None:
    """Print a message on standard error, beside a result that may go into a pipe."""
    sys.stderr.write(printable(text) + "\n")


def _figures(texts: Sequence[str]) -> bool:
    """Return whether every cell is empty or a number, such as '1,017.00'."""
    return all(text.replace(",", "").replace(".", "").lstrip("-").isdecimal() for text in texts if text)


def _plain(value: Any) -> Any:
    """Return a value that JSON holds: missing is null, a time is ISO 8601."""
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return {str(name): _plain(one) for name, one in value.items()}
    if pd.isna(value):
        return None
    if isinstance(value, pd.Timestamp):
        return value.isoformat()
    return value.item() if hasattr(value, "item") else value


def _cell(value: Any) -> Any:
    return json.dumps(_plain(value), ensure_ascii=False) if isinstance(value, (list, dict)) else value
