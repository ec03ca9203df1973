"""Writes the sandbox's contracts, one for each revision, from OpenAPI documents.

    python -m tests.contract.make_sandbox_contract 2026-01-15.json 2026-07-15.json 2026-07-15.pre.json

A contract holds what a server must know of every /api operation: facts only, no sentences. The client's endpoint
table has a generator of its own, so that one mistake cannot hide in both. `contract.json` is revision 2026-01-15;
each `contract-DATE.json` holds what its revision changes on its base. Where their facts come from:

- 2026-07-15: its official document;
- 2026-04-15: the document of 2026-07-15, without what the official client 23 (of 2026-04-15) does not have, and with
  the one conversation of a profile that it has instead of several;
- 2026-10-15: the campaigns of the beta document 2026-07-15.pre, with the names, the included tags and the schedule
  of a whole campaign that the official client 25 (of 2026-10-15) has beyond it.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TARGET = Path(__file__).parents[2] / "klaviyo_analytics" / "sandbox" / "contract.json"
METHODS = ("get", "post", "patch", "delete")
JSON_API = "application/vnd.api+json"
NONE = "maxProperties"  # 0 says something
SCHEMA_KEYS = ("type", "enum", "required", "nullable", "format", NONE)
DATETIME_NAMES = ("created", "updated", "datetime", "joined_group_at")
BETWEEN, LAST = "2026-04-15", "2026-10-15"
# What the official client 23 lacks of the operations of 2026-07-15.
NOT_YET = re.compile(
    r"/api/(object-types|object-schemas|object-records|object-record-bulk-delete-jobs|source-mappings)(/.*)?"
    r"|/api/profiles/{id}/(relationships/)?conversations"
)
NOT_YET_BY_NAME = ("delete_flow_action",)
# What the official client 25 has beyond the beta document.
STABLE_NAMES = {"clone_campaign": "create_campaign_clone"}
WITH_TAGS = ("get_campaigns", "get_campaign")
WHOLE = "campaign-schedule"

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

    def __init__(self, document: Document, prefix: str = "") -> None:
        self.document = document
        self.prefix = prefix  # of names that must not meet those of another document
        self.named: Json = {}

    def condense(self, schema: Json) -> Json:
        if "$ref" in schema:
            return {"ref": self._name(schema["$ref"].rsplit("/", 1)[-1])} | self._nullable(schema)
        whole = self.document.resolve(schema)
        short: Json = {
            key: whole[key] for key in SCHEMA_KEYS if whole.get(key) or (key in whole and key == NONE)
        }
        if "properties" in whole:
            short["properties"] = {key: self.condense(part) for key, part in whole["properties"].items()}
        if "items" in whole:
            short["items"] = self.condense(whole["items"])
        for key in ("oneOf", "anyOf"):
            if key in whole:
                short["oneOf"] = [self.condense(part) for part in whole[key]]
        return short

    def _name(self, name: str) -> str:
        kept = self.prefix + name
        if kept not in self.named:
            self.named[kept] = {}  # a schema may hold itself
            self.named[kept] = self.condense(self.document.schemas[name])
        return kept

    @staticmethod
    def _nullable(schema: Json) -> Json:
        return {"nullable": True} if schema.get("nullable") else {}


class Shapes:
    """What resources look like in answers; equal shapes are kept once and referred to by number."""

    def __init__(self, document: Document, known: list[Json] | None = None) -> None:
        self.document = document
        self.kept: list[Json] = list(known or ())

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


def build(source: Json, base: Json | None = None) -> Json:
    """Return the whole contract of a document; numbers of shapes that its base has stay the same."""
    document = Document(source)
    bodies, shapes = Bodies(document), Shapes(document, (base or {}).get("shapes"))
    operations = {
        operation["operationId"]: _operation(method, path, operation, document, bodies, shapes)
        for method, path, operation in document.operations()
    }
    return {
        "revision": _revision(source),
        "links": _page_links(document),
        "operations": operations,
        "shapes": shapes.kept,
        "schemas": bodies.named,
    }


def _page_links(document: Document) -> list[str]:
    """Return the links that a page has, which later documents do not all list."""
    answer = _answer(document.source["paths"]["/api/lists"]["get"], document)
    assert answer is not None
    return sorted(document.resolve(answer["properties"]["links"])["properties"])


def between(new: Json) -> Json:
    """Return the contract of 2026-04-15, which has pages of a chosen size, but no custom objects yet."""
    shapes = list(new["shapes"])
    one = {number: len(shapes) + place for place, number in enumerate(_with_conversations(shapes))}
    shapes += [_one_conversation(shapes[number]) for number in one]
    operations: Json = {}
    for name, facts in new["operations"].items():
        if NOT_YET.fullmatch(facts["path"]) or name in NOT_YET_BY_NAME:
            continue
        changed = dict(facts)
        if include := facts.get("include"):
            changed["include"] = ["conversation" if word == "conversations" else word for word in include]
        if "shape" in facts:
            changed["shape"] = one.get(facts["shape"], facts["shape"])
        if "included" in facts:
            changed["included"] = [one.get(number, number) for number in facts["included"]]
        operations[name] = changed
    return new | {"revision": BETWEEN, "operations": operations, "shapes": shapes}


def _with_conversations(shapes: list[Json]) -> list[int]:
    return [number for number, shape in enumerate(shapes) if "conversations" in shape["relationships"]]


def _one_conversation(shape: Json) -> Json:
    links = {name: arity for name, arity in shape["relationships"].items() if name != "conversations"}
    return shape | {"relationships": links | {"conversation": "one"}}


def next_campaigns(source: Json, base: Json) -> Json:
    """Return the contract of 2026-10-15: that of 2026-07-15 with the campaigns of the beta document."""
    document = Document(source)
    bodies, shapes = Bodies(document, f"{LAST}/"), Shapes(document, base["shapes"])
    operations = dict(base["operations"])
    for method, path, operation in document.operations():
        if path.split("/")[2].startswith("campaign"):
            beta = operation["operationId"].removesuffix("_beta")
            facts = _operation(method, path, operation, document, bodies, shapes)
            operations[STABLE_NAMES.get(beta, beta)] = facts
    tag = base["operations"]["get_tags"]
    for name in WITH_TAGS:
        facts = operations[name]
        facts["include"] = [*facts["include"], "tags"]
        facts["fields"] = facts["fields"] | {"tag": tag["fields"]["tag"]}
        facts["included"] = [*facts["included"], tag["shape"]]
    inside, one = operations["get_messages_for_campaign"], operations["get_campaign_for_campaign_message"]
    inside |= {
        "include": ["campaign"],
        "fields": inside["fields"] | one["fields"],
        "included": [one["shape"]],
    }
    namespace = {"namespace": {"type": "string", "operators": ["equals"]}}
    operations["get_data_sources"] = operations["get_data_sources"] | {"filters": namespace}
    for name in ("get_coupon_codes_for_coupon", "get_coupon_code_ids_for_coupon"):
        facts = operations[name]
        filters = {field: value for field, value in facts["filters"].items() if field != "coupon.id"}
        operations[name] = facts | {"filters": filters}
    lists = operations["get_campaign_messages"]  # client 25 reads no variations beside a list of messages
    lists["include"] = ["campaign"]
    lists["fields"] = {kind: names for kind, names in lists["fields"].items() if kind != "campaign-variation"}
    lists["included"] = [
        number for number in lists["included"] if shapes.kept[number]["type"] != "campaign-variation"
    ]
    single = operations["schedule_campaign_message"]
    shapes.kept.append({"type": WHOLE, "attributes": ["messages"], "relationships": {"campaign": "one"}})
    bodies.named |= whole_schedule(bodies.named[f"{LAST}/CampaignMessageScheduleQueryResourceObject"])
    operations["schedule_campaign"] = single | {
        "path": f"/api/{WHOLE}",
        "shape": len(shapes.kept) - 1,
        "fields": {WHOLE: "id messages"},
        "body": {"ref": f"{LAST}/CampaignScheduleQuery"},
    }
    return {
        "revision": LAST,
        "links": base["links"],
        "operations": operations,
        "shapes": shapes.kept,
        "schemas": base["schemas"] | bodies.named,
    }


def whole_schedule(single: Json) -> Json:
    """Return the body that schedules the messages of a campaign, made of the body for one message."""
    of_message: Json = single["properties"]["attributes"]
    each = of_message | {
        "required": [*of_message["required"], "message_id"],
        "properties": of_message["properties"] | {"message_id": {"type": "string"}},
    }
    kind = {"type": "string", "enum": ["campaign"]}
    link = {
        "type": "object",
        "required": ["type", "id"],
        "properties": {"type": kind, "id": {"type": "string"}},
    }
    parts = {
        "type": {"type": "string", "enum": [WHOLE]},
        "attributes": {
            "type": "object",
            "required": ["message_schedules"],
            "properties": {"message_schedules": {"type": "array", "items": each}},
        },
        "relationships": {
            "type": "object",
            "required": ["campaign"],
            "properties": {
                "campaign": {"type": "object", "required": ["data"], "properties": {"data": link}}
            },
        },
    }
    data = {"type": "object", "required": [*parts], "properties": parts}
    whole = {"type": "object", "required": ["data"], "properties": {"data": data}}
    return {f"{LAST}/CampaignScheduleQuery": whole}


def difference(base: Json, contract: Json) -> Json:
    """Return what a contract adds, changes or (as null) removes; shapes are numbered, so that new ones follow."""
    changed = {
        section: {key: value for key, value in contract[section].items() if base[section].get(key) != value}
        for section in ("operations", "schemas")
    }
    gone: Json = dict.fromkeys(name for name in base["operations"] if name not in contract["operations"])
    count = len(base["shapes"])
    assert contract["shapes"][:count] == base["shapes"]
    return {
        "revision": contract["revision"],
        "base": base["revision"],
        "links": contract["links"],
        "operations": changed["operations"] | gone,
        "shapes": contract["shapes"][count:],
        "schemas": changed["schemas"],
    }


def contracts(oldest: Json, newer: Json, beta: Json) -> dict[str, Json]:
    """Return what each file holds, by its name."""
    first = build(oldest)
    second = build(newer, first)
    third = next_campaigns(beta, second)
    return {
        "contract.json": first,
        f"contract-{BETWEEN}.json": difference(second, between(second)),
        f"contract-{second['revision']}.json": difference(first, second),
        f"contract-{LAST}.json": difference(second, third),
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
    inner = document.resolve(schema.get("properties", {}).get("definition", {}))
    if field not in schema.get("properties", {}) and field in inner.get("properties", {}):
        schema = inner
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


def main(*paths: str) -> None:
    documents = (json.loads(Path(path).read_text(encoding="utf-8")) for path in paths)
    for name, contract in contracts(*documents).items():
        text = json.dumps(contract, separators=(",", ":"), ensure_ascii=False)
        TARGET.with_name(name).write_text(text + "\n", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
