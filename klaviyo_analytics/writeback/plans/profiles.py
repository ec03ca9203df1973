"""A frame of people as a plan of profile upserts."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import orjson
import pandas as pd

from klaviyo_analytics.endpoints import load
from klaviyo_analytics.errors import FrameError, InvalidInputError
from klaviyo_analytics.writeback import asking, checks, numbers, phones
from klaviyo_analytics.writeback import attributes as rules
from klaviyo_analytics.writeback._account import Account
from klaviyo_analytics.writeback.checks import OnDuplicate, Problems
from klaviyo_analytics.writeback.compare import changes, described
from klaviyo_analytics.writeback.drafting import drafted
from klaviyo_analytics.writeback.encode import ABSENT, Wanted
from klaviyo_analytics.writeback.frames import as_frame
from klaviyo_analytics.writeback.kinds.profiles import APPEND, IMPORT, UPSERT
from klaviyo_analytics.writeback.plan import Plan
from klaviyo_analytics.writeback.plans import lists as groups
from klaviyo_analytics.writeback.plans.cells import encoded
from klaviyo_analytics.writeback.plans.people_records import (
    IDENTIFIERS,
    Builder,
    OnNull,
    built,
    check_identifiers,
    dangers,
    to_clear,
)
from klaviyo_analytics.writeback.targets import Rest, Target, is_rest, mapped, named, several, targets
from klaviyo_analytics.writeback.times import DateFormat, check_format

Key = Literal["email", "phone_number", "external_id", "id"]
KEYS = (*IDENTIFIERS, "id")
GROUPS = ("location", "properties")
FEW = 1_000  # rows that are still sent one by one where that tells more
WHAT = "plan_upsert()"


def attributes() -> dict[str, Wanted]:
    """Name what of a profile can be written, and what it has to be."""
    endpoint = load()["create_or_update_profile"]
    assert endpoint.body is not None
    assert endpoint.returns is not None
    plain = [name for name in endpoint.body.optional if name not in GROUPS]
    placed = [name for name in endpoint.returns.attributes if name.startswith("location.")]
    loose = {"location.latitude", "location.longitude"}
    return {name: "json" if name in loose else "text" for name in ("id", *plain, *placed)}


def plan_upsert(
    account: Account,
    frame: Any,
    *,
    key: Key,
    columns: Mapping[str, str] | None,
    properties: Rest,
    on_null: OnNull,
    on_duplicate: OnDuplicate,
    lists: Sequence[str],
    append: Sequence[str],
    unappend: Sequence[str],
    unset: Sequence[str],
    compare: bool,
    phone_region: str | None = None,
    date_format: DateFormat = None,
) -> Plan:
    """Check and encode a frame of people; see `profiles.plan_upsert`."""
    if key not in KEYS:
        near = (*difflib.get_close_matches(str(key), KEYS, n=1), "email")[0]
        raise InvalidInputError(
            f"key={key!r}: it is one of {', '.join(KEYS)}. For a column of another name say "
            f"columns={{{key!r}: {near!r}}}, key={near!r}."
        )
    frame = as_frame(frame, WHAT, key, KEYS)
    columns = mapped(columns, WHAT)
    check_format(date_format, frame.columns, WHAT, single=False)
    if not is_rest(properties):
        properties = [
            *several(properties, "properties"),
            *_changed_in_place(frame, columns, append, unappend),
        ]
    found = targets(
        frame, attributes(), columns=columns, properties=properties, what=WHAT, read_only=_read_only()
    )
    paths = [target.path for target in found]
    if key not in paths:
        raise FrameError(
            f"{WHAT}: no column becomes {key!r}, the key; there are {named(paths)}.{_key_hint(frame, key, paths)}"
        )
    patches = _patches(found, append, unappend, unset)
    problems = Problems()
    by_path = encoded(account, frame, found, problems, date_format=date_format)
    notes = numbers.were_numbers(frame, found, by_path)
    if "phone_number" in by_path:
        by_path["phone_number"], changed = phones.in_e164(by_path["phone_number"], phone_region, problems)
        notes = _merged(notes, changed)
    rules.check_attributes(rules.PROFILE, by_path, problems)
    left_out = _check(by_path, key, on_duplicate, problems)
    for path, way in patches.items():
        _check_simple(path, way, by_path[path], problems)
    check_identifiers(on_null, key, by_path, problems)
    builder = Builder(found, patches, unset, to_clear(on_null, found, patches))
    records, cleared, kept = built(builder, [*by_path.values()], len(frame), problems, left_out)
    keys = ["" if value is ABSENT else str(value) for value in by_path[key]]
    notes = _merged(notes, rules.odd_timezones(by_path.get("location.timezone", ())))
    counts: dict[str, int] = {}
    if not lists and not unset and len(found) > 1:
        empty = _only_key(records, key)
        names = ", ".join(target.column for target in found if target.path != key)
        why = f"nothing to send: {names} null. To create profiles, give the column {key!r} alone"
        left_out |= dict.fromkeys(empty, ("not sent", why))
        records = [None if row in empty else record for row, record in enumerate(records)]
        counts |= {"nothing_to_send": len(empty)} if empty else {}
    if compare:
        compared = changes(account, key, keys, records)
        same = {row for row, change in compared.items() if change is not None and not change}
        if lists:  # who has it all already may still have to join
            notes |= {row: _both("nothing changes but the lists", notes.get(row)) for row in same}
        else:
            left_out |= dict.fromkeys(same, ("unchanged", "the account has it already"))
            records = [None if row in same else record for row, record in enumerate(records)]
        told = {row: described(change) for row, change in compared.items() if row not in same}
        notes |= {row: _both(said, notes.get(row)) for row, said in told.items()}
        new = sum(change is None for change in compared.values())
        counts |= {"new": new, "changed": len(compared) - new - len(same)}
    if any(record is not None for record in records):
        for group in lists:
            groups.known(account, group)
    return drafted(
        "upsert profiles",
        account,
        frame,
        keys=keys,
        records=records,
        kinds=_kinds(len(frame), key, kept, patches=bool(patches), lists=bool(lists)),
        options={"key": key, "lists": list(lists)},
        problems=problems.by_row(),
        left_out=left_out,
        notes=notes,
        counts=counts,
        confirm=[*asking.of_names(lists), *dangers(cleared, unset, records)],
    )


def _key_hint(frame: pd.DataFrame, key: str, paths: Sequence[str]) -> str:
    """Say where the key may be instead."""
    if key in frame.index.names:
        return f" {key!r} is the frame's index: give frame.reset_index()."
    if others := [name for name in KEYS if name in paths]:
        return f" Say key={others[0]!r}."
    return f" Name it by columns={{'...': {key!r}}}."


def _changed_in_place(
    frame: pd.DataFrame, columns: Mapping[str, str] | None, *ways: Sequence[str]
) -> list[str]:
    """Find the columns that are properties because something is added to these, or taken out of them."""
    return [
        name
        for names in ways
        for name in names
        if name in frame.columns and name not in (columns or {}) and name not in attributes()
    ]


def _read_only() -> set[str]:
    """Name what Klaviyo sets of a profile: frames that were read have such columns."""
    shape = load()["get_profiles"].returns
    known = {name for name in (shape.attributes if shape else ()) if name != "properties"}
    return {*known, "created", "updated", "joined_group_at"} - set(attributes())


def _check(
    by_path: Mapping[str, list[Any]], key: Key, rule: OnDuplicate, problems: Problems
) -> dict[int, tuple[Any, str]]:
    present = [name for name in KEYS if name in by_path]
    for name in present:
        checks.check_form(name, by_path[name], problems)
    checks.check_present(key, by_path[key], problems)
    left_out = checks.check_duplicates(key, by_path[key], rule, problems, fold=key == "email")
    for name in present:
        if name != key:
            remaining = [ABSENT if row in left_out else one for row, one in enumerate(by_path[name])]
            checks.check_duplicates(name, remaining, "error", problems, fold=name == "email")
    return left_out


def _kinds(count: int, key: Key, nulls: set[int], *, patches: bool, lists: bool) -> dict[str, Sequence[int]]:
    """Choose: one by one where the API's jobs cannot do it, or where that tells more and rows are few."""
    rows = range(count)
    if lists and nulls:
        raise InvalidInputError(
            "lists= and on_null='clear' exclude each other: only import jobs join lists, and they ignore nulls. "
            "Make two plans."
        )
    if not lists and count <= FEW and (patches or key == "id"):
        return {(APPEND if patches else UPSERT).name: rows}
    return {
        IMPORT.name: [row for row in rows if row not in nulls] if nulls else rows,
        (APPEND if patches else UPSERT).name: sorted(nulls),
    }


