"""What a view is made of, looked at before anything else is made."""

from __future__ import annotations

from typing import Any

from klaviyo_analytics.analysis._given import described
from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.errors import InvalidInputError


def check_client(view: object, given: Any) -> None:
    """Refuse what is no client.

    Raises
    ------
    InvalidInputError
        The message says what was given, and where a client comes from.
    """
    check(view, "client", given, KlaviyoClient, "a client, as ka.connect() and ka.demo() give it")


def check_state(view: object, given: Any, kind: type) -> None:
    """Refuse a state of another view; without one, the view makes its own.

    Raises
    ------
    InvalidInputError
        The message says what was given, and what the view takes.
    """
    if given is not None:
        check(view, "state", given, kind, f"a {kind.__name__}, or none for one of its own")


def check(view: object, name: str, given: Any, kind: type | tuple[type, ...], wanted: str) -> None:
    """Refuse what is of another kind; its value is not said, as it may be a key.

    Raises
    ------
    InvalidInputError
        The message says what was given and what is wanted.
    """
    if not isinstance(given, kind):
        raise InvalidInputError(f"{type(view).__name__}(): {name} is {described(given)}; give {wanted}.")
