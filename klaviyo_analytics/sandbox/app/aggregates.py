"""Metric aggregates, computed from the events that `/api/events` shows."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from klaviyo_analytics.sandbox.app import dimensions
from klaviyo_analytics.sandbox.app.aggregate_query import AggregateQuery, read_aggregate_query
from klaviyo_analytics.sandbox.app.buckets import bucket_starts
from klaviyo_analytics.sandbox.app.paging import ORIGIN, url
from klaviyo_analytics.sandbox.app.reads import Call
from klaviyo_analytics.sandbox.app.store import Store
from klaviyo_analytics.sandbox.app.times import to_text

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Row:
    """One combination of dimension values, and its numbers for every interval."""

    dimensions: tuple[str, ...]
    measurements: dict[str, list[float]]


def query_metric_aggregates(call: Call) -> dict[str, Any]:
    """Answer the metric's numbers by interval and dimension."""
    query = read_aggregate_query(call.store, call.body["data"]["attributes"])
    starts = bucket_starts(query.start, query.end, query.interval, ZoneInfo(query.timezone))
    rows = _sorted(query, _rows(call.store, query, starts))
    stop = query.offset + query.page_size
    links = {"self": url(call.path)}
    if stop < len(rows):
        links["next"] = url(call.path, [("page_cursor", query.cursor_at(stop))])
    id_ = str(uuid.uuid4())
    return {
        "data": {
            "type": "metric-aggregate",
            "id": id_,
            "attributes": {
                "dates": [to_text(start) for start in starts],
                "data": [
                    {"dimensions": list(row.dimensions), "measurements": row.measurements}
                    for row in rows[query.offset : stop]
                ],
            },
            "links": {"self": f"{ORIGIN.get()}/api/metric-aggregates/{id_}"},
        },
        "links": links,
    }


def _rows(store: Store, query: AggregateQuery, starts: list[int]) -> list[Row]:
    log = store.account.events
    low, high = np.searchsorted(log.time, [np.ceil(query.start), np.ceil(query.end)])
    of_metric = log.metric[low:high] == log.metric_ids.index(query.metric_id)
    rows = np.flatnonzero(of_metric) + low
    for condition in query.conditions:
        rows = rows[dimensions.mask(store, rows, condition)]
    groups, labels = dimensions.group(store, rows, query.by)
    bucket = np.searchsorted(np.array(starts, dtype=np.int64), log.time[rows], side="right") - 1
    cell = groups * len(starts) + bucket
    shape = (len(labels), len(starts))
    numbers = {name: MEASURES[name](store, rows, cell, shape) for name in query.measurements}
    return [
        Row(label, {name: table[index].tolist() for name, table in numbers.items()})
        for index, label in enumerate(labels)
    ]


def _count(_store: Store, _rows: Ints, cell: Ints, shape: tuple[int, int]) -> npt.NDArray[np.float64]:
    return np.bincount(cell, minlength=shape[0] * shape[1]).astype(np.float64).reshape(shape)


def _sum_value(store: Store, rows: Ints, cell: Ints, shape: tuple[int, int]) -> npt.NDArray[np.float64]:
    values = np.nan_to_num(store.account.events.value[rows])
    sums = np.bincount(cell, weights=values, minlength=shape[0] * shape[1])
    return sums.astype(np.float64).round(2).reshape(shape)


def _unique(store: Store, rows: Ints, cell: Ints, shape: tuple[int, int]) -> npt.NDArray[np.float64]:
    """Count each profile once in a cell; an event without a profile counts nobody."""
    log = store.account.events
    profile = log.profile[rows].astype(np.int64)
    known = profile >= 0
    pairs = np.unique(cell[known] * (len(log.profile_ids) + 1) + profile[known])
    return _count(store, rows, pairs // (len(log.profile_ids) + 1), shape)


MEASURES: Mapping[str, Callable[[Store, Ints, Ints, tuple[int, int]], npt.NDArray[np.float64]]] = {
    "count": _count,
    "sum_value": _sum_value,
    "unique": _unique,
}


def _sorted(query: AggregateQuery, rows: list[Row]) -> list[Row]:
    """By a dimension or the total of a measurement; without a sort by the dimensions."""
    name = query.sort.removeprefix("-")
    descending = query.sort.startswith("-")
    if not name:
        return sorted(rows, key=lambda row: row.dimensions)
    if name in query.by:
        place = query.by.index(name)
        return sorted(rows, key=lambda row: row.dimensions[place], reverse=descending)
    return sorted(rows, key=lambda row: sum(row.measurements.get(name, [])), reverse=descending)


HANDLERS = {"query_metric_aggregates": query_metric_aggregates}
