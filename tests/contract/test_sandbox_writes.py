"""Writes to single objects of the sandbox: each request is right by the document, each answer must be, too."""

from __future__ import annotations

from base64 import b64decode
from io import BytesIO
from typing import Any

import pytest
from werkzeug.test import Client

from tests.contract.conftest import newer_form, older_form
from tests.contract.writer import Writer, link, links

MOMENT = "2026-03-01T10:00:00+00:00"
EMAIL = (
    '?filter=equals(messages.channel,"email")'  # which campaigns of older revisions cannot be listed without
)
PIXEL = "R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"
SHOWN = {"title": "Tea", "description": "Green", "url": "https://shop.example/tea"}


def test_profiles(write: Writer) -> None:
    attributes = {
        "email": "ann@shop.example",
        "phone_number": "+4915112345678",
        "location": {"city": "Bonn", "latitude": 50.7, "longitude": "7.1"},
        "properties": {"tea": ["green", "black"], "cups": 3},
    }
    ann = write.make("profile", attributes)
    write.change("profile", ann, {"title": None}, meta={"patch_properties": {"unset": "cups"}})
    for known in ({"email": "ann@shop.example", "first_name": "Ann"}, {"external_id": "B-1"}):
        write.make("profile", known, at="/api/profile-import")


def test_push_tokens(write: Writer) -> None:
    profile = {"data": {"type": "profile", "attributes": {"email": "pia@shop.example"}}}
    write.remove("push-token", write.ids("push-token")[0])
    write.make("push-token", {"token": "t-1", "platform": "ios", "vendor": "apns", "profile": profile})


def test_events(write: Writer) -> None:
    metric = {"data": {"type": "metric", "attributes": {"name": "Scored"}}}
    profile = {"data": {"type": "profile", "attributes": {"email": "eve@shop.example"}}}
    event = {"properties": {"score": 4}, "metric": metric, "profile": profile, "time": "2025-12-31T10:00:00Z"}
    write.make("event", event | {"value": 9.5, "value_currency": "USD", "unique_id": "s-1"})
    write.read("/api/events?page%5Bsize%5D=5&sort=-datetime&include=metric,profile")


def test_lists(write: Writer) -> None:
    group = write.make("list", {"name": "Tea drinkers", "opt_in_process": "single_opt_in"})
    write.read(f"/api/lists/{group}?additional-fields%5Blist%5D=profile_count")
    write.change("list", group, {"name": "Tea lovers"})
    write.relate("list", group, "profiles", links("profile", *write.ids("profile")[:3]))
    write.remove("list", group)


def test_segments(write: Writer) -> None:
    member = {"type": "profile-group-membership", "is_member": True, "group_ids": write.ids("list")[:1]}
    definition = {"condition_groups": [{"conditions": [member]}]}
    segment = write.make("segment", {"name": "Regulars", "definition": definition})
    write.change("segment", segment, {"is_starred": True})
    write.remove("segment", segment)


def test_tags(write: Writer) -> None:
    group = write.make("tag-group", {"name": "Seasons", "exclusive": True})
    tag = write.make("tag", {"name": "Spring"}, relationships={"tag-group": link("tag-group", group)})
    write.change("tag", tag, {"name": "Summer"})
    by_channel = EMAIL if write.revision < "2026-10-15" else ""
    for kind, query in (("list", ""), ("segment", ""), ("flow", ""), ("campaign", by_channel)):
        write.relate("tag", tag, f"{kind}s", links(kind, *write.ids(kind, query)[:2]))
    write.change("tag-group", group, {"name": "Weather"})
    write.remove("tag", tag)
    write.remove("tag-group", group)


@older_form
def test_new_campaigns(write: Writer) -> None:
    content = {"subject": "Spring", "from_email": "tea@shop.example", "from_label": "Shop"}
    message = {"definition": {"channel": "email", "label": "One", "content": content}}
    attributes = {
        "name": "Spring teas",
        "audiences": {"included": write.ids("list")[:1]},
        "send_strategy": {"method": "static", "datetime": MOMENT, "options": {"is_local": False}},
        "campaign-messages": {"data": [{"type": "campaign-message", "attributes": message}]},
    }
    campaign = write.make("campaign", attributes)
    write.read(f"/api/campaigns/{campaign}?include=campaign-messages")


