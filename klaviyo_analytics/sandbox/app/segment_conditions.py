"""Whom a segment's conditions hold for. Groups of conditions are all to be met, of each group one.

What a profile's own record tells is tested profile by profile; what its events tell is in `activity`. Conditions that
cannot be judged have been refused (`checks`).
"""

from __future__ import annotations

import math
import operator
import re
from calendar import isleap
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from klaviyo_analytics.sandbox.app import profiles
from klaviyo_analytics.sandbox.app.errors import to_seconds
from klaviyo_analytics.sandbox.app.store import Store
from klaviyo_analytics.sandbox.model import Record

# code: name, calling code; a segment about any other country is refused.
COUNTRIES: dict[str, tuple[str, str]] = {
    "AT": ("Austria", "43"),
    "AU": ("Australia", "61"),
    "BE": ("Belgium", "32"),
    "BG": ("Bulgaria", "359"),
    "BR": ("Brazil", "55"),
    "CA": ("Canada", "1"),
    "CH": ("Switzerland", "41"),
    "CN": ("China", "86"),
    "CY": ("Cyprus", "357"),
    "CZ": ("Czechia", "420"),
    "DE": ("Germany", "49"),
    "DK": ("Denmark", "45"),
    "EE": ("Estonia", "372"),
    "ES": ("Spain", "34"),
    "FI": ("Finland", "358"),
    "FR": ("France", "33"),
    "GB": ("United Kingdom", "44"),
    "GR": ("Greece", "30"),
    "HR": ("Croatia", "385"),
    "HU": ("Hungary", "36"),
    "IE": ("Ireland", "353"),
    "IL": ("Israel", "972"),
    "IN": ("India", "91"),
    "IT": ("Italy", "39"),
    "JP": ("Japan", "81"),
    "LT": ("Lithuania", "370"),
    "LU": ("Luxembourg", "352"),
    "LV": ("Latvia", "371"),
    "MT": ("Malta", "356"),
    "MX": ("Mexico", "52"),
    "NL": ("Netherlands", "31"),
    "NO": ("Norway", "47"),
    "NZ": ("New Zealand", "64"),
    "PL": ("Poland", "48"),
    "PT": ("Portugal", "351"),
    "RO": ("Romania", "40"),
    "SE": ("Sweden", "46"),
    "SI": ("Slovenia", "386"),
    "SK": ("Slovakia", "421"),
    "US": ("United States", "1"),
}
UNION = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK"
REGIONS = {
    "united_states": frozenset({"United States"}),
    "european_union": frozenset(COUNTRIES[code][0] for code in UNION.split()),
}


def calls_from(phone: str, codes: list[str]) -> bool:
    """Return whether a number belongs to one of the countries; a shared calling code counts for all of them."""
    return any(phone.startswith("+" + COUNTRIES[code.upper()][1]) for code in codes)


Test = Callable[[Any, Any], bool]
DAY = 86_400
UNITS = {"hour": 3600, "day": DAY, "week": 7 * DAY}


def _finds(pattern: str, value: str) -> bool:
    try:
        return re.search(pattern, value) is not None
    except re.error:
        return False


NUMERIC: dict[str, Test] = {
    "equals": operator.eq,
    "not-equals": operator.ne,
    "greater-than": operator.gt,
    "greater-than-or-equal": operator.ge,
    "less-than": operator.lt,
    "less-than-or-equal": operator.le,
}
STRING: dict[str, Test] = {
    "equals": operator.eq,
    "contains": lambda value, wanted: wanted in value,
    "starts-with": lambda value, wanted: bool(value.startswith(wanted)),
    "ends-with": lambda value, wanted: bool(value.endswith(wanted)),
    "regex": lambda value, wanted: _finds(wanted, value),
    "in": lambda value, wanted: value in wanted,
    "phone-country-code-in": calls_from,
}
NEGATED = {f"not-{name}": name for name in STRING} | {
    "nregex": "regex",
    "phone-country-code-not-in": "phone-country-code-in",
}
LISTS: dict[str, Test] = {
    "contains": lambda value, wanted: wanted in value,
    "not-contains": lambda value, wanted: wanted not in value,
    "contains-any": lambda value, wanted: any(one in value for one in wanted),
    "not-contains-any": lambda value, wanted: not any(one in value for one in wanted),
    "contains-all": lambda value, wanted: all(one in value for one in wanted),
    "not-contains-all": lambda value, wanted: not all(one in value for one in wanted),
    "contains-substring": lambda value, wanted: any(wanted in str(one) for one in value),
    "not-contains-substring": lambda value, wanted: not any(wanted in str(one) for one in value),
}


