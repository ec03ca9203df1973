"""The reading of OpenAPI schemas, on small ones."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.json_schema import Reading, Schemas

ANSWER = Reading(answer=True)
NAMED = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
AGED = {"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"]}
TREE = {
    "type": "object",
    "properties": {"leaves": {"type": "array", "items": {"$ref": "#/components/schemas/Tree"}}},
}
SCHEMAS = Schemas({"Named": NAMED, "Aged": AGED, "Tree": TREE})


def violations(schema: dict[str, Any], value: Any) -> list[str]:
    return SCHEMAS.violations(schema, value, ANSWER)


def test_all_parts_of_allof_are_one_object() -> None:
    both = {"allOf": [{"$ref": "#/components/schemas/Named"}, {"$ref": "#/components/schemas/Aged"}]}
    assert violations(both, {"name": "Ann", "age": 3}) == []
    assert violations(both, {"age": 3}) == ["body: 'name' is missing"]
    assert violations(both, {"name": "Ann"}) == ["body: 'age' is missing"]
    assert violations(both, {"name": "Ann", "age": 3, "x": 1}) == [
        "body: has x, but the schema lists only age, name"
    ]


def test_a_property_that_two_parts_describe_obeys_both() -> None:
    def part(name: str) -> dict[str, Any]:
        return {"properties": {"attributes": {"type": "object", "properties": {name: {"type": "string"}}}}}

    merged = {"allOf": [part("a"), part("b")]}
    assert violations(merged, {"attributes": {"a": "1", "b": "2"}}) == []
    assert violations(merged, {"attributes": {"a": "1", "b": 2}}) == ["attributes.b: 2 is not of type string"]


def test_a_schema_is_not_taken_for_one_that_is_gone() -> None:
    for kind, value in [("string", "a"), ("integer", 1)] * 20:
        assert violations({"type": kind}, value) == []


def test_a_schema_may_hold_itself() -> None:
    tree = {"$ref": "#/components/schemas/Tree"}
    assert violations(tree, {"leaves": [{"leaves": []}]}) == []
    assert violations(tree, {"leaves": [{"leaves": [{"leaves": 1}]}]}) == [
        "leaves[0].leaves[0].leaves: 1 is not of type array"
    ]


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "enum": ["a"]},
        {"$ref": "#/components/schemas/Named"},
        {"oneOf": [{"type": "string"}, {"type": "number"}]},
    ],
)
def test_null_only_where_it_is_allowed(schema: dict[str, Any]) -> None:
    assert violations(schema, None) != []
    assert violations({**schema, "nullable": True}, None) == []


@pytest.mark.parametrize(
    ("kind", "right", "wrong"),
    [
        ("date-time", "2026-01-01T00:00:00.123456+01:00", "2026-01-01T00:00:00"),
        ("date-time", "2026-01-01T00:00:00Z", "2026-02-30T00:00:00Z"),
        ("date", "2026-01-01", "20260101"),
        ("time", "09:30:00", "25:00:00"),
        ("uri", "https://example.com/a", "/a"),
    ],
)
def test_formats(kind: str, right: str, wrong: str) -> None:
    schema = {"type": "string", "format": kind}
    assert violations(schema, right) == []
    assert violations(schema, wrong) == [f"body: {wrong!r} is not a {kind!r}"]
