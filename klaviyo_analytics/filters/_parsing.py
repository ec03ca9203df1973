"""Raw filter expressions, read to be checked."""

from __future__ import annotations

import re
from typing import NoReturn

from klaviyo_analytics.errors import InvalidQueryError
from klaviyo_analytics.filters._conditions import OPERATORS, Condition

_TOKEN = re.compile(
    r"""\s*(?:(?P<name>[A-Za-z_$][\w.$ -]*?)\s*(?=[(,)])
          |(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
          |(?P<mark>[(),\[\]])
          |(?P<bare>[^\s(),\[\]"']+))""",
    re.VERBOSE | re.DOTALL,
)

_ITEM = re.compile(r""""(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^,\[\]]+""", re.DOTALL)
# what stands without quotes: numbers, true, false, null, dates and times
_BARE = re.compile(
    r"\s*(?:[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?|true|false|null|"
    r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}(?::?\d{2}(?::?\d{2}(?:\.\d+)?)?)?(?:Z|[+-]\d{2}:?\d{2})?)?)\s*",
    re.IGNORECASE,
)


def conditions_of(text: str) -> tuple[Condition, ...]:
    """Read a raw filter expression into its conditions; the literals stay as they were written."""
    return tuple(_Parser(text).whole())


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0

    def whole(self) -> list[Condition]:
        found = self.expressions(until="")
        if self.text[self.position :].strip():
            self.fail("expected ',' or the end")
        return found

    def expressions(self, until: str) -> list[Condition]:
        found = self.expression()
        while self.peek() == ",":
            self.take()
            found += self.expression()
        if self.peek() != until:
            self.fail(f"expected {until!r}" if until else "expected ',' or the end")
        return found

    def expression(self) -> list[Condition]:
        operator = self.take()
        if self.take() != "(":
            self.fail("expected an operator and '('")
        if operator == "and":
            inside = self.expressions(until=")")
            self.take()
            return inside
        if operator not in OPERATORS:
            self.fail(f"{operator!r} is no operator; there are and, {', '.join(OPERATORS)}")
        field, value = self.word("a field"), None
        if self.peek() == ",":
            self.take()
            value = self.value()
        if self.take() != ")":
            self.fail("expected ')'")
        if value is not None:
            self.check_quoted(field, value)
        return [Condition(operator, field, value)]

    def check_quoted(self, field: str, value: str) -> None:
        """Refuse text without quotes, which the server would not read as text."""
        for item in _ITEM.findall(value):
            if item[0] in "\"'" or _BARE.fullmatch(item):
                continue
            self.fail(f'{item!r} is text without quotes; write {field},"{item}"')

    def value(self) -> str:
        if self.peek() != "[":
            return self.word("a value")
        self.take()
        items = [self.value()]
        while self.peek() == ",":
            self.take()
            items.append(self.value())
        if self.take() != "]":
            self.fail("expected ']'")
        return f"[{','.join(items)}]"

    def word(self, what: str) -> str:
        if self.peek() in tuple("(),[]"):
            self.fail(f"expected {what}")
        return self.take()

    def peek(self) -> str:
        match = _TOKEN.match(self.text, self.position)
        return match[0].strip() if match else ""

    def take(self) -> str:
        match = _TOKEN.match(self.text, self.position)
        if match is None:
            self.fail("a quote is not closed" if self.text[self.position :].strip() else "it ends too early")
        self.position = match.end()
        return match[0].strip()

    def fail(self, why: str) -> NoReturn:
        raise InvalidQueryError(
            f"the filter {self.text!r} cannot be read at character {self.position}: {why}. "
            'An example: equals(email,"ann@mail.example.net"); ka.F writes it for you.'
        )
