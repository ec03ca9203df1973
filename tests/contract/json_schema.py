"""OpenAPI 3.0 schemas as JSON Schema, compiled once; what a value violates, in words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any, Literal, cast
from urllib.parse import urlsplit

from jsonschema import Draft202012Validator, FormatChecker

from tests.contract.wording import condensed

Json = Any
Schema = Mapping[str, Any]
# In a resource's attributes; "sparse" where the request chose some of them, so that none is required.
Place = Literal["document", "attributes", "sparse"]
RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")
FORMATS = FormatChecker(formats=())
PLAIN_KEYWORDS = ("format", "minimum", "maximum", "maxProperties")


@dataclass(frozen=True, slots=True)
class Reading:
    """How a schema is read: for which side, and of which resource types only a part is expected."""

    answer: bool
    sparse: frozenset[str] = (
        frozenset()
    )  # types asked for with fields[...]: no attribute of theirs is required
    closed: bool = True  # a property that the schema does not list is a violation


class Schemas:
    """The component schemas of a document and the validators compiled from them so far."""

    def __init__(self, components: Mapping[str, Schema]) -> None:
        self._components = components
        # The schema is kept beside its validator: while it lives, no other has its id.
        self._compiled: dict[tuple[int, Reading], tuple[Schema, Draft202012Validator]] = {}
        self._converters: dict[tuple[bool, bool], _Converter] = {}

    def violations(self, schema: Schema, value: Json, reading: Reading) -> list[str]:
        """Say what is wrong with a value; alike violations of list items are told once, with their number."""
        key = (id(schema), reading)
        if key not in self._compiled:
            converted = self._converter(reading).document(schema, reading.sparse)
            self._compiled[key] = schema, Draft202012Validator(converted, format_checker=FORMATS)
        return condensed(self._compiled[key][1].iter_errors(value))

    def property_of(self, schema: Schema, *path: str) -> Schema:
        """Return the schema of a property of a property ...; empty where there is none."""
        converter = self._converter(Reading(answer=True))
        for name in path:
            schema = converter.resolve(converter.resolve(schema).get("properties", {}).get(name, {}))
        return schema

    def resolved(self, schema: Schema) -> Schema:
        """Return a schema, or the component that it refers to."""
        return self._converter(Reading(answer=False)).resolve(schema)

    def _converter(self, reading: Reading) -> _Converter:
        key = (reading.answer, reading.closed)
        if key not in self._converters:
            self._converters[key] = _Converter(self._components, *key)
        return self._converters[key]


class _Converter:
    """Puts named schemas in place; where one holds itself it becomes a reference.

    What stands in attributes does not depend on the document around it and is converted once.
    """

    def __init__(self, components: Mapping[str, Schema], answer: bool, closed: bool) -> None:
        self._components = components
        self._hidden = "writeOnly" if answer else "readOnly"
        self._closed = closed
        self._sparse: frozenset[str] = frozenset()
        self._entered: set[str] = set()
        self._done: dict[str, Json] = {}
        self._definitions: dict[str, Json] = {}

    def document(self, schema: Schema, sparse: frozenset[str]) -> Json:
        self._sparse = sparse
        return {**self.convert(schema, "document"), "$defs": self._definitions}

    def resolve(self, schema: Schema) -> dict[str, Any]:
        """Follow references and merge allOf; `nullable` beside a reference counts: the document means it."""
        merged = {key: value for key, value in schema.items() if key not in ("$ref", "allOf")}
        if "$ref" in schema:
            merged = {**self.resolve(self._components[_name(schema)]), **merged}
        for part in schema.get("allOf", ()):
            merged = _merge(merged, self.resolve(part))
        return merged

    def constant(self, schema: Schema, name: str) -> str | bool | None:
        """Return the only value that a required property of an object can have."""
        values = self.resolve(schema.get("properties", {}).get(name, {}))
        only = values.get("enum", ())
        fixed = len(only) == 1 and name in schema.get("required", ()) and not values.get("nullable")
        return cast("str | bool", only[0]) if fixed else None

    def convert(self, schema: Schema, place: Place) -> Json:
        if "$ref" not in schema:
            return self._convert(self.resolve(schema), place)
        label = f"{_name(schema)}.{place}.{bool(schema.get('nullable'))}"
        if label in self._done:
            return self._done[label]
        if label in self._entered:
            self._definitions[label] = None
            return {"$ref": f"#/$defs/{label}"}
        self._entered.add(label)
        converted = self._convert(self.resolve(schema), place)
        self._entered.remove(label)
        if label in self._definitions:
            self._definitions[label] = converted
        if place != "document":
            self._done[label] = converted
        return converted

    def _convert(self, schema: Schema, place: Place) -> Json:
        nullable = bool(schema.get("nullable"))
        if "oneOf" in schema:
            # The branches of this document overlap, so one that fits is enough.
            return self._alternatives(schema["oneOf"], place, nullable=nullable)
        converted = {key: schema[key] for key in PLAIN_KEYWORDS if key in schema}
        kind = "object" if "properties" in schema else schema.get("type")
        if kind:
            converted["type"] = [kind, "null"] if nullable else kind
        if "enum" in schema:
            converted["enum"] = [*schema["enum"], *([None] if nullable else [])]
        if "items" in schema:
            converted["items"] = self.convert(schema["items"], place)
        if "properties" in schema:
            converted |= self._properties(schema, place)
        return converted

    def _properties(self, schema: Schema, place: Place) -> Json:
        shown = {name: part for name, part in schema["properties"].items() if not part.get(self._hidden)}
        inner: Place = "sparse" if self.constant(schema, "type") in self._sparse else "attributes"
        converted: dict[str, Json] = {
            "properties": {
                name: self.convert(part, inner if (name, place) == ("attributes", "document") else place)
                for name, part in shown.items()
            }
        }
        if self._closed:
            converted["additionalProperties"] = False
        if place != "sparse":
            converted["required"] = [name for name in schema.get("required", ()) if name in shown]
        return converted

    def _alternatives(self, branches: list[Schema], place: Place, *, nullable: bool) -> Json:
        """Choose the branch by a property with one fixed value in each: only that branch may complain."""
        name = None if place == "sparse" else self._discriminator(branches)
        if name is None:
            converted = [self.convert(branch, place) for branch in branches]
            return {"anyOf": [*converted, *([{"type": "null"}] if nullable else [])]}
        groups: dict[str | bool | None, list[Schema]] = {}
        for branch in branches:
            groups.setdefault(self.constant(self.resolve(branch), name), []).append(branch)
        return {
            "type": ["object", "null"] if nullable else "object",
            "required": [name],
            "properties": {name: {"enum": list(groups)}},
            "allOf": [
                {
                    "if": {"type": "object", "required": [name], "properties": {name: {"const": value}}},
                    "then": self._alternatives(group, place, nullable=False)
                    if len(group) > 1
                    else self.convert(group[0], place),
                }
                for value, group in groups.items()
            ],
        }

    def _discriminator(self, branches: list[Schema]) -> str | None:
        resolved = [self.resolve(branch) for branch in branches]
        for name in resolved[0].get("properties", ()):
            values = {self.constant(branch, name) for branch in resolved}
            if None not in values and len(values) > 1:
                return str(name)
        return None


def _name(reference: Schema) -> str:
    return str(reference["$ref"]).rsplit("/", 1)[-1]


def _merge(first: Schema, second: Schema) -> dict[str, Any]:
    merged = {**first, **second}
    if "properties" in first and "properties" in second:
        properties = dict(first["properties"])
        for name, part in second["properties"].items():
            properties[name] = {"allOf": [properties[name], part]} if name in properties else part
        merged["properties"] = properties
    if required := [*first.get("required", ()), *second.get("required", ())]:
        merged["required"] = required
    return merged


@FORMATS.checks("date-time", raises=ValueError)
def _is_date_time(value: object) -> bool:
    if not isinstance(value, str):
        return True
    datetime.fromisoformat(value.upper())
    return RFC3339.fullmatch(value) is not None


@FORMATS.checks("date", raises=ValueError)
def _is_date(value: object) -> bool:
    return not isinstance(value, str) or value == date.fromisoformat(value).isoformat()


@FORMATS.checks("time", raises=ValueError)
def _is_time(value: object) -> bool:
    return not isinstance(value, str) or time.fromisoformat(value) is not None


@FORMATS.checks("uri", raises=ValueError)
def _is_uri(value: object) -> bool:
    return not isinstance(value, str) or (
        bool(urlsplit(value).scheme) and bool(urlsplit(value).netloc) and " " not in value
    )
