"""Whom a segment's conditions hold for. Groups of conditions are all to be met, of each group one.

What a profile's own record tells is tested profile by profile; what its events tell is in `activity`. Conditions that
cannot be judged have been refused (`checks`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from klaviyo_analytics.sandbox.app.special.segments import activity
from klaviyo_analytics.sandbox.app.special.segments.consents import consents, is_reachable
from klaviyo_analytics.sandbox.app.special.segments.countries import REGIONS
from klaviyo_analytics.sandbox.app.special.segments.criteria import passes, timeframe
from klaviyo_analytics.sandbox.app.special.segments.distance import lives_near
from klaviyo_analytics.sandbox.app.store import Store
from klaviyo_analytics.sandbox.model import Record

Json = dict[str, Any]
PATH = re.compile(r"""(properties|location)\[['"](.+)['"]\]""")

PREDICTED = {"expected_date_of_next_purchase": "expected_date_of_next_order"}  # as profiles have it


def members_of(store: Store, definition: Json) -> set[str]:
    """Find everybody whom a definition describes; one without conditions describes nobody."""
    groups = [group["conditions"] for group in definition["condition_groups"] if group["conditions"]]
    found = [set[str]().union(*(_meeting(store, condition) for condition in group)) for group in groups]
    return set.intersection(*found) if found else set()


def _meeting(store: Store, condition: Json) -> set[str]:
    kind = condition["type"]
    if kind in activity.CONDITIONS:
        return activity.CONDITIONS[kind](store, condition)
    if kind == "profile-group-membership":
        return _by_group(store, condition)
    test, profiles = TESTS[kind], store.records("profile")
    return {id_ for id_, profile in profiles.items() if test(store, profile, condition)}


def _by_group(store: Store, condition: Json) -> set[str]:
    frame = timeframe(condition.get("timeframe_filter"), store.now())
    inside = {
        id_
        for group in condition["group_ids"]
        for id_, joined in store.account.members.get(group, {}).items()
        if frame[0] <= joined < frame[1]
    }
    return inside if condition["is_member"] else set(store.records("profile")) - inside


def _property_passes(store: Store, profile: Record, condition: Json) -> bool:
    path = PATH.fullmatch(condition["property"])
    if path:
        value = (profile.attributes.get(path[1]) or {}).get(path[2])
    else:
        name = condition["property"].removeprefix("$")
        custom = profile.attributes.get("properties") or {}
        value = profile.attributes.get(name, custom.get(condition["property"]))
    return passes(value, condition["filter"], store.now())


def _lives_in(_: Store, profile: Record, condition: Json) -> bool:
    country = (profile.attributes.get("location") or {}).get("country")
    return country is not None and (country in REGIONS[condition["region"]]) is condition["in_region"]


def _is_predicted(store: Store, profile: Record, condition: Json) -> bool:
    predicted = profile.attributes.get("predictive_analytics") or {}
    if condition["dimension"] == "channel_affinity":
        channels = predicted.get("ranked_channel_affinity") or []
        place = condition["filter"]["value"] - 1
        return 0 <= place < len(channels) and bool(channels[place] == condition["predicted_channel"])
    name = PREDICTED.get(condition["dimension"], condition["dimension"])
    return passes(predicted.get(name), condition["filter"], store.now())


TESTS: dict[str, Callable[[Store, Record, Json], bool]] = {
    "profile-property": _property_passes,
    "profile-marketing-consent": consents,
    "profile-permissions": is_reachable,
    "profile-postal-code-distance": lives_near,
    "profile-predictive-analytics": _is_predicted,
    "profile-region": _lives_in,
}
