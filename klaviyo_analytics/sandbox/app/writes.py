"""Creating, updating and deleting regular resources, and changing their relationships."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from klaviyo_analytics.sandbox.app import linking
from klaviyo_analytics.sandbox.app.errors import ApiFault
from klaviyo_analytics.sandbox.app.kinds import KINDS, UPDATED
from klaviyo_analytics.sandbox.app.reads import Call, answer_one
from klaviyo_analytics.sandbox.app.relations import INVERSE, target
from klaviyo_analytics.sandbox.app.rules import check_change, check_new, check_removal
from klaviyo_analytics.sandbox.app.store import Store
from klaviyo_analytics.sandbox.app.times import to_text
from klaviyo_analytics.sandbox.model import Record

Json = dict[str, Any]
MOST_IDS = 1000  # in one change of a relationship
NEVER_EMPTY = frozenset({"name", "definition"})


def create_resource(call: Call) -> Json | None:
    """Create one resource from the body."""
    data = call.body["data"]
    record = new_record(call.store, data)
    return answer_one(call, record)


def new_record(store: Store, data: Json) -> Record:
    """Make a resource from a body's `data`, check it against the account, and keep it."""
    kind = KINDS[data["type"]]
    links = dict(related_ids(data))
    for name, ids in links.items():
        linking.check_exist(store, target(data["type"], name), ids)
    record = Record(data["type"], kind.new_id(store, data), dict(kind.defaults))
    if store.find(record.type, record.id):
        raise ApiFault.conflict(
            f"A {record.type} with id {record.id} exists already.", pointer="/data/attributes"
        )
    check_new(store, data, links)
    _set_attributes(record, data)
    now = to_text(store.now())
    record.attributes |= {name: now for name in (kind.created, kind.updated) if name}
    if kind.life and not record.attributes.get("expires_at"):
        record.attributes["expires_at"] = to_text(store.now() + kind.life)
    store.add(record)
    for name, ids in links.items():
        linking.link(store, record, name, ids)
    return record


def update_resource(call: Call) -> Json | None:
    """Change what the body names of one resource."""
    record, data = call.store.get(call.owner, call.id), call.body["data"]
    check_id(call, data)
    change_record(call.store, record, data)
    return None if call.operation.shape is None else answer_one(call, record)


def change_record(store: Store, record: Record, data: Json) -> None:
    """Set what a body's `data` names, and replace the relationships that it names."""
    check_change(store, record, data)
    links = dict(related_ids(data))
    for name, ids in links.items():
        linking.check_exist(store, target(record.type, name), ids)
    _set_attributes(record, data)
    for name, ids in links.items():
        linking.replace(store, record, name, ids)
    touch(store, record)


def delete_resource(call: Call) -> Json | None:
    """Delete one resource; where the API says so, what was deleted is shown once more."""
    record = call.store.get(call.owner, call.id)
    check_removal(call.store, record)
    document = None if call.operation.shape is None else answer_one(call, record)
    remove(call.store, record)
    return document


def remove(store: Store, record: Record) -> None:
    """Forget a resource with all that belongs to it."""
    for (type_, name), (owner, stored) in INVERSE.items():
        if type_ == record.type and (owner, stored) in OWNED:
            for other in list(store.find_all(owner, store.related(record, name))):
                remove(store, other)
    store.remove(record.type, record.id)


def change_relationship(call: Call) -> None:
    """Add to, replace, or take out of a relationship the ids in the body."""
    record, name = call.store.get(call.owner, call.id), call.operation.segments[-1]
    ids = _identifiers(call.body["data"])
    if len(ids) > MOST_IDS:
        raise ApiFault.pointer("/data", f"A request may name {MOST_IDS} ids.")
    linking.check_exist(call.store, target(record.type, name), ids)
    change = {"POST": linking.link, "PATCH": linking.replace, "DELETE": linking.unlink}[call.operation.method]
    change(call.store, record, name, ids)


# What goes with the resource that it belongs to.
OWNED = frozenset(
    {
        ("campaign-message", "campaign"),
        ("catalog-variant", "item"),
        ("coupon-code", "coupon"),
        ("form-version", "form"),
        ("push-token", "profile"),
        ("flow-action", "flow"),
        ("flow-message", "flow-action"),
        ("tag", "tag-group"),
    }
)


def related_ids(data: Json) -> Iterator[tuple[str, list[str]]]:
    """Read the relationships that a body sets."""
    for name, value in data.get("relationships", {}).items():
        if "data" in value:
            yield name, _identifiers(value["data"])


def required_id(data: Json, name: str) -> str:
    """Read the one id of a relationship that a body cannot do without."""
    ids = dict(related_ids(data)).get(name)
    if not ids:
        raise ApiFault.pointer(f"/data/relationships/{name}/data", f"A {name} is required.")
    return ids[0]


def check_id(call: Call, data: Json) -> None:
    """Refuse a body that speaks of another resource than the path."""
    if data["id"] != call.id:
        raise ApiFault.pointer("/data/id", f"The path says {call.id}, the body {data['id']}.")


def touch(store: Store, record: Record) -> None:
    """Note that a resource was changed just now."""
    if record.type in UPDATED:
        record.attributes[UPDATED[record.type]] = to_text(store.now())
    store.changed()


def _set_attributes(record: Record, data: Json) -> None:
    kind = KINDS.get(record.type)
    secret = kind.secret if kind else frozenset()
    for name, value in data.get("attributes", {}).items():
        if value is None and name in NEVER_EMPTY and name in record.attributes:
            continue  # a null leaves it as it is
        (record.hidden if name in secret else record.attributes)[name] = value


def _identifiers(data: Any) -> list[str]:
    members = data if isinstance(data, list) else [data] if data else []
    return [member["id"] for member in members]
