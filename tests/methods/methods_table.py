"""Which methods are generated: for each module and class, the kind of each method and the operation that it calls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "list", "iter", "list_of", "iter_of", "get", "get_of", "find", "find_by_id",
    "create", "update", "apply", "relate", "relate_one", "delete",
]  # fmt: skip
WRITES: frozenset[Kind] = frozenset({"create", "update", "apply", "relate", "relate_one", "delete"})


@dataclass(frozen=True)
class Method:
    """One method: how it calls its operation, and for concurrent reads the axis of `resources._ranges`."""

    kind: Kind
    operation: str
    axis: str | None = None
    time: str = ""


def _crud(one: str, many: str = "", *, iterate: bool = True, find: bool = True) -> dict[str, Method]:
    """Return list, iter_frames, get and find of a resource type that is read from its own path."""
    many = many or f"get_{one}s"
    methods = {"list": Method("list", many)}
    if iterate:
        methods["iter_frames"] = Method("iter", many)
    methods["get"] = Method("get", f"get_{one}")
    if find:
        methods["find"] = Method("find", many)
    return methods


def _writes(one: str, *names: Literal["create", "update", "delete"]) -> dict[str, Method]:
    return {name: Method(name, f"{name}_{one}") for name in names}


# Operations whose methods are written by hand, but take the Literals of the table.
LITERALS: Mapping[str, tuple[str, ...]] = {
    "messages": ("get_campaigns", "get_flow_action_messages"),
    "shop": ("get_coupon_codes",),
    "account": ("get_events",),
}

MEMBERS = ("MEMBERS", "joined_group_at")

FAMILIES: Mapping[str, Mapping[str, Mapping[str, Method]]] = {
    "accounts": {
        "AccountMethods": _crud("account", iterate=False, find=False),
    },
    "bulk_jobs": {
        "BulkJobMethods": {
            "profiles": Method("list_of", "get_profiles_for_bulk_import_profiles_job"),
            "lists": Method("list_of", "get_list_for_bulk_import_profiles_job"),
            "import_errors": Method("list_of", "get_errors_for_bulk_import_profiles_job"),
        },
    },
    "campaigns": {
        "CampaignMethods": {
            "get": Method("get", "get_campaign"),
            "messages": Method("list_of", "get_messages_for_campaign"),
            "tags": Method("list_of", "get_tags_for_campaign"),
            "delete": Method("delete", "delete_campaign"),
            "clone": Method("apply", "create_campaign_clone"),
            "send_job": Method("get", "get_campaign_send_job"),
            "audiences": Method("list_of", "get_campaign_audiences_for_campaign"),
        },
        "CampaignAudienceMethods": {
            "get": Method("get", "get_campaign_audience"),
            "campaign": Method("get_of", "get_campaign_for_campaign_audience"),
            "messages": Method("list_of", "get_campaign_messages_for_campaign_audience"),
            **_writes("campaign_audience", "create", "update", "delete"),
            "clone": Method("apply", "clone_campaign_audience"),
        },
        "CampaignMessageMethods": {
            "list": Method("list", "get_campaign_messages"),
            "iter_frames": Method("iter", "get_campaign_messages"),
            "get": Method("get", "get_campaign_message"),
            "campaign": Method("get_of", "get_campaign_for_campaign_message"),
            "template": Method("get_of", "get_template_for_campaign_message"),
            "image": Method("get_of", "get_image_for_campaign_message"),
            "update": Method("update", "update_campaign_message"),
            "assign_template": Method("apply", "assign_template_to_campaign_message"),
            "replace_image": Method("relate_one", "update_image_for_campaign_message"),
            "audience": Method("get_of", "get_audience_for_campaign_message"),
            "tags": Method("list_of", "get_tags_for_campaign_message"),
            "variations": Method("list_of", "get_variations_for_campaign_message"),
            **_writes("campaign_message", "create", "delete"),
            "clone": Method("apply", "clone_campaign_message"),
        },
        "CampaignVariationMethods": {
            "get": Method("get", "get_campaign_variation"),
            "message": Method("get_of", "get_message_for_campaign_variation"),
            "image": Method("get_of", "get_image_for_campaign_variation"),
            "translation": Method("get_of", "get_translation_for_campaign_variation"),
            **_writes("campaign_variation", "create", "update", "delete"),
        },
    },
    "catalogs": {
        "CatalogItemMethods": {
            **_crud("catalog_item", find=False),
            "find": Method("find_by_id", "get_catalog_item"),
            "variants": Method("list_of", "get_variants_for_catalog_item"),
            "categories": Method("list_of", "get_categories_for_catalog_item"),
            **_writes("catalog_item", "create", "update", "delete"),
            "add_categories": Method("relate", "add_categories_to_catalog_item"),
            "replace_categories": Method("relate", "update_categories_for_catalog_item"),
            "remove_categories": Method("relate", "remove_categories_from_catalog_item"),
        },
        "CatalogVariantMethods": {
            **_crud("catalog_variant", find=False),
            "find": Method("find_by_id", "get_catalog_variant"),
            **_writes("catalog_variant", "create", "update", "delete"),
        },
        "CatalogCategoryMethods": {
            **_crud("catalog_category", "get_catalog_categories", find=False),
            "find": Method("find_by_id", "get_catalog_category"),
            "items": Method("list_of", "get_items_for_catalog_category"),
            "iter_items": Method("iter_of", "get_items_for_catalog_category"),
            **_writes("catalog_category", "create", "update", "delete"),
            "add_items": Method("relate", "add_items_to_catalog_category"),
            "replace_items": Method("relate", "update_items_for_catalog_category"),
            "remove_items": Method("relate", "remove_items_from_catalog_category"),
        },
    },
    "coupons": {
        "CouponMethods": {
            **_crud("coupon"),
            "codes": Method("list_of", "get_coupon_codes_for_coupon"),
            "iter_codes": Method("iter_of", "get_coupon_codes_for_coupon"),
            **_writes("coupon", "update", "delete"),
        },
        "CouponCodeMethods": {
            "get": Method("get", "get_coupon_code"),
            "coupon": Method("get_of", "get_coupon_for_coupon_code"),
            **_writes("coupon_code", "create", "update", "delete"),
        },
    },
    "custom_objects": {
        "DataSourceMethods": {
            **_crud("data_source"),
            **_writes("data_source", "create", "delete"),
        },
        "ObjectTypeMethods": {
            **_crud("object_type", iterate=False),
            "records": Method("list_of", "get_records_for_object_type"),
            "iter_records": Method("iter_of", "get_records_for_object_type"),
            "ingestion_logs": Method("list_of", "get_ingestion_logs_for_object_type"),
            "iter_ingestion_logs": Method("iter_of", "get_ingestion_logs_for_object_type"),
            "current_schema": Method("get_of", "get_current_schema_for_object_type"),
            "draft_schema": Method("get_of", "get_draft_schema_for_object_type"),
            "schema_versions": Method("list_of", "get_schema_versions_for_object_type"),
            **_writes("object_type", "delete"),
        },
        "ObjectSchemaMethods": {
            "get": Method("get", "get_object_schema"),
            "source_mapping": Method("get_of", "get_source_mapping_for_object_schema"),
        },
        "ObjectRecordMethods": {
            "get": Method("get", "get_object_record"),
        },
        "SourceMappingMethods": {
            "get": Method("get", "get_source_mapping"),
            **_writes("source_mapping", "update"),
        },
    },
    "events": {
        "EventMethods": {
            "get": Method("get", "get_event"),
            "metric": Method("get_of", "get_metric_for_event"),
            "profile": Method("get_of", "get_profile_for_event"),
        },
    },
    "flows": {
        "FlowMethods": {
            **_crud("flow"),
            "actions": Method("list_of", "get_actions_for_flow"),
            "tags": Method("list_of", "get_tags_for_flow"),
            **_writes("flow", "create", "delete"),
        },
        "FlowActionMethods": {
            "get": Method("get", "get_flow_action"),
            "flow": Method("get_of", "get_flow_for_flow_action"),
            "messages": Method("list_of", "get_flow_action_messages"),
            **_writes("flow_action", "delete"),
        },
        "FlowMessageMethods": {
            "get": Method("get", "get_flow_message"),
            "action": Method("get_of", "get_action_for_flow_message"),
            "template": Method("get_of", "get_template_for_flow_message"),
        },
    },
    "forms": {
        "FormMethods": {
            **_crud("form"),
            "versions": Method("list_of", "get_versions_for_form"),
            **_writes("form", "create", "delete"),
        },
        "FormVersionMethods": {
            "get": Method("get", "get_form_version"),
            "form": Method("get_of", "get_form_for_form_version"),
        },
    },
    "images": {
        "ImageMethods": {**_crud("image"), **_writes("image", "update")},
    },
    "lists": {
        "ListMethods": {
            **_crud("list"),
            "profiles": Method("list_of", "get_profiles_for_list", *MEMBERS),
            "iter_profiles": Method("iter_of", "get_profiles_for_list", *MEMBERS),
            "tags": Method("list_of", "get_tags_for_list"),
            "flow_triggers": Method("list_of", "get_flows_triggered_by_list"),
            **_writes("list", "create", "update", "delete"),
            "add_profiles": Method("relate", "add_profiles_to_list"),
        },
    },
    "metrics": {
        "MetricMethods": {
            **_crud("metric", find=False),
            "property": Method("get", "get_metric_property"),
            "of_property": Method("get_of", "get_metric_for_metric_property"),
            "flow_triggers": Method("list_of", "get_flows_triggered_by_metric"),
        },
        "CustomMetricMethods": {
            **_crud("custom_metric", iterate=False),
            "metrics": Method("list_of", "get_metrics_for_custom_metric"),
            **_writes("custom_metric", "create", "update", "delete"),
        },
        "MappedMetricMethods": {
            **_crud("mapped_metric", iterate=False, find=False),
            "metric": Method("get_of", "get_metric_for_mapped_metric"),
            "custom_metric": Method("get_of", "get_custom_metric_for_mapped_metric"),
            **_writes("mapped_metric", "update"),
        },
    },
    "profiles": {
        "ProfileMethods": {
            **_crud("profile"),
            "list": Method("list", "get_profiles", "PROFILES", "created"),
            "iter_frames": Method("iter", "get_profiles", "PROFILES", "created"),
            "lists": Method("list_of", "get_lists_for_profile"),
            "segments": Method("list_of", "get_segments_for_profile"),
            "push_tokens": Method("list_of", "get_push_tokens_for_profile"),
            "conversation": Method("get_of", "get_conversation_for_profile"),
            "conversations": Method("list_of", "get_conversations_for_profile"),
            **_writes("profile", "create"),
        },
    },
    "push_tokens": {
        "PushTokenMethods": {
            **_crud("push_token"),
            "profile": Method("get_of", "get_profile_for_push_token"),
            **_writes("push_token", "delete"),
        },
    },
    "reviews": {
        "ReviewMethods": _crud("review"),
    },
    "segments": {
        "SegmentMethods": {
            **_crud("segment"),
            "profiles": Method("list_of", "get_profiles_for_segment", *MEMBERS),
            "iter_profiles": Method("iter_of", "get_profiles_for_segment", *MEMBERS),
            "tags": Method("list_of", "get_tags_for_segment"),
            "flow_triggers": Method("list_of", "get_flows_triggered_by_segment"),
            **_writes("segment", "create", "update", "delete"),
        },
    },
    "tags": {
        "TagMethods": {
            **_crud("tag"),
            "group": Method("get_of", "get_tag_group_for_tag"),
            "campaigns": Method("list_of", "get_campaign_ids_for_tag"),
            "flows": Method("list_of", "get_flow_ids_for_tag"),
            "lists": Method("list_of", "get_list_ids_for_tag"),
            "segments": Method("list_of", "get_segment_ids_for_tag"),
            **_writes("tag", "create", "update", "delete"),
            "tag_campaigns": Method("relate", "tag_campaigns"),
            "untag_campaigns": Method("relate", "remove_tag_from_campaigns"),
            "tag_flows": Method("relate", "tag_flows"),
            "untag_flows": Method("relate", "remove_tag_from_flows"),
            "tag_lists": Method("relate", "tag_lists"),
            "untag_lists": Method("relate", "remove_tag_from_lists"),
            "tag_segments": Method("relate", "tag_segments"),
            "untag_segments": Method("relate", "remove_tag_from_segments"),
        },
        "TagGroupMethods": {
            **_crud("tag_group"),
            "tags": Method("list_of", "get_tags_for_tag_group"),
            **_writes("tag_group", "create", "update", "delete"),
        },
    },
    "templates": {
        "TemplateMethods": {
            **_crud("template"),
            **_writes("template", "create", "update", "delete"),
            "clone": Method("apply", "clone_template"),
            "render": Method("apply", "render_template"),
        },
        "UniversalContentMethods": {
            **_crud("universal_content", "get_all_universal_content"),
            **_writes("universal_content", "create", "update", "delete"),
        },
    },
    "tracking_settings": {
        "TrackingSettingMethods": {
            **_crud("tracking_setting", iterate=False, find=False),
            **_writes("tracking_setting", "update"),
        },
    },
    "web_feeds": {
        "WebFeedMethods": {**_crud("web_feed"), **_writes("web_feed", "create", "update", "delete")},
    },
    "webhooks": {
        "WebhookMethods": {
            **_crud("webhook", iterate=False),
            **_writes("webhook", "create", "update", "delete"),
        },
        "WebhookTopicMethods": _crud("webhook_topic", iterate=False, find=False),
    },
}

PARTS = {
    "people": ("profiles", "lists", "segments", "push_tokens"),
    "messages": ("campaigns", "flows", "forms", "templates", "images"),
    "shop": ("catalogs", "coupons", "custom_objects", "reviews"),
    "account": (
        "accounts",
        "metrics",
        "events",
        "tags",
        "webhooks",
        "bulk_jobs",
        "tracking_settings",
        "web_feeds",
    ),
}
MODULES: Mapping[str, Mapping[str, Mapping[str, Method]]] = {
    part: {name: methods for family in families for name, methods in FAMILIES[family].items()}
    for part, families in PARTS.items()
}
