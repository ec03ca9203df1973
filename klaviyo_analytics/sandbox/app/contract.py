"""The API's operations as data, one table for each revision, and the routing that follows from them.

`contract.json` holds revision 2026-01-15; each `contract-DATE.json` holds what its revision changes on its base.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import unquote

import orjson

from klaviyo_analytics.sandbox.app.errors import ApiFault

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Shape:
    """What a resource looks like in an answer; of a `link` relationship the ids are never shown."""

    type: str
    attributes: tuple[str, ...] | None
    relationships: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Limit:
    """Requests allowed in a second, in a minute and in a day."""

    burst: int
    steady: int
    daily: int | None = None


@dataclass(frozen=True, slots=True)
class FilterField:
    """A field that a filter may name, the type of its literals, and its operators."""

    type: str
    operators: frozenset[str]


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the API."""

    id: str
    method: str
    path: str
    scopes: tuple[str, ...]
    limit: Limit
    extra_limits: Mapping[str, Limit]
    success: tuple[int, ...]
    shape: Shape | None
    many: bool
    included: Mapping[str, Shape]
    filters: Mapping[str, FilterField]
    filter_required: bool
    sort: frozenset[str]
    include: tuple[str, ...]
    fields: Mapping[str, frozenset[str]]
    additional: Mapping[str, frozenset[str]]
    cursor: str | None
    page_size: tuple[int, int] | None  # default, maximum
    fixed_page: int
    body: Json | None
    content_type: str

    @property
    def segments(self) -> list[str]:
        """The path's parts after `/api/`."""
        return self.path.split("/")[2:]

    @property
    def collection(self) -> str:
        """The first part of the path, `lists` in `/api/lists/{id}`."""
        return self.segments[0]


class Contract:
    """All operations, found by their id or by method and path."""

    def __init__(self, source: Json) -> None:
        shapes = [
            Shape(
                shape["type"],
                None if shape["attributes"] is None else tuple(shape["attributes"]),
                shape["relationships"],
            )
            for shape in source["shapes"]
        ]
        self.revision: str = source["revision"]
        self.links = frozenset(source["links"])  # of a page
        self.schemas: Json = source["schemas"]
        self.operations = {
            name: _operation(name, facts, shapes) for name, facts in source["operations"].items()
        }
        self.collections = self._collections()
        self.targets = self._targets()
        self.additional = self._additional()
        self.shared_limits = {
            when: limit
            for operation in self.operations.values()
            for when, limit in operation.extra_limits.items()
            if when.startswith("additional-fields")
        }
        self._routes = self._routing_table()

    def match(self, method: str, path: str) -> tuple[Operation, dict[str, str]]:
        """Find the operation for a raw, still percent-encoded path, and the path's parameters."""
        for pattern, operations in self._routes.get(path.count("/"), []):
            found = pattern.fullmatch(path)
            if found:
                if method not in operations:
                    raise ApiFault.method_not_allowed(method, sorted(operations))
                names = (unquote(value) for value in found.groups())
                keys = re.findall(r"{(\w+)}", operations[method].path)
                return operations[method], dict(zip(keys, names, strict=True))
        raise ApiFault.not_found(f"No resource is served at {path}.")

    def has(self, method: str, path: str) -> bool:
        """Return whether an operation has this method and raw path."""
        found = (each for pattern, each in self._routes.get(path.count("/"), []) if pattern.fullmatch(path))
        return any(method in operations for operations in found)

    def _routing_table(self) -> dict[int, list[tuple[re.Pattern[str], dict[str, Operation]]]]:
        """Patterns by their number of slashes; a literal path stands before one with a parameter."""
        table: dict[str, dict[str, Operation]] = {}
        for operation in self.operations.values():
            pattern = re.sub(r"{\w+}", "([^/]+)", operation.path)
            table.setdefault(pattern, {})[operation.method] = operation
        routes: dict[int, list[tuple[re.Pattern[str], dict[str, Operation]]]] = {}
        for pattern in sorted(table, key=lambda text: text.count("(")):
            slashes = pattern.replace("[^/]", "").count("/")
            routes.setdefault(slashes, []).append((re.compile(pattern), table[pattern]))
        return routes

    def _collections(self) -> dict[str, str]:
        """Find the path name of each type that can be read by id: `{"list": "lists", ...}`."""
        return {
            operation.shape.type: operation.collection
            for operation in self.operations.values()
            if operation.method == "GET" and len(operation.segments) == 2 and operation.shape
        }

    def _targets(self) -> dict[tuple[str, str], str]:
        """Find what relationships lead to, as the paths tell: `{("list", "tags"): "tag", ...}`."""
        types = {name: type_ for type_, name in self.collections.items()}
        return {
            (types[operation.collection], operation.segments[-1]): operation.shape.type
            for operation in self.operations.values()
            if operation.method == "GET" and len(operation.segments) > 2 and operation.shape
        }

    def _additional(self) -> dict[str, frozenset[str]]:
        """Find the attributes of each type that only `additional-fields` brings."""
        names: dict[str, frozenset[str]] = {}
        for operation in self.operations.values():
            for type_, fields in operation.additional.items():
                names[type_] = names.get(type_, frozenset()) | {name for name in fields if "." not in name}
        return names


