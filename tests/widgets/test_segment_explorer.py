"""The explorer of segments and lists."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import matplotlib.pyplot as plt
import pytest
from pandas.testing import assert_frame_equal

import klaviyo_analytics as ka
from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.errors import InvalidInputError
from klaviyo_analytics.sandbox import Sandbox
from klaviyo_analytics.widgets import Option, SegmentExplorer, SegmentExplorerState

pytestmark = pytest.mark.usefixtures("no_widget_left")


@pytest.fixture
def explorer(client: KlaviyoClient) -> Iterator[SegmentExplorer]:
    explorer = SegmentExplorer(client)
    yield explorer
    plt.close("all")
    explorer.close()


def remade(explorer: SegmentExplorer, client: KlaviyoClient) -> tuple[Any, Any]:
    """Run the code that is taken along; return its frame and its Axes."""
    made: dict[str, Any] = {"ka": ka, "client": client}
    lines, chart = explorer.state.code.rsplit("ka.plots", 1)
    exec(lines, made)
    return made["frame"], eval("ka.plots" + chart, made)


def test_sizes_are_those_of_the_chosen_segments_and_the_code_makes_the_same(
    explorer: SegmentExplorer, client: KlaviyoClient
) -> None:
    explorer.segments.choose("Repeat buyers", "United States")
    explorer.state.dates.preset = "last 30 days"
    frame = explorer.run()
    assert set(frame["segment"]) == {"Repeat buyers", "United States"}
    again, axes = remade(explorer, client)
    assert_frame_equal(frame, again)
    assert explorer.axes is not None
    assert [str(one.get_xydata()) for one in explorer.axes.lines] == [
        str(one.get_xydata()) for one in axes.lines
    ]
    asked, result = explorer.state.asked, explorer.state.result
    assert asked is not None
    assert result is not None
    sizes = frame.groupby("segment")["total_members"].last()
    assert {n.label: n.value for n in asked.key_numbers(result)} == {
        f"{name}: members": f"{size:,}" for name, size in sizes.items()
    }


def test_segments_and_lists_overlap_in_one_heatmap(explorer: SegmentExplorer, client: KlaviyoClient) -> None:
    explorer.state.chart = "overlap"
    explorer.segments.choose("Repeat buyers")
    explorer.lists.choose("Newsletter")
    frame = explorer.run().set_index(["group_a", "group_b"])
    ids = {
        "Repeat buyers": set(client.segments.profiles(explorer.segments.value[0])["id"]),
        "Newsletter": set(client.lists.profiles(explorer.lists.value[0])["id"]),
    }
    assert ids["Newsletter"]
    for a, b in (("Repeat buyers", "Newsletter"), ("Newsletter", "Repeat buyers")):
        assert frame.loc[(a, b), "both"] == len(ids[a] & ids[b])
        assert frame.loc[(a, b), "size_a"] == len(ids[a])
    again, _ = remade(explorer, client)
    assert_frame_equal(frame.reset_index(), again)


def test_nobody_is_named_in_what_an_overlap_shows(explorer: SegmentExplorer, client: KlaviyoClient) -> None:
    explorer.state.chart = "overlap"
    explorer.segments.choose("Repeat buyers", "United States")
    frame = explorer.run()
    people = set(client.segments.profiles(explorer.segments.value[0])["id"])
    assert people
    assert not people & set(frame.astype(str).to_numpy().ravel())


def test_what_is_missing_is_said_for_each_chart(explorer: SegmentExplorer) -> None:
    with pytest.raises(InvalidInputError, match="at least one segment"):
        explorer.run()
    explorer.segments.choose("Repeat buyers")
    assert explorer.state.problem == ""
    explorer.state.chart = "overlap"
    assert explorer.state.problem == "Choose at least two segments or lists."
    explorer.lists.choose("Newsletter")
    assert explorer.state.problem == ""
    with pytest.raises(InvalidInputError, match="chart='pie'"):
        explorer.state.chart = "pie"


def test_another_chart_is_another_question(explorer: SegmentExplorer, sandbox: Sandbox) -> None:
    explorer.segments.choose("Repeat buyers", "United States")
    explorer.run()
    before, axes = len(sandbox.requests), explorer.axes
    explorer.state.chart = "overlap"
    assert "chart" in explorer.state.stale
    assert explorer.axes is axes
    assert len(sandbox.requests) == before


def test_a_list_with_the_name_of_a_segment_stays_another_group() -> None:
    state = SegmentExplorerState("UTC")
    state.segments.offer([Option("s", "VIP")])
    state.lists.offer([Option("l", "VIP")])
    state.chart = "overlap"
    state.segments.toggle("s")
    state.lists.toggle("l")
    assert state.ask().labels == ("VIP", "VIP (list)")


@pytest.mark.parametrize(("chart", "most"), [("sizes", 12), ("overlap", 25)])
def test_more_than_can_be_read_is_refused(chart: str, most: int) -> None:
    state = SegmentExplorerState("UTC")
    state.chart = chart
    state.segments.offer([Option(str(n), f"Segment {n}") for n in range(40)])
    state.segments.selected = tuple(str(n) for n in range(most))
    assert state.problem == ""
    state.segments.toggle("39")
    assert f"at most {most}" in state.problem
