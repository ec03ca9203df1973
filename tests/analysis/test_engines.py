"""Every function gives the same table whatever the frame library, and gives it back in that library."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator
from types import FunctionType
from typing import Any

import pandas as pd
import pytest

from klaviyo_analytics import analysis, plots
from klaviyo_analytics.answers import Analyses
from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.resources import Campaigns, Flows, Reports
from klaviyo_analytics.resources.reports.questions import KINDS
from tests.analysis.customer_frames import CALLS as CUSTOMER_CALLS
from tests.analysis.frames import ENGINES, close_database, days, frame, records, unusual
from tests.analysis.revenue_frames import CALLS as REVENUE_CALLS
from tests.plots.test_manners import EVERY as EVERY_PICTURE

polars = pytest.importorskip("polars")
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
# A text message without visible opens, a message whose revenue is not known, and one with everything.
PARTLY = frame(
    flow_id=["F1", "F1", "F1"],
    flow=["Welcome"] * 3,
    channel=["sms", "email", "email"],
    recipients=[1100, 500, 1000],
    delivered=[1000, 400, 1000],
    opens_unique=[None, 100, 400],
    clicks_unique=[60, 15, 20],
    conversions=[5, 4, 10],
    conversion_value=[50.0, None, 100.0],
)
PARTLY["opens_unique"] = PARTLY["opens_unique"].astype("Int64")
# Nobody knows how many left after the second row.
LOST = frame(
    flow=["Welcome"] * 3, message=["#1", "#1", "#2"], recipients=[100, 900, 50], bounced=[5, None, None]
)
LOST["bounced"] = LOST["bounced"].astype("Int64")
SENT = frame(message=["M1", "M2"], delivered=[10, 5])
EVENTS = frame(
    metric=["Opened Email", "Opened Email", "Clicked Email", "Clicked Email"],
    profile_id=["A", "B", "B", "A"],
    message=["M1", "M1", "M1", "M1"],
    **{"machine_open": [True, False, None, None], "Bot Click": [None, None, False, True]},
)

Convert = Callable[[pd.DataFrame], Any]
CALLS: dict[str, Callable[[Convert], Any]] = {
    "rates": lambda to: analysis.rates(to(SUMMARY)),
    "roll_up": lambda to: analysis.roll_up(to(SUMMARY), by="flow"),
    "roll_up, all": lambda to: analysis.roll_up(to(SUMMARY)),
    "rates, partly known": lambda to: analysis.rates(to(PARTLY)),
    "roll_up, partly known": lambda to: analysis.roll_up(to(PARTLY), by="flow"),
    "deliverability, partly known": lambda to: analysis.deliverability(to(PARTLY)),
    "flow_funnel, partly known": lambda to: analysis.flow_funnel(to(PARTLY.drop(columns="channel"))),
    "compare_periods, partly known": lambda to: analysis.compare_periods(to(PARTLY), to(PARTLY.iloc[1:])),
    "campaign_ranking, partly known": lambda to: analysis.campaign_ranking(
        to(PARTLY.assign(message=pd.array(["a", "b", "c"], "string"))), by="click_to_open_rate"
    ),
    "resample, quarter": lambda to: analysis.resample(to(DAILY), "quarter"),
    "resample": lambda to: analysis.resample(to(DAILY), "week"),
    "resample, month": lambda to: analysis.resample(to(DAILY), "month", sum_of="sum_value"),
    "period_over_period": lambda to: analysis.period_over_period(
        to(DAILY), ["count", "unique"], lag=2, by=["attributed_channel"]
    ),
    "compare_periods": lambda to: analysis.compare_periods(
        to(DAILY), to(DAILY.iloc[:7]), by="attributed_channel", check_periods=False
    ),
    "compare_periods, rates": lambda to: analysis.compare_periods(
        to(SUMMARY), to(SUMMARY.iloc[:1]), values=["open_rate", "recipients"]
    ),
    "share_of_total": lambda to: analysis.share_of_total(to(DAILY), "count", within="attributed_channel"),
    "share_of_total, all": lambda to: analysis.share_of_total(to(DAILY), "sum_value"),
    "revenue_split": lambda to: analysis.revenue_split(to(DAILY), by="datetime"),
    "revenue_split, all": lambda to: analysis.revenue_split(to(DAILY), value="count"),
    "campaign_ranking": lambda to: analysis.campaign_ranking(to(SUMMARY), by="click_rate", top=2),
    "flow_funnel": lambda to: analysis.flow_funnel(to(SUMMARY)),
    "list_growth": lambda to: analysis.list_growth(
        to(DAILY), to(DAILY.iloc[4:20]), members_before={"email": 100, None: 50}, by="attributed_channel"
    ),
    "deliverability": lambda to: analysis.deliverability(to(SUMMARY), by="channel"),
    "adjusted_engagement": lambda to: analysis.adjusted_engagement(to(SENT), to(EVENTS), on="message"),
    "flow_losses, partly known": lambda to: analysis.flow_losses(to(LOST)),
    "flow_losses, nothing known": lambda to: analysis.flow_losses(to(LOST.drop(columns=["bounced"]))),
    **CUSTOMER_CALLS,
}
ROWS_KEEP_THEIR_ORDER = {"rates", "rates, partly known", "share_of_total", "share_of_total, all"}
MODELS = {"customer_lifetime_value", "lifetime_value_fit", "lifetime_value_holdout"}  # need repeat orders


@pytest.fixture(scope="module", autouse=True)
def _database() -> Iterator[None]:
    yield
    close_database()


def test_every_function_is_here() -> None:
    functions = {name for name in analysis.__all__ if isinstance(getattr(analysis, name), FunctionType)}
    tried = {name.split(",")[0] for name in (*CALLS, *REVENUE_CALLS)}
    assert tried == functions - {"normalise_orders"}  # reads dicts out of pandas frames only


@functools.cache
def of_pandas(name: str) -> list[dict[str, Any]]:
    """What pandas gives, to which every library is compared."""
    return records({**CALLS, **REVENUE_CALLS}[name](ENGINES["pandas"]))


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("engine", [name for name in ENGINES if name != "pandas"])
def test_the_table_is_the_same_in_every_library(name: str, engine: str) -> None:
    made = CALLS[name](ENGINES[engine])
    assert type(made) is type(ENGINES[engine](DAILY))
    got, wanted = records(made), of_pandas(name)
    if name in ROWS_KEEP_THEIR_ORDER and engine == "duckdb":  # a database has no order to keep
        got, wanted = sorted(got, key=repr), sorted(wanted, key=repr)
    assert got == wanted


@pytest.mark.parametrize("name", CALLS)
def test_pandas_comes_out_with_a_fresh_index_and_the_same_types_for_fewer_rows(name: str) -> None:
    full = CALLS[name](lambda table: table.set_index(table.index + 5))
    assert full.index.tolist() == list(range(len(full)))
    fewer = CALLS[name](lambda table: table.iloc[: 60 if name.split(",", maxsplit=1)[0] in MODELS else 2])
    assert fewer.dtypes.to_dict() == full.dtypes.to_dict()
    assert unusual(full) == {}


def test_missing_numerators_take_their_denominators_along() -> None:
    """By hand: opens of the two emails, revenue of the two messages whose revenue is known."""
    expected = {
        "delivered": 2400,
        "opens_unique": 500,
        "clicks_unique": 95,
        "conversion_value": 150.0,
        "open_rate": 500 / 1400,
        "click_rate": 95 / 2400,
        "click_to_open_rate": 35 / 500,
        "average_order_value": 150 / 15,
        "revenue_per_recipient": 150 / 2100,
    }
    rolled, compared = (
        records(CALLS[f"{name}, partly known"](ENGINES["pandas"]))[0]
        for name in ("roll_up", "compare_periods")
    )
    for name, value in expected.items():
        assert rolled[name] == compared[name] == pytest.approx(value), name
    judged = {
        row["measure"]: row for row in records(CALLS["deliverability, partly known"](ENGINES["pandas"]))
    }
    assert judged["open_rate"]["denominator"] == 1400
    funnel = {row["stage"]: row for row in records(CALLS["flow_funnel, partly known"](ENGINES["pandas"]))}
    assert funnel["opens_unique"]["step_rate"] == pytest.approx(500 / 1400)
    assert funnel["opens_unique"]["overall_rate"] == pytest.approx(500 / 1500)
    assert funnel["clicks_unique"]["step_rate"] == pytest.approx(35 / 500)
    assert funnel["clicks_unique"]["profiles"] == 95
    lost = records(CALLS["flow_losses, partly known"](ENGINES["pandas"]))
    assert [row["left"] for row in lost] == [5, None]
    assert [row["recipients"] for row in lost] == [1000, 50]
    assert lost[0]["left_rate"] == pytest.approx(5 / 100)
    assert lost[1]["left_rate"] is None
    assert all(
        row["left"] is None and row["left_rate"] is None
        for row in records(CALLS["flow_losses, nothing known"](ENGINES["pandas"]))
    )


def short(table: pd.DataFrame) -> pd.DataFrame:
    """Return the frame with integers of one byte where they fit, and floats of four."""
    kinds = {}
    for name, dtype in table.dtypes.items():
        if pd.api.types.is_integer_dtype(dtype) and table[name].fillna(0).between(-128, 127).all():
            kinds[name] = "Int8" if table[name].isna().any() else "int8"
        elif dtype == "float64" and (table[name].dropna() % 0.25 == 0).all():  # exact in either
            kinds[name] = "float32"
    return table.astype(kinds)


def categories(table: pd.DataFrame) -> pd.DataFrame:
    """Return the frame with categories in place of texts."""
    held = [
        name
        for name in table
        if table[name].map(lambda value: isinstance(value, str) or value is pd.NA).all()
    ]
    return table.astype(dict.fromkeys(held, "category"))


def short_polars(table: pd.DataFrame) -> Any:
    """Return a Polars frame with categories, bytes and short floats."""
    frame_ = polars.from_pandas(short(table))
    return frame_.with_columns(polars.col(polars.String).cast(polars.Categorical))


OTHER_TYPES: dict[str, Convert] = {
    "short": short,
    "categories": categories,
    "arrow": lambda table: table.convert_dtypes(dtype_backend="pyarrow"),
    "polars": short_polars,
}
OF_OTHER_TYPES = [
    "rates", "roll_up", "roll_up, all", "compare_periods", "compare_periods, rates", "revenue_split, all",
    "share_of_total", "campaign_ranking", "flow_funnel", "deliverability", "resample", "flow_losses",
    "bought_together", "attribution, native", "attribution_comparison", "send_times, own", "flow_collisions",
    "subject_lines", "new_and_returning",
]  # fmt: skip


@pytest.mark.parametrize("types", OTHER_TYPES)
@pytest.mark.parametrize("name", OF_OTHER_TYPES)
def test_types_of_columns_change_no_number(name: str, types: str) -> None:
    """A sum of bytes ends at 255 and wraps, categories do not compare, and Arrow's columns lack operations."""
    call = {**CALLS, **REVENUE_CALLS}[name]
    assert records(call(OTHER_TYPES[types])) == of_pandas(name)


