"""Funnel, deliverability and the overviews of summaries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes

from klaviyo_analytics import analysis, plots
from klaviyo_analytics.arithmetic import RATES
from klaviyo_analytics.errors import FrameError, InvalidInputError
from klaviyo_analytics.plots._quantities import quantity
from klaviyo_analytics.plots.gallery import campaign_summary, flow_summary, order_lines, segment_members
from tests.plots.looks import bars, caption, dots, draw, legend, marks, note, texts, title, x_labels, y_labels

BENCHMARKS = {"bounce_rate": 0.01, "open_rate": 0.33}


def test_the_funnel_draws_each_stage_thinner_than_the_one_before() -> None:
    frame = flow_summary(by_message=True)
    ax = plots.flow_funnel(frame)
    delivered, opened = bars(ax, 0), bars(ax, 1)
    assert [bar.get_width() for bar in delivered] == frame["delivered"].tolist()
    assert [bar.get_width() for bar in opened] == frame["opens_unique"].tolist()
    assert delivered[0].get_height() > opened[0].get_height()
    assert y_labels(ax) == frame["message"].tolist()
    assert title(ax) == "Welcome Series: how far people get"


def test_the_rates_stand_beside_the_funnel() -> None:
    frame = flow_summary(by_message=True).head(2)
    frame["open_rate"], frame["click_rate"], frame["conversion_rate"] = (
        [0.5, 0.4],
        [0.05, 0.04],
        [0.011, 0.009],
    )
    assert texts(plots.flow_funnel(frame), "rate") == [
        "50.0%",
        "40.0%",
        "5.0%",
        "4.0%",
        "1.10%",
        "0.90%",
    ]


def test_a_funnel_of_flows_says_that_it_counts_people_once_a_message() -> None:
    assert "who got two of its messages counts twice" in caption(plots.flow_funnel(flow_summary()))
    assert "twice" not in caption(plots.flow_funnel(flow_summary(by_message=True)))


def test_a_long_funnel_keeps_its_largest_rows_in_their_order_and_says_so() -> None:
    frame = pd.DataFrame({"flow": ["a", "b", "c"], "delivered": [5, 1, 9]})
    ax = plots.flow_funnel(frame, stages=["delivered"], top=2)
    assert y_labels(ax) == ["a", "c"]
    assert "2 largest of 3 flows" in caption(ax)


def test_messages_stand_in_the_order_of_their_flow_however_the_frame_is_sorted() -> None:
    summary = flow_summary(by_message=True)
    in_order = summary["message"].tolist()
    upside_down = summary.iloc[::-1].reset_index(drop=True)
    assert y_labels(plots.flow_funnel(upside_down)) == in_order
    assert y_labels(plots.flow_funnel(analysis.flow_funnel(upside_down))) == in_order
    two = pd.concat([upside_down, upside_down.assign(flow="Another")], ignore_index=True)
    ax = plots.flow_funnel(two)
    assert y_labels(ax)[4:] == [f"Another · {message}" for message in in_order]
    assert title(ax) == "How far people get, by message"


def test_the_funnel_draws_the_frame_of_the_analysis() -> None:
    summary = flow_summary(by_message=True)
    ax = plots.flow_funnel(analysis.flow_funnel(summary))
    assert legend(ax) == ["recipients", "delivered", "opened", "clicked", "converted"]
    widths_of = {label: bar.get_width() for label, bar in zip(y_labels(ax), bars(ax, 2), strict=True)}
    assert widths_of == dict(zip(summary["message"], summary["opens_unique"], strict=True))
    assert "rates ÷ recipients" in caption(ax)


def test_a_stage_that_is_unknown_leaves_the_others() -> None:
    frame = flow_summary(by_message=True)
    frame["opens_unique"] = pd.array([pd.NA] * 4, dtype="Int64")
    assert [bar.get_width() for bar in bars(draw(plots.flow_funnel(frame)), 1)] == [0] * 4


def test_a_rate_is_judged_on_the_right_side() -> None:
    ax = plots.deliverability(
        pd.DataFrame({"bounce_rate": [0.02], "open_rate": [0.40]}), benchmarks=BENCHMARKS
    )
    assert texts(ax, "verdict") == ["2.0%, not within ≤ 1%", "40.0%, within ≥ 33%"]
    assert y_labels(ax) == ["Bounce rate", "Open rate"]


def test_a_rate_at_its_benchmark_keeps_it() -> None:
    frame = pd.DataFrame({"bounce_rate": [0.01], "open_rate": [0.33]})
    assert texts(plots.deliverability(frame, benchmarks=BENCHMARKS), "verdict") == [
        "1.0%, within ≤ 1%",
        "33.0%, within ≥ 33%",
    ]


def test_good_and_poor_differ_in_colour_and_in_shape() -> None:
    ax = plots.deliverability(pd.DataFrame({"bounce_rate": [0.005, 0.02]}), benchmarks={"bounce_rate": 0.01})
    good, poor = map(marks, ax.collections)
    assert good["colour"] != poor["colour"]
    assert good["corners"] != poor["corners"]
    assert texts(ax, "verdict") == ["1 of 2 within ≤ 1%"]


def test_a_point_far_beyond_the_benchmark_stands_at_the_edge() -> None:
    ax = plots.deliverability(pd.DataFrame({"bounce_rate": [0.5]}), benchmarks={"bounce_rate": 0.01})
    assert dots(ax) == [[3.0, 0.0]]
    assert x_labels(ax) == ["0", "benchmark", "2×", "3×"]
    assert legend(ax) == ["keeps to it", "misses it", "beyond 3×"]
    near = plots.deliverability(pd.DataFrame({"bounce_rate": [0.03]}), benchmarks={"bounce_rate": 0.01})
    assert legend(near) == ["keeps to it", "misses it"]


def test_a_rate_of_nobody_is_no_value() -> None:
    frame = pd.DataFrame({"bounce_rate": [np.nan], "open_rate": [0.4]})
    assert texts(plots.deliverability(frame, benchmarks=BENCHMARKS), "verdict")[0] == "no value, ≤ 1%"


def test_deliverability_draws_the_frame_of_the_analysis() -> None:
    summary = campaign_summary()
    ax = plots.deliverability(analysis.deliverability(summary, benchmarks=BENCHMARKS))
    judged = analysis.deliverability(summary, benchmarks=BENCHMARKS)
    assert dots(ax) == [
        [rate / limit, row]
        for row, (rate, limit) in enumerate(zip(judged["rate"], judged["benchmark"], strict=True))
    ]


def test_a_profile_of_benchmarks_goes_by_its_name() -> None:
    by_name = plots.deliverability(campaign_summary(), benchmarks="modest")
    by_value = plots.deliverability(campaign_summary(), benchmarks=analysis.BENCHMARKS["modest"])
    assert texts(by_name, "verdict") == texts(by_value, "verdict")
    assert "Benchmarks: profile 'modest'" in caption(by_name)
    assert len(plots.campaign_overview(campaign_summary(), benchmarks="good").axes) == 4


def test_benchmarks_are_needed_and_above_zero() -> None:
    frame = pd.DataFrame({"bounce_rate": [0.5]})
    with pytest.raises(FrameError, match="give benchmarks="):
        plots.deliverability(frame)
    with pytest.raises(InvalidInputError, match="'good', 'modest', 'ambitious'"):
        plots.deliverability(frame, benchmarks="nice")
    with pytest.raises(FrameError, match=r"above zero: 'bounce_rate'"):
        plots.deliverability(frame, benchmarks={"bounce_rate": 0})


def test_captions_state_the_denominators_that_the_analysis_uses() -> None:
    for name, rate in RATES.items():
        assert (name, quantity(name).denominator) == (name, rate.denominator)


def test_the_campaign_overview_has_four_charts_and_no_more_figures() -> None:
    figure = plots.campaign_overview(campaign_summary(), benchmarks=BENCHMARKS)
    assert [title(ax) for ax in figure.axes] == [
        "By attributed revenue",
        "By revenue per recipient",
        "Open rate against recipients",
        "Deliverability against benchmarks",
    ]
    assert len(plt.get_fignums()) == 1
    assert figure.get_suptitle() == "24 campaigns, sent 5 Jan – 15 Mar 2026"


def test_the_flow_overview_has_four_charts() -> None:
    figure = plots.flow_overview(flow_summary(), title="Flows in spring")
    assert [title(ax) for ax in figure.axes] == [
        "By attributed revenue",
        "By revenue per recipient",
        "How far people get, by flow",
        "Click rate against recipients",
    ]
    assert figure.get_suptitle() == "Flows in spring"


@pytest.mark.parametrize("rows", [0, 1])
def test_overviews_of_few_or_none_say_so(rows: int) -> None:
    for figure in (
        plots.campaign_overview(campaign_summary().head(rows)),
        plots.flow_overview(flow_summary().head(rows)),
    ):
        figure.canvas.draw()
        assert all(bool(note(ax)) == (rows == 0) for ax in figure.axes)


def test_an_overview_names_all_missing_columns_at_once() -> None:
    with pytest.raises(FrameError, match=r"lacks 'recipients', 'click_rate'"):
        plots.campaign_overview(campaign_summary().drop(columns=["recipients", "click_rate"]))


@pytest.mark.parametrize(
    ("plot", "ending"),
    [
        (plots.campaign_ranking, "sent 5 Jan – 15 Mar 2026"),
        (plots.campaign_scatter, "sent 5 Jan – 12 Mar 2026"),  # the last one, by SMS, has no open rate
        (lambda frame: plots.deliverability(frame, benchmarks="good"), "sent 5 Jan – 15 Mar 2026"),
        (lambda frame: plots.campaign_ranking(frame.drop(columns="send_time")), "1 Apr – 30 Jun 2026"),
        (lambda frame: plots.campaign_scatter(frame.assign(send_time="unknown")), "1 Apr – 30 Jun 2026"),
    ],
)
def test_the_title_says_when(plot: Callable[[pd.DataFrame], Axes], ending: str) -> None:
    frame = campaign_summary()
    frame.attrs["timeframe"] = "2026-04-01 to 2026-06-30 (America/New_York)"
    assert " ".join(title(plot(frame)).split()).endswith(f", {ending}")
    frame.attrs["timeframe"] = "last spring"
    assert "None" not in title(plot(frame))


def test_a_funnel_says_the_time_frame_and_a_narrow_one_leaves_it_out() -> None:
    frame = flow_summary()
    frame.attrs["timeframe"] = "2026-04-01 to 2026-04-01 (UTC)"
    assert title(plots.flow_funnel(frame)) == "How far people get, by flow, 1 Apr 2026"
    frame.attrs = {}
    assert title(plots.flow_funnel(frame)) == "How far people get, by flow"


def test_products_are_added_up_by_their_lines_and_what_is_left_out_is_counted() -> None:
    lines = pd.DataFrame(
        {
            "order_id": ["1", "1", "2", "3", "3"],
            "profile_id": ["A", "A", "A", "B", "B"],
            "product": ["Pot", "Tea", "Pot", "Pot", None],
            "quantity": [1, 4, 2, 1, 9],
            "line_total": [40.0, 9.0, 70.0, None, 500.0],
        }
    )
    found = {}
    for by in ("revenue", "quantity", "orders", "customers"):
        ax = plots.top_products(lines, by=by, currency="EUR")
        names = [text.get_text() for text in ax.get_yticklabels()]
        found[by] = dict(zip(names, (bar.get_width() for bar in bars(ax, 0)), strict=True))
    assert found == {
        "revenue": {"Pot": 110.0, "Tea": 9.0},
        "quantity": {"Pot": 4.0, "Tea": 4.0},
        "orders": {"Pot": 3.0, "Tea": 1.0},
        "customers": {"Pot": 2.0, "Tea": 1.0},
    }
    said = caption(plots.top_products(lines, currency="EUR"))
    assert "in EUR" in said
    assert "1 line without a product left out · 1 line without line total left out" in said


def test_products_of_several_currencies_or_by_an_unknown_number_are_refused() -> None:
    lines = order_lines().assign(currency=["EUR", "USD"] * 280)
    with pytest.raises(FrameError, match="several currencies"):
        plots.top_products(lines)
    assert plots.top_products(lines, by="quantity").has_data()
    with pytest.raises(InvalidInputError, match=r"by='sales' is not known\. Allowed values: .*'?revenue"):
        plots.top_products(lines, by="sales")  # type: ignore[arg-type]


def test_segments_of_one_name_are_two_lines_with_their_ids() -> None:
    frame = segment_members(segments=3)
    frame["segment"] = frame["segment"].replace({"Win-back": "VIP customers"})
    assert legend(plots.segment_sizes(frame)) == [
        "Engaged, 30 days",
        "VIP customers (S1)",
        "VIP customers (S2)",
    ]
    alone = plots.segment_sizes(frame[frame["segment_id"] == "S1"].drop(columns="segment"))
    assert title(alone).replace("\n", " ").startswith("Members per week, S1")


def test_auto_knows_segments_and_order_lines_by_their_columns() -> None:
    assert title(plots.auto(segment_members())).startswith("Members per week, 4 segments")
    lines = order_lines().assign(line=1)
    assert title(plots.auto(lines)).startswith("Top 10 products by revenue")
    with pytest.raises(FrameError, match="which names the picture"):
        plots.auto(lines.drop(columns="product"))


def test_new_and_returning_customers_are_stacked_by_month() -> None:
    months = [f"2025-{month:02}" for month in range(1, 13)]
    frame = pd.DataFrame(
        {"month": np.repeat(months, 2), "customer": ["new", "returning"] * 12, "revenue": np.arange(24.0) + 1}
    )
    frame.attrs.update(analysis="new_and_returning", timezone="America/New_York")
    ax = plots.auto(frame)
    assert legend(ax) == ["New", "Returning"]
    heights = [float(bar.get_height()) for row in range(2) for bar in bars(ax, row)]
    assert sorted(heights) == frame["revenue"].tolist()
    assert title(ax) == title(plots.auto(frame.assign(month=frame["month"] + "-01")))  # bars, longest first


def test_an_interval_below_zero_ends_within_the_axes() -> None:
    frame = analysis.ab_test(
        pd.DataFrame({"variation": ["A", "B"], "delivered": [1000, 1000], "clicks_unique": [50, 20]})
    )
    ax = plots.ab_forest(frame)
    assert ax.get_xlim()[0] < -0.05 < frame["difference_low"].min()  # the outermost tick is inside, too
    assert not ax.spines["left"].get_visible()


def known_to_auto(analysis: str, **columns: list[Any]) -> pd.DataFrame:
    """A frame of whole numbers that `plots.auto` draws as bars of that analysis."""
    frame = pd.DataFrame(columns)
    frame.attrs["analysis"] = analysis
    return frame


class TestSeveralRowsOfOneBar:
    def test_their_whole_numbers_are_added_exactly_or_refused(self) -> None:
        large = known_to_auto("links", url=["/a", "/a", "/b"], clicks=[2**62, 2**61, 2**62])
        lengths = [float(bar.get_width()) for bar in plots.auto(large).containers[0]]
        assert lengths == [float(2**62 + 2**61), float(2**62)]  # together they would not fit into 64 bits
        large.loc[1, "clicks"] = 2**62
        with pytest.raises(FrameError, match=r"'clicks' holds numbers that add up to more than 64 bits"):
            plots.auto(large)

    def test_a_sum_of_unknown_amounts_is_not_zero(self) -> None:
        unknown = known_to_auto("coupons", coupon=["A", "A", "B"], revenue=[None, None, 3.0])
        assert [text.get_text() for text in plots.auto(unknown).texts] == ["3.00"]

    def test_currencies_are_not_added(self) -> None:
        orders = known_to_auto("coupons", coupon=["A", "A"], revenue=[1, 2], currency=["USD", "EUR"])
        with pytest.raises(FrameError, match="several currencies cannot share an axis: EUR, USD"):
            plots.auto(orders)

    def test_rates_are_told_apart_and_never_added(self) -> None:
        lost = known_to_auto(
            "flow_losses", flow=["F", "F"], message=["#1", "#1"], branch=["yes", "no"], left_rate=[0.1, 0.2]
        )
        axes = plots.auto(lost)
        assert [label.get_text() for label in axes.get_yticklabels()] == ["F · #1 · yes", "F · #1 · no"]
        assert [float(bar.get_width()) for bar in axes.containers[0]] == [0.1, 0.2]
        with pytest.raises(
            FrameError, match=r"several rows have flow='F', message='#1', and rates are never"
        ):
            plots.auto(lost.drop(columns="branch"))
