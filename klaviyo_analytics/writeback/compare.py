"""Comparison of what would be sent with what the account has."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from klaviyo_analytics.filters import F
from klaviyo_analytics.writeback.account import Account, portions, records
from klaviyo_analytics.writeback.write_types import folded, identity

Changes = Mapping[str, tuple[Any, Any]]  # by dotted name, the old value, and the new one or a Patch
COORDINATES = ("location.latitude", "location.longitude")  # texts or numbers, as the API has it


@dataclass(frozen=True, slots=True)
class Patch:
    """Values added to a list ("+") or removed from it ("-"), while the rest stays."""

    sign: str
    values: Sequence[Any]

    def __str__(self) -> str:
        return f"{self.sign} {', '.join(map(repr, self.values))}"


def current(
    account: Account, key: str, keys: Sequence[str], *, more: Mapping[str, str] | None = None
) -> dict[str, Mapping[str, Any]]:
    """Read the profiles that have these keys, by the keys as they are asked for."""
    found: dict[str, Mapping[str, Any]] = {}
    wanted = [one for one in dict.fromkeys(keys) if one]
    same = folded if key == "email" else str
    for some in portions(as_kept(wanted) if key == "email" else wanted):
        for record in records(account, "get_profiles", {"filter": str(F[key].any(some)), **(more or {})}):
            found[same(identity(record, key))] = record
    return {one: found[same(one)] for one in wanted if same(one) in found}


def as_kept(emails: Sequence[str]) -> list[str]:
    """Return addresses as they are written, and as Klaviyo stores them."""
    return sorted({*emails, *map(str.lower, emails)})


def changes(
    account: Account, key: str, keys: Sequence[str], encoded: Sequence[bytes | None]
) -> dict[int, Changes | None]:
    """Return what sending each row would change: nothing (empty), or everything because it is new (None)."""
    sent = {row: record for row, record in enumerate(encoded) if record is not None}
    there = current(account, key, [keys[row] for row in sent])
    found: dict[int, Changes | None] = {}
    for row, record in sent.items():
        known = there.get(keys[row])
        found[row] = None if known is None else differences(orjson.loads(record), known)
    return found


def described(change: Changes | None) -> str:
    """Return a change as text: old → new, or what a list gains or loses."""
    if change is None:
        return "new"
    return "; ".join(
        f"{name}: {new if isinstance(new, Patch) else f'{old!r} → {new!r}'}"
        for name, (old, new) in change.items()
    )


def differences(sent: Mapping[str, Any], known: Mapping[str, Any]) -> Changes:
    """Return what sending would change: by dotted name, the old value, and the new one or a Patch."""
    patches = (sent.get("meta") or {}).get("patch_properties") or {}
    found = dict(_differing(sent["attributes"], known.get("attributes") or {}, ""))
    properties = (known.get("attributes") or {}).get("properties") or {}
    for name in patches.get("unset", ()):
        if properties.get(name) is not None:
            found[f"properties.{name}"] = (properties[name], None)
    for name, value in (patches.get("append") or {}).items():
        found[f"properties.{name}"] = (properties.get(name), Patch("+", _several(value)))
    for name, value in (patches.get("unappend") or {}).items():
        old = properties.get(name)
        if taken := [one for one in _several(value) if one in _several(old)]:
            found[f"properties.{name}"] = (old, Patch("-", taken))
    return found


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _differing(
    sent: Mapping[str, Any], known: Mapping[str, Any], before: str
) -> Iterator[tuple[str, tuple[Any, Any]]]:
    for name, value in sent.items():
        old = known.get(name)
        if isinstance(value, dict) and not before:
            yield from _differing(value, old if isinstance(old, Mapping) else {}, f"{name}.")
        elif not _same(before + name, value, old):
            yield before + name, (old, value)


def _same(name: str, one: Any, other: Any) -> bool:
    if name == "email":
        return folded(one) == folded(other)
    if name in COORDINATES:
        one, other = _number(one), _number(other)
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-12)
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def _number(value: Any) -> Any:
    try:
        return float(value)
    except (TypeError, ValueError):
        return value


IDS = "get_profile_ids_for_list"
REACHED_BY = ("email", "phone_number")


def on_list(account: Account, group: str, people: Iterable[Mapping[str, Any]]) -> set[str]:
    """Return the ids of these people who are on a list; without email or phone the whole list is read."""
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
    """Return the positions of people who are not on a list, neither by email nor by phone."""
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
    """Yield the members who have one of these addresses or numbers."""
    for some in portions(values):
        where = {"filter": str(F[name].any(some)), **(params or {})}
        yield from records(account, operation, where, {"id": group})
