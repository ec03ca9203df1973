"""Campaigns and their messages as records."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from klaviyo_analytics.sandbox.model import Record
from klaviyo_analytics.sandbox.shop.clock import DAY, HOUR, MINUTE, Clock, iso
from klaviyo_analytics.sandbox.shop.ids import Names
from klaviyo_analytics.sandbox.shop.metrics import Metric, metric_ids
from klaviyo_analytics.sandbox.shop.records.segments import segment_id
from klaviyo_analytics.sandbox.shop.story import mailings as plans
from klaviyo_analytics.sandbox.shop.story.catalog import IMAGES, SHOP, SITE
from klaviyo_analytics.sandbox.shop.story.journeys import (
    CHECKOUT,
    FORMS,
    GIVEAWAY,
    IMPORTED,
    NEWSLETTER,
    TEXTS,
    FormPlan,
    list_id,
)
from klaviyo_analytics.sandbox.shop.story.mailings import (
    CART,
    EMAIL,
    PUSH,
    SMS,
    THANKS,
    WINBACK,
    Campaign,
    Flow,
    Message,
    Step,
)

SENDER = "hello@juniper-pine.example"


def campaign_records(names: Names, campaigns: list[Campaign]) -> list[Record]:
    """Return every campaign and its message."""
    records = []
    for number, campaign in enumerate(campaigns):
        records += [_campaign(names, campaign, number), _message(names, campaign)]
    return records


def template_key(message: Message) -> tuple[str, str]:
    """Return the key of the private template copy that a message was sent with."""
    return "template-of", message.id


def _campaign(names: Names, campaign: Campaign, number: int) -> Record:
    sent = campaign.sent
    done = campaign.status == "Sent"
    attributes: dict[str, Any] = {
        "name": campaign.name,
        "status": campaign.status,
        "archived": campaign.archived,
        "audiences": {"included": audience_ids(names, campaign.audience), "excluded": []},
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


def audience_ids(names: Names, audience: str) -> list[str]:
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


def flow_records(names: Names, clock: Clock, flows: dict[str, Flow]) -> list[Record]:
    """Return every flow, its actions in order and its messages."""
    records = []
    for number, flow in enumerate(flows.values()):
        created, updated = iso(clock.start - 20 * DAY), iso(clock.start + (80 + 50 * number) * DAY)
        if flow.status == "draft":
            created = updated = iso(clock.now - 6 * DAY)
        actions = _actions(names, flow)
        attributes = {
            "name": flow.name,
            "status": flow.status,
            "archived": False,
            "created": created,
            "updated": updated,
            "trigger_type": _trigger_type(flow),
            "definition": _flow_definition(names, flow, actions),
        }
        tags = ["retention" if flow.name in {THANKS, WINBACK} else "lifecycle", "CRM"]
        related = {"tags": [names.uuid("tag", tag) for tag in tags]}
        records.append(Record("flow", flow.id, attributes, {**related}))
        for action in actions:
            facts = {"created": created, "updated": updated, "definition": action}
            records.append(Record("flow-action", action["id"], facts, {"flow": flow.id}))
        for step in flow.steps:
            records.append(_flow_message(names, flow, step, created, updated))
    return records


def trigger_of(names: Names, flow: Flow) -> tuple[str, str] | None:
    """Return the type and id of what sets a flow off."""
    if isinstance(flow.trigger, Metric):
        return "metric", metric_ids(names)[flow.trigger]
    return None if flow.trigger is None else ("list", list_id(names, NEWSLETTER))


def _trigger_type(flow: Flow) -> str:
    if flow.trigger is None:
        return "Unconfigured"
    return "Metric" if isinstance(flow.trigger, Metric) else "Added to List"


def _flow_definition(names: Names, flow: Flow, actions: list[dict[str, Any]]) -> dict[str, Any]:
    trigger = trigger_of(names, flow)
    again = {"duration": 7 if flow.name == CART else 30, "unit": "day"}
    once = {"duration": 1, "unit": "alltime"}
    return {
        "triggers": [] if trigger is None else [{"type": trigger[0], "id": trigger[1]}],
        "profile_filter": _filter(names, flow),
        "actions": actions,
        "entry_action_id": actions[0]["id"],
        "reentry_criteria": again if isinstance(flow.trigger, Metric) else once,
    }


def _filter(names: Names, flow: Flow) -> dict[str, Any] | None:
    """Hold people back who have ordered since they entered."""
    if flow.name not in {CART, WINBACK}:
        return None
    condition = {
        "type": "profile-metric",
        "metric_id": metric_ids(names)[Metric.PLACED_ORDER],
        "measurement": "count",
        "measurement_filter": {"type": "numeric", "operator": "equals", "value": 0},
        "timeframe_filter": {"type": "date", "operator": "flow-start"},
        "metric_filters": None,
    }
    return {"condition_groups": [{"conditions": [condition]}]}


def _actions(names: Names, flow: Flow) -> list[dict[str, Any]]:
    """Chain delays and messages; each action names the next one."""
    actions: list[dict[str, Any]] = []
    waited = 0
    for step in flow.steps:
        actions.append(_delay(names, flow, step, step.delay - waited))
        actions.append(_send(names, flow, step))
        waited = step.delay
    for action, following in zip(actions, [*actions[1:], None], strict=True):
        action["links"] = {"next": following["id"] if following else None}
    return actions


def _delay(names: Names, flow: Flow, step: Step, seconds: int) -> dict[str, Any]:
    unit, size = (
        ("days", DAY)
        if seconds % DAY == 0
        else ("hours", HOUR)
        if seconds % HOUR == 0
        else ("minutes", MINUTE)
    )
    return {
        "id": names.digits("delay", flow.name, step.message.name),
        "type": "time-delay",
        "data": {"unit": unit, "value": seconds // size, "timezone": "profile"},
    }


def send_action_id(names: Names, flow: Flow, message: Message) -> str:
    """Return the id of the action that sends a message."""
    return names.digits("send", flow.name, message.name)


def _send(names: Names, flow: Flow, step: Step) -> dict[str, Any]:
    message = step.message
    return {
        "id": send_action_id(names, flow, message),
        "type": "send-email" if message.channel == EMAIL else "send-sms",
        "data": {"message": _content(names, message), "status": flow.status},
    }


def _content(names: Names, message: Message) -> dict[str, Any]:
    shared = {
        "id": message.id,
        "name": message.name,
        "smart_sending_enabled": True,
        "transactional": False,
        "add_tracking_params": True,
        "custom_tracking_params": None,
        "additional_filters": None,
    }
    if message.channel == EMAIL:
        return {
            "from_email": SENDER,
            "from_label": SHOP,
            "reply_to_email": None,
            "cc_email": None,
            "bcc_email": None,
            "subject_line": message.subject,
            "preview_text": "",
            "template_id": names.short(*template_key(message)),
            **shared,
        }
    return {
        "body": message.subject,
        "shorten_links": True,
        "add_org_prefix": True,
        "sms_quiet_hours_enabled": True,
        **shared,
    }


def _flow_message(names: Names, flow: Flow, step: Step, created: str, updated: str) -> Record:
    message = step.message
    attributes = {
        "channel": message.channel,
        "created": created,
        "updated": updated,
        "definition": _content(names, message),
    }
    related = {
        "flow-action": send_action_id(names, flow, message),
        "template": names.short(*template_key(message)) if message.channel == EMAIL else None,
    }
    return Record("flow-message", message.id, attributes, {**related}, {"name": message.name})


_EDITORS = ("USER_DRAGGABLE", "CODE", "SYSTEM_DRAGGABLE", "SIMPLE")


def template_records(
    names: Names, clock: Clock, campaigns: list[Campaign], flows: Iterable[Flow]
) -> list[Record]:
    """Return six templates to start from, and the copy that each email was sent with."""
    library = (
        "Base layout",
        "Newsletter",
        "Product grid",
        "Plain text",
        "Gift guide 🎁",
        "Order 'thank you'",
    )
    records = []
    for number, name in enumerate(library):
        made = iso(clock.start - (10 - number) * DAY)
        key = names.short("template", name)
        records.append(_template(key, name, _EDITORS[number % 4], name, made, None))
    sent = [(campaign.message, campaign.created) for campaign in campaigns]
    sent += [(step.message, clock.start - 20 * DAY) for flow in flows for step in flow.steps]
    for message, created in sent:
        if message.channel == EMAIL:
            key, text = names.short(*template_key(message)), message.subject
            records.append(_template(key, message.name, "USER_DRAGGABLE", text, iso(created), text))
    return records


def _template(key: str, name: str, editor: str, headline: str, made: str, text: str | None) -> Record:
    html = (
        "<html><body><h1>"
        + headline.replace("&", "&amp;")
        + "</h1><p>Hello {{ first_name|default:'friend' }},</p>"
        + f'<p><a href="{SITE}/">{SHOP.replace("&", "&amp;")}</a></p>{{% unsubscribe %}}</body></html>'
    )
    attributes = {
        "name": name,
        "editor_type": editor,
        "html": html,
        "text": text,
        "amp": None,
        "created": made,
        "updated": made,
    }
    return Record("template", key, attributes)


def universal_content_records(names: Names, clock: Clock) -> list[Record]:
    """Return the blocks that many templates share."""
    text = {"background_color": "#f6f4ef", "font_size": 14, "text_align": "center", "line_height": 1.4}
    blocks: tuple[tuple[str, str, dict[str, Any]], ...] = (
        (
            "Footer",
            "html",
            {"content": f"<p>{SHOP}, Hudson Street</p>", "display_options": {"show_on": "all"}},
        ),
        (
            "Shipping banner",
            "text",
            {"content": "Free shipping over $75", "display_options": {}, "styles": text},
        ),
        (
            "Repair promise 🧵",
            "text",
            {"content": "<b>Repaired for free</b>", "display_options": {}, "styles": {}},
        ),
        (
            "Mobile only note",
            "html",
            {"content": "<i>Tap to call</i>", "display_options": {"show_on": "mobile"}},
        ),
    )
    records = []
    for number, (name, kind, data) in enumerate(blocks):
        made = iso(clock.start + 30 * number * DAY)
        attributes = {
            "name": name,
            "definition": {"content_type": "block", "type": kind, "data": data},
            "created": made,
            "updated": iso(clock.start + (30 * number + 9) * DAY),
            "screenshot_status": "completed" if number % 2 == 0 else "stale",
            "screenshot_url": f"{IMAGES}/screenshots/{number}.png",
        }
        key = names.ulid(clock.start + 30 * number * DAY, "universal-content", name)
        records.append(Record("template-universal-content", key, attributes))
    return records


def image_records(names: Names, clock: Clock) -> list[Record]:
    """Return the image library."""
    files = (
        ("banner", "jpeg", 182_344, False),
        ("logo", "png", 18_220, False),
        ("founders on the trail", "jpeg", 912_004, False),
        ("snow.gif", "gif", 2_402_113, True),
        ("gift guide 🎁", "png", 421_667, False),
        ("old logo", "png", 9_120, True),
    )
    records = []
    for number, (name, kind, size, hidden) in enumerate(files):
        key = names.digits("image", name)
        attributes = {
            "name": name,
            "image_url": f"{IMAGES}/library/{key}.{kind}",
            "format": kind,
            "size": size,
            "hidden": hidden,
            "updated_at": iso(clock.start + 45 * number * DAY),
        }
        records.append(Record("image", key, attributes))
    return records


def form_records(names: Names, start: int) -> list[Record]:
    """Return the forms and their versions."""
    records = []
    for number, plan in enumerate(FORMS):
        form = names.short("form", plan.name)
        made, changed = iso(start - (20 - number) * DAY), iso(start + (60 + 31 * number) * DAY)
        versions = [names.digits("form-version", plan.name, version) for version in plan.versions]
        tested = len(plan.versions) > 1
        attributes = {
            "name": plan.name,
            "status": plan.status,
            "ab_test": tested,
            "definition": {"versions": [_form_definition(plan, int(version)) for version in versions]},
            "created_at": made,
            "updated_at": changed,
        }
        records.append(Record("form", form, attributes, {"form-versions": list(versions)}))
        for version, variation in zip(versions, plan.versions, strict=True):
            about: dict[str, Any] = {
                "form_type": plan.kind,
                "variation_name": variation,
                "status": plan.status,
                "created_at": made,
                "updated_at": changed,
            }
            if tested:
                about["ab_test"] = {"variation_name": variation}
            records.append(Record("form-version", version, about, {"form": form}))
    return records


def _form_definition(plan: FormPlan, version: int) -> dict[str, Any]:
    email = {
        "id": f"{version}3",
        "type": "email",
        "properties": {
            "display_device": ["both"],
            "label": "Email",
            "show_label": True,
            "placeholder": "you@…",
            "required": True,
            "error_messages": {"required": "We need this one", "invalid": "Please enter a valid address"},
            "property_name": "$email",
        },
    }
    button = {
        "id": f"{version}4",
        "type": "button",
        "properties": {"display_device": ["both"], "label": "Sign me up"},
        "action": {"id": f"{version}5", "type": "close", "submit": True, "properties": {"list_id": None}},
    }
    column = {"id": f"{version}2", "rows": [{"id": f"{version}1", "blocks": [email, button]}]}
    return {
        "id": version,
        "name": plan.name,
        "type": plan.kind,
        "status": plan.status,
        "ab_test": len(plan.versions) > 1,
        "steps": [{"id": f"{version}0", "name": "Opt-in", "columns": [column]}],
        "triggers": [{"id": f"{version}6", "type": "exit_intent"}] if plan.kind == "popup" else [],
    }
