"""The statistics of messages, made of counts."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from klaviyo_analytics.sandbox.app.reports.deliveries import Deliveries, Kind
from klaviyo_analytics.sandbox.app.reports.tallies import Tally, quotient, share
from klaviyo_analytics.sandbox.model import EventLog

Numbers = npt.NDArray[np.int64] | npt.NDArray[np.float64]
Floats = npt.NDArray[np.float64]

COUNTS: Mapping[str, Kind] = {
    "delivered": Kind.DELIVERED,
    "bounced": Kind.BOUNCED,
    "failed": Kind.FAILED,
    "opens": Kind.OPENED,
    "clicks": Kind.CLICKED,
    "unsubscribes": Kind.UNSUBSCRIBED,
    "spam_complaints": Kind.COMPLAINED,
    "conversions": Kind.CONVERTED,
}
UNIQUES: Mapping[str, Kind] = {
    "opens_unique": Kind.OPENED,
    "clicks_unique": Kind.CLICKED,
    "unsubscribe_uniques": Kind.UNSUBSCRIBED,
    "conversion_uniques": Kind.CONVERTED,
}
SUMS: Mapping[str, tuple[str, ...]] = {
    "recipients": ("delivered", "bounced", "failed"),
    "bounced_or_failed": ("bounced", "failed"),
}
RATES: Mapping[str, tuple[str, str]] = {
    "delivery_rate": ("delivered", "recipients"),
    "bounce_rate": ("bounced", "recipients"),
    "failed_rate": ("failed", "recipients"),
    "bounced_or_failed_rate": ("bounced_or_failed", "recipients"),
    "open_rate": ("opens_unique", "delivered"),
    "click_rate": ("clicks_unique", "delivered"),
    "click_to_open_rate": ("clicks_unique", "opens_unique"),
    "unsubscribe_rate": ("unsubscribe_uniques", "delivered"),
    "spam_complaint_rate": ("spam_complaints", "delivered"),
    "conversion_rate": ("conversion_uniques", "delivered"),
}
QUOTIENTS: Mapping[str, tuple[str, str]] = {
    "average_order_value": ("conversion_value", "conversions"),
    "revenue_per_recipient": ("conversion_value", "recipients"),
    "text_message_roi": ("conversion_value", "text_message_spend"),
}
CREDITS: Mapping[str, str] = {  # properties of a text message that was received
    "message_segment_count_sum": "Segment Count",
    "text_message_credit_usage_amount": "$usage_amount",
}
PRICE_OF_A_CREDIT = 0.01  # the sandbox's own: what Klaviyo asks depends on country and plan


class Statistics:
    """The statistics of some events about messages: tables of rows and intervals, made when asked for."""

    def __init__(self, log: EventLog, found: Deliveries, tally: Tally) -> None:
        self._log, self._found, self._tally = log, found, tally
        self._known: dict[str, Numbers] = {}

    def __getitem__(self, name: str) -> Numbers:
        if name not in self._known:
            self._known[name] = self._make(name)
        return self._known[name]

    def _make(self, name: str) -> Numbers:
        if name in COUNTS:
            return self._tally.count(self._found.kind == COUNTS[name])
        if name in UNIQUES:
            return self._tally.unique(self._found.kind == UNIQUES[name])
        if name in SUMS:
            return sum((self[part] for part in SUMS[name]), start=np.zeros(self._tally.shape, dtype=np.int64))
        if name in RATES:
            return share(*(self[part] for part in RATES[name]))
        if name in QUOTIENTS:
            return quotient(*(self[part] for part in QUOTIENTS[name]))
        if name in CREDITS:
            return self._credits(CREDITS[name])
        if name == "text_message_spend":
            return (self._credits(CREDITS["text_message_credit_usage_amount"]) * PRICE_OF_A_CREDIT).round(2)
        assert name == "conversion_value", name
        return self._money()

    def _money(self) -> Floats:
        values = np.nan_to_num(self._log.value[self._found.row])
        return self._tally.total(self._found.kind == Kind.CONVERTED, values).round(2)

    def _credits(self, key: str) -> Floats:
        received = self._found.kind == Kind.DELIVERED
        properties = (self._log.properties[row] for row in self._found.row[received].tolist())
        amounts = np.zeros(len(received))
        amounts[received] = [told.get(key) or 0 for told in properties]
        return self._tally.total(received, amounts)
