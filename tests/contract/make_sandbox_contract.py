"""Writes the sandbox's contract from the official OpenAPI document.

    python tests/contract/make_sandbox_contract.py openapi.json

The contract holds what a server must know of every /api operation: facts only, no sentences. The client's
endpoint table has a generator of its own, so that one mistake cannot hide in both.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TARGET = Path(__file__).parents[2] / "klaviyo_analytics" / "sandbox" / "contract.json"
METHODS = ("get", "post", "patch", "delete")
JSON_API = "application/vnd.api+json"
SCHEMA_KEYS = ("type", "enum", "required", "nullable", "format")
DATETIME_NAMES = ("created", "updated", "datetime", "joined_group_at")

Json = dict[str, Any]


class Document:
    """The OpenAPI document, with its references followed."""

    def __init__(self, source: Json) -> None:
        self.source = source
        self.schemas: Json = source["components"]["schemas"]

    def operations(self) -> Iterator[tuple[str, str, Json]]:
        for path, item in self.source["paths"].items():
            if path.startswith("/api/"):
                for method in METHODS:
                    if method in item:
                        yield method.upper(), path, item[method]

    def resolve(self, schema: Json) -> Json:
        """The schema itself: its reference followed, its `allOf` parts put together."""
        if "$ref" in schema:
            return self.resolve(self.schemas[schema["$ref"].rsplit("/", 1)[-1]])
        if "allOf" not in schema:
            return schema
        whole: Json = {key: value for key, value in schema.items() if key != "allOf"}
        for part in map(self.resolve, schema["allOf"]):
            properties = whole.get("properties", {}) | part.get("properties", {})
            for name in whole.get("properties", {}).keys() & part.get("properties", {}).keys():
                properties[name] = {"allOf": [whole["properties"][name], part["properties"][name]]}
            required = whole.get("required", []) + part.get("required", [])
            whole |= part | {"properties": properties, "required": required}
        return whole


class Bodies:
    """Request-body schemas, condensed; what occurs under a name is kept once, under that name."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.named: Json = {}

    def condense(self, schema: Json) -> Json:
        if "$ref" in schema:
            return {"ref": self._name(schema["$ref"].rsplit("/", 1)[-1])} | self._nullable(schema)
        whole = self.document.resolve(schema)
        short: Json = {key: whole[key] for key in SCHEMA_KEYS if whole.get(key)}
        if "properties" in whole:
            short["properties"] = {key: self.condense(part) for key, part in whole["properties"].items()}
        if "items" in whole:
            short["items"] = self.condense(whole["items"])
        for key in ("oneOf", "anyOf"):
            if key in whole:
                short["oneOf"] = [self.condense(part) for part in whole[key]]
        return short

    def _name(self, name: str) -> str:
        if name not in self.named:
            self.named[name] = {}  # a schema may hold itself
            self.named[name] = self.condense(self.document.schemas[name])
        return name

    @staticmethod
    def _nullable(schema: Json) -> Json:
        return {"nullable": True} if schema.get("nullable") else {}


