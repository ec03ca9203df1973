"""Write body_types.json, the types of the attributes of single writes, from OpenAPI documents.

    python -m tests.methods.make_body_types 2026-01-15.json 2026-07-15.json 2026-07-15.pre.json

Only facts are taken: type, whether null is allowed, and allowed values. Run it when a revision is added.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.contract.make_endpoints import Schemas, dump, stable_name
from tests.methods.methods_table import MODULES

TARGET = Path(__file__).with_name("body_types.json")
ALSO = ("update_profile", "create_or_update_profile")  # their methods are written by hand
TYPES = {"string": "text", "integer": "integer", "number": "number", "boolean": "boolean", "array": "list"}


def attribute(schemas: Schemas, schema: Any) -> dict[str, Any]:
    """Return the facts of one attribute."""
    schema = schemas.resolve(schema)
    kind = TYPES.get(schema.get("type", ""), "object")
    if schema.get("format") == "date-time":
        kind = "time"
    items = schemas.resolve(schema.get("items", {}))
    if kind == "list" and items.get("type") != "string":
        kind = "objects"
    allowed = schema.get("enum") or items.get("enum")
    facts = {"type": kind, "nullable": schema.get("nullable", False), "allowed": allowed}
    return {name: value for name, value in facts.items() if value}


def body_types(document: Any, *, beta: bool = False) -> dict[str, dict[str, Any]]:
    """Return the attributes of each body of a generated method; of a beta document, those that became stable."""
    schemas = Schemas(document)
    bodies = {
        stable_name(operation["operationId"]) if beta else operation["operationId"]: operation["requestBody"][
            "content"
        ]
        for path, methods in document["paths"].items()
        if not beta or path.startswith("/api/campaign")
        for operation in methods.values()
        if isinstance(operation, dict) and "requestBody" in operation
        for name in (operation["operationId"],)
    }
    found: dict[str, dict[str, Any]] = {}
    generated = [
        one.operation for classes in MODULES.values() for m in classes.values() for one in m.values()
    ]
    for operation in sorted({*generated, *ALSO} & set(bodies)):
        (content,) = list(bodies[operation].values())[:1]
        data = schemas.resolve(schemas.resolve(content["schema"])["properties"]["data"])
        if data.get("type") != "array":
            held = schemas.resolve(data["properties"].get("attributes", {})).get("properties", {})
            found[operation] = {name: attribute(schemas, schema) for name, schema in held.items()}
    return found


def merged(documents: Sequence[Any]) -> dict[str, dict[str, Any]]:
    """Return the attributes that any of the documents knows, oldest first; a value must be allowed by one of them."""
    found: dict[str, dict[str, Any]] = {}
    for document in documents:
        beta = str(document["info"]["version"]).endswith(".pre")
        for operation, attributes in body_types(document, beta=beta).items():
            known = found.setdefault(operation, {})
            for name, facts in attributes.items():
                known[name] = joined(known.get(name, facts), facts)
    return dict(sorted(found.items()))


def joined(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """Return facts of an attribute that hold for both."""
    facts: dict[str, Any] = {"type": old["type"] if old["type"] == new["type"] else "object"}
    if old.get("nullable") or new.get("nullable"):
        facts["nullable"] = True
    if old.get("allowed") and new.get("allowed"):
        facts["allowed"] = list(dict.fromkeys([*old["allowed"], *new["allowed"]]))
    return facts


if __name__ == "__main__":
    official = [json.loads(Path(path).read_text("utf-8")) for path in sys.argv[1:]]
    table = {"revision": official[0]["info"]["version"], "bodies": merged(official)}
    TARGET.write_text(dump(table), "utf-8")
