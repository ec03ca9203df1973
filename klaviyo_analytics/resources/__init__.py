"""One class a noun. What is regular comes from the endpoint table; what is special is written out."""

from klaviyo_analytics.resources._noun import Context
from klaviyo_analytics.resources.account import Accounts
from klaviyo_analytics.resources.aggregates import MetricAggregates
from klaviyo_analytics.resources.audience import Lists, Profiles, Segments
from klaviyo_analytics.resources.events import Events
from klaviyo_analytics.resources.messaging import Campaigns, Flows
from klaviyo_analytics.resources.metrics import Metrics

__all__ = [
    "Accounts",
    "Campaigns",
    "Context",
    "Events",
    "Flows",
    "Lists",
    "MetricAggregates",
    "Metrics",
    "Profiles",
    "Segments",
]
