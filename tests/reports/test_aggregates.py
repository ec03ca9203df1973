"""Metric aggregates: their groups in order, their conditions checked, and joined over the years."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

import klaviyo_analytics as ka
from klaviyo_analytics.errors import InvalidInputError, NotAdditiveError
from tests.reports.accounts import SHOPIFY, Visits

F = ka.F
BY: Any = "$attributed_channel"


def order(frame: pd.DataFrame, column: str = "attributed_channel") -> list[str]:
    return frame[column].fillna("").drop_duplicates().tolist()


def test_groups_come_in_the_order_asked_for(visits: Visits) -> None:
    client = visits.connect()
    query: dict[str, Any] = {"by": BY, "timeframe": "last 2 years", "interval": "month"}
    plain = client.metric_aggregates.query(SHOPIFY, **query)
    totals = plain.groupby(plain["attributed_channel"].fillna(""))["count"].sum()
    assert order(client.metric_aggregates.query(SHOPIFY, **query, sort="-count")) == (
        totals.sort_values(ascending=False).index.tolist()
    )
    for sort, reverse in ((BY, False), (f"-{BY}", True)):
        names = order(client.metric_aggregates.query(SHOPIFY, **query, sort=sort))
        assert names == sorted(totals.index, reverse=reverse)
    again = client.metric_aggregates.query(SHOPIFY, **query, sort="count")
    alike = ["attributed_channel", "datetime"]
    pd.testing.assert_frame_equal(
        again.sort_values(alike, ignore_index=True), plain.sort_values(alike, ignore_index=True)
    )


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ({"sort": "sum_value"}, "allowed are .*count"),
        ({"sort": "-$message"}, "allowed are"),
        ({"where": F.datetime > "2026-01-01"}, "goes into timeframe="),
        ({"where": F["Bot Clik"] == "true"}, "did you mean 'Bot Click'"),
        ({"measurements": ["counts"]}, "did you mean 'count'"),
        ({"interval": "daily"}, "did you mean 'day'.*allowed are day"),
    ],
)
def test_refused_before_anything_is_sent(visits: Visits, query: dict[str, Any], why: str) -> None:
    client = visits.connect()
    with pytest.raises(InvalidInputError, match=why):
        client.metric_aggregates.query(SHOPIFY, by=BY, **query)
    assert not visits.calls()


def test_people_have_no_total_to_sort_by(visits: Visits) -> None:
    with pytest.raises(NotAdditiveError, match="counted once in each interval"):
        visits.connect().metric_aggregates.query(SHOPIFY, measurements="unique", by=BY, sort="-unique")


def test_years_are_joined_exactly(visits: Visits) -> None:
    client = visits.connect()
    query: dict[str, Any] = {"by": BY, "measurements": ["count", "sum_value"]}
    whole = client.metric_aggregates.query(SHOPIFY, timeframe=("2024-09-15", "2026-06-15"), **query)
    assert visits.calls()["metric-aggregates"] == 2
    halves = [
        client.metric_aggregates.query(SHOPIFY, timeframe=span, **query)
        for span in (("2024-09-15", "2025-09-15"), ("2025-09-15", "2026-06-15"))
    ]
    rows = ["attributed_channel", "datetime"]
    cut = pd.concat(halves).sort_values(rows, ignore_index=True)
    joined = whole.sort_values(rows, ignore_index=True)
    happened = joined[joined["count"] > 0].reset_index(drop=True)
    pd.testing.assert_frame_equal(happened, cut[cut["count"] > 0].reset_index(drop=True))
    assert joined.groupby("attributed_channel", dropna=False).size().nunique() == 1
