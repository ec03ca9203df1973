"""Taking in events: who, which metric, when; an event seen before is not taken again."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import orjson

from klaviyo_analytics.sandbox.app import store as _store
from klaviyo_analytics.sandbox.app.errors import ApiFault, to_seconds, to_text
from klaviyo_analytics.sandbox.app.profiles import (
    IDENTIFIERS,
    check_identifiers,
    patch_properties,
    require_identifier,
    upsert,
)
from klaviyo_analytics.sandbox.app.reads import Call
from klaviyo_analytics.sandbox.app.store import Store
from klaviyo_analytics.sandbox.app.writes import required_id, short_id, spell
from klaviyo_analytics.sandbox.model import Record

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC).timestamp()
YEAR = 365 * 86_400
WAITING = "/data/attributes/profile/data/attributes"
MOST_PROPERTIES = 400
MOST_ITEMS = 4000
DEEPEST = 10
LONGEST_TEXT = 100 * 1024  # bytes
LARGEST_PROFILE = 95 * 1024
LONGEST_EMAIL = 100
LONGEST_KEY = 255


def check_event(store: Store, attributes: Json, pointer: str) -> None:
    """Refuse an event that cannot be stored."""
    time = attributes.get("time")
    if time and not EARLIEST <= to_seconds(time) <= store.now() + YEAR:
        raise ApiFault.pointer(
            f"{pointer}/time", "The time must lie between the year 2000 and a year from now."
        )
    if not 0 < len(attributes["metric"]["data"]["attributes"]["name"]) < 128:
        raise ApiFault.pointer(f"{pointer}/metric/data/attributes/name", "A name has 1 to 127 characters.")
    unique_id = attributes.get("unique_id")
    if unique_id is not None and not 0 < len(unique_id) <= LONGEST_KEY:
        raise ApiFault.pointer(f"{pointer}/unique_id", f"A unique_id has 1 to {LONGEST_KEY} characters.")
    if len(attributes["properties"]) > MOST_PROPERTIES:
        raise ApiFault.pointer(f"{pointer}/properties", f"An event may have {MOST_PROPERTIES} properties.")
    for name, value in attributes["properties"].items():
        _check_value(value, f"{pointer}/properties/{name}", 1)


def check_profile(data: Json, pointer: str) -> None:
    """Refuse somebody whom an event cannot carry."""
    if len(data["attributes"].get("email") or "") > LONGEST_EMAIL:
        raise ApiFault.pointer(
            f"{pointer}/attributes/email", f"An address has {LONGEST_EMAIL} characters at most."
        )
    if len(orjson.dumps(data)) > LARGEST_PROFILE:
        raise ApiFault.pointer(pointer, "The profile of an event may have 95 KB.")


def _check_value(value: Any, pointer: str, depth: int) -> None:
    if isinstance(value, str):
        if len(value) * 4 > LONGEST_TEXT and len(value.encode()) > LONGEST_TEXT:
            raise ApiFault.pointer(pointer, "A text may have 100 KB.")
        return
    if not isinstance(value, list | dict):
        return
    if depth > DEEPEST:
        raise ApiFault.pointer(pointer, f"Objects may be {DEEPEST} deep.")
    if isinstance(value, list) and len(value) > MOST_ITEMS:
        raise ApiFault.pointer(pointer, f"An array may have {MOST_ITEMS} items.")
    for name, item in value.items() if isinstance(value, dict) else enumerate(value):
        _check_value(item, f"{pointer}/{name}", depth + isinstance(item, dict))


Json = dict[str, Any]
INTERNAL = "Klaviyo"  # the integration that the account's own metrics belong to
PROFILE = "/data/attributes/profile/data"
DROPPED_DOMAINS = ("@example.com", "@test.com")


def create_event(call: Call) -> None:
    """Record one event."""
    attributes = call.body["data"]["attributes"]
    check_event(call.store, attributes, "/data/attributes")
    profile = attributes["profile"]["data"]
    check_profile(profile, PROFILE)
    keep(call.store, gather(call.store, profile, [attributes]))


def gather(store: Store, profile_data: Json, events: list[Json]) -> list[Json]:
    """Make the rows of one profile's events; it is created or updated on the way."""
    attributes = profile_data.get("attributes", {})
    if (attributes.get("email") or "").endswith(DROPPED_DOMAINS):
        return []  # accepted, and gone
    profile, _ = upsert(store, profile_data, f"{PROFILE}/attributes")
    patch_properties(profile, (attributes.get("meta") or {}).get("patch_properties") or {})
    store.changed()
    return [row for event in events if (row := _row(store, profile, event))]


def keep(store: Store, rows: list[Json]) -> None:
    """Put new events into the log, all at once."""
    if not rows:
        return
    _store.append(store.account.events, rows)
    for row in rows:
        profile, time = store.get("profile", row["profile"]), to_text(row["time"])
        profile.attributes["last_event_date"] = max(profile.attributes.get("last_event_date") or "", time)
    store.changed()


def notice(
    store: Store, profile: Record, name: str, properties: Json, time: float | None = None
) -> list[Json]:
    """Make the row of an event that Klaviyo itself sees, such as somebody joining a list; now, or when it was."""
    metric = {"data": {"attributes": {"name": _as_called(store, name), "service": INTERNAL}}}
    moment = store.now() if time is None else time
    event = {"metric": metric, "properties": properties, "time": to_text(moment)}
    row = _row(store, profile, event | {"unique_id": f"{int(moment)}:{store.issue_number()}"})
    return [row] if row else []


