"""Pacing: never more than the windows allow in any sliding window, whoever asks and from how many threads."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klaviyo_analytics import endpoints
from klaviyo_analytics.errors import QuotaExhaustedError
from klaviyo_analytics.http import http1
from klaviyo_analytics.http.rate_limits import Bucket, Pacer, reset_wait
from klaviyo_analytics.http.session import Call
from tests.http.clocks import Clock, SharedClock
from tests.http.scripted_server import ScriptedServer
from tests.http.senders import transport

SMALL = Bucket("small", ((3, 1), (10, 60)))
GATEWAY = Bucket("the gateway", ((10, 1),))


def most_in_a_window(moments: Sequence[float], seconds: float) -> int:
    """The largest number of requests in any window of so many seconds, wherever it begins."""
    moments = sorted(moments)
    return max(sum(start <= moment < start + seconds for moment in moments) for start in moments)


def assert_within(moments: Sequence[float], bucket: Bucket) -> None:
    for requests, seconds in bucket.windows:
        assert most_in_a_window(moments, seconds) <= requests


def pacer(clock: Clock, patience: float = 300.0) -> Pacer:
    return Pacer(clock=clock, sleep=clock.sleep, patience=patience)


def take(paced: Pacer, clock: Clock, buckets: Sequence[Bucket], count: int) -> list[float]:
    moments = []
    for _ in range(count):
        paced.acquire(buckets)
        moments.append(clock.now)
    return moments


def test_as_fast_as_allowed_and_no_faster() -> None:
    clock = Clock(0.0)
    moments = take(pacer(clock), clock, [SMALL], 25)
    assert_within(moments, SMALL)
    assert moments[:3] == [0, 0, 0]
    assert 1.0 < moments[3] < 1.1
    assert 60.0 < moments[10] < 60.2
    assert 120.0 < moments[20] < 120.4


def test_the_tightest_of_several_buckets_decides() -> None:
    clock = Clock()
    moments = take(pacer(clock), clock, [SMALL, GATEWAY], 12)
    assert_within(moments, SMALL)


def test_a_shared_bucket_counts_the_requests_of_all() -> None:
    clock = Clock()
    paced = pacer(clock)
    large = Bucket("large", ((75, 1), (700, 60)))
    moments = [m for _ in range(15) for b in (SMALL, large) for m in take(paced, clock, [b, GATEWAY], 1)]
    assert_within(moments, GATEWAY)


def test_what_is_refused_by_one_bucket_is_counted_in_none() -> None:
    clock = Clock()
    paced = pacer(clock)
    take(paced, clock, [SMALL], 3)
    blocked = Pacer(clock=clock, sleep=clock.sleep, patience=0.0)
    blocked._counts = paced._counts
    with pytest.raises(QuotaExhaustedError):
        blocked.acquire([GATEWAY, SMALL])
    assert take(paced, clock, [GATEWAY], 10) == [clock.now] * 10


@given(
    st.lists(st.tuples(st.integers(1, 4), st.sampled_from([1, 5, 60])), min_size=1, max_size=3),
    st.lists(st.floats(0, 3), min_size=1, max_size=40),
)
def test_no_sliding_window_is_overfull(windows: list[tuple[int, int]], pauses: list[float]) -> None:
    clock, bucket = Clock(0.0), Bucket("b", tuple(windows))
    paced, moments = pacer(clock), []
    for pause in pauses:
        clock.now += pause
        moments += take(paced, clock, [bucket], 1)
    assert_within(moments, bucket)


@pytest.mark.parametrize("threads", [2, 8])
def test_threads_share_the_windows(threads: int) -> None:
    clock = SharedClock(threads)
    paced = Pacer(clock=clock, sleep=clock.sleep)
    moments: list[float] = []

    def work() -> None:
        for _ in range(40 // threads):
            paced.acquire([SMALL, GATEWAY])
            moments.append(clock.now)
        clock.leave()

    workers = [threading.Thread(target=work, daemon=True) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=60)
    assert len(moments) == 40
    assert_within(moments, SMALL)
    assert max(moments) < 3 * 62  # forty at ten a minute, and no longer


def test_a_request_counts_from_when_it_was_written() -> None:
    clock = Clock(0.0)
    paced = pacer(clock)
    first = [paced.acquire([SMALL, GATEWAY]) for _ in range(3)]
    clock.now = 0.7  # connecting took so long
    for counted in first:
        paced.written([SMALL, GATEWAY], counted)
    assert 1.7 < paced.acquire([SMALL, GATEWAY]) < 1.75


@given(st.lists(st.tuples(st.floats(0, 2), st.floats(0, 0.9)), min_size=1, max_size=40))
def test_no_window_of_written_requests_is_overfull(steps: list[tuple[float, float]]) -> None:
    clock = Clock(0.0)
    paced, moments = pacer(clock), []
    for pause, connecting in steps:
        clock.now += pause
        counted = paced.acquire([SMALL])
        clock.now += connecting
        paced.written([SMALL], counted)
        moments.append(clock.now)
    assert_within(moments, SMALL)


def test_a_slow_connection_lets_no_two_requests_arrive_together(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, one_a_second = Clock(0.0), Bucket("one", ((1, 1),))
    connect = http1._Connection.connect

    def slowly(connection: http1._Connection) -> None:
        clock.now += 0.8
        connect(connection)

    monkeypatch.setattr(http1._Connection, "connect", slowly)
    arrived = []
    with ScriptedServer() as server:
        sender = transport(server.url, clock=clock)
        for _ in range(3):  # the second needs no new connection
            sender.send(Call("GET", "/api/profiles", buckets=(one_a_second,)))
            arrived.append(clock.now)
        assert server.connections == 1
    assert_within(arrived, one_a_second)


class TestQuotas:
    REPORTS = Bucket("POST /api/campaign-values-reports", ((1, 1), (2, 60), (225, 86_400)))

    def test_a_daily_quota_that_is_used_up_raises_instead_of_waiting_for_hours(self) -> None:
        clock = Clock(0.0)
        paced = pacer(clock)
        moments = take(paced, clock, [self.REPORTS], 225)
        waited = len(clock.slept)
        with pytest.raises(
            QuotaExhaustedError, match=r"campaign-values-reports.*used up for another [\d,]+ s"
        ):
            paced.acquire([self.REPORTS])
        assert len(clock.slept) == waited
        assert_within(moments, self.REPORTS)

    def test_there_is_room_again_on_the_next_day(self) -> None:
        clock = Clock(0.0)
        paced = pacer(clock)
        take(paced, clock, [self.REPORTS], 225)
        clock.now = 86_401
        paced.acquire([self.REPORTS])

    def test_the_minute_windows_of_the_slowest_endpoints_are_waited_for(self) -> None:
        clock = Clock(0.0)
        take(pacer(clock), clock, [Bucket("xs", ((1, 1), (15, 60)))], 100)
        assert max(clock.slept) < 61

    def test_every_documented_window_is_either_waited_for_or_daily(self) -> None:
        windows = {window for endpoint in endpoints.load() for window in endpoint.limits}
        assert {window.seconds for window in windows} == {1, 60, 86_400}


def test_a_closed_bucket_opens_when_it_was_said_to() -> None:
    clock = Clock()
    paced = pacer(clock)
    paced.close(SMALL, 7)
    paced.close(SMALL, 2)  # the longer wish stands
    paced.acquire([GATEWAY])
    assert clock.slept == []
    waits: list[float] = []
    paced.acquire([SMALL], on_wait=waits.append)
    assert clock.now == 1_000_007
    assert waits == [7.0]


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"RateLimit-Remaining": "0", "RateLimit-Reset": "17"}, 17.0),
        ({"RateLimit-Remaining": "3", "RateLimit-Reset": "17"}, None),
        ({"RateLimit-Remaining": "0", "RateLimit-Reset": "0"}, None),
        (
            {"RateLimit-Limit": "10, 10;w=1, 150;w=60", "RateLimit-Remaining": "9", "RateLimit-Reset": "0"},
            None,
        ),
        ({"RateLimit-Remaining": "none", "RateLimit-Reset": "17"}, None),
        ({}, None),
    ],
)
def test_an_answer_can_say_that_nothing_is_left(headers: dict[str, str], seconds: float | None) -> None:
    assert reset_wait(headers) == seconds


@pytest.mark.parametrize(
    ("remaining", "reset", "wait"), [("0", "7", 7.0), ("1", "7", None), ("0", "0", None), ("x", "7", None)]
)
def test_only_a_spent_window_makes_a_client_wait(remaining: str, reset: str, wait: float | None) -> None:
    assert reset_wait({"RateLimit-Remaining": remaining, "RateLimit-Reset": reset}) == wait
