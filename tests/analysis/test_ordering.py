"""Rows in order and among their like: pandas, which has a way of its own, gives what Polars gives."""

from __future__ import annotations

from typing import Any

import narwhals.stable.v2 as nw
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from klaviyo_analytics.analysis._engine import Table
from klaviyo_analytics.analysis._ordering import (
    first_of,
    in_order,
    interleaved,
    keyed,
    placed,
    windowed,
    with_numbered_people,
)

polars = pytest.importorskip("polars")

ROWS = st.lists(
    st.tuples(
        st.sampled_from(["A", "B", "é", None]),
        st.one_of(st.none(), st.integers(-2, 2), st.sampled_from([2**63 - 1, -(2**63)])),
        st.sampled_from(["x", "y", "", None]),
        st.sampled_from([-1.5, 0.0, 2.5, None]),
    ),
    max_size=30,
)
NAMES = ("who", "at", "what", "much")


def both(rows: list[tuple[Any, ...]]) -> tuple[Table, Table]:
    """The same rows as pandas and as Polars have them, each with its number."""
    columns = {name: [row[place] for row in rows] for place, name in enumerate(NAMES)}
    kinds: dict[str, Any] = {"who": "string", "at": "Int64", "what": "string", "much": "Float64"}
    ours = pd.DataFrame({name: pd.array(values, dtype=kinds[name]) for name, values in columns.items()})
    ours = ours.assign(row=range(len(ours))).set_axis(range(5, len(ours) + 5))
    schema = {"who": polars.String, "at": polars.Int64, "what": polars.String, "much": polars.Float64}
    schema |= {"row": polars.Int64}
    theirs = polars.DataFrame({**columns, "row": range(len(rows))}, schema=schema)
    return nw.from_native(ours).lazy(), nw.from_native(theirs).lazy()


def values(table: Table, *names: str) -> list[tuple[Any, ...]]:
    rows = table.collect().select(*names).rows()
    return [tuple(None if pd.isna(one) else one for one in row) for row in rows]


@given(ROWS, st.permutations(NAMES), st.tuples(*[st.booleans()] * len(NAMES)), st.booleans())
def test_rows_come_in_order(
    rows: list[tuple[Any, ...]], by: list[str], falling: tuple[bool, ...], last: bool
) -> None:
    ours, theirs = (
        in_order(table, *by, "row", descending=[*falling, False], nulls_last=last) for table in both(rows)
    )
    assert values(ours, "row") == values(theirs, "row")


@given(ROWS, st.sampled_from([("at", "row"), ("what", "at", "row"), ("at", "what", "row")]))
def test_windows_see_the_rows_of_their_like_in_order(
    rows: list[tuple[Any, ...]], order: tuple[str, ...]
) -> None:
    columns = {
        "before": nw.col("row").shift(1),
        "after": nw.col("row").shift(-1),
        "so_far": nw.col("row").cum_max(),
        "least": nw.col("row").cum_min(),
    }
    ours, theirs = (windowed(table, ["who"], order, **columns) for table in both(rows))
    assert sorted(values(ours, "row", *columns), key=repr) == sorted(
        values(theirs, "row", *columns), key=repr
    )
    ours, theirs = (placed(table, ["who", "what"], ["at", "row"], "place") for table in both(rows))
    assert sorted(values(ours, "row", "place")) == sorted(values(theirs, "row", "place"))


@given(ROWS, st.sampled_from([["who"], ["who", "what"]]))
def test_the_first_row_of_each_key_stays(rows: list[tuple[Any, ...]], keys: list[str]) -> None:
    ours, theirs = (first_of(table, keys, by=["at", "row"]) for table in both(rows))
    assert sorted(values(ours, "row")) == sorted(values(theirs, "row"))


@given(ROWS, ROWS)
def test_keys_are_equal_where_their_columns_are(
    one: list[tuple[Any, ...]], other: list[tuple[Any, ...]]
) -> None:
    tables, found = keyed([both(one)[0], both(other)[0]], pair=["who", "what"])
    assert found == {"pair": ["pair"]}
    known: dict[Any, Any] = {}
    for table in tables:
        for who, what, code in values(table, "who", "what", "pair"):
            assert known.setdefault((who, what), code) == code
    assert len({*known.values()}) == len(known)


def test_people_are_numbered_alike_in_both_tables_unless_they_are_asked_for() -> None:
    some = [nw.from_native(pd.DataFrame({"profile_id": names})).lazy() for names in (["A", "B"], ["B", "C"])]
    first, second = with_numbered_people(*some)
    assert values(first, "profile_id")[1] == values(second, "profile_id")[0]
    assert values(with_numbered_people(*some, keys=["profile_id"])[0], "profile_id") == [("A",), ("B",)]


def test_tables_are_interleaved_row_by_row() -> None:
    parts = [nw.from_native(pd.DataFrame({"key": [1, 2], "part": part})).lazy() for part in (0, 1)]
    assert values(interleaved(parts, "key", "part"), "key", "part") == [(1, 0), (1, 1), (2, 0), (2, 1)]
