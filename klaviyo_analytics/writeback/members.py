"""Who of some people is on a list."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from klaviyo_analytics.filters import F
from klaviyo_analytics.writeback._account import Account
from klaviyo_analytics.writeback.compare import as_kept
from klaviyo_analytics.writeback.kinds import folded
from klaviyo_analytics.writeback.reading import portions, records

IDS = "get_profile_ids_for_list"
REACHED_BY = ("email", "phone_number")


def on_list(account: Account, group: str, people: Iterable[Mapping[str, Any]]) -> set[str]:
    """Find the ids of those on a list; where somebody has neither address nor number, only the whole list tells."""
    wanted: dict[str, list[str]] = {name: [] for name in REACHED_BY}
    for attributes in people:
        name = next((name for name in wanted if attributes.get(name)), None)
        if name is None:
            return {str(one["id"]) for one in records(account, IDS, {}, {"id": group})}
        wanted[name].append(attributes[name])
    return {
        str(one["id"])
        for name, values in wanted.items()
        for one in _having(account, IDS, group, name, values)
    }


def off_list(account: Account, group: str, people: Sequence[Mapping[str, Any]]) -> list[int]:
    """Find who is on a list neither by address nor by number: their positions."""
    missing = list(range(len(people)))
    for name in REACHED_BY:
        asked = as_kept([people[at][name] for at in missing if name in people[at]])
        members = _having(account, "get_profiles_for_list", group, name, asked, {"fields[profile]": name})
        there = {folded(one["attributes"][name]) for one in members}
        missing = [at for at in missing if folded(people[at].get(name, "")) not in there]
    return missing


def _having(
    account: Account,
    operation: str,
    group: str,
    name: str,
    values: Iterable[str],
    params: Mapping[str, str] | None = None,
) -> Iterator[Mapping[str, Any]]:
    """Give the members who have one of these addresses or numbers."""
    for some in portions(values):
        where = {"filter": str(F[name].any(some)), **(params or {})}
        yield from records(account, operation, where, {"id": group})
