"""Analyses that take frames and return frames.

Every function takes finished frames and returns a new one: it fetches nothing, changes nothing and draws
nothing. Each is written once for all frame libraries that Narwhals knows, so pandas, Polars, DuckDB or
PySpark goes in and the same comes out.

The modules, by what a row of the frame is:

- an interval (`client.metric_aggregates.query`): `intervals` (longer intervals, one against the last, list growth),
  `comparison` (period against period, parts of a whole);
- a message (`client.campaigns.summary`, `client.flows.summary`): `measures` (rates and sums, the only
  definitions of them), `messages` (ranking, funnel), `deliverability`, `engagement` (without machines);
- an event of a customer (`client.events.list`): `rfm`, `cohorts` (and retention curves), `items` (order lines),
  `repeat_purchase` (next order, next product, replenishment), `lifetime_value`, `audience` (engagement tiers),
  `funnel`, `segments` (and their overlap), `growth` (by source, year over year);
- an order or a touch: `orders` (one shape, conditions, refunds, new and returning), `attribution`, `rollups`,
  `bridge` (why two numbers differ), `experiments`, `send_times`, `flow_health`, `content` (subjects, links, coupons).

`klaviyo_analytics.arithmetic` defines which numbers may be added and which two make a rate.
"""

from __future__ import annotations

from klaviyo_analytics.analysis.attribution import attribution, attribution_comparison, attribution_rollup
from klaviyo_analytics.analysis.attribution_settings import AttributionSettings
from klaviyo_analytics.analysis.audience import adjusted_engagement, engagement_tiers
from klaviyo_analytics.analysis.bridge import bridge, bridge_orders
from klaviyo_analytics.analysis.cohorts import cohorts, new_and_returning, retention_curves
from klaviyo_analytics.analysis.comparison import compare_periods, revenue_split, share_of_total
from klaviyo_analytics.analysis.content import coupons, links, subject_lines
from klaviyo_analytics.analysis.deliverability import (
    BANDS,
    BENCHMARKS,
    deliverability,
    deliverability_bands,
    deliverability_by_provider,
)
from klaviyo_analytics.analysis.experiments import ab_test, holdout_lift
from klaviyo_analytics.analysis.flow_health import flow_collisions, flow_health, flow_losses
from klaviyo_analytics.analysis.funnel import campaign_ranking, flow_funnel, ordered_funnel, touch_rollup
from klaviyo_analytics.analysis.intervals import list_growth, period_over_period, resample
from klaviyo_analytics.analysis.items import order_items
from klaviyo_analytics.analysis.lifetime_value import (
    customer_lifetime_value,
    lifetime_value_fit,
    lifetime_value_holdout,
)
from klaviyo_analytics.analysis.measures import rates, roll_up
from klaviyo_analytics.analysis.orders import (
    OrderConditions,
    net_of_refunds,
    normalise_orders,
    select_orders,
    unmatched_refunds,
)
from klaviyo_analytics.analysis.repeat_purchase import (
    bought_together,
    next_product,
    product_affinity,
    repeat_purchase,
    replenishment,
)
from klaviyo_analytics.analysis.rfm import klaviyo_rfm, rfm
from klaviyo_analytics.analysis.segments import (
    by_segment,
    growth_by_source,
    overlap,
    year_over_year,
)
from klaviyo_analytics.analysis.send_times import conversion_lag, fatigue, send_times

__all__ = [
    "BANDS",
    "BENCHMARKS",
    "AttributionSettings",
    "OrderConditions",
    "ab_test",
    "adjusted_engagement",
    "attribution",
    "attribution_comparison",
    "attribution_rollup",
    "bought_together",
    "bridge",
    "bridge_orders",
    "by_segment",
    "campaign_ranking",
    "cohorts",
    "compare_periods",
    "conversion_lag",
    "coupons",
    "customer_lifetime_value",
    "deliverability",
    "deliverability_bands",
    "deliverability_by_provider",
    "engagement_tiers",
    "fatigue",
    "flow_collisions",
    "flow_funnel",
    "flow_health",
    "flow_losses",
    "growth_by_source",
    "holdout_lift",
    "klaviyo_rfm",
    "lifetime_value_fit",
    "lifetime_value_holdout",
    "links",
    "list_growth",
    "net_of_refunds",
    "new_and_returning",
    "next_product",
    "normalise_orders",
    "order_items",
    "ordered_funnel",
    "overlap",
    "period_over_period",
    "product_affinity",
    "rates",
    "repeat_purchase",
    "replenishment",
    "resample",
    "retention_curves",
    "revenue_split",
    "rfm",
    "roll_up",
    "select_orders",
    "send_times",
    "share_of_total",
    "subject_lines",
    "touch_rollup",
    "unmatched_refunds",
    "year_over_year",
]


def __dir__() -> list[str]:
    """List the public functions, without the modules that they live in."""
    return [name for name in __all__ if callable(globals()[name])]
