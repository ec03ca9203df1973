"""Taking in events: who, which metric, when; an event seen before is not taken again."""

from __future__ import annotations

from typing import Any

from klaviyo_analytics.sandbox.app import eventlog
from klaviyo_analytics.sandbox.app.event_limits import check_event, check_profile
from klaviyo_analytics.sandbox.app.kinds import short_id, spell
from klaviyo_analytics.sandbox.app.profiles import patch_properties, upsert
from klaviyo_analytics.sandbox.app.reads import Call
from klaviyo_analytics.sandbox.app.store import Store
from klaviyo_analytics.sandbox.app.times import to_seconds, to_text
from klaviyo_analytics.sandbox.model import Record

Json = dict[str, Any]
INTERNAL = "Klaviyo"  # the integration that the account's own metrics belong to
PROFILE = "/data/attributes/profile/data"
DROPPED_DOMAINS = ("@example.com", "@test.com")


def create_event(call: Call) -> None:
    """Take in one event."""
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
    eventlog.append(store.account.events, rows)
    for row in rows:
        profile, time = store.get("profile", row["profile"]), to_text(row["time"])
        profile.attributes["last_event_date"] = max(profile.attributes.get("last_event_date") or "", time)
    store.changed()


def notice(
    store: Store, profile: Record, name: str, properties: Json, time: float | None = None
) -> list[Json]:
    """Make the row of an event that Klaviyo itself sees, such as somebody joining a list; now, or when it was."""
    metric = {"data": {"attributes": {"name": name, "service": INTERNAL}}}
    moment = store.now() if time is None else time
    event = {"metric": metric, "properties": properties, "time": to_text(moment)}
    row = _row(store, profile, event | {"unique_id": f"{int(moment)}:{store.issue_number()}"})
    return [row] if row else []


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
    category = "Internal" if service == INTERNAL else "API"
    integration = {"object": "integration", "id": short_id(store, {}), "name": service, "category": category}
    known = {"name": name, "created": now, "updated": now, "integration": integration}
    return store.add(Record("metric", short_id(store, {}), known, {"flow-triggers": []}))


HANDLERS = {"create_event": create_event}
