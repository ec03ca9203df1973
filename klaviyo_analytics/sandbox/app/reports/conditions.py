"""The filter of a report: one text, conditions joined by AND, each on an attribute of its own."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from klaviyo_analytics.sandbox.app.errors import ApiFault
from klaviyo_analytics.sandbox.app.filters import Condition, Parser

POINTER = "/data/attributes/filter"
MOST_VALUES = 100

SCALAR = frozenset({"equals", "contains-any"})  # of an attribute with one value
LISTED = frozenset({"contains-any", "contains-all"})  # of an attribute with several
NAMED = frozenset({"equals", "any"})  # of forms and segments


@dataclass(frozen=True, slots=True)
class Wish:
    """What one attribute must be: one of `values`, or with `every` all of them."""

    attribute: str
    values: frozenset[str]
    every: bool

    def holds(self, value: Any) -> bool:
        """Tell whether a row's value, or list of values, is what is wished for."""
        has = set(value) if isinstance(value, list) else {value}
        return self.values <= has if self.every else not self.values.isdisjoint(has)


def read_filter(
    text: str | None,
    operators: Mapping[str, Collection[str]],
    words: Mapping[str, Collection[str]] | None = None,
) -> tuple[Wish, ...]:
    """Read a filter; `operators` says which attributes take which, `words` what an attribute may be."""
    if not text:
        return ()
    wishes: dict[str, Wish] = {}
    for condition in _parse(text):
        name = condition.field
        if name not in operators:
            _refuse(f"{name} cannot be filtered on; attributes: {', '.join(sorted(operators))}.")
        if condition.operator not in operators[name]:
            allowed = ", ".join(sorted(operators[name]))
            _refuse(f"{condition.operator} is not an operator of {name}; operators: {allowed}.")
        if name in wishes:
            _refuse(f"{name} is filtered on twice; each attribute takes one filter.")
        values = _values(condition)
        unknown = values.difference(words[name]) if words and name in words else ()
        if words and unknown:
            _refuse(f"{', '.join(sorted(unknown))} is no {name}; allowed: {', '.join(sorted(words[name]))}.")
        wishes[name] = Wish(name, values, condition.operator == "contains-all")
    return tuple(wishes.values())


def _parse(text: str) -> list[Condition]:
    try:
        return Parser(text).parse()
    except ApiFault as fault:  # the parser speaks of a query parameter, and this filter is in the body
        _refuse(fault.problems[0].detail)


def _values(condition: Condition) -> frozenset[str]:
    literal = condition.literal
    if (condition.operator == "equals") == isinstance(literal, tuple):
        takes = "one value" if condition.operator == "equals" else "a list"
        _refuse(f"{condition.operator}({condition.field}) takes {takes}.")
    values = literal if isinstance(literal, tuple) else (literal,)
    if not 1 <= len(values) <= MOST_VALUES:
        _refuse(
            f"{condition.operator}({condition.field}) takes 1 to {MOST_VALUES} values, not {len(values)}."
        )
    texts = frozenset(value for value in values if isinstance(value, str))
    if len(texts) < len(set(values)):
        _refuse(f"{condition.field} takes text in quotes.")
    return texts


def _refuse(detail: str) -> NoReturn:
    raise ApiFault.pointer(POINTER, f"Invalid filter: {detail.removeprefix('Invalid filter: ')}")
