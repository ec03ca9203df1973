"""The query string, read and checked against what the operation allows."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from klaviyo_analytics.sandbox.app.contract import Operation
from klaviyo_analytics.sandbox.app.errors import ApiFault
from klaviyo_analytics.sandbox.app.filters import Condition, Parser, check_conditions
from klaviyo_analytics.sandbox.app.suppressions import check_suppression_filters

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
        target[bracketed[2]] = _names(name, value, fields[bracketed[2]]) if value else ()
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
    needed = REQUIRED_FIELDS.get(operation.id, ())
    if needed and not named.intersection(needed):
        raise ApiFault.parameter("filter", f"The filter must name {' or '.join(needed)}.")
    for condition in query.conditions:
        if condition.field == "messages.channel" and condition.literal not in CHANNELS:
            _refuse("filter", str(condition.literal), CHANNELS)


def _refuse(parameter: str, value: str, allowed: frozenset[str] | tuple[str, ...]) -> None:
    detail = f"{value!r} is not allowed in {parameter}; allowed: {', '.join(sorted(allowed))}."
    raise ApiFault.parameter(parameter, detail)
