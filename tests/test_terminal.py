"""Terminal output obeys nothing that came from outside."""

from __future__ import annotations

import unicodedata

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from klaviyo_analytics._safe_text import printable, printable_frame


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x1b[2Jb", "a\\x1b[2Jb"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("a\u2066b\u2069", "a\\u2066b\\u2069"),
        ("\x07\r\x9b", "\\x07\\x0d\\x9b"),
        ("\ud800", "\\ud800"),
        ("Zoë 👩\u200d🍳 東京", "Zoë 👩\u200d🍳 東京"),
        ("two\nlines", "two\nlines"),
    ],
)
def test_what_a_terminal_would_obey_is_escaped(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(st.text())
def test_nothing_that_controls_is_left(text: str) -> None:
    assert not any(
        unicodedata.category(each) in ("Cc", "Cf") and each not in "\n\u200d" for each in printable(text)
    )


def test_a_frame_keeps_its_lines_and_long_names_are_shortened() -> None:
    shown = printable_frame(pd.DataFrame({"na\x1bme": ["a" * 80, "b\nc", None], "n": [1, 2, 3]}))
    assert shown.columns.tolist() == ["na\\x1bme", "n"]
    assert shown["na\\x1bme"].tolist()[:2] == ["a" * 59 + "…", "b\\nc"]
    assert shown["n"].tolist() == [1, 2, 3]
