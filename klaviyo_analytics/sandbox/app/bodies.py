"""Request bodies, checked against the contract's condensed schemas."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from klaviyo_analytics.sandbox.app.contract import load_contract
from klaviyo_analytics.sandbox.app.errors import ApiFault, Problem

Json = dict[str, Any]
TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
}
# A time of day belongs to a date-time; whether an offset does is left to whoever reads it.
FORMATS = {
    "date": re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}"),
    "date-time": re.compile(
        r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?(Z|[+-][0-9]{2}:?[0-9]{2})?"
    ),
}


def check_body(schema: Json, body: Any) -> None:
    """Refuse a body that does not have the operation's form, naming every place that is wrong."""
    problems = find_problems(schema, body, "")
    if problems:
        raise ApiFault(400, problems)


def find_problems(schema: Json, value: Any, pointer: str) -> list[Problem]:
    """Find everything that is wrong with a value."""
    if "ref" in schema:
        if value is None and schema.get("nullable"):
            return []
        return find_problems(load_contract().schemas[schema["ref"]], value, pointer)
    if value is None and (schema.get("nullable") or not schema):
        return []
    if "oneOf" in schema:
        return _best_branch(schema["oneOf"], value, pointer)
    if "enum" in schema and not any(
        value == member and type(value) is type(member) for member in schema["enum"]
    ):
        return [_problem(pointer, f"{value!r} is not one of {', '.join(map(str, schema['enum']))}.")]
    return _check_type(schema, value, pointer)


def _check_type(schema: Json, value: Any, pointer: str) -> list[Problem]:
    expected: str | None = schema.get("type", "object" if "properties" in schema else None)
    if expected is None:
        return []
    wrong = not isinstance(value, TYPES[expected])
    if wrong or (isinstance(value, bool) and expected != "boolean"):
        return [_problem(pointer, f"Expected {expected}, not {value!r}.")]
    if expected == "object":
        return _check_object(schema, value, pointer)
    if expected == "array":
        items = schema.get("items", {})
        return [
            one
            for index, item in enumerate(value)
            for one in find_problems(items, item, f"{pointer}/{index}")
        ]
    form = FORMATS.get(schema.get("format", ""))
    if form and not (form.fullmatch(value) and _is_on_the_calendar(value)):
        return [_problem(pointer, f"{value!r} is not a valid {schema['format']}.")]
    return []


def _check_object(schema: Json, value: Json, pointer: str) -> list[Problem]:
    properties = schema.get("properties")
    problems = [
        _problem(f"{pointer}/{name}", f"{name} is required.")
        for name in schema.get("required", ())
        if name not in value
    ]
    if not properties:
        return problems
    for name, item in value.items():
        if name in properties:
            problems += find_problems(properties[name], item, f"{pointer}/{name}")
        else:
            problems.append(
                _problem(f"{pointer}/{name}", f"{name} is not a field here; fields: {', '.join(properties)}.")
            )
    return problems


def _best_branch(branches: list[Json], value: Any, pointer: str) -> list[Problem]:
    """Choose the alternative that was most likely meant: one whose own tag fits, else the nearest."""
    found = [find_problems(branch, value, pointer) for branch in branches]
    return min(found, key=lambda problems: (_misses_tag(problems, pointer), len(problems)))


def _misses_tag(problems: list[Problem], pointer: str) -> bool:
    places = {problem.source["pointer"] for problem in problems if "is not one of" in problem.detail}
    return any(f"{pointer}/{tag}" in places for tag in ("type", "method", "channel", "value"))


def _is_on_the_calendar(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _problem(pointer: str, detail: str) -> Problem:
    return Problem("invalid", detail, {"pointer": pointer or "/"})
