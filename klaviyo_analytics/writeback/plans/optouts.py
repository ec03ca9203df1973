"""Who has said no before: a subscription overrides that, whenever they had agreed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from klaviyo_analytics.writeback._account import Account
from klaviyo_analytics.writeback.compare import current
from klaviyo_analytics.writeback.encode import ABSENT

SUBSCRIPTIONS = {"additional-fields[profile]": "subscriptions"}


def opted_out(
    account: Account,
    people: Mapping[str, Sequence[Any]],
    rows: Sequence[int],
    channels: Sequence[tuple[str, str]],
    list: str | None,
) -> dict[int, str]:
    """Tell of these rows who has unsubscribed or is suppressed; `people` holds addresses and numbers."""
    found: dict[int, str] = {}
    for name, values in people.items():
        ways = [(way, purpose) for way, purpose in channels if (way == "email") == (name == "email")]
        asked = {row: values[row] for row in rows if ways and values[row] is not ABSENT}
        there = current(account, name, [*asked.values()], more=SUBSCRIPTIONS)
        for row, value in asked.items():
            known = (there.get(value) or {}).get("attributes", {}).get("subscriptions") or {}
            if refusals := [said for way, purpose in ways for said in _refusals(known, way, purpose, list)]:
                found[row] = ", ".join([*([found[row]] if row in found else []), *refusals])
    return {row: f"would be subscribed again: {why}" for row, why in found.items()}


def _refusals(known: Mapping[str, Any], way: str, purpose: str, list: str | None) -> Iterator[str]:
    state = (known.get(way) or {}).get(purpose) or {}
    if state.get("consent") == "UNSUBSCRIBED":
        yield f"unsubscribed from {way}{_on(state.get('consent_timestamp') or state.get('last_updated'))}"
    for one in state.get("suppression") or ():
        yield f"suppressed ({one.get('reason')}){_on(one.get('timestamp'))}"
    for one in state.get("list_suppressions") or ():
        if list is not None and one.get("list_id") == list:
            yield f"left the list {list}{_on(one.get('timestamp'))}"


def _on(time: Any) -> str:
    return f" on {str(time)[:10]}" if time else ""
