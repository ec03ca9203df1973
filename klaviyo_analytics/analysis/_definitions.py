"""Which columns can be added up, and which counts a rate is made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from klaviyo_analytics.errors import NotAdditiveError


@dataclass(frozen=True, slots=True)
class Rate:
    """A quotient of two sums."""

    numerator: str
    denominator: str
    better: Literal["above", "below"] = "above"


RATES: dict[str, Rate] = {
    "delivery_rate": Rate("delivered", "recipients"),
    "bounce_rate": Rate("bounced", "recipients", "below"),
    "failed_rate": Rate("failed", "recipients", "below"),
    "bounced_or_failed_rate": Rate("bounced_or_failed", "recipients", "below"),
    "open_rate": Rate("opens_unique", "delivered"),
    "click_rate": Rate("clicks_unique", "delivered"),
    "click_to_open_rate": Rate("clicks_unique", "opens_unique"),
    "unsubscribe_rate": Rate("unsubscribe_uniques", "delivered", "below"),
    "spam_complaint_rate": Rate("spam_complaints", "delivered", "below"),
    "conversion_rate": Rate("conversion_uniques", "delivered"),
    "average_order_value": Rate("conversion_value", "conversions"),
    "revenue_per_recipient": Rate("conversion_value", "recipients"),
}

MONEY = {"sum_value", "conversion_value", "text_message_spend"}

_COUNTS = {
    "count",
    "recipients",
    "delivered",
    "bounced",
    "failed",
    "bounced_or_failed",
    "opens",
    "clicks",
    "unsubscribes",
    "spam_complaints",
    "conversions",
    "message_segment_count_sum",
    "text_message_credit_usage_amount",
    "subscribed",
    "unsubscribed",
    "net",
    "members_added",
    "members_removed",
    "net_members_changed",
}

_UNIQUES = {"opens_unique", "clicks_unique", "unsubscribe_uniques", "conversion_uniques"}
"""Profiles, once for each message: they add up over messages, never over time."""


def additive(columns: Iterable[str], *, over_time: bool) -> list[str]:
    """Return the columns that are known to add up."""
    known = _COUNTS | MONEY | (set() if over_time else _UNIQUES)
    return [name for name in columns if name in known]


def refuse_unique(columns: Iterable[str], *, instead: str) -> None:
    """Raise NotAdditiveError if a column counts profiles or is a quotient; `instead` says what would answer."""
    for name in columns:
        if _counts_profiles(name):
            raise NotAdditiveError(
                f"{name!r} counts each profile once, so it does not add up: who acts twice would count "
                f"twice; {instead}"
            )
        if is_quotient(name):
            raise NotAdditiveError(
                f"{name!r} is a quotient and is neither added nor averaged; {_rebuild(name)} or {instead}"
            )


def is_quotient(name: str) -> bool:
    """Tell rates and averages by their names."""
    return name in RATES or name.endswith(("_rate", "_roi", "_share", "_change"))


def money_among(columns: Sequence[str]) -> bool:
    """Tell whether adding these columns adds money."""
    return any(name in MONEY for name in columns)


def _counts_profiles(name: str) -> bool:
    return name == "unique" or name.endswith(("_unique", "_uniques"))


def _rebuild(name: str) -> str:
    if rate := RATES.get(name):
        return f"add up {rate.numerator!r} and {rate.denominator!r} and rebuild it with analysis.rates,"
    return "add up the counts that it is made of,"
