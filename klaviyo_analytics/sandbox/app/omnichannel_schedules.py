"""Schedules of messages and of whole campaigns as revision 2026-10-15 takes them, and sending what is due."""

from __future__ import annotations

from typing import Any

from klaviyo_analytics.sandbox.app import campaigns, omnichannel
from klaviyo_analytics.sandbox.app.errors import ApiFault, to_seconds, to_text
from klaviyo_analytics.sandbox.app.omnichannel import View, facts
from klaviyo_analytics.sandbox.app.omnichannel_writes import ATTRIBUTES, check_draft
from klaviyo_analytics.sandbox.app.reads import Call, answer_one
from klaviyo_analytics.sandbox.app.store import Store, check_exist
from klaviyo_analytics.sandbox.app.writes import check_id, required_id, touch
from klaviyo_analytics.sandbox.model import Record, Related

Json = dict[str, Any]
SCHEDULES = {
    "static": "static",
    "local_timezone": "local_timezone",
    "throttled": "throttled",
    "smart_send_time": "send_time_optimization",
}
PERCENTAGES = (1, 2, 5, 10, 11, 13, 14, 17, 20, 25, 33, 50)
OLDER = {"draft": "Draft", "scheduled": "Scheduled", "sent": "Sent", "cancelled": "Cancelled"}


def schedule_message(call: Call) -> Json:
    """Schedule a draft's message."""
    store, data = call.store, call.body["data"]
    message = store.get("campaign-message", required_id(data, "campaign-message"))
    given = data["attributes"]
    time = _check_schedule(store, message, given, ATTRIBUTES)
    shown = _schedule(store, message, given, time)
    links: dict[str, Related] = {"campaign-message": message.id}
    call.store = View(store)
    return answer_one(call, Record("campaign-message-schedule", message.id, shown, links))


def schedule_campaign(call: Call) -> Json:
    """Schedule messages of one campaign, all of them or none."""
    store, data = call.store, call.body["data"]
    campaign = store.get("campaign", required_id(data, "campaign"))
    given = data["attributes"]["message_schedules"]
    if not given:
        raise ApiFault.pointer(f"{ATTRIBUTES}/message_schedules", "At least one message is required.")
    planned: dict[str, tuple[Record, Json, float]] = {}
    for place, one in enumerate(given):
        pointer = f"{ATTRIBUTES}/message_schedules/{place}"
        check_exist(store, "campaign-message", [one["message_id"]])
        message = store.get("campaign-message", one["message_id"])
        if omnichannel.campaign_of(store, message) is not campaign:
            raise ApiFault.pointer(f"{pointer}/message_id", "The message belongs to another campaign.")
        if message.id in planned:
            raise ApiFault.pointer(f"{pointer}/message_id", "The message has a schedule already.")
        planned[message.id] = (message, one, _check_schedule(store, message, one, pointer))
    shown = [{"id": id_} | _schedule(store, *one) for id_, one in planned.items()]
    links: dict[str, Related] = {"campaign": campaign.id}
    call.store = View(store)
    return answer_one(call, Record("campaign-schedule", campaign.id, {"messages": shown}, links))


def _check_schedule(store: Store, message: Record, given: Json, pointer: str) -> float:
    """Refuse a schedule that cannot be kept, and return its time."""
    check_draft(store, message)
    campaigns.check_content(store, message)
    smart = given["strategy"] == "smart_send_time"
    needed = "send_date" if smart else "send_time"
    if not given.get(needed):
        raise ApiFault.pointer(f"{pointer}/{needed}", f"{given['strategy']} needs {needed}.")
    time = to_seconds(given[needed])
    if time < (store.now() - 86_400 if smart else store.now()):
        raise ApiFault.pointer(f"{pointer}/{needed}", f"{needed} must not be in the past.")
    throttled = given.get("throttled_options") or {}
    if given["strategy"] == "throttled" and not throttled:
        raise ApiFault.pointer(f"{pointer}/throttled_options", "throttled needs throttled_options.")
    if throttled and throttled["throttling_percentage"] not in PERCENTAGES:
        raise ApiFault.pointer(
            f"{pointer}/throttled_options/throttling_percentage",
            f"throttling_percentage is one of {', '.join(map(str, PERCENTAGES))}.",
        )
    return time


