"""Whatever the numbers are, a well-formed frame is drawn, and never changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.axes import Axes

from klaviyo_analytics import plots
from tests.plots.looks import draw

few = settings(max_examples=12, deadline=None)

ZONES = st.sampled_from([None, "UTC", "America/New_York", "Asia/Kolkata", "America/Santiago"])
STEPS = st.sampled_from(["h", "D", "W-MON", "MS", "QS"])
NUMBERS = st.one_of(st.none(), st.integers(-(10**9), 10**9), st.floats(-1e12, 1e12), st.just(float("inf")))
SHARES = st.one_of(st.none(), st.floats(0, 1))
COUNTS = st.one_of(st.none(), st.integers(0, 10**9))
TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=30)


SUMMARY_PLOTS: list[tuple[Callable[..., Axes], dict[str, Any]]] = [
    (plots.campaign_ranking, {"hue": "channel"}),
    (plots.campaign_scatter, {"hue": "channel"}),
    (plots.flow_funnel, {"stages": ["delivered", "opens_unique"]}),
    (plots.deliverability, {"benchmarks": {"open_rate": 0.33, "bounce_rate": 0.01}}),
]


@st.composite
def over_time(draw_from: st.DrawFn, columns: tuple[str, ...]) -> pd.DataFrame:
    """Return a series or several over time, in any order of rows, with gaps."""
    zone, step, rows = draw_from(ZONES), draw_from(STEPS), draw_from(st.integers(0, 8))
    start = draw_from(st.dates(pd.Timestamp("2020-01-01").date(), pd.Timestamp("2026-12-31").date()))
    when = pd.date_range(pd.Timestamp(start), periods=rows, freq=step).as_unit("us")
    when = when.tz_localize(zone, ambiguous="NaT", nonexistent="shift_forward") if zone else when
    when = when[when.notna()].unique()
    names = draw_from(st.lists(TEXT.filter(str.strip), unique_by=str.strip, min_size=1, max_size=3))
    parts = [pd.DataFrame({"datetime": when, "name": name}) for name in names]
    frame = pd.concat(parts, ignore_index=True)
    for column in columns:
        values = draw_from(st.lists(NUMBERS, min_size=len(frame), max_size=len(frame)))
        frame[column] = pd.array(
            [np.nan if value is None else float(value) for value in values], dtype="Float64"
        )
    flags = st.lists(st.booleans(), min_size=len(frame), max_size=len(frame))
    frame["complete"] = pd.array(draw_from(flags), dtype="boolean")
    return frame.sample(frac=1, random_state=draw_from(st.integers(0, 99)))


@st.composite
def summaries(draw_from: st.DrawFn) -> pd.DataFrame:
    """Return rows of counts, rates and money in any state."""
    rows = draw_from(st.integers(0, 14))

    def column(of: st.SearchStrategy[Any], dtype: Any) -> Any:
        values = draw_from(st.lists(of, min_size=rows, max_size=rows))
        return pd.array([pd.NA if value is None else value for value in values], dtype=dtype)

    return pd.DataFrame(
        {
            "campaign": column(st.one_of(st.none(), TEXT), "string"),
            "flow": column(TEXT, "string"),
            "channel": column(st.one_of(st.none(), st.sampled_from(["email", "sms", "push"])), "string"),
            "recipients": column(COUNTS, "Int64"),
            "delivered": column(COUNTS, "Int64"),
            "opens_unique": column(COUNTS, "Int64"),
            "open_rate": column(SHARES, "Float64"),
            "bounce_rate": column(SHARES, "Float64"),
            "conversion_value": column(st.one_of(st.none(), st.floats(-1e9, 1e9)), "Float64"),
        }
    )


def draws_and_keeps(plot: Callable[..., Axes], frame: pd.DataFrame, **options: Any) -> None:
    before = frame.copy(deep=True)
    try:
        draw(plot(frame, **options))
    finally:
        plt.close("all")
    pd.testing.assert_frame_equal(frame, before)


@few
@given(over_time(("count",)), st.booleans())
def test_any_trend(frame: pd.DataFrame, compared: bool) -> None:
    draws_and_keeps(plots.metric_trend, frame, hue="name", compare=frame if compared else None)


@few
@given(over_time(("revenue",)))
def test_any_revenue(frame: pd.DataFrame) -> None:
    draws_and_keeps(plots.revenue_split, frame, hue="name", currency="USD")


@few
@given(over_time(("subscribed", "unsubscribed", "net", "members")))
def test_any_list(frame: pd.DataFrame) -> None:
    draws_and_keeps(plots.list_growth, frame[frame["name"] == frame["name"].min()])


@settings(max_examples=32, deadline=None)
@given(summaries(), st.sampled_from(SUMMARY_PLOTS))
def test_any_summary(frame: pd.DataFrame, plot: tuple[Callable[..., Axes], dict[str, Any]]) -> None:
    draws_and_keeps(plot[0], frame, **plot[1])
