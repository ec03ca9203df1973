"""Creating, updating and deleting regular resources, and changing their relationships."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from klaviyo_analytics.sandbox.app import store as _store
from klaviyo_analytics.sandbox.app.errors import ApiFault, to_text
from klaviyo_analytics.sandbox.app.reads import Call, answer_one
from klaviyo_analytics.sandbox.app.store import INVERSE, Store, target
from klaviyo_analytics.sandbox.model import Record

LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's, as in ULIDs
CATALOG = "$custom:::$default:::"


def spell(number: int, width: int) -> str:
    """Write a number in letters and digits."""
    letters = []
    for _ in range(width):
        number, rest = divmod(number, len(LETTERS))
        letters.append(LETTERS[rest])
    return "".join(reversed(letters))


def short_id(store: Store, _: Json) -> str:
    """Make an id as lists, metrics and flows have: six letters and digits."""
    number = uuid.uuid5(uuid.NAMESPACE_OID, f"short {store.issue_number()}").int
    return "N" + spell(number, 5)


def ulid(store: Store, _: Json) -> str:
    """Make an id as profiles and campaigns have; later ones sort after earlier ones."""
    return spell(int(store.now() * 1000), 10) + spell(store.issue_number(), 16)


def uuid_id(store: Store, _: Json) -> str:
    """Make an id as tags and forms have."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"uuid {store.issue_number()}"))


def number_id(store: Store, _: Json) -> str:
    """Make an id as images and flow actions have."""
    return str(90_000_000 + store.issue_number())


def catalog_id(_: Store, data: Json) -> str:
    """Make an id as catalog items, variants and categories have, from their own."""
    return CATALOG + str(data["attributes"]["external_id"])


def _coupon_code_id(_: Store, data: Json) -> str:
    coupon = data["relationships"]["coupon"].get("data")
    if not coupon:
        raise ApiFault.pointer("/data/relationships/coupon/data", "A code belongs to a coupon.")
    return f"{coupon['id']}-{data['attributes']['unique_code']}"


def _external_id(_: Store, data: Json) -> str:
    return str(data["attributes"]["external_id"])


@dataclass(frozen=True, slots=True)
class Kind:
    """How a new resource of a type comes to be; `secret` attributes are taken and never shown."""

    new_id: Callable[[Store, Json], str]
    defaults: Mapping[str, Any] = field(default_factory=dict)
    created: str = ""
    updated: str = ""
    secret: frozenset[str] = frozenset()
    life: int = 0  # seconds until `expires_at`, if nothing is said of it


YEAR = 365 * 86_400
_PICTURES: Json = {"image_full_url": None, "image_thumbnail_url": None, "images": []}
_CATALOG: Json = {**_PICTURES, "price": None, "custom_metadata": {}, "published": True}
_CATALOG_SECRET = frozenset({"integration_type", "catalog_type"})

KINDS: Mapping[str, Kind] = {
    "catalog-category": Kind(catalog_id, {}, updated="updated", secret=_CATALOG_SECRET),
    "catalog-item": Kind(catalog_id, _CATALOG, "created", "updated", _CATALOG_SECRET),
    "catalog-variant": Kind(
        catalog_id, {**_CATALOG, "inventory_policy": 0}, "created", "updated", _CATALOG_SECRET
    ),
    "coupon": Kind(_external_id, {"description": None, "monitor_configuration": {}}),
    "coupon-code": Kind(_coupon_code_id, {"status": "UNASSIGNED"}, life=YEAR),
    "custom-metric": Kind(uuid_id, {}, "created", "updated"),
    "data-source": Kind(ulid, {"visibility": "private", "description": "", "namespace": "custom-objects"}),
    "form": Kind(short_id, {}, "created_at", "updated_at"),
    "list": Kind(short_id, {"opt_in_process": "double_opt_in"}, "created", "updated"),
    "segment": Kind(
        short_id,
        {"definition": None, "is_active": True, "is_processing": False, "is_starred": False},
        "created",
        "updated",
    ),
    "tag": Kind(uuid_id),
    "tag-group": Kind(uuid_id, {"exclusive": False, "default": False}, secret=frozenset({"return_fields"})),
    "template": Kind(short_id, {"html": "", "text": None, "amp": None}, "created", "updated"),
    "template-universal-content": Kind(
        ulid, {"screenshot_status": "never_generated", "screenshot_url": ""}, "created", "updated"
    ),
    "web-feed": Kind(ulid, {"status": "ok"}, "created", "updated"),
    "webhook": Kind(
        ulid, {"description": None, "enabled": True}, "created_at", "updated_at", frozenset({"secret_key"})
    ),
}

