"""Whom a segment's conditions hold for. Groups of conditions are all to be met, of each group one.

The sandbox knows properties, membership, metrics, consent, regions and predicted numbers; for any other kind of
condition, nobody qualifies.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from klaviyo_analytics.sandbox.app.special import consent
from klaviyo_analytics.sandbox.app.special.segments.criteria import NUMERIC, passes, timeframe
from klaviyo_analytics.sandbox.app.special.segments.regions import REGIONS
from klaviyo_analytics.sandbox.app.store import Store
from klaviyo_analytics.sandbox.model import Record

Json = dict[str, Any]
PATH = re.compile(r"""(properties|location)\[['"](.+)['"]\]""")


def members_of(store: Store, definition: Json) -> set[str]:
    """Find everybody whom a definition describes; one without conditions describes nobody."""
    groups = [group["conditions"] for group in definition["condition_groups"] if group["conditions"]]
    found = [set[str]().union(*(_meeting(store, condition) for condition in group)) for group in groups]
    return set.intersection(*found) if found else set()


def _meeting(store: Store, condition: Json) -> set[str]:
    profiles = store.records("profile")
    kind = condition["type"]
    if kind == "profile-metric":
        return _by_metric(store, condition)
    if kind == "profile-group-membership":
        return _by_group(store, condition)
    test = TESTS.get(kind)
    return {id_ for id_, profile in profiles.items() if test(store, profile, condition)} if test else set()


def _by_metric(store: Store, condition: Json) -> set[str]:
    """Count, or add up, the events of each profile within the timeframe."""
    log, now = store.account.events, store.now()
    frame = timeframe(condition["timeframe_filter"], now)
    if frame is None:
        return set()
    metric = log.metric_ids.index(condition["metric_id"]) if condition["metric_id"] in log.metric_ids else -1
    kept = (log.metric == metric) & (log.time >= frame[0]) & (log.time < frame[1]) & (log.profile >= 0)
    rows = np.flatnonzero(kept)
    for wanted in condition.get("metric_filters") or ():
        if wanted.get("filter"):
            values = (log.properties[row].get(wanted["property"]) for row in rows.tolist())
            rows = rows[_mask(passes(value, wanted["filter"], now) for value in values)]
    weights = np.nan_to_num(log.value[rows]) if condition["measurement"] == "sum" else None
    sums = np.bincount(log.profile[rows], weights=weights, minlength=len(log.profile_ids))
    measured = dict(zip(log.profile_ids, sums.tolist(), strict=True))
    wanted = condition["measurement_filter"]
    test = NUMERIC[wanted["operator"]]
    return {id_ for id_ in store.records("profile") if test(measured.get(id_, 0), wanted["value"])}


def _mask(tests: Iterable[bool]) -> npt.NDArray[np.bool_]:
    return np.fromiter(tests, dtype=bool)


def _by_group(store: Store, condition: Json) -> set[str]:
    frame = timeframe(condition.get("timeframe_filter"), store.now()) or (0.0, 0.0)
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


def _consents(store: Store, profile: Record, condition: Json) -> bool:
    wanted = condition["consent"]
    channel, may = wanted["channel"], wanted["can_receive_marketing"]
    known = consent.consent_of(profile, channel)
    state = known.get("consent", "NEVER_SUBSCRIBED")
    asked = str((wanted.get("consent_status") or {}).get("subscription", "any"))
    filters = (wanted.get("consent_status") or {}).get("filters") or ()
    return (
        _can_receive(profile, channel, known) is may
        and (asked == "any" or state == asked.upper())
        and all(_status_passes(store, known, one) for one in filters)
    )


def _can_receive(profile: Record, channel: str, known: Json) -> bool:
    if channel == "email":
        return bool(profile.attributes.get("email")) and bool(known.get("can_receive_email_marketing", True))
    return bool(known.get("consent") == consent.SUBSCRIBED)


def _status_passes(store: Store, known: Json, wanted: Json) -> bool:
    """Tell whether what is known of a consent passes one more filter."""
    names = {
        "status_date": "consent_timestamp",
        "is_double_opt_in": "double_optin",
        "custom_source": "custom_method_detail",
    }
    if wanted["field"] == "method":
        return str(known.get("method")).lower() == str(wanted["method"])
    return wanted["field"] in names and passes(
        known.get(names[wanted["field"]]), wanted["filter"], store.now()
    )


def _lives_in(_: Store, profile: Record, condition: Json) -> bool:
    country = (profile.attributes.get("location") or {}).get("country")
    return country is not None and (country in REGIONS[condition["region"]]) is condition["in_region"]


def _is_predicted(store: Store, profile: Record, condition: Json) -> bool:
    predicted = profile.attributes.get("predictive_analytics") or {}
    return "filter" in condition and passes(
        predicted.get(condition["dimension"]), condition["filter"], store.now()
    )


TESTS: dict[str, Callable[[Store, Record, Json], bool]] = {
    "profile-property": _property_passes,
    "profile-marketing-consent": _consents,
    "profile-region": _lives_in,
    "profile-predictive-analytics": _is_predicted,
}
