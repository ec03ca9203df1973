"""Plans of every kind, to be read back."""

from __future__ import annotations

from typing import Any

import pandas as pd

from klaviyo_analytics.writeback import Plan
from tests.shops import Shop


def people(name: str) -> pd.DataFrame:
    return pd.DataFrame({"email": [f"{name}{number}@mail.example.net" for number in range(3)]})


def upsert(shop: Shop) -> Plan:
    return shop.client.profiles.plan_upsert(people("seen").assign(score=[1, 2.5, 3]), properties="rest")


def append(shop: Shop) -> Plan:
    frame = people("seen").assign(bought=["a", "b", "c"])
    return shop.client.profiles.plan_upsert(frame, properties="rest", append="bought")


def create(shop: Shop) -> Plan:
    return shop.client.events.plan_create(people("seen").assign(time="2026-01-05 10:00"), metric="Seen")


def subscribe(shop: Shop) -> Plan:
    return shop.client.profiles.plan_subscribe(people("seen"), consented_at="2026-01-05")


def join(shop: Shop) -> Plan:
    shop.client.profiles.upsert(people("seen"))
    return shop.client.lists.plan_add_profiles(shop.client.lists.create(name="Seen"), people("seen"))


def leave(shop: Shop) -> Plan:
    group = shop.client.lists.create(name="Left")
    shop.client.profiles.upsert(people("seen"), lists=group)
    return shop.client.lists.plan_remove_profiles(group, shop.client.lists.profiles(group))


def unsubscribe(shop: Shop) -> Plan:
    group = shop.client.lists.create(name="Unsubscribed")
    shop.client.profiles.plan_subscribe(people("seen"), consented_at="2026-01-05", list=group).apply(
        confirm=True
    )
    return shop.client.profiles.plan_unsubscribe(people("seen"), list=group)


def suppress(shop: Shop) -> Plan:
    return shop.client.profiles.plan_suppress(people("suppressed"))


def unsuppress(shop: Shop) -> Plan:
    suppress(shop).apply(confirm=True)
    return shop.client.profiles.plan_unsuppress(people("suppressed"))


def tag(shop: Shop) -> Plan:
    return shop.client.tags.plan_tag(a_tag(shop), shop.client.flows.list(), kind="flows")


def untag(shop: Shop) -> Plan:
    made = a_tag(shop)
    shop.client.tags.plan_tag(made, shop.client.lists.list(), kind="lists").apply()
    return shop.client.tags.plan_untag(made, shop.client.lists.list(), kind="lists")


def a_tag(shop: Shop) -> Any:
    return shop.client.tags.create(name=f"Seen {len(shop.client.tags.list())}")


def items(name: str, count: int = 3) -> pd.DataFrame:
    ids = [f"{name} {number}" for number in range(count)]
    told = {"title": ids, "description": "A thing", "url": "https://shop.example/x"}
    return pd.DataFrame({"external_id": ids, **told, "price": 9.5})


def create_items(shop: Shop) -> Plan:
    shop.client.catalog_categories.create_many(pd.DataFrame({"external_id": ["seen"], "name": ["Seen"]}))
    frame = items("item", 120).assign(colour="red", categories="seen", integration_type="$custom")
    return shop.client.catalog_items.plan_create(frame, properties=["colour"])


def update_items(shop: Shop) -> Plan:
    shop.client.catalog_items.create_many(items("changed"))
    return shop.client.catalog_items.plan_update(items("changed")[["external_id"]].assign(price=[1, 2.5, 3]))


def delete_items(shop: Shop) -> Plan:
    shop.client.catalog_items.create_many(items("gone"))
    return shop.client.catalog_items.plan_delete(items("gone"))


def create_variants(shop: Shop) -> Plan:
    shop.client.catalog_items.create_many(items("shirt"))
    frame = items("size").assign(
        sku=["S", "M", "L"], inventory_quantity=1, item=items("shirt")["external_id"]
    )
    return shop.client.catalog_variants.plan_create(frame)


def create_categories(shop: Shop) -> Plan:
    shop.client.catalog_items.create_many(items("cup"))
    frame = pd.DataFrame({"external_id": ["cups", "none"], "name": ["Cups", "None"]})
    return shop.client.catalog_categories.plan_create(
        frame.assign(items=pd.Series([["cup 0", "cup 1"], None], dtype=object))
    )


def create_codes(shop: Shop) -> Plan:
    coupon = shop.client.coupons.create(external_id="SEEN")
    return shop.client.coupon_codes.plan_create(codes(expires_at="2027-01-01T10:00:00.5"), coupon=coupon)


def create_codes_without_an_end(shop: Shop) -> Plan:
    coupon = shop.client.coupons.create(external_id="SEEN_LONG")
    return shop.client.coupon_codes.plan_create(codes(expires_at=["2027-01-01", None]), coupon=coupon)


def codes(**more: Any) -> pd.DataFrame:
    return pd.DataFrame({"unique_code": ["A-1", "A-2"], **more})
