"""What reaches people or destroys data is asked for first, in the same words for one person and for a frame."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from klaviyo_analytics._messages import counted
from klaviyo_analytics.endpoints import jsonapi
from klaviyo_analytics.endpoints.api import Api
from klaviyo_analytics.errors import (
    ApiError,
    ConfirmationRequiredError,
    InvalidInputError,
    NotFoundError,
    TransportError,
)
from klaviyo_analytics.filters import F
from klaviyo_analytics.writeback.account import Account

LIST_ID = re.compile(r"[A-Za-z0-9]{6}")


def confirmed(confirm: bool, *asks: str) -> None:  # noqa: FBT001  (passes the caller's own keyword on)
    """Refuse what has to be confirmed, unless it was."""
    if asks and confirm is not True:
        raise ConfirmationRequiredError(
            f"{' '.join(asks)} Nothing was sent. Pass confirm=True if that is what you want."
        )


def of_names(lists: Iterable[str]) -> list[str]:
    """Return a question for every list id that looks like a name."""
    return [
        f"{id!r} does not look like the id of a list, which has six letters and digits; the list of that name is "
        f"client.lists.find(name={id!r})."
        for id in lists
        if not LIST_ID.fullmatch(id)
    ]


def to_subscribe(count: int) -> str:
    """Return the question asked before people are subscribed as if they had agreed just now."""
    return (
        f"This subscribes {counted(count, 'profile')} without telling when they agreed (consented_at=): they may be "
        "asked to confirm, or be welcomed, and suppressions are lifted."
    )


def to_import_consent(count: int) -> str:
    """Return the question asked before past consent overrides what people have said since."""
    return (
        f"This subscribes {counted(count, 'profile')} as of a time in the past: whoever has unsubscribed since, or "
        "is suppressed, is subscribed again. A plan with compare=True names them."
    )


def to_ask_by_mail(count: int, name: str) -> str:
    """Return the question asked before people get the confirmation email of a double opt-in list."""
    return (
        f"The list {name!r} is double opt-in: {counted(count, 'profile')} get a confirmation mail, and stay "
        "NEVER_SUBSCRIBED until they follow it."
    )


def to_subscribe_again(count: int, sent: int) -> str:
    """Return the question asked before people are subscribed who are known to have opted out."""
    whom = f"{count:,} of the {counted(sent, 'profile')}"
    return f"This subscribes again {whom} that have unsubscribed or are suppressed; preview() names them."


def to_unsubscribe_everywhere(count: int) -> str:
    """Return the question asked before people are unsubscribed everywhere."""
    return f"This unsubscribes {counted(count, 'profile')} everywhere, not from one list only."


def to_suppress(whom: str) -> str:
    """Return the question asked before `whom` gets no more marketing email."""
    return f"This suppresses {whom}: they get no more marketing email."


def to_unsuppress(whom: str) -> str:
    """Return the question asked before `whom` can get marketing email again."""
    return f"This lifts the suppression of {whom}."


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
    return _list(jsonapi.only(document, "GET /api/lists/{id}", "list"))


def _by_name(account: Account, name: str) -> list[List]:
    params = {"filter": str(F.name == name)}
    document = account.api.call("get_lists", {}, params=params)
    found = [_list(record) for record in jsonapi.listed(document, "GET /api/lists", "list")]
    return [one for one in found if one.name == name]


def _list(record: Mapping[str, Any]) -> List:
    attributes = record.get("attributes") or {}
    return List(
        str(record["id"]), str(attributes.get("name")), attributes.get("opt_in_process") == "double_opt_in"
    )
