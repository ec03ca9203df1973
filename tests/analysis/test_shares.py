"""Parts of a whole."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from klaviyo_analytics import analysis
from klaviyo_analytics.errors import FrameError, NotAdditiveError
from tests.analysis.frames import days, few, frame, records, series, shuffled


class TestShareOfTotal:
    def test_rows_keep_their_order_and_gain_a_share(self) -> None:
        made = analysis.share_of_total(frame(channel=["b", "a"], count=[3, 1]), "count")
        assert records(made) == [
            {"channel": "b", "count": 3, "count_share": 0.75},
            {"channel": "a", "count": 1, "count_share": 0.25},
        ]

    def test_each_group_has_a_total_of_its_own_the_missing_one_too(self) -> None:
        counts = frame(attributed_channel=["email", None, None, "sms"], count=[5, 1, 3, 0])
        made = analysis.share_of_total(counts, "count", within="attributed_channel")
        assert [row["count_share"] for row in records(made)] == [1.0, 0.25, 0.75, None]

    def test_profiles_and_rates_have_no_shares(self) -> None:
        with pytest.raises(NotAdditiveError, match="counts each profile once"):
            analysis.share_of_total(frame(unique=[1]), "unique")
        with pytest.raises(NotAdditiveError, match="quotient"):
            analysis.share_of_total(frame(click_rate=[0.1]), "click_rate")

    def test_a_total_has_one_metric_and_one_currency(self) -> None:
        money = frame(metric=["A", "B"], value_currency=["EUR", "USD"], sum_value=[1.0, 1.0])
        with pytest.raises(FrameError, match="'metric' holds A and B"):
            analysis.share_of_total(money, "sum_value", within="value_currency")
        with pytest.raises(FrameError, match="'value_currency' holds EUR and USD"):
            analysis.share_of_total(money, "sum_value", within="metric")
        assert analysis.share_of_total(money, "sum_value", within=["metric", "value_currency"]).shape == (
            2,
            4,
        )

    @few
    @given(series())
    def test_shares_add_up_to_one_wherever_there_is_something_to_share(self, counts: pd.DataFrame) -> None:
        made = analysis.share_of_total(counts, "count", within="datetime")
        totals = made.groupby("datetime")[["count", "count_share"]].sum(min_count=1)
        something = totals["count"] > 0
        assert (totals.loc[something, "count_share"] - 1).abs().lt(1e-9).all()
        assert totals.loc[~something, "count_share"].isna().all()
        assert made["count_share"].dropna().between(0, 1).all()


class TestRevenueSplit:
    def test_a_flow_is_credited_before_a_campaign_and_nothing_is_other(self) -> None:
        orders = frame(
            attributed_message=["M1", "M2", None, "", "M3"],
            attributed_flow=["F1", None, None, "", ""],
            sum_value=[1.0, 2.0, 4.0, 8.0, 16.0],
        )
        made = analysis.revenue_split(orders)
        assert dict(zip(made["source"], made["revenue"], strict=True)) == {
            "campaign": 18.0,
            "flow": 1.0,
            "other": 12.0,
        }

    def test_all_three_are_always_there(self) -> None:
        orders = frame(attributed_message=["M1"], attributed_flow=["F1"], sum_value=[0.0])
        made = analysis.revenue_split(orders)
        assert made["revenue"].tolist() == [0.0, 0.0, 0.0]
        assert made["revenue_share"].isna().all()

    def test_orders_are_split_in_the_same_way(self) -> None:
        orders = frame(attributed_message=["M1", ""], attributed_flow=["", ""], count=[1, 3])
        made = analysis.revenue_split(orders, value="count")
        assert records(made)[0] == {"source": "campaign", "count": 1, "count_share": 0.25, "complete": True}

    def test_by_time_the_unfinished_interval_is_marked_and_the_currency_kept(self) -> None:
        orders = frame(
            datetime=days("2026-03-01", 2),
            attributed_message=["M1", "M1"],
            attributed_flow=["", ""],
            sum_value=[1.0, 2.0],
            value_currency=["EUR", "EUR"],
            complete=[True, False],
        )
        assert not analysis.revenue_split(orders)["complete"].any()
        made = analysis.revenue_split(orders, by="datetime")
        assert list(made.columns) == [
            "datetime",
            "source",
            "revenue",
            "revenue_share",
            "currency",
            "complete",
        ]
        assert made["complete"].tolist() == [True] * 3 + [False] * 3
        assert set(made["currency"]) == {"EUR"}

    def test_unlike_things_are_not_split_together(self) -> None:
        orders = frame(
            attributed_message=["M1", ""],
            attributed_flow=["", ""],
            sum_value=[1.0, 2.0],
            currency=["EUR", "USD"],
            metric=["Placed Order", "Placed Order"],
        )
        with pytest.raises(FrameError, match="EUR and USD"):
            analysis.revenue_split(orders)
        assert analysis.revenue_split(orders, by="currency").shape == (6, 5)
        with pytest.raises(FrameError, match="lacks 'attributed_flow'"):
            analysis.revenue_split(orders.drop(columns="attributed_flow"))

    @few
    @given(series(), st.data())
    def test_the_three_parts_sum_to_the_whole_in_any_order(
        self, counts: pd.DataFrame, data: st.DataObject
    ) -> None:
        blank = st.sampled_from(["X", "", None])
        size = len(counts)
        orders = counts.assign(
            attributed_message=pd.array(data.draw(st.lists(blank, min_size=size, max_size=size)), "string"),
            attributed_flow=pd.array(data.draw(st.lists(blank, min_size=size, max_size=size)), "string"),
        )
        made = analysis.revenue_split(orders, by="datetime")
        whole = orders.groupby("datetime")["sum_value"].sum()
        assert made.groupby("datetime")["revenue"].sum().tolist() == whole.tolist()
        assert records(analysis.revenue_split(shuffled(orders, 3), by="datetime")) == records(made)


def test_nothing_sold_is_zero_and_not_unknown() -> None:
    aggregates = frame(
        attributed_message=["M"], attributed_flow=["F"], count=[1], sum_value=[2.5], complete=[True]
    )
    none = analysis.revenue_split(aggregates.iloc[:0])
    assert none["revenue"].tolist() == [0, 0, 0]
    assert none["revenue_share"].isna().all()
    assert analysis.revenue_split(aggregates.iloc[:0], value="count")["count"].tolist() == [0, 0, 0]
    unknown = analysis.revenue_split(aggregates.assign(sum_value=float("nan")))
    assert unknown["revenue"].isna().all()
