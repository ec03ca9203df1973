"""A second reading of filter expressions, independent of the client's and the sandbox's."""

from __future__ import annotations

import re
from dataclasses import dataclass

TAKES_LIST = {"any", "contains-any", "contains-all"}
COMPARES = {"greater-than", "greater-or-equal", "less-than", "less-or-equal"}
OPERATORS = TAKES_LIST | COMPARES | {"equals", "contains", "starts-with", "ends-with", "has", "and"}
TOKEN = re.compile(
    r"""(?P<string>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
    r"""|(?P<mark>[(),\[\]])"""
    r"""|(?P<word>[^\s(),\[\]'"]+(\ [^\s(),\[\]'"]+)*)""",  # a dimension can have spaces: Campaign Name
    re.DOTALL,
)
VALUE = re.compile(
    r"true|false|null|-?\d+(\.\d+)?([eE][+-]?\d+)?"
    r"|\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?"
)


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison: what is asked of which field, and the kinds of its literals."""

    operator: str
    field: str
    literals: tuple[str, ...]  # "string" or "value" each; a list's literals one by one
    listed: bool


class MalformedFilterError(ValueError):
    """The expression does not follow the grammar."""


def parse(expression: str) -> list[Condition]:
    """Return the conditions of an expression, all of which a row must meet."""
    reader = _Reader(expression)
    conditions = reader.conjunction(end=None)
    if reader.kind is not None:
        raise MalformedFilterError(f"{reader.text!r} is left over")
    return conditions


def allowed_by(description: str) -> dict[str, set[str]]:
    """Read {field: operators} out of the prose that describes a filter; empty where it lists none."""
    listed = re.findall(r"`([\w.]+)`: ((?:`[\w-]+`(?:, )?)+)", description)  # of a query parameter
    listed += re.findall(r"\(([\w, ]+)\): Supported operators: ([\w, -]+)", description)  # of a report
    listed += re.findall(r"Allowed filters are ([\w, ]+)\.\nAllowed operators are ([\w, -]+)", description)
    return {
        field: set(re.findall(r"[\w-]+", operators))
        for fields, operators in listed
        for field in re.findall(r"[\w.]+", fields)
    }


def violations(expression: str, description: str) -> list[str]:
    """Say what is wrong with a filter, given the description of the parameter."""
    try:
        conditions = parse(expression)
    except MalformedFilterError as error:
        return [f"filter {expression!r}: {error}"]
    allowed = allowed_by(description)
    return [
        f"filter {expression!r}: {reason}" for each in conditions for reason in _complaints(each, allowed)
    ]


def _complaints(condition: Condition, allowed: dict[str, set[str]]) -> list[str]:
    operators = allowed.get(condition.field)
    if allowed and operators is None:
        return [f"{condition.field} is not one of the fields {', '.join(sorted(allowed))}"]
    complaints = []
    if operators is not None and condition.operator not in operators:
        complaints.append(f"{condition.field} takes {', '.join(sorted(operators))}, not {condition.operator}")
    if condition.operator in TAKES_LIST and not condition.listed:
        complaints.append(f"{condition.operator} takes a list")
    if condition.operator in COMPARES and "string" in condition.literals:
        complaints.append(f"{condition.operator} compares numbers and unquoted datetimes, not text")
    if (condition.operator == "has") != (not condition.literals):
        complaints.append(f"{condition.operator} with {len(condition.literals)} literals")
    return complaints


class _Reader:
    """One token ahead of the grammar."""

    def __init__(self, expression: str) -> None:
        self._expression = expression
        self._at = 0
        self.kind: str | None = None
        self.text = ""
        self._advance()

    def conjunction(self, end: str | None) -> list[Condition]:
        conditions = self._condition()
        while self.text == ",":
            self._advance()
            conditions += self._condition()
        if end is not None:
            self._expect(end)
        return conditions

    def _condition(self) -> list[Condition]:
        operator = self._take("word")
        if operator not in OPERATORS:
            raise MalformedFilterError(f"there is no operator {operator!r}")
        self._expect("(")
        if operator == "and":
            return self.conjunction(end=")")
        field = self._take("word")
        literals: list[str] = []
        listed = False
        if self.text == ",":
            self._advance()
            listed = self.text == "["
            literals = self._list() if listed else [self._literal()]
        self._expect(")")
        return [Condition(operator, field, tuple(literals), listed)]

    def _list(self) -> list[str]:
        self._expect("[")
        literals = [self._literal()]
        while self.text == ",":
            self._advance()
            literals.append(self._literal())
        self._expect("]")
        return literals

    def _literal(self) -> str:
        if self.kind == "string":
            self._advance()
            return "string"
        text = self._take("word")
        if not VALUE.fullmatch(text):
            raise MalformedFilterError(f"{text!r} is neither quoted nor a number, boolean, null or datetime")
        return "value"

    def _take(self, kind: str) -> str:
        if self.kind != kind:
            raise MalformedFilterError(f"{self.text!r} where a {kind} should be")
        text = self.text
        self._advance()
        return text

    def _expect(self, mark: str) -> None:
        if (self.kind, self.text) != ("mark", mark):
            raise MalformedFilterError(f"{self.text or 'the end'!r} where {mark!r} should be")
        self._advance()

    def _advance(self) -> None:
        if self._at == len(self._expression):
            self.kind, self.text = None, ""
            return
        match = TOKEN.match(self._expression, self._at)
        if match is None:
            raise MalformedFilterError(f"cannot read {self._expression[self._at :]!r}")
        self.kind, self.text, self._at = match.lastgroup, match.group(), match.end()
