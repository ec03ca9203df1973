"""Related reads of many parents run at the same time: a few at once, in order, and no further than they are taken."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from klaviyo_analytics.errors import ConnectionFailedError
from klaviyo_analytics.http import cancellation
from klaviyo_analytics.http.rate_limits import MOST
from klaviyo_analytics.resources._reading import AT_ONCE, beside, read_each, read_in_turn
from klaviyo_analytics.resources.events import STREAMS
from tests.shops import Shop, open_shop

LATENCY = 0.02


class InFlight:
    """Counts the requests that wait for their answers at the same time."""

    def __init__(self) -> None:
        self.now = self.most = 0
        self.lock = threading.Lock()


@contextmanager
def in_flight(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Iterator[InFlight]:
    count = InFlight()
    send = shop.client._api.transport.send

    def counted(*args: Any, **kwargs: Any) -> Any:
        with count.lock:
            count.now += 1
            count.most = max(count.most, count.now)
        try:
            return send(*args, **kwargs)
        finally:
            with count.lock:
                count.now -= 1

    with monkeypatch.context() as patched:
        patched.setattr(shop.client._api.transport, "send", counted)
        yield count


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with open_shop(profiles=150, events=1500) as shop:
        shop.sandbox.faults.add(times=None, delay=LATENCY)
        yield shop


@pytest.fixture(scope="module")
def metrics(shop: Shop) -> list[str]:
    counts = shop.client.events.list()["metric_id"].value_counts()
    found: list[str] = counts.index[:6].tolist()
    assert len(found) == 6
    return found


class TestEventsOfSeveralMetrics:
    @pytest.mark.parametrize("workers", [None, 1, 3])
    def test_frames_come_metric_by_metric(self, shop: Shop, metrics: list[str], workers: int | None) -> None:
        wanted = [
            chunk
            for metric in metrics
            for chunk in shop.client.events.iter_frames(metric=metric, chunk_size=40, page_size=20)
        ]
        found = list(
            shop.client.events.iter_frames(metric=metrics, chunk_size=40, page_size=20, workers=workers)
        )
        assert len(found) == len(wanted) > 6
        for one, other in zip(found, wanted, strict=True):
            pd.testing.assert_frame_equal(one, other)

    def test_several_requests_are_in_flight(
        self, shop: Shop, metrics: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with in_flight(shop, monkeypatch) as count:
            frames = shop.client.events.iter_frames(metric=metrics, chunk_size=40, page_size=1000)
            rows = sum(map(len, frames))
        assert rows == len(shop.client.events.list(metric=metrics))
        assert count.most >= 2  # a page each: more than one at a time only if metrics are read side by side
        assert count.most <= STREAMS
        with in_flight(shop, monkeypatch) as count:
            list(shop.client.events.iter_frames(metric=metrics, chunk_size=40, page_size=10))
        assert count.most <= MOST + STREAMS

    def test_pages_that_nobody_takes_are_not_read(self, shop: Shop, metrics: list[str]) -> None:
        whole = len(shop.sandbox.requests)
        list(shop.client.events.iter_frames(metric=metrics, chunk_size=5, page_size=5))
        whole = len(shop.sandbox.requests) - whole
        before = len(shop.sandbox.requests)
        frames: Any = shop.client.events.iter_frames(metric=metrics, chunk_size=5, page_size=5)
        list(islice(frames, 2))
        frames.close()
        assert len(shop.asked(before)) < whole / 2

    def test_a_metric_that_fails_raises_in_its_turn(
        self, shop: Shop, metrics: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        send = shop.client._api.transport.send

        def failing(call: Any, **kwargs: Any) -> Any:
            if metrics[1] in str(call.params):
                raise ConnectionFailedError("gone")
            return send(call, **kwargs)

        monkeypatch.setattr(shop.client._api.transport, "send", failing)
        chunks = shop.client.events.iter_frames(metric=metrics, chunk_size=1000)
        assert set(next(chunks)["metric_id"]) == {metrics[0]}
        with pytest.raises(ConnectionFailedError, match="gone"):
            next(chunks)


class TestCampaignsOfSeveralChannels:
    def test_frames_come_channel_by_channel(self, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
        wanted = [
            chunk
            for channel in ("email", "sms", "mobile_push")
            for chunk in shop.client.campaigns.iter_frames(channel=channel, chunk_size=3)
        ]
        with in_flight(shop, monkeypatch) as count:
            found = list(shop.client.campaigns.iter_frames(chunk_size=3))
        assert 2 <= count.most <= AT_ONCE
        assert len(found) == len(wanted) > 3
        for one, other in zip(found, wanted, strict=True):
            pd.testing.assert_frame_equal(one, other)

    def test_who_stops_early_stops_the_other_channels(self, shop: Shop) -> None:
        chunks = shop.client.campaigns.iter_frames(chunk_size=1)
        assert len(next(chunks)) == 1
        chunks.close()  # type: ignore[attr-defined]
        for thread in threading.enumerate():
            if thread.name == "klaviyo-related":
                thread.join(10)
                assert not thread.is_alive()


class TestTheArchive:
    def test_members_of_many_lists_and_segments(
        self, shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        archive = shop.client.archive(tmp_path)
        for kind in ("lists", "segments"):
            resource = getattr(shop.client, kind)
            with in_flight(shop, monkeypatch) as count:
                frame = archive.snapshot(kind)
            assert frame["id"].tolist() == resource.list()["id"].tolist()
            assert frame["members"].tolist() == [len(resource.profiles(id)) for id in frame["id"]]
            assert 2 <= count.most <= AT_ONCE

    def test_messages_of_many_flows(
        self, shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        archive = shop.client.archive(tmp_path)
        archive.sync(["flows"])
        with in_flight(shop, monkeypatch) as count:
            archive.sync(["flow_messages"])
        wanted = [shop.client.flows.messages(id) for id in shop.client.flows.list()["id"]]
        assert sorted(archive.frame("flow_messages")["id"]) == sorted(pd.concat(wanted)["id"])
        assert 3 <= count.most <= AT_ONCE  # and not eight actions of each of eight flows

    def test_members_that_an_analysis_compares(self, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
        segments = shop.client.segments.list()["name"].tolist()
        assert len(segments) > 2
        with in_flight(shop, monkeypatch) as count:
            shop.client.analyses.overlap(segments)
        assert count.most >= 2


class TestReadInTurn:
    def test_results_come_in_order_and_few_are_read_ahead(self) -> None:
        begun: list[int] = []

        def read(item: int) -> int:
            begun.append(item)
            return item * item

        found = read_in_turn(read, range(40))
        assert [next(found) for _ in range(3)] == [0, 1, 4]
        assert len(begun) <= 3 + AT_ONCE
        assert list(found) == [item * item for item in range(3, 40)]
        assert sorted(begun) == list(range(40))

    def test_reads_inside_reads_share_the_threads(self) -> None:
        def read(item: int) -> tuple[int, list[int]]:
            inner = read_each(lambda _: threading.get_ident(), range(item))
            return beside.get(), inner

        found = list(read_in_turn(read, [3] * 2 * AT_ONCE))
        assert {share for share, _ in found} == {AT_ONCE}
        assert all(len(set(inner)) == 1 for _, inner in found)
        assert beside.get() == 1

    def test_leaving_it_ends_what_waits(self) -> None:
        ended = threading.Event()

        def read(item: int) -> int:
            if item:
                try:
                    cancellation.sleep(600)
                except cancellation.Cancelled:
                    ended.set()
                    raise
            return item

        found: Any = read_in_turn(read, range(3))
        assert next(found) == 0
        found.close()
        assert ended.wait(10)
