"""What became of every message, credited to the time when it was sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from enum import IntEnum, auto
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from klaviyo_analytics.sandbox.app.errors import to_seconds
from klaviyo_analytics.sandbox.app.reports.answer import distinct
from klaviyo_analytics.sandbox.app.reports.question import wall_clock
from klaviyo_analytics.sandbox.app.store import GROUPS, Store
from klaviyo_analytics.sandbox.model import EventLog, Record

#: the channels of a report in their own words
CHANNELS = {"email": "email", "sms": "sms", "mobile_push": "push-notification", "whatsapp": "whatsapp"}


@dataclass(frozen=True, slots=True)
class Mailing:
    """One message of a campaign or a flow; `owner` is the campaign or the flow."""

    message: Record
    reported: str  # the id by which reports name it
    owner: Record
    name: str
    channel: str
    text_format: str | None
    tag_ids: list[str]
    tag_names: list[str]

    @property
    def of_flow(self) -> bool:
        """Return whether a message is a flow's or a campaign's."""
        return self.owner.type == "flow"


@dataclass(frozen=True, slots=True)
class Mailings:
    """Every message, by number."""

    messages: list[Mailing]
    number: dict[str | None, int]
    sent: npt.NDArray[
        np.int64
    ]  # when a campaign went out (Unix seconds); -1 for a flow, which sends every day
    variations: dict[str | None, int]  # by id
    variation_names: list[tuple[str, str]]  # id and name


def mailings(store: Store) -> Mailings:
    """List the account's messages; what was deleted is not reported on any more."""
    return store.derive("mailings", lambda: _list(store))


def _list(store: Store) -> Mailings:
    messages = [*_of_campaigns(store), *_of_flows(store)]
    variations = dict(
        side for mailing in messages for side in mailing.message.hidden.get("variations", {}).items()
    )
    sent = [-1 if mailing.of_flow else _send_time(mailing.owner) for mailing in messages]
    # the events of a campaign name it, and credits name its message
    numbers: dict[str | None, int] = {
        mailing.owner.id: number for number, mailing in enumerate(messages) if not mailing.of_flow
    }
    numbers |= {mailing.message.id: number for number, mailing in enumerate(messages)}
    return Mailings(
        messages,
        numbers,
        np.array(sent, dtype=np.int64),
        {id_: number for number, id_ in enumerate(variations)},
        list(variations.items()),
    )


def _send_time(campaign: Record) -> int:
    """Find the moment to which all numbers of a campaign belong, however long it took to send."""
    time = campaign.attributes.get("send_time")
    return int(to_seconds(time)) if time else -1


def _of_campaigns(store: Store) -> Iterator[Mailing]:
    for message in store.records("campaign-message").values():
        for id_ in store.related(message, "campaign"):
            definition = message.attributes.get("definition") or {}
            campaign = store.find("campaign", id_)
            if campaign:
                name = definition.get("label") or campaign.attributes["name"]
                yield _mailing(store, message, campaign, name, definition)


def _of_flows(store: Store) -> Iterator[Mailing]:
    for message in store.records("flow-message").values():
        for action in store.find_all("flow-action", store.related(message, "flow-action")):
            for flow in store.find_all("flow", store.related(action, "flow")):
                definition = message.attributes.get("definition") or {}
                name = message.hidden.get("name") or definition.get("name") or flow.attributes["name"]
                yield _mailing(store, message, flow, name, {"content": definition} | message.attributes)


def _mailing(store: Store, message: Record, owner: Record, name: str, told: dict[str, Any]) -> Mailing:
    channel = CHANNELS.get(told.get("channel", "email"), told.get("channel", "email"))
    picture = (told.get("content") or {}).get("media_url")
    tags = list(store.find_all("tag", store.related(owner, "tags")))
    by_campaign = owner.type == "campaign" and store.account.message_ids == "campaign"
    return Mailing(
        message,
        owner.id if by_campaign else message.id,
        owner,
        name,
        channel,
        text_format=("MMS" if picture else "SMS") if channel == "sms" else None,
        tag_ids=[tag.id for tag in tags],
        tag_names=[tag.attributes["name"] for tag in tags],
    )


Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


class Kind(IntEnum):
    """What can happen to a message."""

    DELIVERED = 0
    BOUNCED = auto()
    FAILED = auto()
    OPENED = auto()
    CLICKED = auto()
    UNSUBSCRIBED = auto()
    COMPLAINED = auto()
    CONVERTED = auto()


# Machine opens and clicks of bots count, as they do in /events and in metric aggregates. A dropped email never went
# out: it is neither delivered nor bounced, and has no recipient.
METRICS: Mapping[str, Kind] = {
    "Received Email": Kind.DELIVERED,
    "Received Text Message": Kind.DELIVERED,
    "Received SMS": Kind.DELIVERED,
    "Received Push": Kind.DELIVERED,
    "Bounced Email": Kind.BOUNCED,
    "Failed to Deliver Text Message": Kind.FAILED,
    "Failed to Deliver SMS": Kind.FAILED,
    "Opened Email": Kind.OPENED,
    "Opened Push": Kind.OPENED,
    "Clicked Email": Kind.CLICKED,
    "Clicked Text Message": Kind.CLICKED,
    "Clicked SMS": Kind.CLICKED,
    "Unsubscribed from Email Marketing": Kind.UNSUBSCRIBED,
    "Unsubscribed from Text Message Marketing": Kind.UNSUBSCRIBED,
    "Unsubscribed from SMS Marketing": Kind.UNSUBSCRIBED,
    "Marked Email as Spam": Kind.COMPLAINED,
}
DELAY = 60  # seconds after sending within which a message is noted as received


