"""Whatever JSON comes: no value is lost, rows keep their order, columns keep their dtype or warn."""

from __future__ import annotations

import json
import math
import warnings
from typing import Any

import orjson
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from klaviyo_analytics import endpoints, frames
from klaviyo_analytics.endpoints import query
from klaviyo_analytics.frames.columns import SchemaWarning
from klaviyo_analytics.http.json import loads
from tests.frames.making import record, ref, table_of

# letters without digits: what happens to be a date in text is looked at in test_columns.py
TEXT = st.text(st.characters(exclude_categories=["Cs", "Nd"]), max_size=6)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT
)
KEYS = st.sampled_from(["a", "b", "city", "name", "zip", "$value", "", "ß"])
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3)
)
NAMES = st.sampled_from(
    ["email", "created", "location", "properties", "image", "id", "profile_id", "novelty"]
)
PROFILES = st.lists(st.dictionaries(NAMES, JSON, max_size=5), max_size=5)
EVENT_NAMES = st.sampled_from(["timestamp", "datetime", "event_properties", "uuid", "id", "metric_id"])
EVENTS = st.lists(st.dictionaries(EVENT_NAMES, JSON, max_size=5), max_size=5)


def same(cell: Any, value: Any) -> bool:
    """Whether a cell holds a JSON value, in whatever type its column has."""
    if value is None:
        return (
            cell is None or cell is pd.NA or cell is pd.NaT or (isinstance(cell, float) and math.isnan(cell))
        )
    if isinstance(cell, str) and not isinstance(value, str):
        return cell == orjson.dumps(value).decode()
    if type(cell) is type(value):
        return bool(cell == value)
    return isinstance(value, (int, float)) and not isinstance(value, bool) and float(cell) == float(value)


def assert_held(row: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    """Look for a value under its own name, or under those of its parts."""
    name = ".".join(path)
    cells = [row[label] for label in (name, f"attributes.{name}") if label in row]
    if any(same(cell, value) for cell in cells):
        return
    assert isinstance(value, dict) or value is None, f"{name}={value!r} is lost: {row}"
    for key, inner in (value or {}).items():
        assert_held(row, (*path, key), inner)


def judge(
    frame: pd.DataFrame,
    rows: list[dict[str, Any]],
    said: list[warnings.WarningMessage],
    dtypes: dict[str, str],
) -> None:
    assert list(frame["id"]) == [str(n) for n in range(len(rows))]
    for n, sent in enumerate(rows):
        for name, value in sent.items():
            assert_held({str(k): frame[k].iloc[n] for k in frame.columns}, (name,), value)
    warned = " ".join(str(one.message) for one in said if one.category is SchemaWarning)
    for name, promised in dtypes.items():
        actual = str(frame.dtypes[name])
        assert actual == promised or (actual == "object" and repr(name) in warned)


@given(PROFILES)
def test_profiles(sent: list[dict[str, Any]]) -> None:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        frame = table_of([record(str(n), held) for n, held in enumerate(sent)], "get_profiles")
    judge(frame, sent, said, promised("get_profiles"))


@given(EVENTS, st.sampled_from(["json", "columns"]))
def test_events(sent: list[dict[str, Any]], properties: str) -> None:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        records = [record(str(n), held, metric=ref("metric", "m")) for n, held in enumerate(sent)]
        frame = table_of(records, "get_events", properties=properties)
    judge(frame, sent, said, promised("get_events", properties))


def promised(operation: str, properties: str = "json") -> dict[str, str]:
    endpoint = endpoints.load()[operation]
    return {c.name: c.dtype for c in frames.schema(endpoint, query.build(endpoint), properties).columns}


@given(PROFILES, st.integers(1, 5))
@pytest.mark.filterwarnings("ignore::klaviyo_analytics.SchemaWarning")
def test_the_pages_that_rows_come_in_do_not_matter(sent: list[dict[str, Any]], pages: int) -> None:
    records = [record(str(n), held) for n, held in enumerate(sent)]
    whole, cut = table_of(records), table_of(records, pages=pages)
    pd.testing.assert_frame_equal(whole, cut, check_like=True)


@given(PROFILES, st.integers(0, 5))
@pytest.mark.filterwarnings("ignore::klaviyo_analytics.SchemaWarning")
def test_tables_join_to_what_one_table_would_be(sent: list[dict[str, Any]], at: int) -> None:
    endpoint = endpoints.load()["get_profiles"]
    schema = frames.schema(endpoint, query.build(endpoint))
    records = [record(str(n), held) for n, held in enumerate(sent)]
    head, tail = frames.Table(schema), frames.Table(schema)
    head.add(records[:at])
    tail.add(records[at:])
    head.extend(tail)
    pd.testing.assert_frame_equal(head.frame(), table_of(records), check_like=True)


@given(
    st.lists(
        st.lists(
            st.none() | st.dictionaries(st.sampled_from(["type", "id", "x"]), SCALARS) | SCALARS, max_size=2
        )
        | JSON,
        max_size=4,
    )
)
@pytest.mark.filterwarnings("ignore::klaviyo_analytics.SchemaWarning")
def test_relationships_of_any_form_do_not_stop_a_read(data: list[Any]) -> None:
    for operation, name in (("get_events", "profile"), ("get_flows", "tags"), ("get_profiles", "surprise")):
        include = [name] if name != "surprise" else []
        records = [record(str(n), **{name: held}) for n, held in enumerate(data)]
        frame = table_of(records, operation, include=include)
        assert len(frame) == len(data)


class TestDecoding:
    @given(st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner), max_leaves=8))
    def test_json_comes_back_as_it_was(self, value: Any) -> None:
        assert loads(json.dumps(value).encode()) == value

    @pytest.mark.parametrize(
        ("body", "value"),
        [
            (rb'["\ud83d\ude00"]', ["😀"]),
            (rb'["\ud800", "\udc00x"]', ["\ufffd", "\ufffdx"]),
            (b'{"\\ud800": [NaN, 1]}', {"\ufffd": [None, 1]}),
            (b"[18446744073709551615]", [2**64 - 1]),
            (b'["\xff"]', ["\ufffd"]),
        ],
    )
    def test_odder_than_the_standard_allows(self, body: bytes, value: Any) -> None:
        assert loads(body) == value

    @pytest.mark.parametrize("body", [b"", b"{", b"<html>", b"[" * 100_000, b"{'a': 1}", b"\xff\xfe"])
    def test_what_is_no_json_is_one_kind_of_error(self, body: bytes) -> None:
        with pytest.raises(ValueError, match=r"line 1|deep"):
            loads(body)
