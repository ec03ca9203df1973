"""Events of several metrics stand in order, whatever columns were asked for; mistakes are told at the call."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.errors import InvalidInputError, InvalidQueryError
from klaviyo_analytics.resources._generated.account import EventSort
from tests.shops import Shop

BOTH = ["Opened Email", "Clicked Email"]


@pytest.mark.parametrize("sort", ["datetime", "-datetime", "timestamp"])
@pytest.mark.parametrize("fields", [["uuid"], {"event": ["uuid"]}, ["uuid", "timestamp"]])
def test_several_metrics_are_in_order_also_without_the_time(
    reader: KlaviyoClient, sort: EventSort, fields: Any
) -> None:
    whole = reader.events.list(metric=BOTH, sort=sort, limit=200)
    assert whole["metric_id"].nunique() == 2
    some = reader.events.list(metric=BOTH, sort=sort, fields=fields, limit=200)
    pd.testing.assert_frame_equal(some, whole[some.columns])
    own = fields["event"] if isinstance(fields, dict) else fields
    shown = [name for name in some.columns if not name.endswith("id") and name != "metric"]
    assert shown == [name for name in whole.columns if name in own and name != "uuid"]


WRONG: dict[str, dict[str, Any]] = {
    "a-filter": {"filter": "equals(nobody,1)"},
    "a-field": {"fields": ["nobody"]},
    "a-chunk": {"chunk_size": 0},
    "a-sort": {"sort": 5},
}


@pytest.mark.parametrize("noun", ["events", "campaigns", "profiles", "tags"])
@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_iter_frames_tells_mistakes_at_the_call(library: Shop, noun: str, wrong: dict[str, Any]) -> None:
    before = len(library.sandbox.requests)
    with pytest.raises(InvalidInputError):
        getattr(library.client, noun).iter_frames(**wrong)
    assert len(library.sandbox.requests) == before


def test_iter_frames_tells_a_span_that_ends_before_it_starts_at_the_call(library: Shop) -> None:
    with pytest.raises(InvalidInputError, match="not after"):
        library.client.events.iter_frames(start="2026-02-01", end="2026-01-01")


def test_a_sort_that_is_none_is_refused_for_several_metrics(library: Shop) -> None:
    with pytest.raises(InvalidQueryError, match="sort"):
        library.client.events.list(metric=BOTH, sort=5, fields=["uuid"])  # type: ignore[arg-type]
