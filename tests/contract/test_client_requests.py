"""Whatever the client asks, and whatever the sandbox answers, is what the official document allows."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from werkzeug.serving import make_server

import klaviyo_analytics as ka
from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.sandbox import Sandbox
from tests.contract.conftest import needed_document
from tests.contract.recorder import CheckedApp, judged
from tests.http.clocks import Clock
from tests.shops import without_waiting

ORDERS = ("Placed Order", "Shopify")


@pytest.fixture(params=["2026-01-15", "2026-07-15", "2026-10-15"])
def checked(request: pytest.FixtureRequest) -> Iterator[tuple[KlaviyoClient, CheckedApp]]:
    """Connect a client, through the gateway; the document of its revision judges every exchange."""
    document = needed_document(request.param)  # a skip must come before the sandbox listens
    sandbox = Sandbox(profiles=60, events=1_200)
    with judged(document) as wrap:
        app = wrap(sandbox.wsgi)
        server = make_server("127.0.0.1", 0, app, threaded=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}/klaviyo"
        try:
            with ka.connect(
                api_key=sandbox.maton_key, base_url=url, revision=request.param, progress=False
            ) as client:
                without_waiting(client, Clock())
                yield client, app
        finally:
            server.shutdown()
            thread.join()
            server.server_close()
            sandbox.close()


def test_reading_every_noun_in_every_way(checked: tuple[KlaviyoClient, CheckedApp]) -> None:
    client, app = checked
    assert client.account["timezone"] == "America/New_York"
    client.metrics.list(include=["flow-triggers"])
    client.metrics.get(client.metrics.find(name="Placed Order", integration="Shopify"))
    if client._revision < "2026-10-15":
        for channel in ("email", "sms", "mobile_push"):
            client.campaigns.list(channel=channel, include=["campaign-messages", "tags"], sort="-created_at")
        client.campaigns.list(filter=ka.F.status.any(["Draft", "Sent"]) & (ka.F.created_at > "2025-09-01"))
    campaigns = client.campaigns.list(include=["campaign-messages", "tags"], sort="-created_at")
    campaign = campaigns.iloc[0]
    assert client.campaigns.find(name=campaign["name"])["status"] == campaign["status"]
    client.campaigns.list(
        filter=ka.F.name.contains("a") & (ka.F.created_at > "2025-09-01"), fields=["name", "status"]
    )
    client.campaigns.get(campaign, include=["tags"])
    client.campaign_messages.get(client.campaigns.messages(campaign).iloc[0], include=["campaign"])
    client.flows.list(filter=ka.F.name.contains("e") & (ka.F.created < "2030-01-01"), include=["tags"])
    client.lists.list(filter=ka.F.created > "2020-01-01", sort="-name", include=["tags"])
    client.segments.list(filter=ka.F.is_active == True, sort="created")  # noqa: E712  (builds a filter)
    for groups in (client.lists, client.segments):
        group = groups.list().iloc[0]
        groups.get(group, include=["tags"])
        groups.profiles(
            group, filter=ka.F.joined_group_at > "2020-01-01", sort="-joined_group_at", page_size=50
        )
    profiles = client.profiles.list(
        sort="-created",
        fields=["email", "location.city", "subscriptions.email.marketing.consent", "properties"],
        additional_fields=["predictive_analytics"],
    )
    assert len(profiles) == 60
    person = profiles.dropna(subset=["email"]).iloc[0]
    assert client.profiles.find(email=person["email"])["id"] == person["id"]
    client.profiles.get(person, include=["lists", "segments"], additional_fields=["subscriptions"])
    client.profiles.lists(person)
    assert {exchange.status for exchange in app.exchanges} == {200}


def test_reading_events_and_aggregates(checked: tuple[KlaviyoClient, CheckedApp]) -> None:
    client, app = checked
    events = client.events.list(include=["metric", "profile", "attributions"])
    assert len(events) == 1_200
    client.events.get(events["id"][0], include=["metric", "profile"])
    client.events.list(
        metric=ORDERS, start="2026-01-01", end="2026-03-01", sort="-datetime", page_size=7, fields=["uuid"]
    )
    client.events.list(profile=events["profile_id"].dropna().iloc[0], filter=ka.F.timestamp > "2026-01-01")
    for interval in ("hour", "day", "week", "month"):
        client.metric_aggregates.query(
            ORDERS,
            measurements=["count", "sum_value", "unique"],
            interval=interval,
            by=["$attributed_channel", "$attributed_message"],
            timeframe="last 3 days" if interval == "hour" else "last 13 months",
        )
    assert {exchange.status for exchange in app.exchanges} == {200}
    assert {"GET", "POST"} == {exchange.method for exchange in app.exchanges}


def test_writing_campaigns_and_asking_for_reports(checked: tuple[KlaviyoClient, CheckedApp]) -> None:
    client, app = checked
    newsletter = client.lists.find(name="Newsletter")
    made = client.campaigns.create(name="Spring", audiences=newsletter, channel="email", subject="Tea")
    client.campaigns.update(made, name="Summer", audiences=newsletter)
    planned: dict[str, Any] = {
        "send_strategy": {"method": "throttled", "datetime": "2026-09-01T10:00", "throttle_percentage": 25},
        "send_options": {"use_smart_sending": False},
        "tracking_options": {"add_tracking_params": True, "is_tracking_clicks": False},
    }
    local = {"is_local": True, "send_past_recipients_immediately": True}
    later = client.campaigns.create(
        name="Later", audiences=newsletter, channel="email", subject="Tea", **planned
    )
    client.campaigns.update(
        later, send_strategy={"method": "static", "datetime": "2026-09-01T10:00", "options": local}
    )
    client.campaigns.update(later, send_strategy="immediate", send_options={"use_smart_sending": True})
    message, template = client.campaigns.messages(made).iloc[0], client.templates.list(limit=1).iloc[0]
    client.campaign_messages.assign_template(message, template=template)
    copy = client.campaigns.clone(made, new_name="Autumn")
    client.campaigns.send(made, confirm=True)
    assert client.campaigns.get(made)["name"] == "Summer"
    client.campaigns.delete(copy, confirm=True)
    year = ("2025-07-01", "2025-12-31")
    assert len(client.campaigns.summary(year, by="message")) > 5
    assert len(client.flows.summary(year)) > 1
    for ask in (client.reports.campaign_values, client.reports.flow_values, client.reports.segment_values):
        ask(timeframe="last 30 days")
    client.reports.campaign_values(timeframe=year, by=["campaign_id", "campaign_message_id"])
    assert not [exchange for exchange in app.exchanges if exchange.status >= 400]
