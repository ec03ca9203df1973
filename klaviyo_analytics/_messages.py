"""Calls that do not fit a signature, answered in words: what was given, what is allowed, what was meant."""

from __future__ import annotations

import difflib
import functools
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import FunctionType
from typing import Any, TypeVar, cast

from klaviyo_analytics._secret import hidden
from klaviyo_analytics.errors import ArgumentError

Function = TypeVar("Function", bound=Callable[..., Any])
Class = TypeVar("Class", bound=type)
_SECRETS = {"api_key"}
_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


def explained(function: Function, name: str = "") -> Function:
    """Answer a call that does not fit a function's signature with an `ArgumentError`.

    The signature is read only after a TypeError: a call that fits costs nothing.
    """

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        for secret in _SECRETS & kwargs.keys():  # a traceback with local variables prints them
            kwargs[secret] = hidden(kwargs[secret])
        try:
            return function(*args, **kwargs)
        except TypeError:
            check(name or function.__name__, inspect.signature(function), args, kwargs)
            raise

    call.is_explained = True  # type: ignore[attr-defined]
    return cast(Function, call)


def explained_methods(kind: Class) -> Class:
    """Explain how a class is made, and every public method that it defines itself."""
    for name, method in list(vars(kind).items()):
        if name == "__init__":
            setattr(kind, name, explained(method, kind.__name__))
        elif (
            isinstance(method, FunctionType)
            and not name.startswith("_")
            and not hasattr(method, "is_explained")
        ):
            setattr(kind, name, explained(method))
    return kind


def check(name: str, signature: inspect.Signature, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
    """Refuse arguments that do not fit a signature.

    Raises
    ------
    ArgumentError
        The message names what is allowed and what may have been meant.
    """
    try:
        signature.bind(*args, **kwargs)
    except TypeError as problem:
        allowed = [p.name for p in signature.parameters.values() if p.kind in _NAMED and p.name != "self"]
        near = [
            f"{close[0]}="
            for given in kwargs
            if given not in allowed and (close := difflib.get_close_matches(given, allowed, n=1))
        ]
        meant = f" (did you mean {' and '.join(near)}?)" if near else ""
        takes = ", ".join(f"{name}=" for name in allowed) or "no options"
        said = str(problem).replace("positional arguments", "arguments without a name")
        raise ArgumentError(f"{name}(): {said}{meant}; it takes {takes}.") from None


def near(given: str, allowed: Iterable[str], most: int = 5) -> str:
    """List at most `most` allowed words, those most similar to what was given first."""
    words = sorted(allowed, key=lambda word: -difflib.SequenceMatcher(None, given, word).ratio())
    return ", ".join(words[:most]) + (f" and {len(words) - most} more" if len(words) > most else "")


def counted(count: int, thing: str) -> str:
    """Write `1 campaign` or `60 campaigns`."""
    return f"{count:,} {thing}{'' if count == 1 else 's'}"


def spoken(seconds: float) -> str:
    """Write a duration: 40 s, 3 min, 2 h 5 min."""
    if seconds < 90:
        return f"{max(round(seconds), 1)} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
