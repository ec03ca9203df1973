"""Timeframe: what a day, a month and "the last 90 days" are, and how each endpoint is told."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta, timezone
from itertools import pairwise
from typing import Any, get_args
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from klaviyo_analytics.errors import InvalidInputError
from klaviyo_analytics.timeframe import Timeframe
from klaviyo_analytics.vocabulary import Interval, TimeframeKey

NEW_YORK = "America/New_York"
ZONES = [NEW_YORK, "UTC", "Asia/Kolkata", "Australia/Lord_Howe", "America/Santiago", "America/Havana"]
NOW = "2026-05-20T15:30"  # a Wednesday


def frame(start: Any, end: Any, zone: str = NEW_YORK) -> Timeframe:
    return Timeframe(start, end, timezone=zone)


def parse(text: Any, zone: str = NEW_YORK, now: Any = NOW) -> Timeframe:
    return Timeframe.parse(text, timezone=zone, now=now)


class TestMaking:
    @pytest.mark.parametrize(
        "start",
        [
            pytest.param("2026-04-01", id="ISO date"),
            pytest.param("2026-04-01T00:00", id="ISO time"),
            pytest.param("2026-04-01T04:00:00Z", id="ISO time in UTC"),
            pytest.param("2026-04-01T06:00:00+02:00", id="ISO time with offset"),
            pytest.param(date(2026, 4, 1), id="date"),
            pytest.param(datetime(2026, 4, 1), id="naive datetime"),  # noqa: DTZ001
            pytest.param(datetime(2026, 4, 1, 4, tzinfo=UTC), id="aware datetime"),
            pytest.param(pd.Timestamp("2026-04-01"), id="Timestamp"),
            pytest.param(pd.Timestamp("2026-04-01 04:00", tz="UTC"), id="aware Timestamp"),
            pytest.param(np.datetime64("2026-04-01"), id="datetime64[D]"),
            pytest.param(np.datetime64("2026-04-01T00:00:00.000000000"), id="datetime64[ns]"),
        ],
    )
    def test_every_kind_of_time_means_the_same_midnight(self, start: Any) -> None:
        made = frame(start, "2026-07-01")
        assert made == frame("2026-04-01", "2026-07-01")
        assert made.start == datetime(2026, 4, 1, tzinfo=ZoneInfo(NEW_YORK))
        assert type(made.start) is datetime

    @pytest.mark.parametrize(
        "zone", [NEW_YORK, ZoneInfo(NEW_YORK), pd.Timestamp("2026-04-01", tz=NEW_YORK).tzinfo]
    )
    def test_the_zone_may_be_a_name_or_an_object(self, zone: Any) -> None:
        assert Timeframe("2026-04-01", "2026-05-01", timezone=zone).timezone == NEW_YORK

    def test_the_zone_comes_with_an_aware_start(self) -> None:
        made = Timeframe(pd.Timestamp("2026-04-01", tz=NEW_YORK), "2026-05-01")
        assert made == frame("2026-04-01", "2026-05-01")
        assert Timeframe("2026-04-01T00:00Z", "2026-05-01").timezone == "UTC"

    @pytest.mark.parametrize(
        ("start", "end", "zone", "said"),
        [
            pytest.param("2026-04-01", "2026-04-01", NEW_YORK, "ends on the next", id="empty"),
            pytest.param("2026-04-02", "2026-04-01", NEW_YORK, "not after", id="backwards"),
            pytest.param("2026-04-01", "2026-05-01", None, "needs timezone=", id="no zone"),
            pytest.param("2026-04-01", "2026-05-01", "New York", "IANA name", id="no such zone"),
            pytest.param("2026-04-01", "2026-05-01", "America", "IANA name", id="half a zone"),
            pytest.param(
                "2026-04-01", "2026-05-01", timezone(timedelta(hours=-4)), "clocks change", id="offset"
            ),
            pytest.param("2026-04-01T00:00-04:00", "2026-05-01", None, "clocks change", id="own offset"),
            pytest.param("1 April", "2026-05-01", NEW_YORK, "'1 April' is not a time", id="no ISO"),
            pytest.param("2026-02-30", "2026-05-01", NEW_YORK, "is not a time", id="no such day"),
            pytest.param(pd.NaT, "2026-05-01", NEW_YORK, "is not a time", id="NaT"),
            pytest.param(np.datetime64("NaT"), "2026-05-01", NEW_YORK, "is not a time", id="numpy NaT"),
            pytest.param(1775000000, "2026-05-01", NEW_YORK, "is not a time", id="number"),
            pytest.param(None, "2026-05-01", NEW_YORK, "is not a time", id="None"),
        ],
    )
    def test_bad_input_is_refused_with_a_way_out(self, start: Any, end: Any, zone: Any, said: str) -> None:
        with pytest.raises(InvalidInputError, match=said):
            Timeframe(start, end, timezone=zone)

    def test_it_is_frozen_hashable_and_survives_copying(self) -> None:
        made = frame("2026-04-01", "2026-07-01")
        with pytest.raises(AttributeError):
            made.start = made.end  # type: ignore[misc]
        assert {made: 1}[frame("2026-04-01", "2026-07-01")] == 1
        assert pickle.loads(pickle.dumps(made)) == copy.deepcopy(made) == made
        assert made != frame("2026-04-01", "2026-07-01", "UTC")
        assert made != "2026-Q2"

    def test_the_repr_makes_it_again(self) -> None:
        for made in [
            frame("2026-04-01", "2026-07-01"),
            frame("2026-04-01T09:30", "2026-04-01T10:00"),
            frame("2026-11-01T05:30Z", "2026-11-01T06:30Z"),  # 01:30, twice
        ]:
            assert eval(repr(made), {"Timeframe": Timeframe}) == made
        assert repr(frame("2026-04-01", "2026-07-01")) == (
            "Timeframe('2026-04-01', '2026-07-01', timezone='America/New_York')"
        )

    @pytest.mark.parametrize(
        ("start", "end", "said"),
        [
            ("2026-04-01", "2026-07-01", "2026-04-01 to 2026-06-30 (America/New_York)"),
            ("2026-04-01", "2026-04-02", "2026-04-01 (America/New_York)"),
            ("2026-04-01T09:30", "2026-04-02", "2026-04-01 09:30 to 2026-04-02 00:00 (America/New_York)"),
        ],
    )
    def test_str_names_the_last_day_that_belongs_to_it(self, start: str, end: str, said: str) -> None:
        assert str(frame(start, end)) == said

    def test_it_is_imported_without_pandas(self) -> None:
        code = "import sys; import klaviyo_analytics.timeframe; sys.exit('pandas' in sys.modules)"
        assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


class TestParsing:
    @pytest.mark.parametrize(
        ("text", "start", "end"),
        [
            ("2026", "2026-01-01", "2027-01-01"),
            ("2026-Q2", "2026-04-01", "2026-07-01"),
            ("2026q4", "2026-10-01", "2027-01-01"),
            ("2026-04", "2026-04-01", "2026-05-01"),
            ("2026-04-15", "2026-04-15", "2026-04-16"),
            ("2026-04-01/2026-07-01", "2026-04-01", "2026-07-01"),
            ("today", "2026-05-20", "2026-05-21"),
            ("yesterday", "2026-05-19", "2026-05-20"),
            ("this week", "2026-05-18", "2026-05-21"),
            ("this_month", "2026-05-01", "2026-05-21"),
            ("this quarter", "2026-04-01", "2026-05-21"),
            ("this_year", "2026-01-01", "2026-05-21"),
            ("last week", "2026-05-11", "2026-05-18"),
            ("last month", "2026-04-01", "2026-05-01"),
            ("last quarter", "2026-01-01", "2026-04-01"),
            ("last_year", "2025-01-01", "2026-01-01"),
            ("last 7 days", "2026-05-13", "2026-05-20"),
            ("last 90 days", "2026-02-19", "2026-05-20"),
            ("Last-90-Days", "2026-02-19", "2026-05-20"),
            ("last 1 day", "2026-05-19", "2026-05-20"),
            ("last 4 weeks", "2026-04-20", "2026-05-18"),
            ("last_12_months", "2025-05-01", "2026-05-01"),
            ("last 3 quarters", "2025-07-01", "2026-04-01"),
            ("last 24 hours", "2026-05-19T15:00", "2026-05-20T15:00"),
        ],
    )
    def test_words(self, text: str, start: str, end: str) -> None:
        assert parse(text) == frame(start, end)

    @pytest.mark.parametrize("key", get_args(TimeframeKey))
    def test_every_key_of_the_api_is_understood(self, key: str) -> None:
        assert parse(key).end <= datetime(2026, 5, 21, tzinfo=ZoneInfo(NEW_YORK))

    def test_the_last_days_do_not_include_today(self) -> None:
        made = parse("last 30 days")
        assert made.days == 30
        assert made.is_complete(NOW)
        assert not parse("today").is_complete(NOW)

    def test_today_is_today_in_the_frames_zone(self) -> None:
        evening_in_new_york = datetime(2026, 5, 21, 1, tzinfo=UTC)
        assert parse("today", now=evening_in_new_york).start.date() == date(2026, 5, 20)
        assert parse("today", zone="Asia/Tokyo", now=evening_in_new_york).start.date() == date(2026, 5, 21)

    def test_the_clock_is_the_real_one_unless_given(self) -> None:
        before = datetime.now(UTC)
        made = Timeframe.parse("today", timezone="UTC")
        assert made.start <= datetime.now(UTC)
        assert made.end > before
        assert frame("2020-01-01", "2020-01-02").is_complete()

    def test_a_frame_is_passed_through_and_a_pair_is_made_one(self) -> None:
        made = frame("2026-04-01", "2026-07-01")
        assert Timeframe.parse(made) is made
        assert parse(("2026-04-01", "2026-07-01")) == made
        assert parse((date(2026, 4, 1), pd.Timestamp("2026-07-01"))) == made

    @pytest.mark.parametrize(
        ("value", "said"),
        [
            ("last fortnight", "'last 90 days'"),
            ("last 0 days", "is not a time frame"),
            ("", "is not a time frame"),
            ("2026-13", "not in the calendar"),
            ("2026-04-31", "not in the calendar"),
            ("2026-04-01/2026-05-01/2026-06-01", "a start and an end"),
            (("2026-04-01",), "a start and an end"),
            (90, "a start and an end"),
        ],
    )
    def test_what_it_cannot_read_it_refuses(self, value: Any, said: str) -> None:
        with pytest.raises(InvalidInputError, match=said):
            parse(value)

    def test_words_need_a_zone(self) -> None:
        with pytest.raises(InvalidInputError, match="needs timezone="):
            Timeframe.parse("last 90 days", now=NOW)


class TestNeighbours:
    @pytest.mark.parametrize(
        ("start", "end", "before"),
        [
            pytest.param("2026-04-01", "2026-05-01", "2026-03-01", id="a month"),
            pytest.param("2026-01-01", "2026-04-01", "2025-10-01", id="a quarter"),
            pytest.param("2026-01-01", "2027-01-01", "2025-01-01", id="a year"),
            pytest.param("2026-03-01", "2026-04-01", "2026-02-01", id="after a short month"),
            pytest.param("2026-05-18", "2026-05-25", "2026-05-11", id="a week"),
            pytest.param("2026-03-05", "2026-03-12", "2026-02-26", id="days over a clock change"),
            pytest.param("2026-04-02", "2026-05-01", "2026-03-04", id="29 days"),
            pytest.param("2026-04-01T06:00", "2026-04-01T18:00", "2026-03-31T18:00", id="half a day"),
        ],
    )
    def test_the_previous_period_is_as_long_in_its_own_units(self, start: str, end: str, before: str) -> None:
        assert frame(start, end).previous() == frame(before, start)

    @pytest.mark.parametrize(
        ("start", "end", "then", "until"),
        [
            pytest.param("2026-04-01", "2026-07-01", "2025-04-01", "2025-07-01", id="quarter"),
            pytest.param("2024-02-01", "2024-03-01", "2023-02-01", "2023-03-01", id="leap February"),
            pytest.param("2024-02-29", "2024-03-01", "2023-02-28", "2023-03-01", id="leap day"),
            pytest.param("2024-02-28", "2024-02-29", "2023-02-28", "2023-03-01", id="up to leap day"),
            pytest.param("2026-04-01T09:30", "2026-04-02", "2025-04-01T09:30", "2025-04-02", id="hours"),
        ],
    )
    def test_the_same_period_last_year(self, start: str, end: str, then: str, until: str) -> None:
        assert frame(start, end).same_period_last_year() == frame(then, until)


class TestClockChanges:
    @pytest.mark.parametrize(("day", "hours"), [("2026-03-08", 23), ("2026-11-01", 25), ("2026-06-01", 24)])
    def test_a_day_has_as_many_hours_as_it_has(self, day: str, hours: int) -> None:
        made = parse(day)
        assert made.duration == timedelta(hours=hours)
        assert len(made.intervals("hour")) == hours
        assert len({moment.astimezone(UTC) for moment in made.intervals("hour")}) == hours
        assert made.days == len(made.intervals("day")) == 1

    def test_a_day_whose_midnight_is_skipped_begins_at_one(self) -> None:
        day = parse("2024-09-08", zone="America/Santiago")
        assert (day.start.hour, day.duration) == (1, timedelta(hours=23))
        days = frame("2024-09-07", "2024-09-10", "America/Santiago").intervals("day")
        assert [f"{start:%d %H:%M}" for start in days] == ["07 00:00", "08 01:00", "09 00:00"]
        assert str(day) == "2024-09-08 (America/Santiago)"

    def test_a_time_in_the_gap_moves_forward(self) -> None:
        assert frame("2026-03-08T02:30", "2026-03-09").start.isoformat() == "2026-03-08T03:30:00-04:00"


class TestIntervals:
    def test_weeks_begin_on_monday_and_the_first_may_begin_before_the_frame(self) -> None:
        starts = frame("2026-04-01", "2026-04-14").intervals("week")
        assert [day.date() for day in starts] == [date(2026, 3, 30), date(2026, 4, 6), date(2026, 4, 13)]

    def test_months(self) -> None:
        starts = frame("2026-01-31", "2026-03-02").intervals("month")
        assert [day.date() for day in starts] == [date(2026, 1, 1), date(2026, 2, 1), date(2026, 3, 1)]

    def test_an_interval_is_complete_when_it_lies_inside_the_frame_and_is_over(self) -> None:
        weeks = frame("2026-04-01", "2026-04-20")
        assert weeks.complete_intervals("week", now="2026-05-01") == [False, True, True]
        assert weeks.complete_intervals("week", now="2026-04-13") == [False, True, False]
        assert weeks.complete_intervals("week", now="2026-04-12T23:59") == [False, False, False]
        assert frame("2026-04-06", "2026-04-15").complete_intervals("week", now="2027-01-01") == [True, False]

    def test_completeness_is_judged_in_real_time_not_by_the_wall_clock(self) -> None:
        hours = frame("2026-11-01", "2026-11-02").complete_intervals("hour", now="2026-11-01T05:45Z")
        assert hours == [True] + [False] * 24  # 01:45, the first time


class TestSplitting:
    def test_parts_end_on_the_interval(self) -> None:
        parts = frame("2026-01-01", "2026-06-01").split(days=60, interval="week")
        assert [str(part.start.date()) for part in parts] == ["2026-01-01", "2026-03-02", "2026-04-27"]

    def test_a_frame_that_is_short_enough_stays_whole(self) -> None:
        made = frame("2026-01-01", "2027-01-01")
        assert made.split(years=1) == made.split(days=365) == [made]
        assert len(frame("2023-07-01", "2026-07-01").split(years=1, interval="month")) == 3

    def test_a_part_too_short_for_the_interval_is_refused(self) -> None:
        with pytest.raises(InvalidInputError, match="no whole month fits"):
            frame("2026-01-01", "2026-06-01").split(days=20, interval="month")

    @pytest.mark.parametrize("limit", [{}, {"days": 0}, {"days": 7, "years": 1}, {"years": -1}])
    def test_one_limit_is_needed(self, limit: dict[str, Any]) -> None:
        with pytest.raises(InvalidInputError, match="either days= or years="):
            frame("2026-01-01", "2026-06-01").split(**limit)


class TestDialects:
    def test_aggregates_are_told_in_utc_without_an_offset(self) -> None:
        assert frame("2026-03-01", "2026-04-01").aggregate_filter() == [
            "greater-or-equal(datetime,2026-03-01T05:00:00)",
            "less-than(datetime,2026-04-01T04:00:00)",
        ]

    def test_events_are_told_in_utc_with_z(self) -> None:
        assert frame("2026-03-01T00:00:00.5", "2026-04-01").event_filter("timestamp") == (
            "greater-or-equal(timestamp,2026-03-01T05:00:00.500000Z),less-than(timestamp,2026-04-01T04:00:00Z)"
        )

    def test_reports_are_told_on_the_accounts_clock_with_the_end_included(self) -> None:
        assert frame("2026-03-01", "2026-04-01").report_body() == {
            "start": "2026-03-01T00:00:00+00:00",
            "end": "2026-03-31T23:59:59+00:00",
        }

    def test_another_zones_frame_can_be_put_on_the_accounts_clock(self) -> None:
        moved = frame("2026-03-01", "2026-03-02", "UTC").in_timezone(NEW_YORK)
        assert moved.report_body()["start"] == "2026-02-28T19:00:00+00:00"
        assert moved.duration == timedelta(days=1)

    def test_a_report_covers_a_year_and_no_more(self) -> None:
        assert parse("2024").report_body()["end"] == "2024-12-31T23:59:59+00:00"
        with pytest.raises(InvalidInputError, match="at most a year"):
            frame("2024-01-01", "2025-01-02").report_body()


@st.composite
def frames(draw: st.DrawFn) -> Timeframe:
    minutes = st.integers(0, 3 * 365 * 24 * 60)
    zone = ZoneInfo(draw(st.sampled_from(ZONES)))
    first, last = sorted((draw(minutes), draw(minutes)))
    assume(first < last)
    epoch = datetime(2024, 1, 1, tzinfo=UTC)
    return Timeframe(
        epoch + timedelta(minutes=first), epoch + timedelta(minutes=min(last, first + 60_000)), timezone=zone
    )


class TestInvariants:
    @given(frames(), st.sampled_from(get_args(Interval)))
    def test_intervals_follow_each_other_and_cover_the_frame(
        self, made: Timeframe, interval: Interval
    ) -> None:
        starts = [start.astimezone(UTC) for start in made.intervals(interval)]
        assert starts == sorted(set(starts))
        assert starts[0] <= made.start
        assert starts[-1] < made.end
        assert all(start > made.start for start in starts[1:])
        assert len(made.complete_intervals(interval, now="2030-01-01")) == len(starts)

    @given(frames(), st.integers(32, 400), st.sampled_from(get_args(Interval)))
    def test_splitting_loses_nothing_and_doubles_nothing(
        self, made: Timeframe, days: int, interval: Interval
    ) -> None:
        parts = made.split(days=days, interval=interval)
        assert (parts[0].start, parts[-1].end) == (made.start, made.end)
        assert all(one.end == other.start for one, other in pairwise(parts))
        assert all(part.duration <= timedelta(days=days, hours=1) for part in parts)
        together = [start for part in parts for start in part.intervals(interval)]
        assert together == made.intervals(interval)

    @given(frames())
    def test_the_previous_period_ends_where_this_one_begins(self, made: Timeframe) -> None:
        before = made.previous()
        assert before.end == made.start
        assert before.previous().end == before.start
