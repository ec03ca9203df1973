"""Tags, webhooks, reviews, forms, mapped metrics."""

from __future__ import annotations

import pytest

from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.errors import InvalidInputError, NotFoundError
from tests.resources.wire import Call, Json, check, data, many, one, sends

REQUESTS = [
    sends(
        "webhook: a secret goes out and is not shown",
        lambda c: c.webhooks.create(
            name="Sent",
            endpoint_url="https://b.co/x",
            secret_key="0123456789abcdef",
            webhook_topics="event:x",
        ),
        "POST /api/webhooks",
        data(
            "webhook",
            {"name": "Sent", "endpoint_url": "https://b.co/x", "secret_key": "***"},
            relationships={"webhook-topics": many("webhook-topic", "event:x")},
        ),
    ),
    sends(
        "review: the status is an object",
        lambda c: c.reviews.update_status("R1", "published"),
        "PATCH /api/reviews/R1",
        data("review", {"status": {"value": "published"}}, id="R1"),
    ),
    sends(
        "review rejected with a reason",
        lambda c: c.reviews.update_status("R1", "rejected", reason="other", explanation="Off topic"),
        "PATCH /api/reviews/R1",
        data(
            "review",
            {
                "status": {
                    "value": "rejected",
                    "rejection_reason": {"reason": "other", "status_explanation": "Off topic"},
                }
            },
            id="R1",
        ),
    ),
    sends(
        "tag campaigns",
        lambda c: c.tags.tag_campaigns("G1", "C1"),
        "POST /api/tags/G1/relationships/campaigns",
        many("campaign", "C1"),
    ),
    sends(
        "mapped metric: a relationship only",
        lambda c: c.mapped_metrics.update("revenue", metric="M1"),
        "PATCH /api/mapped-metrics/revenue",
        data("mapped-metric", id="revenue", relationships={"metric": one("metric", "M1")}),
    ),
]


@pytest.mark.parametrize(("call", "request_line", "body"), REQUESTS)
def test_what_goes_out(offline: KlaviyoClient, call: Call, request_line: str, body: Json) -> None:
    check(offline, call, request_line, body)


def test_tags_and_groups(client: KlaviyoClient) -> None:
    group = client.tag_groups.create(name="Seasons", exclusive=True)
    spring = client.tags.create(name="Spring", tag_group=group)
    own = client.tags.group(spring)
    assert own is not None
    assert own["name"] == "Seasons"
    assert client.tag_groups.tags(group)["name"].tolist() == ["Spring"]
    client.tags.update(spring, name="Summer")
    assert client.tags.find(name="Summer")["id"] == spring["id"]
    assert client.tag_groups.update(group, name="Weather")["name"] == "Weather"
    client.tag_groups.delete(group, confirm=True)
    with pytest.raises(NotFoundError):
        client.tags.get(spring)


def test_tagging_works_both_ways(client: KlaviyoClient) -> None:
    tag = client.tags.create(name="Tea")
    things = {
        "campaigns": client.campaigns.list(channel="email", limit=2),
        "flows": client.flows.list(limit=2),
        "lists": client.lists.list(limit=2),
        "segments": client.segments.list(limit=2),
    }
    for kind, rows in things.items():
        getattr(client.tags, f"tag_{kind}")(tag, rows)
        assert set(getattr(client.tags, kind)(tag)["id"]) == set(rows["id"])
        assert tag["id"] in set(getattr(client, kind).tags(rows.iloc[0])["id"])
        getattr(client.tags, f"untag_{kind}")(tag, rows)
        assert getattr(client.tags, kind)(tag).empty


def test_webhooks_are_written_and_their_secret_is_never_shown(client: KlaviyoClient) -> None:
    topics = client.webhook_topics.list().head(2)
    secret = "0123456789abcdef"
    made = client.webhooks.create(
        name="Sent", endpoint_url="https://tea.example/hook", secret_key=secret, webhook_topics=topics
    )
    changed = client.webhooks.update(made, secret_key=secret[::-1], enabled=False)
    assert not changed["enabled"]
    shown = client.webhooks.update(made, secret_key=secret, dry_run=True)
    assert secret not in repr(
        (made.to_dict(), changed.to_dict(), shown.to_dict(), client.webhooks.list().to_dict())
    )
    read = client.webhooks.get(made, include=["webhook-topics"])
    assert set(read["webhook_topic_ids"]) == set(topics["id"])
    client.webhooks.delete(made, confirm=True)
    assert made["id"] not in set(client.webhooks.list()["id"])


def test_a_review_changes_its_status(client: KlaviyoClient) -> None:
    review = client.reviews.list().iloc[0]
    assert client.reviews.update_status(review, "featured")["status.value"] == "featured"
    client.reviews.update_status(review, "rejected", reason="other", explanation="Off topic")
    read = client.reviews.get(review)
    assert read["status.rejection_reason.status_explanation"] == "Off topic"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"status": "approved"}, "there are published"),
        ({"status": "rejected"}, "reason="),
        ({"status": "published", "reason": "fake"}, "reason="),
        ({"status": "rejected", "reason": "boring"}, "there are other"),
        ({"status": "rejected", "reason": "fake", "explanation": "x"}, "reason='other'"),
    ],
)
def test_a_status_that_makes_no_sense_is_refused(offline: KlaviyoClient, options: Json, said: str) -> None:
    status = options.pop("status")
    with pytest.raises(InvalidInputError, match=said):
        offline.reviews.update_status("R1", status, **options)


def test_forms_and_their_versions(client: KlaviyoClient) -> None:
    form = client.forms.list().iloc[0]
    versions = client.forms.versions(form)
    assert len(versions)
    version = client.form_versions.get(versions.iloc[0])
    assert version["form_type"] == versions["form_type"][0]
    owner = client.form_versions.form(version)
    assert owner is not None
    assert owner["id"] == form["id"]


def test_metrics_know_their_properties(client: KlaviyoClient) -> None:
    properties = client.metrics.properties(("Placed Order", "Shopify"))
    value = properties.set_index("property").loc["$value"]
    assert value["sample_values"]
    assert client.metrics.property(value["id"])["label"] == value["label"]
    assert "sample_values" not in client.metrics.properties(("Placed Order", "Shopify"), samples=False)


def test_custom_and_mapped_metrics(client: KlaviyoClient) -> None:
    orders = client.metrics.find(name="Placed Order", integration="Shopify")
    groups = [{"metric_id": orders["id"], "metric_filters": []}]
    other = client.custom_metrics.list(include=["metrics"]).iloc[0]
    assert set(client.custom_metrics.metrics(other)["id"]) == set(other["metric_ids"])
    made = client.custom_metrics.create(
        name="Orders", definition={"aggregation_method": "count", "metric_groups": groups}
    )
    assert client.custom_metrics.get(made)["definition.metric_groups"] == groups
    assert client.custom_metrics.update(made, name="All orders")["name"] == "All orders"
    client.mapped_metrics.update("revenue", metric=orders)
    mapped = client.mapped_metrics.metric("revenue")
    assert mapped is not None
    assert mapped["id"] == orders["id"]
    client.custom_metrics.delete(made, confirm=True)
    assert made["id"] not in set(client.custom_metrics.list()["id"])
