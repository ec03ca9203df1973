"""One period against another."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from klaviyo_analytics import analysis
from klaviyo_analytics.errors import FrameError, NotAdditiveError
from tests.analysis.frames import days, few, frame, records, series, shuffled, summaries


def test_totals_stand_beside_totals() -> None:
    march = frame(datetime=days("2026-03-01", 2), count=[30, 20], sum_value=[3.0, 2.0])
    february = frame(datetime=days("2026-02-01", 2), count=[30, 10], sum_value=[4.0, 4.0])
    assert records(analysis.compare_periods(march, february)) == [
        {
            "count": 50,
            "count_previous": 40,
            "count_difference": 10,
            "count_change": 0.25,
            "sum_value": 5.0,
            "sum_value_previous": 8.0,
            "sum_value_difference": -3.0,
            "sum_value_change": -0.375,
            "complete": True,
        }
    ]


def test_rates_are_rebuilt_on_both_sides() -> None:
    now = frame(delivered=[100, 300], opens_unique=[50, 50])
    then = frame(delivered=[100, 100], opens_unique=[100, 0])
    made = records(analysis.compare_periods(now, then, values="open_rate"))
    assert made == [
        {
            "open_rate": 0.25,
            "open_rate_previous": 0.5,
            "open_rate_difference": -0.25,
            "open_rate_change": -0.5,
            "complete": True,
        }
    ]


def test_what_only_one_period_has_is_zero_in_the_other() -> None:
    now = frame(attributed_channel=["email", None], count=[5, 1])
    then = frame(attributed_channel=["sms", None], count=[7, 1])
    made = analysis.compare_periods(now, then, by="attributed_channel")
    assert [(row["attributed_channel"], row["count"], row["count_previous"]) for row in records(made)] == [
        ("email", 5, 0),
        ("sms", 0, 7),
        (None, 1, 1),
    ]
    assert made["count_change"].isna().tolist() == [True, False, False]


def test_a_period_with_an_unfinished_interval_says_so() -> None:
    now = frame(datetime=days("2026-03-01", 2), count=[1, 1], complete=[True, False])
    then = frame(datetime=days("2026-02-01", 2), count=[1, 1], complete=[True, True])
    assert analysis.compare_periods(now, then)["complete"].tolist() == [False]
    assert analysis.compare_periods(then, now)["complete"].tolist() == [False]
    assert analysis.compare_periods(then, then)["complete"].tolist() == [True]


@pytest.mark.parametrize(
    ("now", "then", "error", "said"),
    [
        pytest.param(
            frame(sum_value=[1.0], currency=["EUR"]),
            frame(sum_value=[1.0], currency=["USD"]),
            FrameError,
            "EUR and USD",
            id="two currencies",
        ),
        pytest.param(
            frame(count=[1], metric=["Placed Order"]),
            frame(count=[1], metric=["Opened Email"]),
            FrameError,
            "Opened Email and Placed Order",
            id="two metrics",
        ),
        pytest.param(frame(count=[1]), frame(orders=[1]), FrameError, "lacks 'count'", id="another query"),
        pytest.param(frame(flow=["a"]), frame(flow=["a"]), FrameError, "values=", id="nothing to add"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    now: pd.DataFrame, then: pd.DataFrame, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        analysis.compare_periods(now, then)


def test_unique_counts_of_a_series_have_no_total() -> None:
    daily = frame(datetime=days("2026-03-01", 2), count=[1, 2], unique=[1, 2], opens_unique=[1, 2])
    assert "unique" not in analysis.compare_periods(daily, daily).columns
    for name in ("unique", "opens_unique"):
        with pytest.raises(NotAdditiveError, match="one interval that covers each period"):
            analysis.compare_periods(daily, daily, values=name)


@few
@given(series(), series(), st.integers(0, 9))
def test_differences_add_up_and_turn_round(now: pd.DataFrame, then: pd.DataFrame, seed: int) -> None:
    by = "attributed_channel"
    made = analysis.compare_periods(now, then, by=by)
    assert records(analysis.compare_periods(shuffled(now, seed), shuffled(then, seed), by=by)) == records(
        made
    )
    assert made["count_difference"].sum() == now["count"].sum() - then["count"].sum()
    back = analysis.compare_periods(then, now, by=by)
    assert back["count_difference"].tolist() == (-made["count_difference"]).tolist()


@few
@given(summaries())
def test_nothing_changes_against_itself(summary: pd.DataFrame) -> None:
    made = analysis.compare_periods(summary, summary)
    changes = made.filter(like="_difference").iloc[0].dropna()
    assert (changes == 0).all()
