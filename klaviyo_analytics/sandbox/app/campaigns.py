"""Campaigns: created with their messages, changed while they are drafts, cloned."""

from __future__ import annotations

import math
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from klaviyo_analytics.sandbox.app import jobs, omnichannel, profiles
from klaviyo_analytics.sandbox.app.errors import ApiFault, to_seconds, to_text
from klaviyo_analytics.sandbox.app.events import keep, notice
from klaviyo_analytics.sandbox.app.reads import Call, answer_one
from klaviyo_analytics.sandbox.app.segments import refresh
from klaviyo_analytics.sandbox.app.store import GROUPS, Store, check_exist
from klaviyo_analytics.sandbox.app.writes import (
    check_id,
    delete_resource,
    related_ids,
    required_id,
    short_id,
    touch,
    ulid,
)
from klaviyo_analytics.sandbox.model import Record, Related

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
PUSH_OPTIONS = {"on_open": {"type": "open_app"}, "badge": {"display": False}, "play_sound": False}


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
    return known | {"content": content, "options": PUSH_OPTIONS | (definition.get("options") or {})}


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
    """Assign a message its own copy of a template; the answer has the form of older revisions."""
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


Json = dict[str, Any]
ATTRIBUTES = "/data/attributes"
CAMPAIGN_OPTIONS: Json = {
    "send_options": {"use_smart_sending": True},
    "send_strategy": {"method": "immediate"},
}
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
    record = add_campaign(call.store, CAMPAIGN_OPTIONS | given | {"tracking_options": tracking})
    for message in messages:
        links: dict[str, Related] = {name: ids[0] for name, ids in related_ids(message)}
        add_message(call.store, record, message["attributes"]["definition"], links)
    return answer_one(call, record)


def add_campaign(store: Store, attributes: Json) -> Record:
    """Keep a new draft."""
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
    return answer_one(call, copy_campaign(store, original, name))


def copy_campaign(store: Store, original: Record, name: str) -> Record:
    """Keep a draft like another campaign, with messages and templates of its own."""
    kept = ("audiences", "send_options", "tracking_options", "send_strategy")
    attributes = {key: deepcopy(original.attributes[key]) for key in kept if key in original.attributes}
    record = add_campaign(store, attributes | {"name": name})
    for id_ in store.related(original, "campaign-messages"):
        message = store.get("campaign-message", id_)
        links = {key: message.relationships.get(key) for key in ("image", "template")}
        for template_id in store.related(message, "template"):
            template = store.find("template", template_id)
            links["template"] = (
                copy_template(store, template, template.attributes["name"]).id if template else None
            )
        add_message(store, record, deepcopy(message.attributes["definition"]), links)
    return record


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


RECEIVED = {"email": "Received Email", "sms": "Received Text Message", "mobile_push": "Received Push"}
NOBODY = "Cancelled: No Recipients"
BATCHES = "batches"  # where a campaign on its way hides those that are still to come
SECOND, HOUR = 1.0, 3600.0


@dataclass(frozen=True, slots=True)
class Batch:
    """Some of a campaign's recipients, and when their turn is."""

    time: float
    people: list[str]


def keep_time(store: Store) -> None:
    """Send every campaign that is due by the clock."""
    waiting = store.derive("campaigns to deliver", lambda: _waiting(store))
    for time, campaign in waiting:
        if time <= store.now():
            _go_on(store, campaign)


def _waiting(store: Store) -> list[tuple[float, Record]]:
    """Find the campaigns that have something to do later, and when."""
    found = []
    for campaign in store.records("campaign").values():
        if any("status" in omnichannel.facts(each) for each in omnichannel.messages_of(store, campaign)):
            continue  # its messages go out one by one
        status, start = campaign.attributes["status"], campaign.attributes.get("send_time")
        batches = campaign.hidden.get(BATCHES)
        if status == "Sending" and batches:
            found.append((batches[0].time, campaign))
        elif status == "Scheduled" and start and store.related(campaign, "campaign-messages"):
            found.append((to_seconds(start), campaign))
    return found


