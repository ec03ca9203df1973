"""The account's messages with what a report can tell of them: ids, names, channels, tags, variations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from klaviyo_analytics.sandbox.app.store import Store
from klaviyo_analytics.sandbox.app.times import to_seconds
from klaviyo_analytics.sandbox.model import Record

#: the channels of a report in their own words
CHANNELS = {"email": "email", "sms": "sms", "mobile_push": "push-notification", "whatsapp": "whatsapp"}


@dataclass(frozen=True, slots=True)
class Mailing:
    """One message of a campaign or a flow; `owner` is the campaign or the flow."""

    message: Record
    owner: Record
    name: str
    channel: str
    text_format: str | None
    tag_ids: list[str]
    tag_names: list[str]

    @property
    def of_flow(self) -> bool:
        """Tell a flow's message from a campaign's."""
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
    return Mailings(
        messages,
        {mailing.message.id: number for number, mailing in enumerate(messages)},
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
    return Mailing(
        message,
        owner,
        name,
        channel,
        text_format=("MMS" if picture else "SMS") if channel == "sms" else None,
        tag_ids=[tag.id for tag in tags],
        tag_names=[tag.attributes["name"] for tag in tags],
    )
