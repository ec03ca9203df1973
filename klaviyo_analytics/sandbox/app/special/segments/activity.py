"""Segment conditions about what profiles did: how often, how much, and in which order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from klaviyo_analytics.sandbox.app.special.segments.criteria import DAY, NUMERIC, occurs, passes, timeframe
from klaviyo_analytics.sandbox.app.store import Store

Json = dict[str, Any]
Ints = npt.NDArray[np.int64]
FOREVER = float("inf")
WINDOWS = {
    "HOURS_1": 3600,
    "DAYS_1": DAY,
    "DAYS_3": 3 * DAY,
    "DAYS_5": 5 * DAY,
    "WEEKS_1": 7 * DAY,
    "DAYS_30": 30 * DAY,
    "DAYS_90": 90 * DAY,
    "DAYS_180": 180 * DAY,
    "YEARS_1": 365 * DAY,
}


def by_metric(store: Store, condition: Json) -> set[str]:
    """Count, or add up, the events of each profile within the timeframe."""
    log = store.account.events
    rows = _rows(store, condition)
    rows = rows[_during(log.time[rows], condition["timeframe_filter"], store.now())]
    weights = np.nan_to_num(log.value[rows]) if condition["measurement"] == "sum" else None
    sums = np.bincount(log.profile[rows], weights=weights, minlength=len(log.profile_ids))
    measured = dict(zip(log.profile_ids, sums.tolist(), strict=True))
    wanted = condition["measurement_filter"]
    test = NUMERIC[wanted["operator"]]
    return {id_ for id_ in store.records("profile") if test(measured.get(id_, 0), wanted["value"])}


def by_funnel(store: Store, condition: Json) -> set[str]:
    """Find who took all steps in their order, from a first one within the timeframe, each soon enough after it."""
    log, steps = store.account.events, condition["steps"]
    window = WINDOWS.get(condition.get("completion_window_seconds") or "", FOREVER)
    first = _rows(store, steps[0])
    first = first[_during(log.time[first], condition["timeframe_filter"], store.now())]
    starts = _times_by_profile(store, first)
    later = [
        (bool(step["metric_exists"]), _times_by_profile(store, _rows(store, step))) for step in steps[1:]
    ]
    known = store.records("profile")
    return {
        log.profile_ids[profile]
        for profile, times in starts.items()
        if log.profile_ids[profile] in known
        and any(
            _follows(time, time + window, [(did, of.get(profile, [])) for did, of in later]) for time in times
        )
    }


def _follows(time: float, stop: float, steps: list[tuple[bool, list[int]]]) -> bool:
    """Tell whether the steps come after a moment and until another; what must not be done stops a profile."""
    for did, times in steps:
        after = next((moment for moment in times if time < moment <= stop), None)
        if (after is not None) is not did:
            return False
        time = time if after is None else after
    return True


def _times_by_profile(store: Store, rows: Ints) -> dict[int, list[int]]:
    log = store.account.events
    times: dict[int, list[int]] = {}
    for profile, time in zip(log.profile[rows].tolist(), log.time[rows].tolist(), strict=True):
        times.setdefault(profile, []).append(time)
    return times


def _rows(store: Store, wanted: Json) -> Ints:
    """Find the events of a metric that pass all filters on their properties."""
    log, now = store.account.events, store.now()
    metric = log.metric_ids.index(wanted["metric_id"]) if wanted["metric_id"] in log.metric_ids else -1
    rows = np.flatnonzero((log.metric == metric) & (log.profile >= 0))
    for one in wanted.get("metric_filters") or ():
        if one.get("filter"):
            values = (log.properties[row].get(one["property"]) for row in rows.tolist())
            rows = rows[np.fromiter((passes(value, one["filter"], now) for value in values), dtype=bool)]
    return rows


def _during(times: Ints, wanted: Json, now: float) -> npt.NDArray[np.bool_]:
    if not str(wanted["operator"]).startswith("anniversary"):
        start, stop = timeframe(wanted, now)
        return (times >= start) & (times < stop)
    days, place = np.unique(times // DAY, return_inverse=True)
    hits = [occurs(day * DAY, wanted, now) for day in days.tolist()]
    return np.array(hits, dtype=bool)[place]


CONDITIONS: dict[str, Callable[[Store, Json], set[str]]] = {
    "profile-metric": by_metric,
    "profile-metric-funnel": by_funnel,
}
