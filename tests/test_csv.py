"""CSV files for spreadsheets: nothing in them runs, everything can be had back, and only the owner can read them."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from klaviyo_analytics._safe_text import create_private, neutralised, restored, write_csv

FORMULAS = [
    "=1+1",
    "+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    " =1",
    "＝1+1",
    "'=1",
    "''+x",
    "+",
    "-",
    "\n@a",
]
HARMLESS = [
    "+15551234567",
    "-5",
    "-5.25",
    "+3",
    "1e5",
    "-1.5e-3",
    "Ann",
    "'Ann",
    "a=b",
    "",
    "2026-01-01",
    "ann@x.org",
]


@pytest.mark.parametrize("text", FORMULAS)
def test_a_text_that_a_spreadsheet_would_run_gets_an_apostrophe(text: str) -> None:
    frame = neutralised(pd.DataFrame({"name": [text], text: ["x"]}))
    assert frame["name"].tolist() == [f"'{text}"]
    assert frame.columns.tolist() == ["name", f"'{text}"]


@pytest.mark.parametrize("text", HARMLESS)
def test_numbers_phone_numbers_and_plain_texts_stay_as_they_are(text: str) -> None:
    assert neutralised(pd.DataFrame({"name": [text]}))["name"].tolist() == [text]


@pytest.mark.parametrize("dtype", ["object", "string", "category"])
def test_every_kind_of_text_column_is_seen_and_nulls_stay(dtype: str) -> None:
    frame = pd.DataFrame({"a": pd.Series(["=1", None, "b"], dtype=dtype), "n": [-1, 2, 3]})
    shown = neutralised(frame)
    assert shown["a"].iloc[0] == "'=1"
    assert shown["a"].isna().tolist() == [False, True, False]
    assert shown["n"].tolist() == [-1, 2, 3]
    assert frame["a"].iloc[0] == "=1"


@given(
    st.lists(
        st.text(st.sampled_from("'=+-@\t\r\n 19a.e\ufeff＝"), max_size=8) | st.text(max_size=8), min_size=1
    )
)
def test_it_can_be_taken_back(texts: list[str]) -> None:
    frame = pd.DataFrame({"a": pd.Series(texts, dtype=object)})
    assert restored(neutralised(frame))["a"].tolist() == texts


@pytest.mark.skipif(os.name == "nt", reason="Windows has no modes")
def test_a_file_with_people_is_its_owners_and_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    write_csv(pd.DataFrame({"email": ["ann@example.com"], "name": ["=HYPERLINK(1)"]}), path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text(encoding="utf-8") == "email,name\nann@example.com,'=HYPERLINK(1)\n"
    with pytest.raises(FileExistsError):
        create_private(path)
