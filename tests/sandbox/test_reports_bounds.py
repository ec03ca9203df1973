"""Where the timeframe of a report begins and ends, also when the clocks change: counted by hand."""

from __future__ import annotations

import pytest

from tests.sandbox.accounts import ANNA, BO, CY, RECEIVED
from tests.sandbox.by_hand import FLOW, ask, log_of, numbers


class TestBounds:
    LOG = log_of(
        [
            ("2025-11-04T23:59:59", RECEIVED, ANNA, None, FLOW),
            ("2025-11-05T00:00:00", RECEIVED, BO, None, FLOW),
            ("2025-11-05T00:00:01", RECEIVED, CY, None, FLOW),
        ]
    )

    @pytest.mark.parametrize(
        ("start", "end", "delivered"),
        [
            ("2025-11-04T23:59:59Z", "2025-11-05T00:00:01Z", 3),
            ("2025-11-05T00:00:00Z", "2025-11-05T00:00:00Z", 1),
            ("2025-11-05T00:00:00Z", "2025-11-05T00:00:00.999Z", 1),
            ("2025-11-04T23:59:59.5Z", "2025-11-05T00:00:01Z", 2),
            ("2025-11-05T00:00", "2025-11-06T00:00", 2),
            ("2025-11-01T00:00", "2025-11-05T00:00", 2),
        ],
    )
    def test_both_ends_belong_to_the_frame(self, start: str, end: str, delivered: int) -> None:
        (row,) = numbers(self.LOG, "flow-values", start, end, statistics=["delivered"])
        assert row == [delivered]

    @pytest.mark.parametrize("offset", ["", "Z", "+00:00", "-05:00", "+09:00"])
    def test_the_offset_is_ignored(self, offset: str) -> None:
        start, end = f"2025-11-05T00:00:00{offset}", f"2025-11-05T00:00:00{offset}"
        assert numbers(self.LOG, "flow-values", start, end, statistics=["delivered"]) == [[1]]


class TestClockChanges:
    def test_an_hour_that_the_clock_shows_twice_is_one(self) -> None:
        log = log_of(
            [
                ("2025-11-02T01:30:00-04:00", RECEIVED, ANNA, None, FLOW),
                ("2025-11-02T01:10:00-05:00", RECEIVED, BO, None, FLOW),
                ("2025-11-02T23:59:59-05:00", RECEIVED, CY, None, FLOW),
            ]
        )
        day = "2025-11-02T00:00:00Z", "2025-11-02T23:59:59Z"
        hours = ask(log, "flow-series", *day, statistics=["delivered"], interval="hourly")
        (row,) = hours["results"]
        assert len(hours["date_times"]) == len(set(hours["date_times"])) == 24
        assert row["statistics"]["delivered"] == [0, 2, *[0] * 21, 1]
        halves = [
            numbers(
                log, "flow-values", "2025-11-02T00:00:00Z", "2025-11-02T01:19:59Z", statistics=["delivered"]
            ),
            numbers(
                log, "flow-values", "2025-11-02T01:20:00Z", "2025-11-02T01:59:59Z", statistics=["delivered"]
            ),
        ]
        assert halves == [[[1]], [[1]]], "a cut within that hour loses nothing and counts nothing twice"

    def test_an_hour_that_the_clock_skips_is_empty(self) -> None:
        log = log_of(
            [
                ("2025-03-09T01:59:59-05:00", RECEIVED, ANNA, None, FLOW),
                ("2025-03-09T03:00:00-04:00", RECEIVED, BO, None, FLOW),
            ]
        )
        day = "2025-03-09T00:00:00Z", "2025-03-09T23:59:59Z"
        hours = ask(log, "flow-series", *day, statistics=["delivered"], interval="hourly")
        (row,) = hours["results"]
        assert hours["date_times"][2] == "2025-03-09T02:00:00+00:00"
        assert row["statistics"]["delivered"] == [0, 1, 0, 1, *[0] * 20]
