"""Coupons and their codes: the used ones are those that orders show."""

from __future__ import annotations

import numpy as np

from klaviyo_analytics.sandbox.model import Record
from klaviyo_analytics.sandbox.shop.clock import DAY, iso
from klaviyo_analytics.sandbox.shop.events.orders import Till
from klaviyo_analytics.sandbox.shop.story.shopping import COUPONS
from klaviyo_analytics.sandbox.shop.world import World

_ABOUT = {
    "WELCOME10": "10% for a first order",
    "HOLIDAY15": "15% over the holidays",
    "WINBACK20": None,
}


def coupon_records(world: World, till: Till) -> list[Record]:
    """Give the coupons, the codes that were used and some that were not."""
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
