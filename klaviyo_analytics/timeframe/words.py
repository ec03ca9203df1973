"""Time frames in words: 'last 90 days', '2026-Q2'."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import TYPE_CHECKING, Literal, TypeAlias, cast
from zoneinfo import ZoneInfo

from klaviyo_analytics.errors import InvalidInputError

if TYPE_CHECKING:
    from numpy import datetime64

Unit = Literal["hour", "day", "week", "month", "quarter", "year"]

_MONTHS: dict[Unit, int] = {"month": 1, "quarter": 3, "year": 12}


def real(moment: datetime) -> datetime:
    """Return a wall-clock time that exists: one inside a spring gap moves forward by the gap."""
    return moment.astimezone(UTC).astimezone(moment.tzinfo)


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """Return the first moment of a day; not every zone has a midnight every day."""
    return real(datetime.combine(day, time(), zone))


def add_months(day: date, months: int) -> date:
    """Move a date by calendar months; a day that the month lacks becomes its last."""
    years, month = divmod(day.month - 1 + months, 12)
    first = date(day.year + years, month + 1, 1)
    following = (first + timedelta(days=31)).replace(day=1)
    return min(first + timedelta(days=day.day - 1), following - timedelta(days=1))


def move_to(moment: datetime, day: date) -> datetime:
    """Return the same time of day on another day."""
    return real(datetime.combine(day, moment.timetz()))


def floor(moment: datetime, unit: Unit, zone: ZoneInfo) -> datetime:
    """Return the start of the unit that holds the moment."""
    if unit == "hour":
        return real(moment.replace(minute=0, second=0, microsecond=0))
    return midnight(_first_day(moment.date(), unit), zone)


def step(start: datetime, unit: Unit, count: int, zone: ZoneInfo) -> datetime:
    """Move the start of a unit by so many units."""
    if unit == "hour":
        return _step_hours(start, count, zone)
    day = start.date()
    if unit in _MONTHS:
        return midnight(add_months(day, count * _MONTHS[unit]), zone)
    return midnight(day + timedelta(days=count * (7 if unit == "week" else 1)), zone)


def _step_hours(start: datetime, count: int, zone: ZoneInfo) -> datetime:
    # on Lord Howe Island clocks change by half an hour, so that one hour is half as long, another half as long again
    there = start.astimezone(UTC) + timedelta(hours=count)
    moved = floor(there.astimezone(zone), "hour", zone)
    while count > 0 and moved.astimezone(UTC) <= start.astimezone(UTC):
        there += timedelta(minutes=30)
        moved = floor(there.astimezone(zone), "hour", zone)
    return moved


def starts(start: datetime, end: datetime, unit: Unit, zone: ZoneInfo) -> Iterator[datetime]:
    """Yield the start of every unit that touches [start, end); the first may lie before `start`."""
    current, stop = floor(start, unit, zone), end.astimezone(UTC)
    while current.astimezone(UTC) < stop:
        yield current
        current = step(current, unit, 1, zone)


def _first_day(day: date, unit: Unit) -> date:
    if unit == "day":
        return day
    if unit == "week":
        # Klaviyo does not document on which day its weeks begin; Monday is ISO's and the app's default.
        return day - timedelta(days=day.weekday())
    months = _MONTHS[unit]
    return day.replace(month=(day.month - 1) // months * months + 1, day=1)


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
    """Read a calendar day, month, quarter or year; None if the text is something else."""
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
    """Read a frame that depends on the clock; None if the text is something else.

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


Moment: TypeAlias = "str | date | datetime | datetime64"
"""A pandas Timestamp is a datetime, too."""


def zone_named(timezone: str | tzinfo) -> ZoneInfo:
    """Return the zone; only IANA names will do, because the API wants one."""
    name = timezone if isinstance(timezone, str) else _name_of(timezone)
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise InvalidInputError(
            f"timezone={timezone!r} is not known; give an IANA name like 'America/New_York' or 'UTC'"
        ) from error


def answered(value: object) -> datetime | None:
    """Return a time that the API answered with, in UTC; None if it is not a time.

    This is the only reader of times in answers. A time without an offset is UTC, wherever it occurs: the
    machine's own zone never plays a part.
    """
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value.strip())
        if moment.tzinfo is UTC:  # as nearly all of them are
            return moment
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def as_written(value: object) -> datetime:
    """Return a report's label of an interval with the offset that it shows, if it shows one.

    Only for labels that may be meant on the account's clock, where `answered` would decide too early.

    Raises
    ------
    ValueError, TypeError
        If it is not a time, or not even text.
    """
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not a time")
    return datetime.fromisoformat(value.strip())


def in_zone(value: Moment, zone: ZoneInfo) -> datetime:
    """Return a moment on the zone's clock; one without a zone of its own is read on that clock."""
    moment = plain(value)
    try:
        if not isinstance(moment, datetime):
            return midnight(moment, zone)
        if moment.tzinfo is None:
            return real(moment.replace(tzinfo=zone))
        return moment.astimezone(UTC).astimezone(zone)
    except OverflowError:
        raise InvalidInputError(
            f"{value!r} is too close to the first or last date that Python knows. Pass a date between 1970 and 9998."
        ) from None


def plain(value: Moment) -> date | datetime:
    """Return a plain date or datetime."""
    moment = _from_text(value) if isinstance(value, str) else value
    if type(moment).__name__ == "datetime64":  # numpy's
        moment = cast("datetime64", moment).astype("datetime64[us]").item()
    if isinstance(moment, datetime) and moment == moment:  # noqa: PLR0124 - pandas' NaT is not itself
        # A Timestamp's own arithmetic differs from a datetime's, so only the fields are kept.
        return datetime(
            moment.year,
            moment.month,
            moment.day,
            moment.hour,
            moment.minute,
            moment.second,
            moment.microsecond,
            tzinfo=moment.tzinfo,
            fold=moment.fold,
        )
    if isinstance(moment, date) and not isinstance(moment, datetime):
        return moment
    raise InvalidInputError(
        f"{value!r} is not a time; give a date, a datetime, a Timestamp or an ISO text like '2026-04-01'"
    )


def _from_text(text: str) -> date | datetime:
    try:
        return datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise InvalidInputError(
            f"{text!r} is not a time; write it like '2026-04-01' or '2026-04-01T09:30'. A stretch of time in words, "
            "like 'last 30 days', goes to timeframe= or Timeframe.parse"
        ) from error


def _name_of(timezone: tzinfo) -> str:
    # zoneinfo calls the name `key`, pytz (pandas 2) `zone`.
    name = getattr(timezone, "key", None) or getattr(timezone, "zone", None)
    if name:
        return str(name)
    if timezone is UTC or timezone.utcoffset(None) == timedelta(0):
        return "UTC"
    raise InvalidInputError(
        f"{timezone} is an offset, not a time zone: it does not know when clocks change; "
        "give timezone= an IANA name like 'America/New_York'"
    )
