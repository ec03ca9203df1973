"""Scheduled campaigns: what becomes of them as the account's clock goes on."""

from __future__ import annotations

from typing import Any

import pytest

from klaviyo_analytics.sandbox import Sandbox
from tests.http.clocks import Clock
from tests.sandbox.accounts import DAY, HOUR, NOW, PLACED, iso
from tests.sandbox.api import Api, data
from tests.sandbox.test_campaigns import job, ready, status, stop

START = NOW + 2 * DAY


def scheduled(api: Api, clock: Clock, **strategy: Any) -> tuple[str, str]:
    """Make a campaign for the day after tomorrow and let it be scheduled; return its id and its message's."""
    known = {"method": "static", "datetime": iso(START)} | strategy
    ids = ready(api, send_strategy=known)
    assert job(api, "send", ids[0]).status == 202
    clock.now += 10
    assert status(api, ids[0]) == "Scheduled"
    return ids


def received(api: Api, campaign: str) -> list[str]:
    """When each recipient received a campaign, which its events name."""
    events = api.get("/api/events", sort="datetime").json["data"]
    return [
        event["attributes"]["datetime"]
        for event in events
        if event["attributes"]["event_properties"].get("$message") == campaign
    ]


def test_it_goes_out_when_its_time_has_come(api: Api, clock: Clock) -> None:
    campaign, _ = scheduled(api, clock)
    clock.now = START - 1
    assert (status(api, campaign), received(api, campaign)) == ("Scheduled", [])
    clock.now = START
    assert (status(api, campaign), received(api, campaign)) == ("Sending", [iso(START)])
    assert api.delete(f"/api/campaigns/{campaign}").status == 400
    clock.now = START + 1
    assert (status(api, campaign), received(api, campaign)) == ("Sent", [iso(START), iso(START + 1)])


def test_nobody_has_to_look_at_it(api: Api, clock: Clock) -> None:
    campaign, _ = scheduled(api, clock)
    clock.now = START + 30 * DAY
    assert received(api, campaign) == [iso(START), iso(START + 1)]
    assert status(api, campaign) == "Sent"
    assert job(api, "send", campaign).status == 400


def test_a_throttled_one_takes_hours(api: Api, clock: Clock) -> None:
    campaign, _ = scheduled(api, clock, method="throttled", throttle_percentage=50)
    clock.now = START + HOUR - 1
    assert (status(api, campaign), received(api, campaign)) == ("Sending", [iso(START)])
    clock.now = START + HOUR
    assert (status(api, campaign), received(api, campaign)) == ("Sent", [iso(START), iso(START + HOUR)])


def test_its_audience_is_that_of_the_day(api: Api, clock: Clock) -> None:
    campaign, _ = scheduled(api, clock)
    clock.now = START - DAY
    api.delete("/api/lists/LIST01/relationships/profiles", {"data": [{"type": "profile", "id": "01BO"}]})
    clock.now = START + DAY
    assert (status(api, campaign), len(received(api, campaign))) == ("Sent", 1)


def test_without_anybody_it_is_cancelled(api: Api, clock: Clock) -> None:
    campaign, _ = scheduled(api, clock)
    api.delete("/api/lists/LIST01")
    clock.now = START
    assert (status(api, campaign), received(api, campaign)) == ("Cancelled: No Recipients", [])


def test_an_immediate_one_without_anybody_is_cancelled_too(api: Api, clock: Clock) -> None:
    campaign, _ = ready(api)
    api.delete("/api/lists/LIST01")
    job(api, "send", campaign)
    clock.now += 5
    assert status(api, campaign) == "Cancelled: No Recipients"


@pytest.mark.parametrize(("action", "after"), [("cancel", "Cancelled"), ("revert", "Draft")])
def test_what_is_stopped_does_not_go_on(api: Api, clock: Clock, action: str, after: str) -> None:
    campaign, _ = scheduled(api, clock, method="throttled", throttle_percentage=50)
    clock.now = START
    assert status(api, campaign) == "Sending"
    assert stop(api, campaign, action).status == 204
    clock.now = START + DAY
    assert (status(api, campaign), len(received(api, campaign))) == (after, 1)


def test_a_report_knows_its_recipients(api: Api, clock: Clock) -> None:
    campaign, text = scheduled(api, clock)
    clock.now = START + DAY
    attributes = {
        "statistics": ["recipients", "delivered", "opens", "conversions"],
        "timeframe": {"start": iso(START - DAY), "end": iso(START + DAY)},
        "conversion_metric_id": PLACED,
    }
    rows = api.post("/api/campaign-values-reports", data("campaign-values-report", **attributes)).json
    found = {row["groupings"]["campaign_message_id"]: row for row in rows["data"]["attributes"]["results"]}
    assert found[text]["groupings"]["campaign_id"] == campaign
    assert found[text]["statistics"] == {"recipients": 2, "delivered": 2, "opens": 0, "conversions": 0}


def test_the_shop_sends_what_it_has_scheduled(clock: Clock) -> None:
    with Sandbox(profiles=100, events=2000, clock=clock) as sandbox:
        api = Api(sandbox)
        plans = [
            (id_, campaign.attributes["send_time"])
            for id_, campaign in sandbox.account.records["campaign"].items()
            if campaign.attributes["status"] == "Scheduled"
        ]
        assert plans
        clock.now += 60 * DAY
        assert {status(api, id_) for id_, _ in plans} <= {"Sent", "Cancelled: No Recipients"}
        assert "Sent" in {status(api, id_) for id_, _ in plans}
