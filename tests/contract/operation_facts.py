"""What an OpenAPI document says about an operation: limits, filters, paging, fields and the form of the body.

Limits and filters stand only in prose, in the same form since 2026-01-15; the rest is read from schemas.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.contract.make_endpoints import Schemas

Json = dict[str, Any]
METHODS = ("get", "post", "put", "patch", "delete")
CURSORS = ("page[cursor]", "page_cursor")


def operations(document: Json, schemas: Schemas) -> Iterator[tuple[Json, Json]]:
    """Yield (facts, the document's own entry) of every operation."""
    for path, methods in document["paths"].items():
        for method, official in methods.items():
            if method in METHODS:
                yield facts(method.upper(), path, official, schemas), official


def facts(method: str, path: str, official: Json, schemas: Schemas) -> Json:
    """Return what the endpoint table needs of one operation."""
    query = {each["name"]: each for each in official.get("parameters", ()) if each["in"] == "query"}
    windows, extra = limits(official.get("description", ""))
    size = query.get("page[size]", {}).get("schema")
    success = next(code for code in official["responses"] if code.startswith("2"))
    return {
        "operation_id": official["operationId"],
        "method": method,
        "path": path,
        "category": official["tags"][0],
        "limits": windows,
        "extra_limits": extra,
        "scopes": official.get("x-klaviyo-scopes", []),
        "page_size": {"default": size["default"], "max": size["maximum"]} if size else None,
        "cursor_param": next((name for name in CURSORS if name in query), None),
        "filters": filters(query.get("filter", {}).get("description", "")),
        "filter_required": query.get("filter", {}).get("required", False),
        "sort": query["sort"]["schema"]["enum"] if "sort" in query else [],
        "include": query["include"]["schema"]["items"]["enum"] if "include" in query else [],
        "fields": bracketed(query, "fields"),
        "additional_fields": bracketed(query, "additional-fields"),
        "returns_body": bool(official["responses"][success].get("content")),
        "body": body(official, schemas),
    }


def limits(description: str) -> tuple[list[str], list[list[Any]]]:
    """Read the limits of an operation, and those of parameters that have buckets of their own."""
    windows: list[str] = []
    extra: dict[str, list[str]] = {}
    when = ""
    for line in re.split(r"<br>|\n", description):
        if special := re.search(r"using the `(.+?)` parameter", line):
            when = special[1]
        if limit := re.search(r"(Burst|Steady|Daily): `(\d+/\w)", line):
            (extra.setdefault(when, []) if when else windows).append(limit[2])
    return windows, [[plural(name), each] for name, each in extra.items()]


def plural(when: str) -> str:
    """Return the name of the relationship: `include=list` stands for `include=lists`."""
    return f"{when}s" if when.startswith("include=") and not when.endswith("s") else when


def filters(description: str) -> dict[str, list[str]]:
    """Read `name`: `operator`, `operator` from the description of the filter parameter."""
    found: dict[str, list[str]] = {}
    for line in description.split("<br>")[1:]:
        if field := re.match(r"`([^`]+)`: (.+)", line):
            found[field[1]] = re.findall(r"`([^`]+)`", field[2])
    return found


def bracketed(query: dict[str, Json], family: str) -> dict[str, list[str]]:
    """Return {type: names} of `fields[type]` or `additional-fields[type]`."""
    return {
        name[len(family) + 1 : -1]: parameter["schema"]["items"]["enum"]
        for name, parameter in query.items()
        if name.startswith(f"{family}[")
    }


def body(official: Json, schemas: Schemas) -> Json | None:
    """Return the type, attributes and relationships of a request's body."""
    content = official.get("requestBody", {}).get("content")
    if not content:
        return None
    media, described = next(iter(content.items()))
    whole = schemas.resolve(described["schema"])
    if media == "multipart/form-data":
        return _named(whole) | {"multipart": True}
    data = schemas.resolve(whole["properties"]["data"])
    many = data.get("type") == "array"
    data = schemas.resolve(data["items"]) if many else data
    parts = data["properties"]
    kind = schemas.resolve(parts["type"])["enum"][0]
    found: Json = {"type": kind}
    if "id" in parts:
        found["id"] = "required" if "id" in data.get("required", ()) else "optional"
    if "attributes" in parts:
        found |= _named(schemas.resolve(parts["attributes"]))
    if "relationships" in parts:
        found["relationships"] = _relationships(schemas.resolve(parts["relationships"]), schemas)
    if many:
        found["many"] = True
    return found


def _named(attributes: Json) -> Json:
    required = sorted(set(attributes.get("required", ())))
    optional = sorted(name for name in attributes.get("properties", {}) if name not in required)
    return {"required": required, "optional": optional}


def _relationships(schema: Json, schemas: Schemas) -> Json:
    found: Json = {}
    for name, value in schema.get("properties", {}).items():
        data = schemas.resolve(schemas.resolve(value)["properties"]["data"])
        many = data.get("type") == "array"
        item = schemas.resolve(data["items"]) if many else data
        kind = schemas.resolve(item["properties"]["type"])["enum"][0]
        found[name] = [kind, "many" if many else "one", name in schema.get("required", ())]
    return found
