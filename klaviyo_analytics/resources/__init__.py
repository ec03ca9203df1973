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
    from klaviyo_analytics.resources.campaigns import (
        CampaignAudiences,
        CampaignMessages,
        Campaigns,
        CampaignVariations,
    )
    from klaviyo_analytics.resources.catalogs import CatalogCategories, CatalogItems, CatalogVariants
    from klaviyo_analytics.resources.coupons import CouponCodes, Coupons
    from klaviyo_analytics.resources.custom_objects import (
        DataSources,
        ObjectRecords,
        ObjectSchemas,
        ObjectTypes,
        SourceMappings,
    )
    from klaviyo_analytics.resources.events import Events
    from klaviyo_analytics.resources.flows import FlowActions, FlowMessages, Flows
    from klaviyo_analytics.resources.lists import Lists
    from klaviyo_analytics.resources.metric_aggregates import MetricAggregates
    from klaviyo_analytics.resources.metrics import CustomMetrics, MappedMetrics, Metrics
    from klaviyo_analytics.resources.profiles import Profiles
    from klaviyo_analytics.resources.regular import (
        Conversations,
        Forms,
        FormVersions,
        Images,
        PushTokens,
        Reviews,
        Segments,
        TagGroups,
        Tags,
        Templates,
        TrackingSettings,
        UniversalContent,
        WebFeeds,
        Webhooks,
        WebhookTopics,
    )
    from klaviyo_analytics.resources.reports import Reports

__all__ = [
    "Accounts",
    "BulkJobs",
    "CampaignAudiences",
    "CampaignMessages",
    "CampaignVariations",
    "Campaigns",
    "CatalogCategories",
    "CatalogItems",
    "CatalogVariants",
    "Context",
    "Conversations",
    "CouponCodes",
    "Coupons",
    "CustomMetrics",
    "DataSources",
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
    "ObjectRecords",
    "ObjectSchemas",
    "ObjectTypes",
    "Profiles",
    "PushTokens",
    "Reports",
    "Resource",
    "Reviews",
    "Segments",
    "SourceMappings",
    "TagGroups",
    "Tags",
    "Templates",
    "TrackingSettings",
    "UniversalContent",
    "WebFeeds",
    "WebhookTopics",
    "Webhooks",
]

_HOMES = {
    "Accounts": "accounts",
    "BulkJobs": "bulk_jobs",
    "CampaignAudiences": "campaigns",
    "CampaignMessages": "campaigns",
    "CampaignVariations": "campaigns",
    "Campaigns": "campaigns",
    "CatalogCategories": "catalogs",
    "CatalogItems": "catalogs",
    "CatalogVariants": "catalogs",
    "Context": "_reading",
    "Conversations": "regular",
    "CouponCodes": "coupons",
    "Coupons": "coupons",
    "CustomMetrics": "metrics",
    "DataSources": "custom_objects",
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
    "ObjectRecords": "custom_objects",
    "ObjectSchemas": "custom_objects",
    "ObjectTypes": "custom_objects",
    "Profiles": "profiles",
    "PushTokens": "regular",
    "Reports": "reports",
    "Resource": "_base",
    "Reviews": "regular",
    "Segments": "regular",
    "SourceMappings": "custom_objects",
    "TagGroups": "regular",
    "Tags": "regular",
    "Templates": "regular",
    "TrackingSettings": "regular",
    "UniversalContent": "regular",
    "WebFeeds": "regular",
    "WebhookTopics": "regular",
    "Webhooks": "regular",
}

RESOURCES = {
    "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_"): name
    for name in _HOMES
    if name not in ("Context", "Resource")
}
"""The client's attributes and their classes: ``{"tag_groups": "TagGroups", ...}``."""


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
