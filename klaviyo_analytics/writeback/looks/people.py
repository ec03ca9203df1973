"""People: what is known of them, and what they agreed to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from klaviyo_analytics.writeback._account import Account
from klaviyo_analytics.writeback.compare import Changes, Patch, current, differences
from klaviyo_analytics.writeback.kinds import Options
from klaviyo_analytics.writeback.looks._look import Found, Left, differing
from klaviyo_analytics.writeback.members import on_list

BY_HAND = "USER_SUPPRESSED"
SUBSCRIPTIONS = {"additional-fields[profile]": "subscriptions"}


def profiles(account: Account, options: Options, left: Left) -> Found:
    """Compare attributes and properties."""
    there = current(account, options["key"], [key for key, _ in left.values()])
    known = {at: there[key] for at, (key, _) in left.items() if key in there}
    found = {at: differing(_unequal(left[at][1], person)) for at, person in known.items()}
    for group in options.get("lists") or ():
        _check_joined(account, group, known, found)
    return found


def _check_joined(account: Account, group: str, known: Mapping[int, Mapping[str, Any]], found: Found) -> None:
    """Note who is not on a list, though all else is as it should be."""
    people = {at: person for at, person in known.items() if found.get(at, "") is None}
    there = on_list(account, group, [person["attributes"] for person in people.values()])
    for at, person in people.items():
        if str(person["id"]) not in there:
            found[at] = f"it is not on the list {group} when it is read back"


def _unequal(record: Mapping[str, Any], known: Mapping[str, Any]) -> Changes:
    """Give what differs; of what was appended, whether it is among what stands there."""

    def is_there(old: Any, new: Any) -> bool:
        added = isinstance(new, Patch) and new.sign == "+"
        return added and isinstance(old, list) and all(one in old for one in new.values)

    found = differences(record, known)
    return {name: (old, new) for name, (old, new) in found.items() if not is_there(old, new)}


def subscriptions(account: Account, options: Options, left: Left) -> Found:
    """Compare consent; who left one list only has said no to that list, and who said yes is on it."""
    group = options.get("list")
    found: Found = {}
    joined: dict[int, Mapping[str, Any]] = {}
    for at, person, known in _known(account, options, left):
        record = left[at][1]
        joined |= {at: person} if "SUBSCRIBED" in _wanted(record) else {}
        wrong = [
            f"{way} is {consent}"
            for way, purposes in record["attributes"]["subscriptions"].items()
            for purpose, wanted in purposes.items()
            if (consent := (state := (known.get(way) or {}).get(purpose) or {}).get("consent"))
            != wanted["consent"]
            and not (wanted["consent"] == "UNSUBSCRIBED" and group in _lists_left(state))
        ]
        found[at] = f"consent when it is read back: {', '.join(wrong)}" if wrong else None
    if group is not None:
        _check_joined(account, group, joined, found)
    return found


def _wanted(record: Mapping[str, Any]) -> set[str]:
    ways = record["attributes"]["subscriptions"].values()
    return {state["consent"] for purposes in ways for state in purposes.values()}


def suppressions(account: Account, options: Options, left: Left) -> Found:
    """Look for a suppression, whatever its reason: one that was there before does as well."""
    return {
        at: None if _reasons(known) else "it is not suppressed when it is read back"
        for at, _, known in _known(account, options, left)
    }


def lifted(account: Account, options: Options, left: Left) -> Found:
    """Look whether anything still keeps e-mail away: only what was done by hand can be lifted."""
    found: Found = {}
    for at, _, known in _known(account, options, left):
        reasons = _reasons(known)
        found[at] = f"it is suppressed when it is read back: {', '.join(reasons)}" if reasons else None
        if reasons and BY_HAND not in reasons:
            found[at] = f"it stays suppressed, for {', '.join(reasons)}: only {BY_HAND} can be lifted"
    return found


def _known(
    account: Account, options: Options, left: Left
) -> Iterator[tuple[int, Mapping[str, Any], Mapping[str, Any]]]:
    """Read everybody who is there, and their subscriptions."""
    there = current(account, options["key"], [key for key, _ in left.values()], more=SUBSCRIPTIONS)
    for at, (key, _) in left.items():
        if key in there:
            yield at, there[key], (there[key].get("attributes") or {}).get("subscriptions") or {}


def _reasons(subscriptions: Mapping[str, Any]) -> list[str]:
    marketing = (subscriptions.get("email") or {}).get("marketing") or {}
    return [str(one.get("reason")) for one in marketing.get("suppression") or ()]


def _lists_left(state: Mapping[str, Any]) -> list[Any]:
    return [one.get("list_id") for one in state.get("list_suppressions") or ()]
