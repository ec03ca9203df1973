"""`F`: fields that are compared with values, which makes filters."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NoReturn

from klaviyo_analytics.errors import InvalidQueryError
from klaviyo_analytics.filters._known_fields import KNOWN_FIELDS, KnownFields

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


TIMES = re.compile(r"(^|[._])(created|updated|datetime|timestamp|[a-z_]+_at)$")


def literal(value: Any, field: str = "", *, up: bool = False) -> str:
    """Write a value as the filter grammar wants it.

    Datetimes are written in UTC without quotes (quoted ones are refused); a date or text for a field that
    holds a time is read as UTC midnight. The events' `timestamp` is compared in whole Unix seconds, `up` to the
    next.
    """
    if isinstance(value, (list, tuple, set, frozenset)):
        if not value:
            raise InvalidQueryError(f"{field or 'a filter'}: an empty list of values would match nothing.")
        return f"[{','.join(literal(item, field) for item in value)}]"
    value = _python(value)
    if TIMES.search(field) and isinstance(value, (str, dt.date)):
        moment = _moment(value, field)
        whole = math.ceil if up else math.floor
        return str(whole(moment.timestamp())) if field == "timestamp" else _rfc3339(moment)
    if isinstance(value, dt.date):
        return _rfc3339(_moment(value, field))
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)) and math.isfinite(value):
        return repr(value)
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    raise InvalidQueryError(
        f"{field or 'a filter'}: {value!r} cannot stand in a filter; "
        "use text, a number, True/False, None, a date or datetime, or a list of these."
    )


def _python(value: Any) -> Any:
    """Convert a numpy scalar to a Python value; nanoseconds would turn into a bare number."""
    if getattr(value, "ndim", None) != 0:
        return value
    plain = value.astype("datetime64[us]").item() if value.dtype.kind == "M" else value.item()
    return value if plain is None else plain  # a NaT would turn into a null


def _moment(value: str | dt.date, field: str) -> dt.datetime:
    if isinstance(value, str):
        try:
            value = dt.datetime.fromisoformat(value)
        except ValueError:
            raise InvalidQueryError(
                f"{field}: {value!r} is not a valid date; write it like 2026-01-31 or 2026-01-31T12:00:00+00:00."
            ) from None
    if not isinstance(value, dt.datetime):
        value = dt.datetime(value.year, value.month, value.day, tzinfo=dt.UTC)
    if value != value:  # noqa: PLR0124  (NaT)
        raise InvalidQueryError(f"{field}: NaT cannot stand in a filter.")
    return value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value.astimezone(dt.UTC)


def _rfc3339(moment: dt.datetime) -> str:
    text = moment.strftime("%Y-%m-%dT%H:%M:%S").rjust(19, "0")
    return f"{text}.{moment.microsecond:06d}Z" if moment.microsecond else f"{text}Z"


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
            self.fail(f"{operator!r} is not an operator; the operators are and, {', '.join(OPERATORS)}")
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


class _NoLogic:
    """Refuses what Klaviyo's grammar cannot say, and what Python's own words would decide in silence."""

    __slots__ = ()

    def __or__(self, other: object) -> NoReturn:
        raise InvalidQueryError(
            "Klaviyo's filters know no 'or'. For alternatives of one field use F.field.any([...]); "
            "for others make two queries and concatenate the frames."
        )

    __ror__ = __or__

    def __invert__(self) -> NoReturn:
        raise InvalidQueryError(
            "Klaviyo's filters know no 'not'. Read more and filter the frame with pandas."
        )

    def __bool__(self) -> NoReturn:
        raise InvalidQueryError(
            "Combine filters with &, not with 'and', 'or', 'not' or a chained comparison: (a < x) & (x < b)."
        )


@dataclass(frozen=True, slots=True, repr=False)
class Filter(_NoLogic):
    """Conditions that must all hold. Combine with `&`; Klaviyo's grammar has no "or" and no "not"."""

    conditions: tuple[Condition, ...]

    def __str__(self) -> str:
        if len(self.conditions) == 1:
            return str(self.conditions[0])
        return f"and({','.join(map(str, self.conditions))})"

    def __repr__(self) -> str:
        return f"Filter({str(self)!r})"

    def __and__(self, other: Filter | str) -> Filter:
        return Filter(self.conditions + as_filter(other).conditions)

    def __rand__(self, other: str) -> Filter:
        return as_filter(other) & self


