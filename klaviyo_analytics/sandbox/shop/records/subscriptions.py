"""What each profile agreed to, as the API shows it; it follows from the same times as the consent events."""

from __future__ import annotations

from typing import Any

from klaviyo_analytics.sandbox.shop.clock import iso
from klaviyo_analytics.sandbox.shop.columns import NEVER
from klaviyo_analytics.sandbox.shop.events.consents import LEAVING_METHODS, METHODS, form_of
from klaviyo_analytics.sandbox.shop.story.forms import FORMS
from klaviyo_analytics.sandbox.shop.story.groups import list_id
from klaviyo_analytics.sandbox.shop.world import World

_SUBSCRIBED, _UNSUBSCRIBED, _NEVER = "SUBSCRIBED", "UNSUBSCRIBED", "NEVER_SUBSCRIBED"


def subscriptions(world: World) -> list[dict[str, Any]]:
    """Give the subscriptions of every profile."""
    suppressed = world.suppressions()
    lists = _lists_left(world)
    return [_one(world, person, suppressed.get(person, []), lists) for person in range(len(world.people))]


def _one(
    world: World, person: int, suppressed: list[tuple[str, int]], lists: dict[int, list[tuple[int, int]]]
) -> dict[str, Any]:
    people = world.people
    told: dict[str, Any] = {
        "email": {"marketing": _email(world, person, suppressed, lists.get(person, []))},
        "sms": _texts(world, person),
        "mobile_push": None,
    }
    if people.has_push[person] and person < world.active:
        stamp = iso(int(people.created[person]) + 60)
        told["mobile_push"] = {
            "marketing": {
                "can_receive_push_marketing": True,
                "consent": _SUBSCRIBED,
                "consent_timestamp": stamp,
            }
        }
    return told


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
