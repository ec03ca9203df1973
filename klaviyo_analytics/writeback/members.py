"""The profiles that the rows of a frame identify; plans that add them to lists, or tags to resources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import orjson
import pandas as pd

from klaviyo_analytics._reader import EMPTY, Reader
from klaviyo_analytics.endpoints import jsonapi
from klaviyo_analytics.errors import FrameError
from klaviyo_analytics.writeback import checks, confirmations
from klaviyo_analytics.writeback.account import Account
from klaviyo_analytics.writeback.checks import OnDuplicate, Problems
from klaviyo_analytics.writeback.columns import as_frame, in_e164, named, settled
from klaviyo_analytics.writeback.compare import current
from klaviyo_analytics.writeback.encode import ABSENT, written_column
from klaviyo_analytics.writeback.plan import Plan, drafted
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
    record = jsonapi.only(document, "GET /api/lists/{id}", "list")
    attributes = Reader(record, "GET /api/lists/{id}").at("attributes").optional(Reader.mapping, EMPTY)
    return (
        Reader(attributes, "GET /api/lists/{id}", "attributes")
        .at("profile_count")
        .optional(Reader.integer, 0)
    )


Columns = Mapping[str, str] | None


@dataclass(frozen=True, slots=True)
class People:
    """The rows of a frame, and the profile that each identifies.

    Attributes
    ----------
    frame : pandas.DataFrame
        The rows.
    sources : dict
        The column that each attribute is read from.
    values : dict
        Identifiers by attribute, each checked; ABSENT where a row has none.
    keys : list of str
        The first identifier of each row.
    left_out : dict
        The rows that are not sent because another row has the same key.
    unused : list of str
        Columns that are not sent.
    notes : dict
        What is worth knowing of a row.
    """

    frame: pd.DataFrame
    sources: Mapping[str, str]
    values: Mapping[str, list[Any]]
    keys: list[str]
    left_out: dict[int, tuple[Any, str]]
    unused: list[str]
    notes: dict[int, str] = field(default_factory=dict)


def people(
    given: Any,
    names: Sequence[str],
    columns: Columns,
    rule: OnDuplicate,
    problems: Problems,
    *,
    what: str,
    more: Sequence[str] = (),
    either: bool = False,
    phone_region: str | None = None,
) -> People:
    """Read the identifiers of a frame: the first that a row has is its key.

    `more` are further attributes that columns may become, which the caller reads. With `either`, only the first
    of `names` that has a column is read.
    """
    allowed = [*names, *more]

    def single(values: pd.Series[Any]) -> str:
        with_at = all(isinstance(one, str) and "@" in one for one in values.dropna())
        return "email" if "email" in names and (with_at or not either) else names[0]

    frame = as_frame(given, what, single, allowed)
    sources, unused = settled(frame, columns, allowed, what)
    present = {name: sources[name] for name in names if name in sources}
    if not present:
        raise FrameError(
            f"{what}: the frame has none of the columns {', '.join(names)}; it has "
            f"{named(frame.columns)}. Name one by columns={{'...': {names[0]!r}}}."
        )
    if either:
        (first, *spare) = present
        unused = [name for name in frame.columns if name in unused or name in map(present.get, spare)]
        present = {first: present[first]}
    values: dict[str, list[Any]] = {}
    notes: dict[int, str] = {}
    for name, source in present.items():
        written = written_column(frame[source], "text")
        problems.add_all(written.problems, source)
        values[name] = written.values
        if name == "phone_number":
            values[name], changed = in_e164(written.values, phone_region, problems)
            notes |= changed
        checks.check_form(name, values[name], problems)
    keys = _firsts(values, len(frame))
    checks.check_present(" or ".join(present), keys, problems)
    first, *others = present
    left_out = checks.check_duplicates(first, keys, rule, problems, fold=first == "email")
    for name in others:  # two people of one number: the API would take both rows, and lose one
        remaining = [ABSENT if row in left_out else one for row, one in enumerate(values[name])]
        checks.check_duplicates(name, remaining, "error", problems, fold=name == "email")
    shown = ["" if key is ABSENT else str(key) for key in keys]
    return People(frame, sources, values, shown, left_out, unused, notes)


def _firsts(values: Mapping[str, list[Any]], count: int) -> list[Any]:
    columns = list(values.values())
    if len(columns) == 1:
        return list(columns[0])
    return [
        next((column[row] for column in columns if column[row] is not ABSENT), ABSENT) for row in range(count)
    ]


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
