"""Deletions: what is gone cannot be restored, so each says what would go, and waits for `confirm=True`."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.errors import ConfirmationRequiredError, NotFoundError
from tests.shops import Shop

SAYS = {
    "lists": r"deletes the list 'Newsletter' \(\w+\) with \d[\d,]* profiles; it cannot be restored\. Nothing was",
    "segments": r"deletes the segment '.+' \(\w+\) with \d[\d,]* profiles",
    "flows": r"deletes the flow '.+' \(\w+\);",
    "campaigns": r"deletes the campaign '.+' \(\w+\);",
    "templates": r"deletes the template '.+' \(\w+\);",
    "tags": r"deletes the tag '.+' \(.+\);",
    "coupons": r"deletes the coupon \(\w+\);",
    "catalog_items": r"deletes the catalog item '.+' \(\$custom:::\$default:::.+\);",
}


def deleting(client: KlaviyoClient) -> dict[str, Any]:
    nouns = {name: getattr(client, name) for name in client.describe()["resource"].unique()}
    return {name: noun for name, noun in nouns.items() if hasattr(noun, "delete")}


def test_every_deletion_wants_to_be_confirmed(client: KlaviyoClient) -> None:
    nouns = deleting(client)
    assert set(SAYS) < set(nouns)
    for noun in nouns.values():
        assert inspect.signature(noun.delete).parameters["confirm"].default is False
        assert "ConfirmationRequiredError" in noun.delete.__doc__


@pytest.mark.parametrize("name", SAYS)
def test_the_error_says_what_would_go_and_nothing_does(shop: Shop, name: str) -> None:
    noun: Any = getattr(shop.client, name)
    first = noun.list()
    first = first[first["name"] == "Newsletter"] if name == "lists" else first
    with pytest.raises(ConfirmationRequiredError, match=SAYS[name]):
        noun.delete(first.iloc[0])
    assert noun.get(first.iloc[0])["id"] == first["id"].iloc[0]
    assert not any(request.method == "DELETE" for request in shop.sandbox.requests)


@pytest.mark.parametrize("confirm", [1, "yes", None])
def test_only_true_confirms(client: KlaviyoClient, confirm: Any) -> None:
    with pytest.raises(ConfirmationRequiredError):
        client.lists.delete(client.lists.list().iloc[0], confirm=confirm)


def test_what_is_not_there_cannot_go(client: KlaviyoClient) -> None:
    with pytest.raises(NotFoundError):
        client.lists.delete("NOBODY")


def test_a_dry_run_needs_no_confirmation(offline: KlaviyoClient) -> None:
    assert offline.lists.delete("L1", dry_run=True)["method"].item() == "DELETE"


def test_a_job_that_deletes_says_how_many(offline: KlaviyoClient) -> None:
    with pytest.raises(ConfirmationRequiredError, match=r"deletes 2 of the catalog; they cannot be restored"):
        offline.bulk_jobs.submit("catalog_item_delete", [{"id": "A"}, {"id": "B"}])


def test_one_profile_is_one(client: KlaviyoClient) -> None:
    group = client.lists.create(name="One only")
    client.lists.add_profiles(group, client.profiles.list(limit=1))
    with pytest.raises(ConfirmationRequiredError, match="with 1 profile; it cannot"):
        client.lists.delete(group)
