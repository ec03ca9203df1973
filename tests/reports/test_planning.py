"""What a question costs: told before, kept to, and counted over restarts."""

from __future__ import annotations

import logging
from typing import Any

import pandas as pd
import pytest

from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.errors import ConnectionFailedError, QuotaExhaustedError
from klaviyo_analytics.quota.budget import Ledger
from klaviyo_analytics.vocabulary import Interval
from tests.reports.accounts import REPORTS, SHOPIFY, Visits


def test_a_plan_asks_for_no_report(visits: Visits) -> None:
    client = visits.connect()
    plan = client.reports.plan("flow_series", interval="day", timeframe="2025", conversion_metric=SHOPIFY)
    assert visits.calls() == {"accounts": 1, "metrics": 1}
    assert plan["start"].iloc[0] == pd.Timestamp("2025-01-01", tz="America/New_York")
    assert (plan["start"].iloc[1:].to_numpy() == plan["end"].iloc[:-1].to_numpy()).all()
    assert plan["wait"].dt.total_seconds().tolist() == [0, 1, 60, 61, 120, 121, 180]
    assert plan["left_today"].tolist() == [224, 223, 222, 221, 220, 219, 218]
    assert not plan["cached"].any()
    assert plan.attrs["plan"] == "7 calls, about 3 min, 225 of 225 left today"


def test_the_plan_is_what_then_happens(visits: Visits, caplog: pytest.LogCaptureFixture) -> None:
    client, clock = visits.connect(), visits.shop.clock
    query: dict[str, Any] = {"interval": "day", "timeframe": "2025", "conversion_metric": SHOPIFY}
    plan = client.reports.plan("flow_series", **query)
    begun = clock.now
    with caplog.at_level(logging.INFO, "klaviyo_analytics"):
        client.reports.flow_series(**query)
    assert visits.calls()["flow-series-reports"] == len(plan)
    assert clock.now - begun == pytest.approx(plan["wait"].iloc[-1].total_seconds(), abs=1)
    assert "flow-series-reports: 7 calls, about 3 min, 225 of 225 left today" in caplog.messages


def test_the_servers_own_limits_are_never_met(visits: Visits) -> None:
    settings = visits.shop.sandbox.settings
    settings.rate_limits = True
    try:
        for _ in range(2):  # the second client has to know of the first one's calls
            client = visits.connect()
            client.reports.form_series(interval="day", timeframe="2025")
            assert {request.status for request in visits.requests()} == {200}
    finally:
        settings.rate_limits = False


def test_the_day_is_counted_over_restarts(visits: Visits) -> None:
    visits.connect().reports.form_series(interval="day", timeframe="2025")
    client = visits.connect()
    client.reports.form_values()
    budget = client.reports.budget().set_index("report")
    assert list(budget.index) == list(REPORTS)
    assert budget["used"].to_dict() == {**dict.fromkeys(REPORTS, 0), "form_series": 7, "form_values": 1}
    assert budget.loc["form_series", "left"] == 218
    visits.shop.clock.sleep(86_500)
    assert visits.connect().reports.budget()["used"].sum() == 0


def test_what_the_day_has_no_room_for_is_not_begun(visits: Visits) -> None:
    client = visits.connect()
    quota, endpoint = client._context.quota, client._api.catalog["query_form_series"]
    quota.ledger = Ledger()  # quicker than a file
    account = f"{visits.shop.url.removeprefix('http://')} {client.account['id']}"
    for _ in range(222):
        quota.acquire(account, endpoint)
    client.reports.form_series(interval="week", timeframe="last 4 weeks")
    visits.forget()
    with pytest.raises(
        QuotaExhaustedError,
        match=r"form-series-reports: this query needs 7 calls, but only 2 of the 225 calls",
    ):
        client.reports.form_series(interval="day", timeframe="2025")
    assert not visits.calls()


def test_every_page_is_a_call(visits: Visits) -> None:
    settings = visits.shop.sandbox.settings
    settings.report_page_size = 4
    try:
        client = visits.connect()
        client.reports.flow_values(timeframe="last 300 days")
        pages = visits.calls()["flow-values-reports"]
        assert pages > 1
        assert client.reports.budget().set_index("report").loc["flow_values", "used"] == pages
    finally:
        settings.report_page_size = 100


def test_a_call_that_never_arrived_is_not_counted(visits: Visits) -> None:
    client = visits.connect()
    visits.shop.sandbox.faults.add(path="*/form-values-reports", drop="before", times=None)
    try:
        with pytest.raises(ConnectionFailedError):
            client.reports.form_values()
    finally:
        visits.shop.sandbox.faults.clear()
    assert client.reports.budget()["used"].sum() == 0


@pytest.mark.parametrize(
    ("interval", "timeframe", "calls"),
    [("hour", "last 14 days", 2), ("day", "last 120 days", 2), ("week", "last 52 weeks", 1), ("month", "2025", 2)],
)  # fmt: skip
def test_the_fewest_calls(visits: Visits, interval: Interval, timeframe: str, calls: int) -> None:
    client = visits.connect()
    assert len(client.reports.plan("segment_series", interval=interval, timeframe=timeframe)) == calls


class TestEveryCallCounts:
    @staticmethod
    def used(client: KlaviyoClient) -> int:
        return int(client.reports.budget().set_index("report")["used"]["form_values"])

    def test_a_request_by_hand(self, visits: Visits) -> None:
        client = visits.connect()
        asked = {"statistics": ["submits"], "timeframe": {"key": "last_30_days"}}
        body = {"data": {"type": "form-values-report", "attributes": asked}}
        client.request("post", "/api/form-values-reports", json=body)
        client.request("GET", "/api/accounts")
        assert self.used(client) == 1

    def test_what_the_server_failed_at_and_was_asked_again(self, visits: Visits) -> None:
        client = visits.connect()
        visits.shop.sandbox.faults.add(path="/api/form-values-reports", times=2, status=503)
        client.reports.form_values()
        assert visits.calls()["form-values-reports"] == 3
        assert self.used(client) == 3
