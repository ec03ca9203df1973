"""JSON Schema errors in words that end the search: where, what was there, what is allowed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Any, cast

from jsonschema.exceptions import ValidationError


def condensed(errors: Iterable[ValidationError]) -> list[str]:
    """Tell each kind of error in each kind of place once, with the number of others like it."""
    first: dict[str, str] = {}
    count: Counter[str] = Counter()
    for error in errors:
        where, why = _place(error), _reason(error)
        alike = (
            f"{re.sub(r'[0-9]+', '', where)} {error.validator} {why if error.validator == 'required' else ''}"
        )
        first.setdefault(alike, f"{where}: {why}")
        count[alike] += 1
    return [
        told if count[alike] == 1 else f"{told} (and {count[alike] - 1} more like it)"
        for alike, told in first.items()
    ]


def _place(error: ValidationError) -> str:
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in error.absolute_path)
    return "".join(steps).lstrip(".") or "body"


def _reason(error: ValidationError) -> str:
    value: Any = error.instance
    rule: Any = error.validator_value
    if error.validator == "anyOf" and error.context:
        nearest = "; ".join(f"{_place(each)}: {_reason(each)}" for each in _nearest_branch(error)[:3])
        return f"fits none of {len(rule)} shapes; the nearest says {nearest}"
    if error.validator == "additionalProperties":
        known = sorted(cast("dict[str, Any]", error.schema)["properties"])
        return f"has {_listed(sorted(set(value) - set(known)))}, but the schema lists only {_listed(known)}"
    if error.validator == "required":
        return error.message.replace("is a required property", "is missing")
    if error.validator == "enum":
        return f"{_shortened(repr(value))} is not one of {_listed(rule)}"
    if error.validator == "type":
        return (
            f"{_shortened(repr(value))} is not of type {_listed(rule if isinstance(rule, list) else [rule])}"
        )
    return _shortened(error.message)


def _nearest_branch(error: ValidationError) -> list[ValidationError]:
    """Return what the likeliest branch complains of: one of the right type, with the fewest complaints."""
    branches: dict[Any, list[ValidationError]] = {}
    for inner in error.context or ():
        branches.setdefault(inner.relative_schema_path[0], []).append(inner)
    depth = len(error.absolute_path)

    def distance(complaints: list[ValidationError]) -> tuple[bool, int]:
        wrong_type = any(each.validator == "type" and len(each.absolute_path) == depth for each in complaints)
        return wrong_type, len(complaints)

    return min(branches.values(), key=distance)


def _listed(values: list[Any]) -> str:
    return _shortened(", ".join(str(value) for value in values), 300)


def _shortened(text: str, length: int = 160) -> str:
    return text if len(text) <= length else f"{text[:length]}…"
