"""Consent and suppression."""

from __future__ import annotations

from datetime import UTC, datetime

import pandas as pd
import pytest

from klaviyo_analytics.client import KlaviyoClient
from tests.resources.wire import Call, Json, check, data, one, sends


def person(email: str, consent: str, **rest: Json) -> Json:
    marketing = {"email": {"marketing": {"consent": consent, **rest}}}
    return {"type": "profile", "attributes": {"email": email, "subscriptions": marketing}}


REQUESTS = [
    sends(
        "subscribe",
        lambda c: c.profiles.subscribe("a@b.co", list="L1"),
        "POST /api/profile-subscription-bulk-create-jobs",
        data(
            "profile-subscription-bulk-create-job",
            {"profiles": {"data": [person("a@b.co", "SUBSCRIBED")]}},
            relationships={"list": one("list", "L1")},
        ),
    ),
    sends(
        "subscribe: a consent of the past is an import of history",
        lambda c: c.profiles.subscribe(
            "a@b.co", consented_at=datetime(2024, 1, 2, tzinfo=UTC), custom_source="fair"
        ),
        "POST /api/profile-subscription-bulk-create-jobs",
        data(
            "profile-subscription-bulk-create-job",
            {
                "profiles": {
                    "data": [person("a@b.co", "SUBSCRIBED", consented_at="2024-01-02T00:00:00+00:00")]
                },
                "historical_import": True,
                "custom_source": "fair",
            },
        ),
    ),
    sends(
        "unsubscribe carries no id",
        lambda c: c.profiles.unsubscribe({"id": "P1", "email": "a@b.co"}, list="L1"),
        "POST /api/profile-subscription-bulk-delete-jobs",
        data(
            "profile-subscription-bulk-delete-job",
            {"profiles": {"data": [person("a@b.co", "UNSUBSCRIBED")]}},
            relationships={"list": one("list", "L1")},
        ),
    ),
    sends(
        "suppress people",
        lambda c: c.profiles.suppress(pd.DataFrame({"id": ["P1"], "email": ["a@b.co"]})),
        "POST /api/profile-suppression-bulk-create-jobs",
        data(
            "profile-suppression-bulk-create-job",
            {"profiles": {"data": [{"type": "profile", "attributes": {"email": "a@b.co"}}]}},
        ),
    ),
    sends(
        "suppress a segment",
        lambda c: c.profiles.suppress(segment="S1"),
        "POST /api/profile-suppression-bulk-create-jobs",
        data("profile-suppression-bulk-create-job", {}, relationships={"segment": one("segment", "S1")}),
    ),
    sends(
        "unsuppress a list",
        lambda c: c.profiles.unsuppress(list="L1"),
        "POST /api/profile-suppression-bulk-delete-jobs",
        data("profile-suppression-bulk-delete-job", {}, relationships={"list": one("list", "L1")}),
    ),
]


@pytest.mark.parametrize(("call", "request_line", "body"), REQUESTS)
def test_what_goes_out(offline: KlaviyoClient, call: Call, request_line: str, body: Json) -> None:
    check(offline, call, request_line, body)
