"""Rankings, scatter, funnel, deliverability and the overviews of summaries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from klaviyo_analytics import analysis, plots
from klaviyo_analytics.analysis._definitions import RATES
from klaviyo_analytics.errors import FrameError, InvalidInputError
from klaviyo_analytics.plots._quantities import quantity
from klaviyo_analytics.plots._synthetic import campaign_summary, flow_summary
from tests.plots.looks import bars, caption, draw, legend, note, texts, title, x_labels, y_labels

BENCHMARKS = {"bounce_rate": 0.01, "open_rate": 0.33}


def campaigns(**columns: Sequence[object]) -> pd.DataFrame:
    count = len(next(iter(columns.values())))
    return pd.DataFrame({"campaign": [f"Campaign {chr(65 + row)}" for row in range(count)], **columns})


def widths(ax: Axes) -> list[float]:
    return [bar.get_width() for bar in ax.patches if isinstance(bar, Rectangle)]


def dots(ax: Axes) -> list[list[float]]:
    return [list(map(float, point)) for group in ax.collections for point in np.asarray(group.get_offsets())]


def looks(group: Any) -> dict[str, Any]:
    """Return what tells a group of points from another."""
    return {"colour": to_hex(group.get_facecolor()[0]), "corners": len(group.get_paths()[0].vertices)}


def test_the_largest_stand_on_top() -> None:
    ax = plots.campaign_ranking(campaigns(conversion_value=[10.0, 30.0, 20.0]), top=2)
    assert y_labels(ax) == ["Campaign B", "Campaign C"]
    assert widths(ax) == [30.0, 20.0]
    low, high = ax.get_ylim()
    assert low > high


def test_each_bar_says_its_value_and_the_size_that_it_rests_on() -> None:
    ax = plots.campaign_ranking(
        campaigns(click_rate=[0.02, 0.034], delivered=[900, 18_000]), rank_by="click_rate"
    )
    assert texts(ax, "value") == ["3.4 %", "2.0 %"]
    assert texts(ax, "size") == ["(18.0k delivered)", "(900 delivered)"]
    assert "Unique clicks ÷ delivered" in caption(ax)


def test_values_stand_beside_their_bars_also_of_losses() -> None:
    ax = draw(plots.campaign_ranking(campaigns(conversion_value=[30.0, -20.0, 0.0])))
    labels = [text.get_window_extent() for text in ax.texts if text.get_gid() == "value"]
    assert not any(
        bar.get_window_extent().padded(-1).overlaps(label) for bar in bars(ax, 0) for label in labels
    )


def test_the_ranking_says_how_many_it_leaves_out_and_why() -> None:
    ax = plots.campaign_ranking(campaigns(conversion_value=[10.0, np.nan, 20.0, 5.0]), top=2, currency="USD")
    assert title(ax) == "Top 2 campaigns by attributed revenue"
    assert "in USD · 2 of 4 campaigns · 1 without a value left out" in caption(ax)
    assert texts(ax, "value") == ["$20.00", "$10.00"]


def test_the_ranking_of_the_analysis_is_captioned_with_what_it_left_out() -> None:
    frame = campaigns(recipients=[10, 500, 900, 800, 20], open_rate=[0.9, 0.3, 0.2, np.nan, 0.8])
    frame["delivered"], frame["opens_unique"] = frame["recipients"], frame["recipients"] * frame["open_rate"]
    ranking = analysis.campaign_ranking(frame, rank_by="open_rate", minimum_recipients=100)
    said = caption(plots.campaign_ranking(ranking, rank_by="open_rate"))
    assert "2 of 5 campaigns" in said
    assert "2 with fewer than 100 recipients left out" in said
    assert "1 without a value left out" in said
    best = analysis.campaign_ranking(frame, rank_by="open_rate", top=1)
    assert title(plots.campaign_ranking(best, rank_by="open_rate")) == "Top 1 campaign by open rate"
    cut = caption(plots.campaign_ranking(ranking.head(1), rank_by="open_rate"))
    assert "1 of 1 campaign" in cut, "what was cut since is not known"
    assert "fewer" not in cut


def test_money_without_a_currency_says_so() -> None:
    frame = campaigns(conversion_value=[1.0, 2.0], recipients=[1, 2])
    assert "currency not stated" in caption(plots.campaign_ranking(frame))
    assert "currency not stated" in caption(plots.campaign_scatter(frame, y="conversion_value"))
    assert "currency" not in caption(plots.campaign_ranking(frame, rank_by="recipients"))


def test_groups_of_points_differ_in_shape_as_well_and_the_legend_shows_both() -> None:
    frame = campaigns(recipients=[1, 2, 3], open_rate=[0.1, 0.2, 0.3], channel=["sms", "email", "sms"])
    ax = plots.campaign_scatter(frame, hue="channel")
    email, sms = map(looks, ax.collections)
    assert email["colour"] != sms["colour"]
    assert email["corners"] != sms["corners"]
    shown = ax.get_legend()
    assert shown is not None
    assert len({handle.get_marker() for handle in shown.legend_handles if isinstance(handle, Line2D)}) == 2
    assert legend(ax) == ["email", "sms"]


def test_campaigns_of_one_name_are_told_apart_by_their_day() -> None:
    frame = campaigns(conversion_value=[1.0, 2.0]).assign(campaign="Weekly")
    frame["send_time"] = pd.to_datetime(["2026-03-02 09:00", "2026-03-09 09:00"], utc=True)
    assert y_labels(plots.campaign_ranking(frame)) == ["Weekly · 9 Mar", "Weekly · 2 Mar"]


def test_messages_and_variations_are_named_with_their_campaign() -> None:
    frame = campaigns(conversion_value=[2.0, 1.0]).assign(
        campaign="Sale", variation="v", variation_name=["A", "B"]
    )
    ax = plots.campaign_ranking(frame)
    assert y_labels(ax) == ["Sale · A", "Sale · B"]
    assert title(ax) == "Variations by attributed revenue"


def test_hue_colours_the_bars_and_the_legend_names_them() -> None:
    frame = campaigns(conversion_value=[3.0, 2.0, 1.0], channel=["sms", "email", "sms"])
    ax = plots.campaign_ranking(frame, hue="channel")
    colours = [to_hex(bar.get_facecolor()) for bar in ax.patches]
    assert colours[0] == colours[2] != colours[1]
    assert legend(ax) == ["email", "sms"]


def test_sixty_campaigns_get_a_taller_figure() -> None:
    frame = campaign_summary(campaigns=60)
    tall, usual = (plots.campaign_ranking(frame, top=top).figure for top in (60, 10))
    assert tall.bbox.height > 2 * usual.bbox.height


def test_a_summary_in_two_currencies_is_ranked_by_clicks_but_not_by_money() -> None:
    frame = campaigns(conversion_value=[1.0, 2.0], clicks=[1, 2], currency=["USD", "EUR"])
    plots.campaign_ranking(frame, rank_by="clicks")
    with pytest.raises(FrameError, match="EUR, USD"):
        plots.campaign_ranking(frame)


def test_the_scatter_has_a_point_per_campaign_with_both_numbers() -> None:
    frame = campaigns(recipients=[100, 200, 300], open_rate=[0.4, np.nan, 0.3])
    ax = plots.campaign_scatter(frame)
    assert dots(ax) == [[100, 0.4], [300, 0.3]]
    assert "2 campaigns · 1 without both numbers left out" in caption(ax)


def test_the_scatter_takes_logarithms_when_sizes_differ_widely() -> None:
    frame = campaigns(recipients=[100, 200, 90_000], open_rate=[0.4, 0.5, 0.3])
    assert plots.campaign_scatter(frame).get_xscale() == "log"
    assert plots.campaign_scatter(frame, scale="linear").get_xscale() == "linear"
    assert plots.campaign_scatter(frame).get_xlabel() == "Recipients (log scale)"


def test_a_scale_of_logarithms_counts_people_in_whole_numbers() -> None:
    frame = campaigns(recipients=[1, 200, 900], open_rate=[0.4, 0.5, 0.3])
    assert x_labels(plots.campaign_scatter(frame)) == ["1", "3", "10", "30", "100", "300", "1,000"]


def test_points_that_stand_out_are_named_and_no_two_names_overlap() -> None:
    ax = draw(plots.campaign_scatter(campaign_summary(campaigns=60), y="click_rate"))
    named = [text for text in ax.texts if text.get_gid() == "name"]
    assert 1 <= len(named) <= 4
    boxes = [text.get_window_extent() for text in named]
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[i + 1 :])


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
        "50.0 %",
        "40.0 %",
        "5.0 %",
        "4.0 %",
        "1.10 %",
        "0.90 %",
    ]


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
    assert texts(ax, "verdict") == ["2.0 %, not at most 1 %", "40.0 %, at least 33 %"]
    assert y_labels(ax) == ["Bounce rate", "Open rate"]


def test_a_rate_at_its_benchmark_keeps_it() -> None:
    frame = pd.DataFrame({"bounce_rate": [0.01], "open_rate": [0.33]})
    assert texts(plots.deliverability(frame, benchmarks=BENCHMARKS), "verdict") == [
        "1.0 %, at most 1 %",
        "33.0 %, at least 33 %",
    ]


def test_good_and_poor_differ_in_colour_and_in_shape() -> None:
    ax = plots.deliverability(pd.DataFrame({"bounce_rate": [0.005, 0.02]}), benchmarks={"bounce_rate": 0.01})
    good, poor = map(looks, ax.collections)
    assert good["colour"] != poor["colour"]
    assert good["corners"] != poor["corners"]
    assert texts(ax, "verdict") == ["1 of 2 at most 1 %"]


def test_a_point_far_beyond_the_benchmark_stands_at_the_edge() -> None:
    ax = plots.deliverability(pd.DataFrame({"bounce_rate": [0.5]}), benchmarks={"bounce_rate": 0.01})
    assert dots(ax) == [[3.0, 0.0]]
    assert x_labels(ax) == ["0", "benchmark", "2×", "3×"]
    assert legend(ax) == ["keeps to the benchmark", "misses it", "more than 3×"]
    near = plots.deliverability(pd.DataFrame({"bounce_rate": [0.03]}), benchmarks={"bounce_rate": 0.01})
    assert legend(near) == ["keeps to the benchmark", "misses it"]


def test_a_rate_of_nobody_is_no_value() -> None:
    frame = pd.DataFrame({"bounce_rate": [np.nan], "open_rate": [0.4]})
    assert (
        texts(plots.deliverability(frame, benchmarks=BENCHMARKS), "verdict")[0]
        == "no value to be at most 1 %"
    )


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
