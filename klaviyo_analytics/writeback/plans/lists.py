"""The lists that a write names, read once: whether they exist, and whether people have to confirm first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from klaviyo_analytics import _jsonapi
from klaviyo_analytics._api import Api
from klaviyo_analytics.errors import ApiError, InvalidInputError, NotFoundError, TransportError
from klaviyo_analytics.filters import F
from klaviyo_analytics.writeback._account import Account
from klaviyo_analytics.writeback.asking import LIST_ID


@dataclass(frozen=True, slots=True)
class List:
    """A list of the account, as far as writes need it."""

    id: str
    name: str
    double_opt_in: bool


_READ: WeakKeyDictionary[Api, dict[str, List]] = WeakKeyDictionary()


def known(account: Account, id: str) -> List | None:
    """Read a list by its id; None where the key may not read lists, or no list has this id or name.

    Raises
    ------
    InvalidInputError
        It is the name of a list, where an id belongs.
    """
    read = _READ.setdefault(account.api, {})
    if id in read:
        return read[id]
    try:
        found = _by_id(account, id) if LIST_ID.fullmatch(id) else None
        same_name = [] if found else _by_name(account, id)
    except (ApiError, TransportError):
        return None  # what sends will say so, if that cannot be done either
    if same_name:
        ids = " or ".join(repr(one.id) for one in same_name)
        raise InvalidInputError(f"list={id!r} is the name of a list, not its id. Give its id, {ids}.")
    if found:
        read[id] = found
    return found


def _by_id(account: Account, id: str) -> List | None:
    try:
        document = account.api.call("get_list", {"id": id})
    except NotFoundError:
        return None
    record, *_ = _jsonapi.resources(document, "GET /api/lists/{id}")
    return _list(record)


def _by_name(account: Account, name: str) -> list[List]:
    params = {"filter": str(F.name == name)}
    document = account.api.call("get_lists", {}, params=params)
    found = [_list(record) for record in _jsonapi.resources(document, "GET /api/lists")]
    return [one for one in found if one.name == name]


def _list(record: Mapping[str, Any]) -> List:
    attributes = record.get("attributes") or {}
    return List(
        str(record["id"]), str(attributes.get("name")), attributes.get("opt_in_process") == "double_opt_in"
    )
