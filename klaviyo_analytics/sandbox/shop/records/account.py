"""The account itself, its webhooks, and what it knows about the properties of its events."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from klaviyo_analytics.sandbox.model import Record
from klaviyo_analytics.sandbox.shop.clock import DAY, TIMEZONE, Clock, iso
from klaviyo_analytics.sandbox.shop.events.ledger import Log, Properties
from klaviyo_analytics.sandbox.shop.ids import Names
from klaviyo_analytics.sandbox.shop.metrics import Metric, metric_ids
from klaviyo_analytics.sandbox.shop.story.shelf import SHOP, SITE

_TOPICS = (
    "event:klaviyo.received_email", "event:klaviyo.opened_email", "event:klaviyo.clicked_email",
    "event:klaviyo.bounced_email", "event:klaviyo.unsubscribed_from_email_marketing",
    "event:klaviyo.subscribed_to_list", "event:klaviyo.sent_sms", "event:klaviyo.clicked_sms",
    "event:klaviyo.submitted_review",
)  # fmt: skip


def account_record(names: Names, currency: str) -> Record:
    """Give the account."""
    key = names.short("account")
    attributes = {
        "test_account": False,
        "contact_information": {
            "default_sender_name": SHOP,
            "default_sender_email": "hello@juniper-pine.example",
            "website_url": SITE,
            "organization_name": f"{SHOP} Outfitters, LLC",
            "street_address": {
                "address1": "11 Hudson Street",
                "address2": None,
                "city": "New York",
                "region": "NY",
                "country": "United States",
                "zip": "10013",
            },
        },
        "industry": "Ecommerce, Sporting Goods",
        "timezone": TIMEZONE,
        "preferred_currency": currency,
        "public_api_key": key,
        "locale": "en-US",
    }
    return Record("account", key, attributes)


def webhook_records(names: Names, clock: Clock) -> list[Record]:
    """Give the topics that there are, and two webhooks on some of them."""
    records = [Record("webhook-topic", topic, {}) for topic in _TOPICS]
    plans = (("Warehouse sync", _TOPICS[4:6], True), ("Text log (off)", _TOPICS[6:8], False))
    for number, (name, topics, enabled) in enumerate(plans):
        key = names.ulid(clock.start + 90 * DAY, "webhook", name)
        attributes = {
            "name": name,
            "description": None if number else "Feeds the nightly load",
            "endpoint_url": "https://hooks.juniper-pine.example/…",
            "enabled": enabled,
            "created_at": iso(clock.start + 90 * DAY),
            "updated_at": iso(clock.start + 120 * DAY),
        }
        secret = {"secret_key": names.uuid("webhook-secret", name)}
        records.append(Record("webhook", key, attributes, {"webhook-topics": list(topics)}, secret))
    return records


def metric_property_records(names: Names, log: Log) -> list[Record]:
    """Give the properties that the events of each metric were seen with."""
    ids, records = metric_ids(names), []
    for metric in Metric:
        seen: dict[str, list[Any]] = {}
        for row in _sample(log.of(metric)):
            _note(seen, log.properties[row])
        for name, values in seen.items():
            attributes = {
                "label": name,
                "property": name,
                "inferred_type": _kind(values),
                "sample_values": list(dict.fromkeys(v for v in values if isinstance(v, str | int | float)))[
                    :5
                ],
            }
            key = names.uuid("metric-property", metric.name, name)
            records.append(Record("metric-property", key, attributes, {"metric": ids[metric]}))
    return records


def _sample(rows: np.ndarray[Any, Any]) -> Iterable[int]:
    return rows[:: max(1, len(rows) // 60)].tolist()  # type: ignore[no-any-return]


def _note(seen: dict[str, list[Any]], told: Properties) -> None:
    for name, value in told.items():
        seen.setdefault(name, []).append(value)


def _kind(values: list[Any]) -> str:
    known = {type(value) for value in values if value is not None}
    if known <= {bool}:
        return "boolean"
    if known <= {int, float}:
        return "numeric"
    if known == {list}:
        return "list"
    return "object" if known == {dict} else "string"
