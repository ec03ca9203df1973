"""The revenue analyses give equal tables on every frame library, in that library."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd
import pytest

from klaviyo_analytics import analysis
from tests.analysis.frames import ENGINES, close_database, records, unusual
from tests.analysis.revenue_frames import CALLS, ROWS_KEEP_THEIR_ORDER
from tests.analysis.test_engines import of_pandas

pytest.importorskip("polars")
pytest.importorskip("duckdb")

WITHOUT_EVENTS = {"normalise_orders"}  # reads dicts out of pandas frames only


@pytest.fixture(scope="module", autouse=True)
def _database() -> Iterator[None]:
    yield
    close_database()


def same(name: str, got: Any) -> None:
    found, wanted = records(got), of_pandas(name)
    if name in ROWS_KEEP_THEIR_ORDER:
        found, wanted = sorted(found, key=repr), sorted(wanted, key=repr)
    assert found == wanted


@pytest.mark.parametrize("engine", [name for name in ENGINES if name != "pandas"])
@pytest.mark.parametrize("name", CALLS)
def test_the_table_is_the_same(name: str, engine: str) -> None:
    got = CALLS[name](ENGINES[engine])
    assert type(got).__module__.split(".")[0].lstrip("_") == {"plain pandas": "pandas"}.get(
        engine, engine.split(maxsplit=1)[0]
    )
    same(name, got)


@pytest.mark.parametrize("name", CALLS)
def test_the_order_of_the_rows_does_not_matter(name: str) -> None:
    def shuffled(table: pd.DataFrame) -> pd.DataFrame:
        return table.sample(frac=1, random_state=3)

    if name in {"ab_test"}:
        pytest.skip("the first variation is the control")
    same(name, CALLS[name](shuffled)) if name not in ROWS_KEEP_THEIR_ORDER else None


@pytest.mark.parametrize("name", CALLS)
def test_frames_without_rows_have_the_same_columns(name: str) -> None:
    full = CALLS[name](lambda table: table)
    if name.startswith("holdout_lift"):
        pytest.skip("a holdout without people is an error")
    empty = CALLS[name](lambda table: table.iloc[:0])
    assert list(empty.columns) == list(full.columns)
    assert unusual(full) == {}


@pytest.mark.parametrize("name", CALLS)
def test_the_frames_given_stay_as_they_were(name: str) -> None:
    kept = []

    def remember(table: pd.DataFrame) -> pd.DataFrame:
        own = table.copy(deep=True)
        kept.append((own, own.copy(deep=True)))
        return own

    CALLS[name](remember)
    for now, then in kept:
        pd.testing.assert_frame_equal(now, then)


def test_every_revenue_function_is_tried() -> None:
    modules = {
        "attribution",
        "experiments",
        "send_times",
        "flow_health",
        "orders",
        "content",
        "bridge",
    }
    beside_others = {
        "new_and_returning",
        "deliverability_bands",
        "deliverability_by_provider",
        "touch_rollup",
    }
    functions = {
        name
        for name in analysis.__all__
        if getattr(getattr(analysis, name), "__module__", "").rsplit(".", 1)[-1] in modules
        and not isinstance(getattr(analysis, name), type)
    }
    assert (functions | beside_others) - WITHOUT_EVENTS == {name.split(",")[0] for name in CALLS}
