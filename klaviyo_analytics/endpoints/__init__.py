"""The API described once, as data, and its reader.

`endpoints.json` holds revision 2026-01-15; each `endpoints-DATE.json` what a later revision changes.

The table has for every operation: method, path, documented limits, page size, allowed filters, sort fields,
includes, sparse fields, the attributes of a body, and the shape of the resources in the answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import orjson

from klaviyo_analytics.errors import InvalidInputError, InvalidQueryError

Kind = Literal["text", "time", "integer", "number", "boolean", "json"]
SECONDS = {"s": 1, "m": 60, "d": 86_400}


@dataclass(frozen=True, slots=True)
class Window:
    """A documented limit: so many requests in so many seconds."""

    requests: int
    seconds: int

    @classmethod
    def parse(cls, text: str) -> Window:
        """Read `350/s`, `15/m` or `225/d`."""
        requests, unit = text.split("/")
        return cls(int(requests), SECONDS[unit])

    def __str__(self) -> str:
        unit = next(unit for unit, seconds in SECONDS.items() if seconds == self.seconds)
        return f"{self.requests}/{unit}"


@dataclass(frozen=True, slots=True)
class Shape:
    """Attributes (dotted name to kind) and relationships (name to type, one or many) of a resource."""

    type: str
    attributes: Mapping[str, Kind]
    relationships: Mapping[str, tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Body:
    """What a request's body holds."""

    type: str | None = None
    id: str | None = None
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    relationships: Mapping[str, tuple[str, str, bool]] = field(default_factory=dict)
    many: bool = False
    multipart: bool = False


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One operation of the API."""

    operation: str
    method: str
    path: str
    category: str
    limits: tuple[Window, ...]
    extra_limits: tuple[tuple[str, str, tuple[Window, ...]], ...]  # parameter, value, windows
    scopes: tuple[str, ...]
    collection: bool
    page_default: int | None
    page_max: int | None
    cursor: str | None
    filters: Mapping[str, tuple[str, ...]]
    filter_required: bool
    sort: tuple[str, ...]
    include: tuple[str, ...]
    fields: Mapping[str, tuple[str, ...]]
    additional_fields: Mapping[str, tuple[str, ...]]
    body: Body | None
    returns: Shape | None
    included: Mapping[str, Shape]
    no_body: bool
    may_be_empty: (
        bool  # as `no_body`; where revisions were merged, whether any of them answers without a body
    )
    replay_safe: bool

    @property
    def type(self) -> str | None:
        """JSON:API type of the answer's primary data."""
        return self.returns.type if self.returns else None

    def one_to_one(self, *, free: bool) -> tuple[str, ...]:
        """Return the to-one relationships that `include` shows: those that need no further scope, or the others.

        The API returns their ids only where they are included; an event always has them.
        """
        if self.returns is None or self.type == "event":
            return ()
        return tuple(
            name
            for name, (kind, arity) in self.returns.relationships.items()
            if arity == "one" and name in self.include and (scopes_of(kind) <= set(self.scopes)) is free
        )

    def at(self, **ids: str) -> str:
        """Fill the path's ids in, percent-encoded: catalog ids hold `$` and `:::`, job ids can hold `=`."""
        from urllib.parse import quote  # noqa: PLC0415  (keeps the table's import light)

        if dots := [value for value in ids.values() if value in (".", "..")]:  # would lead to another path
            raise InvalidInputError(
                f"{dots[0]!r} is not an id. Pass an id as text, or a row that `get` or `find` returned."
            )
        return self.path.format(**{name: quote(value, safe="") for name, value in ids.items()})


@dataclass(frozen=True, slots=True)
class Catalog:
    """All operations of one revision; `named` has those of which only method and path are known here.

    These are the calls of web pages and apps (/client/...), and what is new in a revision and needs no method.
    """

    revision: str
    operations: Mapping[str, Endpoint]
    named: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    def __getitem__(self, operation: str) -> Endpoint:
        try:
            return self.operations[operation]
        except KeyError:
            from klaviyo_analytics.endpoints import revisions  # noqa: PLC0415  (imports this module)

            where = revisions.having(operation)
            raise InvalidQueryError(
                f"{operation} is not an operation of API revision {self.revision}. "
                + (
                    f"These revisions have it: {', '.join(where)}. Connect with revision={where[0]!r}."
                    if where
                    else "No revision known here has it. client.describe() lists the operations."
                )
            ) from None

    def __iter__(self) -> Iterator[Endpoint]:
        return iter(self.operations.values())

    def find(self, method: str, path: str) -> Endpoint | None:
        """Return the operation that a concrete path belongs to; fixed words win over ids."""
        parts = path.split("/")
        matches = [
            endpoint
            for endpoint in self
            if endpoint.method == method and _fits(endpoint.path.split("/"), parts)
        ]
        return min(matches, key=lambda endpoint: endpoint.path.count("{"), default=None)


