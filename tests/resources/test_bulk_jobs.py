"""Bulk jobs: submit, look, wait."""

from __future__ import annotations

import pytest

from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.errors import InvalidInputError, NotFoundError, RequestTimeoutError
from tests.resources.wire import Call, Json, check, data, many, one, sends
from tests.shops import Shop

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


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda c: c.bulk_jobs.submit("profile_import", []), "1 to 10,000"),
        (lambda c: c.bulk_jobs.submit("catalog_item_delete", [{"id": "x"}] * 101), "1 to 100"),
        (
            lambda c: c.bulk_jobs.submit("mail", [{}]),
            "kind='mail' is not a kind of job. Allowed are profile",
        ),
        (lambda c: c.bulk_jobs.submit("suppress", ["a@b.co"], lists="L1"), "lists="),
        (lambda c: c.bulk_jobs.submit("catalog_item_create", [{"title": "Tea"}]), "needs"),
        (lambda c: c.bulk_jobs.submit("profile_import", [{"emial": "a@b.co"}]), "emial"),
        (lambda c: c.bulk_jobs.get("J1"), "Pass kind=, one of profile_import"),
        (
            lambda c: c.bulk_jobs.list(kind="mail"),
            "kind='mail' is not a kind of job. Allowed are profile",
        ),
    ],
)
def test_mistakes_are_refused_before_anything_is_sent(offline: KlaviyoClient, call: Call, said: str) -> None:
    with pytest.raises(InvalidInputError, match=said):
        call(offline)


def test_jobs_of_every_kind_have_the_same_columns(client: KlaviyoClient) -> None:
    every = client.bulk_jobs.list()
    some = client.bulk_jobs.list(kind=["suppress", "coupon_code_create"], status="complete", limit=1)
    assert every.columns.tolist() == some.columns.tolist()
    assert every["created_at"].dtype == "datetime64[us, UTC]"
    assert every["failed_count"].dtype == "Int64"


def test_profiles_are_imported_and_joined_to_a_list(client: KlaviyoClient) -> None:
    group = client.lists.create(name="Imported")
    records = [{"email": f"{name}@tea.example", "properties": {"score": 4}} for name in ("ann", "bob")]
    job = client.bulk_jobs.submit("profile_import", records, lists=group)
    done = client.bulk_jobs.wait(job)
    assert (done["status"], done["completed_count"], done["failed_count"]) == ("complete", 2, 0)
    assert set(client.lists.profiles(group)["email"]) == {"ann@tea.example", "bob@tea.example"}
    assert len(client.bulk_jobs.profiles(job)) == 2
    assert client.bulk_jobs.lists(job)["id"].tolist() == [group["id"]]
    assert client.bulk_jobs.import_errors(job).empty
    assert job["id"] in set(client.bulk_jobs.list(kind="profile_import")["id"])


def test_a_catalog_grows_and_shrinks(client: KlaviyoClient) -> None:
    shown = {"title": "Tea", "description": "Green", "url": "https://tea.example/green"}
    made = client.bulk_jobs.submit("catalog_item_create", [{"external_id": "BULK", **shown}])
    assert client.bulk_jobs.wait(made)["completed_count"] == 1
    client.bulk_jobs.wait(client.bulk_jobs.submit("catalog_item_update", [{"id": "BULK", "title": "Mate"}]))
    assert client.catalog_items.get("BULK")["title"] == "Mate"
    client.bulk_jobs.wait(client.bulk_jobs.submit("catalog_item_delete", [{"id": "BULK"}], confirm=True))
    with pytest.raises(NotFoundError):
        client.catalog_items.get("BULK")


def test_events_are_taken_and_nothing_more_is_told(client: KlaviyoClient) -> None:
    events = [{"metric": "Bulk", "profile": "ann@tea.example", "unique_id": f"b{n}"} for n in range(3)]
    assert client.bulk_jobs.submit("event_create", events) is None
    assert len(client.events.list(metric="Bulk")) == 3


def test_waiting_ends(client: KlaviyoClient, shop: Shop) -> None:
    job = client.bulk_jobs.submit("profile_import", [{"email": "slow@tea.example"}])
    shop.sandbox.faults.add(
        path="/api/profile-bulk-import-jobs/*",
        times=None,
        status=200,
        body={
            "data": {"type": "profile-bulk-import-job", "id": job["id"], "attributes": {"status": "queued"}}
        },
    )
    began = shop.clock.now
    with pytest.raises(RequestTimeoutError, match="20 s"):
        client.bulk_jobs.wait(job, timeout=20)
    assert 20 <= shop.clock.now - began < 40
    shop.sandbox.faults.clear()