@dataclass(frozen=True, slots=True)
class Deliveries:
    """Events about messages, as parallel columns."""

    row: Ints  # in the event log
    kind: Ints
    message: Ints  # its place in `Mailings.messages`
    variation: Ints  # its place in `Mailings.variations`, -1 for none
    profile: Ints
    sent: Ints  # when the message was sent, on the account's wall clock

    def take(self, which: npt.NDArray[np.bool_]) -> Self:
        """Keep some of them."""
        return type(self)(**{column.name: getattr(self, column.name)[which] for column in fields(self)})


def deliveries(store: Store) -> Deliveries:
    """Collect the events about messages that the account knows; once a version of the account."""
    return store.derive("deliveries", lambda: _collect(store, mailings(store)))


def _collect(store: Store, known: Mailings) -> Deliveries:
    log = store.account.events
    names = [store.records("metric")[id_].attributes["name"] for id_ in log.metric_ids]
    kinds = np.array([METRICS.get(name, -1) for name in names], dtype=np.int64)[log.metric]
    kinds[[credit is not None for credit in log.attribution]] = Kind.CONVERTED
    rows = np.flatnonzero(kinds >= 0)
    about = [_about(log, row) for row in rows.tolist()]
    found = Deliveries(
        row=rows,
        kind=kinds[rows],
        message=np.array([known.number.get(message, -1) for message, _ in about], dtype=np.int64),
        variation=np.array([known.variations.get(side, -1) for _, side in about], dtype=np.int64),
        profile=log.profile[rows].astype(np.int64),
        sent=log.time[rows],  # when it happened, until it is known when the message was sent
    )
    found = found.take(found.message >= 0)
    of_campaign = known.sent[found.message]
    sent = np.where(of_campaign >= 0, of_campaign, _last_delivery(log, found))
    return replace(found, sent=wall_clock(store, sent))


def _about(log: EventLog, row: int) -> tuple[str | None, str | None]:
    """Return the message that an event is about, and its variation."""
    credit = log.attribution[row]
    if credit is not None:
        return credit.message, credit.variation
    return log.properties[row].get("$message"), log.properties[row].get("$variation")


def _last_delivery(log: EventLog, found: Deliveries) -> Ints:
    """Find when each message reached its recipient, who may get the same message of a flow again and again.

    An event belongs to the last delivery before it, and a conversion to the one that it is credited to. What was
    never delivered counts when it happened.
    """
    moment, latest = found.sent.copy(), found.sent.copy()
    for place in np.flatnonzero(found.kind == Kind.CONVERTED).tolist():
        credit = log.attribution[found.row[place]]
        assert credit is not None
        moment[place], latest[place] = credit.sent_at, credit.sent_at + DELAY
    pair = found.message * (int(found.profile.max(initial=0)) + 2) + found.profile
    span = np.int64(1) << 34  # more seconds than any Unix time of ours
    delivered = found.kind == Kind.DELIVERED
    keys = np.sort(pair[delivered] * span + found.sent[delivered])
    if not len(keys):
        return moment
    before = np.searchsorted(keys, pair * span + latest, side="right") - 1
    last = keys[np.maximum(before, 0)]
    arrived = ~np.isin(found.kind, (Kind.BOUNCED, Kind.FAILED))
    belongs = arrived & (before >= 0) & (last // span == pair)
    return np.where(belongs, last % span, moment)


def audiences_of(store: Store, known: Mailings, found: Deliveries) -> tuple[Ints, list[tuple[str, str]]]:
    """Find the audience of each event as a number, and the id and name of each number.

    Every recipient belongs to one audience of the campaign, so that the rows add up: the first that holds the
    profile today, or the first of all if it has left them since. A profile's past memberships are not kept.
    """
    profiles = [*store.account.events.profile_ids, ""]  # the last stands for no profile, -1
    numbers: dict[str, int] = {}
    pairs, place = distinct(found.message, found.profile)
    chosen = []
    for message, profile in pairs:
        included = known.messages[message].owner.attributes["audiences"].get("included") or []
        holding = (group for group in included if profiles[profile] in store.members(group))
        audience = next(holding, included[0] if included else "")
        chosen.append(numbers.setdefault(audience, len(numbers)))
    names = [(id_, _name(store, id_)) for id_ in numbers]
    return np.array(chosen, dtype=np.int64)[place], names


def _name(store: Store, id_: str) -> str:
    found = (store.find(type_, id_) for type_ in GROUPS)
    return next((group.attributes["name"] for group in found if group), "")
