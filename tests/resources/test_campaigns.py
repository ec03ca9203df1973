"""Campaigns: create, change, estimate, send."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from klaviyo_analytics.client import KlaviyoClient
from tests.resources.wire import Call, Json, check, data, one, sends

REQUESTS = [
    sends(
        "campaign of a plain e-mail",
        lambda c: c.campaigns.create(
            name="Spring",
            audiences="L1",
            channel="email",
            subject="Tea",
            from_email="a@b.co",
            label="One",
            send_strategy=datetime(2026, 3, 1, 10, tzinfo=UTC),
        ),
        "POST /api/campaigns",
        data(
            "campaign",
            {
                "name": "Spring",
                "audiences": {"included": ["L1"]},
                "send_strategy": {"method": "static", "datetime": "2026-03-01T10:00:00+00:00"},
                "campaign-messages": {
                    "data": [
                        {
                            "type": "campaign-message",
                            "attributes": {
                                "definition": {
                                    "channel": "email",
                                    "label": "One",
                                    "content": {"subject": "Tea", "from_email": "a@b.co"},
                                }
                            },
                        }
                    ]
                },
            },
        ),
    ),
    sends(
        "campaign of a plain text message",
        lambda c: c.campaigns.create(
            name="Spring",
            audiences={"included": ["L1"], "excluded": ["L2"]},
            channel="sms",
            body="Tea",
            send_strategy="immediate",
        ),
        "POST /api/campaigns",
        data(
            "campaign",
            {
                "name": "Spring",
                "audiences": {"included": ["L1"], "excluded": ["L2"]},
                "send_strategy": {"method": "immediate"},
                "campaign-messages": {
                    "data": [
                        {
                            "type": "campaign-message",
                            "attributes": {"definition": {"channel": "sms", "content": {"body": "Tea"}}},
                        }
                    ]
                },
            },
        ),
    ),
    sends(
        "campaign update",
        lambda c: c.campaigns.update("C1", name="Summer", audiences=["L1", "L2"]),
        "PATCH /api/campaigns/C1",
        data("campaign", {"name": "Summer", "audiences": {"included": ["L1", "L2"]}}, id="C1"),
    ),
    sends(
        "campaign clone without a name has attributes all the same",
        lambda c: c.campaigns.clone("C1"),
        "POST /api/campaign-clone",
        data("campaign", {}, id="C1"),
    ),
    sends(
        "send: the job's id is the campaign's",
        lambda c: c.campaigns.send("C1"),
        "POST /api/campaign-send-jobs",
        data("campaign-send-job", id="C1"),
    ),
    sends(
        "cancel",
        lambda c: c.campaigns.cancel("C1"),
        "PATCH /api/campaign-send-jobs/C1",
        data("campaign-send-job", {"action": "cancel"}, id="C1"),
    ),
    sends(
        "revert",
        lambda c: c.campaigns.cancel("C1", revert=True),
        "PATCH /api/campaign-send-jobs/C1",
        data("campaign-send-job", {"action": "revert"}, id="C1"),
    ),
    sends(
        "estimate: a job, not the estimation itself",
        lambda c: c.campaigns.estimate_recipients("C1"),
        "POST /api/campaign-recipient-estimation-jobs",
        data("campaign-recipient-estimation-job", id="C1"),
    ),
    sends(
        "assign a template to a message",
        lambda c: c.campaign_messages.assign_template("M1", template="T1"),
        "POST /api/campaign-message-assign-template",
        data("campaign-message", id="M1", relationships={"template": one("template", "T1")}),
    ),
]


@pytest.mark.parametrize(("call", "request_line", "body"), REQUESTS)
def test_what_goes_out(offline: KlaviyoClient, call: Call, request_line: str, body: Json) -> None:
    check(offline, call, request_line, body)
