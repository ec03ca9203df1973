"""Names of campaigns, forms and segments by their ids: the fewest reads, and each name once a client."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import pandas as pd

from klaviyo_analytics.filters import F
from klaviyo_analytics.resources._noun import Context, Reading

AT_ONCE = 100  # ids in one filter, so that an address stays short enough
CHANNELS: Mapping[str, str] = {"email": "email", "sms": "sms", "push-notification": "mobile_push"}
"""Channels of reports, and what campaigns call them."""

_OPERATIONS = {"campaign": "get_campaigns", "form": "get_forms", "segment": "get_segments"}


def names_of(
    context: Context, kind: str, ids: Sequence[str], channels: Iterable[str] = ()
) -> Mapping[str, str | None]:
    """Give the name of each id; None for what is gone.

    Campaigns can only be asked for by channel: where the report tells which, the others are not asked.
    """
    known = context.names.setdefault(kind, {})
    for chunk in _chunks([id for id in ids if id not in known]):
        found: dict[str, str | None] = dict.fromkeys(chunk)
        wanted = F.id.any(chunk)
        queries = [wanted]
        if kind == "campaign":
            spoken = sorted({CHANNELS[channel] for channel in channels if channel in CHANNELS})
            queries = [(F["messages.channel"] == one) & wanted for one in spoken or CHANNELS.values()]
        for query in queries:
            frame = Reading(context, _OPERATIONS[kind], filter=query, fields=["name"]).frame()
            found |= {
                str(id): None if pd.isna(name) else str(name)
                for id, name in zip(frame["id"], frame["name"], strict=True)
            }
        known |= found
    return known


def _chunks(ids: Sequence[str]) -> Iterator[list[str]]:
    for start in range(0, len(ids), AT_ONCE):
        yield list(ids[start : start + AT_ONCE])
