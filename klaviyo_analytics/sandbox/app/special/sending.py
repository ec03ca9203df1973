"""Sending campaigns: the job that does it, what stops it, and how many it would reach.

The job of a campaign with a time to come is complete when the campaign is scheduled; see `delivery` for what follows.
"""

from __future__ import annotations

from typing import Any

from klaviyo_analytics.sandbox.app.errors import ApiFault
from klaviyo_analytics.sandbox.app.reads import Call, answer_one
from klaviyo_analytics.sandbox.app.special import jobs
from klaviyo_analytics.sandbox.app.special.delivery import BATCHES, NOBODY, deliver, message_of, recipients
from klaviyo_analytics.sandbox.app.store import Store
from klaviyo_analytics.sandbox.app.times import to_seconds, to_text
from klaviyo_analytics.sandbox.app.writes import check_id, touch
from klaviyo_analytics.sandbox.model import Record

Json = dict[str, Any]
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
    """Refuse to send what is no draft, or has nothing to say."""
    status = campaign.attributes["status"]
    if status != "Draft":
        raise ApiFault.bad_request(f"The campaign is {status}; only a Draft can be sent.")
    message = message_of(store, campaign)
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
    count = len(recipients(store, campaign, message_of(store, campaign)))
    store.add(Record("campaign-recipient-estimation", job.id, {"estimated_recipient_count": count}))
    return True


HANDLERS = {
    "send_campaign": send_campaign,
    "cancel_campaign_send": stop_campaign,
    "refresh_campaign_recipient_estimation": refresh_estimation,
}
