"""The account itself, its webhooks, and what it knows about the properties of its events."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from klaviyo_analytics.sandbox.model import Record
from klaviyo_analytics.sandbox.shop.clock import DAY, TIMEZONE, Clock, iso
from klaviyo_analytics.sandbox.shop.events.ledger import Log, Properties
from klaviyo_analytics.sandbox.shop.events.orders import Till
from klaviyo_analytics.sandbox.shop.ids import Names
from klaviyo_analytics.sandbox.shop.metrics import (
    BUILT_IN,
    NEW_FORM_NAMES,
    OLD_TEXT_NAMES,
    ORIGIN,
    Metric,
    metric_ids,
)
from klaviyo_analytics.sandbox.shop.story.catalog import IMAGES, PREFIX, SHOP, SITE
from klaviyo_analytics.sandbox.shop.story.journeys import COUPONS
from klaviyo_analytics.sandbox.shop.story.people import FIRST_NAMES
from klaviyo_analytics.sandbox.shop.world import World

_TOPICS = (
    "event:klaviyo.received_email", "event:klaviyo.opened_email", "event:klaviyo.clicked_email",
    "event:klaviyo.bounced_email", "event:klaviyo.unsubscribed_from_email_marketing",
    "event:klaviyo.subscribed_to_list", "event:klaviyo.sent_sms", "event:klaviyo.clicked_sms",
    "event:klaviyo.submitted_review",
)  # fmt: skip


def account_record(names: Names, currency: str) -> Record:
    """Return the account."""
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
    """Return the topics that there are, and two webhooks on some of them."""
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
    """Return the properties that the events of each metric were seen with."""
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


def _note(seen: dict[str, list[Any]], written: Properties) -> None:
    for name, value in written.items():
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


def metric_records(
    names: Names, start: int, now: int, text_names: str = "new", form_names: str = "old"
) -> list[Record]:
    """Return the metrics, the two custom metrics and the mapped metrics."""
    ids = metric_ids(names)
    records = []
    for metric in Metric:
        name, origin = ORIGIN[metric]
        if form_names == "new":
            name, origin = NEW_FORM_NAMES.get(metric, (name, origin))
        created = start - (90 - metric) * DAY
        attributes = {
            "name": OLD_TEXT_NAMES.get(metric, name) if text_names == "old" else name,
            "created": iso(created),
            "updated": iso(min(created + 200 * DAY, now)),
            "integration": None if origin is None else _integration(names, *origin, start),
        }
        records.append(Record("metric", ids[metric], attributes, {"flow-triggers": []}))
    return records + _custom(names, ids, start) + _mapped(ids, start)


APPS = {
    "Point of Sale": {"id": "18", "category": "API"}
}  # their category is an object, their id and key a ULID


def _integration(names: Names, name: str, category: str, start: int) -> dict[str, Any]:
    if name in APPS:
        id_ = names.ulid(start, "integration", name)
        return {"object": "application", "id": id_, "key": id_, "name": name, "category": APPS[name]}
    key = name.lower().replace(" ", "-")
    return {
        "object": "integration",
        "id": BUILT_IN.get(name) or names.short("integration", name),
        "key": key,
        "name": name,
        "category": category,
        "image_url": f"https://www.klaviyo.com/media/images/integrations/{key}.png",
    }


def _custom(names: Names, ids: list[str], start: int) -> list[Record]:
    made = iso(start + 40 * DAY)
    large = {
        "property": "$value",
        "filter": {"type": "numeric", "operator": "greater-than-or-equal", "value": 150},
    }
    plans: list[tuple[str, str, list[tuple[Metric, list[dict[str, Any]] | None, str | None]]]] = [
        (
            "All revenue",
            "value",
            [
                (Metric.PLACED_ORDER, None, "$value"),
                (Metric.POS_ORDER, None, "$value"),
                (Metric.OWN_ORDER, None, "$value"),
            ],
        ),
        ("Large orders", "count", [(Metric.PLACED_ORDER, [large], None)]),
    ]
    records = []
    for name, method, groups in plans:
        definition = {
            "aggregation_method": method,
            "metric_groups": [
                {"metric_id": ids[metric], "metric_filters": filters, "value_property": value}
                for metric, filters, value in groups
            ],
        }
        attributes = {"name": name, "created": made, "updated": made, "definition": definition}
        related = {"metrics": [ids[metric] for metric, _, _ in groups]}
        records.append(Record("custom-metric", names.uuid("custom-metric", name), attributes, {**related}))
    return records


def _mapped(ids: list[str], start: int) -> list[Record]:
    targets: dict[str, Metric | None] = {
        "revenue": Metric.PLACED_ORDER,
        "ordered_product": Metric.ORDERED_PRODUCT,
        "started_checkout": Metric.STARTED_CHECKOUT,
        "added_to_cart": Metric.ADDED_TO_CART,
        "viewed_product": Metric.VIEWED_PRODUCT,
        "refunded_sales": Metric.REFUNDED_ORDER,
        "cancelled_sales": Metric.CANCELLED_ORDER,
    }
    return [
        Record(
            "mapped-metric",
            key,
            {"updated": iso(start - 30 * DAY)},
            {"metric": None if target is None else ids[target], "custom-metric": None},
        )
        for key, target in targets.items()
    ]


_GROUPS = (
    ("Tags", False, True, ("holiday", "content", "mobile", "lifecycle", "retention", 'needs "review", soon')),
    ("Team", True, False, ("Growth", "CRM", "Ops 🛠")),
)


def tag_records(names: Names) -> list[Record]:
    """Return the default tag group, an exclusive one, and their tags."""
    records = []
    for name, exclusive, default, tags in _GROUPS:
        group = names.uuid("tag-group", name)
        records.append(Record("tag-group", group, {"name": name, "exclusive": exclusive, "default": default}))
        records += [
            Record("tag", names.uuid("tag", tag), {"name": tag}, {"tag-group": group}) for tag in tags
        ]
    return records


_ABOUT = {
    "WELCOME10": "10% for a first order",
    "HOLIDAY15": "15% over the holidays",
    "WINBACK20": None,
}


def coupon_records(world: World, till: Till) -> list[Record]:
    """Return the coupons, the codes that were used and some that were not."""
    records = [
        Record(
            "coupon",
            name,
            {
                "external_id": name,
                "description": about,
                "monitor_configuration": {"low_balance_threshold": 50} if about else None,
            },
        )
        for name, about in _ABOUT.items()
    ]
    carts, contacts, now = world.diary.carts, world.contacts, world.clock.now
    used = (carts.coupon > 0) & (carts.ordered <= now) & (carts.person < world.active)
    for cart in np.flatnonzero(used).tolist():
        coupon, code = COUPONS[int(carts.coupon[cart])] or "", till.coupon(cart) or ""
        expires = iso(int(carts.ordered[cart]) + 60 * DAY)
        records.append(_code(coupon, code, "USED", expires, contacts.ids[int(carts.person[cart])]))
    return records + [_spare(world, coupon, number) for coupon in _ABOUT for number in range(40)]


def _spare(world: World, coupon: str, number: int) -> Record:
    code = f"{coupon}-{world.names.short('code', coupon, number).upper()}{number:02d}"
    owner = world.contacts.ids[number % world.active] if number % 5 == 0 and world.active else None
    status = "UNASSIGNED" if owner is None else "ASSIGNED_TO_PROFILE"
    expires = None if number % 4 else iso(world.clock.now + (number + 1) * DAY)
    return _code(coupon, code, status, expires, owner)


def _code(coupon: str, code: str, status: str, expires: str | None, owner: str | None) -> Record:
    attributes = {"unique_code": code, "expires_at": expires, "status": status}
    return Record("coupon-code", f"{code}-{coupon}", attributes, {"coupon": coupon, "profile": owner})


_WORDS = {
    5: ("Love it", 'Best "everyday" thing I own. Took it up three mountains 🏔'),
    4: ("Very good", "Does what it says; the zip is a little stiff."),
    3: ("OK", None),
    2: ("Hmm", "Runs small, and the colour is nothing like the picture…"),
    1: ("No", "Arrived late\nand with a hole in it."),
}


def review_records(world: World, event_ids: list[str]) -> list[Record]:
    """Return the reviews, each with the event that it came with."""
    records = []
    for number, row in enumerate(world.log.of(Metric.SUBMITTED_REVIEW).tolist()):
        written, when = world.log.properties[row], int(world.log.time[row])
        person = int(world.log.person[row])
        item = written["ProductID"]
        title, content = _WORDS[written["Rating"]]
        attributes: dict[str, Any] = {
            "email": world.contacts.emails[person],
            "status": _status(number, written["Rating"]),
            "verified": True,
            "review_type": "review" if content else "rating",
            "created": iso(when),
            "updated": iso(min(when + number % 4 * DAY, world.clock.now)),
            "images": [f"{IMAGES}/reviews/{number}.jpg"] if number % 6 == 0 else [],
            "product": {
                "url": f"{SITE}/products/{item.lower()}",
                "name": written["ProductName"],
                "image_url": None,
                "external_id": item,
            },
            "rating": written["Rating"],
            "author": FIRST_NAMES[int(world.people.first[person])],
            "content": content,
            "title": title,
            "smart_quote": content[:22] if content and number % 3 == 0 else None,
        }
        if written["Rating"] <= 2:
            reply = {"content": "We are sorry. Send it back, we repair it.", "author": SHOP}
            attributes["public_reply"] = {**reply, "updated": attributes["updated"]}
        key = str(20_000_000 + 61 * number)
        related = {"events": [event_ids[row]], "item": PREFIX + item}
        records.append(Record("review", key, attributes, {**related}))
    return records


def _status(number: int, rating: int) -> dict[str, Any]:
    if number % 17 == 5:
        return {"value": "pending"}
    if number % 29 == 9:
        return {
            "value": "rejected",
            "rejection_reason": {"reason": "other", "status_explanation": "Off topic"},
        }
    return {"value": "featured" if rating == 5 and number % 8 == 0 else "published"}
