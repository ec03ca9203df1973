"""Campaigns and their messages as records."""

from __future__ import annotations

from typing import Any

from klaviyo_analytics.sandbox.model import Record
from klaviyo_analytics.sandbox.shop.clock import DAY, HOUR, iso
from klaviyo_analytics.sandbox.shop.ids import Names
from klaviyo_analytics.sandbox.shop.records.segments import segment_id
from klaviyo_analytics.sandbox.shop.story import campaigns as plans
from klaviyo_analytics.sandbox.shop.story.campaigns import Campaign
from klaviyo_analytics.sandbox.shop.story.groups import (
    CHECKOUT,
    GIVEAWAY,
    IMPORTED,
    NEWSLETTER,
    TEXTS,
    list_id,
)
from klaviyo_analytics.sandbox.shop.story.plan import EMAIL, PUSH, SMS, Message
from klaviyo_analytics.sandbox.shop.story.shelf import SHOP

SENDER = "hello@juniper-pine.example"


def campaign_records(names: Names, campaigns: list[Campaign]) -> list[Record]:
    """Give every campaign and its message."""
    records = []
    for number, campaign in enumerate(campaigns):
        records += [_campaign(names, campaign, number), _message(names, campaign)]
    return records


def template_key(message: Message) -> tuple[str, str]:
    """Name the private copy of a template that a message was sent with."""
    return "template-of", message.id


def _campaign(names: Names, campaign: Campaign, number: int) -> Record:
    sent = campaign.sent
    done = campaign.status == "Sent"
    attributes: dict[str, Any] = {
        "name": campaign.name,
        "status": campaign.status,
        "archived": campaign.archived,
        "audiences": {"included": _audience(names, campaign.audience), "excluded": []},
        "send_options": {"use_smart_sending": campaign.message.channel != PUSH},
        "send_strategy": _strategy(campaign, number),
        "created_at": iso(campaign.created),
        "scheduled_at": iso(campaign.created + DAY) if sent is not None else None,
        "updated_at": iso(sent + HOUR if done and sent else campaign.created + DAY),
        "send_time": iso(sent) if sent is not None and campaign.status != "Cancelled" else None,
    }
    if campaign.message.channel == EMAIL:
        attributes["tracking_options"] = {
            "add_tracking_params": True,
            "custom_tracking_params": [{"type": "static", "name": "utm_source", "value": "klaviyo"}],
            "is_tracking_clicks": True,
            "is_tracking_opens": True,
        }
    elif campaign.message.channel == SMS:
        attributes["tracking_options"] = {"add_tracking_params": True, "custom_tracking_params": None}
    return Record("campaign", campaign.id, attributes, {"tags": _tags(names, campaign)})


def _strategy(campaign: Campaign, number: int) -> dict[str, Any]:
    if campaign.message.variations:
        return {"method": "ab_test_campaign"}
    if campaign.sent is None or number % 9 == 4:
        return {"method": "immediate"}
    if number % 9 == 7 and campaign.status == "Sent":
        return {"method": "throttled", "datetime": iso(campaign.sent), "throttle_percentage": 50}
    return {"method": "static", "datetime": iso(campaign.sent), "options": {"is_local": False}}


def _audience(names: Names, audience: str) -> list[str]:
    if audience in {plans.ENGAGED, plans.VIP, plans.APP}:
        return [segment_id(names, audience)]
    lists = {plans.TEXTS: [TEXTS], plans.GIVEAWAY: [GIVEAWAY]}
    return [list_id(names, group) for group in lists.get(audience, [NEWSLETTER, CHECKOUT, IMPORTED])]


def _tags(names: Names, campaign: Campaign) -> list[str]:
    tags = []
    if any(word in campaign.name for word in ("Black Friday", "Cyber", "Holiday", "Gift", "Shipping")):
        tags.append("holiday")
    if "Newsletter" in campaign.name or "Field Notes" in campaign.name:
        tags.append("content")
    if campaign.message.channel != EMAIL:
        tags.append("mobile")
    tags.append("Growth" if len(tags) % 2 else "CRM")
    return [names.uuid("tag", tag) for tag in tags]


def _message(names: Names, campaign: Campaign) -> Record:
    message = campaign.message
    times = [{"datetime": iso(campaign.sent), "is_local": False}] if campaign.sent is not None else []
    attributes = {
        "definition": _definition(message),
        "send_times": times,
        "created_at": iso(campaign.created),
        "updated_at": iso(campaign.created + DAY),
    }
    email = message.channel == EMAIL
    related = {
        "campaign": campaign.id,
        "template": names.short(*template_key(message)) if email else None,
        "image": None if email else names.digits("image", "banner"),
    }
    variations = {side.id: side.name for side in message.variations}
    return Record("campaign-message", message.id, attributes, {**related}, {"variations": variations})


def _definition(message: Message) -> dict[str, Any]:
    if message.channel == SMS:
        return {
            "channel": "sms",
            "content": {"body": message.subject, "media_url": None},
            "render_options": {
                "shorten_links": True,
                "add_org_prefix": True,
                "add_info_link": True,
                "add_opt_out_language": False,
            },
        }
    if message.channel == PUSH:
        return {
            "channel": "mobile_push",
            "notification_type": "standard",
            "content": {"title": SHOP, "body": message.subject, "dynamic_image": None},
            "kv_pairs": {"screen": "new"},
            "options": {"on_open": {"type": "open_app"}, "badge": {"display": False}, "play_sound": True},
        }
    return {
        "channel": "email",
        "label": message.name,
        "content": {
            "subject": message.subject,
            "preview_text": None if "DRAFT" in message.name else "Made to last, repaired for free",
            "from_email": SENDER,
            "from_label": SHOP,
            "reply_to_email": None,
            "cc_email": None,
            "bcc_email": None,
        },
    }
