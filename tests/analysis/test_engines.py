"""Every function gives the same table whatever the frame library, and gives it back in that library."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pandas as pd
import pytest

from klaviyo_analytics import analysis
from tests.analysis.customer_frames import CALLS as CUSTOMER_CALLS
from tests.analysis.frames import ENGINES, close_database, days, frame, records

pytest.importorskip("polars")
pytest.importorskip("duckdb")

DAILY = frame(
    datetime=days("2026-03-04", 14).repeat(2),
    metric=["Placed Order"] * 28,
    attributed_channel=["email", None] * 14,
    attributed_message=["M1", "", "M2", None] * 7,
    attributed_flow=["F1", "", None, ""] * 7,
    value_currency=["EUR"] * 28,
    count=range(28),
    sum_value=[number / 4 for number in range(28)],
    unique=[1] * 28,
    complete=[True] * 26 + [False] * 2,
)
SUMMARY = frame(
    flow_id=["F1", "F1", "F2"],
    flow=["Welcome", "Welcome", None],
    message=["a", "b", "c"],
    channel=["email", "sms", "email"],
    recipients=[100, 50, 0],
    delivered=[90, 50, 0],
    bounced=[10, 0, 0],
    opens_unique=[45, 10, 0],
    clicks_unique=[9, 5, 0],
    conversions=[2, 1, 0],
    conversion_uniques=[2, 1, 0],
    conversion_value=[40.0, 30.5, 0.0],
    currency=["EUR"] * 3,
)
SENT = frame(message=["M1", "M2"], delivered=[10, 5])
EVENTS = frame(
    metric=["Opened Email", "Opened Email", "Clicked Email", "Clicked Email"],
    profile_id=["A", "B", "B", "A"],
    message=["M1", "M1", "M1", "M1"],
    **{"Apple Privacy Open": [True, False, None, None], "Bot Click": [None, None, False, True]},
)

Convert = Callable[[pd.DataFrame], Any]
CALLS: dict[str, Callable[[Convert], Any]] = {
    "rates": lambda to: analysis.rates(to(SUMMARY)),
    "roll_up": lambda to: analysis.roll_up(to(SUMMARY), by="flow"),
    "roll_up, all": lambda to: analysis.roll_up(to(SUMMARY)),
    "resample": lambda to: analysis.resample(to(DAILY), "week"),
    "resample, month": lambda to: analysis.resample(to(DAILY), "month", sum_of="sum_value"),
    "period_over_period": lambda to: analysis.period_over_period(
        to(DAILY), ["count", "unique"], lag=2, by=["attributed_channel"]
    ),
    "compare_periods": lambda to: analysis.compare_periods(
        to(DAILY), to(DAILY.iloc[:7]), by="attributed_channel"
    ),
    "compare_periods, rates": lambda to: analysis.compare_periods(
        to(SUMMARY), to(SUMMARY.iloc[:1]), values=["open_rate", "recipients"]
    ),
    "share_of_total": lambda to: analysis.share_of_total(to(DAILY), "count", within="attributed_channel"),
    "share_of_total, all": lambda to: analysis.share_of_total(to(DAILY), "sum_value"),
    "revenue_split": lambda to: analysis.revenue_split(to(DAILY), by="datetime"),
    "revenue_split, all": lambda to: analysis.revenue_split(to(DAILY), value="count"),
    "campaign_ranking": lambda to: analysis.campaign_ranking(to(SUMMARY), rank_by="click_rate", top=2),
    "flow_funnel": lambda to: analysis.flow_funnel(to(SUMMARY)),
    "list_growth": lambda to: analysis.list_growth(
        to(DAILY), to(DAILY.iloc[4:20]), members_before=100, by="attributed_channel"
    ),
    "deliverability": lambda to: analysis.deliverability(to(SUMMARY), by="channel"),
    "adjusted_engagement": lambda to: analysis.adjusted_engagement(to(SENT), to(EVENTS), on="message"),
    **CUSTOMER_CALLS,
}
MODELS = {"customer_lifetime_value", "lifetime_value_fit", "lifetime_value_holdout"}  # need repeat orders
ROWS_KEEP_THEIR_ORDER = {"rates", "share_of_total", "share_of_total, all"}


@pytest.fixture(scope="module", autouse=True)
def _database() -> Iterator[None]:
    yield
    close_database()


def test_every_function_is_here() -> None:
    functions = {name for name in analysis.__all__ if callable(getattr(analysis, name))}
    assert {name.split(",")[0] for name in CALLS} == functions


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("engine", [name for name in ENGINES if name != "pandas"])
def test_the_table_is_the_same_in_every_library(name: str, engine: str) -> None:
    expected, made = CALLS[name](ENGINES["pandas"]), CALLS[name](ENGINES[engine])
    assert type(made) is type(ENGINES[engine](DAILY))
    got, wanted = records(made), records(expected)
    if name in ROWS_KEEP_THEIR_ORDER and engine == "duckdb":  # a database has no order to keep
        got, wanted = sorted(got, key=repr), sorted(wanted, key=repr)
    assert got == wanted


@pytest.mark.parametrize("name", CALLS)
def test_pandas_comes_out_with_a_fresh_index_and_the_same_types_for_fewer_rows(name: str) -> None:
    full = CALLS[name](lambda table: table.set_index(table.index + 5))
    assert full.index.tolist() == list(range(len(full)))
    fewer = CALLS[name](lambda table: table.iloc[: 60 if name.split(",", maxsplit=1)[0] in MODELS else 2])
    assert fewer.dtypes.to_dict() == full.dtypes.to_dict()
