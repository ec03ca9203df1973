"""Profiles as records: who they are, what they agreed to, and what is foreseen of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from klaviyo_analytics.sandbox.model import Record
from klaviyo_analytics.sandbox.shop.clock import DAY, Clock, iso
from klaviyo_analytics.sandbox.shop.columns import NEVER
from klaviyo_analytics.sandbox.shop.events.consents import LEAVING_METHODS, METHODS, form_of, form_properties
from klaviyo_analytics.sandbox.shop.ids import Names, scramble
from klaviyo_analytics.sandbox.shop.metrics import Metric
from klaviyo_analytics.sandbox.shop.story.journeys import FORMS, LISTS, list_id
from klaviyo_analytics.sandbox.shop.story.people import (
    BY_CHECKOUT,
    BY_FORM,
    BY_IMPORT,
    FIRST_NAMES,
    LAST_NAMES,
    PLACES,
)
from klaviyo_analytics.sandbox.shop.world import World

_SUBSCRIBED, _UNSUBSCRIBED, _NEVER = "SUBSCRIBED", "UNSUBSCRIBED", "NEVER_SUBSCRIBED"


def subscriptions(world: World) -> list[dict[str, Any]]:
    """Return the subscriptions of every profile."""
    suppressed = world.suppressions()
    lists = _lists_left(world)
    return [_one(world, person, suppressed.get(person, []), lists) for person in range(len(world.people))]


def _one(
    world: World, person: int, suppressed: list[tuple[str, int]], lists: dict[int, list[tuple[int, int]]]
) -> dict[str, Any]:
    people = world.people
    written: dict[str, Any] = {
        "email": {"marketing": _email(world, person, suppressed, lists.get(person, []))},
        "sms": _texts(world, person),
        "mobile_push": None,
    }
    if people.has_push[person] and person < world.active:
        stamp = iso(int(people.created[person]) + 60)
        written["mobile_push"] = {
            "marketing": {
                "can_receive_push_marketing": True,
                "consent": _SUBSCRIBED,
                "consent_timestamp": stamp,
            }
        }
    return written


def _email(
    world: World, person: int, suppressed: list[tuple[str, int]], lists: list[tuple[int, int]]
) -> dict[str, Any]:
    people = world.people
    since = _agreed(world, person, int(people.subscribed[person]))
    has_email = bool(people.has_email[person])
    if since is None:
        return {
            "can_receive_email_marketing": has_email,
            "consent": _NEVER,
            "consent_timestamp": None,
            "last_updated": None,
            "method": None,
            "method_detail": None,
            "custom_method_detail": None,
            "double_optin": None,
            "suppression": [],
            "list_suppressions": [],
        }
    left = [when for reason, when in suppressed if reason == "UNSUBSCRIBE"]
    source = int(people.source[person])
    form = form_of(person, source)
    return {
        "can_receive_email_marketing": not suppressed,
        "consent": _UNSUBSCRIBED if left else _SUBSCRIBED,
        "consent_timestamp": iso(left[0] if left else since),
        "last_updated": iso(max([since, *(when for _, when in suppressed)])),
        "method": LEAVING_METHODS["email"] if left else METHODS[source],
        "method_detail": None if left or form is None else world.names.short("form", FORMS[form].name),
        "custom_method_detail": None,
        "double_optin": bool(people.double_opt_in[person]),
        "suppression": [{"reason": reason, "timestamp": iso(when)} for reason, when in suppressed],
        "list_suppressions": [
            {"list_id": list_id(world.names, group), "reason": "UNSUBSCRIBE", "timestamp": iso(when)}
            for group, when in lists
        ],
    }


def _texts(world: World, person: int) -> dict[str, Any] | None:
    if not world.people.has_phone[person]:
        return None
    since = _agreed(world, person, int(world.people.texted[person]))
    left = int(world.departures.texts[person]) if person < world.active else NEVER
    gone = left <= world.clock.now
    known = since is not None and not gone
    stamp = None if since is None else iso(left if gone else since)
    method = (
        None
        if since is None
        else (LEAVING_METHODS["sms"] if gone else METHODS[int(world.people.source[person])])
    )
    marketing = {
        "can_receive_sms_marketing": known,
        "consent": _NEVER if since is None else _UNSUBSCRIBED if gone else _SUBSCRIBED,
        "consent_timestamp": stamp,
        "method": method,
        "method_detail": None,
        "last_updated": stamp,
    }
    transactional = {
        "can_receive_sms_transactional": known,
        "consent": marketing["consent"],
        "consent_timestamp": stamp,
        "method": method,
        "method_detail": None,
        "last_updated": stamp,
    }
    return {"marketing": marketing, "transactional": transactional}


def _agreed(world: World, person: int, when: int) -> int | None:
    return when if person < world.active and when <= world.clock.now else None


def _lists_left(world: World) -> dict[int, list[tuple[int, int]]]:
    left: dict[int, list[tuple[int, int]]] = {}
    stays = world.departures.stays
    for group, person, when in zip(
        stays.group.tolist(), stays.person.tolist(), stays.left.tolist(), strict=True
    ):
        if person < world.active and when <= world.clock.now and when == int(world.departures.mail[person]):
            left.setdefault(person, []).append((group, when))
    return left


_ORDERS = (Metric.PLACED_ORDER, Metric.POS_ORDER, Metric.OWN_ORDER)
_COLOURS = ("green", "rust", "navy", "black", "écru", "日没")


def profile_records(world: World) -> list[Record]:
    """Return every profile, in the order of the people."""
    people, contacts = world.people, world.contacts
    dice = scramble(np.arange(len(people), dtype=np.uint64), world.seed + 5).tolist()
    consents = subscriptions(world)
    forecasts = _forecasts(world)
    latest = world.latest().tolist()
    columns = zip(
        contacts.ids,
        contacts.emails,
        contacts.phones,
        dice,
        people.first.tolist(),
        people.last.tolist(),
        people.place.tolist(),
        people.created.tolist(),
        people.source.tolist(),
        strict=True,
    )
    records = []
    for number, (key, email, phone, die, first, last, place, created, source) in enumerate(columns):
        town = PLACES[place]
        attributes: dict[str, Any] = {
            "email": email,
            "phone_number": phone,
            "external_id": f"cust-{10_000 + number}" if die % 5 < 2 or source == BY_IMPORT else None,
            "first_name": None if die % 17 == 3 else FIRST_NAMES[first],
            "last_name": None if die % 13 == 2 else LAST_NAMES[last],
            "organization": "Studio North, Inc." if email and "studio" in email else None,
            "locale": None if die % 11 == 1 else town.locale,
            "title": ("Buyer", 'Head of "Things"', None)[die % 3] if die % 19 == 4 else None,
            "image": None,
            "created": iso(created),
            "updated": iso(max(created, latest[number])),
            "last_event_date": iso(latest[number]) if latest[number] else None,
            "location": _location(town, die),
            "properties": _properties(die, source, created)
            | _signed_up(world, number, die)
            | _of_shop(town, die, source),
            "subscriptions": consents[number],
            "predictive_analytics": forecasts.get(number),
        }
        if die % 23 == 6:
            for name in ("organization", "title", "image"):
                del attributes[name]
        records.append(Record("profile", key, attributes))
    return records


def push_token_records(world: World) -> list[Record]:
    """Return the devices of the people who use the app."""
    records = []
    for person in np.flatnonzero(world.people.has_push[: world.active]).tolist():
        number = world.names.number("push", person)
        ios = number % 3 > 0
        when = iso(int(world.people.created[person]) + 60)
        attributes = {
            "created": when,
            "token": f"{number:016x}" * 4,
            "enablement_status": "AUTHORIZED",
            "platform": "ios" if ios else "android",
            "vendor": "apns" if ios else "fcm",
            "background": "AVAILABLE",
            "recorded_date": when,
            "metadata": {
                "device_id": f"device-{number % 10**9}",
                "klaviyo_sdk": "swift" if ios else "android",
                "sdk_version": "5.1.0",
                "device_model": "iPhone16,2" if ios else "Pixel 9",
                "os_name": "ios" if ios else "android",
                "os_version": "26.1" if ios else "16",
                "manufacturer": "Apple" if ios else None,
                "app_name": "Juniper & Pine",
                "app_version": "1.4.2",
                "app_build": "142",
                "app_id": "example.juniper-pine.app",
                "environment": "release",
            },
        }
        token = world.names.uuid("push-token", person)
        records.append(Record("push-token", token, attributes, {"profile": world.contacts.ids[person]}))
    return records


def _location(town: Any, die: int) -> dict[str, Any]:
    if die % 29 == 8:
        return {"country": town.country, "timezone": None}
    jitter = (die % 1000) / 20_000
    latitude: float | str = round(town.latitude + jitter, 4)
    return {
        "address1": f"{1 + die % 250} Maple Street" if die % 3 == 0 else None,
        "address2": "Apt. #4, rear" if die % 21 == 0 else None,
        "city": town.city,
        "country": town.country,
        "latitude": str(latitude) if die % 31 == 9 else latitude,
        "longitude": round(town.longitude - jitter, 4),
        "region": town.region,
        "zip": town.zip,
        "timezone": town.timezone,
        "ip": f"203.0.113.{die % 254 + 1}" if die % 7 == 0 else None,
    }


def _properties(die: int, source: int, created: int) -> dict[str, Any]:
    """Write custom properties as shops really have them: never the same type twice."""
    properties: dict[str, Any] = {"Accepts Marketing": die % 4 > 0 if die % 10 else "True"}
    if source == BY_FORM:
        properties["Favourite Colours"] = [_COLOURS[die % 6], _COLOURS[die // 6 % 6]][: 1 + die % 2]
    if source == BY_IMPORT:
        properties["Old Shop ID"] = int(die % 90_000) if die % 5 else str(die % 90_000)
        properties["Customer Since"] = iso(created - die % 900 * DAY)[:10]
    if die % 3 == 0:
        properties["Shoe Size"] = (9, 9.5, "9 1/2", "EU 42")[die // 3 % 4]
    if die % 4 == 1:
        tier = ("seedling", "sapling", "pine")[die // 4 % 3]
        properties["Loyalty"] = {
            "tier": tier,
            "points": die % 900,
            "perks": ["repairs"] if die % 8 == 1 else [],
        }
    if die % 6 == 2:
        properties["Birthday"] = f"{1960 + die % 44}-{1 + die // 6 % 12:02d}-{1 + die // 72 % 28:02d}"
    if die % 37 == 5:
        properties['He said "hi"'] = "comma, backslash \\ and 🌲"
    if die % 41 == 7:
        properties["Notes"] = None
    return properties


_SOURCES = {BY_FORM: -6, BY_CHECKOUT: -5, BY_IMPORT: -4}


def _signed_up(world: World, person: int, die: int) -> dict[str, Any]:
    """Write what Klaviyo itself puts into a profile whose owner agreed: how, where and when."""
    people = world.people
    source = int(people.source[person])
    since = {
        "email": _agreed(world, person, int(people.subscribed[person])),
        "sms": _agreed(world, person, int(people.texted[person])),
    }
    channels = [channel for channel, when in since.items() if when is not None]
    if not channels:
        return {}
    moment = min(when for when in since.values() if when is not None)
    # the older form has a space between day and time
    stamp = iso(moment)[:19]
    written: dict[str, Any] = {
        "$source": "Klaviyo Form" if source == BY_FORM and die % 15 == 0 else _SOURCES[source],
        "$consent": channels,
        "$consent_timestamp": f"{stamp}.000Z" if die % 3 else f"{stamp.replace('T', ' ')}.{die % 10**6:06d}",
    }
    form = form_of(person, source)
    if form is not None:
        found = form_properties(world.names, form, person)
        written["$consent_method"] = "Klaviyo Form"
        written["$consent_form_id"] = found["form_id"]
        written["$consent_form_version"] = found["form_version_id"]
    return written


def _of_shop(town: Any, die: int, source: int) -> dict[str, Any]:
    """Write what Shopify's integration puts into the profiles of its customers."""
    if source not in (BY_CHECKOUT, BY_IMPORT):
        return {}
    return {
        "Shopify Tags": ["newsletter", "VIP"][: die % 3],
        "Locale": town.locale,
        "Locale: Language": town.locale[:2],
        "Locale: Country": town.locale[-2:],
    }


