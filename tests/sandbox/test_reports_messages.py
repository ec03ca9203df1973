"""Campaign and flow reports: every number again, the slow way, and what must add up adds up."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klaviyo_analytics.sandbox import Sandbox
from klaviyo_analytics.sandbox.app.contract import load_contract
from tests.sandbox.reckoning import COUNTS, STATISTICS, UNIQUES, Fact, Reckoner, World, grouped, same

at = datetime.fromisoformat
Frame = tuple[datetime, datetime]
SECOND = timedelta(seconds=1)
BEGINNING = at("2025-05-01"), at("2025-06-14T23:59:59")
YEAR = at("2025-06-15"), at("2026-06-14T23:59:59")
REST = at("2026-06-15"), at("2026-12-31")
ODD = at("2025-10-03T13:07:11"), at("2026-02-01T03:00:01")
EVER = (BEGINNING, YEAR, REST)


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    sandbox = Sandbox(profiles=700, events=22_000)
    yield World(sandbox)
    sandbox.close()


class TestValues:
    @pytest.mark.parametrize("timeframe", [YEAR, BEGINNING, ODD], ids=["year", "beginning", "odd"])
    @pytest.mark.parametrize("subject", ["campaign", "flow"])
    def test_every_statistic_of_every_message(self, world: World, subject: str, timeframe: Frame) -> None:
        expected = grouped(world.slow.between(subject, *timeframe), lambda fact: (fact.owner, fact.message))
        rows = world.rows(f"{subject}-values", timeframe)
        ids = [(told[f"{subject}_id"], told[f"{subject}_message_id"]) for told, _ in rows]
        assert sorted(ids) == sorted(expected)
        assert ids == sorted(ids), "pages need an order that stays"
        for key, (_, numbers) in zip(ids, rows, strict=True):
            assert same(numbers, expected[key]), key

    def test_no_statistic_is_always_nothing(self, world: World) -> None:
        rows = [row for subject in ("campaign", "flow") for _, row in world.rows(f"{subject}-values", YEAR)]
        never = {name for name in STATISTICS if not any(row[name] for row in rows)}
        assert never <= {"spam_complaints", "spam_complaint_rate"}

    @pytest.mark.parametrize("kind", ["campaign-values", "flow-values"])
    def test_counts_are_whole_and_rates_are_fractions(self, world: World, kind: str) -> None:
        for _, row in world.rows(kind, YEAR):
            assert all(isinstance(row[name], int) for name in (*UNIQUES, "opens", "recipients"))
            assert all(0.0 <= row[name] <= 1.0 for name in row if name.endswith("_rate"))
            assert row["recipients"] == row["delivered"] + row["bounced"] + row["failed"]

    def test_only_the_statistics_that_are_asked_for(self, world: World) -> None:
        rows = world.rows("flow-values", YEAR, statistics=["clicks", "opens", "clicks"])
        assert {tuple(row) for _, row in rows} == {("clicks", "opens")}

    def test_conversions_of_another_metric(self, world: World) -> None:
        metric = world.slow.names
        checkout = next(id_ for id_, name in metric.items() if name == "Started Checkout")
        slow = Reckoner(world.account, checkout)
        expected = grouped(slow.between("flow", *YEAR), lambda fact: fact.message)
        rows = world.rows("flow-values", YEAR, conversion_metric_id=checkout)
        assert {told["flow_message_id"]: row["conversions"] for told, row in rows} == {
            message: numbers["conversions"] for message, numbers in expected.items()
        }

    def test_a_metric_that_is_never_credited(self, world: World) -> None:
        points = next(id_ for id_, name in world.slow.names.items() if name == "Earned Loyalty Points")
        rows = world.rows("campaign-values", YEAR, conversion_metric_id=points)
        assert {row["conversions"] for _, row in rows} == {0}
        assert {row["average_order_value"] for _, row in rows} == {0.0}, "nothing by nothing is no null"


class TestGroupings:
    def test_variations_share_their_message(self, world: World) -> None:
        groups = ["campaign_message_id", "variation", "campaign_id", "variation_name"]
        rows = world.rows("campaign-values", YEAR, group_by=groups)
        expected = grouped(world.slow.between("campaign", *YEAR), lambda fact: (fact.message, fact.variation))
        assert [list(told) for told, _ in rows] == [groups] * len(rows)
        found = {(told["campaign_message_id"], told["variation"]): row for told, row in rows}
        assert found.keys() == expected.keys()
        assert all(same(found[key], expected[key]) for key in expected)
        names = {told["variation_name"] for told, _ in rows if told["variation"]}
        assert len(names) > 1
        assert {told["variation_name"] for told, _ in rows if told["variation"] is None} == {None}

    @pytest.mark.parametrize(
        "more",
        [
            ["variation"],
            ["variation_name", "send_channel"],
            ["tag_id", "tag_name"],
            ["group"],
            ["group_name", "variation"],
            ["text_message_format", "campaign_message_name"],
        ],
    )
    def test_however_it_is_grouped_it_adds_up(self, world: World, more: list[str]) -> None:
        required = ["campaign_id", "campaign_message_id"]
        assert world.totals("campaign-values", YEAR, group_by=[*required, *more]) == world.totals(
            "campaign-values", YEAR
        )

    def test_what_the_rows_are_called(self, world: World) -> None:
        schema = load_contract().schemas["FlowValuesRequestDTOResourceObject"]["properties"]["attributes"]
        every = schema["properties"]["group_by"]["items"]["enum"]
        records = world.account.records
        for told, _ in world.rows("flow-values", YEAR, group_by=every):
            flow, message = records["flow"][told["flow_id"]], records["flow-message"][told["flow_message_id"]]
            assert told["flow_name"] == flow.attributes["name"]
            assert told["flow_message_name"] == message.attributes["definition"]["name"]
            assert told["send_channel"] == message.attributes["channel"]
            assert told["tag_id"] == flow.relationships["tags"]
            assert told["tag_name"] == [records["tag"][id_].attributes["name"] for id_ in told["tag_id"]]
            assert told["text_message_format"] == ("SMS" if told["send_channel"] == "sms" else None)
            assert (told["variation"], told["variation_name"]) == (None, None)

    def test_channels_have_words_of_their_own(self, world: World) -> None:
        rows = world.rows("campaign-values", YEAR)
        assert {told["send_channel"] for told, _ in rows} == {"email", "sms", "push-notification"}

    def test_a_recipient_belongs_to_one_audience(self, world: World) -> None:
        groups = ["campaign_id", "campaign_message_id", "group", "group_name"]
        several = 0
        records = world.account.records
        split = defaultdict(list)
        for told, row in world.rows("campaign-values", YEAR, group_by=groups):
            included = records["campaign"][told["campaign_id"]].attributes["audiences"]["included"]
            assert told["group"] in included
            group = records["list"].get(told["group"]) or records["segment"][told["group"]]
            assert told["group_name"] == group.attributes["name"]
            split[told["campaign_id"]].append(row["recipients"])
            several += told["group"] != included[0]
        assert several > 0
        whole = {told["campaign_id"]: row["recipients"] for told, row in world.rows("campaign-values", YEAR)}
        assert {campaign: sum(parts) for campaign, parts in split.items()} == whole

    def test_the_audience_is_the_first_that_holds_the_recipient(self, world: World) -> None:
        def audience(fact: Fact) -> tuple[str, str]:
            included = world.account.records["campaign"][fact.owner].attributes["audiences"]["included"]
            holding = [group for group in included if fact.person in world.account.members[group]]
            return fact.message, (holding or included)[0]

        expected = grouped(world.slow.between("campaign", *YEAR), audience)
        groups = ["campaign_id", "campaign_message_id", "group"]
        rows = world.rows("campaign-values", YEAR, group_by=groups)
        assert {(told["campaign_message_id"], told["group"]): row["opens"] for told, row in rows} == {
            key: numbers["opens"] for key, numbers in expected.items()
        }

    def test_relationships_name_what_the_rows_are_about(self, world: World) -> None:
        body = {
            "type": "flow-values-report",
            "attributes": {
                "statistics": ["opens"],
                "timeframe": {"key": "last_90_days"},
                "conversion_metric_id": world.metric,
            },
        }
        data = world.api.post("/api/flow-values-reports", {"data": body}).json["data"]
        told = [row["groupings"] for row in data["attributes"]["results"]]
        related = {name: [one["id"] for one in part["data"]] for name, part in data["relationships"].items()}
        assert related["flows"] == list(dict.fromkeys(row["flow_id"] for row in told))
        assert related["flow-messages"] == [row["flow_message_id"] for row in told]


class TestSums:
    def test_all_that_was_ever_sent(self, world: World) -> None:
        """Over the whole history the reports and the raw events are two roads to the same numbers."""
        sums = [
            world.totals(f"{subject}-values", frame) for subject in ("campaign", "flow") for frame in EVER
        ]
        found = {name: round(math.fsum(one[name] for one in sums), 2) for name in COUNTS}
        events = world.account.events
        counts: dict[str, int] = defaultdict(int)
        revenue = 0.0
        for metric, credit, value in zip(
            events.metric.tolist(), events.attribution, events.value.tolist(), strict=True
        ):
            counts[world.slow.names[events.metric_ids[metric]]] += 1
            if credit is not None and events.metric_ids[metric] == world.metric:
                revenue += value
        received = ("Received Email", "Received Text Message", "Received Push")
        assert found["delivered"] == sum(counts[name] for name in received)
        assert found["bounced"] == counts["Bounced Email"]
        assert found["failed"] == counts["Failed to Deliver Text Message"]
        assert found["opens"] == counts["Opened Email"] + counts["Opened Push"]
        assert found["clicks"] == counts["Clicked Email"] + counts["Clicked Text Message"]
        assert found["conversion_value"] == round(revenue, 2)

    def test_conversions_are_those_of_metric_aggregates_by_message(self, world: World) -> None:
        """They differ in time only: aggregates go by the day of the order, reports by that of the message."""
        by_message: dict[str, float] = defaultdict(float)
        for start, end in (("2025-05-01", "2026-05-01"), ("2026-05-01", "2026-12-31")):
            attributes = {
                "metric_id": world.metric,
                "measurements": ["sum_value"],
                "by": ["$attributed_message"],
                "filter": [f"greater-or-equal(datetime,{start})", f"less-than(datetime,{end})"],
                "interval": "month",
            }
            body = {"data": {"type": "metric-aggregate", "attributes": attributes}}
            for row in world.api.post("/api/metric-aggregates", body).json["data"]["attributes"]["data"]:
                by_message[row["dimensions"][0]] += sum(row["measurements"]["sum_value"])
        del by_message[""]
        reported: dict[str, float] = defaultdict(float)
        for subject in ("campaign", "flow"):
            for frame in EVER:
                for told, row in world.rows(f"{subject}-values", frame, statistics=["conversion_value"]):
                    if row["conversion_value"]:
                        reported[told[f"{subject}_message_id"]] += row["conversion_value"]
        assert reported == pytest.approx(by_message)

    @pytest.mark.parametrize("kind", ["campaign-values", "flow-values"])
    def test_a_timeframe_that_is_cut_adds_up(self, world: World, kind: str) -> None:
        seconds = st.integers(0, 365 * 86_400)

        @settings(max_examples=20, deadline=None)
        @given(st.lists(seconds, min_size=3, max_size=3, unique=True).map(sorted))
        def holds(places: list[int]) -> None:
            start, cut, end = (at("2025-06-15") + place * SECOND for place in places)
            first, second = world.totals(kind, (start, cut - SECOND)), world.totals(kind, (cut, end))
            whole = world.totals(kind, (start, end))
            assert {name: first[name] + second[name] for name in COUNTS} == pytest.approx(whole)

        holds()
