"""Write klaviyo_analytics/endpoints/endpoints.json from the official OpenAPI document and a table of operation facts.

    python tests/contract/make_endpoints.py OPENAPI.json OPERATIONS.json

OPERATIONS.json holds one object per operation with what the document says only in prose (limits, filters, ...).
Only facts that the code needs are taken: names, types, numbers. Run it when the revision is raised.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

Json = dict[str, Any]
TARGET = Path(__file__).parents[2] / "klaviyo_analytics" / "endpoints" / "endpoints.json"
SCALARS = {"integer": "integer", "number": "number", "boolean": "boolean"}
# What the document leaves untyped and every account answers with.
KNOWN: dict[str, dict[str, str | None]] = {
    "profile": {"location.latitude": "number", "location.longitude": "number"},
    "metric": {
        "created": "time",
        "updated": "time",
        "integration": None,
        "integration.id": "text",
        "integration.name": "text",
        "integration.category": "text",
        "integration.key": "text",
        "integration.image_url": "text",
        "integration.object": "text",
    },
}
DEEPEST = 6  # how far nested attributes are flattened; nothing in the document is deeper


class Schemas:
    """The document's component schemas, with references and allOf resolved."""

    def __init__(self, document: Json) -> None:
        self.components: Json = document["components"]["schemas"]

    def resolve(self, schema: Json) -> Json:
        while "$ref" in schema:
            schema = self.components[schema["$ref"].rsplit("/", 1)[-1]]
        if "allOf" not in schema:
            return schema
        merged: Json = {}
        properties: Json = {}
        for part in map(self.resolve, schema["allOf"]):
            merged |= part
            for name, value in part.get("properties", {}).items():
                properties[name] = {"allOf": [properties[name], value]} if name in properties else value
        return merged | ({"properties": properties} if properties else {})

    def attributes(self, schema: Json, prefix: str = "", depth: int = 0) -> dict[str, Any]:
        """Flatten an object schema to {dotted name: kind}."""
        flat: dict[str, str] = {}
        for name, value in self.resolve(schema).get("properties", {}).items():
            for dotted, kind in self.kinds(value, prefix + name, depth).items():
                flat[dotted] = kind if flat.get(dotted, kind) == kind else "json"
        return flat

    def kinds(self, schema: Json, name: str, depth: int) -> dict[str, str]:
        schema = self.resolve(schema)
        branches = [self.resolve(branch) for branch in schema.get("oneOf") or schema.get("anyOf") or []]
        if branches:
            merged: dict[str, str] = {}
            if not all(branch.get("properties") for branch in branches):
                found = {kind for branch in branches for kind in self.kinds(branch, name, depth).values()}
                return {name: found.pop() if len(found) == 1 else "json"}
            for branch in branches:
                for dotted, kind in self.kinds(branch, name, depth).items():
                    merged[dotted] = kind if merged.get(dotted, kind) == kind else "json"
            return merged
        if schema.get("properties") and depth < DEEPEST:
            return self.attributes(schema, f"{name}.", depth + 1)
        if schema.get("type") == "string":
            return {name: "time" if schema.get("format") == "date-time" else "text"}
        return {name: SCALARS.get(schema.get("type", ""), "json")}

    def relationships(self, resource: Json) -> Json:
        """Give {name: [type, "one" or "many"]} of the relationships that can carry ids."""
        found: Json = {}
        schema = resource["properties"].get("relationships", {})
        for name, value in self.resolve(schema).get("properties", {}).items():
            data = self.resolve(self.resolve(value)["properties"].get("data", {}))
            many = data.get("type") == "array"
            item = self.resolve(data["items"]) if many else data
            if "properties" in item:
                kind = self.resolve(item["properties"]["type"])["enum"][0]
                found[name] = [kind, "many" if many else "one"]
        return found


class Shapes:
    """Resource shapes, each kept once: `profile`, and `profile/2` where an endpoint answers with another."""

    def __init__(self, schemas: Schemas) -> None:
        self.schemas = schemas
        self.kept: Json = {}

    def key(self, resource: Json) -> str | None:
        resource = self.schemas.resolve(resource)
        named = self.schemas.resolve(resource.get("properties", {}).get("type", {}))
        if "enum" not in named:
            return None
        kind: str = named["enum"][0]
        attributes = self.schemas.attributes(resource["properties"].get("attributes", {}))
        known = KNOWN.get(kind, {}) if attributes else {}
        shape = {
            "attributes": {name: what for name, what in (attributes | known).items() if what},
            "relationships": self.schemas.relationships(resource),
        }
        for number in range(1, 100):
            key = kind if number == 1 else f"{kind}/{number}"
            if self.kept.setdefault(key, shape) == shape:
                return key
        raise AssertionError(kind)

    def answer(self, operation: Json) -> tuple[str | None, Json]:
        """Shape of the primary data of an operation's answer, and of what it may include."""
        for status in ("200", "201", "202"):
            content = operation["responses"].get(status, {}).get("content", {})
            for media in content.values():
                answer = self.schemas.resolve(media["schema"])
                data = self.schemas.resolve(answer.get("properties", {}).get("data", {}))
                if data.get("type") == "array":
                    data = self.schemas.resolve(data["items"])
                included = self.schemas.resolve(answer.get("properties", {}).get("included", {}))
                items = self.schemas.resolve(included.get("items", {}))
                shapes = [self.key(item) for item in items.get("oneOf", [items] if items else [])]
                return self.key(data), {key.split("/")[0]: key for key in shapes if key}
        return None, {}


