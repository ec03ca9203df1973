"""Values of frames as JSON: exactly, or not at all."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
import pytest

from klaviyo_analytics.writeback.encode import ABSENT, UnwritableError, value, written_column


@pytest.mark.parametrize(
    ("given", "written"),
    [
        pytest.param(np.int64(7), 7, id="numpy-integer"),
        pytest.param(np.float64(0.5), 0.5, id="numpy-float"),
        pytest.param(np.bool_(True), True, id="numpy-bool"),
        pytest.param(np.datetime64("2026-05-01T10:00"), "2026-05-01T10:00:00", id="numpy-time"),
        pytest.param(Decimal("12.30"), 12.3, id="decimal"),
        pytest.param(date(2026, 5, 1), "2026-05-01", id="date"),
        pytest.param(datetime(2026, 5, 1, tzinfo=UTC), "2026-05-01T00:00:00+00:00", id="datetime"),
        pytest.param(UUID(int=1), "00000000-0000-0000-0000-000000000001", id="uuid"),
        pytest.param(
            {"a": [np.nan, {"b": pd.NaT}], 1: None}, {"a": [None, {"b": None}], "1": None}, id="nested"
        ),
        pytest.param(np.array([[1, 2], [3, 4]]), [[1, 2], [3, 4]], id="array"),
        pytest.param((1, "two"), [1, "two"], id="tuple"),
        pytest.param(2**64 - 1, 2**64 - 1, id="largest-integer"),
    ],
)
def test_a_value_is_written_as_what_it_is(given: Any, written: Any) -> None:
    found = value(given)
    assert found == written
    assert type(found) is type(written)


def nested(depth: int) -> Any:
    return [] if depth == 0 else [nested(depth - 1)]


@pytest.mark.parametrize(
    ("given", "why"),
    [
        pytest.param(float("inf"), "not a JSON number", id="infinity"),
        pytest.param(2**64, "larger than", id="huge-integer"),
        pytest.param(Decimal("0.1234567890123456789"), "more digits", id="long-decimal"),
        pytest.param(b"bytes", "a bytes cannot", id="bytes"),
        pytest.param(timedelta(1), "a timedelta cannot", id="timedelta"),
        pytest.param(np.timedelta64(1, "s"), "a timedelta64 cannot", id="numpy-timedelta"),
        pytest.param({(1, 2): 3}, "names are text", id="odd-name"),
        pytest.param({"a": {1j}}, "a complex cannot", id="inside"),
        pytest.param(nested(60), "nested deeper", id="deep"),
    ],
)
def test_what_json_cannot_carry_is_refused_with_the_reason(given: Any, why: str) -> None:
    with pytest.raises(UnwritableError, match=why):
        value(given)


@pytest.mark.parametrize(
    "series",
    [
        pytest.param(pd.Series([1.5, np.nan]), id="float"),
        pytest.param(pd.Series([1, None], dtype="Int64"), id="nullable-integer"),
        pytest.param(pd.Series([True, None], dtype="boolean"), id="nullable-bool"),
        pytest.param(pd.Series(["a", None], dtype="string"), id="string"),
        pytest.param(pd.Series(["a", None], dtype="category"), id="category"),
        pytest.param(pd.Series([pd.Timestamp("2026-05-01"), pd.NaT]), id="time"),
        pytest.param(pd.Series([pd.Timestamp("2026-05-01", tz="Asia/Tokyo"), None]), id="zoned-time"),
        pytest.param(pd.Series([Decimal(1), None], dtype=object), id="object"),
        pytest.param(pd.Series([{"a": 1}, float("nan")], dtype=object), id="nan-among-objects"),
    ],
)
def test_a_null_of_any_dtype_is_absent(series: pd.Series[Any]) -> None:
    found = written_column(series)
    assert found.values[0] is not ABSENT
    assert found.values[1] is ABSENT
    assert not found.problems


def test_infinity_in_a_column_names_its_row() -> None:
    assert written_column(pd.Series([1.0, np.inf, -np.inf])).problems.keys() == {1, 2}


def test_numbers_that_are_to_be_text_lose_the_point_that_pandas_gave_them() -> None:
    found = written_column(pd.Series([10115.0, np.nan]), "text")
    assert found.values == ["10115", ABSENT]


@pytest.mark.parametrize("given", [1.5, True, ["a"], {"a": 1}])
def test_what_is_no_text_is_refused_as_text(given: Any) -> None:
    assert written_column(pd.Series([given], dtype=object), "text").problems.keys() == {0}


@pytest.mark.parametrize("given", ["12", True])
def test_what_is_no_number_is_refused_as_a_number(given: Any) -> None:
    assert written_column(pd.Series([given], dtype=object), "number").problems.keys() == {0}
