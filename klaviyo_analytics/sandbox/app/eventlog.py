"""Events of the log as resources, and new events in the log."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any, TypeVar

import numpy as np

from klaviyo_analytics.sandbox.app.times import to_text
from klaviyo_analytics.sandbox.model import EventLog, Record, Related

T = TypeVar("T")


def to_record(log: EventLog, row: int) -> Record:
    """Make the resource of one event."""
    seconds = int(log.time[row])
    profile = int(log.profile[row])
    id_ = log.ids[row]
    credit = log.attribution[row]
    return Record(
        "event",
        id_,
        {
            "timestamp": seconds,
            "event_properties": log.properties[row],
            "datetime": to_text(seconds),
            "uuid": _uuid(id_),
        },
        {
            "profile": log.profile_ids[profile] if profile >= 0 else None,
            "metric": log.metric_ids[log.metric[row]],
            "attributions": [credit.id] if credit else [],
        },
    )


def _uuid(id_: str) -> str:
    digest = blake2b(id_.encode(), digest_size=16).hexdigest()
    return f"{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:]}"


def attribution_record(log: EventLog, row: int) -> Record | None:
    """Make the resource that credits an event to a message."""
    credit = log.attribution[row]
    if credit is None:
        return None
    relationships: dict[str, Related] = {"event": log.ids[row]}
    if credit.campaign:
        relationships |= {"campaign": credit.campaign, "campaign-message": credit.message}
    if credit.flow:
        relationships |= {"flow": credit.flow, "flow-message": credit.message}
    if credit.variation and credit.flow:
        relationships["flow-message-variation"] = credit.variation
    return Record("attribution", credit.id, {}, relationships)


def append(log: EventLog, rows: Sequence[dict[str, Any]]) -> None:
    """Put new events in their places; one that ties with others comes after them.

    A row has `id`, `time`, `metric` and `profile` (ids), `value` and `properties`.
    """
    rows = sorted(rows, key=lambda row: int(row["time"]))
    times = np.array([row["time"] for row in rows], dtype=np.int64)
    places = np.searchsorted(log.time, times, side="right")
    metrics = _positions(log.metric_ids, [row["metric"] for row in rows])
    profiles = _positions(log.profile_ids, [row["profile"] for row in rows])
    values = [float("nan") if row["value"] is None else row["value"] for row in rows]
    log.time = np.insert(log.time, places, times)
    log.metric = np.insert(log.metric, places, np.array(metrics, dtype=np.int32))
    log.profile = np.insert(log.profile, places, np.array(profiles, dtype=np.int32))
    log.value = np.insert(log.value, places, np.array(values, dtype=np.float64))
    log.ids = _insert(log.ids, places.tolist(), [row["id"] for row in rows])
    log.properties = _insert(log.properties, places.tolist(), [row["properties"] for row in rows])
    log.attribution = _insert(log.attribution, places.tolist(), [None] * len(rows))


def _insert(values: list[T], places: Sequence[int], added: Sequence[T]) -> list[T]:
    """Put values in their places, which rise, in one pass: the log may be long, and the added many."""
    whole: list[T] = []
    start = 0
    for place, value in zip(places, added, strict=True):
        whole += values[start:place]
        whole.append(value)
        start = place
    return whole + values[start:]


def _positions(ids: list[str], wanted: Sequence[str | None]) -> list[int]:
    """Find the positions of ids in a list, to which new ones are added; -1 for none."""
    known = {id_: position for position, id_ in enumerate(ids)}
    for id_ in wanted:
        if id_ is not None and id_ not in known:
            known[id_] = len(ids)
            ids.append(id_)
    return [-1 if id_ is None else known[id_] for id_ in wanted]
