"""Counts, durations, suggestions and lists of allowed values in messages."""

from __future__ import annotations

from typing import Any

import pytest

from klaviyo_analytics._messages import allowed_values, counted, did_you_mean, spoken


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


def test_a_close_word_is_suggested_and_a_far_one_is_not() -> None:
    assert did_you_mean("campagns", ["campaigns", "flows"]) == " (did you mean 'campaigns'?)"
    assert did_you_mean("zzz", ["campaigns", "flows"]) == ""


def test_at_most_five_values_are_listed_and_the_rest_counted() -> None:
    words = [f"word{number}" for number in range(9)]
    shown = allowed_values("word7", words)
    assert shown.startswith("Allowed values: word7, ")
    assert shown.endswith(" and 4 more.")
    assert shown.count("word") == 5


def test_a_warning_names_the_callers_line_through_decorators_and_cached_properties() -> None:
    inside: dict[str, Any] = {"__name__": "klaviyo_analytics.somewhere"}
    source = """
import functools, warnings
from klaviyo_analytics._messages import level_outside
class Frames:
    @functools.cached_property
    def summary(self):
        warnings.warn("odd", UserWarning, stacklevel=level_outside())
        return 1
def ask():
    return Frames().summary
"""
    exec(compile(source, "somewhere.py", "exec"), inside)
    with pytest.warns(UserWarning, match="odd") as caught:
        inside["ask"]()
    assert caught[0].filename == __file__
