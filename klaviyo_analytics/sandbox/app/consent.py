"""Subscribing and unsubscribing many profiles: accepted with an empty answer, and done at once.

A list with double opt-in waits for a confirmation that nobody here gives: its profiles are created, and no more.
Without a list the account's default decides, which here is single opt-in.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from klaviyo_analytics.sandbox.app import jobs, profiles
from klaviyo_analytics.sandbox.app import profiles as _profiles
from klaviyo_analytics.sandbox.app.errors import ApiFault, to_seconds, to_text
from klaviyo_analytics.sandbox.app.events import keep, notice
from klaviyo_analytics.sandbox.app.profiles import (
    add_profile,
    check_identifiers,
    find_profile,
    forget_token,
    register_token,
    require_identifier,
    upsert,
)
from klaviyo_analytics.sandbox.app.reads import Call, answer_one
from klaviyo_analytics.sandbox.app.segments import refresh
from klaviyo_analytics.sandbox.app.store import Store
from klaviyo_analytics.sandbox.app.writes import related_ids
from klaviyo_analytics.sandbox.model import Record, Related

Json = dict[str, Any]
PROFILES = "/data/attributes/profiles/data"
MOST_TO_SUBSCRIBE, MOST_TO_UNSUBSCRIBE = 1000, 100
NEEDS = {"email": "email", "sms": "phone_number", "whatsapp": "phone_number"}
METRICS = {
    ("email", _profiles.SUBSCRIBED): "Subscribed to Email Marketing",
    ("email", _profiles.UNSUBSCRIBED): "Unsubscribed from Email Marketing",
    ("sms", _profiles.SUBSCRIBED): "Subscribed to Text Message Marketing",
    ("sms", _profiles.UNSUBSCRIBED): "Unsubscribed from Text Message Marketing",
}


def subscribe_profiles(call: Call) -> None:
    """Record the consent of many profiles, and add them to a list if one is named."""
    data, store = call.body["data"], call.store
    attributes, profiles = data["attributes"], data["attributes"]["profiles"]["data"]
    historical = bool(attributes.get("historical_import"))
    _check(store, profiles, MOST_TO_SUBSCRIBE)
    for place, profile in enumerate(profiles):
        _check_times(store, profile, f"{PROFILES}/{place}/attributes", historical=historical)
    group = _list(store, data)
    waits = group is not None and group.attributes["opt_in_process"] == "double_opt_in" and not historical
    rows: list[Json] = []
    for profile in profiles:
        if (record := _find(store, profile)) and not waits:
            rows += _subscribe(store, record, profile, group, attributes.get("custom_source") or "")
    keep(store, rows)
    store.changed()


def unsubscribe_profiles(call: Call) -> None:
    """Withdraw the consent of many profiles; for everything where they are not on the list."""
    data, store = call.body["data"], call.store
    profiles = data["attributes"]["profiles"]["data"]
    _check(store, profiles, MOST_TO_UNSUBSCRIBE)
    group = _list(store, data)
    rows: list[Json] = []
    for profile in profiles:
        if record := _find(store, profile):
            rows += _unsubscribe(store, record, profile, group)
    keep(store, rows)
    store.changed()


def _check(store: Store, profiles: list[Json], most: int) -> None:
    if not 1 <= len(profiles) <= most:
        raise ApiFault.pointer(PROFILES, f"A request has 1 to {most} profiles.")
    for place, profile in enumerate(profiles):
        pointer, attributes = f"{PROFILES}/{place}/attributes", profile["attributes"]
        check_identifiers(attributes, pointer)
        known = store.get("profile", profile["id"]).attributes if profile.get("id") else {}
        if not known:
            require_identifier(attributes, pointer)
        for channel, _, _ in _wishes(profile):
            needed = NEEDS.get(channel)
            if needed and not (attributes.get(needed) or known.get(needed)):
                raise ApiFault.pointer(f"{pointer}/{needed}", f"Consent to {channel} needs a {needed}.")


def _check_times(store: Store, profile: Json, pointer: str, *, historical: bool) -> None:
    """Refuse a time of consent that may not be there, or is missing, or has not come yet."""
    for channel, purpose, wish in _wishes(profile):
        at = wish.get("consented_at")
        place = f"{pointer}/subscriptions/{channel}/{purpose}/consented_at"
        if at and not historical:
            raise ApiFault.pointer(place, "consented_at goes with historical_import only.")
        if historical and (not at or to_seconds(at) > store.now()):
            raise ApiFault.pointer(place, "A historical import needs a consented_at in the past.")


def _wishes(profile: Json) -> Iterator[tuple[str, str, Json]]:
    """Read which channels, and what of them, a body speaks of."""
    for channel, purposes in profile["attributes"]["subscriptions"].items():
        for purpose, wish in (purposes or {}).items():
            if isinstance(wish, dict):
                yield channel, purpose, wish


def _list(store: Store, data: Json) -> Record | None:
    ids = dict(related_ids(data)).get("list")
    return store.get("list", ids[0]) if ids else None


def _find(store: Store, profile: Json) -> Record | None:
    """Find or create a profile; one whose identifiers belong to two is lost, as the request was accepted."""
    attributes = {name: profile["attributes"].get(name) for name in ("email", "phone_number")}
    given = {
        "id": profile.get("id"),
        "attributes": {name: value for name, value in attributes.items() if value},
    }
    with suppress(ApiFault):
        return upsert(store, given)[0]
    return None


def _subscribe(
    store: Store, record: Record, profile: Json, group: Record | None, source: str
) -> Iterator[Json]:
    now = to_text(store.now())
    for channel, purpose, wish in _wishes(profile):
        is_news = not _profiles.is_subscribed(record, channel, purpose)
        if channel == "email":
            _profiles.lift(record, _profiles.LIFTED_BY_CONSENT)
        at = to_text(to_seconds(wish["consented_at"])) if wish.get("consented_at") else now
        if is_news or wish.get("consented_at"):
            _profiles.set_consent(record, channel, purpose, _profiles.SUBSCRIBED, at, source)
        if is_news and purpose == "marketing" and (channel, _profiles.SUBSCRIBED) in METRICS:
            yield from notice(store, record, METRICS[channel, _profiles.SUBSCRIBED], {"Method": "API"})
    for token in (profile["attributes"]["subscriptions"].get("push") or {}).get("tokens") or []:
        register_token(store, record, token)
    if group is None:
        return
    _profiles.rejoin_list(record, group.id)
    if record.id not in store.members(group.id):
        store.members(group.id)[record.id] = int(store.now())
        yield from notice(store, record, "Subscribed to List", _of_list(group))


def _unsubscribe(store: Store, record: Record, profile: Json, group: Record | None) -> Iterator[Json]:
    now = to_text(store.now())
    is_member = group is not None and store.members(group.id).pop(record.id, None) is not None
    if group and is_member:
        yield from notice(store, record, "Unsubscribed from List", _of_list(group))
    for channel, purpose, _ in _wishes(profile):
        if channel == "email" and group and is_member:
            _profiles.leave_list(record, group.id, now)
            continue
        if channel == "email":
            _profiles.suppress(record, "UNSUBSCRIBE", now)
        is_news = _profiles.consent_of(record, channel, purpose).get("consent") != _profiles.UNSUBSCRIBED
        _profiles.set_consent(record, channel, purpose, _profiles.UNSUBSCRIBED, now)
        if is_news and purpose == "marketing" and (channel, _profiles.UNSUBSCRIBED) in METRICS:
            yield from notice(store, record, METRICS[channel, _profiles.UNSUBSCRIBED], {"Method": "API"})
    for token in (profile["attributes"]["subscriptions"].get("push") or {}).get("tokens") or []:
        forget_token(store, record, token["token"])


def _of_list(group: Record) -> Json:
    return {"List": group.attributes["name"], "List ID": group.id, "Method": "API"}


MOST = 100


def suppress_profiles(call: Call) -> Json:
    """Start a job that suppresses profiles; an unknown address gets a profile."""
    return _start(call, _suppress_address)


def unsuppress_profiles(call: Call) -> Json:
    """Start a job that lifts manual suppressions, and no others."""
    return _start(call, _unsuppress)


def _start(call: Call, run: jobs.Run) -> Json:
    data, store = call.body["data"], call.store
    people = data["attributes"].get("profiles") or {"data": ()}
    emails = [each["attributes"]["email"] for each in people["data"]]
    groups = dict(related_ids(data))
    if bool(emails) + len(groups) != 1:
        raise ApiFault.pointer("/data", "Name either profiles, or one list, or one segment.")
    if len(emails) > MOST:
        raise ApiFault.pointer(PROFILES, f"A request may have {MOST} addresses.")
    for place, email in enumerate(emails):
        check_identifiers({"email": email}, f"{PROFILES}/{place}/attributes")
    links: dict[str, Related] = {"lists": [], "segments": []}
    refresh(store)
    for type_, ids in groups.items():
        links[f"{type_}s"] = ids
        emails = [_email(store, id_) for id_ in store.members(store.get(type_, ids[0]).id)]
    return answer_one(
        call, jobs.start(store, data["type"], emails, run, links=links, pointer=PROFILES, life=None)
    )


def _email(store: Store, profile_id: str) -> str | None:
    email: str | None = store.get("profile", profile_id).attributes.get("email")
    return email


def _suppress_address(store: Store, _: Record, email: str | None) -> bool:
    if not email:
        return False
    profile = find_profile(store, {"email": email}) or add_profile(store, {"email": email})
    return profiles.suppress(profile, profiles.BY_HAND, to_text(store.now()))


def _unsuppress(store: Store, _: Record, email: str | None) -> bool:
    profile = find_profile(store, {"email": email}) if email else None
    return profile is not None and profiles.lift(profile, frozenset({profiles.BY_HAND}))


HANDLERS = {
    "bulk_subscribe_profiles": subscribe_profiles,
    "bulk_unsubscribe_profiles": unsubscribe_profiles,
    "bulk_suppress_profiles": suppress_profiles,
    "bulk_unsuppress_profiles": unsuppress_profiles,
}
