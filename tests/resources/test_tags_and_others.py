"""Tags, webhooks, reviews, forms, mapped metrics."""

from __future__ import annotations

import pytest

from klaviyo_analytics.client import KlaviyoClient
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