def passes(value: Any, wanted: Json, now: float) -> bool:
    """Return whether a profile's or an event's value passes a filter; one that is missing passes no positive one."""
    kind, name = str(wanted["type"]), str(wanted.get("operator", ""))
    if kind == "existence":
        return (value is not None) == (name == "is-set")
    if kind == "string":
        return _string_passes(value, name, wanted.get("value") or "")
    if kind == "numeric":
        number = _number(value)
        if name == "between":
            return number is not None and wanted["start"] <= number <= wanted["end"]
        return number is not None and NUMERIC[name](number, wanted["value"])
    if kind == "boolean":
        return isinstance(value, bool) and value == bool(wanted["value"])
    if kind == "list":
        return isinstance(value, list) and _list_passes(value, name, wanted["value"])
    return kind == "date" and _date_passes(value, wanted, now)


def _string_passes(value: Any, name: str, wanted: Any) -> bool:
    negated = NEGATED.get(name)
    holds = value is not None and STRING[negated or name](str(value), wanted)
    return holds is not (negated is not None)


def _list_passes(value: list[Any], name: str, wanted: Any) -> bool:
    if name.startswith("length-"):
        return NUMERIC[name.removeprefix("length-")](len(value), wanted)
    return LISTS[name](value, wanted)


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    with suppress(ValueError):
        return float(value)
    return None


def _date_passes(value: Any, wanted: Json, now: float) -> bool:
    if not isinstance(value, str):
        return False
    try:
        moment = to_seconds(value)
    except ValueError:
        return False
    return occurs(moment, wanted, now)


def occurs(moment: float, wanted: Json, now: float) -> bool:
    """Return whether a moment passes a date filter."""
    day, today = (datetime.fromtimestamp(seconds, UTC).date() for seconds in (moment, now))
    match wanted["operator"]:
        case "calendar-month":
            return day.month == int(wanted["value"])
        case "anniversary":
            return (day.month, day.day) == (today.month, today.day)
        case "anniversary-month":
            return day.month == today.month
        case "anniversary-last" | "anniversary-next":
            sign = -1 if wanted["operator"] == "anniversary-last" else 1
            days = wanted["quantity"] * UNITS[wanted["unit"]] / DAY
            return any(0 <= sign * (other - today).days <= days for other in _anniversaries(day, today))
    start, stop = timeframe(wanted, now)
    return start <= moment < stop


def _anniversaries(day: date, today: date) -> Iterator[date]:
    """Return a day's anniversaries from last year to next; a leap day's is the last of February."""
    for year in range(max(day.year + 1, today.year - 1), today.year + 2):
        leaps = (day.month, day.day) == (2, 29) and not isleap(year)
        yield day.replace(year=year, day=28) if leaps else day.replace(year=year)


def timeframe(wanted: Json | None, now: float) -> tuple[float, float]:
    """Find from when until just before when a date filter reaches."""
    if wanted is None or wanted["operator"] == "alltime":
        return float("-inf"), float("inf")
    name = wanted["operator"]
    if name in ("before", "after"):
        moment = to_seconds(wanted["date"])
        return (moment, float("inf")) if name == "after" else (float("-inf"), moment)
    if name == "between-static":
        return to_seconds(wanted["start"]), to_seconds(wanted["end"])
    unit = UNITS[wanted["unit"]]
    if name == "between":  # so long ago to so long ago
        ends = sorted((now - wanted["start"] * unit, now - wanted["end"] * unit))
        return ends[0], ends[1]
    length = wanted["quantity"] * unit
    if name == "at-least":
        return float("-inf"), now - length
    return (now - length, now + 1) if name == "in-the-last" else (now, now + length)


Ints = npt.NDArray[np.int64]
FOREVER = float("inf")
WINDOWS = {
    "HOURS_1": 3600,
    "DAYS_1": DAY,
    "DAYS_3": 3 * DAY,
    "DAYS_5": 5 * DAY,
    "WEEKS_1": 7 * DAY,
    "DAYS_30": 30 * DAY,
    "DAYS_90": 90 * DAY,
    "DAYS_180": 180 * DAY,
    "YEARS_1": 365 * DAY,
}


