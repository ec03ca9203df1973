"""Segments made through the API: their members are found a while after the segment was asked for.

A segment is processing until it has been looked at twice, or two seconds have passed. After that its members follow
the account, and the clock from hour to hour, as long as it is active. One without a definition keeps its members.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NoReturn

from klaviyo_analytics.sandbox.app import jobs
from klaviyo_analytics.sandbox.app.errors import ApiFault, Problem
from klaviyo_analytics.sandbox.app.reads import Call, answer_one, get_related, get_resource
from klaviyo_analytics.sandbox.app.segment_conditions import COUNTRIES, centre_of, is_filter, members_of
from klaviyo_analytics.sandbox.app.store import GROUPS, Store
from klaviyo_analytics.sandbox.app.writes import change_record, check_id, new_record
from klaviyo_analytics.sandbox.model import Record

DEFINITION = "/data/attributes/definition"


def check_definition(store: Store, definition: Json) -> None:
    """Refuse a definition with a condition of which nobody could say whom it holds for."""
    for number, group in enumerate(definition["condition_groups"]):
        for place, condition in enumerate(group["conditions"]):
            pointer = f"{DEFINITION}/condition_groups/{number}/conditions/{place}"
            _check_existence(store, condition, pointer)
            _check_kind(store, condition, pointer)
            for path, wanted in _filters(condition, pointer):
                _check_filter(wanted, path)


def _check_existence(store: Store, condition: Json, pointer: str) -> None:
    for place, asked in _with_metrics(condition, pointer):
        metric = asked["metric_id"]
        if store.find("metric", metric) is None:
            raise ApiFault.pointer(f"{place}/metric_id", f"A metric with id {metric} does not exist.")
    for id_ in condition.get("group_ids", ()):
        if not any(store.find(type_, id_) for type_ in GROUPS):
            raise ApiFault.pointer(f"{pointer}/group_ids", f"No list or segment has the id {id_}.")
    if condition["type"] == "profile-has-custom-object":  # the account has none, and cannot get any
        id_ = condition["object_type_id"]
        raise ApiFault.pointer(f"{pointer}/object_type_id", f"An object type with id {id_} does not exist.")


def _with_metrics(condition: Json, pointer: str) -> Iterator[tuple[str, Json]]:
    if "metric_id" in condition:
        yield pointer, condition
    for number, step in enumerate(condition.get("steps", ())):
        yield f"{pointer}/steps/{number}", step


def _check_kind(store: Store, condition: Json, pointer: str) -> None:
    kind = condition["type"]
    if kind == "profile-postal-code-distance" and centre_of(store, condition) is None:
        _unknown(
            f"{pointer}/postal_code", "It knows the places of postal codes that profiles have, no others."
        )
    if kind == "profile-predictive-analytics" and condition["dimension"] == "predicted_gender":
        _unknown(f"{pointer}/dimension", "It predicts nobody's gender.")
    if condition.get("measurement") == "rank":
        _unknown(
            f"{pointer}/measurement", "It knows the order of a profile's channels, not how high each is."
        )
    if kind == "profile-marketing-consent":
        _check_consent(condition["consent"], f"{pointer}/consent/consent_status/filters")
    if kind == "profile-metric-funnel":
        steps = condition["steps"]
        if not steps:
            raise ApiFault.pointer(f"{pointer}/steps", "A funnel has at least one step.")
        if not steps[0]["metric_exists"]:
            _unknown(
                f"{pointer}/steps/0/metric_exists", "It looks for funnels that begin with something done."
            )


def _check_consent(wanted: Json, pointer: str) -> None:
    filters = wanted["consent_status"].get("filters") or []
    if not isinstance(filters, list):
        raise ApiFault.pointer(pointer, f"Expected array, not {filters!r}.")
    for number, one in enumerate(filters):
        if isinstance(one, dict) and one.get("field") == "is_rcs_capable":
            _unknown(f"{pointer}/{number}/field", "It does not know whose phone takes RCS.")
        if not is_filter(one):
            raise ApiFault.pointer(f"{pointer}/{number}", f"{one!r} is not a filter of a consent.")


def _filters(value: Any, pointer: str) -> Iterator[tuple[str, Json]]:
    """Find everything in a condition that looks like a filter, with its place."""
    if isinstance(value, list):
        for number, item in enumerate(value):
            yield from _filters(item, f"{pointer}/{number}")
    elif isinstance(value, dict):
        if "operator" in value:
            yield pointer, value
        for name, item in value.items():
            yield from _filters(item, f"{pointer}/{name}")


def _check_filter(wanted: Json, pointer: str) -> None:
    name = str(wanted.get("operator"))
    if name in ("regex", "nregex"):
        try:
            re.compile(wanted["value"] or "")
        except re.error as error:
            raise ApiFault.pointer(f"{pointer}/value", f"Not a regular expression: {error}.") from None
    if name.startswith("phone-country-code"):
        for number, code in enumerate(wanted["value"]):
            if code.upper() not in COUNTRIES:
                _unknown(
                    f"{pointer}/value/{number}", f"It knows no calling code of {code}; ISO codes like US."
                )


def _unknown(pointer: str, detail: str) -> NoReturn:
    """Say that Klaviyo could, and the sandbox cannot: better than a segment that is empty for no reason."""
    problem = Problem("not_implemented", f"The sandbox does not judge this. {detail}", {"pointer": pointer})
    raise ApiFault(501, [problem])


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
    """Add profiles that qualify now, and remove those that no longer do."""
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
