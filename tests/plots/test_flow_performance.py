"""Flows over time, also where a flow has several messages: added up where that is true, refused where not."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from klaviyo_analytics import plots
from klaviyo_analytics.errors import FrameError, NotAdditiveError
from tests.plots.looks import caption, legend, solid, title, ys


def series(**more: Any) -> pd.DataFrame:
    """Two weeks of a flow of two messages and of a flow of one, as `client.reports.flow_series` has them."""
    weeks = pd.date_range("2026-03-02", periods=2, freq="W-MON", tz="America/New_York")
    frame = pd.DataFrame({"datetime": [*weeks] * 3})
    frame["flow_id"] = ["F1"] * 4 + ["F2"] * 2
    frame["flow"] = ["Cart"] * 4 + ["Welcome"] * 2
    frame["flow_message_id"] = ["M1", "M1", "M2", "M2", "M3", "M3"]
    frame["message"] = ["One", "One", "Two", "Two", "Hello", "Hello"]
    frame["send_channel"] = ["email", "email", "sms", "sms", "email", "email"]
    frame["delivered"] = pd.array([100, 200, 50, 50, 10, 10], dtype="Int64")
    frame["opens_unique"] = pd.array([50, 20, 10, 5, 5, 4], dtype="Int64")
    frame["conversion_value"] = [10.0, 20, 1, 2, 5, 6]
    frame["currency"] = "USD"
    frame["complete"] = pd.array([True, True, True, False, True, True], dtype="boolean")
    frame.attrs = {"interval": "week", "timezone": "America/New_York"}
    return frame.assign(**more)


def drawn(ax: Any) -> dict[str, list[Any]]:
    return {name: ys(line) for name, line in solid(ax).items()}


def test_money_of_several_messages_is_added_up_by_flow() -> None:
    ax = plots.flow_performance(series(complete=True))
    assert drawn(ax) == {"Cart": [11, 22], "Welcome": [5, 6]}
    assert title(ax) == "Attributed revenue per week, 2 flows, 2 Mar – 15 Mar 2026"
    assert "in USD · all messages of a flow together · weeks beginning" in caption(ax)


def test_a_rate_is_made_of_the_sums_not_of_the_rates() -> None:
    ax = plots.flow_performance(series(complete=True, open_rate=0.9), y="open_rate")
    assert drawn(ax) == {"Cart": [60 / 150, 25 / 250], "Welcome": [0.5, 0.4]}
    assert "unique opens ÷ delivered" in caption(ax)


def test_an_interval_that_one_message_has_only_in_part_is_incomplete() -> None:
    ax = plots.flow_performance(series())
    assert legend(ax) == ["Cart", "Welcome"]
    assert "hollow: incomplete week" in caption(ax)
    (mark,) = (line for line in ax.lines if line.get_gid() == "incomplete")
    assert ys(mark) == [22]


def test_the_period_before_is_put_together_alike() -> None:
    before = series(complete=True)
    before["datetime"] -= pd.Timedelta(days=14)
    ax = plots.flow_performance(series(complete=True), compare=before)
    dashed = [ys(line) for line in ax.lines if line.get_gid() == "compare"]
    assert dashed == [[11, 22], [5, 6]]


def test_by_message_by_channel_and_all_together() -> None:
    whole = series(complete=True)
    assert drawn(plots.flow_performance(whole, hue="message"))["Two"] == [1, 2]
    assert "together" not in caption(plots.flow_performance(whole, hue="message"))
    assert drawn(plots.flow_performance(whole, hue="send_channel")) == {"Email": [15, 26], "SMS": [1, 2]}
    ax = plots.flow_performance(whole, hue=None)
    assert next(ys(line) for line in ax.lines if line.get_linestyle() == "-") == [16, 28]
    assert "all messages of all flows together" in caption(ax)


def test_a_rate_without_its_counts_says_which_to_ask_for() -> None:
    frame = series(open_rate=0.4).drop(columns="opens_unique")
    with pytest.raises(
        FrameError, match=r"flow_series\(statistics=\['opens_unique', 'delivered'\], \.\.\.\)"
    ):
        plots.flow_performance(frame, y="open_rate")


def test_what_does_not_add_up_is_refused() -> None:
    with pytest.raises(NotAdditiveError, match="'unique' counts each profile once"):
        plots.flow_performance(series(unique=3), y="unique")
    with pytest.raises(FrameError, match="'score' is not known to add up"):
        plots.flow_performance(series(score=3), y="score")
    with pytest.raises(FrameError, match="EUR and USD"):
        plots.flow_performance(series(currency=["EUR", "USD"] * 3))


def test_two_flows_of_one_name_are_not_one_flow() -> None:
    with pytest.raises(FrameError, match="several flows are called 'Cart': draw hue='flow_id'"):
        plots.flow_performance(series(flow="Cart"))
    assert set(drawn(plots.flow_performance(series(flow="Cart"), hue="flow_id"))) == {"F1", "F2"}
