"""Files for people: readable by their owner only, and CSV without cells that a spreadsheet would run as formulas.

A text that begins with ``=``, ``+``, ``-``, ``@``, a tab or a carriage return is a formula for Excel, LibreOffice or
Google Sheets, and names and properties of profiles come from strangers. Such a cell gets an apostrophe in front,
which `restored` takes away again. Numbers and phone numbers in E.164 form stay as they are.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import tempfile
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

NOTE = "Cells that a spreadsheet would run as a formula begin with an apostrophe."
_FORMULA = re.compile(r"'*(?:[\s\ufeff]*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n])")
_HARMLESS = re.compile(r"\+[1-9][0-9]{6,14}|[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")


def neutralised(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a copy whose texts, column names included, are plain text for every spreadsheet.

    Examples
    --------
    >>> frame = pd.DataFrame({"name": ["=1+1", "Ann"], "phone": ["+15551234567", "-5"]})
    >>> neutralised(frame).to_dict("list")
    {'name': ["'=1+1", 'Ann'], 'phone': ['+15551234567', '-5']}
    """
    return _each_text(frame, lambda text: f"'{text}" if _runs(text) else text)


def restored(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a copy with the texts as they were before `neutralised`."""
    return _each_text(frame, lambda text: text[1:] if text.startswith("'") and _FORMULA.match(text) else text)


def write_csv(frame: pd.DataFrame, path: Path) -> None:
    """Write a frame for people: neutralised, in a new file that only its owner can read.

    Raises
    ------
    FileExistsError
        The file is there already.
    """
    with create_private(path) as file:
        neutralised(frame).to_csv(file, index=False)


def create_private(path: Path) -> io.TextIOWrapper:
    """Create a text file with mode 0600 and open it for writing; an existing one is never touched.

    Windows has no such modes. There a file inherits the access list of its folder, and in a user's own folder that is
    the user, administrators and the system.
    """
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    return os.fdopen(descriptor, "w", encoding="utf-8", newline="")


def replace_file(path: Path, content: str | bytes, *, private: bool) -> None:
    """Write a file of a report, and replace an existing one; a new `private` one is readable by its owner only."""
    held = content.encode() if isinstance(content, str) else content
    if not private:
        path.write_bytes(held)
        return
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mode 0600
    made = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(held)
        set_permissions(made, path)
        made.replace(path)
    except BaseException:
        made.unlink(missing_ok=True)
        raise


def set_permissions(made: Path, target: Path) -> None:
    """Make a new file readable by its owner only, and keep the permissions of one that is replaced."""
    with contextlib.suppress(OSError):
        made.chmod(target.stat().st_mode if target.exists() else 0o600)


def _runs(text: str) -> bool:
    return bool(_FORMULA.match(text)) and not _HARMLESS.fullmatch(text)


def _each_text(frame: pd.DataFrame, change: Callable[[str], str]) -> pd.DataFrame:
    def changed(value: Any) -> Any:
        return change(value) if isinstance(value, str) else value

    result = frame.copy(deep=False)
    for position, (_, column) in enumerate(frame.items()):
        kind = column.dtype
        if isinstance(kind, pd.CategoricalDtype):
            column, kind = column.astype(object), kind.categories.dtype  # noqa: PLW2901
        if pd.api.types.is_object_dtype(kind) or pd.api.types.is_string_dtype(kind):
            result.isetitem(position, column.map(changed, na_action="ignore").array)
    result.columns = pd.Index([changed(name) for name in frame.columns])
    return result


LONGEST = 60  # characters of a name in a table
_PRINTABLE = "\n"


def printable(text: str, *, longest: int | None = None) -> str:
    r"""Escape what a terminal would obey instead of showing, and shorten what is too long.

    Control characters could clear the screen or write elsewhere, and direction overrides make a text read as another
    one; both become escapes such as ``\x1b`` and ``\u202e``.

    Examples
    --------
    >>> print(printable("a\x1b[2Jb"))
    a\x1b[2Jb
    >>> printable("a long name", longest=6)
    'a lon…'
    """
    shown = "".join(each if _is_shown(each) else _escape(each) for each in text)
    if longest is not None and len(shown) > longest:
        shown = shown[: longest - 1] + "…"
    return shown


def printable_frame(frame: pd.DataFrame, *, longest: int = LONGEST) -> pd.DataFrame:
    """Return a copy of a frame with all its texts printable and on one line each."""

    def shown(value: Any) -> Any:
        return printable(value.replace("\n", "\\n"), longest=longest) if isinstance(value, str) else value

    result = frame.astype(object).map(shown)
    result.columns = pd.Index([shown(name) for name in frame.columns])
    return result


def _is_shown(each: str) -> bool:
    return (
        each in _PRINTABLE
        or unicodedata.category(each) not in ("Cc", "Cf", "Cs", "Zl", "Zp")
        or each == "\u200d"
    )


def _escape(each: str) -> str:
    code = ord(each)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
