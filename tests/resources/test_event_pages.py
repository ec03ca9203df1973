"""However events are read (page size, workers, faults), the frame is the same and each row is there once."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest

from klaviyo_analytics.errors import InvalidInputError, PermissionDeniedError, ValidationError
from klaviyo_analytics.http.retry import RetryPolicy
from klaviyo_analytics.sandbox.faults import Symptoms
from tests.sandbox.accounts import NOW, PLACED, events, small_account
from tests.shops import Shop, open_shop

EVENTS = 300
OPTIONS: dict[str, Any] = {"include": ["profile"], "properties": "columns"}


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:  # its faults are its own, so it is not the library
    with open_shop(events=EVENTS) as shop:
        # By chance one of several readers meets many faults in a row, and all their pauses add up on this clock.
        shop.client._api.transport.retry = RetryPolicy(attempts=60, budget=math.inf)
        yield shop


@pytest.fixture(scope="module")
def whole(shop: Shop) -> pd.DataFrame:
    frame = shop.client.events.list(workers=1, **OPTIONS)
    assert list(frame["id"]) == shop.account.events.ids
    return frame


@pytest.fixture(autouse=True)
def _no_faults(shop: Shop) -> Iterator[None]:
    yield
    shop.sandbox.faults.clear()


def add_faults(shop: Shop) -> None:
    """Let every second request go wrong, each time in another way."""
    symptoms: list[Symptoms] = [
        {"drop": "before"},
        {"drop": "during"},
        {"drop": "after"},
        {"truncate": True},
        {"status": 429, "retry_after": 2},
        {"status": 503},
        {"status": 502, "body": b"<html>", "content_type": "text/html"},
        {"body": b'{"data": ['},
    ]
    for turn, symptom in enumerate(symptoms):
        shop.sandbox.faults.add(path="/api/events", times=None, every=17, skip=2 * turn, **symptom)


class TestTheSameFrame:
    @pytest.mark.parametrize("faults", [False, True], ids=["well", "with-faults"])
    @pytest.mark.parametrize("workers", [1, 4])
    @pytest.mark.parametrize("page_size", [1, 7, 200, 1_000])
    def test_at_every_page_size(
        self, page_size: int, workers: int, faults: bool, shop: Shop, whole: pd.DataFrame
    ) -> None:
        if faults:
            add_faults(shop)
        frame = shop.client.events.list(page_size=page_size, workers=workers, **OPTIONS)
        pd.testing.assert_frame_equal(frame, whole)

    @pytest.mark.parametrize("workers", [None, 1, 2, 3, 4, 5, 6, 7, 8])
    def test_for_part_of_the_time_with_any_number_of_workers(
        self, workers: int | None, shop: Shop, whole: pd.DataFrame
    ) -> None:
        start, end = whole["datetime"].iloc[[25, 275]]
        frame = shop.client.events.list(start=start, end=end, workers=workers, page_size=20, **OPTIONS)
        expected = whole[(whole["datetime"] >= start) & (whole["datetime"] < end)].reset_index(drop=True)
        log = shop.account.events
        held = {f"event_properties.{key}" for one in log.properties[25:275] for key in one}
        columns = [name for name in whole if name in held or not str(name).startswith("event_properties.")]
        assert set(frame.columns) == set(columns)  # properties that only other events have make no column
        pd.testing.assert_frame_equal(frame[columns], expected[columns])

    @pytest.mark.parametrize("chunk_size", [1, 99, 300, 10_000])
    def test_in_chunks(self, chunk_size: int, shop: Shop, whole: pd.DataFrame) -> None:
        add_faults(shop)
        chunks = list(shop.client.events.iter_frames(chunk_size=chunk_size, page_size=50))
        assert [len(chunk) for chunk in chunks[:-1]] == [chunk_size] * (len(chunks) - 1)
        assert [id for chunk in chunks for id in chunk["id"]] == list(whole["id"])

    @pytest.mark.parametrize("limit", [0, 1, 199, 200, 201, 299, 300, 301])
    @pytest.mark.parametrize("page_size", [None, 7, 200])
    def test_a_limit_is_exact_at_every_size(
        self, limit: int, page_size: int | None, shop: Shop, whole: pd.DataFrame
    ) -> None:
        frame = shop.client.events.list(limit=limit, page_size=page_size)
        assert list(frame["id"]) == list(whole["id"].head(limit))


class TestRanges:
    def filters(self, shop: Shop, **options: Any) -> set[str]:
        before = len(shop.sandbox.requests)
        shop.client.events.list(**options)
        return {one.params.get("filter", "") for one in list(shop.sandbox.requests)[before:]}

    def test_a_long_read_is_cut_into_ranges_that_several_workers_read(self, shop: Shop) -> None:
        filters = self.filters(shop, page_size=10, workers=4)
        # the first page, one for each worker, and what they shared later: how much depends on who is fast, but only
        # three pages and more are shared, so that 30 pages are never more than 20 ranges
        assert 5 <= len(filters) <= 20

    @pytest.mark.parametrize(
        "options",
        [
            {"workers": 1},
            {"limit": 500},
            {"sort": "-datetime"},
            {"sort": None},
            {"page_size": 1_000},
            {"filter": "greater-than(timestamp,1700000000)"},
        ],
        ids=str,
    )
    def test_what_cannot_or_need_not_be_cut_is_read_in_one(self, options: dict[str, Any], shop: Shop) -> None:
        assert len(self.filters(shop, **{"page_size": 10, **options})) == 1

    def test_fields_that_leave_the_time_out_leave_it_out(self, shop: Shop, whole: pd.DataFrame) -> None:
        frame = shop.client.events.list(fields=["uuid"], page_size=10)
        pd.testing.assert_frame_equal(frame[["id", "uuid"]], whole[["id", "uuid"]])
        assert "datetime" not in frame

    @pytest.mark.parametrize("workers", [1, 2, 8])
    @pytest.mark.parametrize("page_size", [1, 7, 24, 25, 26, 60])
    def test_events_of_the_same_second_are_neither_lost_nor_doubled(
        self, workers: int, page_size: int
    ) -> None:
        account = small_account()
        times = np.repeat(NOW - 40 * 3600 * np.arange(20)[::-1], 25)
        account.events = events([(int(time), PLACED, None, 1.0, {}) for time in times])
        with open_shop(account=account) as shop:
            frame = shop.client.events.list(workers=workers, page_size=page_size)
        assert list(frame["id"]) == account.events.ids

    def test_an_event_that_does_not_tell_its_time_is_read_without_ranges(self, shop: Shop) -> None:
        odd = {"type": "event", "id": "e", "attributes": {"datetime": None}}
        shop.sandbox.faults.add(path="/api/events", status=200, body={"data": [odd], "links": {}})
        assert list(shop.client.events.list(page_size=1)["id"]) == ["e"]

    def test_a_range_that_fails_stops_the_others(self, shop: Shop) -> None:
        shop.sandbox.faults.add(path="/api/events", skip=4, status=403)
        before = len(shop.sandbox.requests)
        with pytest.raises(PermissionDeniedError):
            shop.client.events.list(page_size=3, workers=4)
        assert len(shop.asked(before)) < 20  # of two hundred

    @pytest.mark.parametrize("workers", [0, -1])
    def test_there_is_at_least_one_worker(self, workers: int, shop: Shop) -> None:
        with pytest.raises(InvalidInputError) as caught:
            shop.client.events.list(workers=workers)
        assert (
            str(caught.value) == f"workers={workers} is not allowed. Use at least 1, or None for automatic."
        )


@pytest.fixture(scope="module")
def strict_shop() -> Iterator[Shop]:
    with open_shop(events=EVENTS, events_page_max=200) as shop:
        yield shop


class TestRefusedPageSizes:
    def sizes(self, shop: Shop) -> list[str]:
        return [one.params["page[size]"] for one in shop.sandbox.requests if one.path.endswith("/events")]

    def test_events_come_two_hundred_a_page_where_a_thousand_are_refused(
        self, strict_shop: Shop, whole: pd.DataFrame
    ) -> None:
        frame = strict_shop.client.events.list(workers=1, **OPTIONS)
        pd.testing.assert_frame_equal(frame, whole)
        assert self.sizes(strict_shop) == ["1000", "200", "200"]
        assert list(strict_shop.client.events.list(workers=4)["id"]) == list(whole["id"])
        assert self.sizes(strict_shop).count("1000") == 1

    def test_a_size_of_ones_own_is_not_changed(self, strict_shop: Shop) -> None:
        with pytest.raises(ValidationError, match=r"page\[size\]|page_size"):
            strict_shop.client.events.list(page_size=500)


def test_a_well_behaved_read_is_never_turned_away() -> None:
    with open_shop(events=2_000, rate_limits=True) as shop:
        shop.client._api.paced = True
        shop.client._api.transport.pacer._clock, shop.client._api.transport.pacer._sleep = (
            shop.clock,
            shop.clock.sleep,
        )
        assert len(shop.client.events.list(page_size=10, workers=1)) == 2_000
        assert len(shop.client.flows.list()) > 0
        assert {one.status for one in shop.sandbox.requests} == {200}
        assert shop.clock.slept
