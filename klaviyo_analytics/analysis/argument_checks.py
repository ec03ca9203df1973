"""What a function is given first: of any other frame it says so, with the call that makes the right one."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import numpy as np
import pandas as pd

from klaviyo_analytics.errors import FrameError, InvalidInputError

P = ParamSpec("P")
R = TypeVar("R")

AGGREGATES = "aggregates: client.metric_aggregates.query(...)"
CAMPAIGNS = "a campaign summary: client.campaigns.summary(...)"
FLOWS = "a flow summary: client.flows.summary(...)"
MESSAGES = "a summary or report: client.campaigns.summary(...), client.flows.summary(...)"


class WrongFrame(FrameError):  # noqa: N818 - it never gets out of `takes`, which tells more
    """The argument is not a frame, or its columns are not the expected ones."""


def takes(what: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorate a function so that the error for a wrong frame adds `what` it takes."""

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @wraps(function)
        def checked(*args: P.args, **kwargs: P.kwargs) -> R:
            try:
                return function(*map(as_frame, args), **{name: as_frame(one) for name, one in kwargs.items()})  # type: ignore[arg-type]
            except WrongFrame as error:
                raise FrameError(f"{error}; {function.__name__} takes {what}") from error.__cause__

        return checked

    return decorate


def as_frame(given: Any) -> Any:
    """Return rows that came as something else than a frame as a pandas frame, and all other things as they are.

    Rows are a list of mappings, a NumPy array with field names, or a pandas Series whose index says what its values
    are of (a named index, or one of times).
    """
    if isinstance(given, list | tuple) and given and all(isinstance(row, Mapping) for row in given):
        return pd.DataFrame(list(given))
    if isinstance(given, np.ndarray) and given.dtype.names is not None:
        return pd.DataFrame(given)
    if isinstance(given, pd.Series) and given.name is not None:
        index = given.index
        if isinstance(index, pd.DatetimeIndex) and index.name is None:
            index = index.rename("datetime")
        if all(name is not None for name in index.names):
            return given.set_axis(index).reset_index()
    return given


def renamed(**names: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorate a function so that an old argument name still works, with a DeprecationWarning."""

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @wraps(function)
        def accepting(*args: P.args, **kwargs: P.kwargs) -> R:
            for old in names.keys() & kwargs.keys():
                new = names[old]
                if new in kwargs:
                    raise InvalidInputError(
                        f"{function.__name__} was given {new}= and {old}=, its former name. Pass {new}= alone"
                    )
                warnings.warn(
                    f"{function.__name__}({old}=...) is now {new}=. The former name works until 1.0",
                    DeprecationWarning,
                    stacklevel=2,
                )
                kwargs[new] = kwargs.pop(old)
            return function(*args, **kwargs)

        return accepting

    return decorate


def described(given: Any) -> str:
    """Return a description of an argument that is not a frame, for messages."""
    if given is None:
        return "None"
    kind = type(given).__name__
    if kind == "Series":
        return f"a Series, which is one column ({given.name!r}): give the whole frame"
    return f"a{'n' if kind[:1] in 'AEIOUaeiou' else ''} {kind}"
