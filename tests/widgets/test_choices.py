"""Choosing from a long list."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klaviyo_analytics.errors import InvalidInputError
from klaviyo_analytics.widgets import ChoiceState, Option
from klaviyo_analytics.widgets.choices import OFTEN, OTHERS

OPTIONS = [
    Option("a", "Placed Order", "Shopify", ("Placed Order", "Shopify")),
    Option("b", "Placed Order", "Point of Sale", ("Placed Order", "Point of Sale")),
    Option("c", "Opened Email", "Klaviyo", "Opened Email"),
    Option("d", "Loyalty"),
]


def test_every_word_of_the_search_has_to_be_there() -> None:
    state = ChoiceState(OPTIONS)
    state.search = "SALE order"
    assert [option.id for option in state.matches] == ["b"]


def test_a_group_narrows_and_groups_without_a_name_are_not_offered() -> None:
    state = ChoiceState(OPTIONS)
    assert state.groups == ("Klaviyo", "Point of Sale", "Shopify")
    state.group = "Klaviyo"
    assert [option.id for option in state.matches] == ["c"]


def test_several_are_kept_in_the_order_of_choosing_and_let_go_again() -> None:
    state = ChoiceState(OPTIONS)
    for id in ("c", "a", "d", "c"):
        state.toggle(id)
    assert state.values == [("Placed Order", "Shopify"), "d"]


def test_choosing_another_replaces_where_only_one_may_be_chosen() -> None:
    state = ChoiceState(OPTIONS, multiple=False)
    state.toggle("a")
    state.toggle("b")
    assert state.selected == ("b",)
    with pytest.raises(InvalidInputError, match="Only one"):
        state.selected = ("a", "b")


def test_an_unknown_option_is_refused_and_nothing_changes() -> None:
    state = ChoiceState(OPTIONS, selected=["a"])
    with pytest.raises(InvalidInputError, match="'x' is not one of the 4 options"):
        state.selected = ("x",)
    assert state.selected == ("a",)


def test_only_options_can_be_offered() -> None:
    state = ChoiceState(OPTIONS)
    with pytest.raises(InvalidInputError, match=r"'Placed Order' is not an Option; pass Option\(id, name\)"):
        state.options = ("Placed Order",)  # type: ignore[assignment]
    assert state.options == tuple(OPTIONS)


def test_new_options_keep_what_is_still_there_and_end_the_problem() -> None:
    state = ChoiceState(OPTIONS, selected=["a", "c"])
    state.problem = "no answer"
    state.offer(OPTIONS[1:])
    assert state.selected == ("c",)
    assert state.problem == ""


@given(st.lists(st.sampled_from("abcd")))
def test_clicking_twice_changes_nothing(ids: list[str]) -> None:
    state = ChoiceState(OPTIONS)
    for id in ids:
        state.toggle(id)
    odd = {id for id in ids if ids.count(id) % 2}
    assert set(state.selected) == odd
    assert len(state.selected) == len(odd)


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
