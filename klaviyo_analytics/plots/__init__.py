"""Frame to Axes: pictures of finished frames.

A plot draws what its frame holds: it fetches nothing, adds nothing up, shows nothing and changes no setting.
"""

from klaviyo_analytics.plots._style import style
from klaviyo_analytics.plots._time_axis import holidays
from klaviyo_analytics.plots.attribution import attribution_comparison, bridge
from klaviyo_analytics.plots.audience import (
    list_growth,
    ordered_funnel,
    overlap,
    segment_sizes,
    year_over_year,
)
from klaviyo_analytics.plots.auto import auto
from klaviyo_analytics.plots.campaigns import ab_forest, campaign_ranking, campaign_scatter
from klaviyo_analytics.plots.customers import (
    cohort_heatmap,
    lifetime_value,
    retention_curves,
    rfm_map,
    rfm_movement,
)
from klaviyo_analytics.plots.flows import flow_funnel, flow_performance
from klaviyo_analytics.plots.health import deliverability
from klaviyo_analytics.plots.overview import campaign_overview, flow_overview, scorecard
from klaviyo_analytics.plots.revenue import revenue_split, top_products
from klaviyo_analytics.plots.timing import conversion_lag, fatigue, send_time_heatmap
from klaviyo_analytics.plots.trend import metric_trend, small_multiples

__all__ = [
    "ab_forest",
    "attribution_comparison",
    "auto",
    "bridge",
    "campaign_overview",
    "campaign_ranking",
    "campaign_scatter",
    "cohort_heatmap",
    "conversion_lag",
    "deliverability",
    "fatigue",
    "flow_funnel",
    "flow_overview",
    "flow_performance",
    "holidays",
    "lifetime_value",
    "list_growth",
    "metric_trend",
    "ordered_funnel",
    "overlap",
    "retention_curves",
    "revenue_split",
    "rfm_map",
    "rfm_movement",
    "scorecard",
    "segment_sizes",
    "send_time_heatmap",
    "small_multiples",
    "style",
    "top_products",
    "year_over_year",
]


def __dir__() -> list[str]:
    """List the public functions, without the modules that they live in."""
    return [name for name in __all__ if callable(globals()[name])]
