"""Longer intervals by the zone's own calendar, and each interval against the one before."""

from __future__ import annotations

from typing import Literal

import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from klaviyo_analytics import analysis
from klaviyo_analytics.analysis._calendar import LongInterval
from klaviyo_analytics.errors import FrameError, InvalidInputError, NotAdditiveError
from klaviyo_analytics.timeframe import Timeframe
from tests.analysis.frames import NEW_YORK, days, few, frame, records, series, shuffled

Longer = Literal["day", "week", "month"]
longer: st.SearchStrategy[Longer] = st.sampled_from(["day", "week", "month"])


class TestResample:
    def test_days_become_weeks_that_begin_on_monday(self) -> None:
        daily = frame(datetime=days("2026-03-02", 14), count=range(14))
        weekly = analysis.resample(daily, "week")
        assert weekly["datetime"].tolist() == list(days("2026-03-02", 2, freq="7D"))
        assert weekly["count"].tolist() == [21, 70]
        assert weekly["complete"].tolist() == [True, True]

    def test_the_zone_of_the_frame_decides_what_a_day_is(self) -> None:
        evening = pd.DatetimeIndex(["2026-06-01T22:00-04:00", "2026-06-01T23:00-04:00"])
        hours = frame(datetime=evening.tz_convert(NEW_YORK), count=[1, 2])
        assert analysis.resample(hours, "day")["count"].tolist() == [3]
        in_utc = frame(datetime=evening.tz_convert("UTC"), count=[1, 2])
        assert str(analysis.resample(in_utc, "day")["datetime"].iloc[0]) == "2026-06-02 00:00:00+00:00"

    @pytest.mark.parametrize(("day", "hours"), [("2026-03-08", 23), ("2026-11-01", 25)])
    def test_a_day_on_which_clocks_change_counts_once(self, day: str, hours: int) -> None:
        hourly = frame(datetime=days(day, hours, freq="h"), count=[1] * hours)
        made = analysis.resample(hourly, "day")
        assert made["datetime"].tolist() == list(days(day, 1))
        assert (made["count"].item(), made["complete"].item()) == (hours, True)

    @pytest.mark.parametrize(
        ("zone", "first", "hours"),
        [
            pytest.param("America/Santiago", "2024-09-08T01:00", 23, id="no midnight"),
            pytest.param("America/Havana", "2024-11-03T04:00Z", 25, id="two midnights"),
        ],
    )
    def test_a_midnight_that_is_missing_or_doubled(self, zone: str, first: str, hours: int) -> None:
        start = pd.Timestamp(first)
        start = start.tz_localize(zone) if start.tz is None else start.tz_convert(zone)
        hourly = frame(datetime=pd.date_range(start, periods=hours, freq="h"), count=[1] * hours)
        made = analysis.resample(hourly, "day")
        assert made["datetime"].tolist() == [start]
        assert (made["count"].item(), made["complete"].item()) == (hours, True)

    def test_an_interval_is_complete_if_its_rows_are_and_cover_it(self) -> None:
        daily = frame(datetime=days("2026-03-04", 19), count=[1] * 19, complete=[True] * 17 + [False] * 2)
        assert analysis.resample(daily, "week")["complete"].tolist() == [False, True, False]
        assert analysis.resample(daily.iloc[5:12], "week")["complete"].tolist() == [True]
        assert analysis.resample(daily.drop(columns="complete").iloc[5:11], "week")["complete"].tolist() == [
            False
        ]

    def test_a_series_without_a_quiet_day_is_as_complete_as_the_others(self) -> None:
        daily = frame(
            datetime=days("2026-03-02", 7).append(days("2026-03-02", 3)),
            metric=["busy"] * 7 + ["quiet"] * 3,
            count=[1] * 10,
        )
        assert analysis.resample(daily, "week")["complete"].tolist() == [True, True]

    def test_text_tells_series_apart_and_other_numbers_are_left_out(self) -> None:
        daily = frame(
            datetime=days("2026-03-02", 2).repeat(2),
            metric=["Placed Order"] * 4,
            attributed_channel=["email", None] * 2,
            count=[1, 2, 3, 4],
            unique=[1, 1, 1, 1],
        )
        made = analysis.resample(daily, "week")
        assert list(made.columns) == ["datetime", "metric", "attributed_channel", "count", "complete"]
        assert [(row["attributed_channel"], row["count"]) for row in records(made)] == [
            ("email", 4),
            (None, 6),
        ]

    def test_what_the_frame_knew_goes_along_and_its_interval_is_new(self) -> None:
        daily = frame(datetime=days("2026-03-02", 7), sum_value=[1.0] * 7)
        daily.attrs = {"currency": "EUR", "interval": "day"}
        assert analysis.resample(daily, "week").attrs == {"currency": "EUR", "interval": "week"}
        assert daily.attrs["interval"] == "day"

    @pytest.mark.parametrize(
        ("sum_of", "said"),
        [
            ("unique", r"'unique' counts each.*query\(metric, measurements=\['unique'\], interval='week'"),
            (["count", "opens_unique"], r"'opens_unique'.*reports.flow_series\(..., interval='week'\)"),
            ("open_rate", "quotient.*add up 'opens_unique' and 'delivered'.*analysis.rates"),
        ],
    )
    def test_what_does_not_add_up_is_refused_with_the_query_that_answers(
        self, sum_of: list[str] | str, said: str
    ) -> None:
        daily = frame(
            datetime=days("2026-03-02", 2),
            count=[1, 2],
            unique=[1, 2],
            opens_unique=[1, 2],
            open_rate=[0.1, 0.2],
        )
        with pytest.raises(NotAdditiveError, match=said):
            analysis.resample(daily, "week", sum_of=sum_of)

    def test_money_in_two_currencies_stays_apart(self) -> None:
        daily = frame(datetime=days("2026-03-02", 2), value_currency=["EUR", "USD"], sum_value=[1.0, 2.0])
        assert analysis.resample(daily, "week")["sum_value"].tolist() == [1.0, 2.0]

    def test_shorter_or_straddling_intervals_are_refused(self) -> None:
        weekly = frame(datetime=days("2026-03-02", 4, freq="7D"), count=[1] * 4)
        with pytest.raises(FrameError, match="cannot be cut into days"):
            analysis.resample(weekly, "day")
        with pytest.raises(FrameError, match="a week can lie in two months"):
            analysis.resample(weekly, "month")
        assert analysis.resample(weekly, "week")["count"].tolist() == [1] * 4

    def test_the_interval_of_a_single_row_can_be_told(self) -> None:
        one = frame(datetime=days("2026-03-01", 1), count=[5])
        assert analysis.resample(one, "month", source="day")["complete"].tolist() == [False]
        assert analysis.resample(one, "month", source="month")["complete"].tolist() == [True]

    @pytest.mark.parametrize(
        ("columns", "options", "said"),
        [
            ({"day": [1]}, {}, "lacks 'datetime'"),
            (
                {"datetime": pd.date_range("2026-03-02", periods=2), "count": [1, 2]},
                {},
                "its time zone decides",
            ),
            ({"datetime": ["2026-03-02"], "count": [1]}, {}, "is String, and its time zone"),
            ({"datetime": days("2026-03-02", 2), "unique": [1, 2]}, {}, "known to add up over time"),
            ({"datetime": days("2026-03-02", 2), "count": [1, 2]}, {"sum_of": "orders"}, "lacks 'orders'"),
            ({"datetime": days("2026-03-02", 2), "count": ["1", "2"]}, {}, "numbers are needed"),
        ],
    )
    def test_frames_that_are_no_aggregates_are_refused(
        self, columns: dict[str, object], options: dict[str, str], said: str
    ) -> None:
        with pytest.raises(FrameError, match=said):
            analysis.resample(frame(**columns), "week", **options)  # type: ignore[arg-type]

    def test_an_interval_that_the_api_does_not_know_is_refused(self) -> None:
        with pytest.raises(InvalidInputError, match="'fortnight' is not one of"):
            analysis.resample(frame(datetime=days("2026-03-02", 2), count=[1, 2]), "fortnight")  # type: ignore[arg-type]

    def test_an_empty_frame_stays_one_with_the_same_columns(self) -> None:
        daily = frame(datetime=days("2026-03-02", 2), metric=["a", "a"], count=[1, 2])
        empty, full = analysis.resample(daily.iloc[:0], "week"), analysis.resample(daily, "week")
        assert len(empty) == 0
        assert empty.dtypes.to_dict() == full.dtypes.to_dict()

    @few
    @given(series(), longer, st.integers(0, 9))
    def test_parts_sum_to_the_whole_in_any_order(
        self, given_: pd.DataFrame, interval: Longer, seed: int
    ) -> None:
        made = analysis.resample(given_, interval, source="hour")
        assert made["count"].sum() == given_["count"].sum()
        assert made["sum_value"].sum() == given_["sum_value"].sum()
        assert records(analysis.resample(shuffled(given_, seed), interval, source="hour")) == records(made)

    @few
    @given(series(), longer)
    def test_starts_and_completeness_are_those_of_the_time_frame(
        self, given_: pd.DataFrame, interval: Longer
    ) -> None:
        times = given_["datetime"].drop_duplicates()
        assume(len(times) > 1)
        hourly = times.diff().min() < pd.Timedelta(hours=2)
        zone = str(given_["datetime"].dt.tz)
        end = times.max() + pd.Timedelta(hours=1)
        if not hourly:
            end = Timeframe.parse(str(times.max().date()), timezone=zone).end
        covered = Timeframe(times.min(), end, timezone=zone)
        made = analysis.resample(given_, interval).drop_duplicates("datetime")
        assert made["datetime"].tolist() == [pd.Timestamp(start) for start in covered.intervals(interval)]
        assert made["complete"].tolist() == covered.complete_intervals(interval, now="2030-01-01")

    @few
    @given(series(), st.data())
    def test_splitting_the_range_between_intervals_changes_nothing(
        self, given_: pd.DataFrame, data: st.DataObject
    ) -> None:
        whole = analysis.resample(given_, "day", source="hour")
        cut = data.draw(st.sampled_from(sorted(whole["datetime"].unique())))
        before, after = given_[given_["datetime"] < cut], given_[given_["datetime"] >= cut]
        parts = [analysis.resample(part, "day", source="hour") for part in (before, after) if len(part)]
        counts = ["datetime", "attributed_channel", "count", "sum_value"]
        assert records(pd.concat(parts)[counts]) == records(whole[counts])


