"""Which of Klaviyo's numbers add up, and which two make a rate: said once, for queries and for frames."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Rate:
    """A quotient of two sums, both over those rows alone in which numerator and denominator are known."""

    numerator: str
    denominator: str
    better: Literal["above", "below"] = "above"


RATES: Mapping[str, Rate] = {
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

OPENS = ("opens", "opens_unique", "open_rate", "click_to_open_rate")
"""Columns that mean nothing for a message whose opens nobody can see."""

CHANNELS_WITHOUT_OPENS = frozenset({"sms"})
"""Send channels of reports whose opens cannot be seen; the reports write zeros for them."""

MONEY = frozenset({"sum_value", "conversion_value", "text_message_spend"})

COUNTS = frozenset(
    {
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
        "viewed_form",
        "viewed_form_step",
        "closed_form",
        "qualified_form",
        "submits",
        "submitted_form_step",
    }
)

MESSAGE_UNIQUES = frozenset({"opens_unique", "clicks_unique", "unsubscribe_uniques", "conversion_uniques"})
"""Profiles, once for each message: they add up over messages, never over time."""


def counts_profiles(name: str) -> bool:
    """Return whether a statistic counts different profiles, judged by its name."""
    return name == "unique" or name.endswith(("_unique", "_uniques"))