def by_metric(store: Store, condition: Json) -> set[str]:
    """Count, or add up, the events of each profile within the timeframe."""
    log = store.account.events
    rows = _rows(store, condition)
    rows = rows[_during(log.time[rows], condition["timeframe_filter"], store.now())]
    weights = np.nan_to_num(log.value[rows]) if condition["measurement"] == "sum" else None
    sums = np.bincount(log.profile[rows], weights=weights, minlength=len(log.profile_ids))
    measured = dict(zip(log.profile_ids, sums.tolist(), strict=True))
    wanted = condition["measurement_filter"]
    test = NUMERIC[wanted["operator"]]
    return {id_ for id_ in store.records("profile") if test(measured.get(id_, 0), wanted["value"])}


def by_funnel(store: Store, condition: Json) -> set[str]:
    """Find who took all steps in their order, from a first one within the timeframe, each soon enough after it."""
    log, steps = store.account.events, condition["steps"]
    window = WINDOWS.get(condition.get("completion_window_seconds") or "", FOREVER)
    first = _rows(store, steps[0])
    first = first[_during(log.time[first], condition["timeframe_filter"], store.now())]
    starts = _times_by_profile(store, first)
    later = [
        (bool(step["metric_exists"]), _times_by_profile(store, _rows(store, step))) for step in steps[1:]
    ]
    known = store.records("profile")
    return {
        log.profile_ids[profile]
        for profile, times in starts.items()
        if log.profile_ids[profile] in known
        and any(
            _follows(time, time + window, [(did, of.get(profile, [])) for did, of in later]) for time in times
        )
    }


def _follows(time: float, stop: float, steps: list[tuple[bool, list[int]]]) -> bool:
    """Return whether the steps come after a moment and until another; what must not be done stops a profile."""
    for did, times in steps:
        after = next((moment for moment in times if time < moment <= stop), None)
        if (after is not None) is not did:
            return False
        time = time if after is None else after
    return True


def _times_by_profile(store: Store, rows: Ints) -> dict[int, list[int]]:
    log = store.account.events
    times: dict[int, list[int]] = {}
    for profile, time in zip(log.profile[rows].tolist(), log.time[rows].tolist(), strict=True):
        times.setdefault(profile, []).append(time)
    return times


def _rows(store: Store, wanted: Json) -> Ints:
    """Find the events of a metric that pass all filters on their properties."""
    log, now = store.account.events, store.now()
    metric = log.metric_ids.index(wanted["metric_id"]) if wanted["metric_id"] in log.metric_ids else -1
    rows = np.flatnonzero((log.metric == metric) & (log.profile >= 0))
    for one in wanted.get("metric_filters") or ():
        if one.get("filter"):
            values = (log.properties[row].get(one["property"]) for row in rows.tolist())
            rows = rows[np.fromiter((passes(value, one["filter"], now) for value in values), dtype=bool)]
    return rows


