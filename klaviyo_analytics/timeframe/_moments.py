"""One end of a time frame, from whatever people have at hand."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, TypeAlias
from zoneinfo import ZoneInfo

from klaviyo_analytics.errors import InvalidInputError
from klaviyo_analytics.timeframe._calendar import midnight, real

if TYPE_CHECKING:
    from numpy import datetime64

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
    if hasattr(moment, "astype"):  # a numpy datetime64
        moment = moment.astype("datetime64[us]").item()
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
