"""Waiting: as long as it must be, foretold, and never past what anybody would wait."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klaviyo_analytics.endpoints import load
from klaviyo_analytics.errors import QuotaExhaustedError
from klaviyo_analytics.quota.budget import Ledger, Quota, duration_words
from tests.http.clocks import Clock

REPORT = load()["query_flow_series"]


def quota(clock: Clock, *, enforced: bool = True) -> Quota:
    return Quota(Ledger(), clock=clock, sleep=clock.sleep, enforced=enforced)


def test_two_calls_a_minute_and_one_a_second() -> None:
    clock, times = Clock(), []
    limited = quota(clock)
    for _ in range(5):
        limited.acquire("shop", REPORT)
        times.append(round(clock.now - 1_000_000, 1))
    assert times == [0, 1.1, 60.1, 61.1, 120.1]


@given(st.integers(1, 12), st.lists(st.floats(0, 90), max_size=6))
def test_it_takes_as_long_as_was_foretold(calls: int, pauses: list[float]) -> None:
    clock = Clock()
    limited = quota(clock)
    for pause in pauses:
        limited.acquire("shop", REPORT)
        clock.sleep(pause)
    foretold, begun = limited.forecast("shop", REPORT, calls), clock.now
    for foreseen in foretold.waits:
        limited.acquire("shop", REPORT)
        assert clock.now - begun == pytest.approx(foreseen)


def test_who_waits_is_told_for_how_long() -> None:
    clock, told = Clock(), list[float]()
    limited = quota(clock)
    for _ in range(3):
        limited.acquire("shop", REPORT, on_wait=told.append)
    assert [round(seconds) for seconds in told] == [1, 59]


def test_what_the_day_has_no_room_for_is_refused_before_the_first_call() -> None:
    clock = Clock()
    limited = quota(clock)
    for _ in range(220):
        limited.acquire("shop", REPORT)
    assert limited.require("shop", REPORT, 5).standing.left == 5
    with pytest.raises(
        QuotaExhaustedError, match=r"needs 6 calls, but only 5 of the 225 calls .*no request was sent"
    ):
        limited.require("shop", REPORT, 6)
    assert limited.standing("shop", REPORT).used == 220


def test_nobody_is_kept_waiting_for_tomorrow() -> None:
    clock = Clock()
    limited = quota(clock)
    for _ in range(225):
        limited.acquire("shop", REPORT)
    begun = clock.now
    with pytest.raises(QuotaExhaustedError, match="the next can be sent at 1970-01-13 13:46 UTC"):
        limited.acquire("shop", REPORT)
    assert clock.now == begun
    clock.sleep(86_400)
    limited.acquire("shop", REPORT)


def test_what_is_not_enforced_is_counted_all_the_same() -> None:
    clock = Clock()
    free = quota(clock, enforced=False)
    for _ in range(230):
        free.acquire("shop", REPORT)
    assert clock.now == 1_000_000
    assert free.standing("shop", REPORT).used == 230
    assert str(free.require("shop", REPORT, 2)) == "2 calls, at once, 0 of 225 left today"


def test_an_endpoint_without_a_daily_limit_has_none_left_to_tell() -> None:
    clock = Clock()
    standing = quota(clock).standing("shop", load()["query_metric_aggregates"])
    assert standing.limit is None
    assert standing.left is None


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "at once"), (61.2, "about 61 s"), (150, "about 2 min"), (6_700, "about 1 h 52 min")],
)
def test_times_duration_words(seconds: float, words: str) -> None:
    assert duration_words(seconds) == words


def test_a_quota_is_enforced_unless_told_otherwise() -> None:
    clock = Clock()
    limited = Quota(Ledger(), clock=clock, sleep=clock.sleep)
    for _ in range(3):
        limited.acquire("shop", REPORT)
    assert clock.slept


@pytest.mark.parametrize(("seconds", "said"), [(0.9, "at once"), (1, "about 1 s"), (9, "about 9 s")])
def test_a_wait_of_a_second_or_more_is_stated(seconds: float, said: str) -> None:
    assert duration_words(seconds) == said
