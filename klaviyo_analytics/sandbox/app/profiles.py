"""Profiles: told apart by their identifiers, created, updated, brought in by import, written to in conversations."""

from __future__ import annotations

import re
import uuid
from typing import Any

import numpy as np
import orjson

from klaviyo_analytics.sandbox.app.errors import ApiFault, Problem, to_text
from klaviyo_analytics.sandbox.app.reads import Call, answer_one, get_related
from klaviyo_analytics.sandbox.app.store import Store
from klaviyo_analytics.sandbox.app.writes import (
    check_id,
    related_ids,
    remove,
    required_id,
    touch,
    ulid,
    uuid_id,
)
from klaviyo_analytics.sandbox.model import Record, Related

Json = dict[str, Any]
IDENTIFIERS = ("email", "phone_number", "external_id")
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
PHONE = re.compile(r"\+[1-9]\d{6,14}")
MOST_BYTES = 100 * 1024
ATTRIBUTES = "/data/attributes"
CONVERSATION = "conversation"
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


SUBSCRIBED, UNSUBSCRIBED = "SUBSCRIBED", "UNSUBSCRIBED"
# Why somebody gets no email; consenting anew lifts these, while a bounce stays a bounce.
LIFTED_BY_CONSENT = frozenset({"UNSUBSCRIBE", "SPAM_COMPLAINT", "SPAM_REPORT", "USER_SUPPRESSED"})
BY_HAND = "USER_SUPPRESSED"
CONSENT_ATTRIBUTES = {"push": "mobile_push"}  # channels that profiles call by another name


def consent_of(profile: Record, channel: str, purpose: str = "marketing") -> Json:
    """Find what is known of a profile's consent."""
    subscriptions = profile.attributes.get("subscriptions") or {}
    known: Json = (subscriptions.get(CONSENT_ATTRIBUTES.get(channel, channel)) or {}).get(purpose) or {}
    return known


def is_subscribed(profile: Record, channel: str, purpose: str = "marketing") -> bool:
    """Return whether a profile has agreed."""
    return consent_of(profile, channel, purpose).get("consent") == SUBSCRIBED


def set_consent(profile: Record, channel: str, purpose: str, consent: str, at: str, source: str = "") -> None:
    """Note that a profile agreed, or that it does no more."""
    known: Json = {"consent": consent, "consent_timestamp": at}
    agreed = consent == SUBSCRIBED
    if channel == "email":
        known |= {"last_updated": at, "method": "API", "method_detail": "", "double_optin": False}
        known |= {"custom_method_detail": source or None}
    elif channel == "sms":
        known |= {"last_updated": at, "method": "API", "method_detail": source}
        known |= {f"can_receive_sms_{purpose}": agreed}
    elif channel == "push":
        known |= {"can_receive_push_marketing": agreed}
    else:
        known |= {
            "last_updated": at,
            "can_receive": agreed,
            "phone_number": profile.attributes["phone_number"],
        }
    _change(profile, channel, purpose, known)


def suppress(profile: Record, reason: str, at: str) -> bool:
    """Keep email from a profile, for another reason or for the first; tell whether that is news."""
    entries = consent_of(profile, "email").get("suppression") or []
    if any(entry["reason"] == reason for entry in entries):
        return False
    _suppress(profile, [*entries, {"reason": reason, "timestamp": at}])
    return True


def lift(profile: Record, reasons: frozenset[str]) -> bool:
    """Lift suppressions with these reasons; return whether there were any."""
    entries = consent_of(profile, "email").get("suppression") or []
    left = [entry for entry in entries if entry["reason"] not in reasons]
    if len(left) == len(entries):
        return False
    _suppress(profile, left)
    return True


def leave_list(profile: Record, list_id: str, at: str) -> None:
    """Note that a profile wants no email through a list."""
    entry = {"list_id": list_id, "reason": "UNSUBSCRIBE", "timestamp": at}
    _change(profile, "email", "marketing", {"list_suppressions": [*_other_lists(profile, list_id), entry]})


