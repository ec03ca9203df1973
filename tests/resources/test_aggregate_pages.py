"""Metric aggregates: pages handed over in every way that the documents leave open, and answers that are none."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pandas as pd
import pytest

import klaviyo_analytics as ka
from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.errors import MalformedResponseError, PaginationError, ValidationError
from tests.http.clocks import Clock
from tests.http.scripted_server import Answer, ScriptedServer, data, error

ACCOUNT = data(
    [{"type": "account", "id": "A", "attributes": {"timezone": "UTC", "preferred_currency": "EUR"}}]
)
METRICS = data([{"type": "metric", "id": "M", "attributes": {"name": "Opened Email"}}])
DATES = ["2026-01-01T00:00:00+00:00", "2026-01-02T00:00:00+00:00"]
LINK = "https://a.klaviyo.com/api/metric-aggregates?page_cursor="


def groups(*names: str, count: int = 1, links: Any = None, **attributes: Any) -> Answer:
    """A page with so many groups."""
    rows = [{"dimensions": [name], "measurements": {"count": [count, count]}} for name in names]
    facts = {"dates": DATES, "data": rows, **attributes}
    return data({"type": "metric-aggregate", "id": "x", "attributes": facts}, links=links or {})


@contextmanager
def serving(*pages: Answer) -> Iterator[tuple[KlaviyoClient, ScriptedServer]]:
    with ScriptedServer(ACCOUNT, METRICS, *pages) as server:
        client = ka.connect(api_key="pk_0123456789", base_url=server.url, progress=False)
        client._api.paced = False
        client._api.transport._sleep = Clock().sleep
        with client:
            _ = client.account
            yield client, server


def ask(client: KlaviyoClient, **options: Any) -> pd.DataFrame:
    query = {"by": "$message", "timeframe": ("2026-01-01", "2026-01-03"), **options}
    return client.metric_aggregates.query("Opened Email", **query)


def bodies(server: ScriptedServer) -> list[dict[str, Any]]:
    return [json.loads(one.body)["data"]["attributes"] for one in server.asked if one.method == "POST"]


@pytest.mark.parametrize(
    "handed_over",
    [
        {"links": {"next": LINK + "two"}},
        {"links": {"next": {"href": LINK + "two"}}},
        {"links": {"next": LINK.replace("page_cursor", "page%5Bcursor%5D") + "two"}},
        {"next_page_cursor": "two"},
        {"page_cursor": "two"},
    ],
    ids=str,
)
def test_the_next_page_is_asked_for_with_the_cursor_in_the_body(handed_over: dict[str, Any]) -> None:
    with serving(groups("a", **handed_over), groups("b", count=2)) as (client, server):
        frame = ask(client)
    assert frame[["message", "count"]].to_numpy().tolist() == [["a", 1], ["a", 1], ["b", 2], ["b", 2]]
    first, second = bodies(server)
    assert "page_cursor" not in first
    assert second == {**first, "page_cursor": "two"}


def test_a_full_page_without_a_cursor_is_asked_for_larger() -> None:
    names = [f"g{n}" for n in range(700)]
    with serving(groups(*names[:500]), groups(*names)) as (client, server):
        frame = ask(client)
    assert frame["message"].nunique() == 700
    assert [body["page_size"] for body in bodies(server)] == [500, 4_000]


def test_a_last_page_that_happens_to_be_full_is_the_end() -> None:
    names = [f"g{n}" for n in range(1_000)]
    with serving(groups(*names[:500], next_page_cursor="two"), groups(*names[500:])) as (client, server):
        assert ask(client)["message"].nunique() == 1_000
    assert len(bodies(server)) == 2


@pytest.mark.parametrize("refusal", [error(400, source={"pointer": "/data/attributes/page_size"}), None])
def test_what_would_be_cut_off_in_silence_is_an_error(refusal: Answer | None) -> None:
    full = [groups(*(f"g{n}" for n in range(size))) for size in (500, 4_000, 32_000)]
    pages = [full[0], refusal] if refusal else full
    message = r"There are [\d,]+ groups or more.*Group by less"
    with serving(*pages) as (client, _), pytest.raises(PaginationError, match=message):
        ask(client)


def test_a_refusal_of_the_first_page_is_the_servers_own() -> None:
    with (
        serving(error(400, detail="No such metric.")) as (client, _),
        pytest.raises(ValidationError, match="No such"),
    ):
        ask(client)


def test_the_same_cursor_twice_stops_the_reading() -> None:
    with (
        serving(groups("a", next_page_cursor="two")) as (client, server),
        pytest.raises(PaginationError, match="twice"),
    ):
        ask(client)
    assert len(bodies(server)) == 2


class TestOddAnswers:
    @pytest.mark.parametrize(
        "attributes",
        [
            {},
            {"dates": DATES},
            {"dates": DATES, "data": None},
            {"dates": None, "data": []},
            {"dates": ["soon"], "data": []},
            {"dates": [5], "data": []},
            {"dates": DATES, "data": ["row"]},
            {"dates": DATES, "data": [{"dimensions": ["a"]}]},
            {"dates": DATES, "data": [{"dimensions": ["a"], "measurements": {"count": [1]}}]},
            {"dates": DATES, "data": [{"dimensions": ["a"], "measurements": {"count": ["x", 1]}}]},
            {"dates": DATES, "data": [{"dimensions": ["a"], "measurements": {"count": 5}}]},
            {"dates": DATES, "data": [{"dimensions": ["a"], "measurements": None}]},
        ],
        ids=str,
    )
    def test_numbers_that_do_not_fit_are_an_error_of_ours(self, attributes: Any) -> None:
        answer = data({"type": "metric-aggregate", "id": "x", "attributes": attributes})
        with (
            serving(answer) as (client, _),
            pytest.raises(
                MalformedResponseError, match=r"The metric-aggregates response (lacks|has|contains)"
            ),
        ):
            ask(client)

    @pytest.mark.parametrize(
        "answer", [data(None), data([]), Answer(204, b""), Answer(body=b"{}"), Answer(body=b"[]")]
    )
    def test_an_answer_that_is_none(self, answer: Answer) -> None:
        with (
            serving(answer) as (client, _),
            pytest.raises(MalformedResponseError, match="The metric-aggregates response lacks dates or data"),
        ):
            ask(client)

    @pytest.mark.parametrize("dimensions", [[], [""], [None], None])
    def test_events_without_the_dimension_are_one_group_without_a_name(self, dimensions: Any) -> None:
        rows = [{"dimensions": dimensions, "measurements": {"count": [1, 2]}}]
        answer = data({"type": "metric-aggregate", "attributes": {"dates": DATES, "data": rows}})
        with serving(answer) as (client, _):
            frame = ask(client)
        assert frame["message"].isna().all()
        assert frame["count"].tolist() == [1, 2]

    def test_where_nothing_happened_a_query_without_groups_has_zeros(self) -> None:
        answer = data({"type": "metric-aggregate", "attributes": {"dates": DATES, "data": []}})
        with serving(answer) as (client, _):
            frame = ask(client, by=(), measurements=["count", "sum_value", "unique"])
        assert frame[["count", "sum_value", "unique"]].to_numpy().tolist() == [[0, 0, 0], [0, 0, 0]]

    def test_where_nothing_happened_there_are_no_groups_but_all_columns(self) -> None:
        answer = data({"type": "metric-aggregate", "attributes": {"dates": DATES, "data": []}})
        with serving(answer) as (client, _):
            frame = ask(client)
        assert frame.empty
        assert list(frame.columns) == ["datetime", "metric_id", "metric", "message", "count", "complete"]
        assert str(frame.dtypes["datetime"]) == "datetime64[us, UTC]"

    def test_people_that_nobody_counted_are_missing_and_not_zero(self) -> None:
        rows = [{"dimensions": ["a"], "measurements": {"count": [1, None], "unique": [1, None]}}]
        answer = data({"type": "metric-aggregate", "attributes": {"dates": DATES, "data": rows}})
        with serving(answer) as (client, _):
            frame = ask(client, measurements=["count", "unique"])
        assert frame["unique"].tolist() == [1, pd.NA]