def _as_called(store: Store, name: str) -> str:
    """Return what the account calls a metric of text messages: some still have the names of before."""
    older = name.replace("Text Message", "SMS")
    names = (
        {metric.attributes["name"] for metric in store.records("metric").values()}
        if older != name
        else {name}
    )
    return older if name not in names and older in names else name


def _row(store: Store, profile: Record, event: Json) -> Json | None:
    time = int(to_seconds(event["time"]) if event.get("time") else store.now())
    metric = _metric(store, event["metric"]["data"]["attributes"])
    unique_id = event.get("unique_id") or str(time)
    key = (metric.id, profile.id, unique_id)
    if key in store.event_keys:
        return None
    store.event_keys.add(key)
    properties = {name: value for name, value in event["properties"].items() if not _is_nothing(value)}
    properties["$event_id"] = unique_id
    value = event.get("value")
    if value is not None:
        properties["$value"] = value
    if event.get("value_currency"):
        properties["$value_currency"] = event["value_currency"]
    id_ = spell(time, 6) + spell(store.issue_number(), 5)
    return {
        "id": id_,
        "time": time,
        "metric": metric.id,
        "profile": profile.id,
        "value": value,
        "properties": properties,
    }


def _is_nothing(value: Any) -> bool:
    """Return the properties that are not stored: null, zero and empty text, but not false."""
    return value is None or value == "" or (value == 0 and not isinstance(value, bool))


def _metric(store: Store, attributes: Json) -> Record:
    """Find the metric by its name among those of the API (or of the service named), or create it."""
    name, service = attributes["name"], attributes.get("service") or "API"
    for metric in store.records("metric").values():
        integration = metric.attributes.get("integration") or {}
        if metric.attributes["name"] == name and integration.get("name") == service:
            return metric
    now = to_text(store.now())
    category = "Internal" if service == INTERNAL else "API"
    integration = {"object": "integration", "id": short_id(store, {}), "name": service, "category": category}
    known = {"name": name, "created": now, "updated": now, "integration": integration}
    return store.add(Record("metric", short_id(store, {}), known, {"flow-triggers": []}))


GROUPS = "/data/attributes/events-bulk-create/data"
MOST = 1000


def create_events(call: Call) -> None:
    """Record the events of several profiles; one of an earlier request is skipped."""
    groups = [group["attributes"] for group in call.body["data"]["attributes"]["events-bulk-create"]["data"]]
    _check(call.store, groups)
    rows: list[Json] = []
    for group in groups:
        events = [event["attributes"] for event in group["events"]["data"]]
        with suppress(ApiFault):  # it was accepted: what does not fit the account is lost in silence
            rows += gather(call.store, group["profile"]["data"], events)
    keep(call.store, rows)


def _check(store: Store, groups: list[Json]) -> None:
    if not 1 <= sum(len(group["events"]["data"]) for group in groups) <= MOST:
        raise ApiFault.pointer(GROUPS, f"A request has 1 to {MOST} events.")
    seen: set[tuple[str, str, str]] = set()
    for number, group in enumerate(groups):
        pointer = f"{GROUPS}/{number}/attributes"
        profile = group["profile"]["data"]
        _check_profile(profile, f"{pointer}/profile/data")
        for place, event in enumerate(group["events"]["data"]):
            here = f"{pointer}/events/data/{place}/attributes"
            check_event(store, event["attributes"], here)
            _check_new(profile, event["attributes"], seen, here)


def _check_profile(profile: Json, pointer: str) -> None:
    check_profile(profile, pointer)
    check_identifiers(profile["attributes"], f"{pointer}/attributes")
    if not profile.get("id"):
        require_identifier(profile["attributes"], f"{pointer}/attributes")


def _check_new(profile: Json, event: Json, seen: set[tuple[str, str, str]], pointer: str) -> None:
    """Refuse a unique id that comes twice in one request for the same profile and metric."""
    if not event.get("unique_id"):
        return
    attributes = profile["attributes"]
    who = profile.get("id") or next(attributes[name] for name in IDENTIFIERS if attributes.get(name))
    metric = event["metric"]["data"]["attributes"]
    key = (who.lower(), f"{metric.get('service')} {metric['name']}", event["unique_id"])
    if key in seen:
        raise ApiFault.pointer(f"{pointer}/unique_id", f"The unique_id {event['unique_id']!r} comes twice.")
    seen.add(key)


def subscribe_to_stock(call: Call) -> None:
    """Note that somebody waits for a variant."""
    data, store = call.body["data"], call.store
    attributes = data["attributes"]
    variant = store.get("catalog-variant", required_id(data, "variant"))
    if not attributes["channels"]:
        raise ApiFault.pointer("/data/attributes/channels", "At least one channel is needed.")
    if not attributes.get("profile"):
        raise ApiFault.pointer("/data/attributes/profile", "profile is required.")
    profile, _ = upsert(store, attributes["profile"]["data"], WAITING)
    facts = {"VariantId": variant.attributes["external_id"], "Channels": attributes["channels"]}
    keep(store, notice(store, profile, "Subscribed to Back in Stock", facts))


HANDLERS = {
    "create_back_in_stock_subscription": subscribe_to_stock,
    "create_event": create_event,
    "bulk_create_events": create_events,
}
