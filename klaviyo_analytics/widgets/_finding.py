"""What somebody names becomes the option that is meant, as strictly as `find` of the client."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pandas as pd

from klaviyo_analytics.errors import AmbiguousMatchError, InvalidInputError, NoMatchError
from klaviyo_analytics.resources._words import instead
from klaviyo_analytics.widgets._choices import Option

Wanted = str | tuple[str, str] | pd.Series


def ids_of(
    wanted: Iterable[Wanted], options: Sequence[Option], *, noun: str, grouped: str
) -> tuple[str, ...]:
    """Give the ids of what is named by id, name, (name, group), or a row.

    Raises
    ------
    NoMatchError, AmbiguousMatchError
        Nothing is called so, or several are; the message names them.
    InvalidInputError
        It is no name at all.
    """
    return tuple(_one(each, options, noun, grouped).id for each in wanted)


def first_of(options: Sequence[Option], *, noun: str) -> str:
    """Give the id of what is offered first.

    Raises
    ------
    NoMatchError
        There is nothing.
    """
    if not options:
        raise NoMatchError(f"This account has no {noun}s.")
    return options[0].id


def _one(wanted: Wanted, options: Sequence[Option], noun: str, grouped: str) -> Option:
    if isinstance(wanted, pd.Series) and "id" in wanted:
        wanted = str(wanted["id"])
    name, group = wanted if isinstance(wanted, tuple) and len(wanted) == 2 else (wanted, None)
    if not isinstance(name, str) or not name:
        raise InvalidInputError(
            f"{noun}={wanted!r}: give a name, an id, (name, {grouped.casefold()}), or a row of the account's {noun}s."
        )
    found = _called(name, options)
    if not found:
        there = instead(name, (option.name for option in options)) if options else ""
        raise NoMatchError(f"No {noun} is called {name!r}.{there or f' This account has no {noun}s.'}")
    if group is not None:
        there = _named(found)
        found = [option for option in found if option.group == group]
        if not found:
            raise NoMatchError(f"No {noun} {name!r} is of {grouped.casefold()} {group!r}; there is {there}.")
    if len(found) > 1:
        apart = len({option.group for option in found}) == len(found)
        way = (
            f"Name the {grouped.casefold()}, too: ({name!r}, {found[0].group!r}), or give"
            if apart
            else "Give"
        )
        raise AmbiguousMatchError(f"Several {noun}s are called {name!r}: {_named(found)}. {way} the id.")
    return found[0]


def _called(name: str, options: Sequence[Option]) -> list[Option]:
    """Look for an id first, then for a name as it is written, and last in any case."""
    plain = name.casefold()
    ways: list[Callable[[Option], Any]] = [
        lambda option: option.id == name,
        lambda option: name in (option.name, option.text, option.label),
        lambda option: plain in (option.name.casefold(), option.text.casefold(), option.label.casefold()),
    ]
    return next((found for way in ways if (found := [each for each in options if way(each)])), [])


def _named(options: Iterable[Option]) -> str:
    said = ((option, ", ".join(filter(None, (option.group, option.when)))) for option in options)
    return "; ".join(f"{facts or option.name} ({option.id})" for option, facts in said)
