"""The filters inside a segment's conditions: whether one value, or one moment, passes."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from klaviyo_analytics.sandbox.app.times import to_seconds

Json = dict[str, Any]
Test = Callable[[Any, Any], bool]
UNITS = {"hour": 3600, "day": 86_400, "week": 7 * 86_400}


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
}
NEGATED = {f"not-{name}": name for name in STRING} | {"nregex": "regex"}
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
    test = STRING.get(negated or name)
    if test is None:
        return False
    holds = value is not None and test(str(value), wanted)
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
    date, today = datetime.fromtimestamp(moment, UTC), datetime.fromtimestamp(now, UTC)
    match wanted["operator"]:
        case "calendar-month":
            return date.month == int(wanted["value"])
        case "anniversary":
            return (date.month, date.day) == (today.month, today.day)
        case "anniversary-month":
            return date.month == today.month
    frame = timeframe(wanted, now)
    return frame is not None and frame[0] <= moment < frame[1]


def timeframe(wanted: Json | None, now: float) -> tuple[float, float] | None:
    """Find from when to when a date filter reaches; None for one that the sandbox does not know."""
    if wanted is None or wanted["operator"] == "alltime":
        return float("-inf"), float("inf")
    name = wanted["operator"]
    if name in ("before", "after"):
        moment = to_seconds(wanted["date"])
        return (moment, float("inf")) if name == "after" else (float("-inf"), moment)
    if name == "between-static":
        return to_seconds(wanted["start"]), to_seconds(wanted["end"])
    if name not in ("in-the-last", "in-the-next", "at-least", "between"):
        return None
    unit = UNITS[wanted["unit"]]
    if name == "between":  # so long ago to so long ago
        ends = sorted((now - wanted["start"] * unit, now - wanted["end"] * unit))
        return ends[0], ends[1]
    length = wanted["quantity"] * unit
    if name == "at-least":
        return float("-inf"), now - length
    return (now - length, now + 1) if name == "in-the-last" else (now, now + length)
