"""What the client tells about itself: describe, completion, docstrings."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import pytest

import klaviyo_analytics as ka
from klaviyo_analytics import resources
from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.diagnostics import verbs
from klaviyo_analytics.endpoints import load
from klaviyo_analytics.errors import InvalidInputError

NOUNS = [
    *(
        "profiles",
        "lists",
        "segments",
        "campaigns",
        "campaign_messages",
        "flows",
        "flow_actions",
        "flow_messages",
    ),
    *("events", "metrics", "custom_metrics", "mapped_metrics", "metric_aggregates", "templates", "images"),
    *("universal_content", "catalog_items", "catalog_variants", "catalog_categories", "tags", "tag_groups"),
    *(
        "coupons",
        "coupon_codes",
        "webhooks",
        "webhook_topics",
        "accounts",
        "forms",
        "form_versions",
        "reviews",
    ),
    "bulk_jobs",
]


@pytest.fixture(scope="module")
def client() -> Iterator[KlaviyoClient]:
    with ka.connect(api_key="pk_0123456789") as client:
        yield client


def methods(noun: object) -> list[str]:
    """Public verbs, as completion offers them."""
    return [name for name in dir(noun) if not name.startswith("_") and callable(getattr(noun, name))]


@pytest.mark.parametrize("name", NOUNS)
def test_every_noun_is_there_and_every_verb_explains_itself(client: KlaviyoClient, name: str) -> None:
    noun = getattr(client, name)
    assert isinstance(noun, resources.Resource)
    assert (type(noun).__doc__ or "").strip()
    for verb in methods(noun):
        doc = inspect.getdoc(getattr(noun, verb)) or ""
        assert len(doc) > 30, f"{name}.{verb} says nothing"


def test_a_verb_names_what_its_endpoint_allows() -> None:
    doc = inspect.getdoc(resources.Profiles.lists) or ""
    assert doc.startswith("Read every list of one profile as a row.")
    doc = inspect.getdoc(resources.Templates.list) or ""
    for word in ("editor_type", "contains", "updated", "templates:read", "75/s and 750/m"):
        assert word in doc
    assert "Clone one template." in (inspect.getdoc(resources.Templates.clone) or "")
    assert list(inspect.signature(resources.Forms.versions).parameters)[:3] == ["self", "id", "filter"]


def test_describing_one_noun(client: KlaviyoClient) -> None:
    frame = client.describe("campaigns")
    assert len(frame[frame["verb"] == "estimate_recipients"]) == 3
    verbs = frame.drop_duplicates("verb").set_index("verb").to_dict("index")
    assert verbs["create"]["path"] == "/api/campaigns"
    assert "audiences" in verbs["create"]["body"]
    assert verbs["list"]["filters"].startswith("id: any; messages.channel: equals")
    assert verbs["list"]["limits"] == "10/s, 150/m"
    assert verbs["list"]["sort"] == "created_at, id, name, scheduled_at, updated_at"
    assert verbs["get"]["include"] == "campaign-messages, tags"


def test_describing_all(client: KlaviyoClient) -> None:
    frame = client.describe()
    assert set(frame["resource"]) >= set(NOUNS)
    assert frame.dtypes.astype(str).unique().tolist() == ["string"]
    assert not frame.duplicated(["resource", "verb", "method", "path"]).any()
    lists = frame[(frame["resource"] == "lists") & (frame["verb"] == "list")]
    assert lists["page_size"].tolist() == ["fixed"]


def test_a_noun_that_is_none(client: KlaviyoClient) -> None:
    with pytest.raises(InvalidInputError, match=r"\(did you mean 'campaigns'\?\). Resources: campaigns"):
        client.describe("campagns")


def test_no_endpoint_of_a_known_thing_is_forgotten(client: KlaviyoClient) -> None:
    """What is left has a reason: ids alone (the related read has them), or things that are no noun here."""
    served = {
        endpoint.operation
        for noun in (getattr(client, name) for name in client.describe()["resource"].unique())
        for _, endpoint in verbs(noun, load())
    }
    left = {
        endpoint.operation
        for endpoint in load()
        if endpoint.operation not in served
        and "/relationships/" not in endpoint.path
        and endpoint.category not in ("Web Feeds", "Tracking Settings", "Custom Objects", "Reporting")
    }
    assert left == {
        "create_back_in_stock_subscription",
        "create_push_token",
        "delete_push_token",
        "get_push_token",
        "get_push_tokens",
        "get_profile_for_push_token",
        "get_metric_for_metric_property",
    }
