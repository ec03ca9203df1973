"""Every function on frames without rows, with one, in no order, with repeated rows and nulls, in every library."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pandas as pd
import pytest

from klaviyo_analytics.errors import KlaviyoError
from tests.analysis.frames import ENGINES, close_database, records
from tests.analysis.revenue_frames import CALLS as REVENUE_CALLS
from tests.analysis.test_engines import CALLS as OTHER_CALLS

pytest.importorskip("polars")
pytest.importorskip("duckdb")

pytestmark = pytest.mark.filterwarnings("ignore:no open among the events")  # as flags that are null have it
EVERY_CALL = {**OTHER_CALLS, **REVENUE_CALLS}
CALLS = {name.split(",")[0]: EVERY_CALL[name] for name in reversed(EVERY_CALL)}  # the first of each function
LIBRARIES = ["polars", "duckdb"]
NEVER_NULL = {"datetime", "id", "profile_id", "received", "sent", "touch_datetime"}
Change = Callable[[pd.DataFrame], pd.DataFrame]


def without_values(table: pd.DataFrame) -> pd.DataFrame:
    """Every second value of each column that may be missing is."""
    made = table.copy()
    for place, name in enumerate(made.columns):
        if name not in NEVER_NULL and str(made[name].dtype) in {
            "Int64",
            "float64",
            "string",
            "boolean",
            "object",
        }:
            made.loc[made.index[place % 2 :: 2], name] = None
    return made


def repeated(table: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([table, table.iloc[:1]], ignore_index=True)


CHANGES: dict[str, Change] = {
    "empty": lambda table: table.iloc[:0],
    "one row": lambda table: table.iloc[:1],
    "duplicate": repeated,
    "unsorted": lambda table: table.sample(frac=1, random_state=2),
    "null": without_values,
}


@pytest.fixture(scope="module", autouse=True)
def _database() -> Iterator[None]:
    yield
    close_database()


def outcome(name: str, change: Change, library: str) -> tuple[str, Any]:
    """The rows in an order of their own, or the error; any error that is not of ours ends the test."""
    convert = ENGINES[library]
    try:
        made = CALLS[name](lambda table: convert(change(table)))
    except KlaviyoError as error:
        return "refused", type(error)
    return "rows", sorted(records(made), key=repr)


@pytest.mark.parametrize("kind", CHANGES)
@pytest.mark.parametrize("name", CALLS)
def test_every_library_gives_the_same_rows_or_refuses_alike(name: str, kind: str) -> None:
    expected = outcome(name, CHANGES[kind], "pandas")
    for library in LIBRARIES:
        assert outcome(name, CHANGES[kind], library) == expected, library


# The first variation is the control; of rows with one id that differ, the first counts.
FIRST_COUNTS = {"ab_test", "order_items"}


@pytest.mark.parametrize("name", sorted({*CALLS} - FIRST_COUNTS))
def test_rows_in_no_order_give_the_same_rows(name: str) -> None:
    assert outcome(name, CHANGES["unsorted"], "pandas") == outcome(name, lambda table: table, "pandas")
