"""What reports refuse, and what the keys of their timeframes mean."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from klaviyo_analytics.sandbox.app.reports.question import read_frame
from klaviyo_analytics.sandbox.app.store import Store
from tests.http.clocks import Clock
from tests.sandbox.accounts import NOW, PLACED, small_account
from tests.sandbox.api import Api
from tests.sandbox.asking import KINDS, ask, frame, iso

DAY = 86_400


class TestRefusals:
    @pytest.mark.parametrize("kind", KINDS)
    def test_as_little_as_is_required_is_enough(self, api: Api, kind: str) -> None:
        assert ask(api, kind).status == 200

    @pytest.mark.parametrize("kind", KINDS)
    def test_what_is_required_is(self, api: Api, kind: str) -> None:
        required = ["statistics", "timeframe"]
        required += ["conversion_metric_id"] if kind.startswith(("campaign", "flow")) else []
        required += ["interval"] if kind.endswith("series") else []
        for name in required:
            reply = ask(api, kind, without=name)
            assert (reply.status, reply.source) == (400, {"pointer": f"/data/attributes/{name}"})

    @pytest.mark.parametrize("kind", KINDS)
    @pytest.mark.parametrize(
        ("attributes", "pointer"),
        [
            ({"statistics": []}, "statistics"),
            ({"statistics": ["open_ratio"]}, "statistics/0"),
            ({"timeframe": {"key": "last_quarter"}}, "timeframe/key"),
            ({"timeframe": {"start": "2025-01-01T00:00:00Z"}}, "timeframe/end"),
            ({"timeframe": frame("soon", "2025-01-01T00:00:00Z")}, "timeframe/start"),
            ({"timeframe": frame("2025-01-01", "2025-01-02T00:00:00Z")}, "timeframe/start"),
            ({"timeframe": frame("2025-01-02T00:00:00Z", "2025-01-01T23:59:59Z")}, "timeframe"),
            ({"timeframe": frame("2024-01-01T00:00:00Z", "2025-01-01T00:00:01Z")}, "timeframe"),
            ({"timeframe": frame("2024-02-29T00:00:00Z", "2025-03-01T00:00:01Z")}, "timeframe"),
            ({"colour": "red"}, "colour"),
            ({"filter": 'equals(colour,"red")'}, "filter"),
            ({"filter": "equals(segment_id,red)"}, "filter"),
            ({"filter": 'not(equals(segment_id,"red"))'}, "filter"),
            ({"filter": ['equals(segment_id,"red")']}, "filter"),
        ],
    )
    def test_400_at_the_attribute(
        self, api: Api, kind: str, attributes: dict[str, Any], pointer: str
    ) -> None:
        reply = ask(api, kind, **attributes)
        assert (reply.status, reply.source) == (400, {"pointer": f"/data/attributes/{pointer}"}), reply.body

    @pytest.mark.parametrize(
        ("kind", "attributes", "pointer"),
        [
            ("campaign-values", {"conversion_metric_id": "none"}, "conversion_metric_id"),
            ("flow-series", {"conversion_metric_id": ""}, "conversion_metric_id"),
            ("campaign-values", {"interval": "daily"}, "interval"),
            ("flow-series", {"interval": "day"}, "interval"),
            ("campaign-values", {"statistics": ["submits"]}, "statistics/0"),
            ("form-values", {"statistics": ["opens"]}, "statistics/0"),
            ("segment-series", {"statistics": ["opens"]}, "statistics/0"),
            ("campaign-values", {"group_by": []}, "group_by"),
            ("campaign-values", {"group_by": ["campaign_id"]}, "group_by"),
            ("campaign-values", {"group_by": ["campaign_message_id", "send_channel"]}, "group_by"),
            (
                "campaign-values",
                {"group_by": ["flow_id", "campaign_id", "campaign_message_id"]},
                "group_by/0",
            ),
            ("flow-values", {"group_by": ["flow_message_id"]}, "group_by"),
            ("flow-series", {"group_by": ["flow_id"]}, "group_by"),
            ("flow-values", {"group_by": ["flow_id", "flow_message_id", "group"]}, "group_by/2"),
            ("form-values", {"group_by": ["form_version_id"]}, "group_by"),
            ("form-series", {"group_by": []}, "group_by"),
            ("segment-values", {"group_by": ["segment_id"]}, "group_by"),
            (
                "segment-values",
                {"timeframe": frame("2023-05-31T23:59:59Z", "2023-07-01T00:00:00Z")},
                "timeframe",
            ),
            ("segment-values", {"conversion_metric_id": PLACED}, "conversion_metric_id"),
        ],
    )
    def test_400_of_one_report(self, api: Api, kind: str, attributes: dict[str, Any], pointer: str) -> None:
        reply = ask(api, kind, **attributes)
        assert (reply.status, reply.source) == (400, {"pointer": f"/data/attributes/{pointer}"}), reply.body

    @pytest.mark.parametrize(
        ("kind", "filter"),
        [
            ("campaign-values", 'any(campaign_id,["a"])'),
            ("campaign-values", 'contains-all(campaign_id,["a"])'),
            ("campaign-values", 'equals(tag_id,"a")'),
            ("campaign-values", 'equals(flow_id,"a")'),
            ("campaign-values", 'equals(group,"a")'),
            ("campaign-values", 'equals(send_channel,"mobile_push")'),
            ("campaign-values", 'contains-any(send_channel,["email","push"])'),
            ("campaign-values", 'equals(campaign_id,"a"),equals(campaign_id,"b")'),
            ("campaign-values", 'and(equals(campaign_id,"a"),contains-any(campaign_id,["b"]))'),
            ("campaign-values", 'equals(campaign_id,["a"])'),
            ("campaign-values", 'contains-any(campaign_id,"a")'),
            ("campaign-values", "contains-any(campaign_id,[])"),
            ("campaign-values", "equals(campaign_id,12)"),
            ("campaign-values", "equals(campaign_id,null)"),
            ("flow-values", 'equals(campaign_id,"a")'),
            ("flow-series", 'equals(or,"a")'),
            ("form-values", 'contains-any(form_id,["a"])'),
            ("form-series", "equals(form_version_id,123)"),
            ("segment-values", 'contains-any(segment_id,["a"])'),
            ("segment-series", 'equals(form_id,"a")'),
        ],
    )
    def test_filters_that_are_refused(self, api: Api, kind: str, filter: str) -> None:
        reply = ask(api, kind, filter=filter)
        assert (reply.status, reply.source) == (400, {"pointer": "/data/attributes/filter"}), reply.body

    @pytest.mark.parametrize(
        ("kind", "operator", "field"),
        [
            ("campaign-values", "contains-any", "campaign_id"),
            ("flow-values", "contains-all", "tag_id"),
            ("form-values", "any", "form_id"),
            ("segment-values", "any", "segment_id"),
        ],
    )
    def test_a_list_may_have_a_hundred_values(self, api: Api, kind: str, operator: str, field: str) -> None:
        values = ",".join(f'"{number}"' for number in range(100))
        assert ask(api, kind, filter=f"{operator}({field},[{values}])").status == 200
        assert ask(api, kind, filter=f'{operator}({field},[{values},"more"])').status == 400

    def test_null_is_as_good_as_nothing(self, api: Api) -> None:
        assert ask(api, "campaign-values", filter=None, group_by=None).status == 200

    def test_there_is_no_series_of_campaigns(self, api: Api) -> None:
        assert ask(api, "campaign-series").status == 404


class TestLengths:
    @pytest.mark.parametrize("kind", ["flow-series", "form-series", "segment-series"])
    @pytest.mark.parametrize(
        ("interval", "days"), [("hourly", 7), ("daily", 60), ("weekly", 364), ("monthly", 364)]
    )
    def test_how_long_a_series_may_be(self, api: Api, kind: str, interval: str, days: int) -> None:
        start = datetime(2025, 1, 1, tzinfo=UTC).timestamp()
        fits, over = (frame(iso(start), iso(start + days * DAY + more)) for more in (0, 1))
        assert ask(api, kind, interval=interval, timeframe=fits).status == 200
        reply = ask(api, kind, interval=interval, timeframe=over)
        assert (reply.status, reply.source) == (400, {"pointer": "/data/attributes/timeframe"})

    @pytest.mark.parametrize("kind", ["campaign-values", "flow-values", "form-values", "segment-values"])
    def test_values_may_take_a_year(self, api: Api, kind: str) -> None:
        for start, end in (("2024-01-01", "2025-01-01"), ("2025-01-01", "2026-01-01")):
            assert ask(api, kind, timeframe=frame(f"{start}T00:00:00Z", f"{end}T00:00:00Z")).status == 200

    def test_keys_are_as_long_as_they_are(self, api: Api) -> None:
        assert ask(api, "flow-series", timeframe={"key": "last_90_days"}).status == 400
        assert ask(api, "flow-series", timeframe={"key": "last_90_days"}, interval="weekly").status == 200
        assert ask(api, "flow-series", timeframe={"key": "last_365_days"}, interval="monthly").status == 400


class TestKeys:
    @pytest.mark.parametrize(
        ("key", "start", "stop"),
        [  # now is the evening of Tuesday 20 January in New York, and Wednesday in Greenwich
            ("today", "2026-01-20", "2026-01-21"),
            ("yesterday", "2026-01-19", "2026-01-20"),
            ("this_week", "2026-01-19", "2026-01-21"),
            ("last_week", "2026-01-12", "2026-01-19"),
            ("last_7_days", "2026-01-13", "2026-01-20"),
            ("last_30_days", "2025-12-21", "2026-01-20"),
            ("last_90_days", "2025-10-22", "2026-01-20"),
            ("last_365_days", "2025-01-20", "2026-01-20"),
            ("this_month", "2026-01-01", "2026-01-21"),
            ("last_month", "2025-12-01", "2026-01-01"),
            ("last_3_months", "2025-10-01", "2026-01-01"),
            ("last_12_months", "2025-01-01", "2026-01-01"),
            ("this_year", "2026-01-01", "2026-01-21"),
            ("last_year", "2025-01-01", "2026-01-01"),
        ],
    )
    def test_what_they_mean(self, key: str, start: str, stop: str) -> None:
        clock = Clock(NOW)
        store = Store(small_account(), clock)
        clock.now += 15 * 3600
        found = read_frame(store, {"timeframe": {"key": key}})
        assert [iso(found.start), iso(found.stop)] == [f"{day}T00:00:00+00:00" for day in (start, stop)]
