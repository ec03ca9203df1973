"""What the analysis returns is what the plots draw."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from klaviyo_analytics import analysis, plots
from klaviyo_analytics.errors import FrameError
from tests.analysis.test_engines import DAILY, SUMMARY
from tests.plots.looks import caption

EMAIL = DAILY[DAILY["attributed_channel"] == "email"].drop(columns=["attributed_message", "attributed_flow"])
SUMMED = analysis.roll_up(SUMMARY, by=["flow", "message"])
JUDGED = {name: limit for name, limit in analysis.BENCHMARKS["good"].items() if name in SUMMED}

PICTURES: dict[str, Callable[[], Axes]] = {
    "resample": lambda: plots.metric_trend(analysis.resample(EMAIL, "week"), y="sum_value"),
    "revenue_split": lambda: plots.revenue_split(analysis.revenue_split(DAILY, by="datetime")),
    "list_growth": lambda: plots.list_growth(analysis.list_growth(EMAIL, EMAIL, members_before=10)),
    "list_growth, size unknown": lambda: plots.list_growth(analysis.list_growth(EMAIL, EMAIL)),
    "roll_up": lambda: plots.flow_funnel(SUMMED),
    "benchmarks": lambda: plots.deliverability(SUMMED, benchmarks=JUDGED),
    "campaign_ranking": lambda: plots.campaign_ranking(
        analysis.campaign_ranking(SUMMARY.rename(columns={"message": "campaign"})),
        by="revenue_per_recipient",
    ),
}


@pytest.fixture(autouse=True)
def _figures() -> Iterator[None]:
    mpl.use("Agg")
    yield
    plt.close("all")


@pytest.mark.parametrize("name", PICTURES)
def test_it_can_be_drawn(name: str) -> None:
    ax = PICTURES[name]()
    assert ax.has_data()


def test_channels_and_measures_are_drawn_by_the_names_that_a_reader_knows() -> None:
    channels = pd.DataFrame({"channel": ["email", "text", "unattributed"], "revenue": [3.0, 2.0, 1.0]})
    channels.attrs["analysis"] = "attribution"
    rates = pd.DataFrame({"Inbox Provider": ["Gmail"], "measure": ["open_rate"], "rate": [0.4]})
    rates.attrs["analysis"] = "deliverability_by_provider"
    drawn = [
        [label.get_text() for label in plots.auto(frame).get_yticklabels()] for frame in (channels, rates)
    ]
    assert drawn == [["Email", "Text message", "Not attributed"], ["Gmail · open rate"]]


def bars(analysis_: str, **columns: Any) -> tuple[Axes, list[str]]:
    frame = pd.DataFrame(columns)
    frame.attrs["analysis"] = analysis_
    ax = plots.auto(frame)
    return ax, [label.get_text() for label in ax.get_yticklabels()]


def test_campaigns_and_flows_are_drawn_by_name_where_one_is_known() -> None:
    _, labels = bars(
        "touch_rollup",
        campaign=["Spring", None, None, None],
        campaign_id=["C1", "C2", None, None],
        flow=[None, None, "Welcome", None],
        flow_id=[None, None, "F1", None],
        revenue=[4.0, 3.0, 2.0, 1.0],
    )
    assert labels == ["Spring", "C2", "Welcome", "Not attributed"]


def test_rates_of_one_name_are_drawn_beside_each_other_and_never_added() -> None:
    ax, labels = bars("flow_health", flow=["A", "A"], message=["#1", "#2"], change=[0.2, 0.3])
    assert labels == ["A · #1", "A · #2"]
    assert [bar.get_width() for bar in ax.containers[0]] == [0.2, 0.3]


def test_the_largest_providers_are_drawn_with_all_their_rates() -> None:
    providers = [f"Provider {number}" for number in range(10)]
    ax, labels = bars(
        "deliverability_by_provider",
        **{"Inbox Provider": [name for name in providers for _ in range(3)]},
        measure=["open_rate", "bounce_rate", "spam_rate"] * 10,
        rate=[0.4, 0.01, 0.001] * 10,
    )
    assert labels[:4] == [f"Provider 0 · {rate} rate" for rate in ("open", "bounce", "spam")] + [
        "Provider 1 · open rate"
    ]
    assert caption(ax) == "15 of 30 rows, the first"


def test_one_bar_does_not_fill_the_picture() -> None:
    ax, _ = bars("touch_rollup", campaign=["One"], revenue=[1.0])
    assert ax.patches[0].get_height() < 0.2 * np.ptp(ax.get_ylim())  # type: ignore[attr-defined]


def test_bars_of_two_currencies_are_refused() -> None:
    with pytest.raises(FrameError, match="EUR, USD"):
        bars("attribution", channel=["email", "email"], revenue=[1.0, 2.0], currency=["EUR", "USD"])
