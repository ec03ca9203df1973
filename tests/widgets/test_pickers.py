"""Pickers as widgets: what stands in their rows, and what a click does."""

from __future__ import annotations

import time

import pytest

import klaviyo_analytics as ka
from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.sandbox import Sandbox
from klaviyo_analytics.widgets import ChoiceState, DimensionPicker, MetricPicker, Option
from klaviyo_analytics.widgets._choice_view import ChoiceView
from tests.widgets import accounts

pytestmark = pytest.mark.usefixtures("no_widget_left")


def rows(view: ChoiceView) -> list[str]:
    """What is to be seen, line by line; headings in brackets."""
    seen = []
    for row, box, side in zip(view._rows, view._boxes, view._sides, strict=True):
        if row.layout.visibility == "visible" and row.layout.display != "none":
            heading = 'role="heading"' in side.value
            seen.append(f"[{side.value.split('>')[1].split('<')[0]}]" if heading else box.description)
    return seen


def test_metrics_stand_under_their_integrations_and_often_used_ones_first(client: KlaviyoClient) -> None:
    picker = MetricPicker(client)
    assert rows(picker)[:3] == ["[Often used]", "Placed Order", "Placed Order"]
    assert "Point of Sale" in picker._sides[1].value  # under this heading, they still say whose they are
    picker._on.click()
    assert rows(picker)[0].startswith("[")
    picker.state.group = "Shopify"
    picker.state.search = "started checkout"
    assert rows(picker) == ["[Often used]", "Started Checkout"]
    picker.close()


def test_a_tick_chooses_what_stands_in_the_row_on_every_page() -> None:
    state = ChoiceState([Option(str(n), f"Metric {n}", "AB"[n % 2]) for n in range(30)])
    view = ChoiceView(state, title="Things", noun="thing", headings=True)
    chosen = []
    while True:
        for place, box in enumerate(view._boxes):
            if view._rows[place].layout.visibility == "visible" and box.layout.display is None:
                box.value = True
                chosen.append(box.description)
        if view._on.disabled:
            break
        view._on.click()
    assert [option.name for option in state.chosen] == chosen
    assert len(chosen) == 30
    view.close()


def test_a_few_options_take_no_room_for_many() -> None:
    view = ChoiceView(ChoiceState([Option("a", "A"), Option("b", "B")]), title="Things", noun="thing")
    assert [row.layout.display for row in view._rows] == [None, None, "none", "none", "none", "none"]
    view.state.search = "a"
    assert [row.layout.visibility for row in view._rows][:2] == ["visible", "hidden"]  # nothing moves
    view.close()


def test_a_key_among_five_hundred_metrics_is_answered_before_the_next(client: KlaviyoClient) -> None:
    with Sandbox(account=accounts.with_many_metrics()) as sandbox:
        other = ka.connect(api_key=sandbox.api_key, base_url=sandbox.direct_url, progress=False)
        picker = MetricPicker(other)
        began = time.process_time()
        for end in range(1, 17):
            picker._search.value = "custom event 499"[:end]
        assert (time.process_time() - began) / 16 < 0.2
        assert rows(picker) == ["[Integration 4]", "Custom event 499"]
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
