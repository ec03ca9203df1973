"""Catalogs and coupon codes by the frame."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.errors import ConfirmationRequiredError, FrameError
from tests.shops import Shop


def items(name: str, count: int = 2, **more: Any) -> pd.DataFrame:
    ids = [f"{name}-{number}" for number in range(count)]
    told = {"title": ids, "description": "A thing", "url": "https://shop.example/x"}
    return pd.DataFrame({"external_id": ids, **told, "price": 9.5, **more})


def test_items_are_created_changed_and_deleted(shop: Shop) -> None:
    catalog = shop.client.catalog_items
    created = catalog.create_many(items("mug", colour=["red", "blue"]), properties=["colour"])
    assert created.rows["status"].tolist() == ["created", "created"]
    assert catalog.get("mug-1")["custom_metadata"] == {"colour": "blue"}
    change = pd.DataFrame({"external_id": ["mug-0"], "price": [12.0]})
    assert catalog.plan_update(change).apply().rows["status"].tolist() == ["updated"]
    assert catalog.get("mug-0")["price"] == 12.0
    assert catalog.get("mug-0")["title"] == "mug-0"
    plan = catalog.plan_delete(items("mug"))
    with pytest.raises(ConfirmationRequiredError, match="deletes 2"):
        plan.apply()
    assert plan.apply(confirm=True).failures.empty


def test_variants_belong_to_their_item(shop: Shop) -> None:
    shop.client.catalog_items.create_many(items("shirt", 1))
    frame = items("shirt-size").assign(sku=["S", "M"], inventory_quantity=[1, 2], item="shirt-0")
    assert shop.client.catalog_variants.create_many(frame).failures.empty
    assert sorted(shop.client.catalog_items.variants("$custom:::$default:::shirt-0")["sku"]) == ["M", "S"]


def test_categories_take_items(shop: Shop) -> None:
    shop.client.catalog_items.create_many(items("cup"))
    frame = pd.DataFrame({"external_id": ["cups"], "name": ["Cups"], "items": [["cup-0", "cup-1"]]})
    assert shop.client.catalog_categories.create_many(frame).failures.empty
    assert len(shop.client.catalog_categories.items("cups")) == 2


def test_what_exists_fails_with_the_reason_and_the_rest_is_created(shop: Shop) -> None:
    shop.client.catalog_items.create_many(items("twice", 1))
    result = shop.client.catalog_items.create_many(items("twice", 3))
    assert result.rows["status"].tolist() == ["failed", "created", "created"]
    assert result.failures["detail"].notna().all()


def test_a_lost_answer_creates_nothing_twice(shop: Shop) -> None:
    path = "/api/catalog-item-bulk-create-jobs"
    shop.sandbox.faults.add(method="POST", path=path, times=1, drop="after")
    result = shop.client.catalog_items.create_many(items("lost", 150))
    assert result.rows["status"].tolist() == ["created"] * 150


def test_what_is_missing_is_a_problem(offline: KlaviyoClient) -> None:
    with pytest.raises(FrameError, match="'title'"):
        offline.catalog_items.plan_create(items("x").drop(columns="title"))
    frame = items("x").assign(title=pd.Series(["x", None], dtype="string"), price=[1, "much"])
    plan = offline.catalog_items.plan_create(frame)
    assert plan.problems["problem"].tolist() == ["price: 'much' is not a number"]
    assert offline.catalog_items.plan_create(frame.drop(columns="price")).problems.index.tolist() == [1]


def test_coupon_codes_are_created_once(shop: Shop) -> None:
    coupon = shop.client.coupons.create(external_id="FRAMED")
    codes = pd.DataFrame(
        {"unique_code": [f"CODE{number}" for number in range(5)], "expires_at": "2030-01-01"}
    )
    shop.sandbox.faults.add(method="POST", path="/api/coupon-code-bulk-create-jobs", times=1, drop="after")
    result = shop.client.coupon_codes.create_many(codes, coupon=coupon)
    assert result.rows["status"].tolist() == ["created"] * 5
    assert (
        sorted(shop.client.coupon_codes.list(coupon=coupon)["unique_code"]) == codes["unique_code"].tolist()
    )
