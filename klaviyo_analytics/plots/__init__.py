"""Frame to Axes: pictures of finished frames.

A plot draws what its frame holds: it fetches nothing, adds nothing up, shows nothing and changes no setting.
"""

from klaviyo_analytics.plots._style import style
from klaviyo_analytics.plots.campaigns import campaign_ranking, campaign_scatter
from klaviyo_analytics.plots.flows import flow_funnel, flow_performance
from klaviyo_analytics.plots.growth import list_growth
from klaviyo_analytics.plots.health import deliverability
from klaviyo_analytics.plots.overview import campaign_overview, flow_overview
from klaviyo_analytics.plots.revenue import revenue_split
from klaviyo_analytics.plots.trend import metric_trend, small_multiples

__all__ = [
    "campaign_overview",
    "campaign_ranking",
    "campaign_scatter",
    "deliverability",
    "flow_funnel",
    "flow_overview",
    "flow_performance",
    "list_growth",
    "metric_trend",
    "revenue_split",
    "small_multiples",
    "style",
]


def __dir__() -> list[str]:
    """List the public functions, without the modules that they live in."""
    return [name for name in __all__ if callable(globals()[name])]
