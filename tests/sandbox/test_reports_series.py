"""Flow series: every number of every interval again, the slow way, also when the clocks change."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from klaviyo_analytics.sandbox import Sandbox
from tests.sandbox.reckoning import COUNTS, STATISTICS, UNIQUES, Fact, World, grouped, same

at = datetime.fromisoformat


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    sandbox = Sandbox(profiles=700, events=22_000)
    yield World(sandbox)
    sandbox.close()


class TestSeries:
    @pytest.mark.parametrize(
        ("interval", "start", "end", "edges"),
        [
            ("hourly", at("2025-10-30T00:30"), at("2025-11-04T12:00"), timedelta(hours=1)),
            ("daily", at("2025-10-20T17:00"), at("2025-12-18T09:00"), timedelta(days=1)),
            ("weekly", at("2025-07-09T01:00"), at("2026-06-30"), timedelta(days=7)),
        ],
    )
    def test_every_statistic_in_every_interval(
        self, world: World, interval: str, start: datetime, end: datetime, edges: timedelta
    ) -> None:
        report = world.ask("flow-series", (start, end), interval=interval)
        starts = [datetime.fromisoformat(text).replace(tzinfo=None) for text in report["date_times"]]
        assert starts[0] <= start < starts[0] + edges
        assert starts[-1] <= end < starts[-1] + edges
        assert {after - before for before, after in pairwise(starts)} == {edges}
        self._check(world, report, start, end, starts)

    def test_months(self, world: World) -> None:
        start, end = at("2025-07-15"), at("2026-06-30T23:59:59")
        report = world.ask("flow-series", (start, end), interval="monthly")
        assert report["date_times"][:2] == ["2025-07-01T00:00:00+00:00", "2025-08-01T00:00:00+00:00"]
        assert report["date_times"][-1] == "2026-06-01T00:00:00+00:00"
        assert len(report["date_times"]) == 12
        starts = [datetime.fromisoformat(text).replace(tzinfo=None) for text in report["date_times"]]
        self._check(world, report, start, end, starts)

    def test_intervals_add_up_to_the_values(self, world: World) -> None:
        frame = at("2026-01-01"), at("2026-02-28T23:59:59")
        values = dict(_by_message(world.rows("flow-values", frame)))
        for message, row in _by_message(world.rows("flow-series", frame, interval="daily")):
            assert {name: math.fsum(row[name]) for name in COUNTS} == pytest.approx(
                {name: values[message][name] for name in COUNTS}
            )
            assert all(sum(row[name]) >= values[message][name] for name in UNIQUES)

    def _check(
        self, world: World, report: Any, start: datetime, end: datetime, starts: list[datetime]
    ) -> None:
        def place(fact: Fact) -> tuple[str, datetime]:
            return fact.message, max(one for one in starts if one <= fact.sent)

        expected = grouped(world.slow.between("flow", start, end), place)
        results = report["results"]
        assert {row["groupings"]["flow_message_id"] for row in results} == {
            message for message, _ in expected
        }
        for row in results:
            assert {len(values) for values in row["statistics"].values()} == {len(starts)}
            for number, one in enumerate(starts):
                numbers = {name: values[number] for name, values in row["statistics"].items()}
                known = expected.get(
                    (row["groupings"]["flow_message_id"], one), dict.fromkeys(STATISTICS, 0.0)
                )
                assert same(numbers, known), (row["groupings"], one)


def _by_message(rows: list[tuple[Any, Any]]) -> Iterator[tuple[str, Any]]:
    for told, row in rows:
        yield told["flow_message_id"], row
