"""What the client tells about itself: describe, completion, docstrings."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import pandas as pd
import pytest

import klaviyo_analytics as ka
from klaviyo_analytics import resources
from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.endpoints import load, revisions
from klaviyo_analytics.errors import InvalidInputError, InvalidQueryError

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
    *("campaign_audiences", "campaign_variations", "conversations", "data_sources", "object_records"),
    *("object_schemas", "object_types", "push_tokens", "source_mappings", "tracking_settings", "web_feeds"),
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


def test_every_operation_is_listed_and_has_a_method_or_a_reason(client: KlaviyoClient) -> None:
    """Of every revision: what has no method reads ids alone, or belongs to web pages and apps."""
    frame = client.describe()
    listed = set(zip(frame["method"], frame["path"], strict=True))
    for revision in revisions.TABLES:
        table = load(revision)
        assert {(each.method, each.path) for each in table} <= listed
        assert {tuple(call) for call in table.named.values()} <= listed
    without = frame[frame["verb"].isna()]
    reads_ids = without["path"].str.contains("/relationships/") & (without["method"] == "GET")
    newest = without["note"].str.endswith("no method; client.request() sends it")
    assert (reads_ids | newest | without["path"].str.startswith("/client/")).all()
    assert without["note"][newest].str.startswith("not in revision 2026-01-15; in 2026-10-15: ").all()
    assert without["note"].notna().all()
    assert without["note"][reads_ids & ~newest].str.startswith("ids only; ").all()
    tags = without[without["path"] == "/api/lists/{id}/relationships/tags"]
    assert tags["note"].item() == "ids only; lists.tags() reads the resources"
    browser = without[without["path"] == "/client/events"]
    assert browser["resource"].item() == "events"
    assert browser["note"].item() == "for web pages and apps, with a public key; not for this client"


def test_what_the_clients_revision_lacks_is_listed_with_the_revisions_that_have_it() -> None:
    with ka.connect(api_key="pk_0123456789", revision="2026-01-15") as old:
        types = old.describe("object_types").set_index("verb")
        assert types.loc["create", "note"] == "not in revision 2026-01-15; in 2026-07-15, 2026-10-15"
        message = (
            "create_object_type is not an operation of API revision 2026-01-15. These revisions have it: "
        )
        with pytest.raises(InvalidQueryError, match=f"{message}2026-07-15, 2026-10-15. Connect with "):
            old.object_types.create(title="Booking")
    with ka.connect(api_key="pk_0123456789", revision="2026-07-15") as new:
        assert new.describe("object_types").set_index("verb").loc["create", "note"] is pd.NA


def test_a_method_that_is_called_by_several_names_is_named_by_its_plainest(client: KlaviyoClient) -> None:
    frame = client.describe("catalog_categories")
    reads = frame[frame["path"].str.endswith("/relationships/items") & (frame["method"] == "GET")]
    assert reads["note"].item() == "ids only; catalog_categories.items() reads the resources"
