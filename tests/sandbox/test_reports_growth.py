"""Form and segment reports: every number again, the slow way."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from klaviyo_analytics.sandbox import Sandbox
from klaviyo_analytics.sandbox.app.contract import load_contract
from tests.sandbox.api import Api
from tests.sandbox.reckoning import over, written

at = datetime.fromisoformat
Frame = tuple[datetime, datetime]
SCHEMAS = load_contract().schemas
METRICS = ("Viewed Form", "Closed Form", "Submitted Form")
ENDS = timedelta(hours=23, minutes=59, seconds=59)
YEAR = at("2025-06-15"), at("2026-06-14") + ENDS
MONTH = at("2025-11-01"), at("2025-11-30") + ENDS


class World:
    """A shop that is asked for reports."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.account, self.api = sandbox.account, Api(sandbox)
        self.zone = ZoneInfo(self.account.timezone)

    def ask(self, kind: str, frame: Frame, **attributes: Any) -> Any:
        start, end = map(written, frame)
        schema = SCHEMAS[f"{kind.title().replace('-', '')}RequestDTOResourceObject"]
        every = schema["properties"]["attributes"]["properties"]["statistics"]["items"]["enum"]
        known = {"statistics": every, "timeframe": {"start": start, "end": end}}
        body = {"data": {"type": f"{kind}-report", "attributes": known | attributes}}
        reply = self.api.post(f"/api/{kind}-reports", body)
        assert reply.status == 200, reply.body
        return reply.json["data"]["attributes"]

    def wall(self, seconds: int) -> datetime:
        return datetime.fromtimestamp(seconds, self.zone).replace(tzinfo=None)

    def forms(self, frame: Frame, *attributes: str) -> dict[tuple[str, ...], dict[str, float]]:
        """{form and version: statistics}."""
        log, metrics = self.account.events, self.account.records["metric"]
        events = defaultdict(list)
        for row, time in enumerate(log.time.tolist()):
            name = metrics[log.metric_ids[log.metric[row]]].attributes["name"]
            if name in METRICS and frame[0] <= self.wall(time) <= frame[1]:
                key = tuple(str(log.properties[row][attribute]) for attribute in attributes)
                events[key].append((name, int(log.profile[row])))
        return {key: _form(rows) for key, rows in events.items()}

    def segment(self, id_: str, start: datetime, end: datetime) -> dict[str, float]:
        over = self.account.left.get(id_, [])
        joined = [*self.account.members[id_].values(), *(since for since, _ in over)]
        came, went = ([self.wall(time) for time in times] for times in (joined, [until for _, until in over]))
        added, removed = (sum(start <= time <= end for time in times) for times in (came, went))
        return {
            "total_members": sum(time <= end for time in came) - sum(time <= end for time in went),
            "members_added": added,
            "members_removed": removed,
            "net_members_changed": added - removed,
        }


def _form(rows: list[tuple[str, int]]) -> dict[str, float]:
    def count(wanted: str) -> int:
        return sum(name == wanted for name, _ in rows)

    def people(wanted: str) -> int:
        return len({person for name, person in rows if name == wanted and person >= 0})

    views, submits = count("Viewed Form"), count("Submitted Form")
    return {
        "viewed_form": views,
        "viewed_form_uniques": people("Viewed Form"),
        "viewed_form_step": views,
        "viewed_form_step_uniques": people("Viewed Form"),
        "qualified_form": views,
        "qualified_form_uniques": people("Viewed Form"),
        "closed_form": count("Closed Form"),
        "closed_form_uniques": people("Closed Form"),
        "submits": submits,
        "submitted_form_step": submits,
        "submitted_form_step_uniques": people("Submitted Form"),
        "submit_rate": min(1.0, over(submits, views)),
    }


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    sandbox = Sandbox(profiles=500, events=14_000)
    yield World(sandbox)
    sandbox.close()


def rows(report: Any) -> dict[tuple[str, ...], Any]:
    return {tuple(row["groupings"].values()): row["statistics"] for row in report["results"]}


