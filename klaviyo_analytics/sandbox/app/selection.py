"""Filter conditions, applied to records."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Sequence
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from klaviyo_analytics.sandbox.app.errors import ApiFault, to_seconds, to_text
from klaviyo_analytics.sandbox.app.filters import MARKETING, Condition, Literal, Moment, suppressions
from klaviyo_analytics.sandbox.app.paging import View
from klaviyo_analytics.sandbox.app.request_checks import Query
from klaviyo_analytics.sandbox.app.store import Store, target
from klaviyo_analytics.sandbox.model import EventLog, Record

Test = Callable[[Any, Any], bool]

TESTS: dict[str, Test] = {
    "equals": lambda value, literal: bool(value == literal),
    "any": lambda value, literal: value in literal,
    "contains": lambda value, literal: literal in value,
    "starts-with": lambda value, literal: bool(value.startswith(literal)),
    "ends-with": lambda value, literal: bool(value.endswith(literal)),
    "greater-than": lambda value, literal: bool(value > literal),
    "greater-or-equal": lambda value, literal: bool(value >= literal),
    "less-than": lambda value, literal: bool(value < literal),
    "less-or-equal": lambda value, literal: bool(value <= literal),
}

# Fields that are not the path of an attribute or a relationship's id.
PATHS = {
    ("campaign-message", "campaign_id"): "campaign.id",
    ("catalog-item", "category.id"): "categories.id",
    ("catalog-category", "item.id"): "items.id",
    ("review", "status"): "status.value",
    ("flow-action", "action_type"): "definition.type",
    ("flow-action", "status"): "definition.data.status",
    ("profile", "push_token"): "push-tokens.token",
}
IDS = frozenset({"id", "ids", "profile_id"})
RELATED = {
    "campaign": "campaign",
    "messages": "campaign-messages",
    "categories": "categories",
    "items": "items",
    "item": "item",
    "coupon": "coupon",
    "profile": "profile",
    "push-tokens": "push-tokens",
}


def matches(store: Store, record: Record, condition: Condition) -> bool:
    """Return whether a record meets a condition; with several values, whether one of them does."""
    return _holds(list(values_of(store, record, condition.field)), condition)


def matches_all(store: Store, record: Record, conditions: list[Condition]) -> bool:
    """Return whether a record meets all conditions; those on suppressions must hold for one and the same."""
    special = [condition for condition in conditions if condition.field.startswith(MARKETING)]
    if special and not any(
        all(_holds([entry.get(condition.field.rpartition(".")[2])], condition) for condition in special)
        for entry in suppressions(record, special[0].field)
    ):
        return False
    return all(matches(store, record, condition) for condition in conditions if condition not in special)


def _holds(values: list[Any], condition: Condition) -> bool:
    if condition.literal is None:
        return not [value for value in values if value is not None]
    literal = _plain(condition.literal)
    is_time = isinstance(condition.literal, Moment)
    test = TESTS[condition.operator]
    return any(
        test(to_seconds(value) if is_time else value, literal) for value in values if value is not None
    )


def values_of(store: Store, record: Record, field: str) -> Iterable[Any]:
    """Everything that a record holds under a filter's field."""
    if field in IDS:
        return [record.id]
    path = PATHS.get((record.type, field), field).split(".")
    if len(path) == 1 and path[0].endswith("_id") and path[0] not in record.attributes:
        return store.related(record, path[0].removesuffix("_id") + "s")  # a job's list or segment
    if path[0] in RELATED:
        return _related_values(store, record, RELATED[path[0]], path[1:])
    return _walk([record.attributes], _to_definition(record, path))


def _to_definition(record: Record, path: list[str]) -> list[str]:
    """Return the path of an attribute that stands in the record's definition."""
    inner = record.attributes.get("definition")
    inside = isinstance(inner, dict) and path[0] in inner and path[0] not in record.attributes
    return ["definition", *path] if inside else path


def sort_value(record: Record, name: str) -> Any:
    """Return what a record is sorted by."""
    values = _walk([record.attributes], _to_definition(record, [name]))
    return values[0] if values else None


def _related_values(store: Store, record: Record, name: str, path: list[str]) -> Iterable[Any]:
    ids = store.related(record, name)
    if path == ["id"]:
        return ids
    others = [store.find(target(record.type, name), id_) for id_ in ids]
    path = ["definition", *path] if path == ["channel"] else path
    return _walk([other.attributes for other in others if other], path)


def _walk(values: list[Any], path: list[str]) -> list[Any]:
    for name in path:
        flat = [item for value in values for item in (value if isinstance(value, list) else [value])]
        values = [value[name] for value in flat if isinstance(value, dict) and name in value]
    return values


def _plain(literal: Literal) -> Any:
    if isinstance(literal, tuple):
        return [_plain(member) for member in literal]
    return literal.seconds if isinstance(literal, Moment) else literal


def group_view(store: Store, group_id: str, query: Query) -> View:
    """Find the members of a group that a query asks for, ordered by the time they joined."""

    def build() -> View:
        members = store.members(group_id)
        kept = [
            id_ for id_ in members if all(_matches(store, id_, members[id_], one) for one in query.conditions)
        ]
        pairs = sorted((members[id_], id_) for id_ in kept)
        descending = query.sort.startswith("-")
        return View([joined for joined, _ in pairs], [id_ for _, id_ in pairs], descending)

    return store.derive(("members", group_id, query.filter, query.sort), build)


def with_joined(record: Record, members: dict[str, int]) -> Record:
    """Add the time of joining to a profile."""
    joined = to_text(members[record.id])
    return Record(
        record.type, record.id, {**record.attributes, "joined_group_at": joined}, record.relationships
    )


def _matches(store: Store, profile_id: str, joined: int, condition: Condition) -> bool:
    if condition.field == "joined_group_at" and isinstance(condition.literal, Moment):
        return TESTS[condition.operator](joined, condition.literal.seconds)
    profile = store.find("profile", profile_id)
    return profile is not None and matches(store, profile, condition)


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


def event_view(store: Store, query: Query) -> View:
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
