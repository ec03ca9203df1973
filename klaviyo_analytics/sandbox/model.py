"""What a sandbox account holds: small resources as records, events as columns.

The shop (`shop/`) fills an `Account`; the app (`app/`) serves and changes it. Neither knows the other.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

Related = str | list[str] | None


@dataclass(slots=True)
class Record:
    """One resource as the account holds it, before it is shaped for the wire.

    `attributes` has every attribute of the type that the account knows, `additional-fields` ones included
    (a profile's `subscriptions`, a flow's `definition`); the app decides what a request may see.
    `relationships` maps a relationship's name to an id, a list of ids or None; either end may name the other, and
    once the account is served only the end that `app/relations.py` says keeps it.
    `hidden` is what no answer shows: a webhook's secret, a job's pending work, an item's bytes.
    """

    type: str
    id: str
    attributes: dict[str, Any]
    relationships: dict[str, Related] = field(default_factory=dict)
    hidden: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True, frozen=True)
class Attribution:
    """The message that a conversion is credited to; `sent_at` (Unix seconds) is when it was sent."""

    id: str
    channel: str  # "email", "sms", "push"
    message: str  # campaign-message or flow-message id
    sent_at: int
    campaign: str | None = None
    flow: str | None = None
    variation: str | None = None


@dataclass(slots=True)
class EventLog:
    """Events as parallel columns, sorted by `time`, ties in order of arrival.

    A message event (received, opened, clicked, ...) names its own message in `properties`
    (`$message`, `$flow`, `$variation`, `$message_send_cohort`, `Campaign Name`, `Subject`, ...);
    a conversion has an `attribution`.
    """

    ids: list[str]
    time: npt.NDArray[np.int64]  # Unix seconds
    metric: npt.NDArray[np.int32]  # index into metric_ids
    profile: npt.NDArray[np.int32]  # index into profile_ids, -1 for none
    value: npt.NDArray[np.float64]  # NaN for none
    properties: list[dict[str, Any]]  # event_properties as /events shows them, with $event_id and $value
    attribution: list[Attribution | None]
    metric_ids: list[str]
    profile_ids: list[str]


@dataclass(slots=True)
class Account:
    """A whole account: `records[type][id]`, group members with the time they joined, and the event log."""

    now: int  # Unix seconds: the account's present; nothing is later
    timezone: str
    records: dict[str, dict[str, Record]]
    members: dict[str, dict[str, int]]  # list or segment id -> {profile id: joined at, Unix seconds}
    events: EventLog
    left: dict[str, list[tuple[int, int]]] = field(
        default_factory=dict
    )  # segment id -> stays that are over: joined at, left at (Unix seconds)
    message_ids: str = "own"  # by which id reports name the message of a campaign: its own, or the campaign's
