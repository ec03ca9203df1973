"""Consent and suppression."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pandas as pd
import pytest

from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.errors import ConfirmationRequiredError, InvalidInputError
from tests.resources.wire import Call, Json, check, data, one, sends
from tests.shops import Shop


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


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda c: c.profiles.subscribe([]), "1 to 1,000"),
        (lambda c: c.profiles.unsubscribe([f"{n}@b.co" for n in range(101)], list="L1"), "1 to 100"),
        (lambda c: c.profiles.subscribe("01ABC"), "is not an email address"),
        (lambda c: c.profiles.subscribe("a@b.co", channels="sms"), "phone_number"),
        (lambda c: c.profiles.subscribe("a@b.co", channels="fax"), "Allowed are email"),
        (lambda c: c.profiles.unsubscribe("a@b.co"), "list=, or globally=True"),
        (lambda c: c.profiles.unsubscribe("a@b.co", list="L1", globally=True), "list=, or globally=True"),
        (lambda c: c.profiles.suppress({"id": "P1"}), "needs an email address for every profile"),
        (lambda c: c.profiles.suppress(), "exactly one"),
        (lambda c: c.profiles.suppress("a@b.co", list="L1"), "exactly one"),
    ],
)
def test_mistakes_are_refused_before_anything_is_sent(offline: KlaviyoClient, call: Call, said: str) -> None:
    with pytest.raises(InvalidInputError, match=said):
        call(offline)


def test_channels_and_purposes_go_out_together(offline: KlaviyoClient) -> None:
    request = offline.profiles.subscribe(
        {"phone_number": "+4712345678", "email": "a@b.co"},
        channels=["email", "sms", "sms_transactional", "whatsapp"],
        dry_run=True,
    )
    yes = {"consent": "SUBSCRIBED"}
    (sent,) = request["body"][0]["data"]["attributes"]["profiles"]["data"]
    assert sent["attributes"]["subscriptions"] == {
        "email": {"marketing": yes},
        "sms": {"marketing": yes, "transactional": yes},
        "whatsapp": {"marketing": yes},
    }


def test_unsubscribing_everywhere_must_be_confirmed(offline: KlaviyoClient) -> None:
    with pytest.raises(ConfirmationRequiredError, match="2 profiles everywhere"):
        offline.profiles.unsubscribe(["a@b.co", "b@b.co"], globally=True)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        pytest.param(
            lambda c: c.profiles.subscribe("a@b.co"), "1 profile without telling when", id="subscribe"
        ),
        pytest.param(lambda c: c.profiles.suppress("a@b.co"), "suppresses 1 profile:", id="suppress"),
        pytest.param(lambda c: c.profiles.unsuppress(["a@b.co", "b@b.co"]), "of 2 profiles", id="unsuppress"),
        pytest.param(
            lambda c: c.bulk_jobs.submit("suppress", [{"email": "a@b.co"}]), "suppresses 1 profile:", id="job"
        ),
    ],
)
def test_a_single_call_asks_as_a_plan_does(offline: KlaviyoClient, call: Call, said: str) -> None:
    with pytest.raises(ConfirmationRequiredError, match=said):
        call(offline)


def test_consent_of_the_past_is_recorded_over_what_was_said_since(client: KlaviyoClient) -> None:
    with pytest.raises(ConfirmationRequiredError, match="unsubscribed since"):
        client.profiles.subscribe("long@tea.example", consented_at="2024-01-02")
    client.profiles.subscribe("long@tea.example", consented_at="2024-01-02", confirm=True)
    assert _consent(client, client.profiles.find(email="long@tea.example")) == "SUBSCRIBED"


def test_many_long_addresses_are_looked_up_in_requests_that_servers_take(shop: Shop) -> None:
    group = shop.client.lists.create(name="Long addresses")
    emails = [f"{'long' * 12}{number}@{'tea' * 20}.example" for number in range(100)]
    with pytest.raises(InvalidInputError, match=r"100 of 100 profiles cannot be sent.*is not on the list"):
        shop.client.profiles.unsubscribe(emails, list=group)
    looks = [request for request in shop.sandbox.requests if request.path.endswith("/profiles")]
    assert len(looks) > 2
    assert max(len(request.query) for request in looks) < 7_000


def test_who_is_not_on_the_list_is_not_unsubscribed_everywhere(client: KlaviyoClient) -> None:
    group = client.lists.create(name="Readers")
    on = client.profiles.create(email="on@tea.example")
    client.lists.add_profiles(group, on)
    with pytest.raises(InvalidInputError, match=r"1 of 2 .*off@tea\.example: is not on the list"):
        client.profiles.unsubscribe(["ON@tea.example", "off@tea.example"], list=group)


def test_a_crowd_is_counted_before_it_is_suppressed(client: KlaviyoClient) -> None:
    group = client.lists.create(name="Everybody")
    client.lists.add_profiles(group, client.profiles.list(limit=3))
    with pytest.raises(ConfirmationRequiredError, match="all 3 profiles of the list 'Everybody'"):
        client.profiles.suppress(list=group)
    with pytest.raises(ConfirmationRequiredError, match="lifts the suppression of all 3 profiles"):
        client.profiles.unsuppress(list=group)


def test_consent_is_written_and_read_back(client: KlaviyoClient) -> None:
    group = client.lists.create(name="Newcomers", opt_in_process="single_opt_in")
    client.profiles.subscribe("new@tea.example", list=group, confirm=True)
    new = client.profiles.find(email="new@tea.example")
    assert _consent(client, new) == "SUBSCRIBED"
    assert new["id"] in set(client.lists.profiles(group)["id"])
    with pytest.raises(ConfirmationRequiredError, match="unsubscribes 1 of the 1 profiles of the list"):
        client.profiles.unsubscribe("new@tea.example", list=group)
    client.profiles.unsubscribe("new@tea.example", list=group, confirm=True)
    assert new["id"] not in set(client.lists.profiles(group)["id"])
    client.profiles.unsubscribe("new@tea.example", globally=True, confirm=True)
    assert _consent(client, new) == "UNSUBSCRIBED"


def test_suppression_comes_and_goes(client: KlaviyoClient) -> None:
    made = client.profiles.create(email="quiet@tea.example")
    job = client.profiles.suppress("quiet@tea.example", confirm=True)
    done = client.bulk_jobs.wait(job, kind="suppress")
    assert (done["status"], done["completed_count"]) == ("complete", 1)
    reasons = _suppressions(client, made)
    assert "USER_SUPPRESSED" in reasons
    lifted = client.profiles.unsuppress("quiet@tea.example", confirm=True)
    client.bulk_jobs.wait(lifted, kind="unsuppress")
    assert "USER_SUPPRESSED" not in _suppressions(client, made)


def _consent(client: KlaviyoClient, profile: Any) -> Any:
    row = client.profiles.get(profile, additional_fields=["subscriptions"])
    return row["subscriptions.email.marketing.consent"]


def _suppressions(client: KlaviyoClient, profile: Any) -> list[str]:
    row = client.profiles.get(profile, additional_fields=["subscriptions"])
    return [each["reason"] for each in row["subscriptions.email.marketing.suppression"] or ()]


@pytest.mark.parametrize("said", ["UNSUBSCRIBED", "NEVER_SUBSCRIBED", False, "no"])
def test_a_row_that_says_no_is_not_subscribed_by_a_single_call(client: KlaviyoClient, said: object) -> None:
    email = f"no-{said}@tea.example".lower()
    client.profiles.create(email=email)
    for row in ({"email": email, "consent": said}, pd.Series({"email": email, "consent": said})):
        with pytest.raises(InvalidInputError, match="the person has not agreed"):
            client.profiles.subscribe(row, confirm=True)
    assert _consent(client, client.profiles.find(email=email)) == "NEVER_SUBSCRIBED"


def test_a_row_that_was_read_is_believed_by_a_single_call(client: KlaviyoClient) -> None:
    row = client.profiles.create(email="left@tea.example")
    client.profiles.subscribe(row, consented_at="2026-01-05", confirm=True)
    client.profiles.unsubscribe("left@tea.example", globally=True, confirm=True)
    frame = client.profiles.list(filter='equals(email,"left@tea.example")', fields=["email", "subscriptions"])
    with pytest.raises(InvalidInputError, match="'UNSUBSCRIBED'"):
        client.profiles.subscribe(frame, consented_at="2026-01-06", confirm=True)
    assert _consent(client, row) == "UNSUBSCRIBED"
    client.profiles.subscribe("left@tea.example", consented_at="2026-01-06", confirm=True)
    assert _consent(client, row) == "SUBSCRIBED"
