"""The filter grammar: conditions joined by commas or `and(...)`, read into a flat list."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from klaviyo_analytics.sandbox.app.contract import FilterField
from klaviyo_analytics.sandbox.app.errors import ApiFault, to_seconds
from klaviyo_analytics.sandbox.model import Record

NAME = re.compile(r"[A-Za-z-]+")
FIELD = re.compile(r"[^\s,()\[\]\"']+( [^\s,()\[\]\"']+)*")  # dimensions like Campaign Name hold a space
DATETIME = re.compile(r"\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?")
NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?")
MOST_DEPTH, MOST_DIGITS = 50, 18  # what is longer is only just a number
WORDS: Mapping[str, bool | None] = {"true": True, "false": False, "null": None}


@dataclass(frozen=True, slots=True)
class Moment:
    """An unquoted date or datetime."""

    text: str

    @property
    def seconds(self) -> float:
        """Unix seconds; without an offset it is in UTC."""
        return to_seconds(self.text)


Scalar = str | float | bool | Moment | None
Literal = Scalar | tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison; `has(profile)` has no literal."""

    operator: str
    field: str
    literal: Literal = None


class Parser:
    """Reads one filter text; anything unexpected is a 400 that names its place."""

    def __init__(self, text: str, parameter: str = "filter") -> None:
        self.text = text
        self.parameter = parameter
        self.position = 0
        self.depth = 0

    def parse(self) -> list[Condition]:
        """Read the whole text."""
        conditions = self._conjunction()
        if self.position < len(self.text):
            raise self._unexpected("a comma or the end")
        return conditions

    def _conjunction(self) -> list[Condition]:
        conditions = self._expression()
        while self._take(","):
            conditions += self._expression()
        return conditions

    def _expression(self) -> list[Condition]:
        operator = self._match(NAME, "an operator")
        self._expect("(")
        if operator == "and":
            self.depth += 1
            if self.depth > MOST_DEPTH:
                raise ApiFault.parameter(self.parameter, "Invalid filter: it is nested too deeply.")
            conditions = self._conjunction()
            self._expect(")")
            self.depth -= 1
            return conditions
        field = self._match(FIELD, "a field")
        literal: Literal = None
        if operator != "has":
            self._expect(",")
            literal = self._literal()
        self._expect(")")
        return [Condition(operator, field, literal)]

    def _literal(self) -> Literal:
        if not self._take("["):
            return self._scalar()
        if self._take("]"):
            return ()
        members = [self._scalar()]
        while self._take(","):
            members.append(self._scalar())
        self._expect("]")
        return tuple(members)

    def _scalar(self) -> Scalar:
        quote = self.text[self.position : self.position + 1]
        if quote and quote in "\"'":
            return self._string(quote)
        for pattern in (DATETIME, NUMBER, NAME):
            found = pattern.match(self.text, self.position)
            if found and self._is_delimiter(found.end()):
                return self._bare(pattern, found)
        raise self._unexpected("a literal (strings are quoted, datetimes are not)")

    def _bare(self, pattern: re.Pattern[str], found: re.Match[str]) -> Scalar:
        if pattern is NAME and found[0] not in WORDS:
            raise self._unexpected("a literal (strings are quoted)")
        self.position = found.end()
        if pattern is NAME:
            return WORDS[found[0]]
        if pattern is NUMBER:
            is_whole = not found[1] and not found[2] and len(found[0]) <= MOST_DIGITS
            return int(found[0]) if is_whole else float(found[0])
        try:
            to_seconds(found[0])
        except ValueError:
            raise self._unexpected("a date of the calendar") from None
        return Moment(found[0])

    def _string(self, quote: str) -> str:
        characters: list[str] = []
        self.position += 1
        while self.position < len(self.text):
            character = self.text[self.position]
            self.position += 1
            if character == quote:
                return "".join(characters)
            if character == "\\" and self.position < len(self.text):
                character = self.text[self.position]
                self.position += 1
            characters.append(character)
        raise self._unexpected(f"a closing {quote}")

    def _is_delimiter(self, position: int) -> bool:
        return self.text[position : position + 1] in ("", ",", ")", "]")

    def _match(self, pattern: re.Pattern[str], what: str) -> str:
        found = pattern.match(self.text, self.position)
        if not found:
            raise self._unexpected(what)
        self.position = found.end()
        return found[0]

    def _take(self, character: str) -> bool:
        taken = self.text.startswith(character, self.position)
        self.position += taken
        return taken

    def _expect(self, character: str) -> None:
        if not self._take(character):
            raise self._unexpected(f"a {character!r}")

    def _unexpected(self, expected: str) -> ApiFault:
        detail = f"Invalid filter: expected {expected} at character {self.position + 1} of {self.text!r}."
        return ApiFault.parameter(self.parameter, detail)


