"""Profiles: told apart by their identifiers, created, updated, and brought in by import."""

from __future__ import annotations

import re
from typing import Any

import orjson

from klaviyo_analytics.sandbox.app.errors import ApiFault, Problem
from klaviyo_analytics.sandbox.app.kinds import ulid
from klaviyo_analytics.sandbox.app.reads import Call, answer_one
from klaviyo_analytics.sandbox.app.store import Store
from klaviyo_analytics.sandbox.app.times import to_text
from klaviyo_analytics.sandbox.app.writes import check_id, touch
from klaviyo_analytics.sandbox.model import Record

Json = dict[str, Any]
IDENTIFIERS = ("email", "phone_number", "external_id")
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
PHONE = re.compile(r"\+[1-9]\d{6,14}")
MOST_BYTES = 100 * 1024
ATTRIBUTES = "/data/attributes"
NAMES = ("first_name", "last_name", "organization", "locale", "title", "image")
PLACES = (
    "address1",
    "address2",
    "city",
    "country",
    "region",
    "zip",
    "latitude",
    "longitude",
    "timezone",
    "ip",
)


def create_profile(call: Call) -> Json:
    """Create a profile; one that exists already is a conflict that names it."""
    data = call.body["data"]
    _check_size(call.body)
    check_identifiers(data["attributes"])
    require_identifier(data["attributes"])
    _check_free(call.store, data["attributes"], None)
    return answer_one(call, add_profile(call.store, data["attributes"]))


def update_profile(call: Call) -> Json:
    """Change what the body names; null clears, absence keeps."""
    data = call.body["data"]
    _check_size(call.body)
    record = call.store.get("profile", call.id)
    check_id(call, data)
    apply(call.store, record, data)
    return answer_one(call, record)


def import_profile(call: Call) -> Json:
    """Create a profile, or update the one that has an identifier given."""
    data = call.body["data"]
    _check_size(call.body)
    record, created = upsert(call.store, data)
    call.status = 201 if created else 200
    return answer_one(call, record)


def upsert(store: Store, data: Json, pointer: str = ATTRIBUTES) -> tuple[Record, bool]:
    """Find the profile that a body's `data` speaks of and update it, or create one."""
    attributes = {name: value for name, value in data.get("attributes", {}).items() if name not in SPECIAL}
    check_identifiers(attributes, pointer)
    record = store.get("profile", data["id"]) if data.get("id") else find_profile(store, attributes)
    if record is None:
        require_identifier(attributes, pointer)
        record = add_profile(store, attributes)
        patch_properties(record, (data.get("meta") or {}).get("patch_properties") or {})
        return record, True
    apply(store, record, data | {"attributes": attributes}, pointer)
    return record, False


def find_profile(store: Store, attributes: Json) -> Record | None:
    """Look a profile up by its identifiers, the first given first."""
    for name in IDENTIFIERS:
        if attributes.get(name) and (record := _holder(store, name, attributes[name])):
            return record
    return None


def add_profile(store: Store, attributes: Json) -> Record:
    """Keep a new profile; what is not given is null."""
    now = to_text(store.now())
    known: Json = dict.fromkeys((*IDENTIFIERS, *NAMES))
    known |= {"created": now, "updated": now, "last_event_date": None}
    known |= {"location": dict.fromkeys(PLACES), "properties": {}}
    known |= {"subscriptions": _never_subscribed(), "predictive_analytics": None}
    record = store.add(Record("profile", ulid(store, {}), known))
    set_attributes(store, record, attributes)
    return record


def apply(store: Store, record: Record, data: Json, pointer: str = ATTRIBUTES) -> None:
    """Change a profile as a body's `data` says."""
    attributes = data.get("attributes", {})
    check_identifiers(attributes, pointer)
    _check_free(store, attributes, record.id, pointer)
    set_attributes(store, record, attributes)
    patch_properties(record, (data.get("meta") or {}).get("patch_properties") or {})
    touch(store, record)


