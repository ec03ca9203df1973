"""Calendar arithmetic in a time zone, where a day may have 23 or 25 hours.

Python subtracts and compares two datetimes of the same zone by their wall clocks, so every length and every
comparison here goes through UTC, and every calendar step goes through dates.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

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