def limits(operation: Json) -> list[str]:
    return [operation[window] for window in ("burst", "steady", "daily") if operation[window]]


def plural(when: str) -> str:
    """`include=list` stands for the relationship `lists`."""
    return f"{when}s" if when.startswith("include=") and not when.endswith("s") else when


def body(operation: Json) -> Json | None:
    if operation["body_type"] is None and not operation["content_type"]:
        return None
    required, optional = operation["body_required"], operation["body_optional"]
    relationships = {
        name: [facts["type"], "many" if facts["many"] else "one", facts["required"]]
        for name, facts in operation["relationships"].items()
    }
    facts = {
        "type": operation["body_type"],
        "id": operation["body_id"],
        "required": required,
        "optional": optional,
        "relationships": relationships,
        "many": operation["body_many"],
        "multipart": operation["content_type"] == "multipart/form-data",
    }
    return {name: value for name, value in facts.items() if value}


def replay_safe(operation: Json) -> bool:
    """Say whether sending it twice does what sending it once does; of the POSTs, only those that ask."""
    asks = operation["category"] == "Reporting" or operation["operation_id"] in {
        "query_metric_aggregates", "render_template",
    }  # fmt: skip
    return operation["method"] in ("GET", "PATCH", "DELETE") or asks


def entry(operation: Json, official: Json, shapes: Shapes) -> Json:
    returns, included = shapes.answer(official)
    query_fields = {kind: names for kind, names in operation["fields"].items() if names}
    collection = operation["page_size"] or operation["paginated"] or operation["cursor_param"]
    facts: Json = {
        "method": operation["method"],
        "path": operation["path"],
        "category": operation["category"],
        "limits": limits(operation),
        "extra_limits": [[plural(x["when"]), [x["burst"], x["steady"]]] for x in operation["extra_limits"]],
        "scopes": operation["scopes"],
        "collection": bool(collection),
        "page": [operation["page_size"]["default"], operation["page_size"]["max"]]
        if operation["page_size"]
        else None,
        "cursor": operation["cursor_param"],
        "filters": operation["filters"],
        "filter_required": operation["filter_required"],
        "sort": [name for name in operation["sort"] if not name.startswith("-")],
        "include": operation["include"],
        "fields": query_fields,
        "additional_fields": operation["additional_fields"],
        "body": body(operation),
        "returns": returns,
        "included": included,
        "no_body": not operation["returns_body"],
        "replay_safe": replay_safe(operation),
    }
    return {name: value for name, value in facts.items() if value}


def share(operations: Json) -> Json:
    """Replace each list of field names by the name of a list kept once."""
    kept: dict[str, list[str]] = {}
    for facts in operations.values():
        for kind, names in facts.get("fields", {}).items():
            for number in range(1, 100):
                key = kind if number == 1 else f"{kind}/{number}"
                if kept.setdefault(key, names) == names:
                    facts["fields"][kind] = key
                    break
    return kept


def dump(table: Json) -> str:
    """One line an entry: short enough to read, and a change shows as one line."""
    parts = []
    for section, content in table.items():
        if not isinstance(content, dict):
            parts.append(f" {json.dumps(section)}: {json.dumps(content)}")
            continue
        lines = ",\n".join(f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in content.items())
        parts.append(f" {json.dumps(section)}: {{\n{lines}\n }}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def main(openapi: str, operations: str) -> None:
    document = json.loads(Path(openapi).read_text("utf-8"))
    official = {
        operation["operationId"]: operation
        for path in document["paths"].values()
        for operation in path.values()
        if isinstance(operation, dict) and "operationId" in operation
    }
    shapes = Shapes(Schemas(document))
    table: Json = {
        operation["operation_id"]: entry(operation, official[operation["operation_id"]], shapes)
        for operation in json.loads(Path(operations).read_text("utf-8"))
        if operation["path"].startswith("/api/")
    }
    fields = share(table)
    whole = {
        "revision": document["info"]["version"],
        "operations": table,
        "fields": fields,
        "shapes": shapes.kept,
    }
    TARGET.write_text(dump(whole), "utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
