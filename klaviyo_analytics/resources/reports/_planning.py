"""What reports will cost and what is left, as frames."""

from __future__ import annotations

from datetime import UTC, datetime

import pandas as pd

from klaviyo_analytics.resources._noun import Context
from klaviyo_analytics.resources.reports._asking import Asked
from klaviyo_analytics.resources.reports._kinds import KINDS
from klaviyo_analytics.resources.reports._running import account_of, cached_parts


def plan(context: Context, asked: Asked) -> pd.DataFrame:
    """Give a row for each part of the time frame: whether it takes a call, and when that can be sent."""
    endpoint = context.api.catalog[asked.kind.operation]
    cached = cached_parts(context, asked)
    forecast = context.quota.forecast(account_of(context), endpoint, cached.count(False))
    waits = iter(forecast.waits)
    left = forecast.standing.left
    sent = [position - cached[:position].count(True) for position in range(1, len(cached) + 1)]
    zone = asked.timeframe.timezone
    frame = pd.DataFrame(
        {
            "start": _times([part.start.astimezone(UTC) for part, _ in asked.parts], zone),
            "end": _times([part.end.astimezone(UTC) for part, _ in asked.parts], zone),
            "cached": pd.array(cached, dtype="boolean"),
            "wait": pd.to_timedelta([0.0 if stored else next(waits) for stored in cached], unit="s").round(
                "s"
            ),
            "left_today": pd.array([None if left is None else left - calls for calls in sent], dtype="Int64"),
        }
    )
    frame.attrs = {"plan": str(forecast)}
    return frame


def budget(context: Context) -> pd.DataFrame:
    """Give a row for each report: calls of the last 24 hours, and when the next can be sent."""
    account, catalog = account_of(context), context.api.catalog
    standings = [context.quota.standing(account, catalog[kind.operation]) for kind in KINDS.values()]
    return pd.DataFrame(
        {
            "report": pd.array(list(KINDS), dtype="string"),
            "daily_limit": pd.array([standing.limit for standing in standings], dtype="Int64"),
            "used": pd.array([standing.used for standing in standings], dtype="Int64"),
            "left": pd.array([standing.left for standing in standings], dtype="Int64"),
            "next_at": _times([standing.next_at for standing in standings], "UTC"),
        }
    )


def _times(moments: list[datetime], zone: str) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(pd.to_datetime(moments, utc=True)).as_unit("us").tz_convert(zone)
