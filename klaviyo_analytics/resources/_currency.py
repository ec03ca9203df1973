"""Whose money a sum of event values is: two currencies are never added."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from klaviyo_analytics import tabular
from klaviyo_analytics.errors import InvalidQueryError, MalformedResponseError

DIMENSION = "$value_currency"
NAMED, ASSUMED = "the events", "assumed to be the account's"


@dataclass(frozen=True, slots=True)
class Money:
    """The currency of the sums in a frame, and how it is known."""

    currency: str | None
    source: str


def folded(answers: Iterable[Mapping[str, Any]]) -> tuple[list[dict[str, Any]], set[str | None]]:
    """Take the currency, which was asked for last, out of each group; also return the currencies that have money.

    A currency without any money, such as that of events that have no value, is not among them; None stands for
    money whose events name no currency.
    """
    found: set[str | None] = set()
    plain: list[dict[str, Any]] = []
    try:
        for answer in answers:
            rows = []
            for row in answer["data"]:
                dimensions = list(row.get("dimensions") or ())
                currency = dimensions.pop() if dimensions else None
                if has_money(row["measurements"].get("sum_value") or ()):
                    found.add(str(currency) if currency else None)
                rows.append({**row, "dimensions": dimensions})
            plain.append({**answer, "data": rows})
    except (KeyError, TypeError, AttributeError) as problem:
        raise MalformedResponseError(
            "metric-aggregates answered with groups that cannot be read."
        ) from problem
    return plain, found


def has_money(values: Sequence[float | None]) -> bool:
    """Return whether any of the sums is not zero."""
    return bool(np.any([value is not None and value != 0 for value in values]))


def one(found: set[str | None], own: str | None, chosen: str | None) -> Money:
    """Return the one currency of the sums, or refuse to add several.

    Raises
    ------
    InvalidQueryError
        The events' values are in two currencies, or some name one that is not the account's and others none.
    """
    if chosen is not None:
        return Money(chosen, NAMED)
    named: list[str] = sorted(currency for currency in found if currency is not None)
    ways = (
        f"Pass currency={named[0] if named else own!r} for the events in one of them, or by={DIMENSION!r} for a "
        "row per currency."
    )
    if len(named) > 1:
        raise InvalidQueryError(
            f"measurements='sum_value' would add amounts in {len(named)} currencies: {', '.join(named)}. {ways}"
        )
    if not named:
        return Money(own, ASSUMED)
    if None in found and own is not None and named[0] != own:
        raise InvalidQueryError(
            f"measurements='sum_value' would add amounts in {named[0]} and amounts of events that name no currency, "
            f"which are assumed to be in the account's, {own}. {ways}"
        )
    if None in found:
        tabular.warn(
            "Some events with a value name no currency; their amounts are assumed to be in the account's, "
            f"{named[0]}, and were added. by={DIMENSION!r} shows them apart."
        )
        return Money(named[0], ASSUMED)
    return Money(named[0], NAMED)
