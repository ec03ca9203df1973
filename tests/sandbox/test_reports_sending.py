"""When a message was sent, and so which report its events belong to: a few events, counted by hand."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from klaviyo_analytics.sandbox import Sandbox
from klaviyo_analytics.sandbox.model import Attribution, EventLog
from tests.sandbox.accounts import ANNA, BO, CY, NOW, OPENED, PLACED, RECEIVED, events, small_account
from tests.sandbox.api import Api

NEW_YORK = ZoneInfo("America/New_York")
FLOW = {"$message": "FMSG01", "$flow": "FLOW01"}
CAMPAIGN = {"$message": "MSG1"}


def at(text: str) -> int:
    """Seconds of a time in New York, or of one with an offset of its own."""
    moment = datetime.fromisoformat(text)
    return int((moment if moment.tzinfo else moment.replace(tzinfo=NEW_YORK)).timestamp())


def log_of(rows: list[Any], credits_: dict[int, Attribution] | None = None) -> EventLog:
    """A log of (time, metric, profile, value, properties); `credits_` goes by the time of the order."""
    log = events([(at(time), *rest) for time, *rest in rows])
    log.attribution = [(credits_ or {}).get(time) for time in log.time.tolist()]
    return log


def ask(log: EventLog, kind: str, start: str, end: str, **attributes: Any) -> Any:
    """The attributes of a report on the small account with these events."""
    known: dict[str, Any] = {
        "statistics": ["delivered", "opens", "opens_unique", "conversions", "conversion_value"],
        "timeframe": {"start": start, "end": end},
        "conversion_metric_id": PLACED,
    }
    sandbox = Sandbox(account=small_account(log))
    try:
        body = {"data": {"type": f"{kind}-report", "attributes": known | attributes}}
        reply = Api(sandbox).post(f"/api/{kind}-reports", body)
    finally:
        sandbox.close()
    assert reply.status == 200, reply.body
    return reply.json["data"]["attributes"]


def numbers(log: EventLog, kind: str, start: str, end: str, **attributes: Any) -> list[list[Any]]:
    """The statistics of each row."""
    results = ask(log, kind, start, end, **attributes)["results"]
    return [list(row["statistics"].values()) for row in results]


AGAIN = log_of(
    [
        ("2025-11-03T10:00:00", RECEIVED, ANNA, None, FLOW),
        ("2025-11-03T10:05:00", OPENED, ANNA, None, FLOW),
        ("2025-11-08T09:59:59", OPENED, ANNA, None, FLOW),
        ("2025-11-08T10:00:00", RECEIVED, ANNA, None, FLOW),
        ("2025-11-08T10:00:00", RECEIVED, BO, None, FLOW),
        ("2025-11-08T10:00:00", OPENED, BO, None, FLOW),
        ("2025-11-08T11:00:00", PLACED, ANNA, 40.0, {}),
        ("2025-11-09T08:00:00", OPENED, ANNA, None, FLOW),
        ("2025-11-09T09:00:00", PLACED, ANNA, 2.5, {}),
    ],
    {
        at("2025-11-08T11:00:00"): Attribution(
            "a1", "email", "FMSG01", at("2025-11-03T09:59:58"), flow="FLOW01"
        ),
        at("2025-11-09T09:00:00"): Attribution(
            "a2", "email", "FMSG01", at("2025-11-08T10:00:00"), flow="FLOW01"
        ),
    },
)


class TestSendDates:
    def test_what_happens_later_belongs_to_the_sending_before_it(self) -> None:
        first = numbers(AGAIN, "flow-values", "2025-11-03T00:00:00Z", "2025-11-03T23:59:59Z")
        second = numbers(AGAIN, "flow-values", "2025-11-08T00:00:00Z", "2025-11-08T23:59:59Z")
        assert first == [[1, 2, 1, 1, 40.0]], "two opens, the later one days after; an order days after"
        assert second == [[2, 2, 2, 1, 2.5]]

    def test_a_day_on_which_nothing_was_sent_has_no_row(self) -> None:
        assert numbers(AGAIN, "flow-values", "2025-11-09T00:00:00Z", "2025-11-09T23:59:59Z") == []

    def test_in_the_whole_a_profile_is_unique_once(self) -> None:
        whole = numbers(AGAIN, "flow-values", "2025-11-01T00:00:00Z", "2025-11-30T00:00:00Z")
        assert whole == [[3, 4, 2, 2, 42.5]]

    def test_a_series_goes_by_sending_too(self) -> None:
        days = ask(AGAIN, "flow-series", "2025-11-03T00:00:00Z", "2025-11-09T23:59:59Z", interval="daily")
        (row,) = days["results"]
        assert row["statistics"]["opens"] == [2, 0, 0, 0, 0, 2, 0]
        assert row["statistics"]["conversion_value"] == [40.0, 0, 0, 0, 0, 2.5, 0]
        assert days["date_times"][0] == "2025-11-03T00:00:00+00:00"

    def test_a_campaign_was_sent_when_it_says_so(self) -> None:
        log = log_of(
            [
                ("2026-01-16T12:40:00+00:00", RECEIVED, ANNA, None, CAMPAIGN),
                ("2026-01-17T12:40:00+00:00", RECEIVED, BO, None, CAMPAIGN),
                ("2026-01-19T12:40:00+00:00", OPENED, BO, None, CAMPAIGN),
                ("2026-01-19T13:40:00+00:00", PLACED, BO, 9.99, {}),
            ],
            {at("2026-01-19T13:40:00+00:00"): Attribution("a", "email", "MSG1", NOW, campaign="01CAMP")},
        )
        moment = "2026-01-16T07:00:00Z"  # four days before now, on the wall in New York
        assert numbers(log, "campaign-values", moment, moment) == [[2, 1, 1, 1, 9.99]]
        assert numbers(log, "campaign-values", "2026-01-16T07:00:01Z", "2026-12-31T00:00:00Z") == []

    def test_a_campaign_without_a_time_was_sent_when_it_arrived(self) -> None:
        log = log_of([("2026-01-17T12:00:00", RECEIVED, BO, None, CAMPAIGN)])
        account = small_account(log)
        account.records["campaign"]["01CAMP"].attributes["send_time"] = None
        sandbox = Sandbox(account=account)
        attributes = {
            "statistics": ["delivered"],
            "timeframe": {"start": "2026-01-17T12:00:00Z", "end": "2026-01-17T12:00:00Z"},
            "conversion_metric_id": PLACED,
        }
        body = {"data": {"type": "campaign-values-report", "attributes": attributes}}
        results = (
            Api(sandbox).post("/api/campaign-values-reports", body).json["data"]["attributes"]["results"]
        )
        sandbox.close()
        assert [row["statistics"] for row in results] == [{"delivered": 1}]

    def test_what_was_never_received_counts_when_it_happened(self) -> None:
        log = log_of(
            [
                ("2025-11-03T10:00:00", RECEIVED, ANNA, None, FLOW),
                ("2025-11-05T10:00:00", OPENED, CY, None, FLOW),
                ("2025-11-05T10:00:00", OPENED, None, None, FLOW),
                ("2025-11-05T10:00:00", OPENED, CY, None, {"$message": "GONE"}),
                ("2025-11-05T10:00:00", OPENED, CY, None, {}),
            ]
        )
        found = numbers(log, "flow-values", "2025-11-05T00:00:00Z", "2025-11-06T00:00:00Z")
        assert found == [[0, 2, 1, 0, 0.0]], "nobody is nobody twice; deleted messages are not reported"


class TestBounds:
    LOG = log_of(
        [
            ("2025-11-04T23:59:59", RECEIVED, ANNA, None, FLOW),
            ("2025-11-05T00:00:00", RECEIVED, BO, None, FLOW),
            ("2025-11-05T00:00:01", RECEIVED, CY, None, FLOW),
        ]
    )

    @pytest.mark.parametrize(
        ("start", "end", "delivered"),
        [
            ("2025-11-04T23:59:59Z", "2025-11-05T00:00:01Z", 3),
            ("2025-11-05T00:00:00Z", "2025-11-05T00:00:00Z", 1),
            ("2025-11-05T00:00:00Z", "2025-11-05T00:00:00.999Z", 1),
            ("2025-11-04T23:59:59.5Z", "2025-11-05T00:00:01Z", 2),
            ("2025-11-05", "2025-11-06", 2),
            ("2025-11-01", "2025-11-05", 2),
        ],
    )
    def test_both_ends_belong_to_the_frame(self, start: str, end: str, delivered: int) -> None:
        (row,) = numbers(self.LOG, "flow-values", start, end, statistics=["delivered"])
        assert row == [delivered]

    @pytest.mark.parametrize("offset", ["", "Z", "+00:00", "-05:00", "+09:00"])
    def test_the_offset_is_ignored(self, offset: str) -> None:
        start, end = f"2025-11-05T00:00:00{offset}", f"2025-11-05T00:00:00{offset}"
        assert numbers(self.LOG, "flow-values", start, end, statistics=["delivered"]) == [[1]]


class TestClockChanges:
    def test_an_hour_that_the_clock_shows_twice_is_one(self) -> None:
        log = log_of(
            [
                ("2025-11-02T01:30:00-04:00", RECEIVED, ANNA, None, FLOW),
                ("2025-11-02T01:10:00-05:00", RECEIVED, BO, None, FLOW),
                ("2025-11-02T23:59:59-05:00", RECEIVED, CY, None, FLOW),
            ]
        )
        day = "2025-11-02T00:00:00Z", "2025-11-02T23:59:59Z"
        hours = ask(log, "flow-series", *day, statistics=["delivered"], interval="hourly")
        (row,) = hours["results"]
        assert len(hours["date_times"]) == len(set(hours["date_times"])) == 24
        assert row["statistics"]["delivered"] == [0, 2, *[0] * 21, 1]
        halves = [
            numbers(
                log, "flow-values", "2025-11-02T00:00:00Z", "2025-11-02T01:19:59Z", statistics=["delivered"]
            ),
            numbers(
                log, "flow-values", "2025-11-02T01:20:00Z", "2025-11-02T01:59:59Z", statistics=["delivered"]
            ),
        ]
        assert halves == [[[1]], [[1]]], "a cut within that hour loses nothing and counts nothing twice"

    def test_an_hour_that_the_clock_skips_is_empty(self) -> None:
        log = log_of(
            [
                ("2025-03-09T01:59:59-05:00", RECEIVED, ANNA, None, FLOW),
                ("2025-03-09T03:00:00-04:00", RECEIVED, BO, None, FLOW),
            ]
        )
        day = "2025-03-09T00:00:00Z", "2025-03-09T23:59:59Z"
        hours = ask(log, "flow-series", *day, statistics=["delivered"], interval="hourly")
        (row,) = hours["results"]
        assert hours["date_times"][2] == "2025-03-09T02:00:00+00:00"
        assert row["statistics"]["delivered"] == [0, 1, 0, 1, *[0] * 20]


def test_what_came_in_through_the_api_is_reported() -> None:
    sandbox = Sandbox(account=small_account(log_of([])))
    api = Api(sandbox)
    metric = {"name": "Received Email", "service": "Internal"}
    attributes = {
        "properties": FLOW,
        "metric": {"data": {"type": "metric", "attributes": metric}},
        "profile": {"data": {"type": "profile", "id": ANNA, "attributes": {}}},
        "time": "2026-01-10T12:00:00Z",
    }
    question = {
        "statistics": ["recipients"],
        "timeframe": {"key": "last_30_days"},
        "conversion_metric_id": PLACED,
    }
    body = {"data": {"type": "flow-values-report", "attributes": question}}
    before = api.post("/api/flow-values-reports", body).json["data"]["attributes"]["results"]
    assert api.post("/api/events", {"data": {"type": "event", "attributes": attributes}}).status == 202
    after = api.post("/api/flow-values-reports", body).json["data"]["attributes"]["results"]
    sandbox.close()
    assert before == []
    groupings = {"flow_id": "FLOW01", "flow_message_id": "FMSG01", "send_channel": "email"}
    assert after == [{"groupings": groupings, "statistics": {"recipients": 1}}]
