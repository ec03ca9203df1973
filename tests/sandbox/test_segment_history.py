"""Who left a segment, and when: the memberships' history, as reports count it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from klaviyo_analytics.sandbox import Sandbox
from klaviyo_analytics.sandbox.app.segment_conditions import members_of
from klaviyo_analytics.sandbox.app.store import Store
from klaviyo_analytics.sandbox.model import Account, EventLog
from klaviyo_analytics.sandbox.shop import build_account
from klaviyo_analytics.sandbox.shop.columns import NEVER
from klaviyo_analytics.sandbox.shop.records.segments import Stays
from tests.http.clocks import Clock
from tests.sandbox.accounts import DAY, NOW, iso
from tests.sandbox.api import Api, data, identifiers
from tests.sandbox.test_segments import BO, CY, belongs, make

ACTIVITY = ("VIP: spent $250+", "Repeat buyers", "Lapsed buyers", "Window shoppers 👀")


def numbers(api: Api, id_: str, start: int, end: int) -> dict[str, int]:
    """Everything that a report counts of one segment."""
    names = ["total_members", "members_added", "members_removed", "net_members_changed"]
    attributes: dict[str, Any] = {
        "statistics": names,
        "timeframe": {"start": iso(start), "end": iso(end)},
        "filter": f'equals(segment_id,"{id_}")',
    }
    reply = api.post("/api/segment-values-reports", data("segment-values-report", **attributes))
    return dict(reply.json["data"]["attributes"]["results"][0]["statistics"])


class TestOfTheApi:
    @pytest.fixture
    def segment(self, api: Api, clock: Clock) -> str:
        """A segment of a list, which Bo joins on the first day and Cy on the third."""
        id_ = str(make(api, [belongs("LIST02")]).json["data"]["id"])
        for profile, days in ((BO, 1), (CY, 2)):
            clock.now += days * DAY
            api.post("/api/lists/LIST02/relationships/profiles", {"data": identifiers("profile", profile)})
            assert profile in api.get(f"/api/segments/{id_}/profiles").ids
        return id_

    def test_who_leaves_is_counted_when_it_happens(self, api: Api, clock: Clock, segment: str) -> None:
        clock.now += 2 * DAY
        api.delete("/api/lists/LIST02/relationships/profiles", {"data": identifiers("profile", BO)})
        found = numbers(api, segment, NOW - DAY, NOW + 10 * DAY)
        assert found == {
            "total_members": 1,
            "members_added": 2,
            "members_removed": 1,
            "net_members_changed": 1,
        }
        assert numbers(api, segment, NOW + 2 * DAY, NOW + 4 * DAY)["total_members"] == 2, "before that"
        assert numbers(api, segment, NOW + 5 * DAY - DAY // 2, NOW + 6 * DAY)["members_removed"] == 1

    def test_one_can_come_back(self, api: Api, clock: Clock, segment: str) -> None:
        path, body = "/api/lists/LIST02/relationships/profiles", {"data": identifiers("profile", BO)}
        for write in (api.delete, api.post):
            clock.now += DAY
            assert write(path, body).status == 204
            api.get(f"/api/segments/{segment}/profiles")
        found = numbers(api, segment, NOW - DAY, NOW + 10 * DAY)
        assert (found["total_members"], found["members_added"], found["members_removed"]) == (2, 3, 1)

    def test_a_deleted_profile_has_left(self, api: Api, segment: str) -> None:
        body = data(
            "data-privacy-deletion-job", profile={"data": {"type": "profile", "id": BO, "attributes": {}}}
        )
        assert api.post("/api/data-privacy-deletion-jobs", body).status == 202
        found = numbers(api, segment, NOW - DAY, NOW + 10 * DAY)
        assert (found["total_members"], found["members_removed"]) == (1, 1)


@pytest.fixture(scope="module")
def account() -> Account:
    return build_account(seed=3, profiles=400, events=8000, now=1_767_225_600)


class TestOfTheShop:
    @pytest.mark.parametrize("days", [10, 75, 200])
    @pytest.mark.parametrize("name", ACTIVITY)
    def test_it_is_what_the_definition_would_have_found(self, account: Account, name: str, days: int) -> None:
        """Judge the definition on a day of the past by the events until then."""
        id_, segment = next(
            (id_, one) for id_, one in account.records["segment"].items() if one.attributes["name"] == name
        )
        then = account.now - days * DAY
        past = Account(then, account.timezone, account.records, {}, until(account.events, then))
        expected = members_of(Store(past, lambda: 0.0), segment.attributes["definition"])
        stays = [*((since, NEVER) for since in account.members[id_].values()), *account.left[id_]]
        assert sum(since <= then < end for since, end in stays) == len(expected)

    def test_people_come_and_go(self, account: Account) -> None:
        by_name = {one.attributes["name"]: id_ for id_, one in account.records["segment"].items()}
        for name in ("Engaged (90 days)", "Lapsed buyers", "Newsletter, never bought", "SMS reachable"):
            assert account.left[by_name[name]], name
        assert not account.left[by_name["Repeat buyers"]], "who bought twice has bought twice for ever"
        assert all(since < end <= account.now for stays in account.left.values() for since, end in stays)

    def test_its_segments_follow_what_is_written(self) -> None:
        with Sandbox(profiles=100, events=2000) as sandbox:
            api = Api(sandbox)
            segments = sandbox.account.records["segment"].items()
            id_ = next(id_ for id_, one in segments if one.attributes["name"] == "United States")
            before = len(sandbox.account.members[id_])
            profile = api.post(
                "/api/profiles", data("profile", email="new@shop.co", location={"country": "United States"})
            ).json["data"]["id"]
            assert profile in api.get(f"/api/segments/{id_}/profiles", sort="-joined_group_at").ids
            assert len(sandbox.account.members[id_]) == before + 1


def until(log: EventLog, time: int) -> EventLog:
    """The log as it was at a time."""
    stop = int(np.searchsorted(log.time, time, side="right"))
    return EventLog(
        log.ids[:stop],
        log.time[:stop],
        log.metric[:stop],
        log.profile[:stop],
        log.value[:stop],
        log.properties[:stop],
        log.attribution[:stop],
        log.metric_ids,
        log.profile_ids,
    )


class TestStays:
    def ints(self, *values: int) -> Any:
        return np.array(values, dtype=np.int64)

    def test_after_events(self) -> None:
        person, time = self.ints(2, 1, 1, 1, 2), self.ints(50, 10, 15, 40, 100)
        assert Stays.after(person, time, 10).rows() == [(1, 10, 26), (1, 40, 51), (2, 50, 61), (2, 100, 111)]
        assert Stays.after(person, time, 10, count=2).rows() == [(1, 15, 21)]
        assert Stays.after(person, time, 60, count=3).rows() == [(1, 40, 71)]
        assert Stays.after(self.ints(), self.ints(), 10).rows() == []

    def test_between_events(self) -> None:
        person, time = self.ints(2, 1, 1, 1), self.ints(50, 10, 15, 40)
        assert Stays.between(person, time, 10).rows() == [(1, 26, 40), (1, 51, NEVER), (2, 61, NEVER)]
        assert Stays.between(self.ints(), self.ints(), 10).rows() == []

    def test_cut(self) -> None:
        stays = Stays(self.ints(0, 0, 1), self.ints(10, 50, 10), self.ints(30, 90, 30))
        assert stays.until(self.ints(60, 5)).rows() == [(0, 10, 30), (0, 50, 60)]
        holes = Stays(self.ints(0, 0, 0), self.ints(5, 20, 60), self.ints(15, 55, 70))
        assert stays.without(holes).rows() == [(0, 15, 20), (0, 55, 60), (0, 70, 90), (1, 10, 30)]
        assert stays.without(stays).rows() == []
