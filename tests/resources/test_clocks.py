"""Times mean the same on every machine: UTC in answers, the account's clock in arguments."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pandas as pd
import pytest

import klaviyo_analytics as ka
from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.errors import InvalidInputError, KlaviyoError, MalformedResponseError
from klaviyo_analytics.timeframe.words import answered
from tests.resources.answering import account, answering, metrics, row

MACHINES = ["UTC", "America/Los_Angeles", "Pacific/Auckland"]
HOURS = [datetime(2025, 3, 1, tzinfo=UTC) + timedelta(hours=hour) for hour in range(1500)]


@pytest.fixture(autouse=True, params=MACHINES)
def machine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The zone of the machine."""
    if not hasattr(time, "tzset"):
        pytest.skip("this system has no tzset")
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield request.param
    monkeypatch.undo()
    time.tzset()


def hourly(method: str, path: str, query: dict[str, str], body: Any) -> Any:
    """An event an hour, with times that have no offset."""
    if path.startswith("/api/metrics"):
        return metrics("Opened Email")
    low = re.search(r"greater-or-equal\(datetime,([^)]+)\)", query.get("filter", ""))
    high = re.search(r"less-than\(datetime,([^)]+)\)", query.get("filter", ""))
    first = datetime.fromisoformat(low[1]) if low else HOURS[0]
    last = datetime.fromisoformat(high[1]) if high else HOURS[-1] + timedelta(days=1)
    found = [(n, hour) for n, hour in enumerate(HOURS) if first <= hour < last]
    at, size = int(query.get("page[cursor]", 0)), int(query["page[size]"])
    following = f"https://a.klaviyo.com{path}?" + urlencode({**query, "page[cursor]": at + size})
    return {
        "data": [
            row("event", f"E{n}", datetime=hour.replace(tzinfo=None).isoformat(), event_properties={})
            for n, hour in found[at : at + size]
        ],
        "links": {"next": following if at + size < len(found) else None},
    }


class TestAnswers:
    @pytest.mark.parametrize("workers", [1, 3, 6])
    def test_an_event_without_an_offset_is_of_utc(self, workers: int) -> None:
        with answering(hourly) as client:
            frame = client.events.list(page_size=100, workers=workers)
        assert frame["id"].tolist() == [f"E{n}" for n in range(len(HOURS))]
        assert frame["datetime"].tolist() == HOURS

    def test_an_interval_without_an_offset_is_of_utc(self) -> None:
        dates = ["2026-05-01T04:00:00", "2026-05-02T04:00:00"]

        def make(method: str, path: str, query: dict[str, str], body: Any) -> Any:
            if path.startswith("/api/metrics"):
                return metrics("Opened Email")
            rows = [{"dimensions": [], "measurements": {"count": [3, 4]}}]
            return {
                "data": {"type": "metric-aggregate", "id": "x", "attributes": {"dates": dates, "data": rows}}
            }

        with answering(make) as client:
            frame = client.metric_aggregates.query("Opened Email", timeframe=("2026-05-01", "2026-05-03"))
        assert [str(start) for start in frame["datetime"]] == [
            "2026-05-01 00:00:00-04:00",
            "2026-05-02 00:00:00-04:00",
        ]

    @pytest.mark.parametrize(
        ("written", "meant"),
        [
            ("2026-02-03T04:05:06", datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)),
            ("2026-02-03T04:05:06Z", datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)),
            ("2026-02-03 04:05:06-05:00", datetime(2026, 2, 3, 9, 5, 6, tzinfo=UTC)),
            ("2026-02-03", datetime(2026, 2, 3, tzinfo=UTC)),
        ],
    )
    def test_written_with_or_without_an_offset(self, written: str, meant: datetime) -> None:
        assert answered(written) == meant

    @pytest.mark.parametrize(
        "odd", [None, "", "soon", "03/02/2026", 1770000000, {}, [], True, "0001-01-01T00:00:00+14:00"]
    )
    def test_what_is_not_a_time_is_none(self, odd: Any) -> None:
        assert answered(odd) is None