@older_form
def test_changes_of_campaigns(write: Writer) -> None:
    drafts = '?filter=equals(messages.channel,"email"),equals(status,"Draft")'
    campaign = write.ids("campaign", drafts)[0]
    write.change("campaign", campaign, {"name": "Spring", "send_strategy": {"method": "immediate"}})
    message = write.read(f"/api/campaigns/{campaign}/campaign-messages")[0]["id"]
    definition = {"channel": "email", "content": {"subject": "Fresh teas"}}
    write.change("campaign-message", message, {"definition": definition})
    write.remove("campaign", campaign)


@older_form
def test_images_of_campaign_messages(write: Writer) -> None:
    pushed = write.ids("campaign", '?filter=equals(messages.channel,"mobile_push")')[0]
    message = write.read(f"/api/campaigns/{pushed}/campaign-messages")[0]["id"]
    write.relate("campaign-message", message, "image", link("image", write.ids("image")[0]))


WORDS: dict[str, dict[str, Any]] = {
    "email": {"subject": "Spring", "from_email": "tea@shop.example", "from_label": "Shop"},
    "sms": {"body": "Spring teas", "shorten_links": False},
    "push": {"title": "Spring", "body": "Teas", "badge": True, "sound": False, "kv_pairs": {"tea": "green"}},
}


@newer_form
@pytest.mark.parametrize("channel", WORDS)
def test_campaigns_of_the_newer_form(write: Writer, channel: str) -> None:
    details = {"channel": channel} | WORDS[channel]
    message = {
        "audience_temporary_id": "a",
        "name": "One",
        "is_add_utm": True,
        "throttling_type": "FOR_CAMPAIGNS",
        "variations": [
            {"definition": {"name": "A", "details": details}},
            {"definition": {"details": details}},
        ],
    }
    settings = {"send_timezone": "UTC", "send_passed_rltz_immediately": True}
    attributes = {
        "definition": {"name": "Spring teas", "color": "ff5733", "send_settings": settings},
        "audiences": [{"temporary_id": "a", "name": "All", "included": write.ids("list")[:1]}],
        "messages": [message],
    }
    tags = {"tags": links("tag", *write.ids("tag")[:1])}
    campaign = write.make("campaign", attributes, relationships=tags)
    for part in ("campaign-messages", "campaign-audiences", "tags"):
        write.read(f"/api/campaigns/{campaign}?include={part}")
    write.change("campaign", campaign, {"definition": {"name": "Summer teas", "description": "Cold"}})
    write.make("campaign", {"name": "Again"}, id=campaign, at="/api/campaign-clone")
    write.make("campaign-recipient-estimation-job", id=campaign)
    write.remove("campaign", campaign)


@newer_form
def test_parts_of_campaigns(write: Writer) -> None:
    campaign = write.make("campaign", {"definition": {"name": "Parts"}})
    of = {"campaign": link("campaign", campaign)}
    groups = {"name": "All", "included": write.ids("list")[:1], "excluded": [], "priority": 1}
    audience = write.make("campaign-audience", {"definition": groups}, relationships=of)
    write.change("campaign-audience", audience, {"definition": {"excluded": write.ids("segment")[:1]}})
    copied = {"id": audience, "name": "Others"}
    at = "/api/campaign-audience-clone"
    write.make("campaign-audience-clone", copied, id=audience, relationships=of, at=at)
    sending = {"send_time": MOMENT, "send_strategy": "throttled", "recipient_percentage": 25}
    definition = {"name": "One", "send_options": sending | {"throttle_unit": "hour"}}
    details = {"channel": "sms", "body": "Teas"}
    message = write.make(
        "campaign-message",
        {"definition": definition, "variations": [{"definition": {"details": details}}]},
        relationships=of | {"campaign-audience": link("campaign-audience", audience)},
    )
    tracking = {"is_add_utm": False, "is_tracking_clicks": True}
    changed = {"tracking_options": tracking, "send_options": {"send_time": None, "send_strategy": "static"}}
    write.change("campaign-message", message, {"definition": changed})
    variation = write.make(
        "campaign-variation",
        {"definition": {"name": "B", "details": details}},
        relationships={"campaign-message": link("campaign-message", message)},
    )
    write.change(
        "campaign-variation", variation, {"definition": {"details": {"channel": "sms", "body": "B"}}}
    )
    for part in ("campaign", "campaign-audience", "tags", "campaign-variations"):
        write.read(f"/api/campaign-messages/{message}/{part}")
    copy = write.make(
        "campaign-message",
        {"id": message, "name": "Two"},
        id=message,
        relationships={"campaign-audience": link("campaign-audience", audience)},
        at="/api/campaign-message-clone",
    )
    write.remove("campaign-variation", variation)
    for kind, identity in (("campaign-message", copy), ("campaign-message", message)):
        write.remove(kind, identity)
    write.remove("campaign-audience", audience)


