"""A shop account read the way its tests ask: by metric name, person and time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from klaviyo_analytics.sandbox.model import Account, Attribution
from klaviyo_analytics.sandbox.shop import build_account

DAY, HOUR = 86_400, 3600


@dataclass(frozen=True, slots=True)
class Event:
    """One event of the log."""

    row: int
    id: str
    time: int
    profile: str | None
    value: float
    properties: dict[str, Any]
    attribution: Attribution | None


class Shop:
    """An account with its events by metric."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.log = account.events
        self.records = account.records
        self._metric = {
            (record.attributes["name"], (record.attributes["integration"] or {}).get("name")): number
            for number, record in enumerate(account.records["metric"][key] for key in self.log.metric_ids)
        }

    def metric(self, name: str, integration: str = "") -> int:
        """The number of a metric; without an integration, of Klaviyo's own or else of the only one of the name."""
        if not integration:
            known = [owner for other, owner in self._metric if other == name]
            integration = "Klaviyo" if "Klaviyo" in known or len(known) != 1 else str(known[0])
        return self._metric[name, integration]

    def events(self, name: str, integration: str = "") -> Iterator[Event]:
        for row in np.flatnonzero(self.log.metric == self.metric(name, integration)).tolist():
            yield self.event(row)

    def event(self, row: int) -> Event:
        log = self.log
        profile = int(log.profile[row])
        return Event(
            row,
            log.ids[row],
            int(log.time[row]),
            None if profile < 0 else log.profile_ids[profile],
            float(log.value[row]),
            log.properties[row],
            log.attribution[row],
        )

    def times_by_profile(self, name: str, integration: str = "") -> dict[str, list[int]]:
        """{profile: times in order} of one metric."""
        times: dict[str, list[int]] = defaultdict(list)
        for event in self.events(name, integration):
            times[str(event.profile)].append(event.time)
        return times

    def id_of(self, type_: str, name: str) -> str:
        (key,) = [record.id for record in self.records[type_].values() if record.attributes["name"] == name]
        return key


#: What starts a checkout in each of the two shops: Shopify, and the company's own, which uses the API.
CHECKOUTS = {"Shopify": "Checkout Started", "API": "Started Checkout"}


def order_of(event: Event) -> str:
    """The shop's id of the order that an event is about."""
    held = event.properties
    if "OrderId" in held:
        return str(held["OrderId"])
    return str(held["$extra"].get("order_id") or held["$extra"]["id"])


def checkout_of(event: Event) -> str:
    """The shop's id of the checkout that an event is about, of an order the one that it came from."""
    held = event.properties
    if "OrderId" in held:
        return str(held["OrderId"])
    return str(held["$extra"].get("checkout_id") or held["$extra"]["id"])


def credited_to(credit: Attribution | None) -> str | None:
    """The id that events have for a credited message: a campaign's events name the campaign."""
    return None if credit is None else credit.campaign or credit.message


@cache
def shop(seed: int = 7, profiles: int = 2000, events: int = 50_000) -> Shop:
    """Build each account once a process."""
    return Shop(build_account(seed=seed, profiles=profiles, events=events))
