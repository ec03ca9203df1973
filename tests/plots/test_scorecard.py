"""Cards of key numbers."""

from __future__ import annotations

import pytest
from matplotlib.colors import to_hex

from klaviyo_analytics import plots
from klaviyo_analytics.errors import FrameError
from klaviyo_analytics.plots import gallery
from klaviyo_analytics.plots._style import PALETTE
from tests.plots.looks import caption, texts, title


def test_each_card_has_a_label_a_value_and_its_change() -> None:
    ax = plots.scorecard(gallery.account_numbers(), measures=("revenue", "click_rate", "conversion_rate"))
    assert texts(ax, "label") == ["Revenue", "Click rate", "Conversion rate"]
    assert texts(ax, "value") == ["$96.3k", "2.8%", "0.42%"]
    assert texts(ax, "change") == ["▲ 12.4%", "▼ 6.2%", "= 0%"]
    assert title(ax) == "The account, 1 – 31 Mar 2026"
    assert "time zone America/New_York" in caption(ax)


def test_more_complaints_are_worse_and_more_revenue_is_better() -> None:
    frame = (
        gallery.account_numbers().iloc[:2].assign(measure=["revenue", "bounce_rate"], kind="rate", change=0.1)
    )
    ax = plots.scorecard(frame, measures=("revenue", "bounce_rate"))
    assert [to_hex(patch.get_facecolor()).upper() for patch in ax.patches[1::2]] == [PALETTE[0], PALETTE[5]]


def test_a_source_or_measure_that_the_frame_lacks_is_named() -> None:
    with pytest.raises(FrameError, match=r"no source 'flow'\. It has 'all'"):
        plots.scorecard(gallery.account_numbers(), source="flow")
    with pytest.raises(FrameError, match="no measure 'bounced' of 'all'"):
        plots.scorecard(gallery.account_numbers(), measures=("bounced",))


def test_a_measure_with_several_rows_is_refused() -> None:
    frame = gallery.account_numbers().iloc[[0, 0]]
    with pytest.raises(FrameError, match="several rows"):
        plots.scorecard(frame)