def _schedule(store: Store, message: Record, given: Json, time: float) -> Json:
    """Schedule a message, and return what the answer shows of it."""
    throttled, smart = given.get("throttled_options") or {}, given["strategy"] == "smart_send_time"
    known = facts(message)
    known["status"] = "scheduled"
    known["send_options"] = known.get("send_options", {}) | {
        "send_time": to_text(time),
        "send_strategy": SCHEDULES[given["strategy"]],
        "recipient_percentage": throttled.get("throttling_percentage"),
        "throttle_unit": throttled.get("throttle_unit"),
    }
    campaign = omnichannel.campaign_of(store, message)
    campaign.attributes |= {"scheduled_at": to_text(store.now())}
    _follow(store, campaign)
    return {
        "strategy": given["strategy"],
        "send_time": None if smart else to_text(time),
        "send_date": given.get("send_date") if smart else None,
        "throttling_percentage": throttled.get("throttling_percentage"),
        "throttle_unit": throttled.get("throttle_unit"),
    }


def stop_message(call: Call) -> None:
    """Cancel a scheduled message for good, or make it a draft again."""
    store, data = call.store, call.body["data"]
    check_id(call, data)
    message = store.get("campaign-message", call.id)
    status = omnichannel.status_of(store, message)
    if status != "scheduled":
        raise ApiFault.bad_request(f"The message is {status}; only a scheduled one can be stopped.")
    reverts = data["attributes"]["action"] == "revert"
    known = facts(message)
    known["status"] = "draft" if reverts else "cancelled"
    known["send_options"] = known.get("send_options", {}) | {"send_time": None}
    _follow(store, omnichannel.campaign_of(store, message))


def _follow(store: Store, campaign: Record) -> None:
    """Set the status that older revisions show from the campaign's messages: a draft as long as one of them is."""
    messages = omnichannel.messages_of(store, campaign)
    found = {omnichannel.status_of(store, each): each for each in messages}
    for message in messages:  # each has a status of its own, until all are drafts again
        facts(message).setdefault("status", omnichannel.status_of(store, message))
        if found.keys() == {"draft"}:
            del facts(message)["status"]
    status = next(name for name in ("draft", "scheduled", "sent", "cancelled") if name in found)
    times = [time for each in messages if (time := facts(each).get("send_options", {}).get("send_time"))]
    first = min(times, default=None) if status in ("scheduled", "sent") else None
    campaign.attributes |= {"status": OLDER[status], "send_time": first}
    if status in ("scheduled", "sent") and first:
        campaign.attributes["send_strategy"] = {"method": "static", "datetime": first}
    touch(store, campaign)


def keep_time(store: Store) -> None:
    """Send every message that was scheduled alone and is due by the clock."""
    for message in store.derive("messages to deliver", lambda: _waiting(store)):
        time = to_seconds(facts(message)["send_options"]["send_time"])
        if time <= store.now():
            campaign = omnichannel.campaign_of(store, message)
            people = campaigns.recipients(store, campaign, message)
            facts(message)["status"] = "sent" if people else "cancelled"
            campaigns.deliver(store, campaign, message, people, time)
            _follow(store, campaign)


def _waiting(store: Store) -> list[Record]:
    records = store.records("campaign-message").values()
    return [each for each in records if each.hidden.get(omnichannel.FACTS, {}).get("status") == "scheduled"]


HANDLERS = {
    "schedule_campaign": schedule_campaign,
    "schedule_campaign_message": schedule_message,
    "update_campaign_message_schedule": stop_message,
}
