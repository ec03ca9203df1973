"""Waiting for what the server does in its own time."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from klaviyo_analytics.errors import InvalidInputError, RequestTimeoutError
from klaviyo_analytics.http.cancellation import LONGEST, wait_for


class Clock:
    def __init__(self) -> None:
        self.now = 100.0
        self.pauses: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


Heard = list[tuple[str, float]]


def waits(clock: Clock, answers: Iterator[str], *, timeout: float, heard: Heard | None = None) -> str:
    return wait_for(
        lambda: next(answers),
        lambda answer: answer == "done",
        what="The job",
        timeout=timeout,
        sleep=clock.sleep,
        clock=clock,
        waiting=None if heard is None else lambda answer, seconds: heard.append((answer, seconds)),
    )


def test_what_is_done_already_is_not_waited_for() -> None:
    clock = Clock()
    assert waits(clock, iter(["done"]), timeout=0) == "done"
    assert clock.pauses == []


def test_it_looks_often_at_first_and_seldom_later() -> None:
    clock, heard = Clock(), Heard()
    waits(clock, iter([*["busy"] * 12, "done"]), timeout=1_000, heard=heard)
    assert clock.pauses[:3] == [0.5, 0.75, 1.125]
    assert clock.pauses[-1] == LONGEST
    assert [answer for answer, _ in heard] == ["busy"] * 12
    assert heard[1][1] == 0.5


def test_it_ends_in_time_and_looks_once_more_at_the_end() -> None:
    clock = Clock()
    with pytest.raises(RequestTimeoutError, match="The job did not finish within 3 s"):
        waits(clock, iter(["busy"] * 99), timeout=3)
    assert sum(clock.pauses) == pytest.approx(3)
    assert waits(Clock(), iter(["busy", "done"]), timeout=0.1) == "done"


def test_a_timeout_is_not_negative() -> None:
    with pytest.raises(InvalidInputError, match="not a non-negative number of seconds"):
        waits(Clock(), iter(["done"]), timeout=-1)