class TestPeriodOverPeriod:
    def test_each_interval_stands_beside_the_one_before(self) -> None:
        weekly = frame(
            datetime=days("2026-03-02", 3, freq="7D").repeat(2),
            attributed_channel=["email", None] * 3,
            count=[10, 1, 20, 0, 5, 3],
        )
        made = analysis.period_over_period(weekly, "count")
        assert [
            (row["attributed_channel"], row["count_previous"], row["count_difference"], row["count_change"])
            for row in records(made)
        ] == [
            ("email", None, None, None),
            (None, None, None, None),
            ("email", 10, 10, 1.0),
            (None, 1, -1, -1.0),
            ("email", 20, -15, -0.75),
            (None, 0, 3, None),
        ]

    def test_a_lag_goes_further_back(self) -> None:
        daily = frame(datetime=days("2026-03-01", 9), count=range(9))
        made = analysis.period_over_period(daily, ["count"], lag=7)
        assert made["count_previous"].dropna().tolist() == [0, 1]

    def test_unfinished_intervals_show_no_fall_and_no_recovery(self) -> None:
        daily = frame(datetime=days("2026-03-01", 3), count=[10, 2, 10], complete=[True, False, True])
        made = analysis.period_over_period(daily, "count")
        assert made["count_previous"].tolist()[1:] == [10, 2]
        assert made["count_change"].isna().all()

    def test_a_series_that_has_ended_gets_no_row_of_its_own(self) -> None:
        weekly = frame(
            datetime=days("2026-03-02", 2, freq="7D").append(days("2026-03-02", 1)),
            channel=["email", "email", "sms"],
            count=[1, 2, 3],
        )
        assert len(analysis.period_over_period(weekly, "count")) == 3

    def test_unique_counts_and_rates_may_be_compared(self) -> None:
        daily = frame(datetime=days("2026-03-01", 2), unique=[4, 5], open_rate=[0.5, 0.25])
        made = analysis.period_over_period(daily, ["unique", "open_rate"])
        assert made[["unique_change", "open_rate_change"]].iloc[1].tolist() == [0.25, -0.5]

    def test_rows_that_are_not_told_apart_are_refused(self) -> None:
        twice = frame(datetime=days("2026-03-01", 1).repeat(2), channel=["a", "b"], count=[1, 2])
        with pytest.raises(FrameError, match="several rows have the same 'datetime'"):
            analysis.period_over_period(twice, "count", by=[])
        with pytest.raises(InvalidInputError, match="lag=0"):
            analysis.period_over_period(twice, "count", lag=0)


