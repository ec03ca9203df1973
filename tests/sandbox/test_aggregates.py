"""Metric aggregates: the same events, counted by interval and dimension."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from klaviyo_analytics.sandbox import Sandbox
from klaviyo_analytics.sandbox.app.aggregates import bucket_starts
from tests.sandbox.accounts import ANNA, BO, OPENED, PLACED, events, small_account
from tests.sandbox.api import HOST, Api, Reply

RANGE = ["greater-or-equal(datetime,2025-11-01T00:00:00)", "less-than(datetime,2025-11-04T00:00:00)"]
NEW_YORK = [
    "greater-or-equal(datetime,2025-11-01T00:00:00-04:00)",
    "less-than(datetime,2025-11-04T00:00:00-05:00)",
]


def seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def order(time: str, profile: str | None, value: float | None, **properties: Any) -> Any:
    return (seconds(time), PLACED, profile, value, properties)


ORDERS = [
    order("2025-10-31T23:59:59", ANNA, 1000.0),  # before the range
    order("2025-11-01T04:00:00", ANNA, 10.0, URL="/a"),  # midnight in New York
    order("2025-11-01T12:00:00", ANNA, 20.0, URL="/b"),
    order("2025-11-01T12:00:00", BO, None, URL="/b"),
    order("2025-11-02T05:30:00", BO, 5.5, URL="/a"),  # 01:30 in New York, the first of two
    order("2025-11-02T06:30:00", BO, 6.5),  # 01:30 again
    order("2025-11-03T04:59:59", None, 7.0),  # the last second of a day of 25 hours
    order("2025-11-04T00:00:00", ANNA, 500.0),  # after the range, in UTC
    (seconds("2025-11-01T12:00:00"), OPENED, ANNA, None, {}),
]


@pytest.fixture
def api() -> Iterator[Api]:
    sandbox = Sandbox(account=small_account(events(ORDERS)))
    yield Api(sandbox)
    sandbox.close()


def ask(api: Api, **attributes: Any) -> Reply:
    known = {"metric_id": PLACED, "measurements": ["count"], "filter": RANGE}
    body = {"data": {"type": "metric-aggregate", "attributes": known | attributes}}
    return api.post("/api/metric-aggregates", body)


def rows(reply: Reply, measurement: str = "count") -> dict[tuple[str, ...], list[float]]:
    found = reply.json["data"]["attributes"]["data"]
    return {tuple(row["dimensions"]): row["measurements"][measurement] for row in found}


class TestNumbers:
    def test_days_in_utc(self, api: Api) -> None:
        reply = ask(api, measurements=["count", "sum_value", "unique"])
        assert reply.json["data"]["attributes"]["dates"] == [
            "2025-11-01T00:00:00+00:00",
            "2025-11-02T00:00:00+00:00",
            "2025-11-03T00:00:00+00:00",
        ]
        assert rows(reply, "count") == {(): [3, 2, 1]}
        assert rows(reply, "sum_value") == {(): [30, 12, 7]}
        assert rows(reply, "unique") == {(): [2, 1, 0]}, "an order without a profile is nobody's"

    def test_days_in_new_york_when_the_clocks_go_back(self, api: Api) -> None:
        reply = ask(api, timezone="America/New_York", filter=NEW_YORK)
        assert reply.json["data"]["attributes"]["dates"] == [
            "2025-11-01T04:00:00+00:00",
            "2025-11-02T04:00:00+00:00",
            "2025-11-03T05:00:00+00:00",
        ]
        assert rows(reply) == {(): [3, 3, 1]}

    def test_a_bound_without_an_offset_is_utc_whatever_the_zone(self, api: Api) -> None:
        reply = ask(api, timezone="America/New_York")
        assert reply.json["data"]["attributes"]["dates"][0] == "2025-10-31T04:00:00+00:00"
        assert rows(reply) == {(): [0, 3, 3, 0]}

    def test_hours_when_the_clocks_go_back(self, api: Api) -> None:
        bounds = [
            "greater-or-equal(datetime,2025-11-02T00:00:00-04:00)",
            "less-than(datetime,2025-11-02T03:00:00-05:00)",
        ]
        reply = ask(api, filter=bounds, timezone="America/New_York", interval="hour")
        assert len(reply.json["data"]["attributes"]["dates"]) == 4
        assert rows(reply) == {(): [0, 1, 1, 0]}

    def test_weeks_and_months_start_before_the_range(self, api: Api) -> None:
        week = ask(api, interval="week", timezone="America/New_York", filter=NEW_YORK)
        assert week.json["data"]["attributes"]["dates"] == [
            "2025-10-27T04:00:00+00:00",
            "2025-11-03T05:00:00+00:00",
        ]
        assert rows(week) == {(): [6, 1]}, "what lies before the range is not counted"
        month = ask(api, interval="month", timezone="America/New_York", filter=NEW_YORK)
        assert month.json["data"]["attributes"]["dates"] == ["2025-11-01T04:00:00+00:00"]

    def test_by_a_dimension(self, api: Api) -> None:
        assert rows(ask(api, by=["URL"])) == {("",): [0, 1, 1], ("/a",): [1, 1, 0], ("/b",): [2, 0, 0]}

    def test_by_the_message_that_gets_the_credit(self, api: Api) -> None:
        reply = ask(api, by=["$attributed_channel", "$attributed_message"])
        assert set(rows(reply)) == {("", ""), ("email", "MSG1")}
        assert sum(sum(row) for row in rows(reply).values()) == 6

    def test_filters_on_dimensions(self, api: Api) -> None:
        assert rows(ask(api, filter=[*RANGE, 'equals(URL,"/a")'])) == {(): [1, 1, 0]}
        assert rows(ask(api, filter=[",".join(RANGE) + ',any(URL,["/a","/b"])'])) == {(): [3, 1, 0]}

    def test_nothing_is_a_row_of_zeros_or_no_row(self, api: Api) -> None:
        assert rows(ask(api, metric_id="RCEIVD")) == {(): [0, 0, 0]}
        assert rows(ask(api, metric_id="RCEIVD", by=["URL"])) == {}

    def test_sorting(self, api: Api) -> None:
        assert list(rows(ask(api, by=["URL"], sort="-URL"))) == [("/b",), ("/a",), ("",)]
        totals = [sum(row) for row in rows(ask(api, by=["URL"], sort="count")).values()]
        assert totals == [2, 2, 2]
        spent = ask(api, by=["URL"], sort="-sum_value", measurements=["sum_value"])
        assert list(rows(spent, "sum_value")) == [("/b",), ("/a",), ("",)]

    def test_pages_of_rows(self, api: Api) -> None:
        first = ask(api, by=["URL"], page_size=2)
        assert list(rows(first)) == [("",), ("/a",)]
        prefix = f"{HOST}/api/metric-aggregates?page_cursor="
        link = first.json["links"]["next"]
        assert link.startswith(prefix)
        cursor = link.removeprefix(prefix).replace("%3D", "=")
        second = ask(api, by=["URL"], page_size=2, page_cursor=cursor)
        assert list(rows(second)) == [("/b",)]
        assert "next" not in second.json["links"]

    def test_what_came_in_is_counted(self, api: Api) -> None:
        before = rows(ask(api))[()]
        metric = {"data": {"type": "metric", "attributes": {"name": "Placed Order", "service": "eCommerce"}}}
        profile = {"data": {"type": "profile", "id": ANNA, "attributes": {}}}
        attributes = {"properties": {}, "metric": metric, "profile": profile, "time": "2025-11-02T01:00:00Z"}
        api.post("/api/events", {"data": {"type": "event", "attributes": attributes}})
        assert rows(ask(api))[()] == [before[0], before[1] + 1, before[2]]


class TestRefusals:
    @pytest.mark.parametrize(
        ("attributes", "pointer"),
        [
            ({"metric_id": "none"}, "metric_id"),
            ({"measurements": []}, "measurements"),
            ({"measurements": ["sum"]}, "measurements/0"),
            ({"interval": "daily"}, "interval"),
            ({"timezone": "america/new_york"}, "timezone"),
            ({"timezone": "Factory"}, "timezone"),
            ({"timezone": "Europe/Kyiv"}, "timezone"),
            ({"by": ["$flow", "Colour"]}, "by/1"),
            ({"by": ["$flow"], "sort": "$message"}, "sort"),
            ({"sort": "unique"}, "sort"),
            ({"page_size": 0}, "page_size"),
            ({"page_size": 501}, "page_size"),
            ({"page_size": "many"}, "page_size"),
            ({"page_cursor": "nonsense"}, "page_cursor"),
            ({"colour": "red"}, "colour"),
            ({"filter": RANGE[:1]}, "filter"),
            ({"filter": []}, "filter"),
            ({"filter": [RANGE[1], RANGE[1]]}, "filter"),
            ({"filter": ["greater-than(datetime,2025-11-01)", RANGE[1]]}, "filter"),
            ({"filter": ['greater-or-equal(datetime,"2025-11-01T00:00:00")', RANGE[1]]}, "filter"),
            ({"filter": [RANGE[0], "less-than(datetime,2025-11-01T00:00:00)"]}, "filter"),
            ({"filter": [RANGE[0], "less-than(datetime,2026-11-01T00:00:01)"]}, "filter"),
            (
                {"filter": ["greater-or-equal(datetime,2019-11-01)", "less-than(datetime,2019-12-01)"]},
                "filter",
            ),
            ({"filter": [*RANGE, 'equals(Colour,"red")']}, "filter"),
            ({"filter": [*RANGE, 'contains(URL,"/")']}, "filter"),
        ],
    )
    def test_400_at_the_attribute(self, api: Api, attributes: dict[str, Any], pointer: str) -> None:
        reply = ask(api, **attributes)
        assert (reply.status, reply.source) == (400, {"pointer": f"/data/attributes/{pointer}"}), reply.body

    def test_a_filter_that_cannot_be_read(self, api: Api) -> None:
        assert ask(api, filter=[*RANGE, "equals(URL,/a)"]).status == 400

    def test_a_year_is_not_too_long(self, api: Api) -> None:
        year = ["greater-or-equal(datetime,2025-01-20T00:00:00)", "less-than(datetime,2026-01-20T00:00:00)"]
        assert len(ask(api, filter=year).json["data"]["attributes"]["dates"]) == 365


class TestBuckets:
    @pytest.mark.parametrize(
        ("interval", "start", "end", "count"),
        [
            ("day", "2025-03-09T00:00", "2025-03-10T00:00", 1),
            ("hour", "2025-03-09T00:00", "2025-03-10T00:00", 23),
            ("hour", "2025-11-02T00:00", "2025-11-03T00:00", 25),
            ("week", "2025-03-03T00:00", "2025-03-31T00:00", 4),
            ("month", "2025-01-31T12:00", "2025-03-01T00:00", 2),
            ("month", "2024-12-31T12:00", "2025-01-01T00:01", 2),
            ("day", "2025-01-01T12:00", "2025-01-01T12:01", 1),
        ],
    )
    def test_how_many(self, interval: str, start: str, end: str, count: int) -> None:
        zone = ZoneInfo("America/New_York")
        first, last = (datetime.fromisoformat(text).replace(tzinfo=zone).timestamp() for text in (start, end))
        starts = bucket_starts(first, last, interval, zone)
        assert len(starts) == count
        assert starts == sorted(set(starts))
        assert starts[0] <= first
        assert starts[-1] < last

    def test_days_begin_at_midnight_on_the_wall(self) -> None:
        zone = ZoneInfo("Australia/Lord_Howe")  # changes by half an hour
        first, last = (datetime(2025, month, 1, tzinfo=zone).timestamp() for month in (3, 11))
        walls = [datetime.fromtimestamp(start, zone) for start in bucket_starts(first, last, "day", zone)]
        assert {(wall.hour, wall.minute) for wall in walls} == {(0, 0)}
        assert len(walls) == 245

    def test_a_midnight_that_does_not_exist(self) -> None:
        zone = ZoneInfo("America/Santiago")  # 7 September 2025 begins at one o'clock
        first, last = (datetime(2025, 9, day, tzinfo=zone).timestamp() for day in (6, 9))
        starts = bucket_starts(first, last, "day", zone)
        assert [b - a for a, b in pairwise(starts)] == [86_400, 23 * 3600]
