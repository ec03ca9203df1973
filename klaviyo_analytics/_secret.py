"""A value that must not be seen: it does not print, compare, pickle, copy or iterate."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import Any, NoReturn, Self

from klaviyo_analytics.errors import ConfigurationError

MASK = "***"
# as a query of a link, also percent-encoded or escaped by a JSON writer, or as a field of a JSON object
_SESSION = r"""(?i)(session_?token(?:=|%3D|\\u003d|\\?["']\s*:\s*\\?["']))[^&\s"'<>\\]+"""
_SESSION_TEXT, _SESSION_BYTES = re.compile(_SESSION), re.compile(_SESSION.encode())


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


def without_session(text: str) -> str:
    """Mask the token of a session link, which opens a connection for whoever has it."""
    return _SESSION_TEXT.sub(rf"\1{MASK}", text)


def body_without_session(body: bytes) -> bytes:
    """Mask the token of a session link in a body; JSON stays JSON."""
    return _SESSION_BYTES.sub(rb"\1" + MASK.encode(), body)
