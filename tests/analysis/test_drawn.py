"""What the analysis returns is what the plots draw."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import matplotlib as mpl
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from klaviyo_analytics import analysis, plots
from tests.analysis.test_engines import DAILY, SUMMARY

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
