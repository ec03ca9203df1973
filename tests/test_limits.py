"""A client of `ka.connect` really waits for Klaviyo's limits; the other tests let its pauses pass at once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

import klaviyo_analytics as ka
from klaviyo_analytics import _connect
from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.http import cancellation
from klaviyo_analytics.http.rate_limits import Pacer
from klaviyo_analytics.quota.budget import Quota
from klaviyo_analytics.sandbox import Sandbox


class Waits(Exception):  # noqa: N818  (what happens, not a fault)
    """The client would wait; the number of seconds."""


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[KlaviyoClient]:
    """A client with the clocks that users have, of which a pause is told instead of slept."""

    def told(seconds: float) -> None:
        raise Waits(seconds)

    monkeypatch.setattr(_connect, "Pacer", Pacer)
    monkeypatch.setattr(_connect, "Quota", Quota)
    monkeypatch.setattr(cancellation, "time", SimpleNamespace(sleep=told, monotonic=time.monotonic))
    with (
        Sandbox(profiles=30, events=300) as sandbox,
        ka.connect(api_key=sandbox.api_key, base_url=sandbox.direct_url, progress=False) as client,
    ):
        yield client


def test_more_questions_than_a_second_allows_wait_for_the_rest_of_it(client: KlaviyoClient) -> None:
    def ask() -> None:
        for _ in range(5):
            client.request("GET", "/api/accounts")  # one a second

    with pytest.raises(Waits) as waited:
        ask()
    assert 0 < waited.value.args[0] < 2  # a second, and a little more


def test_the_third_report_in_a_minute_waits_for_the_rest_of_it(client: KlaviyoClient) -> None:
    metric = client.metrics.list()["id"].iloc[0]
    client._api.paced = False  # the pacing of all calls; what is left is the count of reports

    def ask() -> None:
        for days in (30, 31, 32):
            client.reports.campaign_values(
                timeframe=f"last {days} days", statistics=["opens"], conversion_metric=metric
            )

    with pytest.raises(Waits) as waited:
        ask()
    assert 1 < waited.value.args[0] <= 60
