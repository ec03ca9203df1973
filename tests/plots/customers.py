"""The pictures of customers, for the tests that hold for every picture."""

from __future__ import annotations

import pandas as pd
import pytest

from klaviyo_analytics import plots
from klaviyo_analytics.plots import customers as people

CALLS = {
    plots.rfm_map: r"ka\.analysis\.rfm\(",
    plots.rfm_movement: r"ka\.analysis\.klaviyo_rfm\(",
    plots.cohort_heatmap: r"ka\.analysis\.cohorts\(",
    plots.retention_curves: r"ka\.analysis\.retention_curves\(",
    plots.overlap: r"ka\.analysis\.overlap\(",
    plots.ordered_funnel: r"ka\.analysis\.ordered_funnel\(",
    plots.year_over_year: r"ka\.analysis\.year_over_year\(",
    plots.lifetime_value: r"ka\.analysis\.customer_lifetime_value\(",
}


def cohorts() -> pd.DataFrame:
    """What places a row is an object here, so that tests that change all numbers leave it."""
    return people.cohorts().astype({"age": object})


def curve() -> pd.DataFrame:
    return people.curve().astype({"days": object})


def years() -> pd.DataFrame:
    return people.years().astype({"year": object, "month": object})


EVERY = [
    pytest.param(plots.rfm_map, people.scores, "r", id="rfm_map"),
    pytest.param(plots.rfm_movement, people.scores, "previous_group", id="rfm_movement"),
    pytest.param(plots.cohort_heatmap, cohorts, "share", id="cohort_heatmap"),
    pytest.param(plots.retention_curves, curve, "survival", id="retention_curves"),
    pytest.param(plots.overlap, people.overlap, "share_of_a", id="overlap"),
    pytest.param(plots.ordered_funnel, people.funnel, "profiles", id="ordered_funnel"),
    pytest.param(plots.year_over_year, years, "count", id="year_over_year"),
    pytest.param(plots.lifetime_value, people.values, "lifetime_value", id="lifetime_value"),
]
