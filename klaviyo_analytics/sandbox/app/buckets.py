"""Intervals of time in a time zone: where each hour, day, week or month begins."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

REFUSED_ZONES = frozenset({"Factory", "Europe/Kyiv", "Pacific/Kanton"})


@cache
def zone_names() -> frozenset[str]:
    """Name the time zones that the API accepts; they are case-sensitive."""
    return frozenset(available_timezones()) - REFUSED_ZONES


def bucket_starts(start: float, end: float, interval: str, zone: ZoneInfo) -> list[int]:
    """Unix seconds of the start of every interval that touches [start, end), in the zone's own days.

    A day of a clock change has 23 or 25 hours; an hour is always an hour.
    """
    first = _floor(datetime.fromtimestamp(start, zone), interval)
    starts: list[int] = []
    moment = int(first.timestamp())
    steps = 0
    while moment < end:
        starts.append(moment)
        steps += 1
        moment = int(_step(first, interval, steps).timestamp())
    return starts


def _floor(local: datetime, interval: str) -> datetime:
    if interval == "hour":
        return local.replace(minute=0, second=0, microsecond=0)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    if interval == "week":
        return midnight - timedelta(days=midnight.weekday())
    return midnight.replace(day=1) if interval == "month" else midnight


def _step(first: datetime, interval: str, steps: int) -> datetime:
    if interval == "hour":
        return first.astimezone(UTC) + timedelta(hours=steps)
    if interval == "month":
        months = first.month - 1 + steps
        return first.replace(year=first.year + months // 12, month=months % 12 + 1)
    # Arithmetic on a zone's own datetimes counts days of the calendar, however long they are.
    return first + timedelta(days=steps * (7 if interval == "week" else 1))
