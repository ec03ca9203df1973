"""What methods that write say of an argument that is not of the type in their signature."""

from __future__ import annotations

import functools
import inspect
import numbers
import reprlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from types import FunctionType, NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin

import numpy as np
import pandas as pd

from klaviyo_analytics.errors import InvalidInputError, KlaviyoError

Function = TypeVar("Function", bound=Callable[..., Any])
Class = TypeVar("Class", bound=type)


def typed_methods(kind: Class) -> Class:
    """Make the methods of a class that write name an argument which is not of the type in their signature."""
    for name, method in list(vars(kind).items()):
        if isinstance(method, FunctionType) and not name.startswith("_"):
            options = method.__kwdefaults__ or {}
            if "dry_run" in options or "confirm" in options or name.startswith("plan"):
                setattr(kind, name, typed(method))
    return kind


def typed(function: Function) -> Function:
    """Make a function name the argument over which it fails, if that is not of the type in the signature.

    The function's own checks come first, since they know more. Annotations are read when they are needed. What they
    name for type checkers only is not checked, nor is `confirm`, which has an error of its own.
    """

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except (TypeError, ValueError, AttributeError, LookupError) as problem:
            wrong = None if isinstance(problem, KlaviyoError) else _wrong_argument(function, args, kwargs)
            if wrong is None:
                raise
            raise wrong from None

    return cast(Function, call)


def _wrong_argument(
    function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> InvalidInputError | None:
    """Return the error for the first argument of a wrong type, or None."""
    signature, types = _types(function)
    try:
        bound = signature.bind(*args, **kwargs)
    except TypeError:  # an unknown keyword, or a missing one
        return None
    for name, given in bound.arguments.items():
        parameter = signature.parameters[name]
        keywords = parameter.kind is parameter.VAR_KEYWORD
        optional = keywords or parameter.default is not parameter.empty
        for each, one in given.items() if keywords else [(name, given)]:
            if name in types and one is not parameter.default and not _fits(one, types[name]):
                return _error(function.__name__, each, one, types[name], optional=optional)
    return None


def _types(function: Callable[..., Any]) -> tuple[inspect.Signature, dict[str, Any]]:
    """Return the signature of a function, and the types of those parameters whose values are checked."""
    signature, types = inspect.signature(function), {}
    for name, parameter in signature.parameters.items():
        hint: Any = parameter.annotation
        if name == "confirm" or hint is parameter.empty:
            continue
        if isinstance(hint, str):
            try:
                hint = eval(hint, cast(FunctionType, function).__globals__)  # noqa: S307  (our own source text)
            except (NameError, TypeError):  # named for type checkers only: Id, Tabular, pd.Series[Any]
                continue
        types[name] = hint
    return signature, types


def _error(function: str, name: str, given: Any, hint: Any, *, optional: bool) -> InvalidInputError:
    plain = given is None or isinstance(given, (str, bytes, int, float, list, tuple, dict, set))
    shown = "***" if "secret" in name else reprlib.repr(given) if plain else f"<{type(given).__name__}>"
    rest = f", or leave {name} out" if optional else ""
    return InvalidInputError(
        f"{function}(): {name}={shown} is of the wrong type ({type(given).__name__}). Allowed: "
        f"{', '.join(dict.fromkeys(_spelled(hint)))}. Pass one of these{rest}."
    )


def _fits(given: Any, hint: Any) -> bool:
    """Return whether a value is of a type; a number of any library is a number, and any collection a sequence."""
    origin, inner = get_origin(hint), get_args(hint)
    if hint in (bool, np.bool_):
        return isinstance(given, (bool, np.bool_))
    if hint in (int, float):
        return isinstance(given, (numbers.Real, Decimal)) and not isinstance(given, bool)
    if hint in (None, NoneType):
        return given is None
    if hint in (date, datetime):
        return isinstance(given, (hint, np.datetime64))
    if origin in (Union, UnionType):
        return any(_fits(given, one) for one in inner)
    if origin is Literal:
        return any(_fits(given, type(one)) for one in inner)
    if origin is not None and isinstance(origin, type) and issubclass(origin, Mapping):
        return isinstance(given, Mapping) and all(_fits(one, inner[1]) for one in given.values())
    if origin in (Sequence, Iterable, list):
        if not isinstance(given, Iterable) or isinstance(given, (str, bytes, Mapping, pd.DataFrame)):
            return False
        if isinstance(given, np.ndarray) and given.ndim == 0:
            return False
        return not isinstance(given, Collection) or all(_fits(one, inner[0]) for one in given)
    return isinstance(given, hint) if isinstance(hint, type) and hint is not Any else True


_SPELLED = {
    str: "text", bool: "True or False", int: "a whole number", float: "a number", bytes: "bytes", Path: "a path",
    date: "a date", datetime: "a datetime", NoneType: "None", None: "None",
}  # fmt: skip


def _spelled(hint: Any) -> list[str]:
    """Return the types that are allowed in words."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return [word for one in inner for word in _spelled(one)]
    if origin is Literal:
        words = [repr(one) for one in inner]
        return words if len(words) <= 5 else [*words[:5], f"{len(words) - 5} more"]
    if origin is not None and isinstance(origin, type) and issubclass(origin, Mapping):
        return ["a dict"]
    if origin is not None:
        return [f"a list of {' or '.join(_spelled(inner[0]))}" if inner[0] is not Any else "a list"]
    return [_SPELLED.get(hint) or f"a {hint.__name__}"]