def rate_columns(table: pd.DataFrame) -> list[str]:
    return [name for name in table.columns if name == "rate" or str(name).endswith("_rate")]


def defines_rates(docstring: str | None) -> bool:
    """Return whether a docstring has numerator, denominator and which rows count, or says who defines them."""
    text = " ".join((docstring or "").split())
    made_of = "÷" in text or ("numerator" in text and "denominator" in text)
    return made_of and ("known" in text or "take no part" in text)


def test_the_docstring_of_every_rate_says_numerator_denominator_and_which_rows_count() -> None:
    calls = {**CALLS, **REVENUE_CALLS}
    found = {name.split(",")[0] for name, call in calls.items() if rate_columns(call(ENGINES["pandas"]))}
    assert len(found) >= 15
    assert [name for name in sorted(found) if not defines_rates(getattr(analysis, name).__doc__)] == []
    methods: dict[str, Any] = {
        "account_summary": KlaviyoClient.account_summary,
        "campaigns.summary": Campaigns.summary,
        "flows.summary": Flows.summary,
        **{
            f"reports.{name}": getattr(Reports, name)
            for name, kind in KINDS.items()
            if any(one.endswith("_rate") for one in kind.subject.statistics)
        },
    }
    assert [name for name, method in methods.items() if not defines_rates(method.__doc__)] == []
    for name in sorted(found):
        if wrapper := getattr(Analyses, name, None):
            assert f"`analysis.{name}`, which defines the rate" in " ".join(wrapper.__doc__.split()), name
    # A picture draws rates if its docstring speaks of them, or if the frame that tests draw has them.
    drawn = {name for name in plots.__all__ if re.search(r"\brates?\b", str(getattr(plots, name).__doc__))}
    pictures: list[Any] = [case.values for case in EVERY_PICTURE]
    for plot, make, *_ in pictures:
        if rate_columns(make()) or "rate" in [*make().get("kind", [])]:
            drawn.add(plot.__name__)
    assert len(drawn) >= 13
    assert [name for name in sorted(drawn) if not defines_rates(getattr(plots, name).__doc__)] == []
