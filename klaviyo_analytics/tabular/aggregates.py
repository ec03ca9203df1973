"""Answers of metric aggregates to one tidy frame: a row for each metric, group and interval."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
import orjson
import pandas as pd

from klaviyo_analytics.errors import MalformedResponseError
from klaviyo_analytics.tabular.grid import Floats, Grid, Group, Row, integers, text
from klaviyo_analytics.timeframe import Timeframe
from klaviyo_analytics.timeframe._moments import answered
from klaviyo_analytics.vocabulary import Interval

ADDITIVE = ("count", "sum_value")
INTEGERS = ("count", "unique")


def column_name(dimension: str) -> str:
    """Name the column of a `by` value: `$attributed_channel` is attributed_channel, `Bot Click` bot_click."""
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
        for answer in answers:
            starts = [_start(date) for date in answer["dates"]]
            # one that writes null for what is absent means an empty text as a value of its own
            writes_null = any(None in (row.get("dimensions") or ()) for row in answer["data"])
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
            "metric-aggregates answered with numbers that do not stand beside their dates."
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
    """Tell which intervals lie wholly inside the time frame and are over."""
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
