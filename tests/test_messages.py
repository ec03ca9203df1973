"""Counts and durations as people say them."""

from __future__ import annotations

import pytest

from klaviyo_analytics._messages import counted, spoken


@pytest.mark.parametrize(
    ("count", "said"), [(0, "0 rows"), (1, "1 row"), (2, "2 rows"), (250_000, "250,000 rows")]
)
def test_things_are_counted(count: int, said: str) -> None:
    assert counted(count, "row") == said


def test_durations_are_spoken() -> None:
    assert [spoken(each) for each in (0.1, 89, 90, 3_600, 7_500)] == [
        "1 s",
        "89 s",
        "2 min",
        "60 min",
        "2 h 5 min",
    ]
