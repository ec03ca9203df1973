"""What a function says when it is given another frame: what that is, what it takes, and which call makes it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
import pytest

from klaviyo_analytics import analysis, plots
from klaviyo_analytics.errors import FrameError
from tests.analysis.customer_frames import MONTHS
from tests.analysis.customer_frames import ORDERS as CUSTOMERS
from tests.analysis.customer_frames import WRONG as CUSTOMER_CALLS
from tests.analysis.frames import frame
from tests.analysis.revenue_frames import CALLS as REVENUE
from tests.analysis.revenue_frames import CREDITED, SUMMARY

BERLIN = pd.date_range("2026-03-01", periods=61, tz="Europe/Berlin")
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


OTHERS: dict[str, pd.DataFrame] = {
    "events": CUSTOMERS,
    "aggregates": MONTHS,
    "a summary or report": SUMMARY,
    "profiles": frame(id=["P"], email=["a@example.com"], created=BERLIN[:1]),
    "the frame of analysis.attribution": CREDITED,
}


@pytest.mark.parametrize("kind", OTHERS)
def test_the_error_names_the_kind_of_frame_that_was_given(kind: str) -> None:
    function, call = CALLS["list_growth" if kind != "aggregates" else "by_segment"]
    with pytest.raises(FrameError, match=rf"; given: {kind}( and events)?; \w+ takes .*{call}"):
        function(OTHERS[kind].rename(columns={"count": "n"} if kind != "aggregates" else {}))


def test_a_wide_frame_is_described_by_its_closest_columns() -> None:
    wide = pd.DataFrame({name: [1] for name in [*(f"column {number}" for number in range(30)), "recipient"]})
    with pytest.raises(
        FrameError, match=r"lacks 'recipients'; it has 'recipient', .* and 23 more; flow_funnel"
    ):
        analysis.flow_funnel(wide)


def test_columns_of_the_computation_are_not_shown() -> None:
    with pytest.raises(FrameError, match=r"it has 'id', 'profile_id'((?!__).)*; order_items takes"):
        analysis.order_items(CUSTOMERS)


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


WRITTEN: dict[str, Callable[[pd.DatetimeIndex], Any]] = {
    "with an offset": lambda when: [one.isoformat() for one in when],
    "as a CSV has it": lambda when: when.astype(str),
    "in UTC": lambda when: [one.isoformat().replace("+00:00", "Z") for one in when.tz_convert("UTC")],
    "without an offset": lambda when: [one.isoformat() for one in when.tz_localize(None)],
    "as dates": lambda when: when.strftime("%Y-%m-%d"),
    "dates and times": lambda when: [
        (one.isoformat() if place else f"{one:%Y-%m-%d}") for place, one in enumerate(when.tz_localize(None))
    ],
    "as naive datetimes": lambda when: when.tz_localize(None),
}
ASKING: dict[str, tuple[Callable[[Any], Any], str]] = {
    "resample": (lambda given: analysis.resample(given, "month"), "datetime"),
    "rfm": (lambda given: analysis.rfm(given, as_of="2026-06-01"), "datetime"),
    "attribution": (
        lambda given: analysis.attribution(
            given,
            frame(id=["T"], profile_id=["P"], datetime=BERLIN[:1], channel=["email"], interaction=["click"]),
            settings=analysis.AttributionSettings({"email": "5d"}, start="touch"),
        ),
        "datetime",
    ),
    "metric_trend": (lambda given: plots.metric_trend(given, y="count"), "datetime"),
}


@pytest.fixture
def closed_figures() -> Iterator[None]:
    yield
    plt.close("all")


@pytest.mark.usefixtures("closed_figures")
@pytest.mark.parametrize("written", WRITTEN)
@pytest.mark.parametrize("name", ASKING)
def test_the_advice_about_times_works_for_the_column_that_it_is_given_for(name: str, written: str) -> None:
    call, column = ASKING[name]
    rows = frame(
        datetime=WRITTEN[written](BERLIN),
        id=[f"O{place}" for place in range(len(BERLIN))],
        profile_id=["P"] * len(BERLIN),
        value=[1.5] * len(BERLIN),
        currency=["EUR"] * len(BERLIN),
        count=[2] * len(BERLIN),
    )
    if name == "metric_trend" and written == "as naive datetimes":
        call(rows)  # a picture needs no zone
        return
    with pytest.raises(FrameError) as caught:
        call(rows)
    code = re.search(r"Set it to (.+\)), with the account's time zone", str(caught.value))
    assert code is not None
    berlin = re.sub("America/New_York", "Europe/Berlin", code[1])
    rows[column] = eval(berlin, {"pd": pd, "frame": rows})
    assert rows[column].tolist() == BERLIN.tolist()
    call(rows)


@pytest.mark.parametrize("written", WRITTEN)
def test_the_advice_about_times_is_that_of_the_frames_library(written: str) -> None:
    pl = pytest.importorskip("polars")
    rows = pl.from_pandas(frame(datetime=WRITTEN[written](BERLIN), count=[2] * len(BERLIN)))
    if written == "dates and times":
        pytest.skip("Polars reads one form a column")
    with pytest.raises(FrameError) as caught:
        analysis.resample(rows, "month")
    code = re.search(r"Set it to (.+\)), with the account's time zone", str(caught.value))
    assert code is not None
    fixed = eval(code[1].replace("America/New_York", "Europe/Berlin"), {"pl": pl, "frame": rows})
    assert fixed["datetime"].to_list() == BERLIN.to_pydatetime().tolist()
    assert analysis.resample(fixed, "month")["count"].to_list() == [62, 60]