def _go_on(store: Store, campaign: Record) -> None:
    """Deliver what is due; look for the recipients first if it has not begun."""
    message = message_of(store, campaign)
    if campaign.attributes["status"] == "Scheduled":
        people = recipients(store, campaign, message)
        campaign.attributes["status"] = "Sending" if people else NOBODY
        campaign.hidden[BATCHES] = _batches(campaign, people)
    batches: list[Batch] = campaign.hidden[BATCHES]
    while batches and batches[0].time <= store.now():
        batch = batches.pop(0)
        deliver(store, campaign, message, batch.people, batch.time)
        if not batches:
            campaign.attributes["status"] = "Sent"
    touch(store, campaign)


def _batches(campaign: Record, people: list[str]) -> list[Batch]:
    strategy = campaign.attributes["send_strategy"]
    throttled = strategy["method"] == "throttled"
    share, pause = (strategy["throttle_percentage"] / 100, HOUR) if throttled else (0.5, SECOND)
    start, size = to_seconds(campaign.attributes["send_time"]), math.ceil(len(people) * share)
    return [
        Batch(start + number * pause, people[place : place + size])
        for number, place in enumerate(range(0, len(people), size or 1))
    ]


def message_of(store: Store, campaign: Record) -> Record:
    """Find a campaign's first message."""
    return store.get("campaign-message", store.related(campaign, "campaign-messages")[0])


def recipients(store: Store, campaign: Record, message: Record) -> list[str]:
    """Find whom a campaign would reach: those of its audiences whom its channel may reach."""
    refresh(store)
    audiences = omnichannel.audience_of(store, campaign, message)
    channel = message.attributes["definition"]["channel"]
    kept = {id_ for group in audiences.get("included") or () for id_ in store.account.members.get(group, ())}
    kept -= {id_ for group in audiences.get("excluded") or () for id_ in store.account.members.get(group, ())}
    found = store.find_all("profile", sorted(kept))
    return [profile.id for profile in found if _reachable(store, profile, channel)]


def _reachable(store: Store, profile: Record, channel: str) -> bool:
    if channel == "email":
        known = profiles.consent_of(profile, "email")
        may = known.get("can_receive_email_marketing", True) and known.get("consent") != profiles.UNSUBSCRIBED
        return bool(profile.attributes.get("email") and may)
    if channel == "sms":
        return bool(profile.attributes.get("phone_number")) and profiles.is_subscribed(profile, "sms")
    return bool(store.related(profile, "push-tokens"))


def deliver(store: Store, campaign: Record, message: Record, people: list[str], time: float) -> None:
    """Deliver a message to some profiles."""
    definition = message.attributes["definition"]
    properties = {"$message": campaign.id, "Campaign Name": campaign.attributes["name"]}
    if definition["channel"] == "email":
        properties["Subject"] = definition["content"]["subject"]
    rows: list[Json] = []
    for profile in store.find_all("profile", people):
        rows += notice(store, profile, RECEIVED[definition["channel"]], properties, time)
    keep(store, rows)


STATES = {
    False: {"queued": "Preparing to send", "processing": "Sending", "complete": "Sent"},
    True: {"queued": "Preparing to schedule", "processing": "Preparing to schedule", "complete": "Scheduled"},
}


def send_campaign(call: Call) -> Json:
    """Start the job that sends a draft; it has the campaign's own id."""
    store = call.store
    campaign = store.get("campaign", call.body["data"]["id"])
    message = _sendable(store, campaign)
    time = _time(campaign)
    later = time is not None and time > store.now()
    people = [] if later else recipients(store, campaign, message)
    half = (len(people) + 1) // 2
    pieces = [people[:half], people[half:]]

    def follow(store: Store, job: Record) -> None:
        state = STATES[later][job.attributes["status"]]
        campaign.attributes["status"] = state if people or state != "Sent" else NOBODY
        touch(store, campaign)

    now = to_text(store.now())
    campaign.attributes |= {"scheduled_at": now, "send_time": to_text(time) if later and time else now}
    job = jobs.start(store, "campaign-send-job", pieces, _deliver, id_=campaign.id, life=None, follow=follow)
    return answer_one(call, job)


