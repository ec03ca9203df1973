"""Two profiles made one, and profiles deleted for good; both are done at once, though the API only queues them."""

from __future__ import annotations

from typing import Any

import numpy as np

from klaviyo_analytics.sandbox.app.errors import ApiFault
from klaviyo_analytics.sandbox.app.profiles import find_profile, set_attributes
from klaviyo_analytics.sandbox.app.reads import Call, answer_one
from klaviyo_analytics.sandbox.app.special import consent
from klaviyo_analytics.sandbox.app.store import Store
from klaviyo_analytics.sandbox.app.writes import related_ids, remove, touch
from klaviyo_analytics.sandbox.model import Record

Json = dict[str, Any]
OWN_TYPES = ("coupon-code", "push-token")  # what belongs to one profile


def merge_profiles(call: Call) -> Json:
    """Merge one source into the destination, which keeps what it knows; the source is no more."""
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
        if not consent.consent_of(goal, channel) or _never(goal, channel):
            subscriptions[channel] = state
    known["subscriptions"] = subscriptions


def _never(profile: Record, channel: str) -> bool:
    return consent.consent_of(profile, channel).get("consent") == "NEVER_SUBSCRIBED"


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
    """Let one profile's events be another's, or nobody's."""
    log = store.account.events
    if was not in log.profile_ids:
        return
    if now is not None and now not in log.profile_ids:
        log.profile_ids.append(now)
    place = -1 if now is None else log.profile_ids.index(now)
    log.profile = np.where(log.profile == log.profile_ids.index(was), np.int32(place), log.profile)
    store.forget_event_keys()


HANDLERS = {"merge_profiles": merge_profiles, "request_profile_deletion": delete_profiles}
