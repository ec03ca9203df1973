"""Write body_types.json, the types of the attributes of single writes, from the official OpenAPI document.

    python -m tests.methods.make_body_types OPENAPI.json

Only facts are taken: type, whether null is allowed, and allowed values. Run it when a revision is added.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from tests.contract.make_endpoints import Schemas, dump
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
    allowed = schema.get("enum") or schemas.resolve(schema.get("items", {})).get("enum")
    facts = {"type": kind, "nullable": schema.get("nullable", False), "allowed": allowed}
    return {name: value for name, value in facts.items() if value}


def body_types(document: Any) -> dict[str, dict[str, Any]]:
    """Return the attributes of each body of a generated method."""
    schemas = Schemas(document)
    bodies = {
        operation["operationId"]: operation["requestBody"]["content"]
        for path in document["paths"].values()
        for operation in path.values()
        if isinstance(operation, dict) and "requestBody" in operation
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


if __name__ == "__main__":
    official = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    table = {"revision": official["info"]["version"], "bodies": body_types(official)}
    TARGET.write_text(dump(table), "utf-8")
