"""Pickers as widgets: what stands in their rows, and what a click does."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import ipywidgets
import pandas as pd
import pytest

import klaviyo_analytics as ka
from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.errors import AmbiguousMatchError, InvalidInputError, NoMatchError
from klaviyo_analytics.sandbox import Sandbox
from klaviyo_analytics.widgets import (
    CampaignPicker,
    ChoiceState,
    DimensionPicker,
    FlowPicker,
    ListPicker,
    MetricPicker,
    Option,
    SegmentPicker,
)
from klaviyo_analytics.widgets.choice_view import ChoiceView
from tests.widgets import accounts

pytestmark = pytest.mark.usefixtures("no_widget_left")


def rows(view: ChoiceView) -> list[str]:
    """What is to be seen, line by line."""
    return [label for label, _ in view._list.options]


def press_enter(view: ChoiceView) -> None:
    """Do what the front end does when Enter is pressed in the search box."""
    view._search._handle_custom_msg({"event": "submit"}, [])


def test_often_used_metrics_come_first_then_those_of_each_integration(client: KlaviyoClient) -> None:
    picker = MetricPicker(client)
    orders = ["Placed Order (API)", "Placed Order (Point of Sale)", "Placed Order (Shopify)"]
    assert rows(picker)[:3] == orders
    assert len(rows(picker)) == len(client.metrics.known())  # all of them, without pages
    usual = [option for option in picker.state.options if option.often]
    others = [option.group for option in picker.state.options if not option.often]
    assert rows(picker)[: len(usual)] == [option.label for option in usual]
    assert others == sorted(others, key=lambda group: group.casefold() or "~")  # without one, last
    picker.state.group = "Shopify"
    picker.state.search = "checkout started"
    assert rows(picker) == ["Checkout Started (Shopify)"]
    assert "1 of " in picker._place.value
    picker.close()


def test_enter_takes_the_only_match_and_goes_on(client: KlaviyoClient) -> None:
    picker, pressed = MetricPicker(client), []
    picker.on_enter = lambda: pressed.append(list(picker.value))
    picker._search.value = "placed"  # two of them
    press_enter(picker)
    picker._search.value = "opened email"
    press_enter(picker)
    press_enter(picker)  # what is chosen stays chosen
    assert pressed == [[], ["Opened Email"], ["Opened Email"]]
    picker.close()


ORDERS = [("Placed Order", "Shopify"), ("Placed Order", "Point of Sale")]


def test_a_name_that_two_metrics_have_is_refused_as_the_client_refuses_it(client: KlaviyoClient) -> None:
    picker = MetricPicker(client)
    picker.choose("Opened Email")
    with pytest.raises(AmbiguousMatchError) as refused:
        picker.choose("Placed Order")
    ids = [client.metrics.find(name=name, integration=integration)["id"] for name, integration in ORDERS]
    for said in ("Shopify", "Point of Sale", *ids):
        assert said in str(refused.value)
    assert picker.value == ["Opened Email"]
    picker.close()


def test_a_metric_is_named_by_pair_id_label_or_row_as_for_a_query(client: KlaviyoClient) -> None:
    picker = MetricPicker(client)
    row = client.metrics.find(name="Placed Order", integration="Shopify")
    named: list[Any] = [ORDERS[0], str(row["id"]), "Placed Order (Shopify)", "placed order (shopify)", row]
    for wanted in named:
        picker.choose()
        assert picker.value == []
        picker.choose(wanted)
        assert picker.value == [ORDERS[0]]
    picker.choose("opened email", *ORDERS)
    assert picker.value == ["Opened Email", *ORDERS]
    with pytest.raises(NoMatchError, match=r"integration 'Etsy'; there is .*Shopify"):
        picker.choose(("Placed Order", "Etsy"))
    with pytest.raises(NoMatchError, match="Did you mean 'Opened Email'"):
        picker.choose("Opened Emial")
    nameless: list[Any] = ["", 7, pd.Series({"name": "Opened Email"})]
    for wanted in nameless:
        with pytest.raises(InvalidInputError, match="give a name, an id"):
            picker.choose(wanted)
    picker.close()


@pytest.mark.parametrize(
    "picker_class",
    [MetricPicker, ListPicker, SegmentPicker, CampaignPicker, FlowPicker],
    ids=lambda c: c.__name__,
)
@pytest.mark.parametrize("nothing", [None, float("nan"), (None, None), ""])
def test_nothing_is_never_taken_for_something(
    picker_class: type[MetricPicker], nothing: Any, client: KlaviyoClient
) -> None:
    picker = picker_class(client)
    picker.choose_first()
    before = picker.value
    with pytest.raises(InvalidInputError, match=f"{picker._resource}=.*: give a name, an id"):
        picker.choose(nothing)
    assert picker.value == before
    picker.choose()
    assert picker.value == []
    picker.close()


def test_what_cannot_be_told_apart_by_group_is_named_with_its_day_and_id() -> None:
    options = [
        Option("1", "Sale", "email", when="2026-05-01"),
        Option("2", "Sale", "email", when="2026-06-01"),
    ]
    view = ChoiceView(ChoiceState(options), title="Campaigns", resource="campaign", grouped="Channel")
    with pytest.raises(
        AmbiguousMatchError, match=r"email, 2026-05-01 \(1\); .*2026-06-01 \(2\)\. Give the id\."
    ):
        view.choose("Sale")
    view.choose("Sale · 2026-06-01")
    assert view.state.selected == ("2",)
    assert rows(view) == ["Sale · 2026-05-01 (email)", "Sale · 2026-06-01 (email)"]
    view.close()


def test_a_chip_says_the_integration_where_the_name_alone_could_be_another(client: KlaviyoClient) -> None:
    picker = MetricPicker(client)
    picker.choose("Opened Email", ORDERS[0])
    assert [chip.description for chip in picker._chip_pool] == ["Opened Email ×", "Placed Order (Shopify) ×"]
    picker.close()


def test_where_one_may_be_chosen_another_click_is_another_choice() -> None:
    options = [Option(str(n), "Metric", f"Integration {n}") for n in range(9)]
    view = ChoiceView(ChoiceState(options, multiple=False), title="Things", resource="thing")
    assert isinstance(view._list, ipywidgets.Select)
    view._list.value = "1"
    view._list.value = "4"
    assert view.state.values == ["4"]
    view._chip_pool[0].click()
    assert view.state.values == []
    assert view._list.value is None
    view.close()


def test_what_a_search_hides_stays_chosen() -> None:
    state = ChoiceState([Option(str(n), f"Metric {n}", "AB"[n % 2]) for n in range(30)])
    view = ChoiceView(state, title="Things", resource="thing", sections=True)
    view._list.value = ("3", "5")
    view._search.value = "metric 7"
    assert view._list.value == ()
    view._list.value = ("7",)
    assert state.selected == ("3", "5", "7")
    view._search.value = ""
    assert set(view._list.value) == {"3", "5", "7"}
    view._list.value = ("5",)  # a plain click chooses one of all that are to be seen
    assert state.selected == ("5",)
    view.close()


def test_every_option_can_be_chosen_from_the_list() -> None:
    state = ChoiceState([Option(str(n), f"Metric {n}", "AB"[n % 2]) for n in range(500)])
    view = ChoiceView(state, title="Things", resource="thing", sections=True)
    view._list.value = tuple(id for _, id in view._list.options)
    assert set(state.selected) == {str(n) for n in range(500)}
    view.close()


def test_a_few_options_take_no_room_for_many_and_nothing_moves_while_somebody_types() -> None:
    view = ChoiceView(ChoiceState([Option(n, n) for n in "abc"]), title="Things", resource="thing")
    assert view._list.rows == 3
    view.state.search = "a"
    assert (view._list.rows, rows(view)) == (3, ["a"])
    view.close()


def test_a_key_among_five_hundred_metrics_is_answered_before_the_next(client: KlaviyoClient) -> None:
    with Sandbox(account=accounts.with_many_metrics()) as sandbox:
        other = ka.connect(api_key=sandbox.api_key, base_url=sandbox.direct_url, progress=False)
        picker = MetricPicker(other)
        began = time.process_time()
        for end in range(1, 17):
            picker._search.value = "custom event 499"[:end]
        assert (time.process_time() - began) / 16 < 0.2
        assert rows(picker) == ["Custom event 499 (Integration 4)"]
        picker.close()
        other.close()


def test_a_box_for_each_dimension_and_one_for_the_next() -> None:
    picker = DimensionPicker()
    first = picker._boxes[0]
    first.value = "$attributed_channel"
    second = picker._boxes[1]
    assert second.layout.display is None
    assert "$attributed_channel" not in dict(second.options).values()  # once is enough
    second.value = "Inbox Provider"
    assert picker.value == ["$attributed_channel", "Inbox Provider"]
    first.value = ""
    assert picker.value == ["Inbox Provider"]
    assert first.value == "Inbox Provider"
    picker.close()


def test_where_one_dimension_may_be_chosen_there_is_one_box() -> None:
    picker = DimensionPicker(ChoiceState([Option("a", "A"), Option("b", "B")], multiple=False))
    for id in ("a", "b"):
        picker._boxes[0].value = id
    assert picker.value == ["b"]
    assert len(picker._boxes) == 1
    picker.close()


def test_a_page_without_widgets_says_what_is_chosen(client: KlaviyoClient) -> None:
    picker = MetricPicker(client)
    assert repr(picker) == "<MetricPicker>"
    picker.choose(("Placed Order", "Shopify"), "Opened Email", "Clicked Email", "Received Email")
    assert repr(picker) == "<MetricPicker: Placed Order (Shopify), Opened Email, Clicked Email, 1 more>"
    days = ka.widgets.DateRangePicker(client)
    days.state.preset = "last month"
    assert repr(days) == f"<DateRangePicker: {days.timeframe}>"
    days.state.last_day = days.state.first_day - timedelta(days=1)
    assert repr(days) == f"<DateRangePicker: {days.state.problem}>"
    picker.close()
    days.close()