class TestForms:
    @pytest.mark.parametrize("frame", [YEAR, MONTH], ids=["year", "month"])
    @pytest.mark.parametrize("groups", [["form_id"], ["form_id", "form_version_id"]])
    def test_every_statistic(self, world: World, frame: Frame, groups: list[str]) -> None:
        found = rows(world.ask("form-values", frame, group_by=groups))
        assert found == world.forms(frame, *groups)
        assert len(found) >= 3
        assert list(found) == sorted(found)

    def test_without_a_grouping_by_form(self, world: World) -> None:
        assert world.ask("form-values", YEAR) == world.ask("form-values", YEAR, group_by=["form_id"])

    def test_versions_add_up_to_their_form(self, world: World) -> None:
        counts = ["viewed_form", "closed_form", "submits", "submitted_form_step", "viewed_form_step"]
        forms = rows(world.ask("form-values", YEAR, statistics=counts))
        versions = world.ask("form-values", YEAR, statistics=counts, group_by=["form_version_id", "form_id"])[
            "results"
        ]
        assert len(versions) > len(forms)
        for (form,), numbers in forms.items():
            mine = [row["statistics"] for row in versions if row["groupings"]["form_id"] == form]
            assert {name: sum(row[name] for row in mine) for name in counts} == numbers

    def test_they_are_the_events_of_metric_aggregates(self, world: World) -> None:
        """Forms are reported by the time of the event, so this is another road to the same numbers."""
        metrics = world.account.records["metric"].items()
        metric = next(id_ for id_, record in metrics if record.attributes["name"] == "Viewed Form")
        attributes = {
            "metric_id": metric,
            "measurements": ["count"],
            "by": ["form_id"],
            "timezone": world.account.timezone,
            "filter": [
                "greater-or-equal(datetime,2025-11-01T04:00:00)",
                "less-than(datetime,2025-12-01T05:00:00)",
            ],
        }
        body = {"data": {"type": "metric-aggregate", "attributes": attributes}}
        answer = world.api.post("/api/metric-aggregates", body).json["data"]["attributes"]
        by_day = {row["dimensions"][0]: row["measurements"]["count"] for row in answer["data"]}
        series = world.ask("form-series", MONTH, interval="daily", statistics=["viewed_form"])
        assert {form: numbers["viewed_form"] for (form,), numbers in rows(series).items()} == by_day
        assert len(series["date_times"]) == 30

    @pytest.mark.parametrize(("interval", "count"), [("daily", 30), ("weekly", 5), ("monthly", 1)])
    def test_a_series_adds_up_to_the_values(self, world: World, interval: str, count: int) -> None:
        names = ["viewed_form", "closed_form", "submits"]
        values = rows(world.ask("form-values", MONTH, statistics=names))
        series = world.ask("form-series", MONTH, statistics=names, interval=interval)
        assert len(series["date_times"]) == count
        assert {
            form: {name: math.fsum(parts) for name, parts in numbers.items()}
            for form, numbers in rows(series).items()
        } == values

    def test_filters(self, world: World) -> None:
        every = rows(world.ask("form-values", YEAR, group_by=["form_id", "form_version_id"]))
        (form, version), *_ = every
        by_form = world.ask("form-values", YEAR, filter=f'equals(form_id,"{form}")')
        assert list(rows(by_form)) == [(form,)]
        by_version = world.ask("form-values", YEAR, filter=f'any(form_version_id,["{version}","none"])')
        assert rows(by_version) == {(form,): every[form, version]}
        both = f'and(equals(form_id,"{form}"),equals(form_version_id,"none"))'
        assert rows(world.ask("form-values", YEAR, filter=both)) == {}


class TestSegments:
    @pytest.mark.parametrize("frame", [YEAR, MONTH], ids=["year", "month"])
    def test_every_statistic_of_every_segment(self, world: World, frame: Frame) -> None:
        found = rows(world.ask("segment-values", frame))
        assert found == {(id_,): world.segment(id_, *frame) for id_ in world.account.records["segment"]}
        assert any(numbers["members_added"] for numbers in found.values())
        assert any(numbers["members_removed"] for numbers in found.values())

    def test_today_the_total_is_the_profile_count(self, world: World) -> None:
        report = world.ask("segment-values", (at("2026-06-01"), at("2026-12-31")))
        for (segment,), numbers in rows(report).items():
            path = f"/api/segments/{segment}"
            counted = world.api.get(path, additional_fields__segment="profile_count").json
            assert numbers["total_members"] == counted["data"]["attributes"]["profile_count"]

    def test_days_one_after_the_other(self, world: World) -> None:
        report = world.ask("segment-series", MONTH, interval="daily")
        days = [at(text).replace(tzinfo=None) for text in report["date_times"]]
        assert days == [MONTH[0] + timedelta(days=day) for day in range(30)]
        for (segment,), numbers in rows(report).items():
            for place, day in enumerate(days):
                told = {name: values[place] for name, values in numbers.items()}
                assert told == world.segment(segment, day, day + ENDS)

    def test_only_what_is_in_the_frame_is_added(self, world: World) -> None:
        middle = at("2025-11-12T10:00:00"), at("2026-02-20T18:30:00")
        weeks = rows(world.ask("segment-series", middle, interval="weekly"))
        values = rows(world.ask("segment-values", middle))
        for segment, numbers in weeks.items():
            assert sum(numbers["members_added"]) == values[segment]["members_added"]
            assert sum(numbers["members_removed"]) == values[segment]["members_removed"]
            assert numbers["total_members"][-1] == values[segment]["total_members"]

    def test_filters(self, world: World) -> None:
        first, second, *_ = sorted(world.account.records["segment"])
        one = world.ask("segment-values", YEAR, filter=f'equals(segment_id,"{first}")')
        two = world.ask("segment-values", YEAR, filter=f'any(segment_id,["{second}","{first}"])')
        assert [list(rows(report)) for report in (one, two)] == [[(first,)], [(first,), (second,)]]
