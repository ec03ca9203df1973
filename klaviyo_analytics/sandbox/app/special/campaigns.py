"""Campaigns: created with their messages, changed while they are drafts, cloned."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from klaviyo_analytics.sandbox.app.errors import ApiFault
from klaviyo_analytics.sandbox.app.kinds import ulid
from klaviyo_analytics.sandbox.app.linking import check_exist
from klaviyo_analytics.sandbox.app.reads import Call, answer_one
from klaviyo_analytics.sandbox.app.special.messages import add_message, copy_template, send_times
from klaviyo_analytics.sandbox.app.store import GROUPS, Store
from klaviyo_analytics.sandbox.app.times import to_text
from klaviyo_analytics.sandbox.app.writes import check_id, delete_resource, related_ids, touch
from klaviyo_analytics.sandbox.model import Record, Related

Json = dict[str, Any]
ATTRIBUTES = "/data/attributes"
OPTIONS: Json = {"send_options": {"use_smart_sending": True}, "send_strategy": {"method": "immediate"}}
TRACKING: Json = {"add_tracking_params": False, "custom_tracking_params": []}
OPENS = {"is_tracking_clicks": True, "is_tracking_opens": True}  # only an email can tell
UNDER_WAY = ("Preparing to schedule", "Preparing to send", "Sending", "Adding Recipients", "Sending Segments")
# What goes by a campaign's own id, and goes with it.
NAMED_AFTER = ("campaign-send-job", "campaign-recipient-estimation-job", "campaign-recipient-estimation")


def create_campaign(call: Call) -> Json:
    """Create a draft and its messages."""
    attributes = dict(call.body["data"]["attributes"])
    messages = attributes.pop("campaign-messages")["data"]
    _check_messages(call.store, messages)
    _check_audiences(call.store, attributes["audiences"])
    channel = messages[0]["attributes"]["definition"]["channel"]
    tracking = TRACKING | (OPENS if channel == "email" else {}) | (attributes.get("tracking_options") or {})
    given = {name: value for name, value in attributes.items() if value is not None}
    record = _add(call.store, OPTIONS | given | {"tracking_options": tracking})
    for message in messages:
        links: dict[str, Related] = {name: ids[0] for name, ids in related_ids(message)}
        add_message(call.store, record, message["attributes"]["definition"], links)
    return answer_one(call, record)


def _add(store: Store, attributes: Json) -> Record:
    now = to_text(store.now())
    known = {"status": "Draft", "archived": False, "scheduled_at": None, "send_time": None}
    audiences = {"included": [], "excluded": []} | attributes["audiences"]
    known |= attributes | {"audiences": audiences, "created_at": now, "updated_at": now}
    return store.add(Record("campaign", ulid(store, {}), known, {"tags": []}))


def _check_messages(store: Store, messages: list[Json]) -> None:
    pointer = f"{ATTRIBUTES}/campaign-messages/data"
    channels = {message["attributes"]["definition"]["channel"] for message in messages}
    if len(channels) != 1:
        raise ApiFault.pointer(pointer, "A campaign has at least one message, and one channel.")
    for message in messages:
        for name, ids in related_ids(message):
            check_exist(store, name, ids)


def _check_audiences(store: Store, audiences: Json) -> None:
    for side in ("included", "excluded"):
        for place, id_ in enumerate(audiences.get(side) or ()):
            if not any(store.find(type_, id_) for type_ in GROUPS):
                pointer = f"{ATTRIBUTES}/audiences/{side}/{place}"
                raise ApiFault.pointer(pointer, f"No list or segment has the id {id_}.")
    if not audiences.get("included"):
        raise ApiFault.pointer(f"{ATTRIBUTES}/audiences/included", "At least one audience is needed.")


def update_campaign(call: Call) -> Json:
    """Change a draft; what has been sent stays as it was."""
    record, data = call.store.get("campaign", call.id), call.body["data"]
    check_id(call, data)
    status = record.attributes["status"]
    if status != "Draft":
        raise ApiFault.bad_request(f"The campaign is {status}; only a Draft can be changed.")
    given = {name: value for name, value in data.get("attributes", {}).items() if value is not None}
    if "audiences" in given:
        _check_audiences(call.store, given["audiences"])
        given["audiences"] = {"excluded": []} | given["audiences"]
    for name in ("send_options", "tracking_options"):
        if name in given:
            given[name] = (record.attributes.get(name) or {}) | given[name]
    record.attributes |= given
    for id_ in call.store.related(record, "campaign-messages"):
        call.store.get("campaign-message", id_).attributes["send_times"] = send_times(record)
    touch(call.store, record)
    return answer_one(call, record)


def clone_campaign(call: Call) -> Json:
    """Create a draft like another campaign, with messages and templates of its own."""
    data, store = call.body["data"], call.store
    original = store.get("campaign", data["id"])
    name = data["attributes"].get("new_name") or f"Copy of {original.attributes['name']}"
    kept = ("audiences", "send_options", "tracking_options", "send_strategy")
    attributes = {key: deepcopy(original.attributes[key]) for key in kept if key in original.attributes}
    record = _add(store, attributes | {"name": name})
    for id_ in store.related(original, "campaign-messages"):
        message = store.get("campaign-message", id_)
        links = {key: message.relationships.get(key) for key in ("image", "template")}
        for template_id in store.related(message, "template"):
            template = store.find("template", template_id)
            links["template"] = (
                copy_template(store, template, template.attributes["name"]).id if template else None
            )
        add_message(store, record, deepcopy(message.attributes["definition"]), links)
    return answer_one(call, record)


def delete_campaign(call: Call) -> None:
    """Delete a campaign that is not on its way out, with what is named after it."""
    record = call.store.get("campaign", call.id)
    if record.attributes["status"] in UNDER_WAY:
        raise ApiFault.bad_request(f"The campaign is {record.attributes['status']}; cancel it first.")
    delete_resource(call)
    for type_ in NAMED_AFTER:
        if call.store.find(type_, record.id):
            call.store.remove(type_, record.id)
    call.store.jobs = [job for job in call.store.jobs if job.id != record.id]


HANDLERS = {
    "create_campaign": create_campaign,
    "update_campaign": update_campaign,
    "create_campaign_clone": clone_campaign,
    "delete_campaign": delete_campaign,
}
