"""Reading while the data change: each row once, none lost, and pages that never end are stopped."""

from __future__ import annotations

import random
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

import klaviyo_analytics as ka
from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.errors import MalformedResponseError, PaginationError
from tests.resources.answering import Make, answering, metrics, pages, row


def profiles(*ids: str | None) -> list[dict[str, Any]]:
    return [row("profile", id, email=f"{id}@shop.example") for id in ids]


def held(*lists: list[dict[str, Any]]) -> Make:
    return lambda _method, path, query, _body: pages(path, query, *lists)


READS: list[Any] = [
    pytest.param(lambda client: client.profiles.list()["id"].tolist(), id="profiles"),
    pytest.param(lambda client: client.lists.profiles("L1")["id"].tolist(), id="members"),
    pytest.param(
        lambda client: [id for frame in client.profiles.iter_frames(chunk_size=2) for id in frame["id"]],
        id="chunks",
    ),
]


@pytest.mark.parametrize("read", READS)
def test_a_row_on_two_pages_comes_once_and_is_counted(read: Any) -> None:
    make = held(profiles("P1", "P2"), profiles("P2", "P3"), profiles("P1", "P3", "P4"))
    with (
        answering(make) as client,
        pytest.warns(ka.ReadingWarning, match=r"3 rows came on more than one page"),
    ):
        assert read(client) == ["P1", "P2", "P3", "P4"]


def test_a_limit_counts_different_rows() -> None:
    make = held(profiles("P1", "P2"), profiles("P2", "P3"), profiles("P4"))
    with answering(make) as client, pytest.warns(ka.ReadingWarning, match="1 row came"):
        assert client.profiles.list(limit=3)["id"].tolist() == ["P1", "P2", "P3"]


@pytest.mark.parametrize("read", READS)
def test_a_row_without_an_id_is_kept(read: Any) -> None:
    make = held(profiles("P1", None), profiles(None, "P2"))
    with answering(make) as client, pytest.warns(ka.ReadingWarning, match="2 rows without an id"):
        ids = read(client)
    assert [None if id is not id or id is None or str(id) == "<NA>" else id for id in ids] == [
        "P1", None, None, "P2",
    ]  # fmt: skip


@pytest.mark.parametrize("read", READS)
def test_null_instead_of_a_page_is_an_error(read: Any) -> None:
    nothing: dict[str, Any] = {"data": None, "links": {}}
    with answering(lambda *_: nothing) as client, pytest.raises(MalformedResponseError, match="null instead"):
        read(client)


@pytest.mark.parametrize(("ids", "said"), [(("P1", "P2"), "read already"), ((), "no rows")])
def test_pages_that_go_on_for_ever_are_stopped(ids: tuple[str, ...], said: str) -> None:
    def make(method: str, path: str, query: dict[str, str], body: Any) -> Any:
        cursor = int(query.get("page[cursor]", 0))
        following = f"https://a.klaviyo.com{path}?" + urlencode({"page[cursor]": cursor + 1})
        return {"data": profiles(*ids), "links": {"next": following}}

    with answering(make) as client, pytest.raises(PaginationError, match=said):
        client.profiles.list()


TIMES = [datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=17 * n) for n in range(3000)]


class TestSeveralReaders:
    def make(self, repeated: int) -> Make:
        """Pages whose rows are in no order, some of which come again on the following page."""

        def make(method: str, path: str, query: dict[str, str], body: Any) -> Any:
            if path.startswith("/api/metrics"):
                return metrics("A")
            low = re.search(r"greater-or-equal\(datetime,([^)]+)\)", query.get("filter", ""))
            high = re.search(r"less-than\(datetime,([^)]+)\)", query.get("filter", ""))
            first = datetime.fromisoformat(low[1]) if low else TIMES[0]
            last = datetime.fromisoformat(high[1]) if high else TIMES[-1] + timedelta(days=1)
            found = [n for n, when in enumerate(TIMES) if first <= when < last]
            at, size = int(query.get("page[cursor]", 0)), int(query["page[size]"])
            page = found[max(at - repeated, 0) : at + size]
            if at:  # the first page tells how dense the events are
                random.Random(at).shuffle(page)
            following = f"https://a.klaviyo.com{path}?" + urlencode({**query, "page[cursor]": at + size})
            rows = [row("event", f"E{n}", datetime=TIMES[n].isoformat()) for n in page]
            return {"data": rows, "links": {"next": following if at + size < len(found) else None}}

        return make

    @pytest.mark.parametrize("workers", [2, 4, 7])
    def test_lose_no_row_of_a_page_that_is_out_of_order(self, workers: int) -> None:
        with answering(self.make(0)) as client:
            frame = client.events.list(page_size=200, workers=workers)
        assert sorted(frame["id"]) == sorted(f"E{n}" for n in range(len(TIMES)))

    @pytest.mark.parametrize("workers", [1, 4])
    def test_read_a_repeated_row_once(self, workers: int) -> None:
        with (
            answering(self.make(9)) as client,
            pytest.warns(ka.ReadingWarning, match="rows came"),
        ):
            frame = client.events.list(page_size=200, workers=workers)
        assert sorted(frame["id"]) == sorted(f"E{n}" for n in range(len(TIMES)))


def test_names_of_metrics_that_may_not_be_read_are_missing_with_one_warning() -> None:
    def make(method: str, path: str, query: dict[str, str], body: Any) -> Any:
        if path.startswith("/api/metrics"):
            return {"data": None}
        event = row("event", "E1", datetime="2026-01-01T00:00:00Z")
        event["relationships"] = {"metric": {"data": {"type": "metric", "id": "M1"}}}
        return {"data": [event], "links": {}}

    def read(client: KlaviyoClient) -> Any:
        return client.events.list()["metric"].isna().tolist()

    with answering(make) as client:
        with pytest.warns(ka.ReadingWarning, match="1 metric"):
            assert read(client) == [True]
        assert read(client) == [True]  # a second warning would be an error
