"""Names of any length and in any script."""

from __future__ import annotations

import matplotlib.pyplot as plt
from hypothesis import given, settings
from hypothesis import strategies as st

from klaviyo_analytics.plots._text import clip, legible, printable, put_names
from tests.plots.looks import draw


def test_a_short_name_is_left_alone() -> None:
    assert clip("Spring sale", 11) == "Spring sale"


def test_a_long_name_is_cut_at_its_end() -> None:
    assert clip("Newsletter March, segment A", 18) == "Newsletter March,…"


def test_wide_characters_count_twice() -> None:
    assert clip("春のセール", 10) == "春のセール"
    assert clip("春のセール", 8) == "春のセ…"


def test_line_breaks_in_a_name_become_spaces() -> None:
    assert clip("two\nlines\there", 40) == "two lines here"


@given(
    st.text(alphabet=st.characters(max_codepoint=126), max_size=60), st.integers(min_value=4, max_value=40)
)
def test_a_clipped_name_is_never_longer_than_asked(name: str, width: int) -> None:
    assert len(clip(name, width)) <= width


def test_pictures_are_left_out_and_letters_without_a_glyph_become_boxes() -> None:
    latin = frozenset(range(32, 127))
    assert printable("Sale 🎉 now", latin) == "Sale now"
    assert printable("春 sale", latin) == "▯ sale"
    assert printable("🎉", latin) == "▯"
    assert printable("family 👩‍👧", latin) == "family"


def test_dollar_signs_are_no_formula() -> None:
    _, ax = plt.subplots()
    text = ax.set_title("Save $5 or $10_off^now")
    put_names([text])
    draw(ax)
    assert text.get_text() == "Save $5 or $10_off^now"
    assert not text.get_parse_math()


@settings(max_examples=30, deadline=None)
@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=12))
def test_what_is_legible_can_be_drawn_without_a_warning(name: str) -> None:
    _, ax = plt.subplots(figsize=(1, 1))
    try:
        put_names([ax.text(0, 0, legible(name))])
        draw(ax)
    finally:
        plt.close()
