"""One comparison of a filter, and the operators there are."""

from __future__ import annotations

from dataclasses import dataclass

OPERATORS = (
    "equals", "any", "contains", "contains-any", "contains-all", "starts-with", "ends-with",
    "greater-than", "greater-or-equal", "less-than", "less-or-equal", "has",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison; `literal` is already written as Klaviyo wants it."""

    operator: str
    field: str
    literal: str | None

    def __str__(self) -> str:
        inside = self.field if self.literal is None else f"{self.field},{self.literal}"
        return f"{self.operator}({inside})"
