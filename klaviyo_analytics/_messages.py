"""Calls that do not fit a signature, answered in words: what was given, what is allowed, what was meant."""

from __future__ import annotations

import difflib
import functools
import inspect
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import FunctionType
from typing import Any, TypeVar, cast

from klaviyo_analytics._secret import hidden
from klaviyo_analytics.errors import ArgumentError

Function = TypeVar("Function", bound=Callable[..., Any])
Class = TypeVar("Class", bound=type)
# this package, and what calls on its behalf
_INSIDE = {__name__.partition(".")[0], "functools", "contextlib"}
_SECRETS = {"api_key"}
# keywords that other methods take
_ELSEWHERE = {
    "orders": "Klaviyo counts these numbers itself, over all orders. client.analyses and client.account_summary "
    "take orders=; client.analyses.touch_rollup(orders=...) counts those that meet conditions by campaign or flow.",
}
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
            f"{close[0]}=" for given in kwargs if given not in allowed and (close := closest(given, allowed))
        ]
        meant = f" (did you mean {' and '.join(near)}?)" if near else ""
        elsewhere = "".join(f" {said}" for word, said in _ELSEWHERE.items() if word in {*kwargs} - {*allowed})
        takes = ", ".join(f"{name}=" for name in allowed) or "no options"
        said = str(problem).replace("positional arguments", "arguments without a name")
        raise ArgumentError(f"{name}(): {said}{meant}; it takes {takes}.{elsewhere}") from None


def level_outside() -> int:
    """Return the `stacklevel` of a warning that is to name the line that called this package, from whatever depth."""
    frame, level = sys._getframe(1), 1
    while frame.f_back and frame.f_globals.get("__name__", "").partition(".")[0] in _INSIDE:
        frame, level = frame.f_back, level + 1
    return level


def near(given: object, allowed: Iterable[str], most: int = 5) -> str:
    """List at most `most` allowed words, those most similar to what was given first."""
    words = sorted(allowed, key=lambda word: -difflib.SequenceMatcher(None, str(given), word).ratio())
    return ", ".join(words[:most]) + (f" and {len(words) - most} more" if len(words) > most else "")


def closest(given: object, allowed: Iterable[str], most: int = 1, cutoff: float = 0.6) -> list[str]:
    """Return at most `most` allowed words that are so similar to what was given that they may have been meant."""
    return difflib.get_close_matches(str(given), list(allowed), n=most, cutoff=cutoff)


def did_you_mean(given: object, allowed: Iterable[str], most: int = 1) -> str:
    """Return ``" (did you mean 'x'?)"`` for the closest allowed words, or an empty string if no word is close."""
    close = closest(given, allowed, most)
    return f" (did you mean {' or '.join(map(repr, close))}?)" if close else ""


def allowed_values(given: object, allowed: Iterable[str], what: str = "Allowed values") -> str:
    """Return a sentence that lists at most five allowed values, the closest first.

    Examples
    --------
    >>> allowed_values("dayly", ["hour", "day", "week"])
    'Allowed values: day, hour, week.'
    """
    return f"{what}: {near(str(given), allowed)}."


def counted(count: int, name: str) -> str:
    """Write `1 campaign` or `60 campaigns`."""
    return f"{count:,} {name}{'' if count == 1 else 's'}"


def spoken(seconds: float) -> str:
    """Write a duration: 40 s, 3 min, 2 h 5 min."""
    if seconds < 90:
        return f"{max(round(seconds), 1)} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


def described(value: Any) -> str:
    """Return the JSON type of a value in words."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, (int, float)):
        return "a number"
    if isinstance(value, str):
        return "a string" if value else "an empty string"
    if isinstance(value, Mapping):
        return "an object"
    return "a list" if isinstance(value, (list, tuple)) else type(value).__name__


# what a frame is, by the columns that it must have; the first that fits
_LOOKS: tuple[tuple[str, tuple[set[str], ...]], ...] = (
    ("the frame of analysis.attribution", ({"order_id"}, {"credit"})),
    ("events", ({"profile_id"}, {"datetime"}, {"metric", "metric_id"})),
    ("a summary or report", ({"recipients", "delivered"}, {"opens_unique", "clicks_unique", "conversions"})),
    ("aggregates", ({"datetime"}, {"count", "sum_value", "unique"})),
    ("profiles", ({"id"}, {"email"}, {"first_name", "phone_number", "created"})),
)


def looks_like(given: Any) -> str:
    """Return in words what a frame seems to be, such as "events"; "" for other things and frames of another kind."""
    columns = getattr(given, "columns", None)
    if not isinstance(columns, Iterable):
        return ""
    names, attrs = {str(name) for name in columns}, getattr(given, "attrs", None)
    if isinstance(attrs, Mapping) and attrs.get("analysis"):
        return f"the frame of client.analyses.{attrs['analysis']}"
    return next((what for what, needed in _LOOKS if all(some & names for some in needed)), "")
