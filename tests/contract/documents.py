"""The document of each revision: official ones from the environment, and 2026-10-15 put together from two.

No official document of 2026-10-15 is at hand. Its campaigns are those of the beta document 2026-07-15.pre, corrected
by what the official client 25 of that revision sends and reads; everything else is as in 2026-07-15.
"""

from __future__ import annotations

import os
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import orjson

from tests.contract.openapi import Document

Json = Any
VARIABLES = {
    "2026-01-15": "KLAVIYO_OPENAPI",
    "2026-07-15": "KLAVIYO_OPENAPI_2026_07_15",
    "2026-07-15.pre": "KLAVIYO_OPENAPI_2026_07_15_PRE",
}
NEWEST = "2026-10-15"
SCHEMAS = "#/components/schemas/"


@cache
def document_of(revision: str) -> Document | None:
    """Return the document of a revision, if this machine has what it is made of."""
    if revision == NEWEST:
        stable, beta = _read("2026-07-15"), _read("2026-07-15.pre")
        return Document(newest(stable, beta)) if stable and beta else None
    source = _read(revision) if revision in VARIABLES else None
    return Document(source) if source else None


def _read(revision: str) -> Json:
    path = os.environ.get(VARIABLES[revision], "")
    return orjson.loads(Path(path).read_bytes()) if path and Path(path).is_file() else None


def newest(stable: Json, beta: Json) -> Json:
    """Return the stable document with the campaigns of the beta document."""
    document = deepcopy(stable)
    text = orjson.dumps(beta).decode().replace(SCHEMAS, f"{SCHEMAS}Beta")
    renamed = orjson.loads(text)
    document["components"]["schemas"] |= {
        f"Beta{name}": schema for name, schema in renamed["components"]["schemas"].items()
    }
    for path, methods in renamed["paths"].items():
        if path.split("/")[2].startswith("campaign"):
            document["paths"][path] = document["paths"].get(path, {}) | methods
    paths, schemas = document["paths"], document["components"]["schemas"]
    tag = _answer(paths["/api/tags/{id}"]["get"])["$ref"]
    for path in ("/api/campaigns", "/api/campaigns/{id}"):
        operation = paths[path]["get"]
        _parameter(operation, "include")["schema"]["items"]["enum"].append("tags")
        operation["parameters"].append(deepcopy(_parameter(paths["/api/tags"]["get"], "fields[tag]")))
        _included(schemas, operation)["oneOf"].append(_resource(schemas, schemas[tag.rsplit("/", 1)[-1]]))
    inside = paths["/api/campaigns/{id}/campaign-messages"]["get"]
    lists = paths["/api/campaign-messages"]["get"]
    _parameter(lists, "include")["schema"]["items"]["enum"].remove("campaign-variations")
    lists["parameters"].remove(_parameter(lists, "fields[campaign-variation]"))
    for path in ("/api/coupons/{id}/coupon-codes", "/api/coupons/{id}/relationships/coupon-codes"):
        parameter = _parameter(paths[path]["get"], "filter")
        parameter["description"] = parameter["description"].replace("`coupon.id`: `any`, `equals`<br>", "")
    sources = paths["/api/data-sources"]["get"]
    types = deepcopy(_parameter(paths["/api/object-types"]["get"], "filter"))
    sources["parameters"].append(types)
    for name in ("include", "fields[campaign]"):
        inside["parameters"].append(deepcopy(_parameter(lists, name)))
    one = _resource(
        schemas, _resolved(schemas, _answer(paths["/api/campaign-messages/{id}/campaign"]["get"]))
    )
    holder = inside["responses"]["200"]["content"]
    for content in holder.values():
        whole = deepcopy(_resolved(schemas, content["schema"]))
        whole.setdefault("properties", {})["included"] = {"type": "array", "items": {"oneOf": [one]}}
        content["schema"] = whole
    return document


def _parameter(operation: Json, name: str) -> Json:
    return next(each for each in operation["parameters"] if each["name"] == name)


def _answer(operation: Json) -> Json:
    return next(iter(operation["responses"]["200"]["content"].values()))["schema"]


def _resolved(schemas: Json, schema: Json) -> Json:
    while "$ref" in schema:
        schema = schemas[schema["$ref"].rsplit("/", 1)[-1]]
    return schema


def _resource(schemas: Json, answer: Json) -> Json:
    """Return the schema of the primary data of an answer."""
    return _property(schemas, answer, "data")


def _included(schemas: Json, operation: Json) -> Json:
    return _resolved(schemas, _property(schemas, _answer(operation), "included")["items"])


def _property(schemas: Json, schema: Json, name: str) -> Json:
    schema = _resolved(schemas, schema)
    if name in schema.get("properties", {}):
        return _resolved(schemas, schema["properties"][name])
    found = (_property(schemas, part, name) for part in schema.get("allOf", ()))
    return next(each for each in found if each is not None)
