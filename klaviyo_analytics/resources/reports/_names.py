"""Records and names of what a report has ids of: the fewest reads, and each name once a client."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from klaviyo_analytics.filters import F, Filter
from klaviyo_analytics.resources._noun import Context, Reading

AT_ONCE = 100  # ids in one filter, so that an address stays short enough
CHANNELS: Mapping[str, str] = {"email": "email", "sms": "sms", "push-notification": "mobile_push"}
"""Channels of reports, and what campaigns call them."""

_OPERATIONS = {
    "campaign": "get_campaigns",
    "flow": "get_flows",
    "form": "get_forms",
    "segment": "get_segments",
}


def read_by_ids(
    context: Context, kind: str, ids: Sequence[str], channels: Iterable[str] = (), **query: Any
) -> pd.DataFrame:
    """Read the records of these ids; what is gone has no row.

    Campaigns can only be asked for by channel: where the report tells which, the others are not asked.
    """
    readings = [
        Reading(context, _OPERATIONS[kind], filter=wanted, **query)
        for start in range(0, len(ids), AT_ONCE)
        for wanted in _filters(kind, ids[start : start + AT_ONCE], channels)
    ]
    readings = readings or [Reading(context, _OPERATIONS[kind], filter=F.id.any(["-"]), limit=0, **query)]
    return pd.concat([reading.frame() for reading in readings], ignore_index=True)


def names_of(
    context: Context, kind: str, ids: Sequence[str], channels: Iterable[str] = ()
) -> Mapping[str, str | None]:
    """Give the name of each id; None for what is gone."""
    known = context.names.setdefault(kind, {})
    if unknown := [id for id in ids if id not in known]:
        frame = read_by_ids(context, kind, unknown, channels, fields=["name"])
        found = dict(zip(frame["id"], frame["name"], strict=True))
        known |= {id: _text(found.get(id)) for id in unknown}
    return known


def _filters(kind: str, ids: Sequence[str], channels: Iterable[str]) -> Iterator[Filter]:
    wanted = F.id.any(ids)
    if kind != "campaign":
        yield wanted
        return
    spoken = sorted({CHANNELS[channel] for channel in channels if channel in CHANNELS})
    for channel in spoken or CHANNELS.values():
        yield (F["messages.channel"] == channel) & wanted


def _text(name: Any) -> str | None:
    return None if pd.isna(name) else str(name)
