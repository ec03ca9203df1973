"""Orders, touches and sends that the tests of the revenue analyses share, and one call of each function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from klaviyo_analytics import analysis
from klaviyo_analytics.analysis.attribution import Model
from tests.analysis.frames import frame

Convert = Callable[[pd.DataFrame], Any]

AT = pd.Timestamp("2026-04-10 12:00", tz="UTC")
OWN = analysis.AttributionSettings({"email": "120h", "text": "24h"}, start="touch")


def before(hours: Any) -> Any:
    return [AT - pd.Timedelta(hours=float(hour)) for hour in hours]


def example() -> tuple[pd.DataFrame, pd.DataFrame]:
    """One order of 100 with six touches; two of them come too early for their windows."""
    orders = frame(id=["O1"], profile_id=["P"], datetime=[AT], value=[100.0], currency=["EUR"])
    touches = frame(
        id=list("ABCDEF"),
        profile_id=["P"] * 6,
        datetime=before([200, 120, 48, 25, 24, 1]),
        channel=["email", "email", "email", "text", "text", "email"],
        interaction=["click"] * 6,
        message=[f"M{letter}" for letter in "ABCDEF"],
    )
    return orders, touches


def shop(
    seed: int = 7, people: int = 12, orders: int = 40, touches: int = 120
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Orders and touches with ties, nulls, machines and touches that Klaviyo chose."""
    dice = np.random.default_rng(seed)
    profiles = [f"P{number}" for number in range(people)]
    start = pd.Timestamp("2026-03-01", tz="UTC")
    touch_ids = [f"T{number:04d}" for number in range(touches)]
    received = [start + pd.Timedelta(hours=int(hour)) for hour in dice.integers(0, 24 * 30, touches)]
    at = [
        time + pd.Timedelta(hours=int(hour))
        for time, hour in zip(received, dice.integers(0, 30, touches), strict=True)
    ]
    acts = frame(
        id=touch_ids,
        profile_id=[None if dice.random() < 0.03 else dice.choice(profiles) for _ in touch_ids],
        datetime=at,
        received=[pd.NaT if dice.random() < 0.1 else time for time in received],
        channel=[str(dice.choice(["email", "sms", "push"])) for _ in touch_ids],
        interaction=[str(dice.choice(["click", "open", "delivery"])) for _ in touch_ids],
        message=[f"M{dice.integers(0, 6)}" for _ in touch_ids],
        campaign_id=[None if dice.random() < 0.5 else f"C{dice.integers(0, 4)}" for _ in touch_ids],
        flow_id=[None if dice.random() < 0.5 else f"F{dice.integers(0, 3)}" for _ in touch_ids],
        variation_id=[None if dice.random() < 0.8 else "V1" for _ in touch_ids],
        machine_open=[bool(dice.random() < 0.3) for _ in touch_ids],
    )
    order_ids = [f"O{number:04d}" for number in range(orders)]
    sold = frame(
        id=order_ids,
        profile_id=[None if dice.random() < 0.05 else dice.choice(profiles) for _ in order_ids],
        datetime=[start + pd.Timedelta(hours=int(hour)) for hour in dice.integers(0, 24 * 36, orders)],
        value=[float(dice.integers(-4, 400)) / 4 for _ in order_ids],
        currency=["EUR"] * orders,
        attributed_event_id=[
            None
            if dice.random() < 0.4
            else ("T-gone" if dice.random() < 0.1 else str(dice.choice(touch_ids)))
            for _ in order_ids
        ],
        tags=[
            None if dice.random() < 0.5 else str(dice.choice(["VIP, wholesale", "sale", "Recurring Order"]))
            for _ in order_ids
        ],
        source=[str(dice.choice(["web", "pos"])) for _ in order_ids],
        renewal=[bool(dice.random() < 0.3) for _ in order_ids],
        discount_codes=[
            None if dice.random() < 0.5 else str(dice.choice(["W-1", "w-2, FREE", "X"])) for _ in order_ids
        ],
    )
    return sold, acts


