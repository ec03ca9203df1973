"""What a function says when it is given another frame: what that is, what it takes, and which call makes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from klaviyo_analytics import analysis
from klaviyo_analytics.errors import FrameError
from tests.analysis.customer_frames import WRONG as CUSTOMER_CALLS
from tests.analysis.revenue_frames import CALLS as REVENUE

NO_COUNTS = pd.DataFrame({"email": ["a@example.com"]})
CALLS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "rates": (analysis.rates, r"client\.campaigns\.summary\("),
    "roll_up": (analysis.roll_up, r"client\.campaigns\.summary\("),
    "campaign_ranking": (analysis.campaign_ranking, r"client\.campaigns\.summary\("),
    "flow_funnel": (analysis.flow_funnel, r"client\.flows\.summary\("),
    "deliverability": (analysis.deliverability, r"client\.campaigns\.summary\("),
    "resample": (lambda given: analysis.resample(given, "week"), r"client\.metric_aggregates\.query\("),
    "period_over_period": (
        lambda given: analysis.period_over_period(given, "count"),
        r"client\.metric_aggregates\.query\(",
    ),
    "compare_periods": (
        lambda given: analysis.compare_periods(given, given, values="count"),
        r"client\.metric_aggregates\.query\(",
    ),
    "share_of_total": (
        lambda given: analysis.share_of_total(given, "count"),
        r"client\.metric_aggregates\.query\(",
    ),
    "revenue_split": (analysis.revenue_split, r"by=\[\"\$attributed_message\", \"\$attributed_flow\"\]\)"),
    "list_growth": (
        lambda given: analysis.list_growth(given, given),
        r"client\.metric_aggregates\.query\('Subscribed to List'",
    ),
    "adjusted_engagement": (
        lambda given: analysis.adjusted_engagement(given, NO_COUNTS),
        r"client\.events\.list\(",
    ),
    **CUSTOMER_CALLS,
}


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize(
    ("given", "named"),
    [
        (None, "not None"),
        ({"count": [1]}, "not a dict"),
        ([1, 2], "not a list"),
        (pd.Series([1], name="count"), r"not a Series, which is one column \('count'\)"),
        (pd.DataFrame(), "no columns"),
        (NO_COUNTS, "email"),
    ],
    ids=["None", "dict", "list", "Series", "nothing in it", "another"],
)
def test_a_wrong_frame(name: str, given: Any, named: str) -> None:
    function, call = CALLS[name]
    with pytest.raises(FrameError, match=f"{named}.*; {name} takes .*{call}") as caught:
        function(given)
    assert type(caught.value) is FrameError


def test_every_function_is_tried() -> None:
    revenue = {name.split(",")[0] for name in REVENUE} | {"normalise_orders"}
    others = {"BENCHMARKS", "BANDS", "AttributionSettings", "OrderConditions"}
    assert {*CALLS} == {*analysis.__all__} - others - revenue


REVENUE_CALLS: dict[str, tuple[Callable[[Any], Any], str]] = {
    name: (lambda given, name=name: REVENUE[name](lambda _: given), "(client|analysis|recipients)")  # type: ignore[misc]
    for name in REVENUE
    if name not in {"flow_health"}
}


@pytest.mark.parametrize("name", REVENUE_CALLS)
@pytest.mark.parametrize("given", [None, {"count": [1]}, pd.DataFrame(), NO_COUNTS])
def test_a_wrong_frame_of_a_revenue_function(name: str, given: Any) -> None:
    function, call = REVENUE_CALLS[name]
    with pytest.raises(FrameError, match=f"; {name.split(',', maxsplit=1)[0]} takes .*{call}") as caught:
        function(given)
    assert type(caught.value) is FrameError


def test_names_and_documents_are_those_of_the_function() -> None:
    for name in CALLS:
        function = getattr(analysis, name)
        assert function.__name__ == name
        assert "Examples" in function.__doc__