def _merged(notes: Mapping[int, str], more: Mapping[int, str]) -> dict[int, str]:
    return {**notes, **{row: _both(notes[row], why) if row in notes else why for row, why in more.items()}}


def _only_key(records: Sequence[bytes | None], key: str) -> set[int]:
    """Find the rows that would send nothing but their key."""
    empty = set()
    for row, record in enumerate(records):
        if record is None:
            continue
        told = orjson.loads(record)
        held = {*told.get("attributes", {}), *(["id"] if "id" in told else [])}
        if held <= {key} and not told.get("meta"):
            empty.add(row)
    return empty


def _both(said: str, note: str | None) -> str:
    return f"{said}; {note}" if note else said


def _patches(
    found: Sequence[Target], append: Sequence[str], unappend: Sequence[str], unset: Sequence[str]
) -> dict[str, str]:
    """Settle what is added to a property or taken out of it, by the property's dotted name."""
    by_name = {target.name: target.path for target in found if target.group == "properties"}
    patches: dict[str, str] = {}
    for way, names in (("append", append), ("unappend", unappend)):
        for name in names:
            if name not in by_name:
                has = ", ".join(by_name) or "none; name some by properties="
                raise FrameError(f"{WHAT}: {way}={name!r} is no property of this frame; there are {has}.")
            if patches.setdefault(by_name[name], way) != way:
                raise InvalidInputError(
                    f"{name!r} is in append= and in unappend=: one request cannot do both. Make two plans."
                )
    if both := [name for name in unset if name in by_name]:
        raise InvalidInputError(
            f"unset={both[0]!r} is a column of the frame, too: it cannot be written and removed at once. Drop one."
        )
    return patches


def _check_simple(path: str, way: str, values: Sequence[Any], problems: Problems) -> None:
    """Note what lists of a profile cannot hold or lose: the API takes simple values there, or some of them."""
    for row, value in enumerate(values):
        several = value if isinstance(value, list) else [value]
        if value is not ABSENT and any(one is None or isinstance(one, (list, dict)) for one in several):
            problems.add(
                row, f"{path}: {way}= takes texts, numbers, booleans or a list of them, not {value!r}"
            )
