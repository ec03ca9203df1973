"""Ranking and funnel."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from klaviyo_analytics import analysis
from klaviyo_analytics.errors import FrameError, InvalidInputError
from tests.analysis.frames import few, frame, records, shuffled, summaries


def summary() -> pd.DataFrame:
    return frame(
        campaign_id=["C1", "C2", "C3", "C4"],
        campaign=["One", "Two", "Three", "Four"],
        recipients=[100, 50, 10, 0],
        conversion_value=[100.0, 100.0, 20.0, 0.0],
        currency=["EUR"] * 4,
    )


class TestCampaignRanking:
    def test_the_rate_is_rebuilt_equal_rows_share_a_rank_and_nobody_has_none(self) -> None:
        ranking = analysis.campaign_ranking(summary().assign(revenue_per_recipient=9.9))
        assert ranking[["rank", "campaign_id", "revenue_per_recipient"]].values.tolist() == [
            [1, "C2", 2.0],
            [1, "C3", 2.0],
            [3, "C1", 1.0],
        ]

    def test_small_sends_can_be_left_out_and_the_list_cut(self) -> None:
        assert analysis.campaign_ranking(summary(), minimum_recipients=20)["campaign_id"].tolist() == [
            "C2",
            "C1",
        ]
        assert analysis.campaign_ranking(summary(), top=1)["campaign_id"].tolist() == ["C2"]
        smallest = analysis.campaign_ranking(summary(), by="recipients", ascending=True, top=1)
        assert smallest["campaign_id"].tolist() == ["C4"]

    @pytest.mark.parametrize(
        ("options", "error", "said"),
        [
            ({"by": "open_rate"}, FrameError, "lacks 'opens_unique', 'delivered'"),
            ({"by": "clicks"}, FrameError, "lacks 'clicks'"),
            ({"by": "campaign"}, FrameError, "numbers are needed"),
            ({"top": 0}, InvalidInputError, "top=0"),
        ],
    )
    def test_what_cannot_be_ranked_is_refused(
        self, options: dict[str, object], error: type[Exception], said: str
    ) -> None:
        with pytest.raises(error, match=said):
            analysis.campaign_ranking(summary(), **options)  # type: ignore[arg-type]

    def test_money_in_two_currencies_is_not_ranked_but_sizes_are(self) -> None:
        mixed = summary().assign(currency=["EUR", "USD", "EUR", "EUR"])
        with pytest.raises(FrameError, match="EUR and USD"):
            analysis.campaign_ranking(mixed)
        assert len(analysis.campaign_ranking(mixed, by="recipients")) == 4

    @few
    @given(
        summaries(), st.sampled_from(["open_rate", "revenue_per_recipient", "recipients"]), st.integers(0, 9)
    )
    def test_the_order_of_rows_does_not_matter(self, rows: pd.DataFrame, rank_by: str, seed: int) -> None:
        ranking = analysis.campaign_ranking(rows, by=rank_by)
        assert records(analysis.campaign_ranking(shuffled(rows, seed), by=rank_by)) == records(ranking)
        assert ranking[rank_by].is_monotonic_decreasing
        assert ranking["rank"].is_monotonic_increasing
        assert records(analysis.campaign_ranking(rows, by=rank_by, top=2)) == records(ranking)[:2]


class TestFlowFunnel:
    def test_stages_follow_each_other_for_each_message(self) -> None:
        flows = frame(
            flow=["Welcome", "Welcome"],
            message=["B", "A"],
            recipients=[100, 10],
            delivered=[80, 10],
            clicks_unique=[8, 0],
        )
        made = analysis.flow_funnel(flows)
        assert made[["message", "stage", "profiles"]].values.tolist() == [
            ["A", "recipients", 10],
            ["A", "delivered", 10],
            ["A", "clicks_unique", 0],
            ["B", "recipients", 100],
            ["B", "delivered", 80],
            ["B", "clicks_unique", 8],
        ]
        assert made["step_rate"].tolist() == [1.0, 1.0, 0.0, 1.0, 0.8, 0.1]
        assert made["overall_rate"].tolist() == [1.0, 1.0, 0.0, 1.0, 0.8, 0.08]

    def test_messages_stand_in_the_order_of_their_flow_where_it_is_known(self) -> None:
        flows = frame(
            flow=["Welcome"] * 3,
            message=["B", "A", "gone"],
            message_position=pd.array([1, 2, None], dtype="Int64"),
            channel=["sms", "email", "email"],
            recipients=[9, 100, 3],
            delivered=[9, 90, 3],
        )
        made = analysis.flow_funnel(flows)
        assert made["message"].unique().tolist() == ["B", "A", "gone"]
        assert made["message_position"].tolist()[:4] == [1, 1, 2, 2]

    def test_variations_of_a_message_are_added_up(self) -> None:
        flows = frame(
            flow_id=["F", "F"],
            flow_message_id=["M", "M"],
            variation=["a", "b"],
            recipients=[1, 2],
            delivered=[1, 1],
        )
        assert analysis.flow_funnel(flows)["profiles"].tolist() == [3, 2]

    def test_a_funnel_needs_something_to_fall_through(self) -> None:
        with pytest.raises(FrameError, match="at least two of 'recipients'"):
            analysis.flow_funnel(frame(flow=["F"], recipients=[1]))
        with pytest.raises(FrameError, match="needs a flow or message"):
            analysis.flow_funnel(frame(recipients=[1], delivered=[1]))

    @few
    @given(summaries())
    def test_steps_multiply_to_the_overall_rate(self, rows: pd.DataFrame) -> None:
        flows = rows.rename(columns={"campaign_id": "flow_id"})
        made = analysis.flow_funnel(flows)
        product = made.groupby("flow_id")["step_rate"].cumprod()
        known = product.notna() & made["overall_rate"].notna()
        assert (product[known] - made["overall_rate"][known]).abs().lt(1e-9).all()
        assert made["overall_rate"].dropna().between(0, 1).all()
