"""A client of `ka.connect` really waits for Klaviyo's limits; the other tests let its pauses pass at once."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from types import SimpleNamespace

import pytest

import klaviyo_analytics as ka
from klaviyo_analytics import _connect
from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.http import cancellation
from klaviyo_analytics.http.rate_limits import Pacer
from klaviyo_analytics.quota.budget import Quota
from klaviyo_analytics.sandbox import Sandbox
from tests.http.clocks import Clock


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of this process, as clients of users see it: only a pause moves it on."""
    clock = Clock()
    python = SimpleNamespace(sleep=clock.sleep, monotonic=clock)
    monkeypatch.setattr(cancellation, "time", python)
    monkeypatch.setattr(_connect, "time", python)
    monkeypatch.setattr(_connect, "Pacer", Pacer)
    monkeypatch.setattr(_connect, "Quota", partial(Quota, clock=clock))
    return clock


@pytest.fixture
def client(clock: Clock) -> Iterator[KlaviyoClient]:
    del clock  # it has to stand before the client is made
    with (
        Sandbox(profiles=30, events=300) as sandbox,
        ka.connect(api_key=sandbox.api_key, base_url=sandbox.direct_url, progress=False) as client,
    ):
        yield client


def test_more_questions_than_a_second_allows_wait_for_the_rest_of_it(
    client: KlaviyoClient, clock: Clock
) -> None:
    for _ in range(3):
        client.request("GET", "/api/accounts")  # one a second
    assert clock.slept == pytest.approx([1, 1], abs=0.1)  # a second, and a little more


def test_the_third_report_in_a_minute_waits_for_the_rest_of_it(client: KlaviyoClient, clock: Clock) -> None:
    metric = client.metrics.list()["id"].iloc[0]
    client._api.paced = False  # the pacing of all calls; what is left is the count of reports
    before = len(clock.slept)
    for days in (30, 31, 32):  # one a second, two a minute
        client.reports.campaign_values(
            timeframe=f"last {days} days", statistics=["opens"], conversion_metric=metric
        )
    assert clock.slept[before:] == pytest.approx([1, 59], abs=0.2)
