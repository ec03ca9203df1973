"""What the pointer reads off a figure, and the series that can be hidden."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Callable
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from PIL import Image

from klaviyo_analytics import plots, report
from klaviyo_analytics.plots import _hover
from klaviyo_analytics.plots._hover import Mark, _series, figure_html, laid_out, picture_in_layers

DAYS = pd.date_range("2026-03-01", periods=4, tz="America/New_York")


def trend(**kwargs: object) -> Axes:
    frame = pd.DataFrame(
        {
            "datetime": [*DAYS, *DAYS],
            "metric": ["Opened Email"] * 4 + ["Clicked Email"] * 4,
            "sum_value": [1200.0, 40.0, 30.0, 7.0, 1.0, 2.0, 3.0, 4.0],
            "complete": [True, True, True, False] * 2,
            "currency": "USD",
        }
    )
    return plots.metric_trend(frame, y="sum_value", hue="metric", **kwargs)  # type: ignore[arg-type]


def marks_of(figure: Any, *written: Any) -> list[Mark]:
    with laid_out(figure):
        return _hover.marks_of(figure, *written)


def under(marks: list[Mark], x: float, y: float) -> str:
    """Return what is shown at a place, in fractions from the left and upper edge."""
    (text,) = [m.text for m in marks if m.left <= x < m.left + m.width and m.top <= y < m.top + m.height]
    return text


def place(ax: Axes, x: float, y: float) -> tuple[float, float]:
    across, up = ax.transData.transform((x, y))
    size = ax.figure.bbox
    return across / size.width, 1 - up / size.height


def test_a_day_of_lines_shows_its_date_and_every_series_as_the_axis_writes_it() -> None:
    ax = trend()
    marks = marks_of(ax.figure)
    start: Any = np.asarray(ax.lines[0].get_xdata(orig=False))[0]
    first = under(marks, *place(ax, float(start), 500.0))
    assert first.split("\n")[0] == "2026-03-01"
    assert set(first.split("\n")[1:]) == {"Opened Email: $1,200", "Clicked Email: $1.00"}
    plt.close("all")


def test_a_leader_to_a_name_at_the_end_is_hidden_with_its_series() -> None:
    figure: Any = trend().figure
    leaders = [each for each in figure.axes[0].collections if each.get_gid() == "leader"]
    (legend,) = [part for part in (_series(ax) for ax in figure.axes) if part]
    for text, artists in legend:
        own = [each for each in artists if each in leaders]
        assert len(own) == 1, text.get_text()
    assert len(leaders) == len(legend) == 2
    plt.close("all")


def test_a_day_that_is_not_over_says_so_and_an_earlier_period_is_beside_it() -> None:
    earlier = pd.DataFrame(
        {
            "datetime": DAYS - pd.Timedelta(days=30),
            "metric": "Opened Email",
            "sum_value": [11.0, 12.0, 13.0, 14.0],
        }
    )
    ax = trend(compare=earlier)
    last = marks_of(ax.figure)[-1].text
    assert "Opened Email: $7.00 (incomplete)" in last
    assert "Opened Email: $14.00 before" in last
    plt.close("all")


def test_bars_show_their_name_and_value() -> None:
    frame = pd.DataFrame(
        {"campaign": ["Spring", "Sale"], "delivered": [900, 1800], "click_rate": [0.021, 0.034]}
    )
    ax = plots.campaign_ranking(frame, by="click_rate")
    assert {mark.text for mark in marks_of(ax.figure, "rate")} == {"Spring\n2.1%", "Sale\n3.4%"}
    plt.close("all")


def test_points_show_their_name_and_both_values() -> None:
    frame = pd.DataFrame(
        {"campaign": ["Spring", "Sale"], "recipients": [900, 1800], "open_rate": [0.21, 0.34]}
    )
    ax = plots.campaign_scatter(frame)
    texts = {mark.text for mark in marks_of(ax.figure)}
    assert texts == {
        "Spring\nRecipients: 900\nOpen rate: 21.0%",
        "Sale\nRecipients: 1,800\nOpen rate: 34.0%",
    }
    plt.close("all")


def test_small_charts_have_boxes_inside_the_figure() -> None:
    frame = pd.DataFrame({"datetime": [*DAYS, *DAYS], "metric": ["a"] * 4 + ["b"] * 4, "count": range(8)})
    figure = plots.small_multiples(frame)
    marks = marks_of(figure)
    assert len(marks) == 8
    lefts = sorted(mark.left for mark in marks)
    assert lefts[3] < 0.5 < lefts[4]  # four in each half
    assert all(mark.left >= 0 and mark.left + mark.width <= 1 for mark in marks)
    plt.close("all")


def test_layers_over_the_base_make_the_whole_picture_and_the_figure_is_as_before() -> None:
    ax = trend()
    figure = ax.get_figure(root=True)
    assert figure is not None
    figure.savefig(
        io.BytesIO(), format="png", dpi=80
    )  # the first drawing settles where names at line ends stand
    before = io.BytesIO()
    figure.savefig(before, format="png", dpi=80)
    with laid_out(figure, 80):
        base, layers = picture_in_layers(figure)
    after = io.BytesIO()
    figure.savefig(after, format="png", dpi=80)
    assert before.getvalue() == after.getvalue()
    assert {layer.name.text for layer in layers} == {"Opened Email", "Clicked Email"}
    whole, joined = Image.open(before).convert("RGBA"), Image.open(io.BytesIO(base)).convert("RGBA")
    empty = np.abs(np.asarray(whole, int) - np.asarray(joined, int)).max(axis=2) > 60
    for layer in layers:
        joined = Image.alpha_composite(joined, Image.open(io.BytesIO(layer.png)))
    different = np.abs(np.asarray(whole, int) - np.asarray(joined, int)).max(axis=2) > 60
    assert empty.sum() > 200  # the lines are not in the base
    assert different.sum() < empty.sum() / 5
    plt.close("all")


def test_one_series_needs_no_layers() -> None:
    frame = pd.DataFrame({"datetime": DAYS, "metric": "Opened Email", "count": [1, 2, 3, 4]})
    figure = plots.metric_trend(frame).get_figure(root=True)
    assert figure is not None
    assert picture_in_layers(figure)[1] == []
    plt.close("all")


@pytest.mark.parametrize("live", [True, False])
def test_texts_and_names_are_escaped_and_nothing_runs(live: bool) -> None:
    evil = '"><script>alert(1)</script>'
    mark = Mark(0.1, 0.2, 0.3, 0.4, evil)
    written = figure_html(b"png", [mark], alt=evil, live=live)
    assert "<script" not in written
    assert not re.search(r"\son\w+=", written)
    assert ("data-text=" in written) == live
    assert "left:10.00%;top:20.00%;width:30.00%;height:40.00%" in written


def test_a_report_has_a_switch_for_each_series_that_works_without_script_and_the_same_bytes() -> None:
    def written(draw: Callable[[], Any]) -> str:
        part = report.Figure("Emails", draw())
        plt.close("all")
        return str(report.Report("Week", sections=[part]).to_html())

    page = written(trend)
    assert page == written(trend)
    switches = re.findall(r'<details class="ka-series" open><summary aria-label="([^"]+)"', page)
    assert sorted(switches) == ["Clicked Email", "Opened Email"]
    images = re.findall(r'src="data:image/png;base64,([^"]+)"', page)
    assert len(images) == 3  # the axes, and each series alone
    sizes = {Image.open(io.BytesIO(base64.b64decode(one))).size for one in images}
    assert len(sizes) == 1  # so that they lie over one another

    def alone() -> Any:
        return plots.metric_trend(pd.DataFrame({"datetime": DAYS, "metric": "Opened", "count": [1, 2, 3, 4]}))

    page = written(alone)
    assert "<details class=" not in page
    assert "data:image/svg+xml" in page
