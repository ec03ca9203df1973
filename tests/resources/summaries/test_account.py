"""The headline numbers: parts that add up, and changes that are what they say."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from klaviyo_analytics import Timeframe
from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.errors import InvalidQueryError
from tests.reports.accounts import SHOPIFY, Visits

SPRING = ("2026-03-01", "2026-06-01")


def looked_up(summary: pd.DataFrame, column: str = "value") -> Any:
    return summary.set_index(["source", "measure"])[column].to_dict()


@pytest.fixture
def client(visits: Visits) -> KlaviyoClient:
    return visits.connect()


def test_campaigns_flows_and_other_are_all_there_is(client: KlaviyoClient) -> None:
    summary = client.account_summary(SPRING)
    for period in ("value", "previous"):
        told = looked_up(summary, period)
        for measure in ("revenue", "orders"):
            parts = sum(told[source, measure] for source in ("campaign", "flow", "other"))
            assert told["all", measure] == pytest.approx(parts)
        shares = [told[source, "revenue_share"] for source in ("campaign", "flow", "other")]
        assert sum(shares) == pytest.approx(1)
        for measure in ("recipients", "delivered", "opens_unique", "clicks_unique"):
            assert told["all", measure] == told["campaign", measure] + told["flow", measure]


def test_the_whole_is_what_the_metric_says(client: KlaviyoClient) -> None:
    told = looked_up(client.account_summary(SPRING, compare=None))
    orders = client.metric_aggregates.query(SHOPIFY, measurements=["count", "sum_value"], timeframe=SPRING)
    assert round(told["all", "revenue"], 2) == round(orders["sum_value"].sum(), 2)
    assert told["all", "orders"] == orders["count"].sum()
    assert told["all", "average_order_value"] == pytest.approx(
        orders["sum_value"].sum() / orders["count"].sum()
    )


def test_messages_are_what_their_summaries_say(client: KlaviyoClient) -> None:
    told = looked_up(client.account_summary(SPRING, compare=None))
    for source, summary in (
        ("campaign", client.campaigns.summary(SPRING)),
        ("flow", client.flows.summary(SPRING)),
    ):
        assert told[source, "recipients"] == summary["recipients"].sum()
        assert told[source, "open_rate"] == pytest.approx(
            summary["opens_unique"].sum() / summary["open_rate_denominator"].sum()
        )
        assert told[source, "revenue_per_recipient"] == pytest.approx(
            summary["conversion_value"].sum() / summary["recipients"].sum()
        )


@pytest.mark.parametrize(
    ("compare", "before"), [("previous_period", "previous"), ("last_year", "same_period_last_year")]
)
def test_a_comparison_is_the_summary_of_the_other_period(
    client: KlaviyoClient, compare: Any, before: str
) -> None:
    frame = Timeframe(*SPRING, timezone="America/New_York")
    summary = client.account_summary(SPRING, compare=compare)
    then = looked_up(client.account_summary(getattr(frame, before)(), compare=None))
    pd.testing.assert_series_equal(
        summary["previous"], pd.Series(list(then.values())), check_names=False, check_dtype=False
    )
    difference = summary["value"] - summary["previous"]
    pd.testing.assert_series_equal(summary["difference"], difference, check_names=False)
    known = summary["previous"] > 0
    assert (summary["change"] - difference / summary["previous"])[known].abs().max() < 1e-12
    assert summary["change"][~known].isna().all(), "no fraction describes a change from nothing"


def test_the_columns(client: KlaviyoClient) -> None:
    summary = client.account_summary(SPRING)
    assert summary.dtypes.astype(str).to_dict() == {
        "source": "string", "measure": "string", "kind": "string", "value": "float64", "previous": "float64",
        "difference": "float64", "change": "float64", "currency": "string", "complete": "boolean",
    }  # fmt: skip
    assert not {"previous", "change"} & set(client.account_summary(SPRING, compare=None))
    assert summary[summary["kind"] == "money"]["currency"].eq("USD").all()
    assert summary[summary["kind"] != "money"]["currency"].isna().all()
    assert summary["complete"].all()
    assert not client.account_summary("this month", compare=None)["complete"].any()


def test_where_nothing_happened_there_are_zeros_and_no_rates(client: KlaviyoClient) -> None:
    summary = client.account_summary("2024-02", compare=None)
    counted = summary["kind"].eq("count") | summary["measure"].eq("revenue")
    assert summary[counted]["value"].eq(0).all()
    assert summary[~counted]["value"].isna().all()


def test_the_fewest_calls(visits: Visits) -> None:
    visits.connect().account_summary(SPRING)
    assert visits.calls() == {
        "accounts": 1, "revenue": 1, "metrics": 1,
        "campaign-values-reports": 2, "flow-values-reports": 2, "metric-aggregates": 2,
    }  # fmt: skip


def test_another_comparison_is_refused(client: KlaviyoClient) -> None:
    with pytest.raises(InvalidQueryError, match="allowed are last_year, previous_period"):
        client.account_summary(SPRING, compare="last_month")  # type: ignore[arg-type]
