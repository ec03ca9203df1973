"""What a widget shows is saved with the notebook, and read by whoever opens it: so nobody is named in it."""

from __future__ import annotations

import re
from typing import Any

import pandas as pd

HIDDEN = "…"
_ADDRESS = r"[\w.+-]+(?:@|%40)[\w.-]+"
_PERSON = re.compile(rf"{_ADDRESS}|(?<![\w+])(?:\+|%2B)\d[\d .()-]{{5,}}\d")
# In what is said about a row, anything may be a value of it: what is quoted, long numbers, ids of profiles.
_VALUE = re.compile(
    rf"'[^']*'|\"[^\"]*\"|\S+@\S+|\+?\d[\d .()-]{{5,}}\d|\b[0-9A-HJKMNP-TV-Z]{{26}}\b|{_ADDRESS}"
)


def without_person(text: str) -> str:
    """Take out e-mail addresses and telephone numbers."""
    return _PERSON.sub(HIDDEN, text)


def without_people(frame: pd.DataFrame) -> pd.DataFrame:
    """Give the frame to be shown: without addresses and numbers of people, different values still different."""
    changed = {}
    for name in frame.columns:
        if isinstance(frame[name].dtype, pd.StringDtype):
            names = _hidden([str(value) for value in frame[name].dropna().unique()])
            if names:
                changed[name] = frame[name].replace(names)
    return frame.assign(**changed) if changed else frame


def without_values(message: Any, key: Any = None) -> Any:
    """Take whatever may be a row's value out of what is said about it."""
    if pd.isna(message):
        return message
    said = str(message)
    if not pd.isna(key) and str(key).strip():
        said = said.replace(str(key), HIDDEN)
    return _VALUE.sub(HIDDEN, said)


def masked(key: Any) -> str:
    """Shorten a key so that it tells rows apart and nobody who they are."""
    if pd.isna(key):
        return ""
    said = str(key)
    return said[: min(2, len(said) // 4)] + HIDDEN


def _hidden(values: list[str]) -> dict[str, str]:
    names: dict[str, str] = {}
    for value in values:
        shown = without_person(value)
        if shown != value:
            same = sum(other.startswith(shown) for other in names.values())
            names[value] = f"{shown} ({same + 1})" if same else shown
    return names
