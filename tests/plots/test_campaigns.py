"""Rankings and scatter: campaigns beside each other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from klaviyo_analytics import analysis, plots
from klaviyo_analytics.errors import FrameError
from klaviyo_analytics.plots.gallery import campaign_summary
from tests.plots.looks import bars, caption, dots, draw, legend, marks, texts, title, x_labels, y_labels


def campaigns(**columns: Sequence[object]) -> pd.DataFrame:
    count = len(next(iter(columns.values())))
    return pd.DataFrame({"campaign": [f"Campaign {chr(65 + row)}" for row in range(count)], **columns})


def widths(ax: Axes) -> list[float]:
    return [bar.get_width() for bar in ax.patches if isinstance(bar, Rectangle)]


def test_the_largest_stand_on_top() -> None:
    ax = plots.campaign_ranking(campaigns(conversion_value=[10.0, 30.0, 20.0]), top=2)
    assert y_labels(ax) == ["Campaign B", "Campaign C"]
    assert widths(ax) == [30.0, 20.0]
    low, high = ax.get_ylim()
    assert low > high


def test_each_bar_says_its_value_and_the_size_that_it_rests_on() -> None:
    ax = plots.campaign_ranking(campaigns(click_rate=[0.02, 0.034], delivered=[900, 18_000]), by="click_rate")
    assert texts(ax, "value") == ["3.4%", "2.0%"]
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
    ranking = analysis.campaign_ranking(frame, by="open_rate", minimum_recipients=100)
    said = caption(plots.campaign_ranking(ranking, by="open_rate"))
    assert "2 of 5 campaigns" in said
    assert "2 with fewer than 100 recipients left out" in said
    assert "1 without a value left out" in said
    other = caption(plots.campaign_ranking(ranking, by="recipients"))
    assert "1 without open rate left out" in other
    best = analysis.campaign_ranking(frame, by="open_rate", top=1)
    assert title(plots.campaign_ranking(best, by="open_rate")) == "Top 1 campaign by open rate"
    cut = caption(plots.campaign_ranking(ranking.head(1), by="open_rate"))
    assert "1 of 1 campaign" in cut, "what was cut since is not known"
    assert "fewer" not in cut


def test_money_without_a_currency_says_so() -> None:
    frame = campaigns(conversion_value=[1.0, 2.0], recipients=[1, 2])
    assert "currency not stated" in caption(plots.campaign_ranking(frame))
    assert "currency not stated" in caption(plots.campaign_scatter(frame, y="conversion_value"))
    assert "currency" not in caption(plots.campaign_ranking(frame, by="recipients"))


def test_groups_of_points_differ_in_shape_as_well_and_the_legend_shows_both() -> None:
    frame = campaigns(recipients=[1, 2, 3], open_rate=[0.1, 0.2, 0.3], channel=["sms", "email", "sms"])
    ax = plots.campaign_scatter(frame, hue="channel")
    email, sms = map(marks, ax.collections)
    assert email["colour"] != sms["colour"]
    assert email["corners"] != sms["corners"]
    shown = ax.get_legend()
    assert shown is not None
    assert len({handle.get_marker() for handle in shown.legend_handles if isinstance(handle, Line2D)}) == 2
    assert legend(ax) == ["Email", "SMS"]


def test_hundreds_of_groups_share_one_grey_and_are_drawn_in_a_few_strokes() -> None:
    count = 400
    frame = campaigns(recipients=range(1, count + 1), open_rate=[0.3] * count)
    frame["campaign"] = [f"Campaign {row}" for row in range(count)]
    ax = plots.campaign_scatter(frame, hue="campaign")
    assert len(ax.collections) == 9
    assert len(dots(ax)) == count
    assert legend(ax)[-1] == "+392 more"


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


def test_who_has_no_variation_is_not_called_none() -> None:
    frame = campaigns(conversion_value=[2.0, 1.0]).assign(
        variation_name=pd.Series([None, "A"], dtype="string")
    )
    assert y_labels(plots.campaign_ranking(frame)) == ["Campaign A", "Campaign B · A"]


def test_hue_colours_the_bars_and_the_legend_names_them() -> None:
    frame = campaigns(conversion_value=[3.0, 2.0, 1.0], channel=["sms", "email", "sms"])
    ax = plots.campaign_ranking(frame, hue="channel")
    colours = [to_hex(bar.get_facecolor()) for bar in ax.patches]
    assert colours[0] == colours[2] != colours[1]
    assert legend(ax) == ["Email", "SMS"]


def test_sixty_campaigns_get_a_taller_figure() -> None:
    frame = campaign_summary(campaigns=60)
    tall, usual = (plots.campaign_ranking(frame, top=top).figure for top in (60, 10))
    assert tall.bbox.height > 2 * usual.bbox.height


def test_a_summary_in_two_currencies_is_ranked_by_clicks_but_not_by_money() -> None:
    frame = campaigns(conversion_value=[1.0, 2.0], clicks=[1, 2], currency=["USD", "EUR"])
    plots.campaign_ranking(frame, by="clicks")
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