def rejoin_list(profile: Record, list_id: str) -> None:
    """Forget that a profile once left a list."""
    if consent_of(profile, "email").get("list_suppressions"):
        _change(profile, "email", "marketing", {"list_suppressions": _other_lists(profile, list_id)})


def _other_lists(profile: Record, list_id: str) -> list[Json]:
    entries = consent_of(profile, "email").get("list_suppressions") or []
    return [entry for entry in entries if entry["list_id"] != list_id]


def _suppress(profile: Record, entries: list[Json]) -> None:
    state = {"suppression": entries, "can_receive_email_marketing": not entries}
    _change(profile, "email", "marketing", state)


def _change(profile: Record, channel: str, purpose: str, known: Json) -> None:
    name = CONSENT_ATTRIBUTES.get(channel, channel)
    subscriptions = profile.attributes.get("subscriptions") or {}
    state = {purpose: consent_of(profile, channel, purpose) | known}
    profile.attributes["subscriptions"] = subscriptions | {name: (subscriptions.get(name) or {}) | state}


OWN_TYPES = ("coupon-code", "push-token")  # what belongs to one profile


def merge_profiles(call: Call) -> Json:
    """Merge one source into the destination, which keeps its own values; the source is deleted."""
    data, store = call.body["data"], call.store
    sources = dict(related_ids(data)).get("profiles", [])
    pointer = "/data/relationships/profiles/data"
    if len(sources) != 1:
        raise ApiFault.pointer(pointer, "Exactly one profile can be merged into another.")
    goal, source = store.get("profile", data["id"]), store.get("profile", sources[0])
    if goal is source:
        raise ApiFault.pointer(pointer, "A profile cannot be merged into itself.")
    _move(store, source, goal)
    store.remove("profile", source.id)
    _fill(store, goal, source)
    touch(store, goal)
    return answer_one(call, goal)


def _move(store: Store, source: Record, goal: Record) -> None:
    """Hand over groups, events, coupon codes and push tokens."""
    for members in store.account.members.values():
        if source.id in members:
            members[goal.id] = min(members[source.id], members.get(goal.id, members[source.id]))
    for type_ in OWN_TYPES:
        for record in store.records(type_).values():
            if record.relationships.get("profile") == source.id:
                record.relationships["profile"] = goal.id
    _hand_events(store, source.id, goal.id)


def _fill(store: Store, goal: Record, source: Record) -> None:
    """Fill what the destination does not know."""
    known, other = goal.attributes, source.attributes
    missing = {name: value for name, value in other.items() if known.get(name) in (None, "")}
    for name in ("location", "properties"):
        ours = {key: value for key, value in (known.get(name) or {}).items() if value is not None}
        missing[name] = (other.get(name) or {}) | ours
    set_attributes(store, goal, missing)
    known["created"] = min(known["created"], other["created"])
    dates = [date for date in (known["last_event_date"], other["last_event_date"]) if date]
    known["last_event_date"] = max(dates, default=None)
    subscriptions = dict(known.get("subscriptions") or {})
    for channel, state in (other.get("subscriptions") or {}).items():
        if not consent_of(goal, channel) or _never(goal, channel):
            subscriptions[channel] = state
    known["subscriptions"] = subscriptions


def _never(profile: Record, channel: str) -> bool:
    return consent_of(profile, channel).get("consent") == "NEVER_SUBSCRIBED"


def delete_profiles(call: Call) -> None:
    """Delete whoever has the identifier, as the law wants it; what they did stays, without them."""
    profile = call.body["data"]["attributes"]["profile"]["data"]
    given = {name: value for name, value in profile["attributes"].items() if value}
    if len(given) + bool(profile.get("id")) != 1:
        pointer = "/data/attributes/profile/data"
        raise ApiFault.pointer(pointer, "Give exactly one identifier: email, phone_number or id.")
    store = call.store
    record = store.find("profile", profile["id"]) if profile.get("id") else find_profile(store, given)
    if record is None:
        return  # the job was accepted; there was nobody to delete
    remove(store, record)
    _hand_events(store, record.id, None)


