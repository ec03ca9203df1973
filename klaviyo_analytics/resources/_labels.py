"""Names beside ids: metrics of events, and campaigns, flows, messages, lists and forms of any frame."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from klaviyo_analytics import frames
from klaviyo_analytics._messages import counted
from klaviyo_analytics.errors import ApiError, NotFoundError, TransportError
from klaviyo_analytics.resources._reading import Context, Reading, read_one
from klaviyo_analytics.resources.metrics import Metrics
from klaviyo_analytics.resources.reports._base import CHANNELS, by_channel, campaign_name, names_of

Names = Mapping[str, str | None]

KIND_OF: Mapping[str, str] = {
    "attributed_flow": "flow", "flow": "flow", "flow_id": "flow",
    "campaign_id": "campaign",
    "attributed_message": "message", "message": "message",
    "campaign_message_id": "message", "flow_message_id": "message",
    "form_id": "form", "metric_id": "metric", "list_id": "list",
}  # fmt: skip
"""Which kind of resource the ids of a column belong to."""


def metric_names(context: Context, ids: Iterable[str]) -> Names:
    """Return the name of each metric, from the list that a client reads once."""
    return _cached(context, "metric", ids, lambda _: _metrics(context))


def label(context: Context, frame: pd.DataFrame, columns: Mapping[str, str]) -> pd.DataFrame:
    """Put a column of names beside each column of ids: `columns` maps the ids' column to the names' column.

    What was deleted has a missing name, unless a report that the client has read names it; what the key may not read
    is missing with one warning.
    """
    labelled = frame.copy(deep=False)
    for column, name in columns.items():
        kind = KIND_OF[column]
        values = labelled[column].astype("string")
        names = names_for(context, kind, values.dropna().unique().tolist())
        told = context.names.get(f"{kind} of reports", {})  # also of what was deleted since
        texts: Any = pd.array(
            [names.get(value) or told.get(value) if pd.notna(value) else None for value in values],
            dtype="string",
        )
        labelled.insert(int(labelled.columns.get_indexer(pd.Index([column]))[0]) + 1, name, texts)
    labelled.attrs = dict(frame.attrs)
    return labelled


def names_for(context: Context, kind: str, ids: Sequence[str]) -> Names:
    """Return the names of these ids, each read once a client."""
    if kind == "metric":
        return metric_names(context, ids)
    readers: Mapping[str, Callable[[Sequence[str]], Names]] = {
        "list": lambda _: _by_id(Reading(context, "get_lists", fields=["name"]).frame(), "name"),
        "message": lambda some: _messages(context, some),
    }
    return _cached(context, kind, ids, readers.get(kind, lambda some: names_of(context, kind, some)))


def _cached(context: Context, kind: str, ids: Iterable[str], read: Callable[[Sequence[str]], Names]) -> Names:
    known = context.names.setdefault(kind, {})
    unknown = [id for id in dict.fromkeys(ids) if id not in known]
    if not unknown:
        return known
    try:
        found: Names = read(unknown)
    except (ApiError, TransportError) as problem:
        frames.warn(
            f"The names of {counted(len(unknown), kind)} are missing, because they could not be read: {problem}"
        )
        found = {}
    known |= {**found, **{id: found.get(id) for id in unknown}}
    return known


def _metrics(context: Context) -> Names:
    # the list may have been read before a metric came up, so that an id it lacks is looked for once more
    return _by_id(Metrics(context).known(refresh=context.metrics is not None), "name")


def _messages(context: Context, ids: Sequence[str]) -> Names:
    """Return the labels of campaign messages, else the campaign's name, and the names of flow messages."""
    names: dict[str, str | None] = {}
    column = campaign_name(context)
    filters = [f'equals(messages.channel,"{channel}")' for channel in CHANNELS.values()]
    for filter in filters if by_channel(context) else [None]:
        frame = Reading(context, "get_campaigns", filter=filter, include=["campaign-messages"]).frame()
        for id, campaign, messages in zip(
            frame["id"], frame[column], frame["campaign_message_ids"], strict=True
        ):
            # some accounts' reports give the campaign's own id for its message
            known = [*(messages or []), *([] if pd.isna(id) else [str(id)])]
            names |= dict.fromkeys(known, None if pd.isna(campaign) else str(campaign))
    for id in ids:
        if id not in names:
            try:
                message = read_one(context, "get_flow_message", {"id": id})
            except NotFoundError:
                continue
            found = (message.get(column) for column in ("name", "definition.name"))
            names[id] = next((str(name) for name in found if pd.notna(name)), None)
    return names


def _by_id(frame: pd.DataFrame, column: str) -> dict[str, Any]:
    return {
        str(id): None if pd.isna(name) else str(name)
        for id, name in zip(frame["id"], frame[column], strict=True)
        if pd.notna(id)
    }
