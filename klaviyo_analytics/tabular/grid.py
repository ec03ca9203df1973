"""Numbers by group and interval, from as many answers as it took: joined exactly, and nothing invented."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from klaviyo_analytics.errors import MalformedResponseError

Floats = npt.NDArray[np.float64]
Group = tuple[str | None, ...]
Row = tuple[Group, Mapping[str, Sequence[float | None]]]


class Grid:
    """Collects rows of numbers, each along the answer's own starts of intervals (Unix seconds).

    Where no answer names a number, nothing happened: what adds up is zero there. What does not add up (people,
    rates, sizes) stays missing, since nobody counted it; also where two answers share an interval, whose people
    may be the same.
    """

    def __init__(
        self, measurements: Sequence[str], *, additive: Collection[str], zero: Collection[str] = ()
    ) -> None:
        self.measurements = tuple(measurements)
        self._additive = frozenset(additive)
        self._zero = self._additive | frozenset(zero)  # what is zero where an answer lists no such group
        self._parts: list[tuple[Floats, list[tuple[Group, dict[str, Floats]]]]] = []

    def add(self, starts: Sequence[float], rows: Iterable[Row]) -> None:
        """Take an answer; a number that it leaves out or calls null is missing."""
        nothing = [None] * len(starts)
        found = [
            (group, {name: _floats(measured.get(name, nothing), len(starts)) for name in self.measurements})
            for group, measured in rows
        ]
        self._parts.append((np.array(starts, dtype=np.float64), found))

    def starts(self) -> set[float]:
        """Give every interval that was answered for."""
        return {start for starts, _ in self._parts for start in starts.tolist()}

    def columns(self, starts: Floats) -> tuple[list[Group], dict[str, Floats]]:
        """Give the groups, and of each measurement a table with a row for each group."""
        groups = list(dict.fromkeys(group for _, rows in self._parts for group, _ in rows))
        places = {group: place for place, group in enumerate(groups)}
        tables = {
            name: np.full((len(groups), len(starts)), 0.0 if name in self._zero else np.nan)
            for name in self.measurements
        }
        told = np.zeros((len(groups), len(starts)), dtype=bool)
        for its_starts, rows in self._parts:
            at = np.searchsorted(starts, its_starts)
            for group, measured in rows:
                place = places[group]
                shared = told[place, at]
                for name, values in measured.items():
                    row = tables[name][place]
                    row[at] = row[at] + values if name in self._additive else np.where(shared, np.nan, values)
                told[place, at] = True
        return groups, tables


def _floats(values: Sequence[float | None], size: int) -> Floats:
    numbers = np.array(values, dtype=np.float64)
    if numbers.shape != (size,):
        raise ValueError(f"{numbers.shape} numbers for {size} intervals")
    return numbers


def text(values: Sequence[str | None]) -> Any:
    """Make a string column."""
    return pd.array(list(values), dtype="string")


def integers(values: Floats) -> Any:
    """Make a nullable integer column of whole floats."""
    missing = np.isnan(values)
    if np.any(np.abs(values[~missing]) >= 2.0**63):
        raise MalformedResponseError("The response contains a count that does not fit into 64 bits.")
    return pd.arrays.IntegerArray(np.where(missing, 0, values).round().astype(np.int64), missing)
