"""Thresholds that practitioners apply to key numbers, with one possible action for each."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from klaviyo_analytics.report.document import Verdict


@dataclass(frozen=True)
class Threshold:
    """Bounds of one number.

    `good` is the bound of what is called healthy, `act` the bound beyond which something should be done. A number
    for which more is better has `good` above `act`.
    """

    good: float
    act: float
    words: str
    action: str

    def verdict(self, value: float | None) -> Verdict | None:
        """Return how a value stands; None if it is not known."""
        if value is None or not math.isfinite(value):
            return None
        if self.good >= self.act:
            return "good" if value >= self.good else "act" if value < self.act else "watch"
        return "good" if value < self.good else "act" if value >= self.act else "watch"


Source = Literal["messages", "flow", "campaign", "all"]

THRESHOLDS: dict[tuple[Source, str], Threshold] = {
    ("messages", "revenue_share"): Threshold(
        0.25,
        0.15,
        "25% to 40% of revenue is called healthy",
        "Check that welcome, cart and browse flows are live and that campaigns go out every week.",
    ),
    ("flow", "revenue_per_recipient"): Threshold(
        0.5,
        0.2,
        "0.50 to 2.00 per recipient is usual for flows",
        "Start with the flow with most recipients and the lowest value: test its offer and timing.",
    ),
    ("campaign", "revenue_per_recipient"): Threshold(
        0.05,
        0.02,
        "0.05 to 0.20 per recipient is usual for campaigns",
        "Send to people who were active in the last 90 days instead of everybody.",
    ),
    ("campaign", "conversion_rate"): Threshold(
        0.01,
        0.005,
        "1% to 3% of delivered messages lead to an order",
        "Link to one product or collection, and repeat the offer above the fold.",
    ),
    ("campaign", "click_rate"): Threshold(
        0.015,
        0.008,
        "1.5% to 3% is average, 5% excellent",
        "Test one call to action against several.",
    ),
    ("flow", "click_rate"): Threshold(
        0.015, 0.008, "1.5% to 3% is average, 5% excellent", "Test one call to action against several."
    ),
    ("all", "unsubscribe_rate"): Threshold(
        0.003,
        0.01,
        "below 0.3% is good, from 1% on it needs attention",
        "Send less often to people who have not clicked for 90 days.",
    ),
    ("all", "spam_complaint_rate"): Threshold(
        0.0001,
        0.001,
        "below 0.01% is good, from 0.1% on it needs attention",
        "Suppress inactive people now and make the unsubscribe link easy to find.",
    ),
    ("all", "bounce_rate"): Threshold(
        0.01,
        0.02,
        "below 1% is good, from 2% on it needs attention",
        "Clean the list, and confirm new addresses by double opt-in.",
    ),
    ("all", "open_rate"): Threshold(
        0.33,
        0.27,
        "33% and more is good; mail privacy inflates opens",
        "Judge subject lines by clicks, since machines open mail as well.",
    ),
}
