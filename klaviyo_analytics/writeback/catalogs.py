"""A frame of products, variants, categories, coupon codes or records of custom objects as a plan of bulk jobs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

import pandas as pd

from klaviyo_analytics._messages import allowed_values, did_you_mean
from klaviyo_analytics.endpoints import Body, Catalog
from klaviyo_analytics.errors import FrameError, InvalidInputError
from klaviyo_analytics.writeback import checks
from klaviyo_analytics.writeback import checks as rules
from klaviyo_analytics.writeback.account import Account
from klaviyo_analytics.writeback.checks import OnDuplicate, Problems
from klaviyo_analytics.writeback.columns import (
    Rest,
    Target,
    as_frame,
    encoded,
    mapped,
    named,
    settled,
    targets,
)
from klaviyo_analytics.writeback.encode import (
    ABSENT,
    DateFormat,
    UnwritableError,
    Wanted,
    as_text,
    check_format,
)
from klaviyo_analytics.writeback.journal import REQUEST_BYTES
from klaviyo_analytics.writeback.plan import Plan, drafted, given_frame
from klaviyo_analytics.writeback.write_types import (
    BEFORE,
    COUPON_CODES,
    SOURCE_RECORDS,
    WRITE_TYPES,
    OfOptions,
    Options,
)

ResourceKind = Literal["item", "variant", "category"]
Verb = Literal["create", "update", "delete"]
WANTED: Mapping[str, Wanted] = {"text": "text", "number": "number", "integer": "integer"}
METADATA = "custom_metadata"
LARGEST = REQUEST_BYTES - 1_000  # what the rest of a request may take
METADATA_BYTES = 100_000


@dataclass(frozen=True, slots=True)
class Form:
    """What a resource is made of, as the endpoint table has it."""

    type: str
    attributes: Mapping[str, Wanted]
    required: tuple[str, ...]
    related: Mapping[str, tuple[str, str]]  # name to type, and "one" or "many"


def plan_catalog(
    account: Account,
    frame: Any,
    *,
    resource_kind: ResourceKind,
    verb: Verb,
    columns: Mapping[str, str] | None,
    properties: Rest,
    on_duplicate: OnDuplicate,
) -> Plan:
    """Create, update or delete what the rows name; see `catalog_items.plan_create`."""
    what, form = f"{verb} catalog {resource_kind}", _form(account.api.catalog, resource_kind, verb)
    key = "external_id" if verb == "create" else "id"
    frame = as_frame(frame, f"plan_{verb}()", key, ["id", "external_id"])
    unused: list[str] = []
    if verb == "delete":
        used, unused = settled(frame, columns, ["id", "external_id"], f"plan_{verb}()")
        frame = frame[[*used.values()]]
    free = METADATA if METADATA in form.attributes else None
    found = targets(
        frame, form.attributes, columns=columns, properties=properties, what=f"plan_{verb}()", free=free
    )
    return _planned(
        account, frame, what, f"catalog {resource_kind} {verb}", form, found, on_duplicate, unused=unused
    )


def plan_given(
    account: Account,
    given: Sequence[Mapping[str, Any]],
    what: str,
    *,
    resource_kind: ResourceKind,
    verb: Verb,
) -> Plan:
    """Plan resources that are given as keyword arguments: the one of a single call, or the records of a job.

    Parameters
    ----------
    account : Account
        The account to write to.
    given : list of dict
        Attributes, and relationships as ids; `id` for updates and deletions. None clears an attribute.
    what : str
        The method, for messages.
    resource_kind, verb : str
        What is written, and how.
    """
    form = _form(account.api.catalog, resource_kind, verb)
    key = "external_id" if verb == "create" else "id"
    check_keywords(given, form.attributes, [key, *form.required], what)
    frame, nulls = given_frame(given)
    found = [Target(name, name, None, form.attributes[name]) for name in frame.columns]
    kind = f"catalog {resource_kind} {verb}"
    return _planned(account, frame, what, kind, form, found, "error", nulls=nulls)


def check_keywords(
    given: Sequence[Mapping[str, Any]], allowed: Iterable[str], required: Iterable[str], what: str
) -> None:
    """Refuse records with an unknown keyword, or without one that is needed.

    Raises
    ------
    InvalidInputError
        The message names it.
    """
    names, needed = [*allowed], [*dict.fromkeys(required)]
    for one in given:
        if odd := next((name for name in one if name not in names), None):
            raise InvalidInputError(
                f"{what} does not take {odd!r}{did_you_mean(odd, names)}. {allowed_values(odd, names)} "
                "Nothing was sent."
            )
        if missing := [name for name in needed if name not in one]:
            raise InvalidInputError(f"{what} needs {', '.join(missing)}. Nothing was sent.")


CODE_KEYWORDS = ("unique_code", "coupon", "expires_at")


def plan_given_codes(account: Account, given: Sequence[Mapping[str, Any]], what: str) -> Plan:
    """Plan coupon codes that are given as keyword arguments; see `plan_given`."""
    check_keywords(given, CODE_KEYWORDS, CODE_KEYWORDS[:2], what)
    frame, nulls = given_frame(given)
    for row in nulls.get("expires_at", ()):
        if given[row]["expires_at"] is not None:  # NaT must not become a year from now
            raise InvalidInputError(f"{what}: expires_at={given[row]['expires_at']!r} is not a time.")
    return plan_coupon_codes(account, frame, coupon=None, columns=None, on_duplicate="error", action=what)


def plan_coupon_codes(
    account: Account,
    frame: Any,
    *,
    coupon: str | None,
    columns: Mapping[str, str] | None,
    on_duplicate: OnDuplicate,
    date_format: DateFormat = None,
    action: str = "create coupon codes",
) -> Plan:
    """Create the codes of the rows; see `coupon_codes.plan_create`."""
    form = Form(
        "coupon-code",
        {"unique_code": "text", "expires_at": "json", "coupon": "text"},
        ("unique_code", "coupon"),
        {"coupon": ("coupon", "one")},
    )
    frame = as_frame(frame, "plan_create()", "unique_code", ["unique_code", "coupon"])
    check_format(date_format, frame.columns, "plan_create()")
    if coupon is not None:
        if "coupon" in frame.columns or "coupon" in mapped(columns, "plan_create()").values():
            raise FrameError(
                "plan_create(): coupon= is given, and the frame has a column for it, too. Drop one."
            )
        frame = frame.assign(coupon=coupon)
    found = targets(frame, form.attributes, columns=columns, properties=None, what="plan_create()", free=None)
    return _planned(account, frame, action, COUPON_CODES.name, form, found, on_duplicate, date_format)


def _planned(
    account: Account,
    frame: pd.DataFrame,
    action: str,
    kind: str,
    form: Form,
    found: Sequence[Target],
    on_duplicate: OnDuplicate,
    date_format: DateFormat = None,
    *,
    unused: Sequence[str] = (),
    nulls: Mapping[str, Sequence[int]] = MappingProxyType({}),
) -> Plan:
    paths = [target.path for target in found]
    key = next((name for name in ("external_id", "id", "unique_code") if name in paths), None)
    if missing := [name for name in form.required if name not in paths]:
        hint = " Give coupon=, the coupon's id, or such a column." if missing[0] == "coupon" else ""
        raise FrameError(f"{action}: no column becomes {missing[0]!r}; there are {named(paths)}.{hint}")
    if key is None:
        raise FrameError(f"{action}: no column becomes 'external_id' or 'id'; there are {named(paths)}.")
    problems = Problems()
    values = encoded(account, frame, found, problems, times=["expires_at"], date_format=date_format)
    rules.check_attributes(rules.CATALOG, values, problems)
    for target in found:
        if target.group:
            _check_flat(target, values[target.path], problems)
        elif form.related.get(target.name, ("", ""))[1] == "many":
            values[target.path] = _ids(target, values[target.path], problems)
    for name in (key, *(name for name in form.required if name != key)):
        checks.check_present(name, values[name], problems)
    keys = ["" if one is ABSENT else str(one).removeprefix(BEFORE) for one in values[key]]
    _check_keys(key, values[key], keys, problems)
    if key == "external_id" and "id" in values:
        _check_agree(keys, values["id"], problems)
    unique = _unique_keys(keys, values.get("coupon"))
    left_out = checks.check_duplicates(key, unique, on_duplicate, problems, fold=False)
    for path, rows in nulls.items():
        for row in rows:
            values[path][row] = None
    records: list[bytes | None] = []
    for row, cells in enumerate(zip(*values.values(), strict=True)):
        good = row not in problems and row not in left_out
        record = _resource(form, kind, found, cells, keys[row])
        if good:
            good = _fits(row, (record.get("attributes") or {}).get(METADATA), problems)
        records.append(checks.dumped(row, record, problems, most=LARGEST) if good else None)
    deletes = kind.endswith("delete") and any(record is not None for record in records)
    return drafted(
        action,
        account,
        frame,
        keys=keys,
        records=records,
        kinds={kind: range(len(frame))},
        options=Options(key),
        problems=problems.by_row(),
        left_out=left_out,
        confirm=[f"This deletes {sum(one is not None for one in records):,} of the catalog."]
        if deletes
        else [],
        unused=unused,
    )


def _form(catalog: Catalog, resource_kind: ResourceKind, verb: Verb) -> Form:
    assert f"catalog {resource_kind} {verb}" in WRITE_TYPES
    if verb == "delete":
        return Form(f"catalog-{resource_kind}", {"id": "text", "external_id": "text"}, (), {})
    body = catalog[f"{verb}_catalog_{resource_kind}"].body or Body()
    shape = catalog[f"get_catalog_{resource_kind}"].returns
    kinds = shape.attributes if shape else {}
    names = [*body.required, *body.optional, *(["id", "external_id"] if verb == "update" else [])]
    attributes: dict[str, Wanted] = {name: WANTED.get(kinds.get(name, "text"), "json") for name in names}
    related = {name: (type, arity) for name, (type, arity, _) in body.relationships.items()}
    needed = tuple(name for name, (_, _, must) in body.relationships.items() if must)
    attributes |= {name: "text" if arity == "one" else "json" for name, (_, arity) in related.items()}
    return Form(f"catalog-{resource_kind}", attributes, (*body.required, *needed), related)


def _check_keys(name: str, given: Sequence[Any], keys: Sequence[str], problems: Problems) -> None:
    for row, (one, key) in enumerate(zip(given, keys, strict=True)):
        if one is ABSENT:
            continue
        if not checks.is_id(key):
            problems.add(row, f"{name}: {one!r} is not a valid id; it must have 1 to 255 characters")
        elif ":::" in key:
            problems.add(
                row, f"{name}: {one!r} is of another catalog; only ids like {BEFORE}mug can be written"
            )


def _unique_keys(keys: Sequence[str], coupons: Sequence[Any] | None) -> list[Any]:
    """Return what must differ between rows: the same code may belong to several coupons."""
    if coupons is None:
        return [key or ABSENT for key in keys]
    return [(key, coupon) if key else ABSENT for key, coupon in zip(keys, coupons, strict=True)]


def _check_agree(keys: Sequence[str], ids: Sequence[Any], problems: Problems) -> None:
    for row, (key, id) in enumerate(zip(keys, ids, strict=True)):
        if id is not ABSENT and str(id).removeprefix(BEFORE) != key:
            problems.add(
                row, f"external_id {key!r} and id {id!r} are not of one thing; drop one of the columns"
            )


def _check_flat(target: Target, values: Sequence[Any], problems: Problems) -> None:
    for row, value in enumerate(values):
        if value is not ABSENT and rules.nested(value):
            problems.add(
                row, f"{target.column}: metadata is flat, and {value!r} holds objects; give each its column"
            )


def _fits(row: int, metadata: Any, problems: Problems) -> bool:
    return not metadata or (
        checks.dumped(row, metadata, problems, most=METADATA_BYTES, what=METADATA) is not None
    )


def _ids(target: Target, values: Sequence[Any], problems: Problems) -> list[Any]:
    """Read ids of what belongs to it, one or several a row."""
    found: list[Any] = []
    for row, value in enumerate(values):
        found.append(ABSENT)
        if value is ABSENT:
            continue
        several = value if isinstance(value, list) else [value]
        try:
            found[-1] = [one if isinstance(one, str) else as_text(one) for one in several]
        except UnwritableError:
            problems.add(
                row, f"{target.column}: {value!r} is neither an id nor a list of ids like ['mugs', 'sale']"
            )
    return found


def _resource(
    form: Form, kind: str, found: Sequence[Target], cells: Sequence[Any], key: str
) -> dict[str, Any]:
    record: dict[str, Any] = {"type": form.type}
    attributes: dict[str, Any] = {}
    related: dict[str, Any] = {}
    named = kind.endswith(("update", "delete"))
    if named:
        record["id"] = f"{BEFORE}{key}"
    for target, value in zip(found, cells, strict=True):
        if value is ABSENT or target.name == "id" or (named and target.name == "external_id"):
            continue
        if target.group:
            attributes.setdefault(target.group, {})[target.name] = value
        elif target.name in form.related:
            related[target.name] = {"data": _related(*form.related[target.name], value)}
        else:
            attributes[target.name] = value
    if not kind.endswith("delete"):
        record["attributes"] = attributes
    return {**record, "relationships": related} if related else record


def _related(type: str, arity: str, value: Any) -> Any:
    def one(id: Any) -> dict[str, str]:
        whole = type == "coupon" or ":::" in str(id)
        return {"type": type, "id": str(id) if whole else f"{BEFORE}{id}"}

    if arity == "one":
        return one(value)
    return [one(id) for id in value]


RECORD = "record"
RECORD_BYTES = 512_000  # "512KB" in its smaller reading


def plan_records(
    account: Account,
    frame: Any,
    *,
    source: str,
    key: str | None,
    columns: Mapping[str, str] | None,
    date_format: DateFormat = None,
) -> Plan:
    """Send every row as one record of a data source; see `data_sources.plan_create_records`."""
    what = "plan_create_records()"
    frame = as_frame(frame, what, "id", ["id"])
    check_format(date_format, frame.columns, what)
    renamed = {column: f"{RECORD}.{name}" for column, name in mapped(columns, what).items()}
    found = targets(frame, {}, columns=renamed, properties="rest", what=what, free=RECORD)
    names = [target.name for target in found]
    chosen = key if key is not None else ("id" if "id" in names else next(iter(names), ""))
    if chosen not in names:
        raise FrameError(f"{what}: no column becomes {chosen!r}, which key= names; there are {named(names)}.")
    problems = Problems()
    values = encoded(account, frame, found, problems, date_format=date_format)
    keys = values[f"{RECORD}.{chosen}"]
    if key is not None:
        checks.check_present(key, keys, problems)
    records: list[bytes | None] = []
    for row, cells in enumerate(zip(*values.values(), strict=True)):
        held = {name: cell for name, cell in zip(names, cells, strict=True) if cell is not ABSENT}
        if not held and row not in problems:
            problems.add(row, "every value is missing")
        record = {"type": "data-source-record", "attributes": {RECORD: held}}
        fits = row not in problems
        records.append(checks.dumped(row, record, problems, most=RECORD_BYTES) if fits else None)
    return drafted(
        "create data source records",
        account,
        frame,
        keys=["" if one is ABSENT else str(one) for one in keys],
        records=records,
        kinds={SOURCE_RECORDS.name: range(len(frame))},
        options=OfOptions(chosen, source),
        problems=problems.by_row(),
    )
