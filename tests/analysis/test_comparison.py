"""One period against another."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from klaviyo_analytics import analysis
from klaviyo_analytics.errors import FrameError, NotAdditiveError
from tests.analysis.frames import NEW_YORK, days, few, frame, records, series, shuffled, summaries


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
    assert analysis.compare_periods(then, now, check_periods=False)["complete"].tolist() == [False]
    assert analysis.compare_periods(then, then, check_periods=False)["complete"].tolist() == [True]


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
    assert "unique" not in analysis.compare_periods(daily, daily, check_periods=False).columns
    for name in ("unique", "opens_unique"):
        with pytest.raises(NotAdditiveError, match="one interval that covers each period"):
            analysis.compare_periods(daily, daily, values=name, check_periods=False)


@few
@given(series(), series(), st.integers(0, 9))
def test_differences_add_up_and_turn_round(now: pd.DataFrame, then: pd.DataFrame, seed: int) -> None:
    by = "attributed_channel"
    made = analysis.compare_periods(now, then, by=by, check_periods=False)
    mixed = analysis.compare_periods(shuffled(now, seed), shuffled(then, seed), by=by, check_periods=False)
    assert records(mixed) == records(made)
    assert made["count_difference"].sum() == now["count"].sum() - then["count"].sum()
    back = analysis.compare_periods(then, now, by=by, check_periods=False)
    assert back["count_difference"].tolist() == (-made["count_difference"]).tolist()


@few
@given(summaries())
def test_nothing_changes_against_itself(summary: pd.DataFrame) -> None:
    made = analysis.compare_periods(summary, summary)
    changes = made.filter(like="_difference").iloc[0].dropna()
    assert (changes == 0).all()


class TestPeriods:
    @pytest.mark.parametrize(
        ("now", "then"),
        [
            pytest.param(days("2026-02-01", 28), days("2026-01-01", 31), id="February with January"),
            pytest.param(days("2024-02-01", 29), days("2023-02-01", 28), id="leap year"),
            pytest.param(
                days("2026-03-05", 10), days("2026-02-23", 10), id="ten days over a change of clocks"
            ),
            pytest.param(days("2026-04-01", 91), days("2026-01-01", 90), id="quarters"),
            pytest.param(
                days("2026-03-08", 23, freq="h"), days("2026-03-07", 24, freq="h"), id="days in hours"
            ),
        ],
    )
    def test_equal_lengths_are_compared(self, now: pd.DatetimeIndex, then: pd.DatetimeIndex) -> None:
        made = analysis.compare_periods(frame(datetime=now, count=1), frame(datetime=then, count=1))
        assert made["count"].tolist() == [len(now)]

    @pytest.mark.parametrize(
        ("now", "then", "said"),
        [
            pytest.param(
                days("2026-03-01", 31), days("2026-02-01", 27), "1 month.*27 days", id="lacks a day"
            ),
            pytest.param(
                days("2026-02-01", 28), days("2025-11-01", 61), "1 month.*2 months", id="two months"
            ),
            pytest.param(days("2026-01-01", 31), days("2026-02-01", 28), "must be the later", id="order"),
            pytest.param(days("2026-01-01", 31), days("2026-01-01", 31), "must be the later", id="twice"),
            pytest.param(
                days("2026-03-02", 10, freq="h"),
                days("2026-03-01", 24, freq="h"),
                "not equally long",
                id="part",
            ),
        ],
    )
    def test_anything_else_is_refused_unless_asked_for(
        self, now: pd.DatetimeIndex, then: pd.DatetimeIndex, said: str
    ) -> None:
        frames = frame(datetime=now, count=1), frame(datetime=then, count=1)
        with pytest.raises(FrameError, match=said):
            analysis.compare_periods(*frames)
        assert analysis.compare_periods(*frames, check_periods=False)["count"].tolist() == [len(now)]

    def test_months_in_months_and_dates_of_utc_are_read_as_what_they_are(self) -> None:
        months = pd.date_range("2026-01-01", periods=4, freq="MS", tz="Europe/Berlin").tz_convert("UTC")
        now, then = frame(datetime=months[2:], count=[1, 2]), frame(datetime=months[:2], count=[3, 4])
        assert analysis.compare_periods(now, then)["count_difference"].tolist() == [-4]
        with pytest.raises(FrameError, match=r"2 months.*3 months"):
            analysis.compare_periods(
                frame(datetime=months[2:], count=[1, 2]),
                frame(datetime=months[:2].insert(0, pd.Timestamp("2025-11-30 23:00", tz="UTC")), count=1),
            )

    def test_a_summary_is_dated_by_the_time_frame_that_it_carries(self) -> None:
        now, then = frame(delivered=[10], opens_unique=[5]), frame(delivered=[10], opens_unique=[4])
        now.attrs["timeframe"] = f"2026-03-01 to 2026-03-31 ({NEW_YORK})"
        then.attrs["timeframe"] = f"2026-02-01 to 2026-02-28 ({NEW_YORK})"
        assert analysis.compare_periods(now, then)["open_rate_difference"].round(9).tolist() == [0.1]
        then.attrs["timeframe"] = f"2026-02-01 to 2026-02-27 ({NEW_YORK})"
        with pytest.raises(FrameError, match=r"2026-02-01 to 2026-02-27 \(27 days"):
            analysis.compare_periods(now, then)

    def test_equal_time_frames_may_touch_different_numbers_of_weeks(self) -> None:
        now = frame(datetime=days("2026-03-30", 6, freq="7D"), count=1)
        then = frame(datetime=days("2026-03-02", 5, freq="7D"), count=1)
        now.attrs["timeframe"] = f"2026-04-05 to 2026-05-04 ({NEW_YORK})"
        then.attrs["timeframe"] = f"2026-03-06 to 2026-04-04 ({NEW_YORK})"
        assert analysis.compare_periods(now, then)["count"].tolist() == [6]
        with pytest.raises(FrameError, match="not equally long"):
            analysis.compare_periods(now.iloc[:4], then)


def test_rows_without_visible_opens_take_their_deliveries_out_of_the_open_rate() -> None:
    now = frame(delivered=[1000, 1000], opens_unique=[400, None], clicks_unique=[20, 60])
    then = frame(delivered=[1000], opens_unique=[None], clicks_unique=[30])
    now["opens_unique"] = now["opens_unique"].astype("Int64")
    made = records(analysis.compare_periods(now, then.astype("Int64")))[0]
    assert (made["open_rate"], made["click_to_open_rate"], made["click_rate"]) == (0.4, 0.05, 0.04)
    assert (made["open_rate_previous"], made["open_rate_difference"], made["open_rate_change"]) == (None,) * 3


def test_a_change_from_a_loss_has_no_fraction() -> None:
    """From -155 to 280 is a rise, and 435 / -155 would say that it fell."""
    days_ = pd.date_range("2026-02-01", periods=3, tz="UTC")
    money = pd.DataFrame({"datetime": days_, "metric": "Refunded", "sum_value": [-10.0, 5.0, 0.0]})
    money["complete"] = pd.array([True] * 3, dtype="boolean")
    steps = analysis.period_over_period(money, "sum_value")
    assert steps["sum_value_difference"].tolist()[1:] == [15.0, -5.0]
    assert steps["sum_value_change"].isna().tolist() == [True, True, False]
    later = money.assign(datetime=days_ + pd.Timedelta(days=3), sum_value=[1.0, 2.0, 3.0])
    compared = analysis.compare_periods(later, money, values="sum_value")
    assert compared["sum_value_difference"].tolist() == [11.0]
    assert compared["sum_value_change"].isna().all()
    months = pd.concat(
        [
            money.assign(datetime=pd.date_range(f"{year}-01-01", periods=3, freq="MS", tz="UTC"))
            for year in (2025, 2026)
        ]
    )
    months["sum_value"] = [-10.0, 5.0, 0.0, 20.0, 10.0, 1.0]
    yearly = analysis.year_over_year(months, "sum_value")
    assert yearly["sum_value_change"].dropna().tolist() == [1.0]
