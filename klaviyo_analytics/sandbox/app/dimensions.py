"""Dimensions of events: by what metric aggregates may be split and filtered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from klaviyo_analytics.sandbox.app.filters import Condition
from klaviyo_analytics.sandbox.app.store import Store
from klaviyo_analytics.sandbox.model import Attribution, EventLog

Ints = npt.NDArray[np.int64]

# Dimensions that come from the message an event is credited to, not from its own properties.
CREDITED = {
    "$attributed_channel": "channel",
    "$attributed_flow": "flow",
    "$attributed_message": "message",
    "$attributed_variation": "variation",
}


def group(store: Store, rows: Ints, by: Sequence[str]) -> tuple[Ints, list[tuple[str, ...]]]:
    """Give a number to each combination of dimension values; an absent value is an empty text."""
    if not by:
        return np.zeros(len(rows), dtype=np.int64), [()]
    columns = [_values(store, rows, name) for name in by]
    numbers: dict[tuple[str, ...], int] = {}
    groups = [numbers.setdefault(label, len(numbers)) for label in zip(*columns, strict=True)]
    return np.array(groups, dtype=np.int64), list(numbers)


def mask(store: Store, rows: Ints, condition: Condition) -> npt.NDArray[np.bool_]:
    """Tell which events meet a condition on a dimension."""
    wanted = condition.literal if isinstance(condition.literal, tuple) else (condition.literal,)
    texts = {_text(value) for value in wanted}
    return np.array([value in texts for value in _values(store, rows, condition.field)], dtype=bool)


def _values(store: Store, rows: Ints, name: str) -> list[str]:
    log = store.account.events
    if name in CREDITED:
        return [_credited(log.attribution[row], CREDITED[name]) for row in rows.tolist()]
    if name in ("$campaign_channel", "$flow_channel"):
        return [_message_channel(store, log, row, name) for row in rows.tolist()]
    return [_text(log.properties[row].get(name)) for row in rows.tolist()]


def _credited(credit: Attribution | None, name: str) -> str:
    return "" if credit is None else _text(getattr(credit, name))


def _message_channel(store: Store, log: EventLog, row: int, name: str) -> str:
    """Find the channel of the event's own message, if a campaign (or a flow) sent it."""
    properties = log.properties[row]
    of_flow = bool(properties.get("$flow"))
    message = properties.get("$message")
    if not message or of_flow != (name == "$flow_channel"):
        return ""
    record = store.find("flow-message" if of_flow else "campaign-message", message)
    attributes: dict[str, Any] = record.attributes if record else {}
    return _text(attributes.get("channel") or (attributes.get("definition") or {}).get("channel"))


def _text(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
