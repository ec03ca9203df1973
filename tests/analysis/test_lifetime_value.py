"""Lifetime values against the published fit, simulated orders, and the models integrated by hand."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from scipy import special, stats

from klaviyo_analytics import analysis
from klaviyo_analytics.errors import FrameError

Floats = npt.NDArray[np.float64]


def cdnow() -> pd.DataFrame:
    beside = Path(__file__).parents[2].parent / "shared" / "data" / "cdnow_summary.csv"
    path = Path(os.environ.get("KLAVIYO_CDNOW", beside))
    if not path.exists():
        if os.environ.get("CI"):
            pytest.fail("set KLAVIYO_CDNOW to the path of cdnow_summary.csv")
        pytest.skip("KLAVIYO_CDNOW does not point to cdnow_summary.csv")
    return pd.read_csv(path)


def drawn_histories(seed: int, size: int = 400, leaving: float = 0.8) -> pd.DataFrame:
    """Return summaries of customers who behave as the models assume: each orders at random and leaves by chance."""
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(size):
        rate, leaves, total = rng.gamma(0.9) / 6, max(rng.beta(leaving, 2.5), 1e-9), rng.uniform(20, 40)
        times = np.cumsum(rng.exponential(1 / rate, min(rng.geometric(leaves), 60)))
        times = times[times <= total]
        rows.append((len(times), times[-1] if len(times) else 0.0, total))
    summary = pd.DataFrame(rows, columns=["frequency", "recency", "T"]).astype({"frequency": "int64"})
    spent = rng.gamma(6.0 * summary["frequency"].clip(1), 1 / rng.gamma(4.0, 1 / 15.0, size))
    return summary.assign(monetary=(spent / summary["frequency"]).where(summary["frequency"] > 0))


def spread(low: float, high: float, nodes: int = 1000) -> tuple[Floats, float]:
    """Return equally spaced points and their distance: a sum over them is an integral over the whole line."""
    points = np.linspace(low, high, nodes)
    return points, float(points[1] - points[0])


class Orders:
    """BG/NBD from its definition: every rate of ordering and every chance to leave, weighted by how likely it is."""

    def __init__(self, fit: Mapping[str, Any]) -> None:
        logs, step = spread(-36 / fit["r"], 5)
        self.rate = np.exp(logs)
        self.of_rate = stats.gamma.pdf(self.rate, fit["r"], scale=1 / fit["alpha"]) * self.rate * step
        logits, step = spread(-36 / fit["a"], 36 / fit["b"], 200)
        self.leaves, self.stays = special.expit(logits), special.expit(-logits)
        density = (fit["a"] * np.log(self.leaves) + fit["b"] * np.log(self.stays)) - special.betaln(
            fit["a"], fit["b"]
        )
        self.of_leaving = np.exp(density) * step

    def placed(self, x: int, until: float) -> Floats:
        """How likely each rate is, and x orders and then none until a time."""
        return np.asarray(self.of_rate * self.rate**x * np.exp(-self.rate * until))

    def alive_and_gone(self, one: Mapping[Any, Any]) -> tuple[float, float]:
        x = one["frequency"]
        alive = self.placed(x, one["T"]).sum() * (self.of_leaving * self.stays**x).sum()
        if not x:
            return float(alive), 0.0
        gone = (
            self.placed(x, one["recency"]).sum()
            * (self.of_leaving * self.leaves * self.stays ** (x - 1)).sum()
        )
        return float(alive), float(gone)

    def ahead(self, one: Mapping[Any, Any], horizon: float) -> float:
        """Return the orders to come: (1 - exp(-rate leaves horizon)) / leaves for somebody who is alive."""
        x = one["frequency"]
        later = -np.expm1(-np.outer(self.rate, self.leaves) * horizon) / self.leaves
        weight = self.placed(x, one["T"])
        return float(weight @ later @ (self.of_leaving * self.stays**x) / sum(self.alive_and_gone(one)))


def value_of(fit: Mapping[str, Any], one: Mapping[Any, Any]) -> tuple[float, float]:
    """Return how likely a customer's mean value is, and what their orders are worth, by Gamma-Gamma's definition."""
    p, x = fit["p"], one["frequency"]
    logs, step = spread(-20, 5, 300)
    scale = np.exp(logs)
    weight = stats.gamma.pdf(scale, fit["q"], scale=1 / fit["gamma"]) * scale * step
    if x:
        weight = weight * stats.gamma.pdf(one["monetary"], p * x, scale=1 / (scale * x))
    return float(weight.sum()), float((weight * p / scale).sum() / weight.sum())


def test_the_published_fit_of_cdnow() -> None:
    fit = analysis.lifetime_value_fit(summary=cdnow()).iloc[0]
    assert [round(fit[name], 3) for name in ("r", "alpha", "a", "b")] == pytest.approx(
        [0.243, 4.414, 0.793, 2.426], abs=1e-3
    )
    assert round(fit["log_likelihood"], 1) == -9582.4
    assert fit["converged"]
    # Fader, Hardie and Lee expect 1.226 orders in 39 weeks for frequency 2, recency 30.43, T 38.86.
    values = analysis.customer_lifetime_value(summary=cdnow(), horizon=39)
    assert values["expected_orders"].iloc[0] == pytest.approx(1.226, abs=1e-3)


def test_gamma_gamma_finds_what_simulated_orders_were_made_with() -> None:
    rng = np.random.default_rng(5)
    size, (p, q, gamma) = 6000, (6.0, 4.0, 15.0)
    frequency = rng.integers(1, 8, size)
    mean = rng.gamma(p * frequency, 1 / rng.gamma(q, 1 / gamma, size)) / frequency
    summary = pd.DataFrame({"frequency": frequency, "recency": 20.0, "T": 30.0, "monetary": mean})
    fit = analysis.lifetime_value_fit(summary=summary).iloc[0]
    assert fit["p"] == pytest.approx(p, rel=0.15)
    assert fit["q"] == pytest.approx(q, rel=0.15)
    assert fit["p"] * fit["gamma"] / (fit["q"] - 1) == pytest.approx(p * gamma / (q - 1), rel=0.03)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"frequency": [-1], "recency": [0.0], "T": [1.0]}, "frequency is missing, negative"),
        ({"frequency": [1], "recency": [9.0], "T": [1.0]}, "longer than T"),
        ({"frequency": [0], "recency": [1.0], "T": [2.0]}, "without a repeat order"),
    ],
)
def test_an_impossible_summary_is_refused(wrong: dict[str, list[float]], named: str) -> None:
    with pytest.raises(FrameError, match=named):
        analysis.customer_lifetime_value(summary=pd.DataFrame(wrong))


@pytest.mark.parametrize("which", ["cdnow", "1", "2"])
def test_predictions_are_those_of_the_models_integrated_by_hand(which: str) -> None:
    summary = cdnow() if which == "cdnow" else drawn_histories(int(which))
    made = analysis.customer_lifetime_value(summary=summary, horizon=39)
    fit = made.attrs["fit"]
    model = Orders(fit)
    often, never, some = (
        made.nlargest(1, "frequency"),
        made[made["frequency"] == 0],
        made[made["frequency"] > 0],
    )
    for one in pd.concat([often, never.head(1), some.head(3)]).to_dict("records"):
        alive, gone = model.alive_and_gone(one)
        assert one["probability_alive"] == pytest.approx(alive / (alive + gone), rel=1e-6)
        assert one["expected_orders"] == pytest.approx(model.ahead(one, 39), rel=1e-6)
        if which != "cdnow":  # which knows no money
            assert one["expected_value"] == pytest.approx(value_of(fit, one)[1], rel=1e-6)


@pytest.mark.parametrize("seed", [1, 2])
def test_no_parameters_nearby_are_likelier(seed: int) -> None:
    made = analysis.customer_lifetime_value(summary=drawn_histories(seed, 80))
    fit, customers = made.attrs["fit"], made.to_dict("records")

    def of_orders(parameters: Mapping[str, Any]) -> float:
        model = Orders(parameters)
        return float(sum(np.log(np.sum(model.alive_and_gone(one))) for one in customers))

    def of_values(parameters: Mapping[str, Any]) -> float:
        return float(sum(np.log(value_of(parameters, one)[0]) for one in customers if one["frequency"]))

    for names, likelihood, stated in (
        (("r", "alpha", "a", "b"), of_orders, "log_likelihood"),
        (("p", "q", "gamma"), of_values, "value_log_likelihood"),
    ):
        best = likelihood(fit)
        assert fit[stated] == pytest.approx(best, abs=1e-6)
        for name in names:
            assert max(likelihood({**fit, name: fit[name] * by}) for by in (0.9, 1.1)) < best


def test_a_fit_at_the_edge_of_the_search_says_that_it_did_not_converge() -> None:
    fit = analysis.lifetime_value_fit(summary=drawn_histories(3, leaving=1e-9)).iloc[0]
    assert not fit["converged"]
    assert fit["r"] == pytest.approx(0.9, rel=0.3)
    assert fit["a"] / fit["b"] < 0.01
