"""The query string, read and checked against what the operation allows."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from klaviyo_analytics.sandbox.app.contract import Operation, load_contract
from klaviyo_analytics.sandbox.app.errors import ApiFault, Problem
from klaviyo_analytics.sandbox.app.filters import (
    Condition,
    Parser,
    check_conditions,
    check_suppression_filters,
)

# A required filter must name one of these fields.
REQUIRED_FIELDS = {
    "get_campaigns": ("messages.channel",),
    "get_coupon_codes": ("coupon.id", "profile.id"),
}
CHANNELS = ("email", "sms", "mobile_push")


@dataclass(slots=True)
class Query:
    """What a request asks for beyond its path."""

    pairs: list[tuple[str, str]] = field(default_factory=list)
    filter: str = ""
    conditions: list[Condition] = field(default_factory=list)
    sort: str = ""
    include: tuple[str, ...] = ()
    fields: dict[str, tuple[str, ...]] = field(default_factory=dict)
    additional: dict[str, tuple[str, ...]] = field(default_factory=dict)
    size: int | None = None  # None: everything in one answer
    cursor: str = ""


def parse_query(operation: Operation, text: str, *, page_max: int | None = None) -> Query:
    """Read a raw query string; `page_max` stands for the documented maximum of the page size."""
    pairs = parse_qsl(text, keep_blank_values=True)
    query = Query(pairs, size=_default_size(operation, page_max))
    seen: set[str] = set()
    for name, value in pairs:
        if name in seen:
            raise ApiFault.parameter(name, f"{name} may be given once only.")
        seen.add(name)
        _read(operation, query, name, value, page_max)
    _check_required(operation, query)
    return query


def _default_size(operation: Operation, page_max: int | None) -> int | None:
    if operation.page_size:
        return min(operation.page_size[0], page_max or operation.page_size[0])
    return operation.fixed_page if operation.cursor else None


def _read(operation: Operation, query: Query, name: str, value: str, page_max: int | None) -> None:
    bracketed = re.fullmatch(r"(fields|additional-fields)\[(.+)\]", name)
    if bracketed:
        fields = operation.fields if bracketed[1] == "fields" else operation.additional
        target = query.fields if bracketed[1] == "fields" else query.additional
        if bracketed[2] not in fields:
            raise _unknown(operation, name)
        target[bracketed[2]] = _names(name, value, fields[bracketed[2]])
    elif name == "filter" and operation.filters:
        query.filter = value
        query.conditions = Parser(value).parse()
        check_conditions(query.conditions, operation.filters)
    elif name == "sort" and operation.sort:
        if value not in operation.sort:
            _refuse(name, value, operation.sort)
        query.sort = value
    elif name == "include" and operation.include:
        query.include = _names(name, value, operation.include)
    elif name == "page[size]" and operation.page_size:
        query.size = _size(value, page_max or operation.page_size[1])
    elif operation.cursor and name == operation.cursor:
        query.cursor = value
    else:
        raise _unknown(operation, name)


def _unknown(operation: Operation, name: str) -> ApiFault:
    return ApiFault.parameter(name, f"{name} is not a parameter of {operation.method} {operation.path}.")


def _names(parameter: str, value: str, allowed: frozenset[str] | tuple[str, ...]) -> tuple[str, ...]:
    names = tuple(value.split(","))
    for name in names:
        if name not in allowed:
            _refuse(parameter, name, allowed)
    return names


def _size(value: str, maximum: int) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", value) or not 1 <= int(value) <= maximum:
        raise ApiFault.parameter("page[size]", f"page[size] must be a number from 1 to {maximum}.")
    return int(value)


def _check_required(operation: Operation, query: Query) -> None:
    if operation.filter_required and not query.filter:
        raise ApiFault.parameter("filter", "A filter is required here.")
    check_suppression_filters(query.conditions)
    named = {condition.field for condition in query.conditions}
    needed = REQUIRED_FIELDS.get(operation.id, ()) if operation.filter_required else ()
    if needed and not named.intersection(needed):
        raise ApiFault.parameter("filter", f"The filter must name {' or '.join(needed)}.")
    for condition in query.conditions:
        if condition.field == "messages.channel" and condition.literal not in CHANNELS:
            _refuse("filter", str(condition.literal), CHANNELS)


def _refuse(parameter: str, value: str, allowed: frozenset[str] | tuple[str, ...]) -> None:
    detail = f"{value!r} is not allowed in {parameter}; allowed: {', '.join(sorted(allowed))}."
    raise ApiFault.parameter(parameter, detail)


Json = dict[str, Any]
TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
}
# A time of day belongs to a date-time; whether an offset does is left to whoever reads it.
FORMATS = {
    "date": re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}"),
    "date-time": re.compile(
        r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?(Z|[+-][0-9]{2}:?[0-9]{2})?"
    ),
}


def check_body(schema: Json, body: Any) -> None:
    """Refuse a body that does not have the operation's form, naming every place that is wrong."""
    problems = find_problems(schema, body, "")
    if problems:
        raise ApiFault(400, problems)


