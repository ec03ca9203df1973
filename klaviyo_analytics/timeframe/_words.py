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
_THIS = re.compile(r"this (?P<unit>week|month|quarter|year)")
_LAST = re.compile(r"last (?:(?P<count>[1-9]\d{0,4}) )?(?P<unit>hour|day|week|month|quarter|year)s?")


def absolute(text: str, zone: ZoneInfo) -> Bounds | None:
    """Read a calendar day, month, quarter or year; None if the text is none of them."""
    words = text.strip().lower()
    for pattern, unit in ((_DAY, "day"), (_MONTH, "month"), (_QUARTER, "quarter"), (_YEAR, "year")):
        if found := pattern.fullmatch(words):
            numbers = {name: int(value) for name, value in found.groupdict().items()}
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
    if words == "today":
        return today, tomorrow
    if words == "yesterday":
        return step(today, "day", -1, zone), today
    if found := _THIS.fullmatch(words):
        return floor(now, cast(Unit, found["unit"]), zone), tomorrow
    if found := _LAST.fullmatch(words):
        unit = cast(Unit, found["unit"])
        current = floor(now, unit, zone)
        return step(current, unit, -int(found["count"] or 1), zone), current
    return None


HELP = (
    "write 'today', 'yesterday', 'last 90 days', 'last_12_months', 'last week', 'this quarter', '2026-04', "
    "'2026-Q2', '2026', or a start and an end: '2026-04-01/2026-07-01'"
)
