"""Charts in little room: what does not fit is left out or said shorter, and nothing covers or cuts anything."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import matplotlib.pyplot as plt
import pytest
from matplotlib.axes import Axes

from klaviyo_analytics import analysis, plots
from klaviyo_analytics.plots import gallery as shop
from tests.plots.looks import caption, draw, texts, x_labels

Draw = Callable[[Axes], Axes]

CHARTS: dict[str, Draw] = {
    "trend": lambda ax: plots.metric_trend(shop.daily_metric(), hue="attributed_channel", ax=ax),
    "split": lambda ax: plots.revenue_split(shop.revenue_by_source(), ax=ax),
    "growth": lambda ax: plots.list_growth(shop.list_members(), ax=ax),
    "funnel": lambda ax: plots.flow_funnel(shop.flow_summary(), ax=ax),
    "ranking": lambda ax: plots.campaign_ranking(shop.campaign_summary(), hue="channel", ax=ax),
    "deliverability": lambda ax: plots.deliverability(shop.campaign_summary(), benchmarks="good", ax=ax),
    "scatter": lambda ax: plots.campaign_scatter(
        shop.campaign_summary(), y="click_rate", hue="channel", ax=ax
    ),
}


def narrow(chart: Draw) -> Axes:
    _, ax = plt.subplots(figsize=(4, 3), layout="constrained")
    return draw(chart(ax))


@pytest.mark.parametrize("chart", CHARTS.values(), ids=list(CHARTS))
def test_the_data_keep_a_quarter_of_the_picture_and_the_legend_is_whole(chart: Draw) -> None:
    ax = narrow(chart)
    figure: Any = ax.figure
    box, shown = ax.get_window_extent(), ax.get_legend()
    assert box.width > 0.25 * figure.bbox.width
    assert box.height > 0.25 * figure.bbox.height
    assert shown is not None
    legend = shown.get_window_extent()
    assert not box.padded(-1).overlaps(legend)
    assert legend.x1 <= figure.bbox.x1 + 1


@pytest.mark.parametrize("size", [(8, 4.5), (6, 4), (4, 3)])
def test_a_long_legend_is_cut_nowhere_and_covers_no_number(size: tuple[float, float]) -> None:
    many = shop.campaign_summary(campaigns=12).assign(segment=[f"Segment {row}" for row in range(12)])
    long = shop.flow_summary()["flow"] + " · Welcome #3: last chance"
    funnel = analysis.flow_funnel(shop.flow_summary().assign(flow=long))
    charts: list[Draw] = [
        lambda ax: plots.campaign_ranking(many, top=12, hue="segment", ax=ax),
        lambda ax: plots.flow_funnel(funnel, ax=ax),
    ]
    for chart in charts:
        _, ax = plt.subplots(figsize=size, layout="constrained")
        draw(chart(ax))
        shown, figure = ax.get_legend(), ax.get_figure()
        assert shown is not None
        assert figure is not None
        box = shown.get_window_extent()
        assert box.x1 <= figure.bbox.x1 + 1
        values = [text.get_window_extent() for text in ax.texts if text.get_gid() in ("value", "rate")]
        assert not any(box.overlaps(value) for value in values)


def test_a_narrow_funnel_has_no_table_of_rates_and_says_nothing_of_them() -> None:
    ax = narrow(CHARTS["funnel"])
    assert texts(ax, "rate") == []
    assert "rate" not in caption(ax)


def test_a_narrow_check_is_written_with_signs() -> None:
    ax = narrow(CHARTS["deliverability"])
    assert "≤ 1%" in texts(ax, "verdict")
    assert x_labels(ax) == ["benchmark", "3×"]
