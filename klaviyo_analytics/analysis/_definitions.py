"""Which columns can be added up, and which counts a rate is made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from klaviyo_analytics._arithmetic import (
    CHANNELS_WITHOUT_OPENS,
    COUNTS,
    MESSAGE_UNIQUES,
    MONEY,
    OPENS,
    RATES,
    Rate,
    counts_profiles,
)
from klaviyo_analytics.errors import NotAdditiveError

__all__ = [
    "CHANNELS_WITHOUT_OPENS",
    "MONEY",
    "OPENS",
    "RATES",
    "Rate",
    "additive",
    "is_quotient",
    "money_among",
    "refuse_unique",
]


def additive(columns: Iterable[str], *, over_time: bool) -> list[str]:
    """Return the columns that are known to add up."""
    known = COUNTS | MONEY | (frozenset() if over_time else MESSAGE_UNIQUES)
    return [name for name in columns if name in known]


def refuse_unique(columns: Iterable[str], *, instead: str) -> None:
    """Raise NotAdditiveError if a column counts profiles or is a quotient; `instead` says what would answer."""
    for name in columns:
        if _part_of_a_rate(name):
            continue
        if counts_profiles(name):
            raise NotAdditiveError(
                f"{name!r} counts each profile once, so it does not add up: who acts twice would count "
                f"twice; {instead}"
            )
        if is_quotient(name):
            raise NotAdditiveError(
                f"{name!r} is a quotient and is neither added nor averaged; {_rebuild(name)} or {instead}"
            )


def _part_of_a_rate(name: str) -> bool:
    """Return whether `roll_up` wrote the column beside a rate: `open_rate_denominator`."""
    rate, _, part = name.rpartition("_")
    return rate in RATES and part in {"numerator", "denominator"}


def is_quotient(name: str) -> bool:
    """Tell rates and averages by their names."""
    return name in RATES or name.endswith(("_rate", "_roi", "_share", "_change"))


def money_among(columns: Sequence[str]) -> bool:
    """Tell whether adding these columns adds money."""
    return any(name in MONEY for name in columns)


def _rebuild(name: str) -> str:
    if rate := RATES.get(name):
        return f"add up {rate.numerator!r} and {rate.denominator!r} and rebuild it with analysis.rates,"
    return "add up the counts that it is made of,"
