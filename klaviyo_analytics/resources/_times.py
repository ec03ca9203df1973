"""Moments and time frames that a caller names: what has no zone of its own is read in the account's."""

from __future__ import annotations

from datetime import UTC, datetime

from klaviyo_analytics.resources._noun import Context
from klaviyo_analytics.timeframe import Timeframe
from klaviyo_analytics.timeframe._moments import Moment, in_zone, plain, zone_named

Span = Timeframe | str | tuple[Moment, Moment]


def moment(context: Context, value: Moment) -> datetime:
    """Read a date, datetime or text as a moment in UTC."""
    given = plain(value)
    if isinstance(given, datetime) and given.tzinfo is not None:
        return given.astimezone(UTC)
    return in_zone(given, zone_named(context.timezone)).astimezone(UTC)


def timeframe(context: Context, span: Span, timezone: str | None = None) -> Timeframe:
    """Read a time frame on the clock of `timezone`, or of the account; one that has a zone keeps it."""
    if isinstance(span, Timeframe):
        return span.in_timezone(timezone) if timezone else span
    return Timeframe.parse(span, timezone=timezone or context.timezone, now=context.now())
