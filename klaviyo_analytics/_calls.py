"""Calls that do not fit a signature, answered in words: what was given, what is allowed, what was meant."""

from __future__ import annotations

import difflib
import functools
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import FunctionType
from typing import Any, TypeVar, cast

from klaviyo_analytics.errors import ArgumentError

Function = TypeVar("Function", bound=Callable[..., Any])
Class = TypeVar("Class", bound=type)
_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


def explained(function: Function, name: str = "") -> Function:
    """Let a function refuse a call that does not fit its signature with an `ArgumentError`."""
    signature = inspect.signature(function)

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        check(name or function.__name__, signature, args, kwargs)
        return function(*args, **kwargs)

    call.is_explained = True  # type: ignore[attr-defined]
    return cast(Function, call)


def explained_methods(kind: Class) -> Class:
    """Explain how a class is made, and every public method that it defines itself."""
    for name, method in list(vars(kind).items()):
        public = isinstance(method, FunctionType) and not name.startswith("_")
        if name == "__init__":
            setattr(kind, name, explained(method, kind.__name__))
        elif public and not hasattr(method, "is_explained"):
            method.__name__ = name  # a factory knows no name
            method.__qualname__ = f"{kind.__qualname__}.{name}"
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
