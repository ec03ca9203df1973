"""The catalog, by the shop's own ids."""

from __future__ import annotations

import pytest

from klaviyo_analytics.client import KlaviyoClient
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
