"""The same tables from PySpark as from pandas: rates of which some numerators are missing, and columns of any name.

Planning takes Spark seconds, so each function is called once, on the files of an archive:
tests/archive/test_analyses_on_files.py.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from klaviyo_analytics import analysis
from klaviyo_analytics.errors import FrameError, InvalidInputError
from tests.analysis import test_subscribers
from tests.analysis.customer_frames import ORDERS as CUSTOMERS
from tests.analysis.frames import frame, records
from tests.analysis.revenue_frames import BY_ID, ORDERS, REFUNDS, SUMMARY
from tests.analysis.test_engines import CALLS

pytestmark = pytest.mark.filterwarnings("ignore")  # Spark's own
PARTLY_KNOWN = sorted(name for name in CALLS if name.endswith((", partly known", ", nothing known")))


def with_odd_names(table: pd.DataFrame) -> pd.DataFrame:
    odd = {"event_properties.Shipping.Method": "post", "a`b": "post"}
    return table.assign(**odd).astype(dict.fromkeys(odd, "string"))


@pytest.fixture(scope="module")
def odd_to_spark(to_spark: Any) -> Callable[[pd.DataFrame], Any]:
    made: dict[int, tuple[pd.DataFrame, pd.DataFrame]] = {}

    def convert(table: pd.DataFrame) -> Any:
        return to_spark(made.setdefault(id(table), (table, with_odd_names(table)))[1])

    return convert


@pytest.mark.parametrize("name", PARTLY_KNOWN)
def test_a_missing_numerator_takes_its_denominator_along(name: str, odd_to_spark: Any) -> None:
    got, wanted = records(CALLS[name](odd_to_spark)), records(CALLS[name](with_odd_names))
    assert sorted(got, key=repr) == sorted(wanted, key=repr)


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
    odd = to_spark(with_odd_names(SUMMARY[["campaign", "delivered"]]))
    with pytest.raises(FrameError, match=r"it has .*'event_properties\.Shipping\.Method', 'a`b'"):
        analysis.bridge(odd, start="2026-03-10", end="2026-03-20")


def test_a_sum_beyond_64_bits_is_refused(to_spark: Any) -> None:
    counts = frame(flow=["Welcome"] * 2, delivered=[2**62] * 2)
    with pytest.raises(FrameError, match="64 bits"):
        analysis.roll_up(to_spark(counts), by="flow")


def test_members_below_zero_are_refused_and_one_more_is_enough(to_spark: Any) -> None:
    rows = test_subscribers.TestMembersBelowZero
    joined, left = to_spark(rows.joined), to_spark(rows.left)
    with pytest.raises(InvalidInputError, match=r"'A' would have -1 members.*2026-03-0.*larger by 1 or more"):
        analysis.list_growth(joined, left, members_before={"A": 5, "B": 0})
    made = records(analysis.list_growth(joined, left, members_before={"A": 6, "B": 0}))
    assert [row["members"] for row in made if row["list"] == "A"] == [4, 0, 9]
    made = records(analysis.list_growth(joined, left, members_before={"B": 0}))  # nothing is known of A
    assert [row["members"] for row in made if row["list"] == "A"] == [None] * 3
    assert [row["net"] for row in made if row["list"] == "A"] == [-2, -4, 9]
