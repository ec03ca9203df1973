"""Frames of events in bounded memory: read ahead by several readers, in order, each event once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import islice
from typing import Any

import pandas as pd
import pytest

from klaviyo_analytics.errors import RequestTimeoutError
from klaviyo_analytics.http.rate_limits import FEW, MOST, Pace
from klaviyo_analytics.resources import _concurrent
from tests.sandbox.accounts import ANNA, DAY, NOW, PLACED, events, small_account
from tests.shops import Shop, open_shop

EVENTS = 900
TIMES = 6  # how often something is done whose cost depends on which reader is first
SPREADS: dict[str, Callable[[int], float]] = {
    "evenly": lambda number: number * DAY / 3,
    "in one second": lambda _: 500 * DAY,
    "most in one hour of years": lambda number: (
        number * DAY * 0.7 if number % 10 == 0 else 333 * DAY + number
    ),
    "with a gap of a year": lambda number: number * 600.0 if number < 450 else 500 * DAY + number,
}


@pytest.fixture(scope="module", params=SPREADS)
def shop(request: Any) -> Iterator[Shop]:
    spread = SPREADS[request.param]
    log = events([(int(NOW - 700 * DAY + spread(number)), PLACED, ANNA, 1.0, {}) for number in range(EVENTS)])
    with open_shop(account=small_account(log)) as shop:
        yield shop


@pytest.mark.parametrize("workers", [None, 1, 2, 7])
def test_every_event_comes_once_and_in_order(shop: Shop, workers: int | None) -> None:
    serial = shop.client.events.list(workers=1, page_size=10)
    chunks = list(shop.client.events.iter_frames(chunk_size=64, page_size=10, workers=workers))
    assert [len(chunk) for chunk in chunks] == [64] * (EVENTS // 64) + [EVENTS % 64]
    frame = pd.concat(chunks, ignore_index=True)
    assert frame["datetime"].is_monotonic_increasing
    pd.testing.assert_frame_equal(
        frame.sort_values("id", ignore_index=True), serial.sort_values("id", ignore_index=True)
    )


@pytest.mark.parametrize("shop", ["evenly"], indirect=True)
def test_readers_stop_a_few_pages_ahead(shop: Shop) -> None:
    before = len(shop.sandbox.requests)
    # an iterator for the public, a generator here
    chunks: Any = shop.client.events.iter_frames(chunk_size=10, page_size=10, workers=3)
    list(islice(chunks, 2))
    chunks.close()
    assert len(shop.asked(before)) <= 4 * 3 * _concurrent.AHEAD < EVENTS / 10


@contextmanager
def left_alone(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[_concurrent.Ranges, Any]]:
    """Take one page, wait until no reader goes on by itself, and give what reads and the pages that are left."""
    found: list[_concurrent.Ranges] = []
    begin = _concurrent.Ranges._begin

    def begun(reading: _concurrent.Ranges, *args: Any) -> None:
        found.append(reading)
        begin(reading, *args)

    monkeypatch.setattr(_concurrent.Ranges, "_begin", begun)
    chunks: Any = shop.client.events.iter_frames(chunk_size=10, page_size=10, workers=4)
    with closing(chunks):  # so that no reader outlives a test that fails
        next(chunks)
        reading = found[0]
        with reading._changed:
            assert reading._changed.wait_for(lambda: reading._open == 0, timeout=60)
        yield reading, chunks


@pytest.mark.parametrize(
    ("shop", "least_waiting"),
    [("evenly", 0), ("most in one hour of years", 1)],  # evenly, all readers may have come to their ends
    indirect=["shop"],
)
def test_readers_keep_few_pages_where_nobody_takes_them(
    shop: Shop, least_waiting: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with left_alone(shop, monkeypatch) as (reading, chunks):
        assert reading._pausing >= least_waiting
        assert 0 < reading._ahead <= (_concurrent.AHEAD_OF_ALL + 1) * 4
        assert len(list(chunks)) == EVENTS / 10 - 1


@pytest.mark.parametrize("shop", ["evenly", "most in one hour of years"], indirect=True)
def test_readers_make_way_within_a_range_that_is_too_long_to_be_kept(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_concurrent, "AHEAD", 3 * _concurrent.AHEAD_OF_IT)
    with left_alone(shop, monkeypatch) as (reading, chunks):
        assert reading._pausing > 0
        assert len(list(chunks)) == EVENTS / 10 - 1


@pytest.mark.parametrize("shop", ["evenly"], indirect=True)
def test_an_iterator_that_is_left_ends_its_readers(shop: Shop) -> None:
    before = set(threading.enumerate())
    chunks = shop.client.events.iter_frames(chunk_size=10, page_size=10, workers=3)
    next(chunks)
    readers = [
        one for one in threading.enumerate() if one.name.startswith("klaviyo-read") and one not in before
    ]
    assert readers
    chunks.close()  # type: ignore[attr-defined]
    for reader in readers:
        reader.join(timeout=30)
    assert not any(reader.is_alive() for reader in readers)


@pytest.mark.parametrize("shop", ["evenly"], indirect=True)
def test_the_error_of_one_reader_ends_the_iteration(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    send, sent = shop.client._api.transport.send, []

    def fails(*args: Any, **kwargs: Any) -> Any:
        sent.append(args)
        if len(sent) == 9:
            raise RequestTimeoutError("broken")
        return send(*args, **kwargs)

    monkeypatch.setattr(shop.client._api.transport, "send", fails)
    with pytest.raises(RequestTimeoutError, match="broken"):
        list(shop.client.events.iter_frames(page_size=10, workers=3))
    assert len(sent) < EVENTS / 10


@pytest.mark.parametrize("shop", ["most in one hour of years"], indirect=True)
def test_reading_ahead_costs_few_requests(shop: Shop) -> None:
    before = len(shop.sandbox.requests)
    list(shop.client.events.iter_frames(page_size=10, workers=4))
    assert len(shop.asked(before)) < 1.5 * EVENTS / 10


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def readers_after(pages: int, seconds_a_page: Callable[[int], float]) -> int:
    """Return the number of readers after so many pages, of which each reader reads one in `seconds_a_page`."""
    clock = Clock()
    pace = Pace(None, clock)
    clock.now += seconds_a_page(1)
    pace.first_page(seconds_a_page(1))
    for _ in range(pages):
        clock.now += seconds_a_page(pace.readers) / pace.readers
        pace.page()
    return pace.readers


def test_readers_are_added_while_latency_is_what_they_wait_for() -> None:
    assert readers_after(60, lambda _: 0.2) == MOST


def test_no_reader_is_added_where_more_do_not_read_faster() -> None:
    assert readers_after(200, lambda readers: 0.02 * readers) == FEW


def test_readers_stop_growing_at_the_pace_of_the_server() -> None:
    assert readers_after(200, lambda readers: max(0.2, readers / 24)) == 8


def test_a_number_of_workers_is_kept() -> None:
    pace = Pace(3, Clock())
    for _ in range(50):
        pace.page()
    assert (pace.readers, pace.most) == (3, 3)


def readers_at_first(seconds: float, work: float, allowed: float | None = None, most: int = MOST) -> int:
    pace = Pace(None, Clock(), allowed, most=most)
    pace.first_page(seconds, work)
    return pace.readers


def test_the_first_page_shows_how_many_readers_its_latency_keeps_busy() -> None:
    assert readers_at_first(0.2, 0.02) == 10
    assert readers_at_first(0.2, 0.001) == MOST
    assert readers_at_first(0.03, 0.02) == FEW


def test_no_more_readers_start_than_the_documented_limit_keeps_busy() -> None:
    assert readers_at_first(0.2, 0.001, allowed=10) == 3
    assert readers_at_first(0.2, 0.001, allowed=350) == MOST
    assert readers_at_first(0.2, 0.001, most=5) == 5


@pytest.mark.parametrize("shop", ["evenly", "most in one hour of years"], indirect=True)
def test_a_frame_costs_few_requests_more_than_one_reader_needs(shop: Shop) -> None:
    before = len(shop.sandbox.requests)
    for _ in range(TIMES):
        shop.client.events.list(page_size=10, workers=4)
    # 1.2 at the usual pages: few rows are a poor estimate, and how poor depends on which reader is first
    assert len(shop.asked(before)) / TIMES <= 1.3 * EVENTS / 10


def test_the_names_of_the_metrics_are_read_once() -> None:
    with open_shop(events=300) as shop:
        for _ in range(2):
            assert shop.client.events.list(page_size=10, workers=4)["metric"].notna().all()
        assert shop.asked().count("GET /api/metrics") == 1


def test_a_metric_that_came_up_since_is_looked_for_once_more() -> None:
    with open_shop(events=300) as shop:
        context = shop.client._context
        context.metrics = shop.client.metrics.list().head(1)  # as it was before the others came up
        before = len(shop.sandbox.requests)
        for _ in range(2):
            assert shop.client.events.list()["metric"].notna().all()
        assert shop.asked(before).count("GET /api/metrics") == 1


@pytest.mark.parametrize("shop", ["evenly"], indirect=True)
@pytest.mark.parametrize(("allowed", "fewest"), [(0.1, 1), (None, _concurrent.FEWEST)])
def test_where_the_pace_is_the_limit_the_last_pages_are_taken_one_by_one(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, allowed: float | None, fewest: int
) -> None:
    planned: list[float] = []
    begin = _concurrent.Ranges._begin

    def begun(reading: _concurrent.Ranges, piece: Any) -> None:
        begin(reading, piece)
        planned.append(piece.few)

    monkeypatch.setattr(_concurrent.Ranges, "_begin", begun)
    monkeypatch.setattr(type(shop.client._api), "pace", lambda *_: allowed)
    assert len(shop.client.events.list(page_size=10)) == EVENTS
    assert min(planned) == pytest.approx(fewest - _concurrent.MARGIN)


def test_several_metrics_are_read_at_the_same_time(monkeypatch: pytest.MonkeyPatch) -> None:
    with open_shop(events=300) as shop:
        names = shop.client.metrics.list()["id"].head(3).tolist()
        separate = [shop.client.events.list(metric=name) for name in names]
        meeting = threading.Barrier(3)
        send = shop.client._api.transport.send

        def meets(*args: Any, **kwargs: Any) -> Any:
            meeting.wait(timeout=60)  # a read that waits for another breaks it
            return send(*args, **kwargs)

        monkeypatch.setattr(shop.client._api.transport, "send", meets)
        frame = shop.client.events.list(metric=names)
    assert sorted(frame["id"]) == sorted(pd.concat(separate)["id"])
    assert frame["datetime"].is_monotonic_increasing