def patch_properties(record: Record, patch: Json) -> None:
    """Append to, take out of, and unset custom properties."""
    properties = record.attributes["properties"] = dict(record.attributes.get("properties") or {})
    unset = patch.get("unset") or []
    for name in [unset] if isinstance(unset, str) else unset:
        properties.pop(name, None)
    for name, value in (patch.get("append") or {}).items():
        properties[name] = _as_list(properties.get(name)) + _as_list(value)
    for name, value in (patch.get("unappend") or {}).items():
        taken = _as_list(value)
        properties[name] = [item for item in _as_list(properties.get(name)) if item not in taken]


def check_identifiers(attributes: Json, pointer: str = ATTRIBUTES) -> None:
    """Refuse addresses and numbers that cannot be."""
    problems = identifier_problems(attributes, pointer)
    if problems:
        raise ApiFault(400, problems)


def identifier_problems(attributes: Json, pointer: str) -> list[Problem]:
    """Find addresses and numbers that cannot be."""
    return [
        Problem("invalid", f"{value!r} is not a valid {name}.", {"pointer": f"{pointer}/{name}"})
        for name, pattern in (("email", EMAIL), ("phone_number", PHONE))
        if (value := attributes.get(name)) is not None and not pattern.fullmatch(value)
    ]


def require_identifier(attributes: Json, pointer: str = ATTRIBUTES) -> None:
    """Refuse somebody who could not be told apart."""
    if not any(attributes.get(name) for name in IDENTIFIERS):
        raise ApiFault.pointer(pointer, f"One of these identifiers is required: {', '.join(IDENTIFIERS)}.")


def _check_free(store: Store, attributes: Json, own_id: str | None, pointer: str = ATTRIBUTES) -> None:
    for name in IDENTIFIERS:
        holder = _holder(store, name, attributes[name]) if attributes.get(name) else None
        if holder and holder.id != own_id:
            raise ApiFault.conflict(
                f"A profile already exists with this {name}.",
                code="duplicate_profile",
                pointer=f"{pointer}/{name}",
                duplicate_profile_id=holder.id,
            )


def _holder(store: Store, name: str, value: str) -> Record | None:
    """Find who has an identifier; an entry of somebody who has it no more counts for nothing."""
    key = (name, _fold(name, value))
    record = _holders(store).get(key)
    if record is None or store.find("profile", record.id) is not record:
        return None
    return record if _fold(name, record.attributes[name] or "") == key[1] else None


def _holders(store: Store) -> dict[tuple[str, str], Record]:
    """Find who has, or once had, each identifier; collected once, then kept by whoever gives one."""
    if store.holders is None:
        store.holders = {}
        for record in store.records("profile").values():
            _hold(store.holders, record)
    return store.holders


def _hold(holders: dict[tuple[str, str], Record], record: Record) -> None:
    for name in IDENTIFIERS:
        if record.attributes.get(name):
            holders[name, _fold(name, record.attributes[name])] = record


def _fold(name: str, value: str) -> str:
    return value.lower() if name == "email" else value


def set_attributes(store: Store, record: Record, attributes: Json) -> None:
    """Set what is given; places and custom properties are set one by one."""
    for name, value in attributes.items():
        if name in ("location", "properties") and isinstance(value, dict):
            record.attributes[name] = (record.attributes.get(name) or {}) | value
        else:
            record.attributes[name] = value
    _hold(_holders(store), record)


def _never_subscribed() -> Json:
    email = {"can_receive_email_marketing": True, "consent": "NEVER_SUBSCRIBED"}
    email |= dict.fromkeys(("consent_timestamp", "last_updated", "method", "method_detail"))
    email |= {"custom_method_detail": None, "double_optin": None, "suppression": [], "list_suppressions": []}
    return {"email": {"marketing": email}}


def _as_list(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [value]


def _check_size(body: Json) -> None:
    if len(orjson.dumps(body)) > MOST_BYTES:
        raise ApiFault(413, [Problem("payload_too_large", "A profile may have 100 KB.")])


SPECIAL = frozenset({"_kx", "anonymous_id", "meta", "subscriptions"})
HANDLERS = {
    "create_profile": create_profile,
    "update_profile": update_profile,
    "create_or_update_profile": import_profile,
}
