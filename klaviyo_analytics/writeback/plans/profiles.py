"""A frame of people as a plan of profile upserts."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import pandas as pd

from klaviyo_analytics.endpoints import load
from klaviyo_analytics.errors import FrameError, InvalidInputError
from klaviyo_analytics.writeback import asking, checks
from klaviyo_analytics.writeback import attributes as rules
from klaviyo_analytics.writeback._account import Account
from klaviyo_analytics.writeback.checks import OnDuplicate, Problems
from klaviyo_analytics.writeback.compare import changes, described
from klaviyo_analytics.writeback.drafting import drafted
from klaviyo_analytics.writeback.encode import ABSENT, Wanted
from klaviyo_analytics.writeback.kinds.profiles import APPEND, IMPORT, UPSERT
from klaviyo_analytics.writeback.plan import Plan
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
from klaviyo_analytics.writeback.targets import Rest, Target, check_frame, is_rest, named, several, targets

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
    frame: pd.DataFrame,
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
) -> Plan:
    """Check and encode a frame of people; see `profiles.plan_upsert`."""
    if key not in KEYS:
        near = (*difflib.get_close_matches(str(key), KEYS, n=1), "email")[0]
        raise InvalidInputError(
            f"key={key!r}: it is one of {', '.join(KEYS)}. For a column of another name say "
            f"columns={{{key!r}: {near!r}}}, key={near!r}."
        )
    check_frame(frame, WHAT)
    if is_rest(properties):
        _check_own(frame, columns or {})
    else:
        properties = [
            *several(properties, "properties"),
            *_changed_in_place(frame, columns, append, unappend),
        ]
    found = targets(frame, attributes(), columns=columns, properties=properties, what=WHAT)
    paths = [target.path for target in found]
    if key not in paths:
        raise FrameError(
            f"{WHAT}: no column becomes {key!r}, the key; there are {named(paths)}.{_key_hint(frame, key, paths)}"
        )
    patches = _patches(found, append, unappend, unset)
    problems = Problems()
    by_path = encoded(account, frame, found, problems)
    rules.check_attributes(rules.PROFILE, by_path, problems)
    left_out = _check(by_path, key, on_duplicate, problems)
    for path, way in patches.items():
        _check_simple(path, way, by_path[path], problems)
    check_identifiers(on_null, key, by_path, problems)
    builder = Builder(found, patches, unset, to_clear(on_null, found, patches))
    records, cleared, kept = built(builder, [*by_path.values()], len(frame), problems, left_out)
    keys = ["" if value is ABSENT else str(value) for value in by_path[key]]
    notes = rules.odd_timezones(by_path.get("location.timezone", ()))
    counts: dict[str, int] = {}
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
        counts = {"new": new, "changed": len(compared) - new - len(same)}
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


def _check_own(frame: pd.DataFrame, columns: Mapping[str, str]) -> None:
    """Refuse to make custom properties of what Klaviyo itself says of a profile: frames that were read have such."""
    shape = load()["get_profiles"].returns
    known = {name for name in (shape.attributes if shape else ()) if name != "properties"} - set(attributes())
    if own := [name for name in frame.columns if name in known and name not in columns]:
        raise FrameError(
            f"{WHAT}: {own[0]!r} is told by Klaviyo and cannot be written, and properties='rest' would make a custom "
            f"property of it. Drop the column, or name it by columns={{{own[0]!r}: 'properties.{own[0]}'}}."
        )


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
