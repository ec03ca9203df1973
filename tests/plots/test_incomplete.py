"""Intervals that a time frame cuts, or that are not over yet: never drawn as whole, and named for what they are."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from klaviyo_analytics import plots
from tests.plots.looks import caption, legend, only_line, title, ys


def weekly(*, start: str = "2026-03-30", first: bool = True, last: bool = True) -> pd.DataFrame:
    """Four weeks, of which the first or the last may be cut."""
    when = pd.date_range(start, periods=4, freq="W-MON", tz="America/New_York")
    frame = pd.DataFrame({"datetime": when, "metric": "Placed Order", "count": [3, 90, 80, 4]})
    frame["complete"] = pd.array([first, True, True, last], dtype="boolean")
    frame.attrs["interval"] = "week"
    return frame


def beside(ax: Axes) -> list[str]:
    return [text.get_text() for text in ax.texts if text.get_gid() is None]


def hollow(ax: Axes) -> list[float]:
    return [value for line in ax.lines if line.get_gid() == "incomplete" for value in ys(line)]


def test_a_last_week_that_is_cut_is_called_incomplete_where_it_stands() -> None:
    ax = plots.metric_trend(weekly(last=False))
    assert (beside(ax), legend(ax)) == (["incomplete"], [])


def test_a_first_week_that_is_cut_is_named_in_the_legend_not_over_the_line() -> None:
    for frame in (weekly(first=False), weekly(first=False, last=False)):
        ax = plots.metric_trend(frame)
        assert (beside(ax), legend(ax)) == ([], ["incomplete week"])
        assert np.isnan(ys(only_line(ax))[0])


def test_cut_weeks_of_the_period_before_are_not_drawn_as_whole() -> None:
    before = weekly(start="2026-01-05", first=False, last=False)
    ax = plots.metric_trend(weekly(), compare=before)
    (dashed,) = (line for line in ax.lines if line.get_gid() == "compare")
    np.testing.assert_array_equal(dashed.get_ydata(), [np.nan, 90, 80, np.nan])
    assert hollow(ax) == [3, 4]
    assert legend(ax)[-1] == "incomplete week"


def test_a_whole_week_between_two_cut_ones_is_a_dot_in_the_period_before() -> None:
    before = weekly(start="2026-01-05").iloc[:3].assign(complete=[False, True, False])
    ax = plots.metric_trend(weekly(), compare=before)
    dots = [line for line in ax.lines if line.get_gid() == "compare" and line.get_marker() == "o"]
    assert [ys(line) for line in dots] == [[90]]


def test_small_multiples_explain_both_once_under_all_charts() -> None:
    def several(frame: pd.DataFrame) -> pd.DataFrame:
        return pd.concat([frame.assign(metric=name) for name in ("Opened", "Clicked")], ignore_index=True)

    figure = plots.small_multiples(
        several(weekly(first=False)), compare=several(weekly(start="2026-01-05", last=False))
    )
    assert [(legend(ax), beside(ax)) for ax in figure.axes] == [([], [])] * 2
    said = figure.get_supxlabel()
    assert "weeks beginning 30 Mar – 20 Apr 2026 (dashed: 5 Jan – 26 Jan 2026)" in said
    assert "hollow point: incomplete week" in said
    assert [hollow(ax) for ax in figure.axes] == [[4, 3]] * 2
    assert "hollow" not in plots.small_multiples(several(weekly())).get_supxlabel()


def test_the_net_change_of_a_cut_week_is_hollow_too() -> None:
    frame = weekly(first=False, last=False).assign(subscribed=[3, 9, 8, 4], unsubscribed=1, net=[2, 8, 7, 3])
    ax = plots.list_growth(frame.assign(members=100))
    (net,) = (line for line in ax.lines if line.get_label() == "net change")
    np.testing.assert_array_equal(net.get_ydata(), [np.nan, 8, 7, np.nan])
    assert hollow(ax) == [2, 3]
    assert legend(ax)[-1] == "incomplete week"


def test_dates_in_the_caption_are_of_intervals_not_of_days() -> None:
    assert "weeks beginning 30 Mar – 20 Apr 2026" in caption(plots.metric_trend(weekly()))
    assert "week beginning 30 Mar 2026" in caption(plots.metric_trend(weekly().head(1)))
    monthly = weekly().assign(datetime=pd.date_range("2025-11-01", periods=4, freq="MS", tz="UTC"))
    monthly.attrs["interval"] = "month"
    assert title(plots.metric_trend(monthly)).endswith(", Nov 2025 – Feb 2026")
    assert "· Nov 2025 – Feb 2026 ·" in caption(plots.metric_trend(monthly, title="Orders"))
    assert title(plots.metric_trend(monthly.head(1))).endswith(", Nov 2025")


def test_years_of_days_are_a_thin_line_with_a_mark_that_can_be_seen() -> None:
    days = pd.date_range("2021-01-01", periods=1_800, tz="UTC")
    frame = pd.DataFrame({"datetime": days, "count": 5, "complete": np.arange(1_800) < 1_799})
    many, few = plots.metric_trend(frame), plots.metric_trend(frame.tail(20))
    assert only_line(many).get_linewidth() < 0.6 * only_line(few).get_linewidth()
    marks = [
        line.get_markersize() for ax in (many, few) for line in ax.lines if line.get_gid() == "incomplete"
    ]
    assert marks[0] == marks[1]
    assert only_line(plots.metric_trend(frame, lw=2.5)).get_linewidth() == 2.5
