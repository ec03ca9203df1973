"""What holds for every plot: it draws where it is told, changes nothing, and survives any name."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
import pytest
from matplotlib.axes import Axes

from klaviyo_analytics import plots
from klaviyo_analytics.errors import FrameError
from klaviyo_analytics.plots import gallery as shop
from tests.plots.customers import EVERY as CUSTOMERS
from tests.plots.looks import draw, note, title

Draw = Callable[..., Axes]

BENCHMARKS = {"bounce_rate": 0.01, "open_rate": 0.33}
NAMES = [
    "春のセール 🎉",
    "Save $5, then $10_more^ever",
    "_hidden",
    "",
    "a very long name that goes on and on " * 4,
    "two\nlines",
    "عرض خاص",
]


def deliverability(frame: pd.DataFrame, **options: Any) -> Axes:
    return plots.deliverability(frame, benchmarks=BENCHMARKS, **options)


def one_channel() -> pd.DataFrame:
    return shop.daily_metric(days=20, channels=("email",))


def experiment() -> pd.DataFrame:
    """The variations that are compared with the control come first, so that one row can be drawn."""
    return shop.experiment().iloc[::-1].reset_index(drop=True)


def sending_hours() -> pd.DataFrame:
    """What places a cell is an object here, so that tests that change all numbers leave it."""
    return shop.sending_hours().astype({"weekday": object, "hour": object})


def one_lag() -> pd.DataFrame:
    return shop.time_to_order(channels=1).astype({"from_hours": object, "to_hours": object})


def tired_readers() -> pd.DataFrame:
    return shop.tired_readers().astype({"earlier": object})


EVERY = [
    pytest.param(plots.metric_trend, one_channel, "count", id="metric_trend"),
    pytest.param(plots.revenue_split, shop.revenue_by_source, "revenue", id="revenue_split"),
    pytest.param(plots.campaign_ranking, shop.campaign_summary, "conversion_value", id="campaign_ranking"),
    pytest.param(plots.campaign_scatter, shop.campaign_summary, "open_rate", id="campaign_scatter"),
    pytest.param(
        plots.flow_funnel, lambda: shop.flow_summary(by_message=True), "delivered", id="flow_funnel"
    ),
    pytest.param(plots.flow_performance, shop.flow_series, "conversion_value", id="flow_performance"),
    pytest.param(plots.list_growth, shop.list_members, "net", id="list_growth"),
    pytest.param(
        plots.segment_sizes, lambda: shop.segment_members(segments=1), "total_members", id="segment_sizes"
    ),
    pytest.param(plots.top_products, shop.order_lines, "line_total", id="top_products"),
    pytest.param(deliverability, shop.campaign_summary, "open_rate", id="deliverability"),
    pytest.param(plots.scorecard, shop.account_numbers, "value", id="scorecard"),
    pytest.param(plots.bridge, shop.bridge_steps, "amount", id="bridge"),
    pytest.param(plots.ab_forest, experiment, "difference", id="ab_forest"),
    pytest.param(plots.send_time_heatmap, sending_hours, "rate", id="send_time_heatmap"),
    pytest.param(plots.conversion_lag, one_lag, "orders", id="conversion_lag"),
    pytest.param(plots.fatigue, tired_readers, "within_rate", id="fatigue"),
    *CUSTOMERS,
]

each = pytest.mark.parametrize(("plot", "make", "column"), EVERY)


@each
def test_it_draws_on_the_axes_given_and_opens_no_figure(
    plot: Draw, make: Callable[[], pd.DataFrame], column: str
) -> None:
    _, (left, right) = plt.subplots(1, 2)
    assert plot(make(), ax=left) is left
    assert len(plt.get_fignums()) == 1
    assert not right.has_data()


@each
def test_without_axes_it_makes_one_figure_that_lays_itself_out(
    plot: Draw, make: Callable[[], pd.DataFrame], column: str
) -> None:
    figure = plot(make()).get_figure()
    assert figure is not None
    assert len(plt.get_fignums()) == 1
    assert figure.get_layout_engine() is not None


@each
def test_the_frame_stays_as_it_was(plot: Draw, make: Callable[[], pd.DataFrame], column: str) -> None:
    frame = make()
    before, attrs = frame.copy(deep=True), dict(frame.attrs)
    plot(frame)
    pd.testing.assert_frame_equal(frame, before)
    assert frame.attrs == attrs


@each
def test_a_missing_column_is_named_with_those_that_exist(
    plot: Draw, make: Callable[[], pd.DataFrame], column: str
) -> None:
    frame = make().drop(columns=column)
    with pytest.raises(FrameError, match=f"lacks '{column}'; it has '"):
        plot(frame)


@each
def test_a_refused_frame_leaves_no_figure_behind(
    plot: Draw, make: Callable[[], pd.DataFrame], column: str
) -> None:
    with pytest.raises(FrameError):
        plot(make().drop(columns=column))
    assert not plt.get_fignums()


@each
def test_no_rows_are_said_so(plot: Draw, make: Callable[[], pd.DataFrame], column: str) -> None:
    assert note(draw(plot(make().head(0)))) == "No rows to draw"
    assert note(draw(plot(make().head(0).astype(object)))) == "No rows to draw"


@each
def test_one_row_is_drawn(plot: Draw, make: Callable[[], pd.DataFrame], column: str) -> None:
    ax = draw(plot(make().head(1)))
    assert ax.has_data()
    assert not note(ax)


@each
def test_a_column_without_a_value_is_no_error(
    plot: Draw, make: Callable[[], pd.DataFrame], column: str
) -> None:
    frame = make()
    draw(plot(frame.assign(**{column: pd.Series(pd.NA, index=frame.index, dtype="Float64")})))


@each
def test_zeros_are_drawn(plot: Draw, make: Callable[[], pd.DataFrame], column: str) -> None:
    frame = make()
    draw(plot(frame.assign(**{name: frame[name] * 0 for name in frame.select_dtypes("number").columns})))


@each
def test_any_name_can_be_drawn(plot: Draw, make: Callable[[], pd.DataFrame], column: str) -> None:
    frame = make()
    texts = [
        name
        for name in ("metric", "source", "campaign", "flow", "message", "channel")
        if name in frame.columns
    ]
    if "datetime" in frame.columns:  # a name splits a series, so every series gets one
        renamed = {name: dict(zip(frame[name].unique(), NAMES, strict=False)) for name in texts}
        frame = frame.assign(**{name: frame[name].map(new) for name, new in renamed.items()})
    else:
        frame = frame.assign(**{name: (NAMES * len(frame))[: len(frame)] for name in texts})
    draw(plot(frame))


@each
def test_the_title_can_be_set_and_left_out(plot: Draw, make: Callable[[], pd.DataFrame], column: str) -> None:
    assert title(plot(make(), title="Mine")) == "Mine"
    assert not title(plot(make(), title=""))


@each
def test_options_reach_matplotlib_and_unknown_ones_are_refused(
    plot: Draw, make: Callable[[], pd.DataFrame], column: str
) -> None:
    plot(make(), alpha=0.5)
    with pytest.raises((AttributeError, TypeError), match="no_such_option"):
        plot(make(), no_such_option=1)


@each
def test_it_draws_on_axes_of_a_figure_without_layout_at_any_size(
    plot: Draw, make: Callable[[], pd.DataFrame], column: str
) -> None:
    _, ax = plt.subplots(figsize=(2, 1.5))
    draw(plot(make(), ax=ax))


@each
def test_it_draws_in_a_dark_theme_and_on_a_slide(
    plot: Draw, make: Callable[[], pd.DataFrame], column: str
) -> None:
    with plt.style.context("dark_background"), plots.style("slide"):
        ax = draw(plot(make()))
    assert float(ax.title.get_fontsize()) > 18


@each
def test_drawing_warns_of_nothing(plot: Draw, make: Callable[[], pd.DataFrame], column: str) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        draw(plot(make()))
    assert not caught


def test_the_door_names_every_plot() -> None:
    public = {name for name in vars(plots) if not name.startswith("_")}
    assert set(plots.__all__) <= public
    assert sorted(plots.__all__) == list(plots.__all__)
    assert all(getattr(plots, name).__doc__ for name in plots.__all__)