def check_conditions(conditions: list[Condition], fields: Mapping[str, FilterField]) -> None:
    """Refuse fields, operators and literals that the endpoint does not allow."""
    for condition in conditions:
        allowed = fields.get(condition.field)
        if allowed is None:
            _refuse(f"{condition.field} cannot be filtered on; fields: {', '.join(sorted(fields))}.")
        if condition.operator not in allowed.operators:
            operators = ", ".join(sorted(allowed.operators))
            _refuse(f"{condition.operator} is not an operator of {condition.field}; operators: {operators}.")
        _check_literal(condition, allowed.type)


def _check_literal(condition: Condition, type_: str) -> None:
    literal = condition.literal
    if condition.operator == "has":
        return
    if (condition.operator == "any") != isinstance(literal, tuple):
        takes = "a list" if condition.operator == "any" else "one value"
        _refuse(f"{condition.operator}({condition.field}) takes {takes}.")
    members = literal if isinstance(literal, tuple) else (literal,)
    for member in members:
        if member is None and condition.operator == "equals":
            continue
        if not _is_of_type(member, type_):
            quoted = " without quotes" if type_ == "datetime" and isinstance(member, str) else ""
            _refuse(f"{condition.field} takes a {type_}{quoted}, not {member!r}.")


def _is_of_type(value: Scalar, type_: str) -> bool:
    if type_ == "number":
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, {"string": str, "boolean": bool, "datetime": Moment}[type_])


def _refuse(detail: str) -> NoReturn:
    raise ApiFault.parameter("filter", f"Invalid filter: {detail}")


MARKETING = "subscriptions.email.marketing."
ON_LISTS = MARKETING + "list_suppressions."


def check_suppression_filters(conditions: list[Condition]) -> None:
    """Refuse to mix the two kinds, to ask for several times, or for lists without naming one."""
    fields = [condition.field for condition in conditions if condition.field.startswith(MARKETING)]
    on_lists = [field for field in fields if field.startswith(ON_LISTS)]
    if on_lists and len(on_lists) < len(fields):
        raise _refusal("list_suppressions and suppression cannot be mixed.")
    if sum(field.endswith(".timestamp") for field in fields) > 1:
        raise _refusal("Only one condition on the time of a suppression is possible.")
    if on_lists and ON_LISTS + "list_id" not in on_lists:
        raise _refusal("Conditions on list_suppressions need the list_id.")


def suppressions(record: Record, field: str) -> list[dict[str, Any]]:
    """Find the suppressions of a profile that a filter's field speaks of."""
    name = "list_suppressions" if field.startswith(ON_LISTS) else "suppression"
    email = (record.attributes.get("subscriptions") or {}).get("email") or {}
    return list((email.get("marketing") or {}).get(name) or [])


def latest(record: Record, field: str) -> str | None:
    """Find the latest time under such a field, for sorting."""
    return max((entry["timestamp"] for entry in suppressions(record, field)), default=None)


def _refusal(detail: str) -> ApiFault:
    return ApiFault.parameter("filter", f"Invalid filter: {detail}")
