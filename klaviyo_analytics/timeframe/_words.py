"""Time frames in words: 'last 90 days', '2026-Q2'."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import cast
from zoneinfo import ZoneInfo

from klaviyo_analytics.errors import InvalidInputError
from klaviyo_analytics.timeframe._calendar import Unit, floor, midnight, step

Bounds = tuple[datetime, datetime]

_DAY = re.compile(r"(?P<year>\d{4})-(?P<month>\d{2})-(?P<day>\d{2})")
_MONTH = re.compile(r"(?P<year>\d{4})-(?P<month>\d{2})")
_QUARTER = re.compile(r"(?P<year>\d{4})[- ]?q(?P<quarter>[1-4])")
_YEAR = re.compile(r"(?P<year>\d{4})")
_QUARTER_FIRST = re.compile(r"q(?P<quarter>[1-4])[-/ ]?(?P<year>\d{4})")
_NAMED_MONTH = re.compile(r"(?P<name>[a-z]{3,9})\.? (?P<year>\d{4})")
_MONTH_NAMES = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
_TO_DATE = re.compile(r"(?:(?P<unit>week|month|quarter|year) to date|(?P<letter>[wmqy])td)")
_SHORT = re.compile(r"(?P<count>[1-9]\d{0,4}) ?(?P<letter>h|d|w|mo|m|q|y)")
_UNITS = {"h": "hour", "d": "day", "w": "week", "mo": "month", "m": "month", "q": "quarter", "y": "year"}
_THIS = re.compile(r"(?:this|current) (?P<unit>week|month|quarter|year)")
_LAST = re.compile(
    r"(?:(?:the )?(?:last|past|previous|prior|trailing|rolling) )?(?:(?P<count>[1-9]\d{0,4}) )?"
    r"(?P<unit>hour|day|week|month|quarter|year)s?"
)


def absolute(text: str, zone: ZoneInfo) -> Bounds | None:
    """Read a calendar day, month, quarter or year; None if the text is none of them."""
    words = text.strip().lower()
    forms = (
        (_DAY, "day"), (_MONTH, "month"), (_QUARTER, "quarter"), (_QUARTER_FIRST, "quarter"),
        (_NAMED_MONTH, "month"), (_YEAR, "year"),
    )  # fmt: skip
    for pattern, unit in forms:
        if found := pattern.fullmatch(words):
            parts = found.groupdict()
            if (name := parts.pop("name", None)) is not None:
                if (month_number := _month_number(name)) is None:
                    return None
                parts["month"] = str(month_number)
            numbers = {name: int(value) for name, value in parts.items()}
            month = numbers.get("month", 3 * numbers.get("quarter", 1) - 2)
            try:
                first = midnight(date(numbers["year"], month, numbers.get("day", 1)), zone)
            except ValueError as error:
                raise InvalidInputError(f"{text!r} is not in the calendar: {error}") from error
            return first, step(first, cast(Unit, unit), 1, zone)
    return None


def relative(text: str, zone: ZoneInfo, now: datetime) -> Bounds | None:
    """Read a frame that depends on the clock; None if the text is none.

    'last 3 months' are the three whole months before the one that holds `now`, and so for every unit: the
    unit under way is never part of 'last'. 'this month' runs from its first day to the end of today.
    """
    words = re.sub(r"[\s_]+|(?<=[a-z\d])-(?=[a-z\d])", " ", text.strip().lower())
    today = floor(now, "day", zone)
    tomorrow = step(today, "day", 1, zone)
    if found := _TO_DATE.fullmatch(words):
        words = f"this {found['unit'] or _UNITS[found['letter']]}"
    elif found := _SHORT.fullmatch(words):
        words = f"last {found['count']} {_UNITS[found['letter']]}"
    if words == "today":
        return today, tomorrow
    if words == "yesterday":
        return step(today, "day", -1, zone), today
    if found := _THIS.fullmatch(words):
        return floor(now, cast(Unit, found["unit"]), zone), tomorrow
    if (found := _LAST.fullmatch(words)) and " " in words:  # "day" alone says nothing
        unit = cast(Unit, found["unit"])
        current = floor(now, unit, zone)
        return step(current, unit, -int(found["count"] or 1), zone), current
    return None


def _month_number(name: str) -> int | None:
    """Return the number of an English month, also of its first three letters; None for other words."""
    found = [
        number for number, full in enumerate(_MONTH_NAMES, 1) if name in (full, full[:3]) or name == full[:4]
    ]
    return found[0] if found else None


HELP = (
    "write 'last 90 days', 'last 12 months' (the twelve whole months before this one), 'this quarter' or 'year to "
    "date' (up to the end of today), '2026-Q2', or a start and an end: '2026-04-01/2026-07-01'"
)
