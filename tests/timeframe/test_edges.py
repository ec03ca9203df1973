"""Time frames where clocks, calendars and newcomers are odd."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

import klaviyo_analytics as ka
from klaviyo_analytics import Timeframe
from klaviyo_analytics.errors import InvalidInputError

LORD_HOWE = "Australia/Lord_Howe"  # changes its clocks by half an hour


def test_words_alone_are_sent_to_parse() -> None:
    with pytest.raises(InvalidInputError, match=r"Timeframe\.parse\('last 30 days'\) reads words"):
        Timeframe("last 30 days", timezone="UTC")


def test_words_as_a_start_are_sent_there_too() -> None:
    with pytest.raises(InvalidInputError, match=r"'last 30 days' is not a time.*Timeframe\.parse"):
        Timeframe("last 30 days", "2026-01-01", timezone="UTC")


@pytest.mark.parametrize(
    ("day", "end", "labels", "minutes"),
    [
        pytest.param(
            "2026-10-04", "2026-10-05", ["00:00", "01:00", "02:30", "03:00"], [60, 60, 30], id="forward"
        ),
        pytest.param(
            "2026-04-05", "2026-04-06", ["00:00", "01:00", "02:00", "03:00"], [60, 90, 60], id="back"
        ),
    ],
)
def test_hours_begin_on_the_hour_where_clocks_change_by_half_of_one(
    day: str, end: str, labels: list[str], minutes: list[int]
) -> None:
    made = Timeframe(day, end, timezone=LORD_HOWE)
    hours = made.intervals("hour")
    assert [f"{hour:%H:%M}" for hour in hours[:4]] == labels
    assert {hour.minute for hour in hours[3:]} == {0}
    lengths = [last.astimezone(UTC) - first.astimezone(UTC) for first, last in pairwise(hours)]
    assert lengths[:3] == [timedelta(minutes=length) for length in minutes]
    assert len(hours) == 24
    assert all(made.complete_intervals("hour", now="2030-01-01"))
    parsed = Timeframe.parse("last 5 hours", timezone=LORD_HOWE, now=f"{day}T05:10")
    assert (parsed.start.minute, parsed.end.minute) == (0, 0)


@given(st.sampled_from(sorted(available_timezones())), st.dates(date(1900, 1, 1), date(2037, 1, 1)))
def test_hours_go_on_and_join_in_every_zone_at_all_times(zone: str, day: date) -> None:
    made = Timeframe(day, day + timedelta(days=2), timezone=zone)
    hours = [hour.astimezone(UTC) for hour in made.intervals("hour")]
    assert hours[0] <= made.start.astimezone(UTC)
    assert made.end.astimezone(UTC) - timedelta(hours=3) <= hours[-1] < made.end.astimezone(UTC)
    assert all(first < last <= first + timedelta(hours=3) for first, last in pairwise(hours))


def test_the_hour_that_comes_twice_elsewhere_is_two() -> None:
    assert len(Timeframe("2025-11-02", "2025-11-03", timezone="America/New_York").intervals("hour")) == 25


@pytest.mark.parametrize(
    ("start", "end", "days"), [("2024-01-01", "2025-01-01", 366), ("2023-03-01", "2024-03-01", 366)]
)
def test_a_year_with_29_february_is_one_part_and_one_report(start: str, end: str, days: int) -> None:
    made = Timeframe(start, end, timezone="UTC")
    assert made.days == days
    assert made.split(years=1) == [made]
    assert made.report_body()["start"].startswith(start)


class TestFiveYears:
    """Metric aggregates begin at most five years ago, as documented."""

    @staticmethod
    def client(now: datetime) -> ka.KlaviyoClient:
        client = ka.connect(api_key="pk_0123456789", base_url="http://127.0.0.1:9")
        client._context.now = lambda: now
        return client

    def test_an_older_start_is_refused_before_anything_is_sent(self) -> None:
        with self.client(datetime(2026, 5, 21, 12, tzinfo=UTC)) as client:
            for start in ("2021-05-21", "2019-01-01"):
                frame = Timeframe(start, "2026-01-01", timezone="UTC")
                with pytest.raises(InvalidInputError, match=r"more than 5 years ago.*begin on 2021-05-22 or"):
                    client.metric_aggregates.query("Placed Order", timeframe=frame)

    def test_a_younger_one_is_asked_for(self) -> None:
        frame = Timeframe("2021-05-22", "2026-01-01", timezone="UTC")
        with self.client(datetime(2026, 5, 21, 12, tzinfo=UTC)) as client:
            client._api.transport._sleep = lambda _: None
            with pytest.raises(ka.errors.ConnectionFailedError):
                client.metric_aggregates.query("Placed Order", timeframe=frame)


@pytest.mark.parametrize(
    ("zone", "start", "end"),
    [
        ("America/New_York", "2026-11-01T01:30-04:00", "2026-11-01T01:10-05:00"),
        ("America/New_York", "2026-11-01T01:00-05:00", "2026-11-01T02:00-05:00"),
        ("America/New_York", "2026-11-01T00:00-04:00", "2026-11-01T01:00-05:00"),
        ("America/Havana", "2026-11-01T00:00-05:00", "2026-11-02T00:00-05:00"),
    ],
)
def test_a_report_inside_an_hour_that_comes_twice_is_refused(zone: str, start: str, end: str) -> None:
    with pytest.raises(InvalidInputError, match="inside an hour that clocks in"):
        Timeframe(start, end, timezone=zone).report_body()


@pytest.mark.parametrize(
    ("zone", "start", "end"),
    [
        ("America/New_York", "2026-11-01T01:00-04:00", "2026-11-01T02:00-05:00"),
        ("America/Havana", "2026-11-01T00:00-04:00", "2026-11-02T00:00-05:00"),
        ("Australia/Lord_Howe", "2026-04-05T00:00+11:00", "2026-04-06T00:00+10:30"),
    ],
)
def test_a_report_around_both_hours_is_sent(zone: str, start: str, end: str) -> None:
    body = Timeframe(start, end, timezone=zone).report_body()
    assert body["start"] < body["end"]
