"""The words that Klaviyo's API accepts, as types; `typing.get_args` lists them."""

from __future__ import annotations

from typing import Literal

Interval = Literal["hour", "day", "week", "month"]
"""Interval of metric aggregates, and of every frame in this package."""

LongInterval = Literal["quarter", "year"]
"""Intervals that the API does not have; counts and sums of them are joined from months."""

ReportInterval = Literal["hourly", "daily", "weekly", "monthly"]
"""Interval of series reports, which spell it their own way."""

TimeframeKey = Literal[
    "today",
    "yesterday",
    "this_week",
    "last_7_days",
    "last_week",
    "this_month",
    "last_30_days",
    "last_month",
    "last_90_days",
    "last_3_months",
    "last_365_days",
    "last_12_months",
    "this_year",
    "last_year",
]
"""Relative time frames of the report endpoints; `Timeframe.parse` understands each of them and more."""

Measurement = Literal["count", "sum_value", "unique"]
"""What metric aggregates measure."""

Dimension = Literal[
    "$attributed_channel",
    "$attributed_flow",
    "$attributed_message",
    "$attributed_variation",
    "$campaign_channel",
    "$flow",
    "$flow_channel",
    "$message",
    "$message_send_cohort",
    "$usage_amount",
    "$value_currency",
    "$variation",
    "$variation_send_cohort",
    "Bot Click",
    "Bounce Type",
    "Campaign Name",
    "Client Canonical",
    "Client Name",
    "Client Type",
    "Email Domain",
    "Failure Source",
    "Failure Type",
    "From Number",
    "From Phone Region",
    "Inbox Provider",
    "List",
    "Message Name",
    "Message Type",
    "Method",
    "Segment Count",
    "Subject",
    "To Number",
    "To Phone Region",
    "URL",
    "form_id",
]
"""What metric aggregates can be grouped by, filtered on and sorted by."""

Statistic = Literal[
    "average_order_value",
    "bounce_rate",
    "bounced",
    "bounced_or_failed",
    "bounced_or_failed_rate",
    "click_rate",
    "click_to_open_rate",
    "clicks",
    "clicks_unique",
    "conversion_rate",
    "conversion_uniques",
    "conversion_value",
    "conversions",
    "delivered",
    "delivery_rate",
    "failed",
    "failed_rate",
    "message_segment_count_sum",
    "open_rate",
    "opens",
    "opens_unique",
    "recipients",
    "revenue_per_recipient",
    "spam_complaint_rate",
    "spam_complaints",
    "text_message_credit_usage_amount",
    "text_message_roi",
    "text_message_spend",
    "unsubscribe_rate",
    "unsubscribe_uniques",
    "unsubscribes",
]
"""Statistics of the campaign and flow reports."""

FormStatistic = Literal[
    "closed_form",
    "closed_form_uniques",
    "qualified_form",
    "qualified_form_uniques",
    "submit_rate",
    "submits",
    "submitted_form_step",
    "submitted_form_step_uniques",
    "viewed_form",
    "viewed_form_step",
    "viewed_form_step_uniques",
    "viewed_form_uniques",
]
"""Statistics of the form reports."""

SegmentStatistic = Literal["total_members", "members_added", "members_removed", "net_members_changed"]
"""Statistics of the segment reports."""

CampaignGroupBy = Literal[
    "campaign_id",
    "campaign_message_id",
    "campaign_message_name",
    "group",
    "group_name",
    "send_channel",
    "tag_id",
    "tag_name",
    "text_message_format",
    "variation",
    "variation_name",
]
"""Grouping of the campaign report; `campaign_id` and `campaign_message_id` must be among those sent."""

FlowGroupBy = Literal[
    "flow_id",
    "flow_message_id",
    "flow_message_name",
    "flow_name",
    "send_channel",
    "tag_id",
    "tag_name",
    "text_message_format",
    "variation",
    "variation_name",
]
"""Grouping of the flow reports; `flow_id` and `flow_message_id` must be among those sent."""

FormGroupBy = Literal["form_id", "form_version_id"]
"""Grouping of the form reports; `form_version_id` needs `form_id` beside it."""

SendChannel = Literal["email", "sms", "push-notification", "whatsapp"]
"""Channels as the campaign and flow reports spell them."""
