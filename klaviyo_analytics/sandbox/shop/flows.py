"""The automations: what sets each one off, how long it waits and what it sends."""

from __future__ import annotations

from dataclasses import dataclass

from klaviyo_analytics.sandbox.shop.clock import DAY, HOUR, MINUTE
from klaviyo_analytics.sandbox.shop.ids import Names
from klaviyo_analytics.sandbox.shop.metrics import Metric
from klaviyo_analytics.sandbox.shop.plan import EMAIL, SMS, Message
from klaviyo_analytics.sandbox.shop.shelf import SITE

WELCOME, CART, BROWSE, THANKS, WINBACK, DRAFT = (
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


#: name, trigger, then for each step: delay, channel, name, subject, lifts of opens, clicks and buying, coupon
_Plan = tuple[int, str, str, str, float, float, float, str | None]
_PLANS: tuple[tuple[str, Metric | str | None, tuple[_Plan, ...]], ...] = (
    (
        WELCOME,
        "newsletter",
        (
            (5 * MINUTE, EMAIL, "Welcome #1", "Welcome to Juniper & Pine 🌲", 1.6, 2.6, 2.6, "WELCOME10"),
            (
                3 * DAY,
                EMAIL,
                "Welcome #2: our story",
                "Why we repair everything for free",
                1.35,
                1.6,
                1.5,
                None,
            ),
            (
                7 * DAY,
                EMAIL,
                "Welcome #3: last chance",
                'Your 10% is "almost" gone',
                1.25,
                2.0,
                2.6,
                "WELCOME10",
            ),
        ),
    ),
    (
        CART,
        Metric.STARTED_CHECKOUT,
        (
            (HOUR, EMAIL, "Cart #1", "Still thinking it over?", 1.7, 3.0, 4.4, None),
            (
                4 * HOUR,
                SMS,
                "Cart text",
                f"Your cart is waiting: {SITE}/cart Reply STOP to opt out",
                1,
                2.0,
                3.0,
                None,
            ),
            (DAY, EMAIL, "Cart #2", "We kept your cart", 1.5, 2.6, 4.0, None),
        ),
    ),
    (
        BROWSE,
        Metric.VIEWED_PRODUCT,
        ((3 * HOUR, EMAIL, "Browse #1", "You have a good eye 👀", 1.5, 2.2, 2.2, None),),
    ),
    (
        THANKS,
        Metric.PLACED_ORDER,
        (
            (2 * DAY, EMAIL, "Thank you", "Thank you, from all four of us", 1.6, 1.3, 1.0, None),
            (16 * DAY, EMAIL, "Goes well with", "Goes well with what you bought", 1.3, 1.8, 2.4, None),
        ),
    ),
    (
        WINBACK,
        Metric.PLACED_ORDER,
        (
            (
                75 * DAY,
                EMAIL,
                "We miss you",
                "It has been a while, {{ first_name }}",
                0.95,
                1.5,
                2.4,
                "WINBACK20",
            ),
        ),
    ),
    (DRAFT, None, ((9 * HOUR, EMAIL, "Birthday", "Happy birthday 🎂", 1, 1, 1, None),)),
)


def plan_flows(names: Names) -> dict[str, Flow]:
    """Give every flow by its name."""
    flows = {}
    for name, trigger, steps in _PLANS:
        flow = names.short("flow", name)
        flows[name] = Flow(
            flow,
            name,
            trigger,
            tuple(Step(delay, _message(names, flow, name, step)) for delay, *step in steps),
            "draft" if trigger is None else "live",
        )
    return flows


def _message(names: Names, flow: str, flow_name: str, step: list[object]) -> Message:
    channel, name, subject, opens, clicks, buys, coupon = step
    return Message(
        names.short("flow-message", flow_name, name),
        str(name),
        str(channel),
        str(subject),
        flow=flow,
        campaign_name=str(name),
        links=(f"{SITE}/cart" if flow_name == CART else f"{SITE}/", f"{SITE}/collections/new"),
        open_lift=float(str(opens)),
        click_lift=float(str(clicks)),
        buy_lift=float(str(buys)),
        coupon=None if coupon is None else str(coupon),
    )