def _hand_events(store: Store, was: str, now: str | None) -> None:
    """Move one profile's events to another profile, or to none."""
    log = store.account.events
    if was not in log.profile_ids:
        return
    if now is not None and now not in log.profile_ids:
        log.profile_ids.append(now)
    place = -1 if now is None else log.profile_ids.index(now)
    log.profile = np.where(log.profile == log.profile_ids.index(was), np.int32(place), log.profile)
    store.forget_event_keys()


PROFILE = "/data/attributes/profile/data/attributes"


def create_push_token(call: Call) -> None:
    """Register a token for a profile, which is created or updated."""
    attributes = call.body["data"]["attributes"]
    data = attributes["profile"]["data"]
    meta = data["attributes"].get("meta")
    profile, _ = upsert(call.store, data | ({"meta": meta} if meta else {}), PROFILE)
    register_token(call.store, profile, attributes)


def register_token(store: Store, profile: Record, token: Json) -> Record:
    """Assign a token to a profile, and remove it from its former owner."""
    now = to_text(store.now())
    known = {
        "token": token["token"],
        "platform": token["platform"],
        "vendor": token["vendor"],
        "enablement_status": token.get("enablement_status") or "AUTHORIZED",
        "background": token.get("background") or "AVAILABLE",
        "metadata": token.get("device_metadata") or {},
        "recorded_date": now,
    }
    record = _find(store, token["token"])
    if record is None:
        return store.add(
            Record("push-token", uuid_id(store, {}), known | {"created": now}, {"profile": profile.id})
        )
    record.attributes |= known
    record.relationships["profile"] = profile.id
    store.changed()
    return record


def forget_token(store: Store, profile: Record, token: str) -> None:
    """Remove a token from a profile; another profile's token stays."""
    record = _find(store, token)
    if record and record.relationships.get("profile") == profile.id:
        store.remove(record.type, record.id)


def _find(store: Store, token: str) -> Record | None:
    tokens = store.records("push-token").values()
    return next((record for record in tokens if record.attributes["token"] == token), None)


def begin_conversations(store: Store) -> None:
    """Create a conversation for everyone who has agreed to text messages."""
    for profile in store.records("profile").values():
        _begin(store, profile)


def _begin(store: Store, profile: Record) -> None:
    id_ = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{CONVERSATION} {profile.id}"))
    if is_subscribed(profile, "sms") and store.find(CONVERSATION, id_) is None:
        store.add(Record(CONVERSATION, id_, {"channel": "sms"}, {"profile": profile.id}))


def get_conversations(call: Call) -> Json:
    """Answer the conversations of a profile, which may have agreed just now."""
    _begin(call.store, call.store.get("profile", call.id))
    return get_related(call)


def send_message(call: Call) -> None:
    """Send a message to the profile of a conversation; no answer shows it."""
    data, store = call.body["data"], call.store
    conversation = store.get(CONVERSATION, required_id(data, CONVERSATION))
    if not data["attributes"]["body"].strip():
        raise ApiFault.pointer(f"{ATTRIBUTES}/body", "A message has a text.")
    links: dict[str, Related] = {CONVERSATION: conversation.id}
    store.add(Record("conversation-message", ulid(store, {}), dict(data["attributes"]), links))


HANDLERS = {
    "create_profile": create_profile,
    "update_profile": update_profile,
    "create_or_update_profile": import_profile,
    "merge_profiles": merge_profiles,
    "request_profile_deletion": delete_profiles,
    "create_push_token": create_push_token,
    "create_conversation_message": send_message,
    **{f"get_conversation{name}_for_profile": get_conversations for name in ("", "s", "_id", "_ids")},
}
