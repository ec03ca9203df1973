"""Jobs that keep email from profiles, or let it through again: of addresses, of a list, or of a segment."""

from __future__ import annotations

from typing import Any

from klaviyo_analytics.sandbox.app.errors import ApiFault
from klaviyo_analytics.sandbox.app.profiles import add_profile, check_identifiers, find_profile
from klaviyo_analytics.sandbox.app.reads import Call, answer_one
from klaviyo_analytics.sandbox.app.special import consent, jobs
from klaviyo_analytics.sandbox.app.special.segments import refresh
from klaviyo_analytics.sandbox.app.store import Store
from klaviyo_analytics.sandbox.app.times import to_text
from klaviyo_analytics.sandbox.app.writes import related_ids
from klaviyo_analytics.sandbox.model import Record, Related

Json = dict[str, Any]
PROFILES = "/data/attributes/profiles/data"
MOST = 100


def suppress_profiles(call: Call) -> Json:
    """Take on a job that keeps email from profiles; an address that nobody has gets a profile."""
    return _start(call, _suppress)


def unsuppress_profiles(call: Call) -> Json:
    """Take on a job that lifts what was suppressed by hand, and nothing else."""
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


def _suppress(store: Store, _: Record, email: str | None) -> bool:
    if not email:
        return False
    profile = find_profile(store, {"email": email}) or add_profile(store, {"email": email})
    return consent.suppress(profile, consent.BY_HAND, to_text(store.now()))


def _unsuppress(store: Store, _: Record, email: str | None) -> bool:
    profile = find_profile(store, {"email": email}) if email else None
    return profile is not None and consent.lift(profile, frozenset({consent.BY_HAND}))


HANDLERS = {
    "bulk_suppress_profiles": suppress_profiles,
    "bulk_unsuppress_profiles": unsuppress_profiles,
}