class TestArguments:
    """09:30 on 5 July in New York is 13:30 in UTC."""

    @pytest.fixture
    def client(self) -> Iterator[KlaviyoClient]:
        with answering(lambda *_: {"data": [], "links": {}}) as client:
            yield client

    @pytest.mark.parametrize(
        "given",
        ["2026-07-05T09:30", datetime.fromisoformat("2026-07-05T09:30"), pd.Timestamp("2026-07-05 09:30")],
    )
    def test_without_an_offset_are_on_the_accounts_clock(self, client: KlaviyoClient, given: Any) -> None:
        calls = {
            "create": client.coupon_codes.create(
                unique_code="A", coupon="TEN", expires_at=given, dry_run=True
            ),
            "update": client.coupon_codes.update("TEN-A", expires_at=given, dry_run=True),
            "bulk": client.bulk_jobs.submit(
                "coupon_code_create",
                [{"unique_code": "A", "coupon": "TEN", "expires_at": given}],
                dry_run=True,
            ),
            "event": client.events.create(
                metric="Scored", profile={"email": "a@shop.example"}, properties={}, time=given, dry_run=True
            ),
            "consent": client.profiles.subscribe("a@shop.example", consented_at=given, dry_run=True),
            "campaign": client.campaigns.update("C1", send_strategy=given, dry_run=True),
            "throttled": client.campaigns.update(
                "C1",
                send_strategy={"method": "throttled", "datetime": given, "throttle_percentage": 25},
                dry_run=True,
            ),
        }
        for name, request in calls.items():
            assert "2026-07-05T13:30:00+00:00" in str(request["body"].iloc[0]), name

    def test_of_each_recipients_own_clock_stay_as_they_are(self, client: KlaviyoClient) -> None:
        strategy = {"method": "static", "datetime": "2026-07-05T09:30", "options": {"is_local": True}}
        request = client.campaigns.update("C1", send_strategy=strategy, dry_run=True)
        assert "2026-07-05T09:30:00+00:00" in str(request["body"].iloc[0])

    @pytest.mark.parametrize("odd", ["31/12/2026", "tomorrow", 5, float("nan"), pd.NaT, "9999-12-31T23:59"])
    def test_what_is_not_a_time_is_refused_in_our_words(self, client: KlaviyoClient, odd: Any) -> None:
        with pytest.raises(InvalidInputError, match=r"time|date"):
            client.coupon_codes.create(unique_code="A", coupon="TEN", expires_at=odd, dry_run=True)

    def test_words_go_by_the_accounts_zone_and_the_clients_clock(self, client: KlaviyoClient) -> None:
        client._context.now = lambda: datetime(2026, 7, 1, 2, tzinfo=UTC)  # still 30 June in New York
        assert str(client.timeframe("last quarter")) == "2026-01-01 to 2026-03-31 (America/New_York)"
        assert str(client.timeframe("yesterday")) == "2026-06-29 (America/New_York)"
        assert client.now().isoformat() == "2026-06-30T22:00:00-04:00"
        assert client.timeframe("today", timezone="UTC").start == datetime(2026, 7, 1, tzinfo=UTC)


class TestTheAccountsZone:
    @pytest.mark.parametrize(
        ("zone", "said"), [(None, "null"), ("", "empty"), ("  ", "empty"), ("Mars/Olympus", "'Mars/Olympus'")]
    )
    def test_that_is_missing_or_unknown_is_named(self, zone: Any, said: str) -> None:
        with answering(lambda *_: {"data": [], "links": {}}, account(timezone=zone)) as client:
            with pytest.raises(MalformedResponseError, match=said):
                client.timeframe("last week")
            with pytest.raises(KlaviyoError, match=said):
                client.events.list(start="2026-05-01")


class TestSeveralMetrics:
    @pytest.mark.parametrize("odd", ["14/08/2023 15:50", "", None, 1692028246])
    def test_an_odd_time_loses_no_row(self, odd: Any) -> None:
        def make(method: str, path: str, query: dict[str, str], body: Any) -> Any:
            if path.startswith("/api/metrics"):
                return metrics("A", "B")
            first = "M1" in query["filter"]
            when = "2023-08-14T15:50:46Z" if first else odd
            return {"data": [row("event", "1" if first else "2", datetime=when)], "links": {}}

        with answering(make) as client, pytest.warns(ka.SchemaWarning) if odd is not None else _no_warning():
            frame = client.events.list(metric=["A", "B"])
        assert sorted(frame["id"]) == ["1", "2"]
        assert frame["metric_id"].notna().sum() == 0


class _no_warning:  # noqa: N801 - it stands where pytest.warns does
    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...
