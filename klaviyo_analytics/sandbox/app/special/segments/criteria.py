"""The filters inside a segment's conditions: whether one value, or one moment, passes."""

from __future__ import annotations

import operator
import re
from calendar import isleap
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, date, datetime
from typing import Any

from klaviyo_analytics.sandbox.app.special.segments.countries import calls_from
from klaviyo_analytics.sandbox.app.times import to_seconds

Json = dict[str, Any]
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
    """Tell whether a profile's or an event's value passes a filter; one that is missing passes no positive one."""
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
    """Tell whether a moment passes a date filter."""
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
    """Give a day's anniversaries from last year to next; a leap day's is the last of February."""
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
