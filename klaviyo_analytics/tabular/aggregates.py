"""Answers of metric aggregates to one tidy frame: a row for each metric, group and interval."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from klaviyo_analytics.timeframe import Timeframe
from klaviyo_analytics.vocabulary import Interval

Floats = npt.NDArray[np.float64]
Group = tuple[str | None, ...]
Rows = dict[Group, dict[str, Floats]]
INTEGERS = ("count", "unique")


def column_name(dimension: str) -> str:
    """Name the column of a `by` value: `$attributed_channel` is attributed_channel, `Bot Click` bot_click."""
    return re.sub(r"\W+", "_", dimension.lstrip("$")).lower()


class Grid:
    """One metric's numbers as the server's answers bring them: by group and start of interval.

    The server's own dates are the intervals' names: when a week begins, it knows.
    """

    def __init__(self, measurements: Sequence[str], dimensions: int) -> None:
        self.measurements = tuple(measurements)
        self.dimensions = dimensions
        self._parts: list[tuple[Floats, Rows]] = []

    def add(self, attributes: Mapping[str, Any]) -> None:
        """Take one answer's `dates` and `data`."""
        dates = np.array([datetime.fromisoformat(text).timestamp() for text in attributes["dates"]])
        rows = {
            self._group(row.get("dimensions") or ()): {
                name: np.array(row["measurements"][name], dtype=np.float64) for name in self.measurements
            }
            for row in attributes["data"]
        }
        self._parts.append((dates, rows))

    def starts(self) -> set[float]:
        """Give every interval that was answered for, as Unix seconds."""
        return {start for dates, _ in self._parts for start in dates.tolist()}

    def columns(self, starts: Floats) -> tuple[list[Group], dict[str, Floats]]:
        """Give the groups, and each measurement for group after group, interval by interval.

        Where no answer names a number, nothing happened: `count` and `sum_value` are zero there. `unique` stays
        missing, since nobody counted it; also where two answers share an interval, whose people may be the same.
        """
        groups = list(dict.fromkeys(group for _, rows in self._parts for group in rows))
        places = {group: index * len(starts) for index, group in enumerate(groups)}
        flat = {name: np.full(len(groups) * len(starts), np.nan) for name in self.measurements}
        for dates, rows in self._parts:
            offsets = np.searchsorted(starts, dates)
            for group, measured in rows.items():
                at = places[group] + offsets
                for name, values in measured.items():
                    held = flat[name][at]
                    both = np.nan if name == "unique" else held + values
                    flat[name][at] = np.where(np.isnan(held), values, both)
        return groups, {n: v if n == "unique" else np.nan_to_num(v) for n, v in flat.items()}

    def _group(self, dimensions: Sequence[str]) -> Group:
        # events that lack a dimension come as an empty list or as empty text
        padded = (*dimensions, *([None] * self.dimensions))[: self.dimensions]
        return tuple(value or None for value in padded)


def frame(
    grids: Sequence[tuple[str, str, Grid]],
    *,
    timeframe: Timeframe,
    interval: Interval,
    now: datetime,
    by: Sequence[str],
    measurements: Sequence[str],
) -> pd.DataFrame:
    """Put (metric id, metric name, grid) together."""
    starts = np.array(sorted(set().union(*(grid.starts() for _, _, grid in grids))))
    size = len(starts)
    metrics: list[tuple[str, str]] = []
    groups: list[Group] = []
    values: dict[str, list[Floats]] = {name: [np.empty(0)] for name in measurements}
    for metric_id, name, grid in grids:
        found, columns = grid.columns(starts)
        metrics += [(metric_id, name)] * len(found)
        groups += found
        for measurement in measurements:
            values[measurement].append(columns[measurement])
    when = pd.to_datetime(starts, unit="s", utc=True).as_unit("us").tz_convert(timeframe.timezone)
    each, within = np.repeat(np.arange(len(groups)), size), np.tile(np.arange(size), len(groups))
    data: dict[str, Any] = {
        "datetime": when[within],
        "metric_id": _text([metric_id for metric_id, _ in metrics]).take(each),
        "metric": _text([name for _, name in metrics]).take(each),
    }
    for index, dimension in enumerate(by):
        data[column_name(dimension)] = _text([group[index] for group in groups]).take(each)
    for measurement in measurements:
        data[measurement] = _numbers(np.concatenate(values[measurement]), measurement)
    over = np.array(_complete(starts.tolist(), timeframe, interval, now), dtype=bool)
    data["complete"] = pd.array(over[within], dtype="boolean")
    return pd.DataFrame(data, index=pd.RangeIndex(len(each)), copy=False)


def _complete(starts: Sequence[float], timeframe: Timeframe, interval: Interval, now: datetime) -> list[bool]:
    """Tell which intervals lie wholly inside the time frame and are over."""
    ours = [start.timestamp() for start in timeframe.intervals(interval)]
    known = dict(zip(ours, timeframe.complete_intervals(interval, now=now), strict=True))
    first, limit = timeframe.start.timestamp(), min(timeframe.end.timestamp(), now.timestamp())
    # an interval that begins elsewhere than ours ends where the server's next one begins
    ends = [*starts[1:], limit + 1]
    return [known.get(start, first < start and end <= limit) for start, end in zip(starts, ends, strict=True)]


def _text(values: Sequence[str | None]) -> Any:
    return pd.array(list(values), dtype="string")


def _numbers(values: Floats, measurement: str) -> Any:
    if measurement not in INTEGERS:
        return values
    missing = np.isnan(values)
    return pd.arrays.IntegerArray(np.where(missing, 0, values).round().astype(np.int64), missing)
