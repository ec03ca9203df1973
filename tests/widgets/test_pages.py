"""A long list in pages, each group under its heading."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from klaviyo_analytics.widgets import ChoiceState, Option
from klaviyo_analytics.widgets.choice_view import options_of, pages
from klaviyo_analytics.widgets.choices import OFTEN, OTHERS

options = st.lists(
    st.tuples(st.sampled_from(["", "API", "Klaviyo", "Shopify"]), st.booleans()), max_size=40
).map(
    lambda facts: [
        Option(str(place), f"Metric {place}", group, often=often)
        for place, (group, often) in enumerate(facts)
    ]
)


def test_often_used_ones_come_first_then_the_groups_then_what_has_none() -> None:
    state = ChoiceState(
        [
            Option("a", "Placed Order", "Shopify", often=True),
            Option("b", "Loyalty"),
            Option("c", "Viewed", "Shopify"),
            Option("d", "Opened", "Klaviyo"),
        ]
    )
    shown = [(title, [option.id for option in some]) for title, some in state.sections]
    assert shown == [(OFTEN, ["a"]), ("Klaviyo", ["d"]), ("Shopify", ["c"]), (OTHERS, ["b"])]


def test_a_search_looks_at_names_and_headings() -> None:
    state = ChoiceState([Option("a", "Viewed", "Shopify"), Option("b", "Viewed", "Klaviyo")])
    state.search = "shop view"
    assert [title for title, _ in state.sections] == ["Shopify"]


def test_a_heading_is_said_again_on_the_next_page_and_never_stands_last() -> None:
    sections = [("A", [Option(str(n), "x") for n in range(3)]), ("B", [Option("b", "x")])]
    lines = [
        [line if isinstance(line, str) else line.id for line in page] for page in pages(sections, lines=3)
    ]
    assert lines == [["A", "0", "1"], ["A", "2"], ["B", "b"]]


@given(options, st.integers(2, 9))
def test_every_option_is_on_one_page_once_under_its_heading(options: list[Option], lines: int) -> None:
    state = ChoiceState(options)
    cut = pages(state.sections, lines=lines)
    found = [option for page in cut for option in options_of(page)]
    assert sorted(option.id for option in found) == sorted(option.id for option in options)
    for page in cut:
        assert len(page) <= lines
        assert isinstance(page[0], str)
        assert isinstance(page[-1], Option)
        heading = ""
        for line in page:
            if isinstance(line, str):
                heading = line
            else:
                assert heading == (OFTEN if line.often else line.group or OTHERS)


@given(options)
def test_without_titles_there_are_no_headings(options: list[Option]) -> None:
    assert [line for page in pages([("", options)], lines=6) for line in page] == options
