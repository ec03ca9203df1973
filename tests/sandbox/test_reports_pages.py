"""What the filters of campaign and flow reports keep, and how their pages make the whole."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from klaviyo_analytics.sandbox import Sandbox
from tests.sandbox.api import Api
from tests.sandbox.asking import ask
from tests.sandbox.reckoning import World, grouped, same

CAMPAIGN_GROUPS = ["campaign_id", "campaign_message_id", "campaign_message_name", "send_channel", "tag_id"]
CAMPAIGN_GROUPS += ["tag_name", "text_message_format"]


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    sandbox = Sandbox(profiles=500, events=14_000)
    yield World(sandbox)
    sandbox.close()


class TestFilters:
    FRAME = datetime.fromisoformat("2025-06-15"), datetime.fromisoformat("2026-06-14T23:59:59")

    @pytest.mark.parametrize(
        ("filter", "test"),
        [
            ('equals(send_channel,"sms")', lambda row: row["send_channel"] == "sms"),
            (
                'contains-any(send_channel,["sms","push-notification","whatsapp"])',
                lambda row: row["send_channel"] != "email",
            ),
            ('equals(text_message_format,"SMS")', lambda row: row["send_channel"] == "sms"),
            (
                'contains-any(tag_name,["holiday","mobile"])',
                lambda row: {"holiday", "mobile"} & {*row["tag_name"]},
            ),
            (
                'contains-all(tag_name,["holiday","Growth"])',
                lambda row: {"holiday", "Growth"} <= {*row["tag_name"]},
            ),
            (
                'and(contains-any(tag_name,["holiday"]),equals(send_channel,"email"))',
                lambda row: "holiday" in row["tag_name"] and row["send_channel"] == "email",
            ),
            (
                'equals(send_channel,"email"),contains-any(tag_name,["content"])',
                lambda row: "content" in row["tag_name"] and row["send_channel"] == "email",
            ),
        ],
    )
    def test_campaigns(self, world: World, filter: str, test: Any) -> None:
        known = {"group_by": CAMPAIGN_GROUPS, "statistics": ["recipients", "opens"]}
        every = world.rows("campaign-values", self.FRAME, **known)
        kept = world.rows("campaign-values", self.FRAME, filter=filter, **known)
        assert kept == [row for row in every if test(row[0])]
        assert 0 < len(kept) < len(every)

    @pytest.mark.parametrize(
        "field", ["campaign_id", "campaign_message_id", "campaign_message_name", "tag_id"]
    )
    def test_by_the_values_of_a_row(self, world: World, field: str) -> None:
        known = {"group_by": CAMPAIGN_GROUPS, "statistics": ["recipients"]}
        every = world.rows("campaign-values", self.FRAME, **known)
        wanted = every[3][0][field]
        values = wanted if isinstance(wanted, list) else [wanted]
        quoted = ",".join('"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"' for value in values)
        kept = world.rows("campaign-values", self.FRAME, filter=f"contains-any({field},[{quoted}])", **known)
        assert every[3] in kept
        assert len(kept) < len(every)

    @pytest.mark.parametrize("field", ["flow_id", "flow_name", "flow_message_id", "flow_message_name"])
    @pytest.mark.parametrize("kind", ["flow-values", "flow-series"])
    def test_flows(self, world: World, kind: str, field: str) -> None:
        groups = ["flow_id", "flow_name", "flow_message_id", "flow_message_name"]
        known: dict[str, Any] = {"group_by": groups, "statistics": ["recipients"]}
        if kind.endswith("series"):
            known["interval"] = "monthly"
        half = self.FRAME[0], datetime.fromisoformat("2026-01-01")
        every = world.rows(kind, half, **known)
        value = every[-1][0][field].replace('"', '\\"')
        kept = world.rows(kind, half, filter=f'equals({field},"{value}")', **known)
        assert kept == [row for row in every if row[0][field] == every[-1][0][field]]

    @pytest.mark.parametrize("field", ["variation", "variation_name"])
    def test_variations_count_alone(self, world: World, field: str) -> None:
        groups = ["campaign_id", "campaign_message_id", "variation", "variation_name"]
        every = world.rows("campaign-values", self.FRAME, group_by=groups)
        wanted = next(told[field] for told, _ in every if told["variation"])
        sides = {told["variation"] for told, _ in every if told[field] == wanted}
        kept = world.rows("campaign-values", self.FRAME, filter=f'equals({field},"{wanted}")')
        facts = [one for one in world.slow.between("campaign", *self.FRAME) if one.variation in sides]
        expected = grouped(facts, lambda fact: fact.message)
        assert {told["campaign_message_id"]: row for told, row in kept}.keys() == expected.keys()
        assert all(same(row, expected[told["campaign_message_id"]]) for told, row in kept)

    def test_nothing_fits(self, world: World) -> None:
        assert world.rows("campaign-values", self.FRAME, filter='equals(campaign_id,"none")') == []


class TestPages:
    def test_the_pages_are_the_whole(self, world: World) -> None:
        attributes = {
            "statistics": ["recipients", "open_rate"],
            "timeframe": {"key": "last_365_days"},
            "conversion_metric_id": world.metric,
        }
        body = {"data": {"type": "campaign-values-report", "attributes": attributes}}
        whole = world.api.post("/api/campaign-values-reports", body)
        assert whole.json["links"] == {"self": "https://a.klaviyo.com/api/campaign-values-reports"}
        world.sandbox.settings.report_page_size = 7
        try:
            pages = [world.api.post("/api/campaign-values-reports", body)]
            while link := pages[-1].next:
                assert link.startswith("/api/campaign-values-reports?page_cursor=")
                pages.append(world.api.post(link, body))
        finally:
            world.sandbox.settings.report_page_size = 100
        parts = [page.json["data"]["attributes"]["results"] for page in pages]
        assert {len(part) for part in parts[:-1]} == {7}
        assert [row for part in parts for row in part] == whole.json["data"]["attributes"]["results"]
        assert pages[1].json["links"]["self"].endswith(str(pages[0].next))
        ids = [
            [one["id"] for one in page.json["data"]["relationships"]["campaigns"]["data"]] for page in pages
        ]
        assert [len(one) for one in ids] == [len(part) for part in parts]

    @pytest.mark.parametrize("cursor", ["nonsense", "", "bm90IGpzb24=", "WzEsMl0=", "é"])
    def test_an_unknown_cursor(self, api: Api, cursor: str) -> None:
        reply = ask(api, "flow-values", parameters={"page_cursor": cursor})
        known = (400, {"parameter": "page_cursor"})
        assert cursor == "" or (reply.status, reply.source) == known

    def test_a_cursor_belongs_to_its_body(self, world: World) -> None:
        world.sandbox.settings.report_page_size = 2
        try:
            known: dict[str, Any] = {
                "conversion_metric_id": world.metric,
                "timeframe": {"key": "last_90_days"},
            }
            link = ask(world.api, "flow-values", **known).next
            assert link
            body = {"type": "flow-values-report", "attributes": known | {"statistics": ["clicks"]}}
            reply = world.api.post(link, {"data": body})
        finally:
            world.sandbox.settings.report_page_size = 100
        assert (reply.status, reply.source) == (400, {"parameter": "page_cursor"})

    @pytest.mark.parametrize("kind", ["form-values", "form-series", "segment-values", "segment-series"])
    def test_reports_that_have_no_pages(self, api: Api, kind: str) -> None:
        reply = ask(api, kind, parameters={"page_cursor": "x"})
        assert (reply.status, reply.source) == (400, {"parameter": "page_cursor"})
