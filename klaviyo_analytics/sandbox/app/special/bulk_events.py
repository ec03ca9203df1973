"""Many events at once, grouped by profile: refused whole, or accepted without another word."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from klaviyo_analytics.sandbox.app.errors import ApiFault
from klaviyo_analytics.sandbox.app.event_limits import check_event, check_profile
from klaviyo_analytics.sandbox.app.profiles import IDENTIFIERS, check_identifiers, require_identifier
from klaviyo_analytics.sandbox.app.reads import Call
from klaviyo_analytics.sandbox.app.store import Store
from klaviyo_analytics.sandbox.app.tracking import gather, keep

Json = dict[str, Any]
GROUPS = "/data/attributes/events-bulk-create/data"
MOST = 1000


def create_events(call: Call) -> None:
    """Take in the events of several profiles; one seen in an earlier request is passed over."""
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


HANDLERS = {"bulk_create_events": create_events}
