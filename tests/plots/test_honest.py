"""Pictures that could mislead: gaps, small numbers, changes of clocks, other zones, scripts, captions at the edge."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import polars as pl
import pytest

from klaviyo_analytics import plots
from klaviyo_analytics.errors import FrameError
from tests.plots.looks import caption, draw, only_line, solid, title, x_labels, y_labels, ys


def series(when: pd.DatetimeIndex, **columns: Any) -> pd.DataFrame:
    return pd.DataFrame({"datetime": when, "count": range(len(when)), **columns})


@pytest.mark.parametrize(
    ("freq", "absent"), [("D", 4), ("h", 3), ("W-MON", 5), ("MS", 2)], ids=["day", "hour", "week", "month"]
)
def test_an_absent_interval_breaks_the_line(freq: str, absent: int) -> None:
    when = pd.date_range("2026-03-02", periods=9, freq=freq, tz="Europe/Berlin")
    whole = ys(only_line(plots.metric_trend(series(when))))
    assert np.isfinite(whole).all()
    broken = ys(only_line(plots.metric_trend(series(when).drop(index=absent))))
    assert np.flatnonzero(~np.isfinite(broken)).tolist() == [absent]
    assert [value for value in broken if np.isfinite(value)] == [n for n in range(9) if n != absent]


def test_each_line_breaks_where_it_has_no_rows() -> None:
    days = pd.date_range("2026-03-02", periods=5, tz="UTC")
    both = pd.concat([series(days, channel="email"), series(days, channel="sms").drop(index=2)])
    drawn = {
        name: np.isfinite(ys(line)).all()
        for name, line in solid(plots.metric_trend(both, hue="channel")).items()
    }
    assert drawn == {"Email": True, "SMS": False}


@pytest.mark.parametrize("size", [1e-7, 3e-5, 0.004, 1.0, 1e6])
@pytest.mark.parametrize("column", ["sum_value", "open_rate", "score"])
def test_no_tick_label_is_repeated(size: float, column: str) -> None:
    days = pd.date_range("2026-03-02", periods=5, tz="UTC")
    frame = series(days, currency="USD", **{column: np.linspace(0.2, 1, 5) * size})
    labels = y_labels(plots.metric_trend(frame, y=column))
    assert len(labels) == len(set(labels)) >= 2


@pytest.mark.parametrize(
    ("zone", "start", "hours"),
    [
        ("Europe/Berlin", "2026-03-29 00:00", 6),
        ("America/New_York", "2026-03-08 00:00", 12),
        ("America/New_York", "2026-11-01 00:00", 5),
        ("America/Santiago", "2026-09-05 22:00", 5),
    ],
)
def test_hours_around_a_change_of_clocks_stand_apart_and_evenly(zone: str, start: str, hours: int) -> None:
    when = pd.date_range(pd.Timestamp(start, tz=zone), periods=hours, freq="h")
    ax = draw(plots.metric_trend(series(when)))
    places = np.asarray(ax.get_xticks()) * 24
    labels = [tick.get_text() for tick in ax.get_xticklabels()]
    assert len(set(labels)) == len(labels)
    gaps = np.diff(places)
    assert gaps.min() > 0.9
    assert hours > 6 or gaps == pytest.approx([1.0] * len(gaps))


def test_months_dated_in_utc_are_the_months_of_their_own_zone() -> None:
    months = pd.date_range("2026-01-01", periods=7, freq="MS", tz="Europe/Berlin")
    converted = plots.metric_trend(series(months.tz_convert("UTC")))
    assert x_labels(converted) == x_labels(plots.metric_trend(series(months)))
    assert "Jan – Jul 2026" in title(converted)
    assert "time zone not stated" in caption(converted)
    with pytest.raises(FrameError, match=r"begin at 11:00 UTC.*tz_convert"):
        plots.metric_trend(
            series(pd.date_range("2026-01-01", periods=3, tz="Pacific/Auckland").tz_convert("UTC"))
        )


def test_dates_that_went_through_a_csv_are_refused_with_advice_that_works() -> None:
    days = pd.date_range("2026-03-28", periods=3, tz="Europe/Berlin")
    frame = series(days).assign(datetime=days.astype(str))
    with pytest.raises(FrameError, match=r"is (text|str).*tz_convert") as caught:
        plots.metric_trend(frame)
    advice = str(caught.value).partition("Set it to ")[2].partition(", with the account's time zone")[0]
    followed = frame.assign(datetime=eval(advice, {"pd": pd, "frame": frame}))
    assert followed["datetime"].tolist() == days.tolist()


def test_bars_of_losses_hang_from_zero() -> None:
    frame = pd.DataFrame({"campaign": ["A", "B"], "conversion_value": [100.0, -40.0], "currency": "USD"})
    ax: Any = plots.campaign_ranking(frame)
    assert [bar.get_x() for bar in ax.patches] == [0, 0]
    assert [list(line.get_xdata()) for line in ax.lines] == [[0, 0]]
    assert not ax.spines["left"].get_visible()


@pytest.mark.parametrize("size", [(8, 4.5), (4, 2.6), (3, 3)])
def test_the_caption_stays_in_a_figure_of_the_callers(size: tuple[float, float]) -> None:
    figure, ax = plt.subplots(figsize=size)
    days = pd.date_range("2026-03-02", periods=30, tz="America/Argentina/Buenos_Aires")
    draw(plots.metric_trend(series(days, sum_value=1.0, currency="USD"), y="sum_value", ax=ax))
    (text,) = [text for text in ax.texts if text.get_gid() == "caption"]
    box = text.get_window_extent()
    assert box.y0 >= -1
    assert box.x1 <= figure.bbox.x1 + 1


def test_a_text_message_is_never_drawn_with_an_open_rate_of_zero() -> None:
    weeks = pd.date_range("2026-03-02", periods=3, freq="W-MON", tz="UTC")
    report = pd.DataFrame(
        {
            "datetime": weeks,
            "flow": "Cart",
            "send_channel": "sms",
            "open_rate": 0.0,
            "delivered": 9,
            "opens_unique": 0,
        }
    )
    ax = plots.flow_performance(report, y="open_rate")
    assert "missing in every row" in " ".join(text.get_text() for text in ax.texts)
    emails = report.assign(send_channel="email", open_rate=0.5, opens_unique=4, delivered=8)
    both = plots.flow_performance(pd.concat([report, emails], ignore_index=True), y="open_rate")
    assert ys(only_line(both)) == [0.5, 0.5, 0.5]


@pytest.mark.parametrize(
    "convert",
    [
        pl.from_pandas,
        lambda frame: pl.from_pandas(frame).lazy(),
        lambda frame: pl.from_pandas(frame).to_arrow(),
    ],
)
def test_frames_of_other_libraries_are_drawn(convert: Any) -> None:
    days = pd.date_range("2026-03-02", periods=4, tz="America/New_York")
    ours, theirs = (
        plots.metric_trend(series(days)),
        plots.metric_trend(convert(series(days)), compare=convert(series(days))),
    )
    assert ys(next(iter(solid(theirs).values()))) == ys(only_line(ours))


def test_rows_of_other_kinds_are_drawn() -> None:
    records = [{"campaign": "A", "recipients": 3}, {"campaign": "B", "recipients": 5}]
    array = np.array([("A", 3), ("B", 5)], dtype=[("campaign", "U1"), ("recipients", "i8")])
    for given in (records, array, pd.DataFrame(records).set_index("campaign")["recipients"]):
        ax = plots.campaign_ranking(given, by="recipients")  # type: ignore[arg-type]
        assert [text.get_text() for text in ax.get_yticklabels()] == ["B", "A"]


def test_the_former_name_of_by_still_works() -> None:
    frame = pd.DataFrame({"campaign": ["A"], "recipients": [3]})
    with pytest.warns(DeprecationWarning, match=r"campaign_ranking\(rank_by=...\) is now by=") as caught:
        plots.campaign_ranking(frame, rank_by="recipients")
    assert caught[0].filename == __file__


def test_dir_lists_public_functions_only() -> None:
    assert "gallery" not in dir(plots)
    assert all(
        callable(getattr(plots, name)) and not isinstance(getattr(plots, name), type(plots))
        for name in dir(plots)
    )
    assert {*dir(plots)} == {*plots.__all__}
