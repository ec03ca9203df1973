"""Members of lists and segments."""

from __future__ import annotations

from klaviyo_analytics.sandbox.app.filters import Condition, Moment
from klaviyo_analytics.sandbox.app.paging import View
from klaviyo_analytics.sandbox.app.predicates import TESTS, matches
from klaviyo_analytics.sandbox.app.query import Query
from klaviyo_analytics.sandbox.app.store import Store
from klaviyo_analytics.sandbox.app.times import to_text
from klaviyo_analytics.sandbox.model import Record


def view(store: Store, group_id: str, query: Query) -> View:
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
