"""Filter conditions, applied to records."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from klaviyo_analytics.sandbox.app.filters import Condition, Literal, Moment
from klaviyo_analytics.sandbox.app.relations import target
from klaviyo_analytics.sandbox.app.store import Store
from klaviyo_analytics.sandbox.app.suppressions import MARKETING, suppressions
from klaviyo_analytics.sandbox.app.times import to_seconds
from klaviyo_analytics.sandbox.model import Record

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
    ("catalog-item", "category.id"): "categories.id",
    ("catalog-category", "item.id"): "items.id",
    ("review", "status"): "status.value",
    ("flow-action", "action_type"): "definition.type",
    ("flow-action", "status"): "definition.data.status",
    ("profile", "push_token"): "push-tokens.token",
}
IDS = frozenset({"id", "ids", "profile_id"})
RELATED = {
    "messages": "campaign-messages",
    "categories": "categories",
    "items": "items",
    "item": "item",
    "coupon": "coupon",
    "profile": "profile",
    "push-tokens": "push-tokens",
}


def matches(store: Store, record: Record, condition: Condition) -> bool:
    """Tell whether a record meets a condition; with several values, whether one of them does."""
    return _holds(list(values_of(store, record, condition.field)), condition)


def matches_all(store: Store, record: Record, conditions: list[Condition]) -> bool:
    """Tell whether a record meets all conditions; those on suppressions must hold for one and the same."""
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
    return _walk([record.attributes], path)


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
