"""Days, what they are compared with, and at what interval."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from klaviyo_analytics.timeframe import Timeframe
from klaviyo_analytics.widgets import DateRangeState

ZONE = "America/New_York"


@pytest.fixture
def state() -> DateRangeState:
    # 02:00 in UTC is still the 30th of June in New York
    return DateRangeState(ZONE, now=lambda: datetime(2026, 7, 1, 2, tzinfo=UTC))


def test_a_preset_is_read_on_the_accounts_clock(state: DateRangeState) -> None:
    state.preset = "last 7 days"
    assert (state.first_day, state.last_day) == (date(2026, 6, 23), date(2026, 6, 29))
    assert state.timeframe == Timeframe("2026-06-23", "2026-06-30", timezone=ZONE)


def test_a_day_of_ones_own_makes_the_range_a_custom_one(state: DateRangeState) -> None:
    state.last_day = date(2026, 6, 15)
    assert state.preset == "custom"
    state.preset = "this month"
    assert (state.first_day, state.last_day) == (date(2026, 6, 1), date(2026, 6, 30))


def test_one_day_is_a_range(state: DateRangeState) -> None:
    state.first_day = state.last_day = date(2026, 3, 8)
    assert state.timeframe is not None
    assert state.timeframe.duration.total_seconds() == 23 * 3600  # clocks go forward
    assert state.chosen_interval == "hour"


@pytest.mark.parametrize("moment", [datetime(2026, 5, 1, 12, tzinfo=UTC), pd.Timestamp("2026-05-01")])
def test_a_moment_stands_for_its_day(state: DateRangeState, moment: datetime) -> None:
    state.first_day = moment
    assert state.problem == ""
    assert state.timeframe == Timeframe("2026-05-01", "2026-06-30", timezone=ZONE)


def test_an_end_before_the_start_is_refused_in_words_until_it_is_mended(state: DateRangeState) -> None:
    state.first_day = date(2026, 7, 5)
    assert state.problem == "The last day, 2026-06-29, is before the first, 2026-07-05."
    assert state.timeframe is None
    assert state.compared is None
    state.last_day = date(2026, 7, 6)
    assert state.problem == ""


def test_a_missing_day_is_a_problem_not_a_crash(state: DateRangeState) -> None:
    state.first_day = None
    assert "first and a last day" in state.problem
    state.first_day, state.last_day = date(2026, 1, 1), date.max
    assert "outside the calendar" in state.problem


def test_what_it_is_compared_with(state: DateRangeState) -> None:
    state.preset = "last month"
    assert state.compared is None
    state.comparison = "previous period"
    assert state.compared == Timeframe("2026-04-01", "2026-05-01", timezone=ZONE)
    state.comparison = "same period last year"
    assert state.compared == Timeframe("2025-05-01", "2025-06-01", timezone=ZONE)


def test_an_interval_that_no_longer_fits_gives_way(state: DateRangeState) -> None:
    state.interval = "week"
    state.preset = "last 7 days"
    assert state.interval == "auto"
    assert state.fitting == ("hour", "day")


@given(st.dates(date(2000, 1, 1), date(2090, 1, 1)), st.integers(0, 4000))
def test_there_is_always_an_interval_and_auto_chooses_one_that_fits(first: date, length: int) -> None:
    state = DateRangeState(ZONE, now=lambda: datetime(2026, 7, 1, tzinfo=UTC))
    state.first_day, state.last_day = first, date.fromordinal(first.toordinal() + length)
    assert state.chosen_interval in state.fitting