def _forecasts(world: World) -> dict[int, dict[str, Any]]:
    """Foresee what each buyer will do; nobody else has predictive analytics."""
    count, spent = world.counts(*_ORDERS), world.sums(*_ORDERS)
    first, latest = world.reaching(*_ORDERS), world.latest(*_ORDERS)
    forecasts = {}
    for person in np.flatnonzero(count).tolist():
        orders, historic = int(count[person]), round(float(spent[person]), 2)
        average = historic / orders
        gap = (int(latest[person]) - int(first[person])) / DAY / (orders - 1) if orders > 1 else None
        silent = (world.clock.now - int(latest[person])) / DAY
        churn = round(min(0.97, silent / (silent + (gap or 150.0))), 2)
        ahead = round((1 - churn) * 365 / (gap or 240.0), 2) if (gap or 1) > 0 else 1.0
        texted = bool(world.people.texted[person] < NEVER)
        forecasts[person] = {
            "historic_clv": historic,
            "predicted_clv": round(ahead * average, 2),
            "total_clv": round(historic + ahead * average, 2),
            "historic_number_of_orders": orders,
            "predicted_number_of_orders": ahead,
            "average_days_between_orders": None if gap is None else round(gap, 1),
            "average_order_value": round(average, 2),
            "churn_probability": churn,
            "expected_date_of_next_order": iso(int(latest[person]) + int((gap or 180) * DAY))
            if churn < 0.8
            else None,
            "ranked_channel_affinity": ["email", "sms"] if texted else ["email"],
        }
    return forecasts


def list_records(names: Names, clock: Clock) -> list[Record]:
    """Return the lists."""
    records = []
    for number, (key, name, process) in enumerate(LISTS):
        created = iso(clock.start - (30 - 4 * number) * DAY)
        attributes = {
            "name": name,
            "created": created,
            "updated": iso(clock.start + (5 + 40 * number) * DAY),
            "opt_in_process": process,
            "profile_count": 0,
        }
        records.append(
            Record("list", names.short("list", key), attributes, {"tags": [], "flow-triggers": []})
        )
    return records