class Field(_NoLogic):
    """A field to filter on; comparing it makes a `Filter`. Dots chain: `F.messages.channel`."""

    __slots__ = ("_name",)
    __hash__ = None  # type: ignore[assignment]  # == builds a filter, so a field has no place in a set

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Field:
        if name.startswith("__"):
            raise AttributeError(name)
        return Field(f"{self._name}.{name}")

    def __repr__(self) -> str:
        return f"F[{self._name!r}]"

    def __call__(self, *_values: object) -> NoReturn:
        """Refuse pandas' habits in words."""
        raise InvalidQueryError(
            f"{self._name!r} is a field, not a function. Filters are written with ==, >, >=, <, <= and the methods "
            "any, contains, contains_any, contains_all, starts_with, ends_with and has."
        )

    def _where(self, operator: str, value: object) -> Filter:
        # events are dated to the second, so a bound within one means the next whole second, or this one
        up = operator in ("greater-or-equal", "less-than")
        return Filter((Condition(operator, self._name, literal(value, self._name, up=up)),))

    def _where_listed(self, operator: str, values: Iterable[object]) -> Filter:
        if isinstance(values, (str, bytes)) or not isinstance(values, Iterable):
            raise InvalidQueryError(f"{self._name}: {values!r} is not a list of values; write [{values!r}].")
        return self._where(operator, list(values))

    def __and__(self, other: object) -> NoReturn:
        raise InvalidQueryError(
            f"& binds more tightly than the comparison beside it ({self!r}): put each comparison in parentheses, "
            'like (F.email == "...") & (F.created > "...").'
        )

    __rand__ = __and__

    def __eq__(self, value: object) -> Filter:  # type: ignore[override]
        return self._where("equals", value)

    def __ne__(self, value: object) -> NoReturn:
        raise InvalidQueryError(
            "Klaviyo's filters know no 'not equal'. Read more and filter the frame with pandas."
        )

    def __gt__(self, value: object) -> Filter:
        return self._where("greater-than", value)

    def __ge__(self, value: object) -> Filter:
        return self._where("greater-or-equal", value)

    def __lt__(self, value: object) -> Filter:
        return self._where("less-than", value)

    def __le__(self, value: object) -> Filter:
        return self._where("less-or-equal", value)

    def any(self, values: Iterable[object]) -> Filter:
        """Any of the values."""
        return self._where_listed("any", values)

    def contains(self, value: object) -> Filter:
        """Ask that the text contains this text (case matters)."""
        return self._where("contains", value)

    def contains_any(self, values: Iterable[object]) -> Filter:
        """Ask that the list contains at least one of the values."""
        return self._where_listed("contains-any", values)

    def contains_all(self, values: Iterable[object]) -> Filter:
        """Ask that the list contains all of the values."""
        return self._where_listed("contains-all", values)

    def starts_with(self, value: object) -> Filter:
        """Ask that the text starts with this text."""
        return self._where("starts-with", value)

    def ends_with(self, value: object) -> Filter:
        """Ask that the text ends with this text."""
        return self._where("ends-with", value)

    def has(self) -> Filter:
        """Ask that the field is there at all."""
        return Filter((Condition("has", self._name, None),))


class FieldFactory(KnownFields):
    """`F.email`, `F["messages.channel"]`: the start of every filter.

    Compare a field (==, >, >=, <, <=) or use any, contains, contains_any, contains_all, starts_with, ends_with,
    has; join filters with &. Completion offers the fields that some endpoint allows; any other name works, too. A
    filter knows no account: dates and times without a zone of their own are UTC.

    Examples
    --------
    >>> from klaviyo_analytics import F
    >>> str(F.status.any(["Draft", "Sent"]))
    'any(status,["Draft","Sent"])'
    >>> str(F["messages.channel"] == "email")
    'equals(messages.channel,"email")'
    """

    __slots__ = ()

    def __dir__(self) -> list[str]:
        return [*KNOWN_FIELDS]

    def __repr__(self) -> str:
        return """F, as in F.email == "ann@mail.example.net" or F["messages.channel"].any(["email", "sms"])"""

    def __getattr__(self, name: str) -> Field:
        if name.startswith("__"):
            raise AttributeError(name)
        return Field(name)

    def __getitem__(self, name: str) -> Field:
        return Field(name)


F = FieldFactory()


def as_filter(value: Filter | str) -> Filter:
    """Return a filter from a built one or from a raw expression."""
    if isinstance(value, Filter):
        return value
    if isinstance(value, str):
        return parse(value)
    raise InvalidQueryError(f"a filter is built with ka.F or given as text, not {type(value).__name__}.")


def parse(text: str) -> Filter:
    """Read a raw filter expression; the literals stay as they were written."""
    return Filter(conditions_of(text))