def _sendable(store: Store, campaign: Record) -> Record:
    """Refuse to send a campaign that is not a draft, or has no content."""
    status = campaign.attributes["status"]
    if status != "Draft":
        raise ApiFault.bad_request(f"The campaign is {status}; only a Draft can be sent.")
    if not store.related(campaign, "campaign-messages"):
        raise ApiFault.bad_request("The campaign has no message.")
    message = message_of(store, campaign)
    check_content(store, message)
    return message


def check_content(store: Store, message: Record) -> None:
    """Refuse to send a message that says nothing."""
    definition = message.attributes["definition"]
    content = definition.get("content") or {}
    if definition["channel"] == "email" and not (
        content.get("subject") and store.related(message, "template")
    ):
        raise ApiFault.bad_request("An email needs a subject and a template before it is sent.")
    if definition["channel"] == "sms" and not content.get("body"):
        raise ApiFault.bad_request("A text message needs a body before it is sent.")


def _time(campaign: Record) -> float | None:
    strategy = campaign.attributes["send_strategy"]
    text = strategy.get("datetime") or strategy.get("date")
    return to_seconds(text) if text else None


def _deliver(store: Store, job: Record, people: list[str]) -> bool:
    campaign = store.get("campaign", job.id)
    deliver(store, campaign, message_of(store, campaign), people, store.now())
    return True


def stop_campaign(call: Call) -> None:
    """Cancel a campaign for good, or make it a draft again, as long as it has not been sent."""
    data, store = call.body["data"], call.store
    campaign = store.get("campaign", call.id)
    check_id(call, data)
    status = campaign.attributes["status"]
    if status in ("Draft", "Sent") or status.startswith("Cancelled"):
        raise ApiFault.bad_request(f"The campaign is {status}; there is nothing to stop.")
    reverts = data["attributes"]["action"] == "revert"
    campaign.attributes |= {
        "status": "Draft" if reverts else "Cancelled",
        "scheduled_at": None,
        "send_time": None,
    }
    campaign.hidden.pop(BATCHES, None)
    for message in omnichannel.messages_of(store, campaign):
        omnichannel.facts(message).pop("status", None)
    job = store.find("campaign-send-job", campaign.id)
    if job and jobs.is_open(job):
        jobs.cancel(store, job)
    touch(store, campaign)


def refresh_estimation(call: Call) -> Json:
    """Start the job that counts whom a campaign would reach."""
    campaign = call.store.get("campaign", call.body["data"]["id"])
    if not call.store.related(campaign, "campaign-messages"):
        raise ApiFault.bad_request("The campaign has no message.")
    type_ = "campaign-recipient-estimation-job"
    job = jobs.start(call.store, type_, [campaign], _estimate, id_=campaign.id, life=None)
    return answer_one(call, job)


def _estimate(store: Store, job: Record, campaign: Record) -> bool:
    count = len(recipients(store, campaign, message_of(store, campaign)))
    store.add(Record("campaign-recipient-estimation", job.id, {"estimated_recipient_count": count}))
    return True


HANDLERS = {
    "update_campaign_message": update_message,
    "assign_template_to_campaign_message": assign_template,
    "create_campaign": create_campaign,
    "update_campaign": update_campaign,
    "create_campaign_clone": clone_campaign,
    "delete_campaign": delete_campaign,
    "send_campaign": send_campaign,
    "cancel_campaign_send": stop_campaign,
    "refresh_campaign_recipient_estimation": refresh_estimation,
}
