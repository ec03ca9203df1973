"""Where the neighbouring, the earlier and the partial frame begin and end."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from klaviyo_analytics.errors import InvalidInputError
from klaviyo_analytics.timeframe._calendar import Unit, add_months, floor, move_to, step


def made_of(start: datetime, end: datetime, unit: Unit, zone: ZoneInfo) -> bool:
    """Tell whether the frame consists of whole units."""
    return all(m.astimezone(UTC) == floor(m, unit, zone).astimezone(UTC) for m in (start, end))


def previous_start(start: datetime, end: datetime, zone: ZoneInfo) -> datetime:
    """Return where the period of the same length directly before begins."""
    if made_of(start, end, "month", zone):
        return step(start, "month", 12 * (start.year - end.year) + start.month - end.month, zone)
    if made_of(start, end, "day", zone):
        return step(start, "day", (start.date() - end.date()).days, zone)
    duration = end.astimezone(UTC) - start.astimezone(UTC)
    return (start.astimezone(UTC) - duration).astimezone(zone)


def year_before(start: datetime, end: datetime) -> tuple[datetime, datetime]:
    """Return the same calendar dates a year before."""
    # An end on 29 February means "up to and with the 28th", and so the 1st of March a year before.
    day = end.date()
    if (day.month, day.day) == (2, 29):
        day += timedelta(days=1)
    return move_to(start, add_months(start.date(), -12)), move_to(end, add_months(day, -12))


def shown_twice(moment: datetime) -> bool:
    """Return whether the clock shows this time twice, because it is put back."""
    first, second = moment.replace(fold=0), moment.replace(fold=1)
    return first.astimezone(UTC) < second.astimezone(UTC)


def longest_end(start: datetime, *, days: int = 0, years: int = 0) -> datetime:
    """Return where a frame that begins here must end at the latest."""
    return move_to(start, add_months(start.date(), 12 * years) + timedelta(days=days))


def cuts(
    start: datetime, end: datetime, unit: Unit, zone: ZoneInfo, *, days: int, years: int
) -> Iterator[datetime]:
    """Yield the inner boundaries: each the last start of a unit within the allowed length."""
    while (limit := longest_end(start, days=days, years=years)).astimezone(UTC) < end.astimezone(UTC):
        cut = floor(limit, unit, zone)
        if cut.astimezone(UTC) <= start.astimezone(UTC):
            raise InvalidInputError(
                f"no whole {unit} fits between {start:%Y-%m-%d %H:%M} and {limit:%Y-%m-%d %H:%M}; "
                "use a shorter interval or longer parts"
            )
        yield cut
        start = cut
