"""Frames of events: each recorded once, however often it is sent."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pandas as pd
import pytest

from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.errors import FrameError
from klaviyo_analytics.filters import F
from klaviyo_analytics.writeback import Plan, write_types
from tests.shops import Shop

JOBS = "/api/event-bulk-create-jobs"


def happened(count: int = 3, **more: Any) -> pd.DataFrame:
    emails = [f"event{number}@mail.example.net" for number in range(count)]
    return pd.DataFrame(
        {"email": emails, "time": pd.date_range("2026-01-05", periods=count, tz="UTC"), **more}
    )


def recorded(shop: Shop, metric: str) -> pd.DataFrame:
    id = shop.client.metrics.find(name=metric)["id"]
    return shop.client.events.list(filter=F.metric_id == id, include=["profile"], sort="datetime")


def problems(client: KlaviyoClient, frame: pd.DataFrame, **given: Any) -> list[str]:
    plan = client.events.plan_create(frame, metric="Scored", **{"properties": "rest", **given})
    return plan.problems["problem"].tolist()


def ids_of(plan: Plan) -> list[str]:
    records = [orjson.loads(record) for record in plan._records if record is not None]
    return [one["attributes"]["events"]["data"][0]["attributes"]["unique_id"] for one in records]


def test_what_is_read_back_is_what_was_sent(shop: Shop) -> None:
    frame = happened(total=[1.5, 2.0, None], score=[4, 5, 6], note=["a", "ö", "c"], ok=[True, False, True])
    result = shop.client.events.create_many(
        frame, metric="Read back", columns={"total": "value"}, properties="rest", value_currency="EUR"
    )
    assert result.rows["status"].tolist() == ["accepted"] * 3
    found = recorded(shop, "Read back")
    assert found["datetime"].tolist() == frame["time"].tolist()
    kept = [
        {name: value for name, value in one.items() if name in ("score", "note", "ok", "$value")}
        for one in found["event_properties"]
    ]
    assert kept == [
        {"score": 4, "note": "a", "ok": True, "$value": 1.5},
        {"score": 5, "note": "ö", "ok": False, "$value": 2.0},
        {"score": 6, "note": "c", "ok": True},
    ]


def test_running_it_again_adds_nothing(shop: Shop) -> None:
    for _ in range(2):
        shop.client.events.create_many(happened(score=[1, 2, 3]), metric="Twice", properties="rest")
    assert len(recorded(shop, "Twice")) == 3


def test_other_content_is_another_event(shop: Shop) -> None:
    for score in (1, 2):
        shop.client.events.create_many(happened(1, score=[score]), metric="Other", properties="rest")
    assert len(recorded(shop, "Other")) == 2


@pytest.mark.parametrize("drop", ["before", "after"])
def test_a_lost_answer_neither_loses_nor_doubles_an_event(
    shop: Shop, drop: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(
        write_types.WRITE_TYPES, "event create", replace(write_types.WRITE_TYPES["event create"], most=5)
    )
    shop.sandbox.faults.add(method="POST", path=JOBS, times=4, every=2, drop=drop)
    frame = happened(50, score=range(50))
    result = shop.client.events.create_many(frame, metric=f"Lost {drop}", properties="rest")
    assert (result.rows["status"] == "accepted").all()
    assert len(recorded(shop, f"Lost {drop}")) == 50


def test_events_that_are_refused_because_they_are_there_are_there(shop: Shop) -> None:
    twice = {
        "errors": [
            {
                "id": "e",
                "code": "duplicate",
                "title": "Duplicate",
                "detail": "unique_id",
                "source": {"pointer": f"{'/data'}/attributes/events-bulk-create/data/0/unique_id"},
            }
        ]
    }
    shop.sandbox.faults.add(method="POST", path=JOBS, times=1, drop="after")
    shop.sandbox.faults.add(method="POST", path=JOBS, times=1, status=409, body=twice)
    result = shop.client.events.create_many(happened(2), metric="There already")
    assert result.rows["status"].tolist() == ["accepted", "accepted"]
    assert len(recorded(shop, "There already")) == 2


def test_times_without_a_zone_are_the_accounts(shop: Shop) -> None:
    frame = pd.DataFrame({"email": ["zone@mail.example.net"] * 2, "time": ["2026-01-05 10:00", "2026-01-06"]})
    shop.client.events.create_many(frame, metric="Zoned")
    naive = pd.DataFrame({"email": ["zone@mail.example.net"], "time": [pd.Timestamp("2026-01-07 09:00")]})
    shop.client.events.create_many(naive, metric="Zoned")
    found = recorded(shop, "Zoned")["datetime"].dt.tz_convert(shop.client.account["timezone"])
    assert found.dt.tz_localize(None).astype(str).tolist() == [
        "2026-01-05 10:00:00",
        "2026-01-06 00:00:00",
        "2026-01-07 09:00:00",
    ]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        pytest.param(
            {"email": "ann@example.com"}, "takes events of example.com and drops them", id="dropped"
        ),
        pytest.param({"email": "x" * 90 + "@mail.example.net"}, "100 characters", id="long-address"),
        pytest.param({"time": pd.Timestamp("1999-12-31", tz="UTC")}, "the year 2000", id="too-early"),
        pytest.param({"time": pd.Timestamp("2045-01-01", tz="UTC")}, "a year from now", id="too-late"),
        pytest.param({"time": pd.NaT}, "time is missing", id="no-time"),
        pytest.param({"email": None}, "email is missing", id="nobody"),
        pytest.param({"items": [[0] * 4001]}, "4,000 items", id="long-list"),
        pytest.param({"items": ["x" * 100_001]}, "100,000 bytes", id="long-text"),
        pytest.param({"unique_id": [""]}, "1 to 255", id="empty-id"),
    ],
)
def test_what_klaviyo_would_refuse_or_lose_is_a_problem(
    offline: KlaviyoClient, change: dict[str, Any], why: str
) -> None:
    frame = happened(1, **{name: value for name, value in change.items() if isinstance(value, list)})
    for name, value in change.items():
        if not isinstance(value, list):
            frame[name] = pd.Series([value], dtype=frame[name].dtype)
    (problem,) = problems(offline, frame)
    assert why in problem


def test_too_many_properties_are_a_problem(offline: KlaviyoClient) -> None:
    frame = pd.concat([happened(1), pd.DataFrame({f"p{n}": [1] for n in range(401)})], axis=1)
    assert problems(offline, frame) == ["401 properties, and an event may have 400"]


def test_the_same_event_twice_in_a_frame_is_a_problem(offline: KlaviyoClient) -> None:
    frame = pd.concat([happened(1), happened(1)], ignore_index=True)
    assert len(problems(offline, frame)) == 2
    plan = offline.events.plan_create(frame, metric="Scored", on_duplicate="first")
    assert plan.preview()["action"].tolist() == ["event create", "not sent"]


def test_ids_that_differ_in_case_are_two_people_and_addresses_one(offline: KlaviyoClient) -> None:
    time = pd.Timestamp("2026-01-05", tz="UTC")
    ids = pd.DataFrame({"external_id": ["A1", "a1"], "time": time})
    plan = offline.events.plan_create(ids, metric="Scored")
    assert plan.problems.empty
    assert len(set(ids_of(plan))) == 2
    emails = pd.DataFrame({"email": ["Ann@mail.example.net", "ann@mail.example.net"], "time": time})
    assert len(problems(offline, emails)) == 2


def test_an_address_that_is_a_number_is_a_problem(offline: KlaviyoClient) -> None:
    frame = happened(2).assign(email=[1.5, 2.5])
    assert all("is not a valid email address" in problem for problem in problems(offline, frame))


def test_properties_that_klaviyo_does_not_keep_are_noted(offline: KlaviyoClient) -> None:
    frame = happened(2, score=[0, 1], note=["", "x"], tall=[False, True])
    notes = offline.events.plan_create(frame, metric="Scored", properties="rest").preview()["note"]
    assert notes[0].endswith("score, note")
    assert pd.isna(notes[1])


def test_somebody_has_to_be_named(offline: KlaviyoClient) -> None:
    with pytest.raises(FrameError, match="no column identifies the profile of the event"):
        offline.events.plan_create(pd.DataFrame({"score": [1]}), metric="Scored", properties="rest")
