"""A stretch of time in the words of each endpoint."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


def aggregate_filter(start: datetime, end: datetime) -> list[str]:
    """Write the bounds without an offset, in UTC."""
    first, last = (moment.astimezone(UTC).replace(tzinfo=None).isoformat() for moment in (start, end))
    return [f"greater-or-equal(datetime,{first})", f"less-than(datetime,{last})"]


def event_filter(start: datetime, end: datetime, field: str) -> str:
    """Write the bounds with `Z`; GET filters refuse quoted datetimes."""
    first, last = (moment.astimezone(UTC).isoformat().replace("+00:00", "Z") for moment in (start, end))
    return f"greater-or-equal({field},{first}),less-than({field},{last})"


def report_body(start: datetime, end: datetime) -> dict[str, str]:
    """Write the bounds on their own clock, the end as the last second that belongs to the frame."""
    last = (end.astimezone(UTC) - timedelta(seconds=1)).astimezone(end.tzinfo)
    return {"start": _on_the_clock(start), "end": _on_the_clock(last)}


def _on_the_clock(moment: datetime) -> str:
    # The API's schema wants an offset and then ignores it.
    return f"{moment.replace(tzinfo=None).isoformat(timespec='seconds')}+00:00"
