"""One typed reader for documents from outside: what was expected, what came instead, and where."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, TypeVar

from klaviyo_analytics._messages import described
from klaviyo_analytics.errors import MalformedResponseError
from klaviyo_analytics.timeframe.words import answered

Value = TypeVar("Value")
EMPTY: Mapping[str, Any] = {}


class Reader:
    """A value of a document, together with its place.

    Every method that returns a value raises `MalformedResponseError` if the value has another type. The message names
    the request, the place and both types, and never the value, which may be about a person.

    Parameters
    ----------
    value
        A decoded JSON value.
    where : str
        The request that it answers, such as ``"GET /connections"``.
    path : str
        The place inside the document, in words such as ``data[0].id``.

    Examples
    --------
    >>> reader = Reader({"data": [{"id": "a", "count": "x"}]}, "GET /x")
    >>> [each.at("id").text() for each in reader.at("data").items()]
    ['a']
    >>> reader.at("data").items()[0].at("count").integer()
    Traceback (most recent call last):
    klaviyo_analytics.errors.MalformedResponseError: GET /x: expected an integer at data[0].count, got a string.
    """

    __slots__ = ("path", "value", "where")

    def __init__(self, value: Any, where: str, path: str = "") -> None:
        self.value = value
        self.where = where
        self.path = path

    def __repr__(self) -> str:
        return f"Reader({described(self.value)} at {self.path or 'the top'} of {self.where})"

    def at(self, key: str) -> Reader:
        """Return the value of a key; a missing key counts as null."""
        return Reader(self.mapping().get(key), self.where, f"{self.path}.{key}" if self.path else key)

    def items(self, count: int | None = None) -> list[Reader]:
        """Return the members of a list, which has `count` of them if that is given."""
        found = self._of(lambda value: isinstance(value, list), "a list")
        if count is not None and len(found) != count:
            raise self._wrong(f"a list of {count:,}", f"one of {len(found):,}")
        return [self._member(n) for n in range(len(found))]

    def held(self, key: str) -> Reader:
        """Return the value of a key that must be there, although it may be null."""
        if key not in self.mapping():
            raise self._wrong(f"an object with {key!r}", "one without")
        return self.at(key)

    def records(self, *keys: str, one: bool = True) -> list[Mapping[str, Any]]:
        """Return a list of objects with a text or a number at each of these keys; null is an empty list.

        Parameters
        ----------
        *keys : str
            What every object must have.
        one : bool
            Whether a single object counts as a list of one.
        """
        if self.value is None:
            return []
        found = [self.value] if one and not isinstance(self.value, list) else self.value
        if not isinstance(found, list):
            raise self._wrong("a list")
        for n, record in enumerate(found):  # pages are long: a reader is made only for what is wrong
            if not isinstance(record, (dict, Mapping)):  # the abstract class alone takes ten times as long
                raise self._member(n)._wrong("an object")
            for key in keys:
                if not isinstance(record.get(key), (str, int)):
                    raise self._member(n).at(key)._wrong("a string or a number")
        return found

    def _member(self, n: int) -> Reader:
        if not isinstance(self.value, list):
            return self
        return Reader(self.value[n], self.where, f"{self.path}[{n}]")

    def entries(self) -> Iterator[tuple[str, Reader]]:
        """Yield the keys of an object with their values."""
        for key in self.mapping():
            yield key, self.at(key)

    def mapping(self) -> Mapping[str, Any]:
        """Return an object."""
        found: Mapping[str, Any] = self._of(lambda value: isinstance(value, Mapping), "an object")
        return found

    def text(self) -> str:
        """Return a string that is not empty."""
        return str(self._of(lambda value: isinstance(value, str) and bool(value), "a string"))

    def integer(self) -> int:
        """Return a whole number; null and text are not numbers."""
        whole = self._of(lambda value: _is_number(value) and value == int(value), "an integer")
        return int(whole)

    def moment(self) -> datetime:
        """Return a date and time, in UTC where it states no offset."""
        found = answered(self.text())
        if found is None:
            raise self._wrong("an ISO 8601 date")
        return found

    def optional(self, read: Callable[[Reader], Value], default: Value) -> Value:
        """Read the value, or return `default` where it is null or missing."""
        return default if self.value is None else read(self)

    def _of(self, fits: Callable[[Any], bool], expected: str) -> Any:
        if not fits(self.value):
            raise self._wrong(expected)
        return self.value

    def _wrong(self, expected: str, got: str | None = None) -> MalformedResponseError:
        place = f" at {self.path}" if self.path else ""
        return MalformedResponseError(
            f"{self.where}: expected {expected}{place}, got {got or described(self.value)}."
        )


def _is_number(value: Any) -> bool:
    return not isinstance(value, bool) and (
        isinstance(value, int) or (isinstance(value, float) and math.isfinite(value))
    )