# Types that are created elsewhere and yet carry the time of their last change.
UPDATED: Mapping[str, str] = {
    **{type_: kind.updated for type_, kind in KINDS.items() if kind.updated},
    "campaign": "updated_at",
    "campaign-message": "updated_at",
    "flow": "updated",
    "flow-action": "updated",
    "flow-message": "updated",
    "image": "updated_at",
    "mapped-metric": "updated",
    "profile": "updated",
    "review": "updated",
}


MOST = {"tag": 500, "tag-group": 50, "template": 1000, "webhook": 10}
UNIQUE_NAMES = frozenset({"custom-metric", "tag", "tag-group"})
EDITORS = ("CODE", "USER_DRAGGABLE")
NAME = "/data/attributes/name"
COUPON_ID = re.compile(r"[0-9A-Za-z_]+")


def check_new(store: Store, data: dict[str, Any], links: dict[str, list[str]]) -> None:
    """Refuse a new resource that the account has no room for."""
    type_, attributes = data["type"], data.get("attributes", {})
    check_room(store, type_)
    _check_name(store, type_, attributes.get("name"))
    if type_ == "coupon" and not COUPON_ID.fullmatch(attributes["external_id"]):
        pointer = "/data/attributes/external_id"
        raise ApiFault.pointer(pointer, "Only letters, digits and underscores are allowed.")
    if type_ == "template" and attributes["editor_type"] not in EDITORS:
        pointer = "/data/attributes/editor_type"
        raise ApiFault.pointer(pointer, f"A template is created with one of {', '.join(EDITORS)}.")
    _check_expiry(type_, attributes)
    if type_ == "tag" and not links.get("tag-group"):
        links["tag-group"] = [
            id_ for id_, group in store.records("tag-group").items() if group.attributes["default"]
        ]


def check_room(store: Store, type_: str) -> None:
    """Refuse one more of a type of which the account has as many as it may have."""
    if type_ in MOST and len(store.records(type_)) >= MOST[type_]:
        raise ApiFault.bad_request(f"An account may have {MOST[type_]} of type {type_}.")


def check_change(store: Store, record: Record, data: dict[str, Any]) -> None:
    """Refuse a change that the account cannot hold."""
    attributes = data.get("attributes", {})
    if attributes.get("name") != record.attributes.get("name"):
        _check_name(store, record.type, attributes.get("name"))
    _check_expiry(record.type, attributes)
    if record.type == "template" and record.attributes["editor_type"] != "CODE":
        for name in ("html", "text", "amp"):
            if attributes.get(name) is not None:
                pointer = f"/data/attributes/{name}"
                raise ApiFault.pointer(pointer, "A template of the drag-and-drop editor is changed there.")


def _check_expiry(type_: str, attributes: dict[str, Any]) -> None:
    """Refuse a coupon code's expiry without an offset: it would be a guess on whose clock it is meant."""
    text = attributes.get("expires_at")
    if type_ == "coupon-code" and text is not None and datetime.fromisoformat(text).tzinfo is None:
        raise ApiFault.pointer("/data/attributes/expires_at", f"{text!r} is a datetime without an offset.")


def _check_name(store: Store, type_: str, name: str | None) -> None:
    if type_ in UNIQUE_NAMES and name is not None:
        names = {other.attributes["name"] for other in store.records(type_).values()}
        if name in names:
            raise ApiFault.conflict(f"A {type_} named {name!r} exists already.", pointer=NAME)


def check_removal(store: Store, record: Record) -> None:
    """Refuse to delete what must stay."""
    if record.type == "tag-group" and record.attributes["default"]:
        raise ApiFault.bad_request("The default tag group cannot be deleted.")
    if record.type == "coupon-code" and store.related(record, "profile"):
        raise ApiFault.bad_request("A coupon code that is assigned to a profile cannot be deleted.")


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
        _store.check_exist(store, target(data["type"], name), ids)
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
        _store.link(store, record, name, ids)
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
        _store.check_exist(store, target(record.type, name), ids)
    _set_attributes(record, data)
    for name, ids in links.items():
        _store.replace(store, record, name, ids)
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
    _store.check_exist(call.store, target(record.type, name), ids)
    change = {"POST": _store.link, "PATCH": _store.replace, "DELETE": _store.unlink}[call.operation.method]
    change(call.store, record, name, ids)


# What goes with the resource that it belongs to.
OWNED = frozenset(
    {
        ("campaign-message", "campaign"),
        ("catalog-variant", "item"),
        ("conversation", "profile"),
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