ORDERS, TOUCHES = shop()
SENDS = TOUCHES[["id", "profile_id", "datetime", "message"]].assign(
    timezone=pd.array((["Europe/Berlin", "America/New_York", None, "Mars/Olympus"] * 30), dtype="string"),
    flow=pd.array((["Welcome", "Cart", "Winback", None, "Cart"] * 24), dtype="string"),
)
REACTIONS = SENDS.iloc[::3][["profile_id", "datetime", "message"]].assign(
    datetime=lambda held: held["datetime"] + pd.Timedelta(hours=5)
)
CREDITED = analysis.attribution(ORDERS, TOUCHES, "linear", settings="klaviyo")
VARIATIONS = frame(variation=["A", "B"], delivered=[2400, 2380], clicks_unique=[120, 150])
SERIES = frame(
    datetime=pd.date_range("2026-01-01", periods=6, freq="MS", tz="UTC").repeat(2),
    flow=["Welcome", "Cart"] * 6,
    delivered=[1000, 500] * 6,
    clicks_unique=[100, 20, 100, 20, 90, 25, 60, 22, 50, 20, 55, 0],
)
FLOW = frame(
    flow=["W", "W", "W", "C"],
    message=["#1", "#2", "#3", "#1"],
    recipients=[1000, 600, 500, 0],
    unsubscribe_uniques=[20, 6, 5, 0],
    spam_complaints=[1, 0, 0, 0],
)
SUBJECTS = frame(
    subject=["Hi {{ first_name }}", "Sale 🎉 now", None, "A" * 60],
    delivered=[100, 200, 50, 10],
    opens_unique=[40, 50, 10, 1],
)
CLICKS = frame(
    profile_id=["A", "B", "A", None],
    url=["https://x.example/a?utm=1", "https://x.example/a#b", None, "https://x.example/b"],
    bot_click=[True, False, False, None],
    message=["M1", "M1", "M2", "M2"],
)
CODES = frame(coupon=["W", "W", "W"], code=["W-1", "W-2", "W-3"], profile_id=["P1", "P2", None])
SUMMARY = frame(
    campaign=["a", "b", "c"],
    recipients=[100, 2000, 0],
    delivered=[99, 1999, 0],
    bounced=[1, 1, 0],
    opens_unique=[33, 700, 0],
    clicks_unique=[1, 20, 0],
    unsubscribe_uniques=[0, 6, 0],
    spam_complaints=[0, 1, 0],
)
EMAILS = pd.DataFrame(
    {
        "metric": ["Received Email"] * 4 + ["Bounced Email", "Opened Email", "Opened Email", "Clicked Email"],
        "profile_id": ["A", "B", "C", "D", "E", "A", "A", "C"],
        "message": ["M"] * 8,
        "Inbox Provider": ["Gmail", "Gmail", "Yahoo", None, "Gmail", "Gmail", "Gmail", "Yahoo"],
        "machine_open": [None, None, None, None, None, True, False, None],
    }
).convert_dtypes()
REFUNDS = frame(order_id=["O0001", "O0001", "O0002", "O9999"], value=[2.0, -1.0, 1e6, 5.0])
PEOPLE = frame(group=["sent", "held"], recipients=[9500, 500], conversion_uniques=[475, 15])
BY_ID = ORDERS.rename(columns={"id": "order_id"})
SENT = CREDITED.rename(columns={"received": "sent"})
# Orders that carry ids of a message or a campaign, some of them without the event.
NAMED = ORDERS.assign(
    attributed_message=pd.array(["M1", None, None, "M2", "M-gone"] * 8, dtype="string"),
    attributed_campaign_id=pd.array(["C1", None] * 20, dtype="string"),
)
TWO_MODELS: tuple[Model, ...] = ("last_touch", "time_decay")

