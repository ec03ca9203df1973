"""Events: told apart by the ids that they were sent with, and compared by the properties that they have."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from klaviyo_analytics.filters import F
from klaviyo_analytics.timeframe._moments import answered
from klaviyo_analytics.writeback._account import Account
from klaviyo_analytics.writeback.kinds import Options
from klaviyo_analytics.writeback.looks._look import Found, Left, Remark
from klaviyo_analytics.writeback.reading import records


def events(account: Account, _: Options, left: Left) -> Found:
    """Look for the events' own ids among those of their metric and time, and for their properties."""
    events = {at: record["attributes"]["events"]["data"][0]["attributes"] for at, (_, record) in left.items()}
    metric = next(iter(events.values()))["metric"]["data"]["attributes"]
    id = _metric(account, metric["name"], metric.get("service", "API"))
    if id is None:
        return {}
    times = [when for one in events.values() if (when := answered(one.get("time"))) is not None]
    times = times or [account.now() - timedelta(hours=1), account.now() + timedelta(hours=1)]
    where = (
        (F.metric_id == id)
        & (F.datetime >= min(times).replace(microsecond=0))
        & (F.datetime < max(times) + timedelta(seconds=1))
    )
    params = {"filter": str(where), "sort": "datetime", "fields[event]": "event_properties"}
    there: dict[str, Mapping[str, Any]] = {}
    for one in records(account, "get_events", params):
        kept = one["attributes"].get("event_properties") or {}
        there[str(kept.get("$event_id"))] = kept
    return {
        at: _less(one["properties"], there[one["unique_id"]])
        for at, one in events.items()
        if one["unique_id"] in there
    }


def _less(sent: Mapping[str, Any], kept: Mapping[str, Any]) -> Remark | None:
    """Name the properties that an event came without: Klaviyo does not keep what is 0, empty or null."""
    gone = ", ".join(name for name in sent if name not in kept)
    return Remark(f"written without {gone}, which Klaviyo dropped"[:200]) if gone else None


def _metric(account: Account, name: str, service: str) -> str | None:
    for record in records(account, "get_metrics", {}):
        attributes = record["attributes"]
        integration = attributes.get("integration") or {}
        if attributes.get("name") == name and integration.get("name") == service:
            return str(record["id"])
    return None
