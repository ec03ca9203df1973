"""Bulk jobs: submit, look, wait."""

from __future__ import annotations

import pytest

from klaviyo_analytics.client import KlaviyoClient
from tests.resources.wire import Call, Json, check, data, many, one, sends

REQUESTS = [
    sends(
        "import of profiles into a list",
        lambda c: c.bulk_jobs.submit(
            "profile_import", [{"email": "a@b.co", "append": {"t": "x"}}], lists="L1"
        ),
        "POST /api/profile-bulk-import-jobs",
        data(
            "profile-bulk-import-job",
            {
                "profiles": {
                    "data": [
                        {
                            "type": "profile",
                            "attributes": {"email": "a@b.co"},
                            "meta": {"patch_properties": {"append": {"t": "x"}}},
                        }
                    ]
                }
            },
            relationships={"lists": many("list", "L1")},
        ),
    ),
    sends(
        "many events",
        lambda c: c.bulk_jobs.submit(
            "event_create", [{"metric": "S", "profile": {"id": "P1"}, "unique_id": "u"}]
        ),
        "POST /api/event-bulk-create-jobs",
        data(
            "event-bulk-create-job",
            {
                "events-bulk-create": {
                    "data": [
                        {
                            "type": "event-bulk-create",
                            "attributes": {
                                "profile": {"data": {"type": "profile", "id": "P1", "attributes": {}}},
                                "events": {
                                    "data": [
                                        {
                                            "type": "event",
                                            "attributes": {
                                                "metric": {
                                                    "data": {"type": "metric", "attributes": {"name": "S"}}
                                                },
                                                "properties": {},
                                                "unique_id": "u",
                                            },
                                        }
                                    ]
                                },
                            },
                        }
                    ]
                }
            },
        ),
    ),
    sends(
        "many variants of items",
        lambda c: c.bulk_jobs.submit("catalog_variant_update", [{"id": "V1", "price": 3}]),
        "POST /api/catalog-variant-bulk-update-jobs",
        data(
            "catalog-variant-bulk-update-job",
            {
                "variants": {
                    "data": [
                        {
                            "type": "catalog-variant",
                            "id": "$custom:::$default:::V1",
                            "attributes": {"price": 3},
                        }
                    ]
                }
            },
        ),
    ),
    sends(
        "many deletions",
        lambda c: c.bulk_jobs.submit("catalog_category_delete", [{"id": "HOT"}]),
        "POST /api/catalog-category-bulk-delete-jobs",
        data(
            "catalog-category-bulk-delete-job",
            {"categories": many("catalog-category", "$custom:::$default:::HOT")},
        ),
    ),
    sends(
        "many coupon codes",
        lambda c: c.bulk_jobs.submit("coupon_code_create", [{"unique_code": "A1", "coupon": "TEN"}]),
        "POST /api/coupon-code-bulk-create-jobs",
        data(
            "coupon-code-bulk-create-job",
            {
                "coupon-codes": {
                    "data": [
                        {
                            "type": "coupon-code",
                            "attributes": {"unique_code": "A1"},
                            "relationships": {"coupon": one("coupon", "TEN")},
                        }
                    ]
                }
            },
        ),
    ),
]


@pytest.mark.parametrize(("call", "request_line", "body"), REQUESTS)
def test_what_goes_out(offline: KlaviyoClient, call: Call, request_line: str, body: Json) -> None:
    check(offline, call, request_line, body)
