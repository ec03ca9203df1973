"""Frames of customers, and the calls that every engine must answer alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from klaviyo_analytics import analysis
from tests.analysis.frames import NEW_YORK, frame

Convert = Callable[[pd.DataFrame], Any]


def random_orders(seed: int, rows: int = 90, *, customers: int = 17, zone: str = NEW_YORK) -> pd.DataFrame:
    """Orders in no order, with equal times and values, repeated rows, and rows without a profile or a time."""
    rng = np.random.default_rng(seed)
    start = pd.Timestamp("2025-01-01", tz="UTC")
    minutes = rng.integers(0, 420 * 24 * 4, rows) * 15
    times = pd.DatetimeIndex([start + pd.Timedelta(minutes=int(one)) for one in minutes]).tz_convert(zone)
    made = frame(
        id=[f"e{number}" for number in range(rows)],
        profile_id=[f"P{one}" for one in rng.integers(0, customers, rows)],
        datetime=times.as_unit("us"),
        metric=rng.choice(["Viewed Product", "Checkout Started", "Placed Order"], rows).tolist(),
        source=rng.choice(["web", "pos", "app"], rows).tolist(),
        product=rng.choice(["Mug", "Pot", "Tea", "Tin"], rows).tolist(),
        order_id=[f"o{number // 2}" for number in range(rows)],
        value=(rng.integers(1, 40, rows) / 4).tolist(),
    )
    made.loc[made.index[:2], "profile_id"] = pd.NA
    made.loc[made.index[2], "datetime"] = pd.NaT
    made.loc[made.index[3:5], "source"] = pd.NA
    made.loc[made.index[5], "value"] = np.nan
    made = pd.concat([made, made.iloc[10:20]], ignore_index=True)
    return made.sample(frac=1, random_state=seed).reset_index(drop=True)


def order_lines(orders: pd.DataFrame) -> pd.DataFrame:
    """The same rows as lines: an order has one customer and one time."""
    first = orders.dropna(subset=["profile_id", "datetime"]).drop_duplicates("order_id").set_index("order_id")
    lines = orders.drop(columns=["id", "value"]).drop_duplicates()
    lines["profile_id"] = lines["order_id"].map(first["profile_id"]).astype("string")
    lines["datetime"] = lines["order_id"].map(first["datetime"])
    return lines.reset_index(drop=True)


ORDERS = random_orders(1)
LATER = random_orders(2)
LINES = order_lines(ORDERS)
ITEMS = ORDERS.assign(
    **{
        "event_properties.$extra": '{"line_items": [{"title": "Mug", "quantity": 2.0, "price": "4.50"}]}',
        "event_properties.Items": '["Mug", "Tea"]',
    }
).astype({"event_properties.$extra": "string", "event_properties.Items": "string"})
ITEMS.loc[ITEMS.index[::2], "event_properties.$extra"] = pd.NA
PROFILES = frame(
    id=[f"P{one}" for one in range(0, 25)],
    **{
        "properties.Current RFM group": ["Champions", None, "Loyal", "At risk", "inactive"] * 5,
        "predictive_analytics.predicted_clv": [float(one) if one % 3 else None for one in range(25)],
    },
)
MEMBERS = frame(
    profile_id=["P1", "P2", "P2", "P3", "P3", "P4", "P99", None, "P5"],
    group=["VIP", "VIP", "New", "New", "New", "All", "All", "VIP", None],
)
MONTHS = frame(
    datetime=pd.date_range("2024-11-01", periods=500, tz=NEW_YORK).as_unit("us"),
    channel=["email", "sms"] * 250,
    count=range(500),
    complete=[True] * 499 + [False],
)
SUMMARY = frame(
    profile_id=[f"C{one}" for one in range(8)],
    frequency=[0, 1, 2, 0, 5, 0, 1, 3],
    recency=[0.0, 9.0, 30.0, 0.0, 38.0, 0.0, 2.0, 20.0],
    T=[38.0, 38.0, 38.0, 30.0, 39.0, 20.0, 35.0, 36.0],
    monetary=[None, 10.0, 12.0, None, 30.0, None, 8.0, 11.0],
)

STEPS = ["Viewed Product", "Checkout Started", "Placed Order"]
CALLS: dict[str, Callable[[Convert], Any]] = {
    "rfm": lambda to: analysis.rfm(to(ORDERS), as_of="2026-03-01"),
    "rfm, three bins": lambda to: analysis.rfm(to(ORDERS), bins=3),
    "klaviyo_rfm": lambda to: analysis.klaviyo_rfm(
        to(ORDERS),
        as_of="2026-03-01",
        previous=["2025-06-01", "2025-09-01", "2026-01-01"],
        profiles=to(PROFILES),
    ),
    "klaviyo_rfm, thresholds": lambda to: analysis.klaviyo_rfm(
        to(ORDERS), frequency=(2, 5), monetary=(9, 30)
    ),
    "cohorts": lambda to: analysis.cohorts(to(ORDERS), to(LATER), by="source"),
    "cohorts, revenue by week": lambda to: analysis.cohorts(to(ORDERS), period="week", measure="revenue"),
    "cohorts, orders by quarter": lambda to: analysis.cohorts(to(ORDERS), period="quarter", measure="orders"),
    "retention_curves": lambda to: analysis.retention_curves(to(ORDERS), by="source"),
    "retention_curves, other events": lambda to: analysis.retention_curves(to(ORDERS), to(LATER)),
    "order_items": lambda to: analysis.order_items(to(ITEMS)),
    "repeat_purchase": lambda to: analysis.repeat_purchase(to(ORDERS)),
    "repeat_purchase, by product": lambda to: analysis.repeat_purchase(to(LINES), by="product"),
    "next_product": lambda to: analysis.next_product(to(LINES)),
    "bought_together": lambda to: analysis.bought_together(to(LINES)),
    "product_affinity": lambda to: analysis.product_affinity(to(LINES), least=2),
    "replenishment": lambda to: analysis.replenishment(to(LINES)),
    "customer_lifetime_value": lambda to: analysis.customer_lifetime_value(to(ORDERS), profiles=to(PROFILES)),
    "customer_lifetime_value, summary": lambda to: analysis.customer_lifetime_value(summary=to(SUMMARY)),
    "lifetime_value_fit": lambda to: analysis.lifetime_value_fit(to(ORDERS)),
    "lifetime_value_holdout": lambda to: analysis.lifetime_value_holdout(to(ORDERS), until="2025-10-01"),
    "engagement_tiers": lambda to: analysis.engagement_tiers(to(ORDERS), to(PROFILES)),
    "engagement_tiers, per profile": lambda to: analysis.engagement_tiers(
        to(ORDERS), to(PROFILES), per_profile=True
    ),
    "ordered_funnel": lambda to: analysis.ordered_funnel(to(ORDERS), STEPS, within=60),
    "ordered_funnel, twice the same": lambda to: analysis.ordered_funnel(to(ORDERS), STEPS[2:] * 3),
    "by_segment": lambda to: analysis.by_segment(to(MEMBERS), to(ORDERS), members_as_of="2026-03-01"),
    "overlap": lambda to: analysis.overlap(to(MEMBERS)),
    "growth_by_source": lambda to: analysis.growth_by_source(to(ORDERS), to(LATER), by="source"),
    "year_over_year": lambda to: analysis.year_over_year(to(MONTHS), by="channel"),
}

_ORDERS = r"client\.events\.list\(metric=\"Placed Order\""
_LINES = r"analysis\.order_items\("
WRONG: dict[str, tuple[Callable[[Any], Any], str]] = {
    "rfm": (analysis.rfm, _ORDERS),
    "klaviyo_rfm": (analysis.klaviyo_rfm, _ORDERS),
    "cohorts": (analysis.cohorts, _ORDERS),
    "retention_curves": (analysis.retention_curves, _ORDERS),
    "order_items": (analysis.order_items, r"client\.events\.list\(metric='Placed Order'"),
    "repeat_purchase": (analysis.repeat_purchase, _ORDERS),
    "next_product": (analysis.next_product, _LINES),
    "bought_together": (analysis.bought_together, _LINES),
    "product_affinity": (analysis.product_affinity, _LINES),
    "replenishment": (analysis.replenishment, _LINES),
    "customer_lifetime_value": (analysis.customer_lifetime_value, _ORDERS),
    "lifetime_value_fit": (analysis.lifetime_value_fit, _ORDERS),
    "lifetime_value_holdout": (
        lambda given: analysis.lifetime_value_holdout(given, until="2026-01-01"),
        _ORDERS,
    ),
    "engagement_tiers": (analysis.engagement_tiers, r"client\.events\.list\(metric=\['Opened Email'"),
    "ordered_funnel": (lambda given: analysis.ordered_funnel(given, STEPS), r"client\.events\.list\("),
    "by_segment": (lambda given: analysis.by_segment(given, ORDERS), r"client\.segments\.profiles\("),
    "overlap": (analysis.overlap, r"client\.segments\.profiles\("),
    "growth_by_source": (
        lambda given: analysis.growth_by_source(given, by="source"),
        r"client\.events\.list\(metric='Subscribed to List'",
    ),
    "year_over_year": (analysis.year_over_year, r"client\.metric_aggregates\.query\("),
}
