"""Write klaviyo_analytics/endpoints/endpoints.json and what differs in later revisions from OpenAPI documents.

    python -m tests.contract.make_endpoints 2026-01-15.json 2026-07-15.json 2026-07-15.pre.json FOLDER-OF-CLIENT-25

The first two are official documents. The third is the beta document whose campaigns became stable in 2026-10-15;
`LATER` adds what the official Python client 25 (of 2026-10-15) has beyond it; what else is in the client, in a folder
of its own, is named without more facts.
Only facts that the code needs are taken: names, types, numbers.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

from tests.contract import operation_facts

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
NEXT = "2026-10-15"
# Operations of the beta document whose stable names differ in a client of that revision.
RENAMED = {"clone_campaign": "create_campaign_clone"}
# What klaviyo-api 25 has in 2026-10-15 beyond the beta document.
LATER: dict[str, dict[str, Any]] = {
    name: {"include": ["tags"], "fields": {"tag": ["name"]}, "included": {"tag": "tag"}}
    for name in ("get_campaigns", "get_campaign")
}
# The schedules of all messages of a campaign at once, which only klaviyo-api 25 has.
WHOLE_SCHEDULE: dict[str, Any] = {
    "path": "/api/campaign-schedule",
    "fields": {"campaign-schedule": ["messages"]},
    "body": {
        "type": "campaign-schedule",
        "required": ["message_schedules"],
        "relationships": {"campaign": ["campaign", "one", True]},
    },
    "returns": "campaign-schedule",
}
# The fields that its filters allow where these differ from 2026-07-15.
FILTERS = {
    "get_data_sources": ["namespace"],
    "get_coupon_codes_for_coupon": ["expires_at", "status", "profile.id"],
    "get_coupon_code_ids_for_coupon": ["expires_at", "status", "profile.id"],
}
# What klaviyo-api 25 does not read in 2026-10-15 although the beta document has it.
WITHOUT = {"get_campaign_messages": "campaign-variation"}
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

    def __init__(self, schemas: Schemas, known: Json) -> None:
        self.schemas = schemas
        self.kept: Json = dict(known)

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


def replay_safe(operation: Json) -> bool:
    """Say whether sending it twice does what sending it once does; of the POSTs, only those that ask."""
    asks = operation["category"] == "Reporting" or operation["operation_id"] in {
        "query_metric_aggregates", "render_template",
    }  # fmt: skip
    return operation["method"] in ("GET", "PATCH", "DELETE") or asks


def entry(operation: Json, official: Json, shapes: Shapes) -> Json:
    """Return a line of the table; what is empty is left out."""
    returns, included = shapes.answer(official)
    size = operation["page_size"]
    body = {name: value for name, value in (operation["body"] or {}).items() if value}
    facts: Json = {
        "method": operation["method"],
        "path": operation["path"],
        "category": operation["category"],
        "limits": operation["limits"],
        "extra_limits": operation["extra_limits"],
        "scopes": operation["scopes"],
        "collection": bool(size or operation["cursor_param"]),
        "page": [size["default"], size["max"]] if size else None,
        "cursor": operation["cursor_param"],
        "filters": operation["filters"],
        "filter_required": operation["filter_required"],
        "sort": [name for name in operation["sort"] if not name.startswith("-")],
        "include": operation["include"],
        "fields": {  # `id` always comes; later documents list it
            kind: [name for name in names if name != "id"]
            for kind, names in operation["fields"].items()
            if names
        },
        "additional_fields": operation["additional_fields"],
        "body": body,
        "returns": returns,
        "included": included,
        "no_body": not operation["returns_body"],
        "replay_safe": replay_safe(operation),
    }
    return {name: value for name, value in facts.items() if value}


def share(operations: Json, known: Json) -> Json:
    """Replace each list of field names by the name of a list kept once."""
    kept: dict[str, list[str]] = dict(known)
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


def of_client(folder: Path) -> Json:
    """Return method and path of every operation of an official client, by its name there."""
    found: Json = {}
    for module in sorted((folder / "openapi_client" / "api").glob("*_api.py")):
        calls = re.finditer(
            r"def _(\w+)_serialize\(.*?method='(\w+)',\s*resource_path='([^']+)'",
            module.read_text("utf-8"),
            re.S,
        )
        found |= {call[1]: [call[2], call[3]] for call in calls}
    return found


def named(client: Json, known: Json) -> Json:
    """Return those operations of an official client that a table does not have."""
    spelled = {(facts["method"], _spelled(facts["path"])) for facts in known["operations"].values()}
    spelled |= {(method, _spelled(path)) for method, path in known["named"].values()}
    return {name: call for name, call in client.items() if (call[0], _spelled(call[1])) not in spelled}


def _spelled(path: str) -> str:
    return re.sub(r"{\w+}", "{}", path)


def browser(document: Json) -> Json:
    """Return method and path of the operations that pages and apps call, with a public key."""
    return {
        official["operationId"]: [method.upper(), path]
        for path, methods in document["paths"].items()
        if path.startswith("/client/")
        for method, official in methods.items()
        if method in operation_facts.METHODS
    }


def stable(document: Json, base: Json) -> tuple[Json, Json]:
    """Return (operations, what they share) of an official document, sharing what the table before it holds."""
    schemas = Schemas(document)
    shapes = Shapes(schemas, base.get("shapes", {}))
    table = {
        facts["operation_id"]: entry(facts, official, shapes)
        for facts, official in operation_facts.operations(document, schemas)
        if facts["path"].startswith("/api/")
    }
    fields = share(table, base.get("fields", {}))
    calls = base.get("named", {}) | browser(document)
    return table, {"fields": fields, "shapes": shapes.kept, "named": calls}


def stable_name(operation: str) -> str:
    """Return the name that a beta operation has once it is stable."""
    name = operation.removesuffix("_beta")
    return RENAMED.get(name, name)


def next_campaigns(document: Json, base: Json) -> tuple[Json, Json]:
    """Return the campaign family of a beta document under the names that it has in the stable revision after it."""
    schemas = Schemas(document)
    shapes = Shapes(schemas, base["shapes"])
    table: Json = {}
    for facts, official in operation_facts.operations(document, schemas):
        if facts["path"].split("/")[2].startswith("campaign"):
            table[stable_name(facts["operation_id"])] = entry(facts, official, shapes) | {
                "category": "Campaigns"
            }
    for name, more in LATER.items():  # in the stable revision beyond its precursor
        facts = table[name]
        for key, value in more.items():
            known = facts.get(key, type(value)())
            facts[key] = known | value if isinstance(known, dict) else [*known, *value]
    one = table["get_campaign_for_campaign_message"]
    table["get_messages_for_campaign"] |= {
        "include": ["campaign"],
        "fields": table["get_messages_for_campaign"]["fields"] | one["fields"],
        "included": {"campaign": one["returns"]},
    }
    for name, kind in WITHOUT.items():
        facts = table[name]
        facts["include"] = [word for word in facts["include"] if word not in (kind, f"{kind}s")]
        for key in ("fields", "included"):
            facts[key] = {word: value for word, value in facts[key].items() if word != kind}
    table["schedule_campaign"] = table["schedule_campaign_message"] | WHOLE_SCHEDULE
    shapes.kept["campaign-schedule"] = {
        "attributes": {"messages": "json"},
        "relationships": {"campaign": ["campaign", "one"]},
    }
    fields = share(table, base["fields"])
    for name, allowed in FILTERS.items():
        facts = base["operations"][name]
        filters = {field: facts.get("filters", {}).get(field, ["equals"]) for field in allowed}
        table[name] = facts | {"filters": filters}
    return base["operations"] | table, {"fields": fields, "shapes": shapes.kept, "named": base["named"]}


def difference(revision: str, base: Json, operations: Json, shared: Json) -> Json:
    """Return what a revision adds, changes or (as null) removes."""
    old = base["operations"]
    changed = {name: facts for name, facts in operations.items() if old.get(name) != facts}
    gone: Json = dict.fromkeys(name for name in old if name not in operations)
    new = {
        section: {key: value for key, value in content.items() if key not in base[section]}
        for section, content in shared.items()
    }
    return {"revision": revision, "base": base["revision"], "operations": changed | gone, **new}


def main(oldest: str, newer: str, beta: str, client: str) -> None:
    first, second, precursor = (json.loads(Path(path).read_text("utf-8")) for path in (oldest, newer, beta))
    operations, shared = stable(first, {})
    base = {"revision": first["info"]["version"], "operations": operations, **shared}
    TARGET.write_text(dump(base), "utf-8")
    for document, read in ((second, stable), (precursor, next_campaigns)):
        revision = NEXT if document is precursor else document["info"]["version"]
        operations, shared = read(document, base)
        if revision == NEXT:
            whole = {"operations": operations, **shared}
            shared["named"] = shared["named"] | named(of_client(Path(client)), whole)
        short = difference(revision, base, operations, shared)
        TARGET.with_name(f"endpoints-{revision}.json").write_text(dump(short), "utf-8")
        base = {"revision": revision, "operations": operations, **shared}


if __name__ == "__main__":
    main(*sys.argv[1:])
