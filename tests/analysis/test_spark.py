"""The same tables from PySpark as from pandas: one call of each function, since planning takes Spark seconds.

Every frame has two columns more, with names that Spark reads as an expression unless they are quoted.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from klaviyo_analytics import analysis
from klaviyo_analytics.errors import FrameError
from tests.analysis.customer_frames import ORDERS as CUSTOMERS
from tests.analysis.frames import records
from tests.analysis.revenue_frames import BY_ID, ORDERS, REFUNDS, SUMMARY
from tests.analysis.revenue_frames import CALLS as REVENUE_CALLS
from tests.analysis.revenue_frames import ROWS_KEEP_THEIR_ORDER as REVENUE_ROWS_KEEP_THEIR_ORDER
from tests.analysis.test_engines import CALLS, ROWS_KEEP_THEIR_ORDER

pytestmark = pytest.mark.filterwarnings("ignore")  # Spark's own
EVERY_CALL = {**CALLS, **REVENUE_CALLS}
# One call of each function: the one in which some numerators are missing, if there is one, else the first. Other
# calls of a function than its first come after a comma.
FIRST = {name.split(",")[0]: name for name in reversed(EVERY_CALL)}
ONE_OF_EACH = FIRST | {name.split(",")[0]: name for name in EVERY_CALL if name.endswith(", partly known")}


def with_odd_names(table: pd.DataFrame) -> pd.DataFrame:
    odd = {"event_properties.Shipping.Method": "post", "a`b": "post"}
    return table.assign(**odd).astype(dict.fromkeys(odd, "string"))


@pytest.fixture(scope="module")
def odd_to_spark(to_spark: Any) -> Callable[[pd.DataFrame], Any]:
    made: dict[int, tuple[pd.DataFrame, pd.DataFrame]] = {}

    def convert(table: pd.DataFrame) -> Any:
        return to_spark(made.setdefault(id(table), (table, with_odd_names(table)))[1])

    return convert


@pytest.mark.parametrize("name", sorted(ONE_OF_EACH.values()))
def test_the_table_is_the_same(name: str, odd_to_spark: Any) -> None:
    got, wanted = records(EVERY_CALL[name](odd_to_spark)), records(EVERY_CALL[name](with_odd_names))
    if name in ROWS_KEEP_THEIR_ORDER | REVENUE_ROWS_KEEP_THEIR_ORDER:
        got, wanted = sorted(got, key=repr), sorted(wanted, key=repr)
    assert got == wanted


def renamed(table: pd.DataFrame, **names: str) -> pd.DataFrame:
    """The frame with one column renamed beyond what Spark reads as a name; its short name has other values."""
    (old, new), *_ = names.items()
    moved = table.rename(columns={old: new})
    short = new.rsplit(".", 1)[-1]
    return (
        moved
        if short == old or short in moved
        else moved.assign(**{short: pd.array(["other"] * len(moved), "string")})
    )


NAMED_BY_DOTS: dict[str, Callable[[Callable[[pd.DataFrame], Any]], Any]] = {
    "roll_up": lambda to: analysis.roll_up(
        to(renamed(SUMMARY, campaign="campaign.name")), by="campaign.name"
    ),
    "net_of_refunds": lambda to: analysis.net_of_refunds(
        to(renamed(BY_ID, order_id="event_properties.Order`Id")),
        to(renamed(REFUNDS, order_id="event_properties.Order`Id")),
        on="event_properties.Order`Id",
    ),
    "new_and_returning": lambda to: analysis.new_and_returning(
        to(renamed(ORDERS, source="event_properties.Source")),
        start="2026-03-10",
        by=["event_properties.Source", "month"],
    ),
    "cohorts": lambda to: analysis.cohorts(
        to(renamed(CUSTOMERS, source="event_properties.Source")), by="event_properties.Source"
    ),
    "rfm": lambda to: analysis.rfm(to(CUSTOMERS.rename(columns={"value": "event_properties.$value"}))),
    "rfm, value": lambda to: analysis.rfm(
        to(renamed(CUSTOMERS, value="event_properties.net.value")), value="event_properties.net.value"
    ),
    "select_orders": lambda to: analysis.select_orders(
        to(renamed(ORDERS, renewal="event_properties.renewal")), {"only_sources": ["pos"]}
    ),
}


@pytest.mark.parametrize("name", NAMED_BY_DOTS)
def test_columns_may_be_named_by_the_names_that_they_have(name: str, to_spark: Any) -> None:
    got, wanted = records(NAMED_BY_DOTS[name](to_spark)), records(NAMED_BY_DOTS[name](lambda table: table))
    assert sorted(got, key=repr) == sorted(wanted, key=repr)
    assert [[*row] for row in got[:1]] == [[*row] for row in wanted[:1]]


def test_an_error_names_the_columns_as_they_are(to_spark: Any) -> None:
    odd = to_spark(with_odd_names(SUMMARY.drop(columns="recipients")))
    with pytest.raises(
        FrameError, match=r"it has .*'event_properties\.Shipping\.Method', 'a`b'; bridge takes"
    ):
        analysis.bridge(odd, start="2026-03-10", end="2026-03-20")
