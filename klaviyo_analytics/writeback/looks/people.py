"""People: what is known of them, and what they agreed to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from klaviyo_analytics.writeback._account import Account
from klaviyo_analytics.writeback.compare import Changes, current, differences
from klaviyo_analytics.writeback.kinds import Options
from klaviyo_analytics.writeback.looks._look import Found, Left, differing

BY_HAND = "USER_SUPPRESSED"
SUBSCRIPTIONS = {"additional-fields[profile]": "subscriptions"}


def profiles(account: Account, options: Options, left: Left) -> Found:
    """Compare attributes and properties."""
    there = current(account, options["key"], [key for key, _ in left.values()])
    return {
        at: differing(_unequal(record, known))
        for at, (key, record) in left.items()
        if (known := there.get(key)) is not None
    }


def _unequal(record: Mapping[str, Any], known: Mapping[str, Any]) -> Changes:
    """Give what differs; of what was appended, whether it is among what stands there."""
    appended = ((record.get("meta") or {}).get("patch_properties") or {}).get("append") or {}

    def is_there(name: str, old: Any, new: Any) -> bool:
        several = new if isinstance(new, list) else [new]
        short = name.removeprefix("properties.")
        return short in appended and isinstance(old, list) and all(one in old for one in several)

    found = differences(record, known)
    return {name: (old, new) for name, (old, new) in found.items() if not is_there(name, old, new)}


def subscriptions(account: Account, options: Options, left: Left) -> Found:
    """Compare consent; who left one list only has said no to that list."""
    group = options.get("list")
    found: Found = {}
    for at, record, known in _known(account, options, left):
        wrong = [
            f"{way} is {consent}"
            for way, purposes in record["attributes"]["subscriptions"].items()
            for purpose, wanted in purposes.items()
            if (consent := (state := (known.get(way) or {}).get(purpose) or {}).get("consent"))
            != wanted["consent"]
            and not (wanted["consent"] == "UNSUBSCRIBED" and group in _lists_left(state))
        ]
        found[at] = f"consent when it is read back: {', '.join(wrong)}" if wrong else None
    return found


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
    """Read the subscriptions of everybody who is there."""
    there = current(account, options["key"], [key for key, _ in left.values()], more=SUBSCRIPTIONS)
    for at, (key, record) in left.items():
        if key in there:
            yield at, record, (there[key].get("attributes") or {}).get("subscriptions") or {}


def _reasons(subscriptions: Mapping[str, Any]) -> list[str]:
    marketing = (subscriptions.get("email") or {}).get("marketing") or {}
    return [str(one.get("reason")) for one in marketing.get("suppression") or ()]


def _lists_left(state: Mapping[str, Any]) -> list[Any]:
    return [one.get("list_id") for one in state.get("list_suppressions") or ()]
