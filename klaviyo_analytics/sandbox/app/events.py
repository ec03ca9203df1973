"""The events that a query asks for, found with masks over the log's columns."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from klaviyo_analytics.sandbox.app.errors import ApiFault
from klaviyo_analytics.sandbox.app.filters import Condition, Moment
from klaviyo_analytics.sandbox.app.paging import View
from klaviyo_analytics.sandbox.app.query import Query
from klaviyo_analytics.sandbox.app.store import Store
from klaviyo_analytics.sandbox.model import EventLog

Mask = npt.NDArray[np.bool_]
COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "greater-than": operator.gt,
    "greater-or-equal": operator.ge,
    "less-than": operator.lt,
    "less-or-equal": operator.le,
}


class RowIds(Sequence[str]):
    """The ids of some rows of the log, looked up when they are asked for."""

    def __init__(self, ids: list[str], rows: npt.NDArray[np.intp]) -> None:
        self.ids = ids
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            return [self.ids[row] for row in self.rows[index].tolist()]
        return self.ids[int(self.rows[index])]


def view(store: Store, query: Query) -> View:
    """Find the events that a query asks for; without a sort the newest come first."""
    rows, times = store.derive(("events", query.filter), lambda: _select(store, query.conditions))
    descending = not query.sort or query.sort.startswith("-")
    return View(times, RowIds(store.account.events.ids, rows), descending)


def _select(store: Store, conditions: list[Condition]) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.int64]]:
    log = store.account.events
    mask: Mask = np.ones(len(log.ids), dtype=bool)
    for condition in conditions:
        mask &= _mask(store, log, condition)
    rows = np.flatnonzero(mask)
    return rows, log.time[rows]


def _mask(store: Store, log: EventLog, condition: Condition) -> Mask:
    if condition.field in ("datetime", "timestamp"):
        literal = condition.literal
        bound = literal.seconds if isinstance(literal, Moment) else literal
        return np.asarray(COMPARE[condition.operator](log.time, bound))
    if condition.field == "profile":
        return np.greater_equal(log.profile, 0)
    if condition.field == "profile_id":
        return np.equal(log.profile, _position(log.profile_ids, condition.literal))
    if str(condition.literal) in store.records("custom-metric"):
        raise ApiFault.parameter("filter", "Custom metrics are not supported in the metric_id filter.")
    return np.equal(log.metric, _position(log.metric_ids, condition.literal))


def _position(ids: list[str], id_: object) -> int:
    return ids.index(id_) if isinstance(id_, str) and id_ in ids else -2  # -1 stands for no profile