class TestParts:
    """An interval is complete only if every part of it is there."""

    @pytest.mark.parametrize(
        ("zone", "first", "last", "freq", "longer"),
        [
            (NEW_YORK, "2026-03-02", "2026-03-08", "D", "week"),
            (NEW_YORK, "2026-03-01", "2026-03-31", "D", "month"),
            ("Europe/Berlin", "2026-10-25 00:00", "2026-10-25 23:00", "h", "day"),
            ("America/Santiago", "2026-08-01", "2026-08-31", "D", "month"),
            ("UTC", "2026-01-01", "2026-03-31", "D", "quarter"),
            ("Asia/Kolkata", "2026-01-01", "2026-12-01", "MS", "year"),
            ("Asia/Kolkata", "2026-04-01", "2026-06-01", "MS", "quarter"),
        ],
    )
    def test_one_missing_row_is_seen(
        self, zone: str, first: str, last: str, freq: str, longer: LongInterval
    ) -> None:
        start, end = (pd.Timestamp(one).tz_localize(zone) for one in (first, last))
        when = pd.date_range(start, end, freq=freq)
        rows = frame(datetime=when, count=[1] * len(when))
        shorter: dict[str, LongInterval] = {"D": "day", "h": "hour", "MS": "month"}
        source = shorter[freq]
        made = analysis.resample(rows, longer)
        assert (made["count"].tolist(), made["complete"].tolist()) == ([len(when)], [True])
        for missing in (0, len(when) // 2, len(when) - 1):
            fewer = analysis.resample(rows.drop(index=missing), longer, source=source)
            assert fewer["complete"].tolist() == [False], missing

    def test_either_of_two_equal_hours_may_be_missing(self) -> None:
        when = pd.date_range("2026-11-01", periods=25, freq="h", tz=NEW_YORK)
        for missing in (1, 2):
            rows = frame(datetime=when.delete(missing), count=1)
            assert analysis.resample(rows, "day")["complete"].tolist() == [False]

    @pytest.mark.parametrize("day", ["2026-04-05", "2026-10-04"])
    def test_a_clock_that_changes_by_half_an_hour(self, day: str) -> None:
        hours = Timeframe.parse(day, timezone="Australia/Lord_Howe").intervals("hour")
        when = pd.DatetimeIndex([pd.Timestamp(one) for one in hours])
        assert analysis.resample(frame(datetime=when, count=1), "day")["complete"].tolist() == [True]
        assert analysis.resample(frame(datetime=when.delete(5), count=1), "day")["complete"].tolist() == [
            False
        ]

    def test_rows_two_days_apart_are_not_weeks(self) -> None:
        rows = frame(datetime=days("2026-03-02", 8, freq="2D", zone="UTC"), count=1)
        with pytest.raises(FrameError, match=r"2 days.*apart"):
            analysis.resample(rows, "week")
        assert analysis.resample(rows, "week", source="day")["complete"].tolist() == [False] * 3

    def test_quarters_and_years_are_sums_and_unique_has_none(self) -> None:
        rows = frame(datetime=days("2025-01-01", 730), count=1, unique=1)
        assert analysis.resample(rows, "quarter")["count"].tolist() == [90, 91, 92, 92] * 2
        assert analysis.resample(rows, "year")["count"].tolist() == [365, 365]
        with pytest.raises(NotAdditiveError, match="no query has intervals of a quarter"):
            analysis.resample(rows, "quarter", sum_of="unique")

    def test_days_dated_in_utc_fall_into_the_months_of_their_own_zone(self) -> None:
        for zone in ("Europe/Berlin", NEW_YORK, "Asia/Tokyo"):
            rows = frame(datetime=days("2026-02-01", 89, zone=zone), count=1)
            ours = analysis.resample(rows, "month")
            theirs = analysis.resample(rows.assign(datetime=rows["datetime"].dt.tz_convert("UTC")), "month")
            assert theirs["count"].tolist() == ours["count"].tolist() == [28, 31, 30]
            assert theirs["datetime"].tolist() == ours["datetime"].tolist()

    def test_period_over_period_knows_the_calendar(self) -> None:
        rows = frame(datetime=days("2026-03-01", 10), count=range(10)).drop(index=[4])
        before = analysis.period_over_period(rows, "count")["count_previous"]
        assert [None if pd.isna(one) else one for one in before] == [None, 0, 1, 2, None, 5, 6, 7, 8]
        months = frame(datetime=days("2025-11-01", 6, freq="MS"), count=range(6)).drop(index=[2])
        before = analysis.period_over_period(months, "count", lag=2)["count_previous"]
        assert [None if pd.isna(one) else one for one in before] == [None, None, 1, None, 3]


def test_text_is_refused_with_advice_that_works() -> None:
    when = days("2026-03-07", 3)
    rows = frame(datetime=when.astype(str), count=1)
    with pytest.raises(FrameError, match="'datetime' is String") as caught:
        analysis.resample(rows, "week")
    advice = str(caught.value).partition("Set it to ")[2].partition(", with the account")[0]
    assert eval(advice, {"pd": pd, "frame": rows}).tolist() == when.tolist()
