"""OpenAPI 3.0 schemas as JSON Schema, compiled once; what a value violates, in words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any, cast
from urllib.parse import urlsplit

from jsonschema import Draft202012Validator, FormatChecker

from tests.contract.wording import condensed

Json = Any
Schema = Mapping[str, Any]
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
        self._compiled: dict[tuple[int, Reading], Draft202012Validator] = {}

    def violations(self, schema: Schema, value: Json, reading: Reading) -> list[str]:
        """Say what is wrong with a value; alike violations of list items are told once, with their number."""
        key = (id(schema), reading)
        if key not in self._compiled:
            converted = _Converter(self._components, reading).document(schema)
            self._compiled[key] = Draft202012Validator(converted, format_checker=FORMATS)
        return condensed(self._compiled[key].iter_errors(value))

    def property_of(self, schema: Schema, *path: str) -> Schema:
        """Return the schema of a property of a property ...; empty where there is none."""
        converter = _Converter(self._components, Reading(answer=True))
        for name in path:
            schema = converter.resolve(converter.resolve(schema).get("properties", {}).get(name, {}))
        return schema


class _Converter:
    """One conversion; named schemas are put in place, but where one holds itself it becomes a reference."""

    def __init__(self, components: Mapping[str, Schema], reading: Reading) -> None:
        self._components = components
        self._reading = reading
        self._entered: list[str] = []
        self._recursive: dict[str, Json] = {}

    def document(self, schema: Schema) -> Json:
        converted = self.convert(schema, partial=False)
        return {**converted, "$defs": self._recursive}

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

    def convert(self, schema: Schema, *, partial: bool) -> Json:
        if "$ref" not in schema:
            return self._convert(self.resolve(schema), partial=partial)
        name = _name(schema)
        if name in self._entered:
            self._recursive[name] = True
            return {"$ref": f"#/$defs/{name}"}
        self._entered.append(name)
        converted = self._convert(self.resolve(schema), partial=partial)
        self._entered.pop()
        if name in self._recursive:
            self._recursive[name] = converted
        return converted

    def _convert(self, schema: Schema, *, partial: bool) -> Json:
        nullable = bool(schema.get("nullable"))
        if "oneOf" in schema:
            # The branches of this document overlap, so one that fits is enough.
            return self._alternatives(schema["oneOf"], nullable=nullable, partial=partial)
        converted = {key: schema[key] for key in PLAIN_KEYWORDS if key in schema}
        kind = "object" if "properties" in schema else schema.get("type")
        if kind:
            converted["type"] = [kind, "null"] if nullable else kind
        if "enum" in schema:
            converted["enum"] = [*schema["enum"], *([None] if nullable else [])]
        if "items" in schema:
            converted["items"] = self.convert(schema["items"], partial=partial)
        if "properties" in schema:
            converted |= self._properties(schema, partial=partial)
        return converted

    def _properties(self, schema: Schema, *, partial: bool) -> Json:
        hidden = "writeOnly" if self._reading.answer else "readOnly"
        shown = {name: part for name, part in schema["properties"].items() if not part.get(hidden)}
        sparse = self.constant(schema, "type") in self._reading.sparse
        converted: dict[str, Json] = {
            "properties": {
                name: self.convert(part, partial=partial or (sparse and name == "attributes"))
                for name, part in shown.items()
            }
        }
        if self._reading.closed:
            converted["additionalProperties"] = False
        if not partial:
            converted["required"] = [name for name in schema.get("required", ()) if name in shown]
        return converted

    def _alternatives(self, branches: list[Schema], *, nullable: bool, partial: bool) -> Json:
        """Choose the branch by a property with one fixed value in each: only that branch may complain."""
        name = None if partial else self._discriminator(branches)
        if name is None:
            converted = [self.convert(branch, partial=partial) for branch in branches]
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
                    "then": self._alternatives(group, nullable=False, partial=False)
                    if len(group) > 1
                    else self.convert(group[0], partial=False),
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
