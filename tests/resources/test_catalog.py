"""The catalog, by the shop's own ids."""

from __future__ import annotations

import re

import pandas as pd
import pytest

from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.errors import InvalidInputError, NoMatchError
from tests.resources.wire import Call, Json, check, data, many, sends

TEA = "$custom:::$default:::TEA"
REQUESTS = [
    sends(
        "catalog item",
        lambda c: c.catalog_items.create(
            external_id="TEA", title="Tea", description="", url="https://b.co", categories=["HOT"]
        ),
        "POST /api/catalog-items",
        data(
            "catalog-item",
            {"external_id": "TEA", "title": "Tea", "description": "", "url": "https://b.co"},
            relationships={"categories": many("catalog-category", "$custom:::$default:::HOT")},
        ),
    ),
    sends(
        "catalog update by the shop's own id",
        lambda c: c.catalog_items.update("TEA", price=4.5),
        "PATCH /api/catalog-items/%24custom%3A%3A%3A%24default%3A%3A%3ATEA",
        data("catalog-item", {"price": 4.5}, id=TEA),
    ),
    sends(
        "catalog update by the compound id",
        lambda c: c.catalog_items.update(TEA, price=4.5),
        "PATCH /api/catalog-items/%24custom%3A%3A%3A%24default%3A%3A%3ATEA",
        data("catalog-item", {"price": 4.5}, id=TEA),
    ),
]


@pytest.mark.parametrize(("call", "request_line", "body"), REQUESTS)
def test_what_goes_out(offline: KlaviyoClient, call: Call, request_line: str, body: Json) -> None:
    check(offline, call, request_line, body)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda c: c.catalog_items.update("TEA", price="cheap"), "price: 'cheap' is not a number"),
        (lambda c: c.catalog_items.update("TEA", url="b.co"), "url: 'b.co' is not a valid URL"),
        (
            lambda c: c.catalog_items.update("TEA", custom_metadata={"a": {"b": 1}}),
            "custom_metadata",
        ),
        (lambda c: c.catalog_items.update("$shopify:::x:::TEA", price=1), "is of another catalog"),
        (lambda c: c.catalog_items.update("TEA", categories=None), "categories=None"),
        (lambda c: c.catalog_items.update("TEA"), "no attribute was given"),
        (
            lambda c: c.catalog_items.create(external_id="", title="T", description="", url="https://b.co"),
            "is not a valid id",
        ),
        (
            lambda c: c.catalog_items.create(external_id="T", title=None, description="", url="https://b.co"),
            "title is missing",
        ),
    ],
)
def test_what_a_frame_refuses_a_single_write_refuses_too(
    offline: KlaviyoClient, call: Call, said: str
) -> None:
    with pytest.raises(InvalidInputError, match=re.escape(said)):
        call(offline)


def test_null_clears_an_attribute(offline: KlaviyoClient) -> None:
    body = offline.catalog_items.update("TEA", price=None, images=None, dry_run=True)["body"][0]
    assert body["data"]["attributes"] == {"price": None, "images": None}


def test_rows_and_frames_are_taken_for_what_is_related(offline: KlaviyoClient) -> None:
    hot = pd.DataFrame({"id": ["$custom:::$default:::HOT"]})
    body = offline.catalog_items.update("TEA", categories=hot, dry_run=True)["body"][0]
    assert body["data"]["relationships"]["categories"] == many("catalog-category", "$custom:::$default:::HOT")


SHOWN: dict[str, Json] = {"title": "Tea", "description": "Green", "url": "https://tea.example/green"}


def test_every_verb_takes_the_shops_own_id(client: KlaviyoClient) -> None:
    client.catalog_categories.create(external_id="HOT", name="Hot drinks")
    item = client.catalog_items.create(external_id="GREEN", price=9.5, categories=["HOT"], **SHOWN)
    assert item["id"] == "$custom:::$default:::GREEN"
    client.catalog_variants.create(
        external_id="GREEN-1", sku="G1", inventory_quantity=3, price=9.5, item="GREEN", **SHOWN
    )
    assert client.catalog_items.get("GREEN")["id"] == client.catalog_items.find(external_id="GREEN")["id"]
    assert client.catalog_items.variants("GREEN")["external_id"].tolist() == ["GREEN-1"]
    assert client.catalog_items.categories("GREEN")["name"].tolist() == ["Hot drinks"]
    assert client.catalog_categories.items("HOT")["external_id"].tolist() == ["GREEN"]
    client.catalog_items.remove_categories("GREEN", "HOT")
    assert client.catalog_categories.items("HOT").empty
    client.catalog_categories.add_items("HOT", ["GREEN"])
    client.catalog_items.replace_categories(item, "HOT")
    assert len(client.catalog_categories.items("HOT")) == 1
    client.catalog_variants.update("GREEN-1", price=8)
    assert client.catalog_variants.get("GREEN-1")["price"] == 8
    client.catalog_variants.delete("GREEN-1", confirm=True)
    client.catalog_items.delete(item, confirm=True)
    with pytest.raises(NoMatchError, match="GREEN"):
        client.catalog_items.find(external_id="GREEN")


def test_the_catalog_is_read_whole_and_in_parts(client: KlaviyoClient) -> None:
    items = client.catalog_items.list()
    assert items["id"].is_unique
    chunks = [len(frame) for frame in client.catalog_items.iter_frames(chunk_size=10)]
    assert sum(chunks) == len(items)
    variants = client.catalog_variants.list()
    of_items = sum(len(client.catalog_items.variants(id)) for id in items["id"])
    assert of_items == len(variants)


def test_a_shops_id_may_hold_colons(client: KlaviyoClient) -> None:
    item = client.catalog_items.create(external_id="TEA:1", **SHOWN)
    assert item["id"] == "$custom:::$default:::TEA:1"
    assert client.catalog_items.get("TEA:1")["id"] == item["id"]
