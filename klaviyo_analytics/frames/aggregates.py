"""Answers of metric aggregates to one tidy frame: a row for each metric, group and interval."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
import pandas as pd

from klaviyo_analytics.errors import MalformedResponseError
from klaviyo_analytics.timeframe import Timeframe
from klaviyo_analytics.timeframe.words import answered
from klaviyo_analytics.vocabulary import Interval

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
        """Read a response; a number that is absent or null is missing."""
        nothing = [None] * len(starts)
        found = [
            (group, {name: _floats(measured.get(name, nothing), len(starts)) for name in self.measurements})
            for group, measured in rows
        ]
        self._parts.append((np.array(starts, dtype=np.float64), found))

    def starts(self) -> set[float]:
        """Return every interval of the response."""
        return {start for starts, _ in self._parts for start in starts.tolist()}

    def columns(self, starts: Floats) -> tuple[list[Group], dict[str, Floats]]:
        """Return the groups, and for each measurement a table with a row per group."""
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
    """Make a nullable integer column of whole floats, whose sum fits into 64 bits as well as each of them."""
    missing = np.isnan(values)
    if np.any(np.abs(values[~missing]) >= 2.0**63):
        raise MalformedResponseError("The response contains a count that does not fit into 64 bits.")
    if np.abs(values[~missing]).sum() >= 2.0**63:
        raise MalformedResponseError("The response contains counts whose sum does not fit into 64 bits.")
    return pd.arrays.IntegerArray(np.where(missing, 0, values).round().astype(np.int64), missing)


ADDITIVE = ("count", "sum_value")
INTEGERS = ("count", "unique")


def column_name(dimension: str) -> str:
    """Return the column name of a `by` value: `$attributed_channel` is attributed_channel, `Bot Click` bot_click."""
    return re.sub(r"\W+", "_", dimension.lstrip("$")).lower()


def grid(
    answers: Sequence[Mapping[str, Any]],
    measurements: Sequence[str],
    dimensions: int,
    longer: Callable[[float], float] | None = None,
) -> Grid:
    """Collect one metric's answers.

    The server's own dates are the intervals' names: when a week begins, it knows. `longer` returns the start of
    the longer interval, such as a quarter, that an interval is joined into; only what adds up can be.
    """
    collected = Grid(measurements, additive=ADDITIVE, zero=("unique",))
    try:
        # a server that writes null for what is absent means an empty text as a value of its own, on every page
        writes_null = any(
            None in (row.get("dimensions") or ()) for answer in answers for row in answer["data"]
        )
        for answer in answers:
            starts = [_start(date) for date in answer["dates"]]
            rows: list[Row] = [
                (
                    _group(row.get("dimensions") or (), dimensions, empty=writes_null),
                    {name: row["measurements"][name] for name in measurements if name in row["measurements"]},
                )
                for row in answer["data"]
            ]
            if not rows and not dimensions:  # nothing happened: the one group that there is has zeros
                rows = [((), {name: [0] * len(starts) for name in measurements})]
            if longer is not None:
                starts, rows = _joined(starts, rows, longer)
            collected.add(starts, rows)
    except (KeyError, TypeError, ValueError, AttributeError) as problem:
        raise MalformedResponseError(
            "The metric-aggregates response has more or fewer numbers than dates."
        ) from problem
    return collected


def frame(
    grids: Sequence[tuple[str, str, Grid]],
    *,
    timeframe: Timeframe,
    interval: Interval,
    now: datetime,
    by: Sequence[str],
    measurements: Sequence[str],
    sort: str | None = None,
) -> pd.DataFrame:
    """Put (metric id, metric name, grid) together."""
    starts = np.array(sorted(set().union(*(grid.starts() for _, _, grid in grids))), dtype=np.float64)
    metrics: list[tuple[str, str]] = []
    groups: list[Group] = []
    tables: dict[str, list[Floats]] = {name: [np.empty((0, len(starts)))] for name in measurements}
    for metric_id, name, grid in grids:
        found, columns = grid.columns(starts)
        order = _order(sort, by, found, columns)
        metrics += [(metric_id, name)] * len(found)
        groups += [found[place] for place in order]
        for measurement in measurements:
            tables[measurement].append(columns[measurement][order])
    when = pd.to_datetime(starts, unit="s", utc=True).as_unit("us").tz_convert(timeframe.timezone)
    each, within = (
        np.repeat(np.arange(len(groups)), len(starts)),
        np.tile(np.arange(len(starts)), len(groups)),
    )
    data: dict[str, Any] = {
        "datetime": when[within],
        "metric_id": text([metric_id for metric_id, _ in metrics]).take(each),
        "metric": text([name for _, name in metrics]).take(each),
    }
    for index, dimension in enumerate(by):
        data[column_name(dimension)] = text([group[index] for group in groups]).take(each)
    for measurement in measurements:
        values = np.concatenate(tables[measurement]).ravel()
        data[measurement] = integers(values) if measurement in INTEGERS else values
    over = np.array(complete(starts.tolist(), timeframe, interval, now), dtype=bool)
    data["complete"] = pd.array(over[within], dtype="boolean")
    return pd.DataFrame(data, index=pd.RangeIndex(len(each)), copy=False)


def complete(starts: Sequence[float], timeframe: Timeframe, interval: Interval, now: datetime) -> list[bool]:
    """Return which intervals lie wholly inside the time frame and are over."""
    ours = [start.timestamp() for start in timeframe.intervals(interval)]
    known = dict(zip(ours, timeframe.complete_intervals(interval, now=now), strict=True))
    first, limit = timeframe.start.timestamp(), min(timeframe.end.timestamp(), now.timestamp())
    # an interval that begins elsewhere than ours ends where the server's next one begins
    ends = [*starts[1:], limit + 1]
    return [
        known.get(start, first <= start and end <= limit) for start, end in zip(starts, ends, strict=True)
    ]


def _start(date: object) -> float:
    moment = answered(date)
    if moment is None:
        raise ValueError(f"{date!r} is not a time")
    return moment.timestamp()


def _joined(
    starts: Sequence[float], rows: Sequence[Row], longer: Callable[[float], float]
) -> tuple[list[float], list[Row]]:
    """Add up the intervals that one longer interval holds."""
    targets = [longer(start) for start in starts]
    unique = sorted(set(targets))
    places = np.searchsorted(np.array(unique), np.array(targets))
    joined: list[Row] = []
    for group, measured in rows:
        sums = {}
        for name, values in measured.items():
            if len(values) != len(starts):
                raise ValueError(f"{len(values)} numbers for {len(starts)} intervals")
            sums[name] = np.bincount(places, np.array(values, dtype=np.float64), len(unique)).tolist()
        joined.append((group, sums))
    return unique, joined


def _group(dimensions: Sequence[Any], size: int, *, empty: bool) -> Group:
    # events that lack a dimension come as an empty list or as empty text
    padded = (*dimensions, *([None] * size))[:size]
    return tuple(_label(value, empty=empty) for value in padded)


def _label(value: Any, *, empty: bool) -> str | None:
    if value is None or value == [] or (value == "" and not empty):
        return None
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _order(
    sort: str | None, by: Sequence[str], groups: Sequence[Group], tables: Mapping[str, Floats]
) -> list[int]:
    """Order the groups by a dimension, or by their total of a measurement; as they came, if not asked to."""
    if sort is None:
        return list(range(len(groups)))
    name = sort.removeprefix("-")
    if name in by:
        ranks: Sequence[Any] = [group[by.index(name)] or "" for group in groups]
    else:
        ranks = tables[name].sum(axis=1).tolist()
    return sorted(range(len(groups)), key=ranks.__getitem__, reverse=sort.startswith("-"))