def find_problems(schema: Json, value: Any, pointer: str) -> list[Problem]:
    """Find everything that is wrong with a value."""
    if "ref" in schema:
        if value is None and schema.get("nullable"):
            return []
        return find_problems(load_contract().schemas[schema["ref"]], value, pointer)
    if value is None and (schema.get("nullable") or not schema):
        return []
    if "oneOf" in schema:
        return _best_branch(schema["oneOf"], value, pointer)
    if "enum" in schema and not any(
        value == member and type(value) is type(member) for member in schema["enum"]
    ):
        return [_problem(pointer, f"{value!r} is not one of {', '.join(map(str, schema['enum']))}.")]
    return _check_type(schema, value, pointer)


def _check_type(schema: Json, value: Any, pointer: str) -> list[Problem]:
    expected: str | None = schema.get("type", "object" if "properties" in schema else None)
    if expected is None:
        return []
    wrong = not isinstance(value, TYPES[expected])
    if wrong or (isinstance(value, bool) and expected != "boolean"):
        return [_problem(pointer, f"Expected {expected}, not {value!r}.")]
    if expected == "object":
        return _check_object(schema, value, pointer)
    if expected == "array":
        items = schema.get("items", {})
        return [
            one
            for index, item in enumerate(value)
            for one in find_problems(items, item, f"{pointer}/{index}")
        ]
    form = FORMATS.get(schema.get("format", ""))
    if form and not (form.fullmatch(value) and _is_on_the_calendar(value)):
        return [_problem(pointer, f"{value!r} is not a valid {schema['format']}.")]
    return []


def _check_object(schema: Json, value: Json, pointer: str) -> list[Problem]:
    properties = schema.get("properties")
    problems = [
        _problem(f"{pointer}/{name}", f"{name} is required.")
        for name in schema.get("required", ())
        if name not in value
    ]
    if len(value) > schema.get("maxProperties", len(value)):
        most = schema["maxProperties"]
        problems.append(_problem(pointer, f"There may be at most {most} fields here, not {len(value)}."))
    if not properties:
        return problems
    for name, item in value.items():
        if name in properties:
            problems += find_problems(properties[name], item, f"{pointer}/{name}")
        else:
            problems.append(
                _problem(f"{pointer}/{name}", f"{name} is not a field here; fields: {', '.join(properties)}.")
            )
    return problems


def _best_branch(branches: list[Json], value: Any, pointer: str) -> list[Problem]:
    """Choose the alternative that was most likely meant: one whose own tag fits, else the nearest."""
    found = [find_problems(branch, value, pointer) for branch in branches]
    return min(found, key=lambda problems: (_misses_tag(problems, pointer), len(problems)))


def _misses_tag(problems: list[Problem], pointer: str) -> bool:
    places = {problem.source["pointer"] for problem in problems if "is not one of" in problem.detail}
    return any(f"{pointer}/{tag}" in places for tag in ("type", "method", "channel", "value"))


def _is_on_the_calendar(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _problem(pointer: str, detail: str) -> Problem:
    return Problem("invalid", detail, {"pointer": pointer or "/"})
