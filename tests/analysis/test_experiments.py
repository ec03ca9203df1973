"""Experiments against statsmodels and scipy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klaviyo_analytics import analysis
from klaviyo_analytics.errors import FrameError

stats = pytest.importorskip("scipy.stats")
proportion = pytest.importorskip("statsmodels.stats.proportion")
multitest = pytest.importorskip("statsmodels.stats.multitest")

SENT = pd.DataFrame({"variation": ["A", "B"], "delivered": [2400, 2380], "clicks_unique": [120, 150]})


def test_two_click_rates() -> None:
    first, second = analysis.ab_test(SENT).to_dict("records")
    assert [round(first[name], 4) for name in ("low", "high")] == [0.0420, 0.0595]
    assert [round(second[name], 4) for name in ("low", "high")] == [0.0539, 0.0735]
    assert round(second["difference_low"], 5) == -0.00009
    assert round(second["difference_high"], 4) == 0.0262
    assert round(second["statistic"], 3) == 1.950
    assert round(second["p_value"], 4) == 0.0511
    z, p = proportion.proportions_ztest([150, 120], [2380, 2400])
    assert second["statistic"] == pytest.approx(z)
    assert second["p_value"] == pytest.approx(p)
    bounds = proportion.confint_proportions_2indep(150, 2380, 120, 2400, method="newcomb")
    assert (second["difference_low"], second["difference_high"]) == pytest.approx(bounds, abs=1e-5)
    assert second["verdict"].startswith("Too early to tell")


class TestNames:
    """A summary has the ids of variations, and the names beside them."""

    sent = pd.DataFrame(
        {
            "variation": ["01J1", "01J2", "01J2"],
            "variation_name": ["Blue", "Green", "Green"],
            "delivered": [900, 500, 450],
            "clicks_unique": [30, 25, 20],
        }
    )

    def test_variations_are_shown_by_name_whichever_way_they_are_given(self) -> None:
        shown = analysis.ab_test(self.sent)
        assert shown["variation"].tolist() == ["Blue", "Green"]
        assert "Green differs from Blue" in shown["verdict"].iloc[1]
        by_name = analysis.ab_test(self.sent, control="Green", expected={"Blue": 0.5, "Green": 0.5})
        by_id = analysis.ab_test(self.sent, control="01J2", expected={"01J1": 0.5, "01J2": 0.5})
        pd.testing.assert_frame_equal(by_id, by_name)
        assert by_id["variation"].tolist() == ["Green", "Blue"]

    @pytest.mark.parametrize(
        "names", [["Same", "Same", "Same"], ["Blue", None, None], ["Blue", "Green", "Red"]]
    )
    def test_names_that_do_not_tell_them_apart_are_not_shown(self, names: list[Any]) -> None:
        shown = analysis.ab_test(self.sent.assign(variation_name=names))
        assert shown["variation"].tolist() == ["01J1", "01J2"]
        assert shown["recipients"].tolist() == [900, 950]

    def test_a_column_that_is_asked_for_is_shown_as_it_is(self) -> None:
        shown = analysis.ab_test(self.sent, variation="variation")
        assert shown["variation"].tolist() == ["01J1", "01J2"]

    def test_rows_without_a_variation_have_no_name(self) -> None:
        more = pd.concat([self.sent, self.sent.iloc[:1].assign(variation=None, variation_name="Gone")])
        assert analysis.ab_test(more)["variation"].tolist() == ["Blue", "Green", "Gone"]


def test_holm_corrects_for_several_variations() -> None:
    from klaviyo_analytics.analysis.experiments import _adjusted  # noqa: PLC0415

    assert _adjusted(np.array([0.01, 0.02, 0.03, 0.04]), "holm") == pytest.approx([0.04, 0.06, 0.06, 0.06])


def test_means_are_compared_as_welch_does() -> None:
    dice = np.random.default_rng(4)
    low, high = dice.gamma(1, 10, 300), dice.gamma(1, 13, 250)
    people = pd.DataFrame({"variation": ["A"] * 300 + ["B"] * 250, "revenue": [*low, *high]})
    result = analysis.ab_test(people, measure="revenue")
    wanted = stats.ttest_ind(high, low, equal_var=False)
    assert result["statistic"][1] == pytest.approx(wanted.statistic)
    assert result["p_value"][1] == pytest.approx(wanted.pvalue)
    bounds = wanted.confidence_interval()
    assert (result["difference_low"][1], result["difference_high"][1]) == pytest.approx(
        (bounds.low, bounds.high)
    )


def test_means_of_sums_and_rates_above_one_are_refused() -> None:
    sums = SENT.assign(conversion_value=[10.0, 20.0], recipients=[2400, 2380])
    with pytest.raises(FrameError, match="cannot be tested from sums"):
        analysis.ab_test(sums, measure="revenue_per_recipient")
    with pytest.raises(FrameError, match="cannot be tested from sums"):
        analysis.ab_test(sums.rename(columns={"conversion_value": "revenue"}), measure="revenue")
    with pytest.raises(FrameError, match="count people"):
        analysis.ab_test(SENT.assign(clicks_unique=[3000, 1]))


def test_unequal_groups_are_noticed() -> None:
    assert "not split as planned" in analysis.ab_test(SENT.assign(delivered=[2400, 2000]))["note"][0]
    assert "not split as planned" not in analysis.ab_test(SENT)["note"][0]


@given(seed=st.integers(0, 10_000), confidence=st.sampled_from([0.9, 0.95, 0.99]))
@settings(max_examples=15, deadline=None)
def test_rates_are_compared_as_statsmodels_does(seed: int, confidence: float) -> None:
    dice = np.random.default_rng(seed)
    sent = dice.integers(1, 4000, 4)
    clicked = dice.binomial(sent, dice.choice([0, 0.001, 0.02, 0.3, 0.9, 1], 4))
    frame = pd.DataFrame({"variation": list("ABCD"), "delivered": sent, "clicks_unique": clicked})
    base, level = clicked[0] / sent[0], 1 - confidence
    effect = 0.01 if base < 0.9 else -0.01
    made = analysis.ab_test(frame, confidence=confidence, effect=effect)
    for row, count, size in zip(made.to_dict("records"), clicked, sent, strict=True):
        bounds = proportion.proportion_confint(count, size, level, "wilson")
        assert (row["low"], row["high"]) == pytest.approx(bounds, abs=1e-12)
        if row["is_control"]:
            continue
        pair = (count, size, clicked[0], sent[0])
        bounds = proportion.confint_proportions_2indep(*pair, method="newcomb", alpha=level)
        assert (row["difference_low"], row["difference_high"]) == pytest.approx(bounds, abs=1e-12)
        if count and clicked[0]:
            bounds = proportion.confint_proportions_2indep(*pair, method="log", compare="ratio", alpha=level)
            assert (row["lift_low"] + 1, row["lift_high"] + 1) == pytest.approx(bounds)
        if 0 < clicked[0] + count < sent[0] + size:
            z, p = proportion.proportions_ztest([count, clicked[0]], [size, sent[0]])
            assert (row["statistic"], row["p_value"]) == pytest.approx((z, p), abs=1e-12)
        if 0 < base < 1:
            options = {"ratio": sent[0] / size, "alpha": level, "return_results": False}
            assert row["power"] == pytest.approx(
                proportion.power_proportions_2indep(effect, base, size, **options), abs=1e-12
            )
            needed = proportion.samplesize_proportions_2indep_onetail(effect, base, 0.8, alpha=level)
            assert row["needed"] == np.ceil(needed)
    known = made["p_value"].notna()
    if known.any():
        wanted = multitest.multipletests(made.loc[known, "p_value"], method="holm")[1]
        assert made.loc[known, "p_adjusted"].tolist() == pytest.approx(wanted.tolist())


def test_the_power_is_how_often_a_simulated_test_finds_the_effect() -> None:
    dice, draws = np.random.default_rng(3), 100_000
    for effect, sizes in ((0.02, (9000, 500)), (0.02, (500, 9000)), (0.01, (2400, 2380))):
        frame = pd.DataFrame(
            {"variation": ["A", "B"], "delivered": sizes, "clicks_unique": [sizes[0] // 20, 30]}
        )
        low, high = dice.binomial(sizes[0], 0.05, draws), dice.binomial(sizes[1], 0.05 + effect, draws)
        pooled = (low + high) / sum(sizes)
        error = np.sqrt(pooled * (1 - pooled) * (1 / sizes[0] + 1 / sizes[1]))
        found = np.abs(high / sizes[1] - low / sizes[0]) > 1.959964 * error
        assert analysis.ab_test(frame, effect=effect)["power"][1] == pytest.approx(found.mean(), abs=0.015)


def test_a_missing_numerator_takes_its_denominator_along() -> None:
    sent = pd.DataFrame(
        {
            "variation": ["A", "A", "B", "B", "C"],
            "send_channel": ["email", "sms", "email", "sms", "email"],
            "delivered": [1000, 1000, 1000, 1000, 2000],
            "opens_unique": [400, 0, 500, None, None],
        }
    )
    found = analysis.ab_test(sent, measure="open_rate")
    assert found["recipients"].tolist() == [1000, 1000, 0]
    assert found["estimate"].tolist()[:2] == [0.4, 0.5]
    assert found["estimate"].isna().tolist() == [False, False, True]
    assert found["mismatch_p"].tolist() == [1.0] * 3  # all were sent alike, whatever is known of them
    rolled = analysis.ab_test(analysis.roll_up(sent, by="variation"), measure="open_rate")
    assert rolled["recipients"].tolist() == [1000, 1000, 0]
    people = pd.DataFrame({"group": ["sent", "sent", "held"], "recipients": [100, 900, 50]})
    people["conversion_uniques"] = [10, None, 2]
    assert analysis.holdout_lift(people, holdout="held")["estimate"].tolist() == [0.1]
