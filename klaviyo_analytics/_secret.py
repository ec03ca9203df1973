"""A value that must not be seen: it does not print, compare, pickle, copy or iterate."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any, NoReturn, Self

from klaviyo_analytics.errors import ConfigurationError

MASK = "***"


class Secret:
    """Holds an API key, or another text that gives access.

    Tracebacks that print local variables, `dataclasses.asdict`, log records and notebooks show ``***``. The text
    itself is returned by `reveal` only, which is called where a request is built and nowhere else.

    Parameters
    ----------
    text : str
        The value to hide.
    """

    __slots__ = ("reveal",)

    reveal: Callable[[], str]

    def __init__(self, text: str) -> None:
        # a closure: neither the object's attributes nor its slots hold the text
        self.reveal = lambda: text

    @property
    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits that differ from key to key and do not reveal it."""
        return hashlib.sha256(self.reveal().encode()).hexdigest()[:16]

    def __repr__(self) -> str:
        return MASK

    __str__ = __repr__

    def __format__(self, _spec: str) -> str:
        return MASK

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _memo: Any) -> Self:
        return self

    def __reduce_ex__(self, _protocol: Any) -> NoReturn:
        raise ConfigurationError(
            "An API key cannot be pickled. Call ka.connect() in the process that needs the client."
        )


def hidden(value: Any) -> Any:
    """Return a text wrapped in a `Secret`; anything else, also a `Secret`, is returned unchanged.

    Bytes are never a valid key, but may hold one; they become an empty, equally invalid one.
    """
    if isinstance(value, (bytes, bytearray)):
        return Secret("")
    return Secret(value) if isinstance(value, str) else value
