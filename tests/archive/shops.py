"""Shops whose past can be changed behind the API's back, as time and other programs do."""

from __future__ import annotations

from typing import Any

import pandas as pd

from klaviyo_analytics.sandbox.app import store
from tests.shops import Shop


def add_event(shop: Shop, id: str, *, seconds: float, **properties: Any) -> None:
    """Record an event at a moment of the past, the way late events arrive."""
    log = shop.account.events
    row = {
        "id": id,
        "time": int(shop.account.now - seconds),
        "metric": log.metric_ids[0],
        "profile": log.profile_ids[0],
        "value": None,
        "properties": properties,
    }
    store.append(log, [row])
    changed(shop)


def remove_events(shop: Shop, ids: set[str]) -> None:
    """Remove events, as the deletion of their profile does."""
    log = shop.account.events
    kept = [place for place, id in enumerate(log.ids) if id not in ids]
    for name in ("time", "metric", "profile", "value"):
        setattr(log, name, getattr(log, name)[kept])
    for name in ("ids", "properties", "attribution"):
        setattr(log, name, [getattr(log, name)[place] for place in kept])
    changed(shop)


def changed(shop: Shop) -> None:
    """Let the server know that its account is not what it was."""
    shop.sandbox._application.store.changed()


def in_order(frame: pd.DataFrame) -> pd.DataFrame:
    """Sort events by time and id: the order of ties is nobody's promise."""
    keys = ["datetime", "id"] if "datetime" in frame else ["id"]
    return frame.sort_values(keys, ignore_index=True)
