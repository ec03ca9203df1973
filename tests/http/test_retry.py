"""Whether and when to try again."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klaviyo_analytics.http.retry import Failure, RetryPolicy, retry_after

POLICY = RetryPolicy()


def delay(
    failure: Failure, *, attempt: int = 1, elapsed: float = 0.0, replay_safe: bool = True, jitter: float = 0.5
) -> float | None:
    return POLICY.delay(failure, attempt=attempt, elapsed=elapsed, replay_safe=replay_safe, jitter=jitter)


@pytest.mark.parametrize("status", [None, 429, 500, 502, 503, 504, 520, 599])
def test_what_may_pass_is_tried_again(status: int | None) -> None:
    assert delay(Failure(status)) is not None


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 410, 413, 415, 422, 501, 505])
def test_what_will_not_change_is_not(status: int) -> None:
    assert delay(Failure(status, refused=True)) is None


@pytest.mark.parametrize("status", [None, 500, 503])
def test_what_is_not_safe_to_repeat_is_repeated_only_when_nothing_was_done(status: int | None) -> None:
    assert delay(Failure(status), replay_safe=False) is None
    assert delay(Failure(status, refused=True), replay_safe=False) is not None


@given(st.floats(POLICY.base, 300), st.floats(0, 1, exclude_max=True))
def test_the_servers_wish_is_obeyed_to_the_letter(told: float, jitter: float) -> None:
    wait = delay(Failure(429, refused=True, retry_after=told), jitter=jitter)
    assert wait is None or told <= wait <= told + 0.25


@given(st.integers(1, 7), st.floats(0, 1, exclude_max=True), st.sampled_from([None, 0.0, 0.1]))
def test_without_a_wish_or_with_at_once_the_waits_double_up_to_a_cap(
    attempt: int, jitter: float, told: float | None
) -> None:
    wait = delay(Failure(503, retry_after=told), attempt=attempt, jitter=jitter)
    assert wait is not None
    full = min(60.0, 0.5 * 2 ** (attempt - 1))
    assert full / 2 <= wait <= full


def test_jitter_is_half_of_a_wait() -> None:
    assert [delay(Failure(503), attempt=3, jitter=jitter) for jitter in (0.0, 0.5, 1.0)] == [1.0, 1.5, 2.0]


def test_jitter_spreads_clients_out() -> None:
    assert len({delay(Failure(500), jitter=jitter / 10) for jitter in range(10)}) == 10


@given(st.lists(st.floats(0, 200), min_size=8, max_size=8), st.floats(0, 1, exclude_max=True))
def test_all_waits_together_keep_within_the_budget(wishes: list[float], jitter: float) -> None:
    elapsed, attempt = 0.0, 1
    while (
        wait := delay(Failure(429, True, wishes[attempt - 1]), attempt=attempt, elapsed=elapsed)
    ) is not None:
        elapsed += wait
        attempt += 1
    assert elapsed <= POLICY.budget
    assert attempt <= POLICY.attempts


def test_there_is_an_end() -> None:
    assert delay(Failure(503), attempt=POLICY.attempts - 1) is not None
    assert delay(Failure(503), attempt=POLICY.attempts) is None
    assert delay(Failure(None, refused=True), attempt=POLICY.unreached - 1) is not None
    assert delay(Failure(None, refused=True), attempt=POLICY.unreached) is None
    assert delay(Failure(None), attempt=POLICY.unreached) is not None
    assert delay(Failure(503), elapsed=POLICY.budget) is None
    assert delay(Failure(429, refused=True, retry_after=POLICY.budget + 1)) is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("3", 3.0),
        ("0", 0.0),
        (" 2.5 ", 2.5),
        ("-1", 0.0),
        ("Thu, 01 Jan 1970 00:02:00 GMT", 20.0),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
        ("", None),
        ("soon", None),
        ("inf", None),
        ("nan", None),
        ("Thu, 99 Jan 1970 00:00:00 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(text: str, seconds: float | None) -> None:
    assert retry_after({"Retry-After": text}, now=100.0) == seconds


def test_no_header_is_no_wish() -> None:
    assert retry_after({}, now=100.0) is None


@given(st.text(max_size=30))
def test_whatever_stands_there_it_is_a_number_or_nothing(text: str) -> None:
    seconds = retry_after({"Retry-After": text}, now=100.0)
    assert seconds is None or (seconds >= 0 and math.isfinite(seconds))
