"""Cutting: as few parts as allowed, no moment lost or doubled, nothing added that does not add up."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klaviyo_analytics import Timeframe
from klaviyo_analytics.errors import NotAdditiveError
from klaviyo_analytics.quota.budget import LONGEST, series_parts, values_parts
from klaviyo_analytics.vocabulary import Interval

ZONES = st.sampled_from(["America/New_York", "Europe/London", "Africa/Casablanca", "UTC"])


@st.composite
def questions(draw: st.DrawFn) -> tuple[Timeframe, Interval]:
    interval: Interval = draw(st.sampled_from(list(LONGEST)))
    start = draw(st.dates(date(2019, 1, 1), date(2025, 1, 1)))
    days = draw(st.integers(1, 4 * LONGEST[interval]))
    return Timeframe(start, start + timedelta(days=days), timezone=draw(ZONES)), interval


@given(questions())
def test_parts_of_a_series_join_exactly_and_are_as_long_as_allowed(
    question: tuple[Timeframe, Interval],
) -> None:
    frame, interval = question
    parts, starts = series_parts(frame, interval), frame.intervals(interval)
    assert (parts[0].start, parts[-1].end) == (frame.start, frame.end)
    assert all(part.days <= LONGEST[interval] for part in parts)
    for part, following in pairwise(parts):
        assert part.end == following.start
        assert part.end in starts, "an interval would be in two answers"
        ends = [*starts, frame.end][starts.index(part.end) + 1]
        longer = Timeframe(part.start, ends)
        assert longer.days > LONGEST[interval], "one interval more would have been allowed"


@pytest.mark.parametrize(
    ("interval", "words", "calls"),
    [("hour", "last 7 days", 1), ("hour", "last 8 days", 2), ("day", "last 60 days", 1), ("day", "2025", 7),
     ("week", "last 52 weeks", 1), ("week", "last 53 weeks", 2), ("month", "last 11 months", 1),
     ("month", "last 12 months", 2)],
)  # fmt: skip
def test_the_documented_lengths(interval: Interval, words: str, calls: int) -> None:
    frame = Timeframe.parse(words, timezone="America/New_York", now="2026-04-15")
    assert len(series_parts(frame, interval)) == calls


def test_a_year_of_values_is_one_call_for_whatever_is_asked() -> None:
    leap = Timeframe("2024-01-01", "2025-01-01", timezone="America/New_York")
    assert values_parts(leap, ["opens_unique", "open_rate"]) == ([leap], ("opens_unique", "open_rate"))


def test_longer_values_are_asked_for_as_counts() -> None:
    frame = Timeframe("2023-03-05", "2026-03-05", timezone="America/New_York")
    parts, asked = values_parts(frame, ["revenue_per_recipient", "recipients", "average_order_value"])
    assert len(parts) == 3
    assert asked == ("conversion_value", "recipients", "conversions")


@pytest.mark.parametrize(
    ("statistic", "reason"),
    [
        ("opens_unique", "counts each person once"),
        ("viewed_form_uniques", "counts each person once"),
        ("open_rate", "quotient"),
        ("conversion_rate", "quotient"),
        ("text_message_roi", "quotient"),
        ("submit_rate", "quotient"),
        ("total_members", "size at one moment"),
    ],
)
def test_what_does_not_add_up_is_not_added_up(statistic: str, reason: str) -> None:
    frame = Timeframe("2024-01-01", "2025-01-02", timezone="UTC")
    with pytest.raises(NotAdditiveError, match=f"'{statistic}' .*{reason}"):
        values_parts(frame, ["delivered", statistic])
