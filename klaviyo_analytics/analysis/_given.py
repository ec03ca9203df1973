"""What a function is given first: of any other frame it says so, with the call that makes the right one."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from klaviyo_analytics.errors import FrameError

P = ParamSpec("P")
R = TypeVar("R")

AGGREGATES = "aggregates: client.metric_aggregates.query(...)"
CAMPAIGNS = "a campaign summary: client.campaigns.summary(...)"
FLOWS = "a flow summary: client.flows.summary(...)"
MESSAGES = "a summary or report: client.campaigns.summary(...), client.flows.summary(...)"


class WrongFrame(FrameError):  # noqa: N818 - it never gets out of `takes`, which tells more
    """What was given is no frame, or one without the columns that it takes."""


def takes(what: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let a function that is given another frame say `what` it takes."""

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @wraps(function)
        def checked(*args: P.args, **kwargs: P.kwargs) -> R:
            try:
                return function(*args, **kwargs)
            except WrongFrame as error:
                raise FrameError(f"{error}; {function.__name__} takes {what}") from error.__cause__

        return checked

    return decorate


def described(given: Any) -> str:
    """Name what was given instead of a frame."""
    if given is None:
        return "None"
    kind = type(given).__name__
    if kind == "Series":
        return f"a Series, which is one column ({given.name!r}): give the whole frame"
    return f"a{'n' if kind[:1] in 'AEIOUaeiou' else ''} {kind}"
