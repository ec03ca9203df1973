"""Plans that create and change profiles from a frame, and the people that other plans read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal

import orjson
import pandas as pd

from klaviyo_analytics._messages import allowed_values, counted, did_you_mean
from klaviyo_analytics.endpoints import Catalog
from klaviyo_analytics.errors import FrameError, InvalidInputError
from klaviyo_analytics.writeback import checks, confirmations, encode
from klaviyo_analytics.writeback import checks as rules
from klaviyo_analytics.writeback import columns as _columns
from klaviyo_analytics.writeback import confirmations as groups
from klaviyo_analytics.writeback.account import Account
from klaviyo_analytics.writeback.checks import OnDuplicate, Problems
from klaviyo_analytics.writeback.columns import (
    Rest,
    Target,
    as_frame,
    encoded,
    is_rest,
    mapped,
    named,
    several,
    targets,
)
from klaviyo_analytics.writeback.compare import changes, described
from klaviyo_analytics.writeback.encode import (
    ABSENT,
    DateFormat,
    UnwritableError,
    Wanted,
    check_format,
)
from klaviyo_analytics.writeback.plan import Plan, drafted, given_frame
from klaviyo_analytics.writeback.write_types import APPEND, IMPORT, UPSERT, ImportOptions

Rule = Literal["skip", "clear"]
OnNull = Rule | Mapping[str, Rule]
IDENTIFIERS = ("email", "phone_number", "external_id")
PATCHES = ("append", "unappend")


def to_clear(on_null: OnNull, found: Sequence[Target], patches: Collection[str]) -> set[str]:
    """Return the attributes, by dotted name, that are cleared where the frame is null.

    Raises
    ------
    InvalidInputError
        The rule is invalid, or refers to an attribute that no column becomes.
    """
    paths = [target.path for target in found if target.path not in patches]
    rules = on_null if isinstance(on_null, Mapping) else dict.fromkeys(paths, on_null)
    if odd := [rule for rule in rules.values() if rule not in ("skip", "clear")]:
        raise InvalidInputError(f"on_null={odd[0]!r}: pass 'skip', 'clear', or a dict of these by attribute.")
    if unknown := [name for name in rules if name not in paths]:
        raise InvalidInputError(f"on_null: no column becomes {unknown[0]!r}; there are {named(paths)}.")
    return {name for name, rule in rules.items() if rule == "clear"}


def check_identifiers(
    on_null: OnNull, key: str, values: Mapping[str, Sequence[Any]], problems: Problems
) -> None:
    """Record rows that would lose an identifier that was not named in `on_null`."""
    if on_null != "clear":
        return
    for name in IDENTIFIERS:
        if name == key:
            continue
        for row, value in enumerate(values.get(name, ())):
            if value is ABSENT:
                problems.add(
                    row,
                    f"{name} is null, and 'clear' takes no identifier from a profile unless it is named: drop the "
                    f"column, or name all that is cleared, on_null={{{name!r}: 'clear', ...}}",
                )


class Builder:
    """Builds the resource of a row from its values."""

    def __init__(
        self,
        found: Sequence[Target],
        patches: Mapping[str, str] = MappingProxyType({}),
        unset: Sequence[str] = (),
        clears: Collection[str] = (),
    ) -> None:
        self._places = [
            (target.path, patches.get(target.path, target.group), target.name, target.path in clears)
            for target in found
        ]
        self._unset = list(unset)

    def build(
        self, row: Sequence[Any], unset: Sequence[str] | None = None
    ) -> tuple[dict[str, Any], list[str], bool]:
        """Return the resource, what it clears, and whether a bulk job cannot do that.

        `unset` are properties to remove from this profile, instead of those that are removed from all.
        """
        attributes: dict[str, Any] = {}
        record: dict[str, Any] = {"type": "profile", "attributes": attributes}
        patches: dict[str, Any] = {}
        unset, cleared, nulls = self._unset if unset is None else [*unset], [], False
        for (path, group, name, clears), value in zip(self._places, row, strict=True):
            if value is ABSENT:
                if not clears:
                    continue
                cleared.append(path)
                if group == "properties":
                    unset = [*unset, name]
                    continue
                nulls = True
                value = None  # noqa: PLW2901
            if group is None:
                (record if name == "id" else attributes)[name] = value
            elif group in PATCHES:
                patches.setdefault(group, {})[name] = value
            else:
                attributes.setdefault(group, {})[name] = value
        if unset:
            patches["unset"] = unset
        if patches:
            record["meta"] = {"patch_properties": patches}
        return record, cleared, nulls


def built(
    builder: Builder,
    values: Sequence[list[Any]],
    count: int,
    problems: Problems,
    left_out: Mapping[int, Any],
) -> tuple[list[bytes | None], dict[int, list[str]], set[int]]:
    """Encode the rows; return also what they clear, and which rows clear what a bulk job cannot."""
    records: list[bytes | None] = [None] * count
    cleared: dict[int, list[str]] = {}
    kept = set()
    for position, row in enumerate(zip(*values, strict=True)):
        if position in left_out or position in problems:
            continue
        record, names, nulls = builder.build(row)
        records[position] = checks.dumped(position, record, problems)
        if names:
            cleared[position] = names
        if nulls:
            kept.add(position)
    return records, cleared, kept


def dangers(
    cleared: Mapping[int, Sequence[str]], unset: Sequence[str], records: Sequence[bytes | None]
) -> list[str]:
    """Return what would be lost, and for how many profiles."""
    found = []
    sent = [row for row, record in enumerate(records) if record is not None]
    if names := Counter(name for row in sent for name in cleared.get(row, ())):
        people = sum(row in cleared for row in sent)
        shown = ", ".join(f"{name} of {count:,}" for name, count in names.items())
        found.append(f"This clears fields of {counted(people, 'profile')} where the frame is null: {shown}.")
    if unset and sent:
        found.append(f"This removes {', '.join(unset)} from {counted(len(sent), 'profile')}.")
    return found


Key = Literal["email", "phone_number", "external_id", "id"]
KEYS = (*IDENTIFIERS, "id")
GROUPS = ("location", "properties")
FEW = 1_000  # rows that are still sent one by one where that says created or updated
WHAT = "plan_upsert()"
TEXT: Wanted = "text"


def attributes(catalog: Catalog) -> dict[str, Wanted]:
    """Return the attributes of a profile that can be written in a revision, with their types."""
    endpoint = catalog["create_or_update_profile"]
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
        raise InvalidInputError(
            f"key={key!r} is not allowed{did_you_mean(key, KEYS)}. {allowed_values(key, KEYS)} For a column of "
            f"another name pass columns={{{key!r}: 'email'}}, key='email'."
        )
    frame = as_frame(frame, WHAT, key, KEYS)
    columns = mapped(columns, WHAT)
    check_format(date_format, frame.columns, WHAT, single=False)
    if not is_rest(properties):
        properties = [
            *several(properties, "properties"),
            *_changed_in_place(frame, columns, attributes(account.api.catalog), append, unappend),
        ]
    found = targets(
        frame,
        attributes(account.api.catalog),
        columns=columns,
        properties=properties,
        what=WHAT,
        read_only=_read_only(account.api.catalog),
    )
    paths = [target.path for target in found]
    if key not in paths:
        raise FrameError(
            f"{WHAT}: no column becomes {key!r}, the key; there are {named(paths)}.{_key_hint(frame, key, paths)}"
        )
    patches = _patches(found, append, unappend, unset)
    problems = Problems()
    by_path = encoded(account, frame, found, problems, date_format=date_format)
    notes = _columns.were_numbers(frame, found, by_path)
    if "phone_number" in by_path:
        by_path["phone_number"], changed = _columns.in_e164(by_path["phone_number"], phone_region, problems)
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
        texts = {row: described(change) for row, change in compared.items() if row not in same}
        notes |= {row: _both(text, notes.get(row)) for row, text in texts.items()}
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
        options=ImportOptions(key, tuple(lists)),
        problems=problems.by_row(),
        left_out=left_out,
        notes=notes,
        counts=counts,
        confirm=[*confirmations.of_names(lists), *dangers(cleared, unset, records)],
    )


def _key_hint(frame: pd.DataFrame, key: str, paths: Sequence[str]) -> str:
    """Return a hint where the key may be instead."""
    if key in frame.index.names:
        return f" {key!r} is the frame's index: give frame.reset_index()."
    if others := [name for name in KEYS if name in paths]:
        return f" Say key={others[0]!r}."
    return f" Name it by columns={{'...': {key!r}}}."


def _changed_in_place(
    frame: pd.DataFrame, columns: Mapping[str, str] | None, writable: Collection[str], *ways: Sequence[str]
) -> list[str]:
    """Find the columns that are properties because something is added to these, or taken out of them."""
    return [
        name
        for names in ways
        for name in names
        if name in frame.columns and name not in (columns or {}) and name not in writable
    ]


def _read_only(catalog: Catalog) -> set[str]:
    """Return the attributes that Klaviyo sets itself; frames that were read have such columns."""
    shape = catalog["get_profiles"].returns
    known = {name for name in (shape.attributes if shape else ()) if name != "properties"}
    return {*known, "created", "updated", "joined_group_at"} - set(attributes(catalog))


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
    """Assign rows to bulk jobs, or to single requests where jobs cannot do it or say less."""
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
        sent = orjson.loads(record)
        held = {*sent.get("attributes", {}), *(["id"] if "id" in sent else [])}
        if held <= {key} and not sent.get("meta"):
            empty.add(row)
    return empty


def _both(text: str, note: str | None) -> str:
    return f"{text}; {note}" if note else text


def _patches(
    found: Sequence[Target], append: Sequence[str], unappend: Sequence[str], unset: Sequence[str]
) -> dict[str, str]:
    """Return "append" or "unappend" by the dotted name of the property."""
    by_name = {target.name: target.path for target in found if target.group == "properties"}
    patches: dict[str, str] = {}
    for way, names in (("append", append), ("unappend", unappend)):
        for name in names:
            if name not in by_name:
                has = ", ".join(by_name) or "none; name some by properties="
                raise FrameError(
                    f"{WHAT}: {way}={name!r} is not a property of this frame; available are {has}."
                )
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
    """Record values that cannot be appended or removed: the API accepts simple values, or lists of them."""
    for row, value in enumerate(values):
        several = value if isinstance(value, list) else [value]
        if value is not ABSENT and any(one is None or isinstance(one, (list, dict)) for one in several):
            problems.add(
                row, f"{path}: {way}= takes texts, numbers, booleans or a list of them, not {value!r}"
            )


Given = Mapping[str, Any]


def plan_given(
    account: Account, given: Sequence[Given], what: str, *, kind: str, lists: Sequence[str] = ()
) -> Plan:
    """Plan profiles that are given as keyword arguments: one of a single call, or the records of a job.

    Parameters
    ----------
    account : Account
        The account to write to.
    given : list of dict
        Attributes, `location`, `properties`, `append`, `unappend` and `unset` of each, as `profiles.upsert` takes
        them. None clears an attribute.
    what : str
        The method, for messages.
    kind : str
        The type of write.
    lists : list of str
        Lists that they join.
    """
    problems = Problems()
    values, resources = given_profiles(account, given, what, problems)
    named = [values[name] for name in (*KEYS, "_kx") if name in values]
    keys = [next((one for one in row if one is not ABSENT), ABSENT) for row in zip(*named, strict=True)]
    checks.check_present("email, phone_number or external_id", keys or [ABSENT] * len(given), problems)
    for name in KEYS:
        checks.check_duplicates(name, values.get(name, ()), "error", problems, fold=name == "email")
    records = [
        None if row in problems else checks.dumped(row, resource, problems)
        for row, resource in enumerate(resources)
    ]
    return drafted(
        what,
        account,
        pd.DataFrame(index=range(len(given))),
        keys=["" if key is ABSENT else str(key) for key in keys or [ABSENT] * len(given)],
        records=records,
        kinds={kind: range(len(given))},
        options=ImportOptions(next((name for name in KEYS if name in values), "email"), tuple(lists)),
        problems=problems.by_row(),
    )


def given_profiles(
    account: Account, given: Sequence[Given], what: str, problems: Problems, more: Sequence[str] = ()
) -> tuple[dict[str, list[Any]], list[dict[str, Any]]]:
    """Check and encode profiles that are given as keyword arguments: their values, and their resources.

    `more` are attributes that are allowed besides those of a profile.
    """
    allowed: dict[str, Wanted] = {**attributes(account.api.catalog), **dict.fromkeys(more, TEXT)}
    flat = [_flat(one, allowed, what) for one in given]
    frame, nulls = given_frame([row for row, _ in flat])
    found = []
    for path in frame.columns:
        group, dot, name = path.partition(".")
        found.append(Target(path, name if dot else path, group if dot else None, allowed.get(path, "json")))
    values = encoded(account, frame, found, problems)
    rules.check_attributes(rules.PROFILE, values, problems)
    for name in checks.FORMS.keys() & values.keys():
        checks.check_form(name, values[name], problems)
    for target in found:
        if target.group in PATCHES:
            _check_simple(target.path, target.group, values[target.path], problems)
    sent = {path: [*cells] for path, cells in values.items()}
    for path, rows in nulls.items():
        for row in rows:
            sent[path][row] = None
    builder = Builder(found)
    rows_of = zip(*sent.values(), strict=True) if sent else [()] * len(given)
    return values, [builder.build(row, unset)[0] for row, (_, unset) in zip(rows_of, flat, strict=True)]


def _flat(given: Given, allowed: Collection[str], what: str) -> tuple[dict[str, Any], list[str]]:
    """Return the values of one profile by dotted name, and the properties to remove."""
    row: dict[str, Any] = {}
    for name, held in given.items():
        if name == "unset" or (name in PATCHES and held is None):
            continue
        if name in (*GROUPS, *PATCHES):
            row |= {name: None} if held is None else parts(name, held, what)
        else:
            row[name] = held
    known = [*allowed, *GROUPS, *PATCHES, "unset"]
    free = tuple(f"{name}." for name in ("properties", *PATCHES))
    for path in row:
        if path not in known and not path.startswith(free):
            raise InvalidInputError(
                f"{what}: {path!r} is not an attribute that can be written{did_you_mean(path, known)}. "
                f"{allowed_values(path, known)} Nothing was sent."
            )
    unset = several(given.get("unset"), "unset")
    for name in unset:
        if f"properties.{name}" in row:
            raise InvalidInputError(f"{what}: {name!r} is in unset= and in properties=. Drop one of them.")
    return row, unset


def parts(name: str, held: Any, what: str) -> dict[str, Any]:
    """Return the entries of an object by dotted name."""
    if not isinstance(held, Mapping):
        raise InvalidInputError(f"{what}: {name}={held!r} is not a dict, such as {{'name': value}}.")
    try:
        names = encode.value(dict.fromkeys(held))
    except UnwritableError as problem:
        raise InvalidInputError(f"{what}: {name}: {problem}.") from None
    return {f"{name}.{key}": one for key, one in zip(names, held.values(), strict=True)}
