"""What became of every message, credited to the time when it was sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from enum import IntEnum, auto
from typing import Self

import numpy as np
import numpy.typing as npt

from klaviyo_analytics.sandbox.app.reports.frames import wall_clock
from klaviyo_analytics.sandbox.app.reports.mailings import Mailings, mailings
from klaviyo_analytics.sandbox.app.store import Store
from klaviyo_analytics.sandbox.model import EventLog

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
    "Received Push": Kind.DELIVERED,
    "Bounced Email": Kind.BOUNCED,
    "Failed to Deliver Text Message": Kind.FAILED,
    "Opened Email": Kind.OPENED,
    "Opened Push": Kind.OPENED,
    "Clicked Email": Kind.CLICKED,
    "Clicked Text Message": Kind.CLICKED,
    "Unsubscribed from Email Marketing": Kind.UNSUBSCRIBED,
    "Unsubscribed from Text Message Marketing": Kind.UNSUBSCRIBED,
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
    """Tell which message an event is about, and which variation of it."""
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