def _operation(name: str, facts: Json, shapes: list[Shape]) -> Operation:
    page_size = facts.get("page_size")
    return Operation(
        id=name,
        method=facts["method"],
        path=facts["path"],
        scopes=tuple(facts.get("scopes", ())),
        limit=_limit(facts),
        extra_limits={when: _limit(limit) for when, limit in facts.get("extra_limits", {}).items()},
        success=tuple(facts["success"]),
        shape=shapes[facts["shape"]] if "shape" in facts else None,
        many=facts.get("many", False),
        included={shapes[number].type: shapes[number] for number in facts.get("included", ())},
        filters={
            field: FilterField(value["type"], frozenset(value["operators"]))
            for field, value in facts.get("filters", {}).items()
        },
        filter_required=facts.get("filter_required", False),
        sort=frozenset(facts.get("sort", ())),
        include=tuple(facts.get("include", ())),
        fields={key: frozenset(value.split()) for key, value in facts.get("fields", {}).items()},
        additional={key: frozenset(value.split()) for key, value in facts.get("additional", {}).items()},
        cursor=facts.get("cursor"),
        page_size=(page_size[0], page_size[1]) if page_size else None,
        # Where the document is silent, later revisions say 100: campaigns, coupons, coupon codes.
        fixed_page=facts.get("fixed_page", 100),
        body=facts.get("body"),
        content_type=facts.get("content_type", "application/vnd.api+json"),
    )


def _limit(facts: Json) -> Limit:
    return Limit(facts["burst"], facts["steady"], facts.get("daily"))


OLDEST = "2026-01-15"
SERVED = (OLDEST, "2026-04-15", "2026-07-15", "2026-10-15")
REVISION: ContextVar[str] = ContextVar("revision", default=OLDEST)  # of the request at hand


def load_contract(revision: str | None = None) -> Contract:
    """Return the contract of a revision, by default of the one that the request at hand names."""
    return _contract(revision or REVISION.get())


def served_from(method: str, path: str) -> str | None:
    """Return the first revision that has an operation for a path, if any has."""
    return next((revision for revision in SERVED if load_contract(revision).has(method, path)), None)


@cache
def _contract(revision: str) -> Contract:
    return Contract(_facts(revision))


@cache
def _facts(revision: str) -> Json:
    """Read a contract that is shipped with the package; null removes an operation of its base."""
    folder = files("klaviyo_analytics.sandbox")
    name = "contract.json" if revision == OLDEST else f"contract-{revision}.json"
    own: Json = orjson.loads(folder.joinpath(name).read_bytes())
    if "base" not in own:
        return own
    base = _facts(own["base"])
    operations = base["operations"] | own["operations"]
    return {
        "revision": revision,
        "links": own["links"],
        "operations": {name: facts for name, facts in operations.items() if facts is not None},
        "shapes": [*base["shapes"], *own["shapes"]],
        "schemas": base["schemas"] | own["schemas"],
    }
