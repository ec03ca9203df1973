"""Bars and lines over time: revenue, lists and flows."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgba

from klaviyo_analytics import plots
from klaviyo_analytics.errors import FrameError
from klaviyo_analytics.plots.gallery import flow_series, list_members, revenue_by_source
from tests.plots.looks import bars, caption, draw, legend, note, solid, title, x_labels, ys


def revenue(**sources: list[float]) -> pd.DataFrame:
    months = pd.date_range(
        "2026-01-01", periods=len(next(iter(sources.values()))), freq="MS", tz="Europe/Berlin"
    )
    parts = [
        pd.DataFrame({"datetime": months, "source": name, "revenue": values})
        for name, values in sources.items()
    ]
    return pd.concat(parts, ignore_index=True).assign(currency="EUR")


def spans(ax: Axes, row: int) -> list[tuple[float, float]]:
    """Return from where to where each bar of a row goes."""
    return [(bar.get_y(), bar.get_y() + bar.get_height()) for bar in bars(ax, row)]


def test_sources_stand_on_each_other_and_reach_the_whole() -> None:
    ax = plots.revenue_split(revenue(other=[5.0, 6.0], flow=[3.0, 4.0], campaign=[1.0, 2.0]))
    assert legend(ax) == ["Campaigns", "Flows", "Not attributed"]
    assert spans(ax, 0) == [(0, 1), (0, 2)]
    assert spans(ax, 1) == [(1, 4), (2, 6)]
    assert spans(ax, 2) == [(4, 9), (6, 12)]


def test_money_paid_back_hangs_below_zero() -> None:
    ax = plots.revenue_split(revenue(campaign=[5.0], flow=[-3.0], other=[-1.0]))
    assert [spans(ax, row) for row in range(3)] == [[(0, 5)], [(0, -3)], [(-3, -4)]]
    assert ax.get_ylim()[0] < -4


def test_known_sources_look_the_same_whatever_else_is_there() -> None:
    alone, together = (
        plots.revenue_split(frame) for frame in (revenue(flow=[1.0]), revenue(campaign=[9.0], flow=[1.0]))
    )
    assert to_hex(alone.patches[0].get_facecolor()) == to_hex(together.patches[1].get_facecolor())


def test_bars_stand_apart_until_gaps_would_be_too_fine() -> None:
    few, many = (revenue_by_source(weeks=weeks) for weeks in (20, 210))
    widths = [bars(plots.revenue_split(frame), 0)[0].get_width() for frame in (few, many)]
    assert widths[0] < 6 < 6.9 < widths[1]


def test_an_incomplete_bar_is_pale_dotted_and_named() -> None:
    frame = revenue(campaign=[5.0, 1.0]).assign(complete=[True, False])
    ax = plots.revenue_split(frame)
    whole, partial = ax.patches[:2]
    assert (whole.get_linestyle(), partial.get_linestyle()) == ("solid", ":")
    assert to_rgba(partial.get_facecolor())[3] < to_rgba(whole.get_facecolor())[3]
    assert legend(ax) == ["Campaigns", "incomplete month"]


def test_a_source_that_is_missing_in_an_interval_leaves_no_hole() -> None:
    frame = revenue(campaign=[1.0, 2.0], flow=[3.0, np.nan], other=[5.0, 6.0])
    assert spans(plots.revenue_split(frame), 2) == [(4, 9), (2, 8)]


def test_many_sources_are_grey_beyond_the_eighth() -> None:
    ax = plots.revenue_split(revenue(**{f"s{number:02d}": [float(number)] for number in range(1, 12)}))
    assert legend(ax)[-1] == "+3 more"
    assert len({to_hex(bar.get_facecolor()) for bar in ax.patches}) == 9


def test_bars_of_neighbouring_intervals_do_not_touch() -> None:
    ax = plots.revenue_split(revenue_by_source())
    edges = [(bar.get_x(), bar.get_x() + bar.get_width()) for bar in bars(ax, 0)]
    assert all(end < start for (_, end), (start, _) in pairwise(edges))


def test_months_are_named_below_their_bars() -> None:
    assert x_labels(plots.revenue_split(revenue(campaign=[1.0, 2.0, 3.0]))) == ["Jan\n2026", "Feb", "Mar"]


def test_a_split_says_currency_dates_and_zone() -> None:
    ax = plots.revenue_split(revenue(campaign=[1.0, 2.0], flow=[1.0, 2.0]))
    assert caption(ax) == "Revenue per month, in EUR · time zone Europe/Berlin"
    assert title(ax) == "Revenue per month, by source, Jan – Feb 2026"
    retitled = plots.revenue_split(revenue(campaign=[1.0, 2.0]), title="Money")
    assert caption(retitled) == "Revenue per month, in EUR · Jan – Feb 2026 · time zone Europe/Berlin"


def test_a_lone_source_is_named_in_the_title_instead_of_a_legend() -> None:
    ax = plots.revenue_split(revenue(campaign=[1.0, 2.0]))
    assert title(ax) == "Revenue per month, Campaigns, Jan – Feb 2026"
    assert legend(ax) == []


def test_shares_of_each_interval_add_up_to_one_and_are_refused_where_they_mean_nothing() -> None:
    frame = revenue(campaign=[1.0, 0.0, 5.0], flow=[3.0, 0.0, -1.0])
    ax = plots.revenue_split(frame, share=True)
    heights = [[bar.get_height() for bar in bars(ax, row)] for row in range(2)]
    assert heights == [[0.25, 0, 0], [0.75, 0, 0]]
    assert ax.get_ylim() == (0, 1)
    assert "2 months without shares" in caption(ax)
    assert title(ax).startswith("Share of revenue per month")
    nothing = plots.revenue_split(revenue(campaign=[0.0]), share=True)
    assert "No shares" in note(draw(nothing))


def test_revenue_and_lists_take_annotations() -> None:
    for ax in (
        plots.revenue_split(revenue(campaign=[1.0, 2.0]), annotations={"2026-01-20": "Sale"}),
        plots.list_growth(list_members(), annotations={"2025-11-28": "Sale"}),
    ):
        assert [text.get_text() for text in ax.texts if text.get_gid() == "annotation"] == ["Sale"]


def test_a_list_grows_above_and_shrinks_below() -> None:
    frame = list_members(weeks=5)
    ax = plots.list_growth(frame)
    assert [bar.get_height() for bar in bars(ax, 0)] == frame["subscribed"].tolist()
    assert [-bar.get_height() for bar in bars(ax, 1)] == frame["unsubscribed"].tolist()
    assert ys(solid(ax)["net change"]) == frame["net"].tolist()
    assert legend(ax) == ["subscribed", "unsubscribed", "net change"]


def test_the_caption_of_a_list_says_its_size_at_both_ends() -> None:
    frame = list_members(weeks=2).assign(members=[1000, 1040])
    assert "members 1,000 → 1,040" in caption(plots.list_growth(frame))
    assert "members" not in caption(
        plots.list_growth(frame.assign(members=pd.array([pd.NA] * 2, dtype="Int64")))
    )


def test_losses_may_come_with_either_sign() -> None:
    frame = list_members(weeks=2)
    ax = plots.list_growth(frame.assign(unsubscribed=-frame["unsubscribed"]))
    assert all(bar.get_height() < 0 for bar in bars(ax, 1))


def test_a_segment_grows_as_well() -> None:
    columns = {
        "subscribed": "members_added",
        "unsubscribed": "members_removed",
        "net": "net_members_changed",
        "members": "total_members",
    }
    ax = plots.list_growth(list_members(weeks=3).rename(columns=columns))
    assert legend(ax) == ["members added", "members removed", "net change"]
    assert title(ax) == "Segment growth per week, 17 Nov – 7 Dec 2025"


def test_two_lists_in_one_frame_are_refused() -> None:
    both = pd.concat([list_members(weeks=3).assign(list=name) for name in ("A", "B")])
    with pytest.raises(FrameError, match="several rows share one 'datetime'"):
        plots.list_growth(both)


def test_a_flow_series_is_a_line_per_flow() -> None:
    frame = flow_series()
    ax = plots.flow_performance(frame, y="open_rate")
    assert sorted(solid(ax)) == sorted(frame["flow"].unique())
    assert title(ax) == "Open rate per week, 3 flows, 15 Dec 2025 – 5 Apr 2026"
    assert "Open rate per week = unique opens ÷ delivered" in caption(ax)


@pytest.mark.parametrize("rows", [0, 1])
def test_few_or_no_intervals_are_drawn_honestly(rows: int) -> None:
    for ax in (
        plots.revenue_split(revenue_by_source().head(rows)),
        plots.list_growth(list_members().head(rows)),
        plots.flow_performance(flow_series().head(rows)),
    ):
        assert note(draw(ax)) == ("" if rows else "No rows to draw")