def _fits(template: list[str], parts: list[str]) -> bool:
    return len(template) == len(parts) and all(
        fixed == given or (fixed.startswith("{") and given)
        for fixed, given in zip(template, parts, strict=True)
    )


@cache
def load(revision: str = "2026-01-15") -> Catalog:
    """Read the table of a revision; once a process.

    A revision without a table of its own has what the tables just before and after it allow, without what is known
    to have come later; one that is newer than
    all tables has the newest, and one that is older the oldest. See `endpoints.revisions`.
    """
    from klaviyo_analytics.endpoints import revisions  # noqa: PLC0415  (imports this module)

    names = revisions.tables_for(revision)
    if len(names) == 1:
        return _read(names[0])
    found = [_read(name) for name in names]
    named = {name: call for catalog in found for name, call in catalog.named.items()}
    return Catalog(revision, revisions.between(revision, found), named)


@cache
def _read(revision: str) -> Catalog:
    table = _facts(revision)
    shapes = {key: _shape(key, facts) for key, facts in table["shapes"].items()}
    operations = {
        name: _endpoint(name, facts, table["fields"], shapes) for name, facts in table["operations"].items()
    }
    named = {name: (method, path) for name, (method, path) in table["named"].items()}
    return Catalog(revision, operations, named)


def _facts(revision: str) -> dict[str, Any]:
    """Read a table, with what it changes put on the table before it; null removes an operation."""
    folder = files(__package__)
    own = folder.joinpath(f"endpoints-{revision}.json")
    if not own.is_file():
        whole: dict[str, Any] = orjson.loads(folder.joinpath("endpoints.json").read_bytes())
        return whole
    change = orjson.loads(own.read_bytes())
    base = _facts(change["base"])
    merged = base["operations"] | change["operations"]
    return {
        "operations": {name: facts for name, facts in merged.items() if facts is not None},
        "fields": base["fields"] | change["fields"],
        "shapes": base["shapes"] | change["shapes"],
        "named": base["named"] | change["named"],
    }


@cache
def scopes_of(kind: str) -> frozenset[str]:
    """Return the scopes that reading one resource of a type needs, which are those of including it."""
    from klaviyo_analytics.endpoints import revisions  # noqa: PLC0415  (imports this module)

    for revision in revisions.TABLES:
        found = [
            endpoint.scopes
            for endpoint in load(revision)
            if endpoint.method == "GET" and endpoint.type == kind
        ]
        if found:
            return min(map(frozenset, found), key=len)
    return frozenset({"unknown"})


def _shape(key: str, facts: dict[str, Any]) -> Shape:
    relationships = {name: (kind, arity) for name, (kind, arity) in facts["relationships"].items()}
    return Shape(key.split("/", maxsplit=1)[0], facts["attributes"], relationships)


def _endpoint(
    name: str, facts: dict[str, Any], fields: dict[str, list[str]], shapes: dict[str, Shape]
) -> Endpoint:
    page = facts.get("page") or (None, None)
    body = facts.get("body")
    return Endpoint(
        operation=name,
        method=facts["method"],
        path=facts["path"],
        category=facts["category"],
        limits=tuple(map(Window.parse, facts["limits"])),
        extra_limits=tuple(
            (*when.split("=", 1), tuple(map(Window.parse, windows)))
            for when, windows in facts.get("extra_limits", ())
        ),
        scopes=tuple(facts.get("scopes", ())),
        collection=facts.get("collection", False),
        page_default=page[0],
        page_max=page[1],
        cursor=facts.get("cursor"),
        filters={name: tuple(operators) for name, operators in facts.get("filters", {}).items()},
        filter_required=facts.get("filter_required", False),
        sort=tuple(facts.get("sort", ())),
        include=tuple(facts.get("include", ())),
        fields={kind: tuple(fields[key]) for kind, key in facts.get("fields", {}).items()},
        additional_fields={kind: tuple(v) for kind, v in facts.get("additional_fields", {}).items()},
        body=_body(body) if body is not None else None,
        returns=shapes[facts["returns"]] if facts.get("returns") else None,
        included={kind: shapes[key] for kind, key in facts.get("included", {}).items()},
        no_body=facts.get("no_body", False),
        may_be_empty=facts.get("no_body", False),
        replay_safe=facts.get("replay_safe", False),
    )


def _body(facts: dict[str, Any]) -> Body:
    return Body(
        type=facts.get("type"),
        id=facts.get("id"),
        required=tuple(facts.get("required", ())),
        optional=tuple(facts.get("optional", ())),
        relationships={name: tuple(v) for name, v in facts.get("relationships", {}).items()},
        many=facts.get("many", False),
        multipart=facts.get("multipart", False),
    )