SCHEDULES: dict[str, dict[str, Any]] = {
    "static": {"send_time": MOMENT},
    "local_timezone": {"send_time": MOMENT, "timezone_options": {"send_past_timezones_tomorrow": True}},
    "throttled": {
        "send_time": MOMENT,
        "throttled_options": {"throttling_percentage": 20, "throttle_unit": "minute"},
    },
    "smart_send_time": {"send_date": MOMENT[:10]},
}


@newer_form
@pytest.mark.parametrize("strategy", SCHEDULES)
def test_schedules_of_messages(write: Writer, strategy: str) -> None:
    message = {
        "audience_temporary_id": "a",
        "variations": [{"definition": {"details": {"channel": "sms", "body": "Teas"}}}],
    }
    attributes = {
        "definition": {"name": "Timed"},
        "audiences": [{"temporary_id": "a", "included": write.ids("list")[:1]}],
        "messages": [message],
    }
    campaign = write.make("campaign", attributes)
    message_id = write.read(f"/api/campaigns/{campaign}/campaign-messages")[0]["id"]
    path, kind = "/api/campaign-message-schedule", "campaign-message-schedule"
    link_ = {"campaign-message": link("campaign-message", message_id)}
    write.make(kind, {"strategy": strategy} | SCHEDULES[strategy], relationships=link_, at=path)
    write.read(f"/api/campaign-messages/{message_id}?include=campaign")
    stop = {"type": kind, "id": message_id, "attributes": {"action": "revert"}}
    write.send("PATCH", f"{path}/{message_id}", {"data": stop})


@newer_form
def test_a_campaign_of_the_newer_form_is_sent(write: Writer) -> None:
    details = {"channel": "email"} | WORDS["email"]
    attributes = {
        "definition": {"name": "Sent"},
        "audiences": [{"temporary_id": "a", "included": write.ids("list")[:1]}],
        "messages": [{"audience_temporary_id": "a", "variations": [{"definition": {"details": details}}]}],
    }
    campaign = write.make("campaign", attributes)
    message = write.read(f"/api/campaigns/{campaign}/campaign-messages")[0]["id"]
    template = {"template": link("template", write.ids("template")[0])}
    path = "/api/campaign-message-assign-template"
    write.make("campaign-message", id=message, relationships=template, at=path)
    write.make("campaign-send-job", id=campaign)
    stop = {"type": "campaign-send-job", "id": campaign, "attributes": {"action": "cancel"}}
    write.send("PATCH", f"/api/campaign-send-jobs/{campaign}", {"data": stop})
    write.read(f"/api/campaigns/{campaign}?include=campaign-messages")


def test_new_flows(write: Writer) -> None:
    delay = {
        "temporary_id": "wait",
        "type": "time-delay",
        "links": {"next": None},
        "data": {"unit": "days", "value": 1},
    }
    trigger = {"type": "list", "id": write.ids("list")[0]}
    definition = {"triggers": [trigger], "actions": [delay], "entry_action_id": "wait"}
    write.make("flow", {"name": "Welcome", "definition": definition})


def test_changes_of_flows(write: Writer) -> None:
    flow = write.ids("flow")[0]
    write.change("flow", flow, {"status": "draft"})
    write.remove("flow", flow)


def test_changes_of_flow_actions(write: Writer) -> None:
    action = write.read(f"/api/flows/{write.ids('flow')[-1]}/flow-actions")[0]
    write.change("flow-action", action["id"], {"definition": action["attributes"]["definition"]})


def test_templates(write: Writer) -> None:
    text = "{{ name }}"
    attributes = {"name": "Plain", "editor_type": "CODE", "html": f"<p>{text}</p>", "text": text}
    template = write.make("template", attributes)
    write.change("template", template, {"name": "Plainer"})
    write.remove("template", template)


def test_universal_content(write: Writer) -> None:
    data = {"content": "<b>Tea</b>", "display_options": {}}
    block = {"content_type": "block", "type": "html", "data": data}
    kind = "template-universal-content"
    content = write.make(kind, {"name": "Banner", "definition": block})
    write.change(kind, content, {"name": "Footer"})
    write.remove(kind, content)


