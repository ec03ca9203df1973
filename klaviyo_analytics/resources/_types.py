"""Arguments of methods that write, checked by the types in their signatures before a request is built."""

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

from klaviyo_analytics.errors import InvalidInputError

Function = TypeVar("Function", bound=Callable[..., Any])
Class = TypeVar("Class", bound=type)


def typed_methods(kind: Class) -> Class:
    """Check what the methods of a class that write are called with by the types that their signatures name."""
    for name, method in list(vars(kind).items()):
        if isinstance(method, FunctionType) and not name.startswith("_"):
            options = method.__kwdefaults__ or {}
            if "dry_run" in options or "confirm" in options or name.startswith("plan"):
                setattr(kind, name, typed(method))
    return kind


def typed(function: Function) -> Function:
    """Refuse an argument that is not of the type in the signature, before the function runs.

    A null of any kind (NaN, pandas.NA, NaT) counts as None where None is allowed. Annotations are read at the first
    call. What they name for type checkers only is not checked here, nor is `confirm`, which has an error of its own.
    """
    known: list[tuple[inspect.Signature, dict[str, Any]]] = []

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if not known:
            known.append(_types(function))
        signature, types = known[0]
        try:
            bound = signature.bind(*args, **kwargs)
        except TypeError:
            return function(*args, **kwargs)  # which raises it again
        for name, given in bound.arguments.items():
            parameter = signature.parameters[name]
            if name in types and parameter.kind is parameter.VAR_KEYWORD:
                for each, one in given.items():
                    _check_type(function.__name__, each, one, types[name], optional=True)
            elif name in types and given is not parameter.default:
                optional = parameter.default is not parameter.empty
                if _is_null(given) and _fits(None, types[name]) and not _fits(given, types[name]):
                    bound.arguments[name] = None
                else:
                    _check_type(function.__name__, name, given, types[name], optional=optional)
        return function(*bound.args, **bound.kwargs)

    return cast(Function, call)


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


def _check_type(function: str, name: str, given: Any, hint: Any, *, optional: bool) -> None:
    if _fits(given, hint):
        return
    plain = given is None or isinstance(given, (str, bytes, int, float, list, tuple, dict, set))
    shown = "***" if "secret" in name else reprlib.repr(given) if plain else f"<{type(given).__name__}>"
    rest = f", or leave {name} out" if optional else ""
    raise InvalidInputError(
        f"{function}(): {name}={shown} is of the wrong type ({type(given).__name__}). Allowed: "
        f"{', '.join(dict.fromkeys(_spelled(hint)))}. Pass one of these{rest}."
    )


def _is_null(given: Any) -> bool:
    return given is pd.NA or given is pd.NaT or (isinstance(given, float) and given != given)  # noqa: PLR0124


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
        # a text among them is left to the method, which knows whose name or id it is
        return not isinstance(given, Collection) or all(
            isinstance(one, str) or _fits(one, inner[0]) for one in given
        )
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
