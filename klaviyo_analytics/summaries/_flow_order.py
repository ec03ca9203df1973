"""The order in which a flow sends its messages, read from the links between its actions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from klaviyo_analytics.summaries._messages import lists

ACTIONS = ["definition.links", "definition.data"]
_PARTS = ("flow_action_ids", "flow_actions.definition.links", "flow_actions.definition.data")


def message_positions(flows: pd.DataFrame) -> dict[tuple[str, str], int]:
    """Give each message its place in its flow, from 1; `flows` come with their actions."""
    rows = zip(flows["id"], *(lists(flows[name]) for name in _PARTS), strict=True)
    return {
        (flow, message): place
        for flow, ids, links, data in rows
        for place, message in enumerate(_in_order(ids, links, data), start=1)
    }


def _in_order(ids: Sequence[str], links: Sequence[Any], data: Sequence[Any]) -> list[str]:
    """Give the messages of one flow: each after all that can be sent before it, branches one after another."""
    inside = dict(zip(ids, data, strict=True))
    following = {
        id: [other for other in _texts([link, _branches(inside[id])]) if other in inside and other != id]
        for id, link in zip(ids, links, strict=True)
    }
    found = (message for id in _walk(following) for message in _messages(inside[id]))
    return list(dict.fromkeys(found))


def _walk(following: Mapping[str, Sequence[str]]) -> list[str]:
    """Sort the actions: backwards, since each is left only after everything that it leads to."""
    led_to = {other for others in following.values() for other in others}
    stack = [(id, False) for id in following if id not in led_to]
    left: list[str] = []
    seen: set[str] = set()
    while stack:
        id, leaving = stack.pop()
        if leaving:
            left.append(id)
        elif id not in seen:
            seen.add(id)
            stack += [(id, True), *((other, False) for other in following[id])]
    return left[::-1]


def _messages(value: Any) -> Iterator[str]:
    """Find the ids of the messages in an action; a test holds those of its variations as well."""
    if isinstance(value, Mapping):
        message = value.get("message")
        if isinstance(message, Mapping) and message.get("id"):
            yield str(message["id"])
    for item in _items(value):
        yield from _messages(item)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for item in _items(value):
        yield from _texts(item)


def _items(value: Any) -> Iterable[Any]:
    return value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()


def _branches(data: Any) -> Any:
    """Return where a split of many branches keeps its links."""
    return data.get("branches") if isinstance(data, Mapping) else None
