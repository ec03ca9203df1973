"""Campaigns on their way out: whom each reaches, and the events of those who receive it.

A scheduled campaign leaves when its time has come: its audiences are looked at then, and it is delivered in batches,
each at its own moment. Throttled ones take an hour for each batch, all others a second for each half. Everybody is
reached on the account's own clock, those of a local or a smart time as well; nobody opens what was sent through the
API, so a later report knows recipients and deliveries only.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from klaviyo_analytics.sandbox.app.special import consent
from klaviyo_analytics.sandbox.app.special.segments import refresh
from klaviyo_analytics.sandbox.app.store import Store
from klaviyo_analytics.sandbox.app.times import to_seconds
from klaviyo_analytics.sandbox.app.tracking import keep, notice
from klaviyo_analytics.sandbox.app.writes import touch
from klaviyo_analytics.sandbox.model import Record

Json = dict[str, Any]
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
    """Let every campaign whose time has come go out, as far as the clock has gone."""
    waiting = store.derive("campaigns to deliver", lambda: _waiting(store))
    for time, campaign in waiting:
        if time <= store.now():
            _go_on(store, campaign)


def _waiting(store: Store) -> list[tuple[float, Record]]:
    """Find the campaigns that have something to do later, and when."""
    found = []
    for campaign in store.records("campaign").values():
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
    audiences, channel = campaign.attributes["audiences"], message.attributes["definition"]["channel"]
    kept = {id_ for group in audiences["included"] for id_ in store.account.members.get(group, ())}
    kept -= {id_ for group in audiences.get("excluded") or () for id_ in store.account.members.get(group, ())}
    found = store.find_all("profile", sorted(kept))
    return [profile.id for profile in found if _reachable(store, profile, channel)]


def _reachable(store: Store, profile: Record, channel: str) -> bool:
    if channel == "email":
        known = consent.consent_of(profile, "email")
        may = known.get("can_receive_email_marketing", True) and known.get("consent") != consent.UNSUBSCRIBED
        return bool(profile.attributes.get("email") and may)
    if channel == "sms":
        return bool(profile.attributes.get("phone_number")) and consent.is_subscribed(profile, "sms")
    return bool(store.related(profile, "push-tokens"))


def deliver(store: Store, campaign: Record, message: Record, people: list[str], time: float) -> None:
    """Let some profiles receive a message."""
    definition = message.attributes["definition"]
    properties = {"$message": message.id, "Campaign Name": campaign.attributes["name"]}
    if definition["channel"] == "email":
        properties["Subject"] = definition["content"]["subject"]
    rows: list[Json] = []
    for profile in store.find_all("profile", people):
        rows += notice(store, profile, RECEIVED[definition["channel"]], properties, time)
    keep(store, rows)
