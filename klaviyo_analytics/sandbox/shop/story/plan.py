"""What a message is before anyone receives it, campaign or flow alike."""

from __future__ import annotations

from dataclasses import dataclass, field

from klaviyo_analytics.sandbox.shop.story.shelf import SITE

EMAIL, SMS, PUSH = "email", "sms", "push"


@dataclass(slots=True)
class Variation:
    """One side of an A/B test."""

    id: str
    name: str
    subject: str
    lift: float


@dataclass(slots=True)
class Message:
    """A campaign message or a flow message; lifts say how much better than average it does."""

    id: str
    name: str
    channel: str
    subject: str  # the body of a text message
    campaign: str | None = None
    flow: str | None = None
    campaign_name: str | None = None
    links: tuple[str, ...] = (SITE + "/",)
    open_lift: float = 1.0
    click_lift: float = 1.0
    buy_lift: float = 1.0
    coupon: str | None = None
    sent: int | None = None  # when a campaign went out; a flow sends every day
    variations: tuple[Variation, ...] = field(default=())

    @property
    def segments(self) -> int:
        """How many text messages the body is cut into."""
        return 1 + len(self.subject) // 140
