"""Plans that add profiles to lists, or tags to resources, or remove them, from a frame."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import orjson

from klaviyo_analytics.endpoints import jsonapi
from klaviyo_analytics.writeback import confirmations
from klaviyo_analytics.writeback.account import Account
from klaviyo_analytics.writeback.checks import OnDuplicate, Problems
from klaviyo_analytics.writeback.compare import current
from klaviyo_analytics.writeback.plan import Plan, drafted
from klaviyo_analytics.writeback.profiles import Columns, people
from klaviyo_analytics.writeback.write_types import WRITE_TYPES, OfOptions

SHARE = 0.1


def asks(account: Account, list: str, sent: int, does: str) -> str | None:
    """Return what must be confirmed, or None; `does` is "removes" or "unsubscribes"."""
    if not sent:
        return None
    size = _size(account, list)
    if not size or sent <= SHARE * size:
        return None
    return f"This {does} {sent:,} of the {size:,} profiles of the list {list}."


def _size(account: Account, list: str) -> int:
    params = {"additional-fields[list]": "profile_count"}
    document = account.api.call("get_list", {"id": list}, params=params)
    record, *_ = jsonapi.resources(document, "GET /api/lists/{id}")
    return int(record["attributes"].get("profile_count") or 0)


Records = list[bytes | None]
Tagged = Literal["campaigns", "flows", "lists", "segments"]


def plan_members(
    account: Account,
    frame: Any,
    *,
    list: str,
    joins: bool,
    columns: Columns,
    on_duplicate: OnDuplicate,
) -> Plan:
    """Plan to add or remove members by id; profiles of a frame without ids are looked up by email."""
    kind = "list join" if joins else "list leave"
    problems = Problems()
    what = "plan_add_profiles()" if joins else "plan_remove_profiles()"
    found = people(frame, ["id", "email"], columns, on_duplicate, problems, what=what, either=True)
    by_id = "id" in found.values
    if any(row not in problems and row not in found.left_out for row in range(len(found.keys))):
        confirmations.known(account, list)
    ids: Mapping[str, str] = {} if by_id else _ids(account, found.keys)
    records: Records = []
    for row, key in enumerate(found.keys):
        id = key if by_id else ids.get(key)
        if row not in problems and id is None:
            problems.add(row, f"no profile of the account has the email {key!r}")
        good = row not in problems and row not in found.left_out
        records.append(orjson.dumps({"type": "profile", "id": id}) if good else None)
    sent = sum(record is not None for record in records)
    ask = None if joins else asks(account, list, sent, "removes")
    return drafted(
        "add to list" if joins else "remove from list",
        account,
        found.frame,
        keys=found.keys,
        records=records,
        kinds={kind: range(len(found.keys))},
        options=OfOptions("id" if by_id else "email", list),
        problems=problems.by_row(),
        left_out=found.left_out,
        confirm=[*confirmations.of_names([list]), *([ask] if ask else [])],
        unused=found.unused,
    )


def plan_tagging(
    account: Account, frame: Any, *, tag: str, kind: Tagged, tags: bool, on_duplicate: OnDuplicate
) -> Plan:
    """Plan to add a tag to resources by id, or to remove it."""
    name = f"{'tag' if tags else 'untag'} {kind}"
    assert name in WRITE_TYPES
    problems = Problems()
    what = "plan_tag()" if tags else "plan_untag()"
    found = people(frame, ["id"], None, on_duplicate, problems, what=what)
    type = kind.removesuffix("s")
    records = [
        None if row in problems or row in found.left_out else orjson.dumps({"type": type, "id": key})
        for row, key in enumerate(found.keys)
    ]
    return drafted(
        name,
        account,
        found.frame,
        keys=found.keys,
        records=records,
        kinds={name: range(len(found.keys))},
        options=OfOptions("id", tag),
        problems=problems.by_row(),
        left_out=found.left_out,
        unused=found.unused,
    )


def _ids(account: Account, emails: Any) -> dict[str, str]:
    return {key: str(record["id"]) for key, record in current(account, "email", emails).items()}
