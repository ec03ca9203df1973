"""What a plot says when it is given something else: what that is, what it draws, and which call makes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from klaviyo_analytics import plots
from klaviyo_analytics.errors import FrameError
from klaviyo_analytics.plots import gallery as shop
from tests.plots.customers import CALLS as CUSTOMERS

CALLS: dict[Callable[..., Any], str] = {
    plots.metric_trend: r"client\.metric_aggregates\.query\(",
    plots.small_multiples: r"client\.metric_aggregates\.query\(",
    plots.revenue_split: r"ka\.analysis\.revenue_split\(.*client\.metric_aggregates\.query\(",
    plots.campaign_ranking: r"client\.campaigns\.summary\(",
    plots.campaign_scatter: r"client\.campaigns\.summary\(",
    plots.campaign_overview: r"client\.campaigns\.summary\(",
    plots.flow_funnel: r"client\.flows\.summary\(",
    plots.flow_overview: r"client\.flows\.summary\(",
    plots.flow_performance: r"client\.reports\.flow_series\(",
    plots.list_growth: r"ka\.analysis\.list_growth\(",
    plots.segment_sizes: r"client\.reports\.segment_series\(",
    plots.top_products: r"ka\.analysis\.order_items\(",
    plots.deliverability: r"ka\.analysis\.deliverability\(",
    plots.attribution_comparison: r"ka\.analysis\.attribution_comparison\(",
    plots.scorecard: r"client\.account_summary\(",
    plots.bridge: r"ka\.analysis\.bridge\(",
    plots.ab_forest: r"ka\.analysis\.ab_test\(",
    plots.send_time_heatmap: r"ka\.analysis\.send_times\(",
    plots.conversion_lag: r"ka\.analysis\.conversion_lag\(",
    plots.fatigue: r"ka\.analysis\.fatigue\(",
    **CUSTOMERS,
}
Draw = Callable[..., Any]

each = pytest.mark.parametrize("plot", CALLS, ids=lambda plot: plot.__name__)


@each
@pytest.mark.parametrize(
    ("given", "named"),
    [
        (None, "not None"),
        ({"count": [1]}, "not a dict"),
        ([1, 2], "not a list"),
        (7, "not an int"),
        (pd.Series([1], name="count"), r"not a Series, which is one column \('count'\)"),
    ],
    ids=["None", "dict", "list", "int", "Series"],
)
def test_no_frame(plot: Draw, given: Any, named: str) -> None:
    with pytest.raises(
        FrameError, match=f"expected a pandas DataFrame, {named}.*{plot.__name__}.*{CALLS[plot]}"
    ):
        plot(given)


@each
@pytest.mark.parametrize("given", [pd.DataFrame(), pd.DataFrame({"email": ["a@example.com"]})])
def test_another_frame(plot: Draw, given: pd.DataFrame) -> None:
    with pytest.raises(FrameError, match=f"; {plot.__name__} takes .*{CALLS[plot]}"):
        plot(given)


def test_every_plot_is_tried() -> None:
    assert {plot.__name__ for plot in CALLS} == {*plots.__all__} - {"style", "auto", "holidays"}


def test_the_comparison_is_looked_at_as_well() -> None:
    frame = shop.daily_metric(channels=("email",), days=5)
    with pytest.raises(FrameError, match="not a dict"):
        plots.metric_trend(frame, compare={"count": [1]})  # type: ignore[arg-type]


def test_a_frame_by_keyword_and_no_frame_at_all() -> None:
    with pytest.raises(FrameError, match="not None"):
        plots.metric_trend(frame=None)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="frame"):
        plots.metric_trend()  # type: ignore[call-arg]
