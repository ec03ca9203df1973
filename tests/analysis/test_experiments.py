"""Experiments against statsmodels and scipy."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from klaviyo_analytics import analysis
from klaviyo_analytics.errors import FrameError

stats = pytest.importorskip("scipy.stats")
proportion = pytest.importorskip("statsmodels.stats.proportion")

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
