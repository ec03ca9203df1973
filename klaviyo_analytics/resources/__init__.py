"""One class for each kind of resource: what is regular is generated, what is special is written by hand.

A class is imported when it is first used, so that connecting to an account imports none of them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from klaviyo_analytics.resources._base import Resource
    from klaviyo_analytics.resources._reading import Context
    from klaviyo_analytics.resources.accounts import Accounts
    from klaviyo_analytics.resources.bulk_jobs import BulkJobs
    from klaviyo_analytics.resources.campaigns import CampaignMessages, Campaigns
    from klaviyo_analytics.resources.catalogs import CatalogCategories, CatalogItems, CatalogVariants
    from klaviyo_analytics.resources.coupons import CouponCodes, Coupons
    from klaviyo_analytics.resources.events import Events
    from klaviyo_analytics.resources.flows import FlowActions, FlowMessages, Flows
    from klaviyo_analytics.resources.lists import Lists
    from klaviyo_analytics.resources.metric_aggregates import MetricAggregates
    from klaviyo_analytics.resources.metrics import CustomMetrics, MappedMetrics, Metrics
    from klaviyo_analytics.resources.profiles import Profiles
    from klaviyo_analytics.resources.regular import (
        Forms,
        FormVersions,
        Images,
        Reviews,
        Segments,
        TagGroups,
        Tags,
        Templates,
        UniversalContent,
        Webhooks,
        WebhookTopics,
    )
    from klaviyo_analytics.resources.reports import Reports

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
    "Profiles",
    "Reports",
    "Resource",
    "Reviews",
    "Segments",
    "TagGroups",
    "Tags",
    "Templates",
    "UniversalContent",
    "WebhookTopics",
    "Webhooks",
]

_HOMES = {
    "Accounts": "accounts",
    "BulkJobs": "bulk_jobs",
    "CampaignMessages": "campaigns",
    "Campaigns": "campaigns",
    "CatalogCategories": "catalogs",
    "CatalogItems": "catalogs",
    "CatalogVariants": "catalogs",
    "Context": "_reading",
    "CouponCodes": "coupons",
    "Coupons": "coupons",
    "CustomMetrics": "metrics",
    "Events": "events",
    "FlowActions": "flows",
    "FlowMessages": "flows",
    "Flows": "flows",
    "FormVersions": "regular",
    "Forms": "regular",
    "Images": "regular",
    "Lists": "lists",
    "MappedMetrics": "metrics",
    "MetricAggregates": "metric_aggregates",
    "Metrics": "metrics",
    "Profiles": "profiles",
    "Reports": "reports",
    "Resource": "_base",
    "Reviews": "regular",
    "Segments": "regular",
    "TagGroups": "regular",
    "Tags": "regular",
    "Templates": "regular",
    "UniversalContent": "regular",
    "WebhookTopics": "regular",
    "Webhooks": "regular",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
