"""The automations: what sets each one off, how long it waits and what it sends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from klaviyo_analytics.sandbox.shop.clock import DAY, HOUR, MINUTE
from klaviyo_analytics.sandbox.shop.ids import Names
from klaviyo_analytics.sandbox.shop.metrics import Metric
from klaviyo_analytics.sandbox.shop.story.plan import EMAIL, SMS, Message
from klaviyo_analytics.sandbox.shop.story.shelf import SITE

WELCOME, CART, BROWSE, THANKS, WINBACK, BIRTHDAY = (
    "Welcome Series",
    "Abandoned Cart",
    "Browse Abandonment",
    "Post-Purchase",
    "Win-Back",
    "Birthday (draft)",
)


@dataclass(slots=True)
class Step:
    """One message of a flow and the seconds from the trigger until it goes out."""

    delay: int
    message: Message


@dataclass(slots=True)
class Flow:
    """A flow; its trigger is a metric, or the name of a list."""

    id: str
    name: str
    trigger: Metric | str | None
    steps: tuple[Step, ...]
    status: str = "live"


class _Draft(NamedTuple):
    """A step before it has ids."""

    delay: int
    name: str
    subject: str
    opens: float = 1.0
    clicks: float = 1.0
    buys: float = 1.0
    channel: str = EMAIL
    coupon: str | None = None


_PLANS: tuple[tuple[str, Metric | str | None, tuple[_Draft, ...]], ...] = (
    (
        WELCOME,
        "newsletter",
        (
            _Draft(
                5 * MINUTE, "Welcome #1", "Welcome to Juniper & Pine 🌲", 1.6, 2.6, 2.6, coupon="WELCOME10"
            ),
            _Draft(3 * DAY, "Welcome #2: our story", "Why we repair everything for free", 1.35, 1.6, 1.5),
            _Draft(
                7 * DAY,
                "Welcome #3: last chance",
                'Your 10% is "almost" gone',
                1.25,
                2.0,
                2.6,
                coupon="WELCOME10",
            ),
        ),
    ),
    (
        CART,
        Metric.STARTED_CHECKOUT,
        (
            _Draft(HOUR, "Cart #1", "Still thinking it over?", 1.7, 3.0),
            _Draft(
                4 * HOUR,
                "Cart text",
                f"Your cart is waiting: {SITE}/cart Reply STOP to opt out",
                1.0,
                2.0,
                channel=SMS,
            ),
            _Draft(DAY, "Cart #2", "We kept your cart", 1.5, 2.6),
        ),
    ),
    (
        BROWSE,
        Metric.VIEWED_PRODUCT,
        (_Draft(3 * HOUR, "Browse #1", "You have a good eye 👀", 1.5, 2.2, 2.2),),
    ),
    (
        THANKS,
        Metric.PLACED_ORDER,
        (
            _Draft(2 * DAY, "Thank you", "Thank you, from all four of us", 1.6, 1.3, 1.0),
            _Draft(16 * DAY, "Goes well with", "Goes well with what you bought", 1.3, 1.8, 2.4),
        ),
    ),
    (
        WINBACK,
        Metric.PLACED_ORDER,
        (
            _Draft(
                75 * DAY,
                "We miss you",
                "It has been a while, {{ first_name }}",
                0.95,
                1.5,
                2.4,
                coupon="WINBACK20",
            ),
        ),
    ),
    (BIRTHDAY, None, (_Draft(9 * HOUR, "Birthday", "Happy birthday 🎂"),)),
)


def plan_flows(names: Names) -> dict[str, Flow]:
    """Give every flow by its name."""
    return {name: _flow(names, name, trigger, drafts) for name, trigger, drafts in _PLANS}


def _flow(names: Names, name: str, trigger: Metric | str | None, drafts: tuple[_Draft, ...]) -> Flow:
    flow = names.short("flow", name)
    steps = tuple(Step(draft.delay, _message(names, flow, name, draft)) for draft in drafts)
    return Flow(flow, name, trigger, steps, "draft" if trigger is None else "live")


def _message(names: Names, flow: str, flow_name: str, draft: _Draft) -> Message:
    return Message(
        names.short("flow-message", flow_name, draft.name),
        draft.name,
        draft.channel,
        draft.subject,
        flow=flow,
        campaign_name=draft.name,
        links=(f"{SITE}/cart" if flow_name == CART else f"{SITE}/", f"{SITE}/collections/new"),
        open_lift=draft.opens,
        click_lift=draft.clicks,
        buy_lift=draft.buys,
        coupon=draft.coupon,
    )