def test_catalog(write: Writer) -> None:
    category = write.make("catalog-category", {"external_id": "c1", "name": "Tea"})
    item = write.make("catalog-item", SHOWN | {"external_id": "i1", "price": 9.5})
    variant = write.make(
        "catalog-variant",
        SHOWN | {"external_id": "v1", "sku": "T-1", "inventory_quantity": 3, "price": 9.5},
        relationships={"item": link("catalog-item", item)},
    )
    write.relate("catalog-item", item, "categories", links("catalog-category", category))
    write.relate("catalog-category", category, "items", links("catalog-item", item))
    for kind, identity, attributes in (
        ("catalog-variant", variant, {"price": None}),
        ("catalog-item", item, {"published": False}),
        ("catalog-category", category, {"name": "Teas"}),
    ):
        write.change(kind, identity, attributes)
        write.remove(kind, identity)


def test_coupons(write: Writer) -> None:
    coupon = write.make("coupon", {"external_id": "TEA10", "description": "Ten off"})
    code = write.make("coupon-code", {"unique_code": "A1"}, relationships={"coupon": link("coupon", coupon)})
    write.change("coupon-code", code, {"expires_at": MOMENT})
    write.remove("coupon-code", code)
    write.change("coupon", coupon, {"description": "Ten"})
    write.remove("coupon", coupon)


def test_webhooks(write: Writer) -> None:
    topics = {"webhook-topics": links("webhook-topic", *write.ids("webhook-topic")[:1])}
    attributes = {
        "name": "Sent",
        "endpoint_url": "https://shop.example/hook",
        "secret_key": "sixteen-letters-",
    }
    hook = write.make("webhook", attributes, relationships=topics)
    write.change("webhook", hook, {"enabled": False})
    write.remove("webhook", hook)


def test_images(write: Writer) -> None:
    write.change("image", write.ids("image")[0], {"hidden": True, "name": "logo"})
    write.make("image", {"import_from_url": f"data:image/gif;base64,{PIXEL}", "name": "pixel"})


def test_uploads_of_images(write: Writer) -> None:
    form = {"file": (BytesIO(b64decode(PIXEL)), "pixel.gif"), "name": "pixel", "hidden": "true"}
    Client(write.app).post("/api/image-upload", data=form, headers=write.headers)


def test_reviews(write: Writer) -> None:
    review = write.ids("review")[0]
    write.change("review", review, {"status": {"value": "featured"}})
    reason = {"reason": "other", "status_explanation": "Off topic"}
    write.change("review", review, {"status": {"value": "rejected", "rejection_reason": reason}})


def test_metrics(write: Writer) -> None:
    metric, kind = write.ids("metric")[0], "custom-metric"
    groups = [{"metric_id": metric, "metric_filters": []}]
    definition = {"aggregation_method": "count", "metric_groups": groups}
    made = write.make(kind, {"name": "Visits", "definition": definition})
    write.change(kind, made, {"name": "All visits"})
    for target, identity in ((kind, made), ("metric", metric)):
        write.change("mapped-metric", "revenue", relationships={target: link(target, identity)})
        write.read(f"/api/mapped-metrics/revenue?include={target}")
        write.read(f"/api/mapped-metrics/revenue/{target}")
        write.read(f"/api/mapped-metrics/revenue/relationships/{target}")
    write.remove(kind, made)


def test_data_sources(write: Writer) -> None:
    source = write.make("data-source", {"title": "Till", "visibility": "private"})
    write.remove("data-source", source)


def test_web_feeds(write: Writer) -> None:
    url = "https://shop.example/feed"
    attributes = {"name": "Posts", "url": url, "request_method": "get", "content_type": "json"}
    feed = write.make("web-feed", attributes)
    write.change("web-feed", feed, {"name": "News"})
    write.remove("web-feed", feed)


def test_tracking_settings(write: Writer) -> None:
    account = write.ids("account")[0]
    source = {"campaign": {"type": "static", "value": "klaviyo"}}
    write.change("tracking-setting", account, {"auto_add_parameters": True, "utm_source": source})


def test_forms(write: Writer) -> None:
    definition: dict[str, list[object]] = {
        "versions": [{"steps": [{"columns": [{"rows": []}]}], "triggers": []}]
    }
    form = write.make("form", {"name": "Join", "status": "draft", "ab_test": False, "definition": definition})
    write.remove("form", form)