def _during(times: Ints, wanted: Json, now: float) -> npt.NDArray[np.bool_]:
    if not str(wanted["operator"]).startswith("anniversary"):
        start, stop = timeframe(wanted, now)
        return (times >= start) & (times < stop)
    days, place = np.unique(times // DAY, return_inverse=True)
    hits = [occurs(day * DAY, wanted, now) for day in days.tolist()]
    return np.array(hits, dtype=bool)[place]


CONDITIONS: dict[str, Callable[[Store, Json], set[str]]] = {
    "profile-metric": by_metric,
    "profile-metric-funnel": by_funnel,
}


NEVER = "NEVER_SUBSCRIBED"
# Fields of a filter, and where what is known of a consent has them.
KNOWN = {
    "status_date": "consent_timestamp",
    "is_double_opt_in": "double_optin",
    "custom_source": "custom_method_detail",
    "effective_date": "consent_timestamp",
    "recorded_date": "last_updated",
}
METHODS = ("method", "subscribe_method")
REASONS = {
    "bounce_date": "HARD_BOUNCE",
    "manual_suppression_date": profiles.BY_HAND,
    "invalid_email_date": "INVALID_EMAIL",
}


def is_filter(wanted: Any) -> bool:
    """Return whether something can be asked of a consent; the document leaves the form of some filters open."""
    if not isinstance(wanted, dict):
        return False
    field = wanted.get("field")
    if field in METHODS:
        return "method" in wanted
    return isinstance(field, str) and field in {*KNOWN, *REASONS} and isinstance(wanted.get("filter"), dict)


def consents(store: Store, profile: Record, condition: Json) -> bool:
    """Return whether a profile may be sent marketing, and agreed to it as the condition says."""
    wanted = condition["consent"]
    channel, may = wanted["channel"], wanted["can_receive_marketing"]
    known = profiles.consent_of(profile, channel)
    asked = str((wanted.get("consent_status") or {}).get("subscription", "any"))
    filters = (wanted.get("consent_status") or {}).get("filters") or ()
    return (
        _can_receive(profile, channel, known) is may
        and (asked == "any" or known.get("consent", NEVER) == asked.upper())
        and all(_passes(store, known, one) for one in filters)
    )


def is_reachable(store: Store, profile: Record, condition: Json) -> bool:
    """Return whether a profile can be reached by WhatsApp in the way that the condition says."""
    wanted, purpose = condition["permission"], condition["channel"].removeprefix("whatsapp_")
    known = profiles.consent_of(profile, "whatsapp", purpose)
    how, _, reach = wanted["reachable_status"].rpartition("_")
    explicit = known.get("consent", NEVER) != NEVER
    return (
        bool(known.get("can_receive")) is (reach == "reachable")
        and (how == "implicitly_or_explicitly" or explicit is (how == "explicitly"))
        and all(_passes(store, {"method": "API"} | known, one) for one in wanted.get("filters") or ())
    )


def _can_receive(profile: Record, channel: str, known: Json) -> bool:
    if channel == "email":
        return bool(profile.attributes.get("email")) and bool(known.get("can_receive_email_marketing", True))
    return bool(known.get("consent") == profiles.SUBSCRIBED)


def _passes(store: Store, known: Json, wanted: Json) -> bool:
    """Return whether what is known of a consent passes one more filter."""
    field = wanted["field"]
    if field in METHODS:
        details = (wanted.get("filter") or {}).get("value")
        return str(known.get("method")).lower() == wanted["method"] and (
            details is None or known.get("method_detail") in details
        )
    if field in REASONS:
        entries = known.get("suppression") or []
        return any(
            passes(entry["timestamp"], wanted["filter"], store.now())
            for entry in entries
            if entry["reason"] == REASONS[field]
        )
    return passes(known.get(KNOWN[field]), wanted["filter"], store.now())


Place = tuple[float, float]
RADIUS = {"kilometers": 6371.0, "miles": 3958.8}  # of the Earth


def lives_near(store: Store, profile: Record, condition: Json) -> bool:
    """Return whether a profile lives as far from a postal code as the condition says."""
    home, centre = _home(profile), centre_of(store, condition)
    if home is None or centre is None:
        return False
    wanted = condition["filter"]
    return NUMERIC[wanted["operator"]](_distance(home, centre) * RADIUS[condition["unit"]], wanted["value"])


def centre_of(store: Store, condition: Json) -> Place | None:
    """Find the middle of the homes that have a postal code; None without such homes."""
    country, code = condition["country_code"].upper(), condition["postal_code"]
    return store.derive(("postal code", country, code), lambda: _centre(store, country, code))


def _centre(store: Store, country: str, code: str) -> Place | None:
    names = (country, COUNTRIES.get(country, ("", ""))[0])
    homes = [
        home
        for profile in store.records("profile").values()
        if (location := profile.attributes.get("location") or {}).get("zip") == code
        and location.get("country") in names
        and (home := _home(profile))
    ]
    if not homes:
        return None
    return sum(one for one, _ in homes) / len(homes), sum(other for _, other in homes) / len(homes)


def _home(profile: Record) -> Place | None:
    location = profile.attributes.get("location") or {}
    with suppress(TypeError, ValueError):  # coordinates may be text, or missing
        return float(location["latitude"]), float(location["longitude"])
    return None


def _distance(one: Place, other: Place) -> float:
    """Return the angle between two places, in radians (haversine)."""
    (south, west), (north, east) = (tuple(map(math.radians, place)) for place in (one, other))
    half = math.sin((north - south) / 2) ** 2
    half += math.cos(south) * math.cos(north) * math.sin((east - west) / 2) ** 2
    return 2 * math.asin(math.sqrt(half))


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
    if kind in CONDITIONS:
        return CONDITIONS[kind](store, condition)
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
