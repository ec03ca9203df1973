"""Sending campaigns: the job that does it, what stops it, and how many it would reach.

What is sent is noticed: each recipient has an event of the channel's metric. A campaign with a time to come is
scheduled, and stays so.
"""

from __future__ import annotations

from typing import Any

from klaviyo_analytics.sandbox.app.errors import ApiFault
from klaviyo_analytics.sandbox.app.reads import Call, answer_one
from klaviyo_analytics.sandbox.app.special import consent, jobs
from klaviyo_analytics.sandbox.app.special.segments import refresh
from klaviyo_analytics.sandbox.app.store import Store
from klaviyo_analytics.sandbox.app.times import to_seconds, to_text
from klaviyo_analytics.sandbox.app.tracking import keep, notice
from klaviyo_analytics.sandbox.app.writes import check_id, touch
from klaviyo_analytics.sandbox.model import Record

Json = dict[str, Any]
SENT = {"email": "Received Email", "sms": "Received Text Message", "mobile_push": "Received Push"}
STATES = {
    False: {"queued": "Preparing to send", "processing": "Sending", "complete": "Sent"},
    True: {"queued": "Preparing to schedule", "processing": "Preparing to schedule", "complete": "Scheduled"},
}


def send_campaign(call: Call) -> Json:
    """Take on the sending of a draft; the job has the campaign's own id."""
    store = call.store
    campaign = store.get("campaign", call.body["data"]["id"])
    message = _sendable(store, campaign)
    time = _time(campaign)
    later = time is not None and time > store.now()
    people = [] if later else recipients(store, campaign, message)
    half = (len(people) + 1) // 2
    pieces = [(message.id, people[:half]), (message.id, people[half:])]

    def follow(store: Store, job: Record) -> None:
        campaign.attributes["status"] = STATES[later][job.attributes["status"]]
        touch(store, campaign)

    now = to_text(store.now())
    campaign.attributes |= {"scheduled_at": now, "send_time": to_text(time) if later and time else now}
    job = jobs.start(store, "campaign-send-job", pieces, _deliver, id_=campaign.id, life=None, follow=follow)
    return answer_one(call, job)


def _sendable(store: Store, campaign: Record) -> Record:
    """Refuse to send what is no draft, or has nothing to say."""
    status = campaign.attributes["status"]
    if status != "Draft":
        raise ApiFault.bad_request(f"The campaign is {status}; only a Draft can be sent.")
    ids = store.related(campaign, "campaign-messages")
    message = store.get("campaign-message", ids[0])
    definition = message.attributes["definition"]
    content = definition.get("content") or {}
    if definition["channel"] == "email" and not (
        content.get("subject") and store.related(message, "template")
    ):
        raise ApiFault.bad_request("An email needs a subject and a template before it is sent.")
    if definition["channel"] == "sms" and not content.get("body"):
        raise ApiFault.bad_request("A text message needs a body before it is sent.")
    return message


def _time(campaign: Record) -> float | None:
    strategy = campaign.attributes["send_strategy"]
    text = strategy.get("datetime") or strategy.get("date")
    return to_seconds(text) if text else None


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


def _deliver(store: Store, job: Record, piece: tuple[str, list[str]]) -> bool:
    """Let each of some profiles receive the message."""
    campaign, message = store.get("campaign", job.id), store.get("campaign-message", piece[0])
    definition = message.attributes["definition"]
    properties = {"$message": message.id, "Campaign Name": campaign.attributes["name"]}
    if definition["channel"] == "email":
        properties["Subject"] = definition["content"]["subject"]
    rows: list[Json] = []
    for profile in store.find_all("profile", piece[1]):
        rows += notice(store, profile, SENT[definition["channel"]], properties)
    keep(store, rows)
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
    job = store.find("campaign-send-job", campaign.id)
    if job and jobs.is_open(job):
        jobs.cancel(store, job)
    touch(store, campaign)


def refresh_estimation(call: Call) -> Json:
    """Take on counting whom a campaign would reach."""
    campaign = call.store.get("campaign", call.body["data"]["id"])
    type_ = "campaign-recipient-estimation-job"
    job = jobs.start(call.store, type_, [campaign], _estimate, id_=campaign.id, life=None)
    return answer_one(call, job)


def _estimate(store: Store, job: Record, campaign: Record) -> bool:
    messages = store.related(campaign, "campaign-messages")
    count = len(recipients(store, campaign, store.get("campaign-message", messages[0])))
    store.add(Record("campaign-recipient-estimation", job.id, {"estimated_recipient_count": count}))
    return True


HANDLERS = {
    "send_campaign": send_campaign,
    "cancel_campaign_send": stop_campaign,
    "refresh_campaign_recipient_estimation": refresh_estimation,
}
