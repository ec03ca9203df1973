"""One class a noun. What is regular comes from the endpoint table; what is special is written out."""

from klaviyo_analytics.resources._noun import Context, Noun
from klaviyo_analytics.resources.account import Accounts
from klaviyo_analytics.resources.aggregates import MetricAggregates
from klaviyo_analytics.resources.audience import Lists, Profiles, Segments
from klaviyo_analytics.resources.bulk_jobs import BulkJobs
from klaviyo_analytics.resources.catalog import CatalogCategories, CatalogItems, CatalogVariants
from klaviyo_analytics.resources.content import Templates, UniversalContent
from klaviyo_analytics.resources.coupons import CouponCodes, Coupons
from klaviyo_analytics.resources.events import Events
from klaviyo_analytics.resources.flows import FlowActions, FlowMessages, Flows
from klaviyo_analytics.resources.forms import Forms, FormVersions
from klaviyo_analytics.resources.images import Images
from klaviyo_analytics.resources.messaging import CampaignMessages, Campaigns
from klaviyo_analytics.resources.metrics import CustomMetrics, MappedMetrics, Metrics
from klaviyo_analytics.resources.reports import Reports
from klaviyo_analytics.resources.reviews import Reviews
from klaviyo_analytics.resources.tags import TagGroups, Tags
from klaviyo_analytics.resources.webhooks import Webhooks, WebhookTopics

__all__ = [
    "Accounts",
    "BulkJobs",
    "CampaignMessages",
    "Campaigns",
    "CatalogCategories",
    "CatalogItems",
    "CatalogVariants",
    "Context",
    "CouponCodes",
    "Coupons",
    "CustomMetrics",
    "Events",
    "FlowActions",
    "FlowMessages",
    "Flows",
    "FormVersions",
    "Forms",
    "Images",
    "Lists",
    "MappedMetrics",
    "MetricAggregates",
    "Metrics",
    "Noun",
    "Profiles",
    "Reports",
    "Reviews",
    "Segments",
    "TagGroups",
    "Tags",
    "Templates",
    "UniversalContent",
    "WebhookTopics",
    "Webhooks",
]