CALLS: dict[str, Callable[[Convert], Any]] = {
    **{
        f"attribution, {model}": lambda to, model=model: analysis.attribution(to(ORDERS), to(TOUCHES), model)  # type: ignore[misc]
        for model in ("last_touch", "first_touch", "linear", "position", "time_decay", "native")
    },
    "attribution, native by ids": lambda to: analysis.attribution(to(NAMED), to(TOUCHES), "native"),
    "attribution_comparison, native by ids": lambda to: analysis.attribution_comparison(
        to(NAMED), to(TOUCHES), models=TWO_MODELS
    ),
    "attribution, people only": lambda to: analysis.attribution(
        to(ORDERS),
        to(TOUCHES),
        settings=analysis.AttributionSettings(
            {"email": {"open": "9d"}, "sms": "2d"}, machine_opens=False, start="touch"
        ),
    ),
    "attribution_comparison": lambda to: analysis.attribution_comparison(to(ORDERS), to(TOUCHES)),
    "attribution_comparison, by": lambda to: analysis.attribution_comparison(
        to(ORDERS), to(TOUCHES), models=TWO_MODELS, by=["channel", "campaign_id"]
    ),
    "attribution_rollup": lambda to: analysis.attribution_rollup(to(CREDITED), ["channel", "message"]),
    "select_orders": lambda to: analysis.select_orders(
        to(ORDERS),
        {"without_tags": ["Wholesale"], "only_sources": ["WEB"], "renewals": False, "currency": "EUR"},
    ),
    "net_of_refunds": lambda to: analysis.net_of_refunds(to(BY_ID), to(REFUNDS)),
    "unmatched_refunds": lambda to: analysis.unmatched_refunds(to(REFUNDS), to(BY_ID)),
    "new_and_returning": lambda to: analysis.new_and_returning(
        to(ORDERS), start="2026-03-10", by=["source", "month"]
    ),
    "new_and_returning, credited": lambda to: analysis.new_and_returning(
        to(CREDITED), history="complete", by="channel", zone="America/New_York"
    ),
    "ab_test": lambda to: analysis.ab_test(to(VARIATIONS)),
    "holdout_lift": lambda to: analysis.holdout_lift(to(PEOPLE), holdout="held"),
    "send_times": lambda to: analysis.send_times(to(SENDS), to(REACTIONS), account_zone="America/Havana"),
    "send_times, own": lambda to: analysis.send_times(
        to(SENDS), to(REACTIONS), zone="profile", account_zone="Asia/Kolkata", by=["month", "hour", "flow"]
    ),
    "conversion_lag": lambda to: analysis.conversion_lag(to(CREDITED), by="channel"),
    "conversion_lag, receipt": lambda to: analysis.conversion_lag(to(CREDITED), since="receipt"),
    "fatigue": lambda to: analysis.fatigue(to(SENDS), to(REACTIONS)),
    "flow_health": lambda to: analysis.flow_health(to(SERIES), since="2026-04-01"),
    "flow_losses": lambda to: analysis.flow_losses(to(FLOW)),
    "flow_collisions": lambda to: analysis.flow_collisions(to(SENDS), hours=72),
    "subject_lines": lambda to: analysis.subject_lines(to(SUBJECTS)),
    "links": lambda to: analysis.links(to(CLICKS), by="message", bots=False),
    "links, all": lambda to: analysis.links(to(CLICKS)),
    "coupons": lambda to: analysis.coupons(to(CODES), to(ORDERS)),
    "deliverability_bands": lambda to: analysis.deliverability_bands(to(SUMMARY), by="campaign"),
    "deliverability_by_provider": lambda to: analysis.deliverability_by_provider(
        to(EMAILS), machine_opens=False
    ),
    **{
        f"touch_rollup, {grain}": lambda to, grain=grain: analysis.touch_rollup(to(CREDITED), grain)  # type: ignore[misc]
        for grain in ("person_touch", "campaign", "flow", "person")
    },
    "bridge": lambda to: analysis.bridge(to(SENT), start="2026-03-10", end="2026-03-20", reported=7.0),
    "bridge_orders": lambda to: analysis.bridge_orders(to(SENT), start="2026-03-10", end="2026-03-20"),
}
ROWS_KEEP_THEIR_ORDER = {"select_orders"}
