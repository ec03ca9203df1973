"""What is taken out before anything is shown."""

from __future__ import annotations

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from klaviyo_analytics.widgets.private_page import masked, without_people, without_person, without_values
from klaviyo_analytics.widgets.tables import table


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("ada@example.org", "…"),
        ("https://shop.example/?email=ada%40example.org&x=1", "https://shop.example/?email=…&x=1"),
        ("call +1 (555) 010-0199 now", "call … now"),
        ("Summer Sale · 2026-06-30", "Summer Sale · 2026-06-30"),
        ("gmail.com", "gmail.com"),
        ("1+1 = 2", "1+1 = 2"),
    ],
)
def test_addresses_and_numbers_of_people_are_left_out_and_nothing_else(text: str, shown: str) -> None:
    assert without_person(text) == shown


def test_values_that_are_shown_alike_stay_apart_and_the_frame_is_not_touched() -> None:
    frame = pd.DataFrame(
        {"url": pd.array(["a?e=x@y.org", "a?e=z@y.org", None, "b"], dtype="string"), "n": range(4)}
    )
    before = frame.copy()
    shown = without_people(frame)
    assert shown["url"].dropna().tolist() == ["a?e=…", "a?e=… (2)", "b"]
    assert_frame_equal(frame, before)
    clean = frame.loc[[3]]
    assert without_people(clean) is clean


@pytest.mark.parametrize(
    "message",
    [
        "email: 'ada@example.org' is no address",
        'first_name: "O\'Hara" is too long',
        "phone 5550100199 is taken by 01HQXYZABCDEFGHJKMNPQRSTVW",
        "ada@example.org is there already",
        "row key-77 is there already",
    ],
)
def test_what_is_said_of_a_row_holds_no_value_of_it(message: str) -> None:
    said = without_values(message, "key-77")
    values = ("ada", "O'Hara", "5550100199", "01HQXYZ", "key-77")
    assert not [value for value in values if value in said]
    assert "…" in said


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        ("a", "…"),
        ("bob", "…"),
        ("01HQXYZABC", "01…"),
        ("ada@example.org", "a… at example.org"),
        ("ada.lovelace@example.org", "a…l… at example.org"),
        ("a.b@example.org", "… at example.org"),
        ("@example.org", "@e…"),
        ("+1 (555) 010-0199", "…99"),
        (None, ""),
    ],
)
def test_a_shortened_key_names_nobody(key: str | None, shown: str) -> None:
    assert masked(key) == shown


def test_a_table_names_nobody() -> None:
    frame = pd.DataFrame({"tags": [["ada@example.org"]], "who": ["+1 555 010 0199"]})
    assert "ada@" not in table(frame)
    assert "0199" not in table(frame)
