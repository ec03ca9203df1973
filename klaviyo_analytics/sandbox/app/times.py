"""Times on the wire: ISO 8601 in UTC."""

from __future__ import annotations

from datetime import UTC, datetime

YEARS = range(1970, 9000)  # what lies beyond cannot be reckoned with


def to_text(seconds: float) -> str:
    """Write Unix seconds as the API writes them, whole seconds in UTC."""
    return datetime.fromtimestamp(int(seconds), UTC).isoformat()


def to_seconds(text: str) -> float:
    """Read a date or a datetime; one without an offset is in UTC."""
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
