"""Taking in events: who, which metric, when; an event seen before is not taken again."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from klaviyo_analytics.sandbox.app import eventlog
from klaviyo_analytics.sandbox.app.errors import ApiFault
from klaviyo_analytics.sandbox.app.kinds import short_id, spell
from klaviyo_analytics.sandbox.app.profiles import patch_properties, upsert
from klaviyo_analytics.sandbox.app.reads import Call
from klaviyo_analytics.sandbox.app.store import Store
from klaviyo_analytics.sandbox.app.times import to_seconds, to_text
from klaviyo_analytics.sandbox.model import Record

Json = dict[str, Any]
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC).timestamp()
YEAR = 365 * 86_400
DROPPED_DOMAINS = ("@example.com", "@test.com")
MOST_PROPERTIES = 400


def create_event(call: Call) -> None:
    """Take in one event."""
    attributes = call.body["data"]["attributes"]
    check_event(call.store, attributes, "/data/attributes")
    take_in(call.store, attributes["profile"]["data"], [attributes])


def check_event(store: Store, attributes: Json, pointer: str) -> None:
    """Refuse an event that cannot be stored."""
    time = attributes.get("time")
    if time and not EARLIEST <= to_seconds(time) <= store.now() + YEAR:
        raise ApiFault.pointer(
            f"{pointer}/time", "The time must lie between the year 2000 and a year from now."
        )
    if len(attributes["properties"]) > MOST_PROPERTIES:
        raise ApiFault.pointer(f"{pointer}/properties", f"An event may have {MOST_PROPERTIES} properties.")
    if not 0 < len(attributes["metric"]["data"]["attributes"]["name"]) < 128:
        raise ApiFault.pointer(f"{pointer}/metric/data/attributes/name", "A name has 1 to 127 characters.")


def take_in(store: Store, profile_data: Json, events: list[Json]) -> None:
    """Store the events of one profile; it is created or updated on the way."""
    attributes = profile_data.get("attributes", {})
    if str(attributes.get("email", "")).endswith(DROPPED_DOMAINS):
        return  # accepted, and gone
    profile, _ = upsert(store, profile_data, "/data/attributes/profile/data/attributes")
    patch_properties(profile, (attributes.get("meta") or {}).get("patch_properties") or {})
    rows = [row for event in events if (row := _row(store, profile, event))]
    if rows:
        eventlog.append(store.account.events, rows)
        latest = to_text(max(row["time"] for row in rows))
        profile.attributes["last_event_date"] = max(profile.attributes.get("last_event_date") or "", latest)
    store.changed()


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
    """Tell what is not stored of an event: null, zero, empty text; but false is something."""
    return value is None or value == "" or (value == 0 and not isinstance(value, bool))


def _metric(store: Store, attributes: Json) -> Record:
    """Find the metric by its name among those of the API (or of the service named), or create it."""
    name, service = attributes["name"], attributes.get("service") or "API"
    for metric in store.records("metric").values():
        integration = metric.attributes.get("integration") or {}
        if metric.attributes["name"] == name and integration.get("name") == service:
            return metric
    now = to_text(store.now())
    integration = {"object": "integration", "id": short_id(store, {}), "name": service, "category": "API"}
    known = {"name": name, "created": now, "updated": now, "integration": integration}
    return store.add(Record("metric", short_id(store, {}), known, {"flow-triggers": []}))


HANDLERS = {"create_event": create_event}
