"""`F`: fields that are compared with values, which makes filters."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NoReturn

from klaviyo_analytics.errors import InvalidQueryError
from klaviyo_analytics.filters._conditions import Condition
from klaviyo_analytics.filters._known_fields import KNOWN_FIELDS, KnownFields
from klaviyo_analytics.filters._literals import literal
from klaviyo_analytics.filters._parsing import conditions_of


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
            raise InvalidQueryError(f"{self._name}: {values!r} is no list of values; write [{values!r}].")
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
    """Take a built filter or a raw expression."""
    if isinstance(value, Filter):
        return value
    if isinstance(value, str):
        return parse(value)
    raise InvalidQueryError(f"a filter is built with ka.F or given as text, not {type(value).__name__}.")


def parse(text: str) -> Filter:
    """Read a raw filter expression; the literals stay as they were written."""
    return Filter(conditions_of(text))
