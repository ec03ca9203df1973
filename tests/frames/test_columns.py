"""One column: the promised dtype, or the values as they came and a warning."""

from __future__ import annotations

import math
import warnings
from typing import Any, get_args

import numpy as np
import pandas as pd
import pytest

from klaviyo_analytics.endpoints import Kind
from klaviyo_analytics.frames.columns import PACKED, SchemaWarning, Values, array, joined_texts, texts
from klaviyo_analytics.frames.schema import DTYPES

KINDS: tuple[Kind, ...] = get_args(Kind)


def utc(text: str) -> pd.Timestamp:
    return pd.Timestamp(text).tz_convert("UTC")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("values", [[], [None], [None, None]], ids=str)
def test_the_dtype_does_not_depend_on_there_being_values(kind: Kind, values: list[Any]) -> None:
    column = pd.Series(array(values, kind, "c"))
    assert column.dtype == DTYPES[kind]
    assert column.isna().all()


@pytest.mark.parametrize(
    ("kind", "given", "expected"),
    [
        ("text", ["a", "", None, "😀", "\ufffd"], ["a", "", pd.NA, "😀", "\ufffd"]),
        ("text", [1, True, 1.5, "x"], ["1", "true", "1.5", "x"]),
        ("text", [{"a": [1]}, ["b", None]], ['{"a":[1]}', '["b",null]']),
        ("text", [["a"], ["b"]], ['["a"]', '["b"]']),
        ("time", ["2026-01-01T00:00:00Z", None], [utc("2026-01-01T00:00Z"), pd.NaT]),
        ("time", ["2026-07-01T00:00:00.123456-04:00"], [utc("2026-07-01T04:00:00.123456Z")]),
        ("time", ["2026-01-01", "2026-01-01T00:00:00"], [utc("2026-01-01T00:00Z")] * 2),
        ("integer", [2**63 - 1, -(2**63), None, 2.0], [2**63 - 1, -(2**63), pd.NA, 2]),
        ("integer", [2**53 + 1, 1.0], [2**53 + 1, 1]),
        ("number", [1, 2.5, None], [1.0, 2.5, math.nan]),
        ("number", ["12.50", 3, "-1e3"], [12.5, 3.0, -1000.0]),
        ("boolean", [True, None, False], [True, pd.NA, False]),
    ],
)
def test_what_fits_is_converted(kind: Kind, given: list[Any], expected: list[Any]) -> None:
    column = pd.Series(array(given, kind, "c"))
    assert column.dtype == DTYPES[kind]
    pd.testing.assert_series_equal(column, pd.Series(expected, dtype=DTYPES[kind]))


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        ("time", [1767225600]),
        ("time", ["2026-01-01T00:00:00Z", 1767225600]),
        ("time", ["yesterday"]),
        ("time", ["now"]),
        ("time", ["today"]),
        ("time", ["2026-01-01", ""]),
        ("time", ["nan"]),
        ("time", ["10000-01-01T00:00:00Z"]),
        ("time", ["2026-02-30T00:00:00Z"]),
        ("time", [True]),
        ("time", [{"at": 1}]),
        ("integer", [2**63]),
        ("integer", [2**64 - 1, -1]),
        ("integer", [1e300]),
        ("integer", [math.inf]),
        ("integer", [1, 2.5]),
        ("integer", [True, 0]),
        ("integer", ["5"]),
        ("integer", [[1], [2]]),
        ("number", ["a lot"]),
        ("number", ["nan"]),
        ("number", [True]),
        ("number", [10**400]),
        ("number", [[1.0], [2.0]]),
        ("number", [{}]),
        ("boolean", [1, 0]),
        ("boolean", ["true"]),
        ("boolean", [[True], [False]]),
    ],
)
def test_what_does_not_fit_is_kept_as_it_came(kind: Kind, given: list[Any]) -> None:
    with pytest.warns(SchemaWarning, match=f"column 'c' holds .* where {kind} is documented"):
        column = array([*given, None], kind, "c")
    assert column.dtype == object
    assert list(column) == [*given, None]
    assert [type(value) for value in column] == [type(value) for value in [*given, None]]


def test_far_away_years_are_kept_whatever_this_pandas_can_hold() -> None:
    given = ["0001-01-01T00:00:00+00:00", "2300-01-01T00:00:00+00:00", "9999-12-31T23:59:59+00:00"]
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        column = array(given, "time", "c")
    years = [value.year if column.dtype != object else int(value[:4]) for value in column]
    assert years == [1, 2300, 9999]
    assert (column.dtype == object) == any(one.category is SchemaWarning for one in said)


@pytest.mark.parametrize(
    "given", [[[1, 2], [3, 4]], [{"a": 1}, {}], [[], []], ["x", 1, None, [None]]], ids=str
)
def test_objects_stay_what_they_were(given: list[Any]) -> None:
    column = array(given, "json", "c")
    assert column.shape == (len(given),)
    assert all(kept is value for kept, value in zip(column, given, strict=True))


def test_the_warning_says_what_was_met() -> None:
    with pytest.warns(SchemaWarning, match="'price' holds dict values where number is documented"):
        array([1, None, {"amount": 1}], "number", "price")


def test_a_converted_column_is_no_view_of_somebody_elses_numbers() -> None:
    values = [1, 2]
    column = array(values, "integer", "c")
    values[0] = 99
    assert np.array_equal(np.asarray(column), [1, 2])


TIMES = ["2026-03-01T10:00:00+00:00", "2026-03-01T10:00:00.125Z", None] * PACKED
WORDS = ["a", None, "\u00fc\u4e2d"] * PACKED
COLUMNS: dict[str, tuple[Kind, list[Any]]] = {
    "text": ("text", WORDS),
    "times": ("time", TIMES),
    "nothing": ("time", [None] * 3 * PACKED),
    "text that is no time on the last page": ("time", [*TIMES, "soon"]),
    "a number among the text": ("text", [*WORDS, 5, *WORDS]),
    "numbers as text": ("number", ["1.5", None, "2"] * PACKED),
    "numbers": ("integer", [1, None, 3] * PACKED),
    "whole numbers of both types": ("integer", [1, 2.0, None] * PACKED),
    "a fraction on the first page": ("integer", [2.5, *[1] * 3 * PACKED]),
    "text that is no time on the first page": ("time", ["now", *TIMES]),
    "objects": ("json", [{"a": 1}, "text", None] * PACKED),
    "few": ("text", WORDS[:3]),
}


@pytest.mark.filterwarnings("ignore::klaviyo_analytics.frames.columns.SchemaWarning")
@pytest.mark.parametrize("tables", [1, 2])
@pytest.mark.parametrize("name", COLUMNS)
def test_a_column_of_many_pages_is_that_of_all_its_values(name: str, tables: int) -> None:
    kind, values = COLUMNS[name]
    half = len(values) if tables == 1 else len(values) // 2
    column, later = Values(kind), Values(kind)
    for start in range(0, half, 100):
        column.extend(values[start : min(start + 100, half)])
    later.extend(values[half:])
    column.join(later)
    expected, got = pd.Series(array(values, kind, "x")), pd.Series(column.array("x"))
    pd.testing.assert_series_equal(got, expected)


def test_objects_as_text_are_what_they_were() -> None:
    pages: list[list[Any]] = [[{"a": "\u4e2d"}, None], [], [[1, 2.5], "x", True]]
    joined = joined_texts([texts(page) for page in pages])
    found = [None if pd.isna(value) else value for value in joined]
    assert found == ['{"a":"\u4e2d"}', None, "[1,2.5]", '"x"', "true"]
    assert len(texts([])) == 0
