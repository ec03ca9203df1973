"""Texts from outside, made safe to print in a terminal."""

from __future__ import annotations

import unicodedata
from typing import Any

import pandas as pd

LONGEST = 60  # characters of a name in a table
_HARMLESS = "\n"


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
        each in _HARMLESS
        or unicodedata.category(each) not in ("Cc", "Cf", "Cs", "Zl", "Zp")
        or each == "\u200d"
    )


def _escape(each: str) -> str:
    code = ord(each)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
