"""Joining answers: nothing lost, nothing counted twice, nothing invented."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from klaviyo_analytics.frames.aggregates import Floats, Grid, Row

STARTS = list(map(float, range(10)))


def table(grid: Grid, name: str) -> dict[str | None, list[float]]:
    groups, tables = grid.columns(np.array(sorted(grid.starts())))
    return {group[0]: values.tolist() for group, values in zip(groups, tables[name], strict=True)}


@given(st.lists(st.lists(st.integers(0, 9), min_size=10, max_size=10), min_size=1, max_size=3), st.data())
def test_however_it_is_cut_it_is_the_same(numbers: list[list[int]], data: st.DataObject) -> None:
    rows: list[Row] = [((f"g{n}",), {"count": row, "unique": row}) for n, row in enumerate(numbers)]
    whole = Grid(["count", "unique"], additive=["count"])
    whole.add(STARTS, rows)
    cut = Grid(["count", "unique"], additive=["count"])
    cuts = sorted(data.draw(st.sets(st.integers(1, 9))))
    for first, last in zip([0, *cuts], [*cuts, 10], strict=True):
        part = [(group, {name: row[first:last] for name, row in found.items()}) for group, found in rows]
        cut.add(STARTS[first:last], data.draw(st.permutations(part)))
    assert table(cut, "count") == table(whole, "count")
    assert table(cut, "unique") == table(whole, "unique")


def test_a_group_that_an_answer_does_not_name_did_nothing_there_and_nobody_counted_its_people() -> None:
    grid = Grid(["count", "unique"], additive=["count"])
    grid.add([0.0], [(("a",), {"count": [2], "unique": [1]})])
    grid.add([1.0], [(("b",), {"count": [3], "unique": [3]})])
    assert table(grid, "count") == {"a": [2, 0], "b": [0, 3]}
    np.testing.assert_equal(table(grid, "unique"), {"a": [1, np.nan], "b": [np.nan, 3]})


@pytest.mark.parametrize("together", [True, False], ids=["in one answer", "in two"])
def test_people_of_an_interval_that_is_told_twice_are_not_known(together: bool) -> None:
    rows: list[Row] = [(("a",), {"count": [2], "unique": [2]}), (("a",), {"count": [3], "unique": [3]})]
    grid = Grid(["count", "unique"], additive=["count"])
    for part in [rows] if together else [[row] for row in rows]:
        grid.add([0.0], part)
    assert table(grid, "count") == {"a": [5]}
    np.testing.assert_equal(table(grid, "unique"), {"a": [np.nan]})


def test_a_null_is_missing_and_not_zero() -> None:
    grid = Grid(["count", "unique"], additive=["count"])
    grid.add([0.0, 1.0], [(("a",), {"count": [None, 1]})])
    np.testing.assert_equal(table(grid, "count"), {"a": [np.nan, 1]})
    np.testing.assert_equal(table(grid, "unique"), {"a": [np.nan, np.nan]})


def test_nothing_at_all() -> None:
    groups, tables = Grid(["count"], additive=["count"]).columns(np.array([], dtype=np.float64))
    empty: Floats = tables["count"]
    assert groups == []
    assert empty.shape == (0, 0)
