"""Segments made through the API: their members are found a while after the segment was asked for.

A segment is processing until it has been looked at twice, or two seconds have passed. After that its members follow
the account, and the clock from hour to hour, as long as it is active. One without a definition keeps its members.
"""

from __future__ import annotations

from typing import Any

from klaviyo_analytics.sandbox.app.reads import Call, answer_one, get_related, get_resource
from klaviyo_analytics.sandbox.app.special import jobs
from klaviyo_analytics.sandbox.app.special.segments.checks import check_definition
from klaviyo_analytics.sandbox.app.special.segments.conditions import members_of
from klaviyo_analytics.sandbox.app.store import Store
from klaviyo_analytics.sandbox.app.writes import change_record, check_id, new_record
from klaviyo_analytics.sandbox.model import Record

Json = dict[str, Any]
PROCESSING = "segment-processing"  # a job that nothing of the API shows
VERSION = "version"  # of the account and the hour, when the members were found


def create_segment(call: Call) -> Json:
    """Create a segment, and begin to find its members."""
    data = call.body["data"]
    check_definition(call.store, data["attributes"]["definition"])
    segment = new_record(call.store, data)
    _process(call.store, segment)
    return answer_one(call, segment)


def update_segment(call: Call) -> Json:
    """Change a segment; a new definition has new members."""
    segment, data = call.store.get("segment", call.id), call.body["data"]
    check_id(call, data)
    definition = data.get("attributes", {}).get("definition")
    if definition:
        check_definition(call.store, definition)
    change_record(call.store, segment, data)
    if definition:
        _process(call.store, segment)
    return answer_one(call, segment)


def _process(store: Store, segment: Record) -> None:
    def follow(_: Store, job: Record) -> None:
        segment.attributes["is_processing"] = jobs.is_open(job)

    segment.hidden.pop(VERSION, None)
    jobs.start(store, PROCESSING, [segment], _run, id_=segment.id, follow=follow, life=None)


def _run(store: Store, _: Record, segment: Record) -> bool:
    if store.find("segment", segment.id) is not segment:
        return False  # deleted in the meantime
    segment.hidden[VERSION] = None
    segment.attributes["is_processing"] = False
    _find_members(store, segment)
    return True


def _find_members(store: Store, segment: Record) -> None:
    """Let those in who qualify now, and those out who do not any more."""
    known = segment.attributes
    if not known["is_active"] or not known.get("definition") or segment.attributes["is_processing"]:
        return
    if segment.hidden.setdefault(VERSION, (0, _version(store)[1])) == _version(store):
        return
    members, now = store.members(segment.id), int(store.now())
    found = members_of(store, known["definition"])
    if found != members.keys():
        store.leave(segment.id, sorted(members.keys() - found))
        members |= dict.fromkeys(sorted(found - members.keys()), now)
        store.changed()
    segment.hidden[VERSION] = _version(store)


def _version(store: Store) -> tuple[int, int]:
    return store.version, int(store.now() // 3600)


def refresh(store: Store) -> None:
    """Find the members of all segments that follow the account."""
    for segment in store.records("segment").values():
        _find_members(store, segment)


def get_segment(call: Call) -> Json:
    """Answer a segment after its processing went on."""
    job = call.store.find(PROCESSING, call.id)
    if job:
        jobs.advance(call.store, job)
    _find_members(call.store, call.store.get("segment", call.id))
    return get_resource(call)


def get_members(call: Call) -> Json:
    """Answer the profiles of a segment, or their ids."""
    _find_members(call.store, call.store.get("segment", call.id))
    return get_related(call)


def get_segments_of_profile(call: Call) -> Json:
    """Answer the segments that a profile is in, or their ids."""
    refresh(call.store)
    return get_related(call)


HANDLERS = {
    "create_segment": create_segment,
    "update_segment": update_segment,
    "get_segment": get_segment,
    "get_profiles_for_segment": get_members,
    "get_profile_ids_for_segment": get_members,
    "get_segments_for_profile": get_segments_of_profile,
    "get_segment_ids_for_profile": get_segments_of_profile,
}
