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
    where, wrong, allowed = _part(name, given, hint)
    plain = wrong is None or isinstance(wrong, (str, bytes, int, float, list, tuple, dict, set))
    shown = "***" if "secret" in name else reprlib.repr(wrong) if plain else f"<{type(wrong).__name__}>"
    words = list(dict.fromkeys(_spelled(allowed)))
    listed = f"{', '.join(words[:-1])} or {words[-1]}" if len(words) > 1 else words[0]
    rest = f", or leave {name} out" if optional else ""
    return InvalidInputError(
        f"{function}(): {where}={shown} is of the wrong type ({type(wrong).__name__}). Allowed: {listed}. "
        f"Pass one{' of these' if len(words) > 1 else ''}{rest}."
    )


def _part(name: str, given: Any, hint: Any) -> tuple[str, Any, Any]:
    """Return what in a value is of a wrong type: its name, itself and the type it should be of.

    That is the value, or an element of it where the value itself is a list or a dict as it should be.
    """
    for one in get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,):
        origin, inner = get_origin(one), get_args(one)
        elements: Iterable[tuple[Any, Any]] = ()
        if _is_mapping(origin) and isinstance(given, Mapping):
            elements, kind = given.items(), inner[1]
        elif origin in _SEQUENCES and _is_sequence(given) and isinstance(given, Collection):
            elements, kind = enumerate(given), inner[0]
        for key, element in elements:
            if not _fits(element, kind):
                return _part(f"{name}[{key!r}]", element, kind)
    return name, given, hint


_SEQUENCES = (Sequence, Iterable, list)


def _is_mapping(origin: Any) -> bool:
    return isinstance(origin, type) and issubclass(origin, Mapping)


def _is_sequence(given: Any) -> bool:
    """Return whether a value is a list of any library, and not a text, a frame or a single number."""
    return (
        isinstance(given, Iterable)
        and not isinstance(given, (str, bytes, Mapping, pd.DataFrame))
        and not (isinstance(given, np.ndarray) and given.ndim == 0)
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
    if _is_mapping(origin):
        return isinstance(given, Mapping) and all(_fits(one, inner[1]) for one in given.values())
    if origin in _SEQUENCES:
        return _is_sequence(given) and (
            not isinstance(given, Collection) or all(_fits(one, inner[0]) for one in given)
        )
    if isinstance(origin, type):  # a tuple
        return isinstance(given, origin)
    return isinstance(given, hint) if isinstance(hint, type) and hint is not Any else True


_SPELLED: dict[Any, tuple[str, str]] = {  # one of them, and several
    str: ("a string", "strings"),
    int: ("a whole number", "whole numbers"),
    float: ("a number", "numbers"),
    bytes: ("bytes", "bytes"),
    Path: ("a path", "paths"),
    date: ("a date", "dates"),
    datetime: ("a datetime", "datetimes"),
    NoneType: ("None", "None"),
    None: ("None", "None"),
}


def _spelled(hint: Any, *, several: bool = False) -> list[str]:
    """Return the types that are allowed in words: one value of them, or `several`."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return [word for one in inner for word in _spelled(one, several=several)]
    if origin is Literal:
        words = [repr(one) for one in inner]
        return words if len(words) <= 6 else [*words[:5], f"one of {len(words) - 5} more values"]
    if hint is bool:
        return ["True", "False"]
    if _is_mapping(origin):
        return ["dicts" if several else "a dict"]
    if origin in _SEQUENCES:
        of = " or ".join(dict.fromkeys(_spelled(inner[0], several=True)))
        return [("lists" if several else "a list") + ("" if inner[0] is Any else f" of {of}")]
    if hint in _SPELLED:
        return [_SPELLED[hint][several]]
    name = getattr(origin or hint, "__name__", str(hint))
    return [f"{name}s" if several else f"a{'n' if name[0] in 'AEIOUaeiou' else ''} {name}"]
