"""When a message was sent, and so which report its events belong to: a few events, counted by hand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import pytest

from klaviyo_analytics.sandbox import Sandbox
from klaviyo_analytics.sandbox.model import Attribution
from tests.sandbox.accounts import ANNA, BO, CY, NOW, OPENED, PLACED, RECEIVED, small_account
from tests.sandbox.api import Api
from tests.sandbox.by_hand import FLOW, ask, at, log_of, numbers

CAMPAIGN = {"$message": "MSG1"}


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

    def test_an_order_belongs_to_a_delivery_noted_a_moment_after_the_sending(self) -> None:
        log = log_of(
            [
                ("2025-11-04T00:00:01", RECEIVED, ANNA, None, FLOW),
                ("2025-11-04T09:00:00", PLACED, ANNA, 5.0, {}),
            ],
            {
                at("2025-11-04T09:00:00"): Attribution(
                    "a1", "sms", "FMSG01", at("2025-11-03T23:59:59"), flow="FLOW01"
                )
            },
        )
        found = numbers(log, "flow-values", "2025-11-04T00:00:00Z", "2025-11-04T23:59:59Z")
        assert found == [[1, 0, 0, 1, 5.0]]

    def test_who_orders_twice_converts_once(self) -> None:
        times = ["2025-11-04T09:00:00", "2025-11-04T10:00:00"]
        credit = Attribution("a1", "email", "FMSG01", at("2025-11-04T00:00:00"), flow="FLOW01")
        log = log_of(
            [
                ("2025-11-04T00:00:00", RECEIVED, ANNA, None, FLOW),
                ("2025-11-04T00:00:00", RECEIVED, BO, None, FLOW),
                *[(time, PLACED, ANNA, 10.0, {}) for time in times],
            ],
            {at(time): credit for time in times},
        )
        asked = ["conversions", "conversion_uniques", "conversion_rate", "average_order_value"]
        asked += ["revenue_per_recipient"]
        day = "2025-11-04T00:00:00Z", "2025-11-04T23:59:59Z"
        assert numbers(log, "flow-values", *day, statistics=asked) == [[2, 1, 0.5, 10.0, 10.0]]

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

    def test_what_happens_before_the_first_delivery_does_not_belong_to_it(self) -> None:
        log = log_of(
            [
                ("2025-11-05T10:00:00", OPENED, ANNA, None, FLOW),
                ("2025-11-08T10:00:00", RECEIVED, ANNA, None, FLOW),
            ]
        )
        found = numbers(log, "flow-values", "2025-11-05T00:00:00Z", "2025-11-05T23:59:59Z")
        assert found == [[0, 1, 1, 0, 0.0]]


def came_in(api: Api, metric: str, time: str, **properties: Any) -> None:
    """Send Anna's event through the API."""
    service = {"name": metric, "service": "Internal"}
    attributes = {
        "properties": properties,
        "metric": {"data": {"type": "metric", "attributes": service}},
        "profile": {"data": {"type": "profile", "id": ANNA, "attributes": {}}},
        "time": time,
    }
    assert api.post("/api/events", {"data": {"type": "event", "attributes": attributes}}).status == 202


@pytest.fixture
def empty() -> Iterator[Api]:
    """A small account in which nothing has happened."""
    sandbox = Sandbox(account=small_account(log_of([])))
    yield Api(sandbox)
    sandbox.close()


class TestComingIn:
    FRAME: ClassVar = {"start": "2026-01-10T00:00:00Z", "end": "2026-01-10T23:59:59Z"}

    def flow(self, api: Api, *statistics: str) -> list[Any]:
        body = {
            "type": "flow-values-report",
            "attributes": {
                "statistics": statistics,
                "timeframe": self.FRAME,
                "conversion_metric_id": PLACED,
            },
        }
        reply = api.post("/api/flow-values-reports", {"data": body})
        return list(reply.json["data"]["attributes"]["results"])

    def test_what_came_in_through_the_api_is_reported(self, empty: Api) -> None:
        assert self.flow(empty, "recipients") == []
        came_in(empty, "Received Email", "2026-01-10T12:00:00Z", **FLOW)
        groupings = {"flow_id": "FLOW01", "flow_message_id": "FMSG01", "send_channel": "email"}
        assert self.flow(empty, "recipients") == [{"groupings": groupings, "statistics": {"recipients": 1}}]

    def test_a_bounce_does_not_belong_to_an_earlier_delivery(self, empty: Api) -> None:
        came_in(empty, "Received Email", "2026-01-08T12:00:00Z", **FLOW)
        came_in(empty, "Bounced Email", "2026-01-10T12:00:00Z", **FLOW)
        (row,) = self.flow(empty, "recipients", "delivered", "bounced", "bounce_rate", "open_rate")
        assert list(row["statistics"].values()) == [1, 0, 1, 1.0, 0.0]

    def test_an_event_about_no_form_is_in_no_form_report(self, empty: Api) -> None:
        came_in(empty, "Viewed Form", "2026-01-10T12:00:00Z", page="/")
        came_in(empty, "Viewed Form", "2026-01-10T13:00:00Z", form_id="FORM01")
        body = {
            "type": "form-values-report",
            "attributes": {"statistics": ["viewed_form", "submit_rate"], "timeframe": self.FRAME},
        }
        (row,) = empty.post("/api/form-values-reports", {"data": body}).json["data"]["attributes"]["results"]
        assert row == {
            "groupings": {"form_id": "FORM01"},
            "statistics": {"viewed_form": 1, "submit_rate": 0.0},
        }
