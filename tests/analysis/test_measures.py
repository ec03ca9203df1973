"""Rates are rebuilt from counts, and sums are of what adds up."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from klaviyo_analytics import analysis
from klaviyo_analytics.arithmetic import RATES
from klaviyo_analytics.errors import FrameError, NotAdditiveError
from tests.analysis.frames import days, few, frame, records, shuffled, summaries

FRACTIONS = [name for name in RATES if name.endswith("_rate") and "failed" not in name]


class TestRates:
    def test_every_rate_over_its_own_denominator(self) -> None:
        row = frame(
            recipients=[1000],
            delivered=[800],
            bounced=[150],
            failed=[50],
            bounced_or_failed=[200],
            opens_unique=[400],
            clicks_unique=[40],
            unsubscribe_uniques=[8],
            spam_complaints=[4],
            conversions=[20],
            conversion_uniques=[16],
            conversion_value=[500.0],
        )
        assert {name: value for name, value in records(analysis.rates(row))[0].items() if name in RATES} == {
            "delivery_rate": 0.8,
            "bounce_rate": 0.15,
            "failed_rate": 0.05,
            "bounced_or_failed_rate": 0.2,
            "open_rate": 0.5,
            "click_rate": 0.05,
            "click_to_open_rate": 0.1,
            "unsubscribe_rate": 0.01,
            "spam_complaint_rate": 0.005,
            "conversion_rate": 0.02,
            "average_order_value": 25.0,
            "revenue_per_recipient": 0.5,
        }

    def test_a_rate_that_came_with_the_frame_is_replaced_in_its_place(self) -> None:
        given_ = frame(open_rate=[0.9], delivered=[10], opens_unique=[5])
        assert records(analysis.rates(given_)) == [{"open_rate": 0.5, "delivered": 10, "opens_unique": 5}]

    def test_a_rate_of_nobody_is_missing(self) -> None:
        made = analysis.rates(frame(delivered=[0, 0, 5], opens_unique=[0, 3, None]))
        assert records(made[["open_rate"]]) == [{"open_rate": None}] * 3

    def test_rates_are_plain_floats_and_counts_stay_whole(self) -> None:
        made = analysis.rates(pd.DataFrame({"delivered": [10, 0], "opens_unique": [5, 0]}))
        assert made.dtypes.astype(str).to_dict() == {
            "delivered": "Int64",
            "opens_unique": "Int64",
            "open_rate": "float64",
        }

    def test_the_frame_given_is_left_alone(self) -> None:
        given_ = pd.DataFrame({"delivered": [10], "opens_unique": [5]}, index=[7])
        before = given_.copy()
        assert analysis.rates(given_).index.tolist() == [0]
        pd.testing.assert_frame_equal(given_, before)

    @pytest.mark.parametrize(
        ("columns", "said"),
        [
            ({"campaign": ["A"]}, "no rate can be made of 'campaign'"),
            ({"delivered": [3], "opens_unique": ["many"]}, "'opens_unique' is String, and numbers"),
        ],
    )
    def test_frames_without_counts_are_refused(self, columns: dict[str, list[object]], said: str) -> None:
        with pytest.raises(FrameError, match=said):
            analysis.rates(frame(**columns))

    def test_what_is_no_frame_is_refused(self) -> None:
        with pytest.raises(FrameError, match="not a dict"):
            analysis.rates({"delivered": [1]})  # type: ignore[type-var]

    @few
    @given(summaries())
    def test_rates_of_consistent_counts_lie_between_0_and_1(self, summary: pd.DataFrame) -> None:
        made = analysis.rates(summary)
        for name in FRACTIONS:
            known = made[name].dropna()
            assert known.between(0, 1).all(), name
            assert len(known) == (summary[RATES[name].denominator] > 0).sum()


class TestRollUp:
    def test_the_rate_of_a_sum_is_not_the_mean_of_rates(self) -> None:
        summary = frame(channel=["email", "email"], delivered=[100, 900], opens_unique=[100, 0])
        assert records(analysis.roll_up(summary, by="channel")) == [
            {
                "channel": "email",
                "delivered": 1000,
                "opens_unique": 100,
                "open_rate": 0.1,
                "open_rate_denominator": 1000,
            }
        ]

    def test_a_missing_group_is_a_group(self) -> None:
        summary = frame(channel=["sms", None, None], delivered=[1, 2, 3])
        assert [
            (row["channel"], row["delivered"]) for row in records(analysis.roll_up(summary, by="channel"))
        ] == [
            ("sms", 1),
            (None, 5),
        ]

    def test_a_sum_of_unknown_numbers_is_unknown_and_of_some_is_their_sum(self) -> None:
        summary = frame(channel=["a", "a", "b"], delivered=[None, 3, None])
        summary["delivered"] = summary["delivered"].astype("Int64")
        assert [row["delivered"] for row in records(analysis.roll_up(summary, by="channel"))] == [3, None]

    def test_two_currencies_are_never_added(self) -> None:
        money = frame(channel=["a", "a"], conversion_value=[1.0, 2.0], currency=["EUR", "USD"])
        with pytest.raises(FrameError, match="'currency' holds EUR and USD"):
            analysis.roll_up(money, by="channel")
        assert len(analysis.roll_up(money, by=["channel", "currency"])) == 2
        assert len(analysis.roll_up(money.drop(columns="conversion_value").assign(delivered=1))) == 1

    def test_one_currency_goes_with_the_money(self) -> None:
        money = frame(channel=["a", "b"], conversion_value=[1.0, 2.0], currency=["EUR", "EUR"])
        assert records(analysis.roll_up(money)) == [{"conversion_value": 3.0, "currency": "EUR"}]

    def test_two_metrics_are_never_added(self) -> None:
        both = frame(metric=["Placed Order", "Opened Email"], count=[1, 2])
        with pytest.raises(FrameError, match="Opened Email and Placed Order"):
            analysis.roll_up(both)

    def test_unique_counts_add_up_over_messages_but_not_over_time(self) -> None:
        summary = frame(message=["a", "b"], opens_unique=[1, 2])
        assert records(analysis.roll_up(summary)) == [{"opens_unique": 3}]
        over_time = summary.assign(datetime=days("2026-03-01", 2))
        with pytest.raises(NotAdditiveError, match="'opens_unique' counts each profile once"):
            analysis.roll_up(over_time)
        assert len(analysis.roll_up(over_time, by="datetime")) == 2

    def test_the_columns_do_not_depend_on_the_rows(self) -> None:
        counts = {"delivered": [3, 4], "recipients": [5, 5], "clicks_unique": [1, 2], "conversions": [1, 1]}
        known = frame(**counts, opens_unique=[2, 3], conversion_value=[1.0, 2.0])
        parts = {
            "open_rate_denominator": (7, 4),
            "click_to_open_rate_numerator": (3, 2),
            "average_order_value_denominator": (2, 1),
            "revenue_per_recipient_denominator": (10, 5),
        }
        missing = known.assign(
            opens_unique=pd.array([None, 3], "Int64"), conversion_value=[float("nan"), 2.0]
        )
        full, partly = analysis.roll_up(known), analysis.roll_up(missing)
        assert [*full.columns] == [*partly.columns] == [*analysis.roll_up(known.iloc[:0]).columns]
        assert {name for name in full if str(name).endswith(("_numerator", "_denominator"))} == {*parts}
        assert {name: (full[name].item(), partly[name].item()) for name in parts} == parts

    def test_nothing_to_add_is_said(self) -> None:
        with pytest.raises(FrameError, match="known to add up: 'flow'"):
            analysis.roll_up(frame(flow=["a"]))
        with pytest.raises(FrameError, match="lacks 'channel'; it has 'flow'"):
            analysis.roll_up(frame(flow=["a"]), by="channel")

    @few
    @given(summaries(), st.integers(0, 9))
    def test_parts_sum_to_the_whole_in_any_order(self, summary: pd.DataFrame, seed: int) -> None:
        parts = analysis.roll_up(shuffled(summary, seed), by="channel")
        assert records(parts) == records(analysis.roll_up(summary, by="channel"))
        assert records(analysis.roll_up(parts)) == records(analysis.roll_up(summary))
        assert analysis.roll_up(summary)["delivered"].item() == summary["delivered"].sum()

    @few
    @given(summaries())
    def test_a_rate_of_all_lies_between_those_of_its_parts(self, summary: pd.DataFrame) -> None:
        each, total = analysis.rates(summary), analysis.roll_up(summary)
        for name in FRACTIONS:
            known = each[name].dropna()
            if len(known):
                assert known.min() - 1e-12 <= total[name].item() <= known.max() + 1e-12
            else:
                assert total[name].isna().item()
