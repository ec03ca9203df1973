"""Answers of metric aggregates to one tidy frame: a row for each metric, group and interval."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

Group = tuple[str | None, ...]
INTEGERS = ("count", "unique")


def column_name(dimension: str) -> str:
    """Name the column of a `by` value: `$attributed_channel` is attributed_channel, `Bot Click` bot_click."""
    return re.sub(r"\W+", "_", dimension.lstrip("$")).lower()


class Grid:
    """One metric's numbers over all intervals of a time frame; groups appear as answers bring them.

    An interval in which the server names no number for a group holds nothing: `count` and `sum_value` are zero
    there. `unique` stays missing, since nobody counted it.
    """

    def __init__(self, intervals: Sequence[datetime], measurements: Sequence[str], dimensions: int) -> None:
        self.measurements = tuple(measurements)
        self.dimensions = dimensions
        self._starts = np.array([moment.timestamp() for moment in intervals])
        self._groups: dict[Group, dict[str, npt.NDArray[np.float64]]] = {}

    def add(self, attributes: Mapping[str, Any]) -> None:
        """Take one answer's `dates` and `data`; `dates` are starts of intervals in UTC."""
        dates = np.array([datetime.fromisoformat(text).timestamp() for text in attributes["dates"]])
        # a first date inside its interval belongs to the interval that it lies in
        places = np.clip(np.searchsorted(self._starts, dates, side="right") - 1, 0, None)
        for row in attributes["data"]:
            held = self._group(tuple(row.get("dimensions") or ()))
            for name in self.measurements:
                values = np.array(row["measurements"][name], dtype=np.float64)
                held[name][places] = np.where(np.isnan(held[name][places]), 0, held[name][places]) + values

    def columns(self) -> tuple[list[Group], dict[str, npt.NDArray[np.float64]]]:
        """Give the groups, and each measurement for group after group, interval by interval."""
        groups = list(self._groups)
        flat = {}
        for name in self.measurements:
            parts = [self._groups[group][name] for group in groups]
            values = np.concatenate(parts) if parts else np.empty(0)
            flat[name] = values if name == "unique" else np.nan_to_num(values)
        return groups, flat

    def _group(self, dimensions: tuple[str, ...]) -> dict[str, npt.NDArray[np.float64]]:
        # events that lack a dimension come as an empty list or as empty text
        padded = (*dimensions, *([None] * self.dimensions))[: self.dimensions]
        group = tuple(value or None for value in padded)
        if group not in self._groups:
            self._groups[group] = {name: np.full(len(self._starts), np.nan) for name in self.measurements}
        return self._groups[group]


def frame(
    grids: Sequence[tuple[str, str, Grid]],
    *,
    intervals: Sequence[datetime],
    complete: Sequence[bool],
    timezone: str,
    by: Sequence[str],
    measurements: Sequence[str],
) -> pd.DataFrame:
    """Put (metric id, metric name, grid) together."""
    size, metrics, groups = len(intervals), [], []
    values: dict[str, list[npt.NDArray[np.float64]]] = {name: [] for name in measurements}
    for metric_id, name, grid in grids:
        found, columns = grid.columns()
        metrics += [(metric_id, name)] * len(found)
        groups += found
        for measurement in measurements:
            values[measurement].append(columns[measurement])
    starts = pd.DatetimeIndex(pd.to_datetime(list(intervals), utc=True)).as_unit("us").tz_convert(timezone)
    repeat = np.repeat(np.arange(len(groups)), size)
    data: dict[str, Any] = {
        "datetime": starts[np.tile(np.arange(size), len(groups))],
        "metric_id": _text([metric_id for metric_id, _ in metrics]).take(repeat),
        "metric": _text([name for _, name in metrics]).take(repeat),
    }
    for index, dimension in enumerate(by):
        data[column_name(dimension)] = _text([group[index] for group in groups]).take(repeat)
    for measurement in measurements:
        data[measurement] = _numbers(np.concatenate([np.empty(0), *values[measurement]]), measurement)
    data["complete"] = pd.array(np.tile(np.array(complete, dtype=bool), len(groups)), dtype="boolean")
    return pd.DataFrame(data, index=pd.RangeIndex(size * len(groups)), copy=False)


def _text(values: Sequence[str | None]) -> Any:
    return pd.array(list(values), dtype="string")


def _numbers(values: npt.NDArray[np.float64], measurement: str) -> Any:
    if measurement not in INTEGERS:
        return values
    missing = np.isnan(values)
    return pd.arrays.IntegerArray(np.where(missing, 0, values).round().astype(np.int64), missing)
