"""Who is on a list, and what carries a tag."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from klaviyo_analytics.writeback._account import Account
from klaviyo_analytics.writeback.compare import as_kept, current
from klaviyo_analytics.writeback.kinds import Options
from klaviyo_analytics.writeback.looks._look import Found, Left, Look
from klaviyo_analytics.writeback.members import on_list
from klaviyo_analytics.writeback.reading import records


def members(*, joined: bool) -> Look:
    """Make a look at who is on a list."""

    def look(account: Account, options: Options, left: Left) -> Found:
        keys = [key for key, _ in left.values()]
        people: Iterable[Mapping[str, Any]] = [{"email": email} for email in as_kept(keys)]
        if options["key"] == "id":
            people = [one["attributes"] for one in current(account, "id", keys).values()]
        there = on_list(account, options["owner"], people)
        return _judged(left, there, belongs=joined, where="on the list")

    return look


def tagged(kind: str, *, tagged: bool) -> Look:
    """Make a look at what carries a tag."""
    operation = f"get_{kind.removesuffix('s')}_ids_for_tag"

    def look(account: Account, options: Options, left: Left) -> Found:
        there = {str(one["id"]) for one in records(account, operation, {}, {"id": options["owner"]})}
        return _judged(left, there, belongs=tagged, where="tagged")

    return look


def _judged(left: Left, there: set[str], *, belongs: bool, where: str) -> Found:
    wrong = f"it is {'not' if belongs else 'still'} {where} when it is read back"
    return {at: None if (record["id"] in there) is belongs else wrong for at, (_, record) in left.items()}