class Shapes:
    """What resources look like in answers; equal shapes are kept once and referred to by number."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.kept: list[Json] = []

    def number(self, resource: Json) -> int | None:
        resolve = self.document.resolve
        properties = resource.get("properties", {})
        if "type" not in properties:
            return None
        attributes = resolve(properties.get("attributes", {})).get("properties", {})
        relationships = resolve(properties.get("relationships", {})).get("properties", {})
        shape = {
            "type": resolve(properties["type"])["enum"][0],
            "attributes": list(attributes),
            "relationships": {name: self._arity(resolve(value)) for name, value in relationships.items()},
        }
        if "attributes" not in properties:
            shape["attributes"] = None
        if shape not in self.kept:
            self.kept.append(shape)
        return self.kept.index(shape)

    def _arity(self, relationship: Json) -> str:
        """`one` or `many` where the answer may name the related ids, `link` where it never does."""
        data = relationship.get("properties", {}).get("data")
        if data is None:
            return "link"
        return "many" if self.document.resolve(data).get("type") == "array" else "one"


def build(source: Json) -> Json:
    document = Document(source)
    bodies, shapes = Bodies(document), Shapes(document)
    operations = {
        operation["operationId"]: _operation(method, path, operation, document, bodies, shapes)
        for method, path, operation in document.operations()
    }
    return {
        "revision": _revision(source),
        "operations": operations,
        "shapes": shapes.kept,
        "schemas": bodies.named,
    }


def _attributes(path: str, operation: Json, document: Document) -> Json:
    """Find the attributes of what an operation answers; where it answers ids only, of the things themselves."""
    whole = document.source["paths"].get(path.replace("/relationships/", "/"), {}).get("get", operation)
    answer = _answer(whole, document)
    attributes: Json = _item(answer, document).get("properties", {}).get("attributes", {}) if answer else {}
    return attributes


def _revision(source: Json) -> str:
    operation = next(Document(source).operations())[2]
    header = next(parameter for parameter in operation["parameters"] if parameter["name"] == "revision")
    return str(header["schema"]["default"])


def _operation(
    method: str, path: str, operation: Json, document: Document, bodies: Bodies, shapes: Shapes
) -> Json:
    facts: Json = {"method": method, "path": path, "scopes": operation.get("x-klaviyo-scopes", [])}
    facts |= _limits(operation["description"])
    answer = _answer(operation, document)
    facts |= _answer_facts(operation, answer, document, shapes)
    facts |= _query_facts(operation, _attributes(path, operation, document), document)
    if "requestBody" in operation:
        content_type, content = next(iter(operation["requestBody"]["content"].items()))
        facts["body"] = bodies.condense(content["schema"])
        if content_type != JSON_API:
            facts["content_type"] = content_type
    return {key: value for key, value in facts.items() if value not in (None, [], {}) and value is not False}


def _limits(description: str) -> Json:
    """Burst, steady and daily limits; a pair that follows a `parameter` sentence is a bucket of its own."""
    facts: Json = {}
    when: list[str] = []
    for line in re.split(r"<br>|\n", description):
        special = re.search(r"using the `(.+?)` parameter", line)
        if special:
            when.append(special[1])
        limit = re.search(r"(Burst|Steady|Daily): `(\d+)/", line)
        if limit and when:
            facts.setdefault("extra_limits", {}).setdefault(when[-1], {})[limit[1].lower()] = int(limit[2])
        elif limit:
            facts[limit[1].lower()] = int(limit[2])
    return facts


def _answer(operation: Json, document: Document) -> Json | None:
    for status, response in operation["responses"].items():
        if status.startswith("2") and response.get("content"):
            return document.resolve(next(iter(response["content"].values()))["schema"])
    return None


def _item(answer: Json, document: Document) -> Json:
    data = document.resolve(answer["properties"]["data"])
    return document.resolve(data["items"]) if data.get("type") == "array" else data


def _answer_facts(operation: Json, answer: Json | None, document: Document, shapes: Shapes) -> Json:
    facts: Json = {"success": [int(status) for status in operation["responses"] if status.startswith("2")]}
    if answer is None:
        return facts
    facts["shape"] = shapes.number(_item(answer, document))
    facts["many"] = document.resolve(answer["properties"]["data"]).get("type") == "array"
    included = document.resolve(answer["properties"].get("included", {})).get("items", {})
    members = [document.resolve(member) for member in included.get("oneOf", [included] if included else [])]
    facts["included"] = [number for member in members if (number := shapes.number(member)) is not None]
    return facts


def _query_facts(operation: Json, attributes: Json, document: Document) -> Json:
    facts: Json = {"fields": {}, "additional": {}}
    for parameter in operation.get("parameters", []):
        name, schema = parameter["name"], parameter["schema"]
        bracketed = re.fullmatch(r"(fields|additional-fields)\[(.+)\]", name)
        if bracketed:
            facts[bracketed[1].removesuffix("-fields")][bracketed[2]] = " ".join(schema["items"]["enum"])
        elif name == "filter":
            facts["filters"] = _filters(parameter["description"], attributes, document)
            facts["filter_required"] = parameter.get("required", False)
        elif name == "page[size]":
            facts["page_size"] = [schema["default"], schema["maximum"]]
        elif name in ("page[cursor]", "page_cursor"):
            facts["cursor"] = name
        elif name == "sort":
            facts["sort"] = schema["enum"]
        elif name == "include":
            facts["include"] = schema["items"]["enum"]
    stated = re.search(r"maximum of (\d+)", operation["description"])
    if stated and "cursor" in facts and "page_size" not in facts:
        facts["fixed_page"] = int(stated[1])
    return facts


def _filters(description: str, attributes: Json, document: Document) -> Json:
    filters: Json = {}
    for line in description.split("<br>")[1:]:
        found = re.match(r"`([^`]+)`: (.+)", line)
        if found:
            operators = re.findall(r"`([^`]+)`", found[2])
            filters[found[1]] = {"type": _filter_type(found[1], attributes, document), "operators": operators}
    return filters


def _filter_type(field: str, attributes: Json, document: Document) -> str:
    """The type of a filter's literal, taken from the attribute of that name where there is one."""
    schema = document.resolve(attributes)
    for part in field.split("."):
        schema = document.resolve(schema.get("items", schema)) if schema.get("type") == "array" else schema
        schema = document.resolve(schema.get("properties", {}).get(part, {}))
    if schema.get("format") in ("date-time", "date"):
        return "datetime"
    if schema.get("type") in ("integer", "number"):
        return "number"
    if schema.get("type") == "boolean":
        return "boolean"
    return "datetime" if field in DATETIME_NAMES or field.endswith("_at") else "string"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("openapi", type=Path, help="path of the OpenAPI document")
    parser.add_argument("--output", type=Path, default=TARGET, help="where to write (default: %(default)s)")
    arguments = parser.parse_args()
    contract = build(json.loads(arguments.openapi.read_text(encoding="utf-8")))
    text = json.dumps(contract, separators=(",", ":"), ensure_ascii=False)
    arguments.output.write_text(text + "\n", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
