"""Values as the filter grammar wants them written."""

from __future__ import annotations

import datetime as dt
import math
import re
from typing import Any

from klaviyo_analytics.errors import InvalidQueryError

TIMES = re.compile(r"(^|[._])(created|updated|datetime|timestamp|[a-z_]+_at)$")


def literal(value: Any, field: str = "", *, up: bool = False) -> str:
    """Write a value as the filter grammar wants it.

    Datetimes are written in UTC without quotes (quoted ones are refused); a date or text for a field that
    holds a time is read as UTC midnight. The events' `timestamp` is compared in whole Unix seconds, `up` to the
    next.
    """
    if isinstance(value, (list, tuple, set, frozenset)):
        if not value:
            raise InvalidQueryError(f"{field or 'a filter'}: an empty list of values would match nothing.")
        return f"[{','.join(literal(item, field) for item in value)}]"
    value = _python(value)
    if TIMES.search(field) and isinstance(value, (str, dt.date)):
        moment = _moment(value, field)
        whole = math.ceil if up else math.floor
        return str(whole(moment.timestamp())) if field == "timestamp" else _rfc3339(moment)
    if isinstance(value, dt.date):
        return _rfc3339(_moment(value, field))
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)) and math.isfinite(value):
        return repr(value)
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    raise InvalidQueryError(
        f"{field or 'a filter'}: {value!r} cannot stand in a filter; "
        "use text, a number, True/False, None, a date or datetime, or a list of these."
    )


def _python(value: Any) -> Any:
    """Give a numpy scalar as Python's own; nanoseconds would turn into a bare number."""
    if getattr(value, "ndim", None) != 0:
        return value
    plain = value.astype("datetime64[us]").item() if value.dtype.kind == "M" else value.item()
    return value if plain is None else plain  # a NaT would turn into a null


def _moment(value: str | dt.date, field: str) -> dt.datetime:
    if isinstance(value, str):
        try:
            value = dt.datetime.fromisoformat(value)
        except ValueError:
            raise InvalidQueryError(
                f"{field}: {value!r} is no date; write it like 2026-01-31 or 2026-01-31T12:00:00+00:00."
            ) from None
    if not isinstance(value, dt.datetime):
        value = dt.datetime(value.year, value.month, value.day, tzinfo=dt.UTC)
    if value != value:  # noqa: PLR0124  (NaT)
        raise InvalidQueryError(f"{field}: NaT cannot stand in a filter.")
    return value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value.astimezone(dt.UTC)


def _rfc3339(moment: dt.datetime) -> str:
    text = moment.strftime("%Y-%m-%dT%H:%M:%S").rjust(19, "0")
    return f"{text}.{moment.microsecond:06d}Z" if moment.microsecond else f"{text}Z"
