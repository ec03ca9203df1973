"""The messages of campaigns: their definitions completed, their times, and copies of their templates."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from klaviyo_analytics.sandbox.app.errors import ApiFault
from klaviyo_analytics.sandbox.app.kinds import short_id, ulid
from klaviyo_analytics.sandbox.app.reads import Call, answer_one
from klaviyo_analytics.sandbox.app.store import Store
from klaviyo_analytics.sandbox.app.times import to_text
from klaviyo_analytics.sandbox.app.writes import check_id, related_ids, required_id, touch
from klaviyo_analytics.sandbox.model import Record, Related

Json = dict[str, Any]
EMAIL_PARTS = (
    "subject",
    "preview_text",
    "from_email",
    "from_label",
    "reply_to_email",
    "cc_email",
    "bcc_email",
)
RENDERING = {
    "shorten_links": True,
    "add_org_prefix": True,
    "add_info_link": True,
    "add_opt_out_language": False,
}
OPTIONS = {"on_open": {"type": "open_app"}, "badge": {"display": False}, "play_sound": False}


def add_message(store: Store, campaign: Record, definition: Json, links: dict[str, Related]) -> Record:
    """Keep a new message of a campaign."""
    now = to_text(store.now())
    label = definition.get("label") or campaign.attributes["name"]
    known = complete(store, definition | ({"label": label} if definition["channel"] == "email" else {}))
    attributes = {
        "definition": known,
        "send_times": send_times(campaign),
        "created_at": now,
        "updated_at": now,
    }
    none: dict[str, Related] = {"template": None, "image": None}
    return store.add(
        Record("campaign-message", ulid(store, {}), attributes, none | links | {"campaign": campaign.id})
    )


def complete(store: Store, definition: Json) -> Json:
    """Add to a message's definition what it does not say."""
    content = definition.get("content") or {}
    if definition["channel"] == "email":
        account = next(iter(store.records("account").values()), None)
        contact = account.attributes["contact_information"] if account else {}
        sender = {
            "from_email": contact.get("default_sender_email"),
            "from_label": contact.get("default_sender_name"),
        }
        return {"label": None} | definition | {"content": dict.fromkeys(EMAIL_PARTS) | sender | content}
    if definition["channel"] == "sms":
        rendering = RENDERING | (definition.get("render_options") or {})
        content = {"body": None, "media_url": None} | content
        return definition | {"content": content, "render_options": rendering}
    kind = definition.get("notification_type", "standard")
    known: Json = {"kv_pairs": {}} | definition | {"notification_type": kind}
    if kind == "silent":
        return known
    content = {"title": None, "dynamic_image": None} | content
    return known | {"content": content, "options": OPTIONS | (definition.get("options") or {})}


def send_times(campaign: Record) -> list[Json]:
    """Find when a campaign's messages go out, as far as its strategy tells."""
    strategy = campaign.attributes["send_strategy"]
    moment = strategy.get("datetime") or strategy.get("date")
    options = strategy.get("options") or {}
    return [{"datetime": moment, "is_local": bool(options.get("is_local"))}] if moment else []


def update_message(call: Call) -> Json:
    """Change what a draft's message says; the channel stays."""
    record, data = call.store.get("campaign-message", call.id), call.body["data"]
    check_id(call, data)
    check_draft(call.store, record)
    definition = data.get("attributes", {}).get("definition")
    if definition:
        old = record.attributes["definition"]
        if definition["channel"] != old["channel"]:
            pointer = "/data/attributes/definition/channel"
            raise ApiFault.pointer(pointer, f"The message is of channel {old['channel']}.")
        content = (old.get("content") or {}) | (definition.get("content") or {})
        record.attributes["definition"] = complete(call.store, old | definition | {"content": content})
    for name, ids in related_ids(data):
        call.store.get(name, ids[0])
        record.relationships[name] = ids[0]
    touch(call.store, record)
    return answer_one(call, record)


def check_draft(store: Store, message: Record) -> None:
    """Refuse to change what has left, or is about to leave."""
    for id_ in store.related(message, "campaign"):
        status = store.get("campaign", id_).attributes["status"]
        if status != "Draft":
            raise ApiFault.bad_request(f"The campaign is {status}; only a Draft can be changed.")


def assign_template(call: Call) -> Json:
    """Give a message a copy of a template of its own; the answer has the form of older revisions."""
    store, data = call.store, call.body["data"]
    message = store.get("campaign-message", data["id"])
    template = store.get("template", required_id(data, "template"))
    check_draft(store, message)
    definition = message.attributes["definition"]
    if definition["channel"] != "email":
        raise ApiFault.pointer("/data/id", f"A message of channel {definition['channel']} has no template.")
    message.relationships["template"] = copy_template(store, template, template.attributes["name"]).id
    touch(store, message)
    flat = {name: message.attributes[name] for name in ("send_times", "created_at", "updated_at")}
    flat |= {
        "label": definition["label"] or "",
        "channel": definition["channel"],
        "content": definition["content"],
    }
    return answer_one(call, Record(message.type, message.id, flat, message.relationships))


def copy_template(store: Store, template: Record, name: str) -> Record:
    """Keep a copy of a template under a new id."""
    now = to_text(store.now())
    attributes = deepcopy(template.attributes) | {"name": name, "created": now, "updated": now}
    return store.add(Record("template", short_id(store, {}), attributes))


HANDLERS = {
    "update_campaign_message": update_message,
    "assign_template_to_campaign_message": assign_template,
}
