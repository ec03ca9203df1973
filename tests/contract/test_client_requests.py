"""Whatever the client asks, and whatever the sandbox answers, is what the official document allows."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from werkzeug.serving import make_server

import klaviyo_analytics as ka
from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.sandbox import Sandbox
from tests.contract.recorder import CheckedApp, Wrap

ORDERS = ("Placed Order", "Shopify")


@pytest.fixture
def checked(contract: Wrap) -> Iterator[tuple[KlaviyoClient, CheckedApp]]:
    """Connect a client, through the gateway, to a sandbox whose every exchange is judged."""
    sandbox = Sandbox(profiles=120, events=3_000)
    app = contract(sandbox.wsgi)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}/klaviyo"
    try:
        with ka.connect(api_key=sandbox.maton_key, base_url=url, progress=False) as client:
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
    for channel in ("email", "sms", "mobile_push"):
        client.campaigns.list(channel=channel, include=["campaign-messages", "tags"], sort="-created_at")
    client.campaigns.list(filter=ka.F.status.any(["Draft", "Sent"]) & (ka.F.created_at > "2025-09-01"))
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
    assert len(profiles) == 120
    person = profiles.dropna(subset=["email"]).iloc[0]
    assert client.profiles.find(email=person["email"])["id"] == person["id"]
    client.profiles.get(person, include=["lists", "segments"], additional_fields=["subscriptions"])
    client.profiles.lists(person)
    assert {exchange.status for exchange in app.exchanges} == {200}


def test_reading_events_and_aggregates(checked: tuple[KlaviyoClient, CheckedApp]) -> None:
    client, app = checked
    events = client.events.list(include=["metric", "profile", "attributions"])
    assert len(events) == 3_000
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
