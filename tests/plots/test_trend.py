"""A metric over time: what is drawn, what is said beside it, and what is refused."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from klaviyo_analytics import plots
from klaviyo_analytics.errors import FrameError, InvalidInputError
from tests.plots.looks import (
    caption,
    colour,
    draw,
    legend,
    note,
    only_line,
    solid,
    texts,
    title,
    x_labels,
    xs,
    y_labels,
    ys,
)

NEW_YORK = "America/New_York"


def daily(
    values: Sequence[float | None], *, start: str = "2026-03-02", zone: str | None = NEW_YORK, **more: Any
) -> pd.DataFrame:
    """One row per day, as the metric aggregates give it."""
    days = pd.date_range(start, periods=len(values), tz=zone).as_unit("us")
    frame = pd.DataFrame({"datetime": days, "metric_id": "M1", "metric": "Placed Order"})
    frame["count"] = pd.array(values, dtype="Int64")
    frame["sum_value"] = frame["count"].astype("Float64").to_numpy(dtype=float, na_value=np.nan) * 10.0
    return frame.assign(complete=True, **more).astype({"metric": "string", "metric_id": "string"})


def by_channel(**values: Sequence[float | None]) -> pd.DataFrame:
    parts = [daily(numbers, attributed_channel=channel) for channel, numbers in values.items()]
    return pd.concat(parts, ignore_index=True).astype({"attributed_channel": "string"})


def test_the_line_is_the_column_at_the_times_of_the_frame() -> None:
    frame = daily([3, 5, 4])
    line = only_line(plots.metric_trend(frame))
    assert ys(line) == [3, 5, 4]
    assert xs(line) == list(frame["datetime"])


def test_rows_are_drawn_in_the_order_of_time() -> None:
    frame = daily([3, 5, 4]).iloc[[2, 0, 1]]
    assert ys(only_line(plots.metric_trend(frame))) == [3, 5, 4]


def test_each_value_of_hue_is_one_line_in_its_own_colour_named_where_it_ends() -> None:
    ax = plots.metric_trend(by_channel(sms=[1, 2], email=[8, 9], push=[4, 4]), hue="attributed_channel")
    lines = solid(ax)
    assert {name: ys(line) for name, line in lines.items()} == {
        "Email": [8, 9],
        "SMS": [1, 2],
        "Mobile push": [4, 4],
    }
    assert len({colour(line) for line in lines.values()}) == 3
    assert legend(ax) == ["Email", "Mobile push", "SMS"]


def test_a_channel_keeps_its_colour_when_its_size_changes() -> None:
    first = plots.metric_trend(by_channel(email=[8, 9], sms=[1, 2]), hue="attributed_channel")
    second = plots.metric_trend(by_channel(email=[1, 2], sms=[8, 9]), hue="attributed_channel")
    assert colour(solid(first)["Email"]) == colour(solid(second)["Email"])


def test_a_missing_dimension_is_named() -> None:
    frame = by_channel(email=[8, 9], sms=[1, 2])
    frame.loc[frame["attributed_channel"] == "sms", "attributed_channel"] = pd.NA
    assert legend(plots.metric_trend(frame, hue="attributed_channel")) == ["Email", "Not attributed"]


def test_beyond_eight_values_the_largest_keep_their_colours_and_the_rest_is_counted() -> None:
    frame = by_channel(**{f"c{number:02d}": [float(number)] * 2 for number in range(1, 12)})
    ax = plots.metric_trend(frame, hue="attributed_channel")
    assert legend(ax) == ["c11", "c10", "c09", "c08", "c07", "c06", "c05", "c04", "+3 more"]
    lines = solid(ax)
    assert len(lines) == 11
    assert len({colour(lines[name]) for name in ("c01", "c02", "c03")}) == 1
    assert len({colour(line) for line in lines.values()}) == 9


def test_an_incomplete_interval_is_hollow_dotted_and_named() -> None:
    frame = daily([30, 50, 4])
    frame["complete"] = [True, True, False]
    ax = plots.metric_trend(frame)
    np.testing.assert_array_equal(only_line(ax).get_ydata(), [30, 50, np.nan])
    (dotted,) = (line for line in ax.lines if line.get_linestyle() == ":")
    np.testing.assert_array_equal(dotted.get_ydata(), [np.nan, 50, 4])
    (mark,) = (line for line in ax.lines if line.get_gid() == "incomplete")
    assert ys(mark) == [4]
    assert mark.get_markerfacecolor() == ax.get_facecolor()
    assert "incomplete" in [text.get_text() for text in ax.texts]


def test_beside_names_at_the_ends_the_incomplete_interval_is_named_in_the_caption() -> None:
    frame = by_channel(email=[8, 9], sms=[1, 2])
    frame["complete"] = pd.array([True, False, True, False], dtype="boolean")
    ax = plots.metric_trend(frame, hue="attributed_channel")
    assert legend(ax) == ["Email", "SMS"]
    assert "hollow: incomplete day" in caption(ax)
    assert ax.get_legend() is None


def test_a_gap_breaks_the_line_and_a_value_between_two_gaps_is_a_dot() -> None:
    ax = plots.metric_trend(daily([3, None, 4, None, 5, 6]))
    np.testing.assert_array_equal(only_line(ax).get_ydata(), [3, np.nan, 4, np.nan, 5, 6])
    (dots,) = (line for line in ax.lines if line.get_linestyle() == "None")
    assert ys(dots) == [3, 4]


def test_the_comparison_is_dashed_and_laid_over_the_dates() -> None:
    frame = daily([3, 5, 4])
    ax = plots.metric_trend(frame, compare=daily([1, 2, 3, 9], start="2026-02-02"))
    (dashed,) = (line for line in ax.lines if line.get_gid() == "compare")
    assert dashed.get_linestyle() == "--"
    assert ys(dashed) == [1, 2, 3, 9]
    assert xs(dashed)[:3] == list(frame["datetime"])
    assert legend(ax) == ["2 Mar – 4 Mar 2026", "2 Feb – 5 Feb 2026"]


def test_a_comparison_over_a_daylight_saving_day_stays_at_midnight() -> None:
    before = daily([1] * 7, start="2026-02-23")
    ax = plots.metric_trend(daily([3] * 7, start="2026-03-05"), compare=before)
    (dashed,) = (line for line in ax.lines if line.get_gid() == "compare")
    assert {moment.hour for moment in xs(dashed)} == {0}


def test_months_are_laid_over_months_however_long_they_are() -> None:
    def monthly(start: str) -> pd.DataFrame:
        frame = daily([1, 2, 3])
        frame["datetime"] = pd.date_range(start, periods=3, freq="MS", tz=NEW_YORK)
        return frame

    frame = monthly("2026-01-01")
    ax = plots.metric_trend(frame, compare=monthly("2025-10-01"))
    (dashed,) = (line for line in ax.lines if line.get_gid() == "compare")
    assert xs(dashed) == list(frame["datetime"])


def test_annotations_mark_their_dates_and_those_outside_are_counted() -> None:
    ax = plots.metric_trend(daily([3] * 30), annotations={"2026-03-10": "Sale", "2024-01-01": "Founded"})
    assert texts(ax, "annotation") == ["Sale"]
    assert "1 annotation outside these dates" in caption(ax)
    marks = [line for line in ax.lines if ys(line) == [0, 1]]
    assert [xs(mark)[0] for mark in marks] == [pd.Timestamp("2026-03-10", tz=NEW_YORK)]


def test_annotations_close_together_stand_above_each_other() -> None:
    ax = plots.metric_trend(
        daily([3] * 30), annotations={"2026-03-10": "A long text here", "2026-03-11": "Another"}
    )
    heights = [text.get_position()[1] for text in ax.texts if text.get_gid() == "annotation"]
    assert heights[0] < heights[1]


def test_the_title_says_what_is_drawn_and_can_be_replaced() -> None:
    frame = by_channel(email=[8, 9], sms=[1, 2])
    assert (
        title(plots.metric_trend(frame, hue="attributed_channel"))
        == "Placed Order: events per day, by attributed channel,\n2 Mar – 3 Mar 2026"
    )
    assert title(plots.metric_trend(daily([1, 2]), title="Orders")) == "Orders"
    assert not title(plots.metric_trend(daily([1, 2]), title=""))


def test_the_caption_says_measure_dates_zone_and_currency() -> None:
    ax = plots.metric_trend(daily([1, 2]), y="sum_value", currency="USD")
    assert caption(ax) == ("Value per day = sum of the events' values, in USD · time zone America/New_York")
    assert title(ax) == "Placed Order: value per day, 2 Mar – 3 Mar 2026"
    untitled = plots.metric_trend(daily([1, 2]), title="Orders")
    assert "· 2 Mar – 3 Mar 2026 ·" in caption(untitled)


@pytest.mark.parametrize(
    ("attrs", "keyword", "expected"),
    [
        pytest.param({}, None, "0", id="unknown"),
        pytest.param({"currency": "USD"}, None, "$0", id="attrs"),
        pytest.param({"currency": "USD"}, "EUR", "€0", id="keyword-first"),
    ],
)
def test_money_is_written_in_the_currency_that_is_known(
    attrs: dict[str, str], keyword: str | None, expected: str
) -> None:
    frame = daily([100, 2000])
    frame.attrs.update(attrs)
    assert y_labels(plots.metric_trend(frame, y="sum_value", currency=keyword))[0] == expected


def test_large_values_are_written_short_and_with_one_unit() -> None:
    assert y_labels(plots.metric_trend(daily([1_000_000, 4_000_000]))) == ["0", "1M", "2M", "3M", "4M"]


def test_rates_are_written_as_percentages() -> None:
    frame = daily([1, 2]).assign(open_rate=[0.31, 0.42])
    assert y_labels(plots.metric_trend(frame, y="open_rate")) == ["0%", "10%", "20%", "30%", "40%", "50%"]


def test_counts_get_whole_ticks() -> None:
    assert y_labels(plots.metric_trend(daily([1, 2]))) == ["0", "1", "2"]


def test_the_axis_starts_at_zero_unless_something_is_below() -> None:
    assert plots.metric_trend(daily([100, 110])).get_ylim()[0] == 0
    assert plots.metric_trend(daily([1, 2]).assign(net=[-5.0, 5.0]), y="net").get_ylim()[0] < -5


def test_ticks_are_dates_in_the_zone_of_the_frame() -> None:
    assert x_labels(plots.metric_trend(daily([1, 2, 3]))) == ["2 Mar", "3 Mar", "4 Mar"]


def test_the_interval_is_read_from_the_distance_of_the_rows_and_the_zone_from_attrs() -> None:
    frame = daily([1, 2, 3], zone=None)
    assert "per day" in caption(plots.metric_trend(frame))
    assert "time zone not stated" in caption(plots.metric_trend(frame))
    frame.attrs = {"timezone": "Europe/Berlin", "interval": "week"}
    assert "per week" in caption(plots.metric_trend(frame))
    assert "time zone Europe/Berlin" in caption(plots.metric_trend(frame))
    assert "per hour" in caption(plots.metric_trend(frame, interval="hour"))


def test_one_row_is_a_point_with_its_date_and_a_word_about_it() -> None:
    ax = plots.metric_trend(daily([3]))
    assert [ys(line) for line in ax.lines if line.get_marker() == "o"] == [[3]]
    assert x_labels(ax) == ["2 Mar 2026"]
    assert "one interval only" in caption(ax)


def test_no_rows_and_no_values_are_said_so() -> None:
    assert note(draw(plots.metric_trend(daily([])))) == "No rows to draw"
    assert note(draw(plots.metric_trend(daily([None, None])))) == "No values: 'count' is missing in every row"


def test_zeros_are_a_line_and_said_to_be_zeros() -> None:
    ax = draw(plots.metric_trend(daily([0, 0, 0])))
    assert ys(only_line(ax)) == [0, 0, 0]
    assert "every value is zero" in caption(ax)


def test_several_rows_at_one_time_are_refused_and_the_splitting_column_named() -> None:
    with pytest.raises(
        FrameError, match=r"several rows share one 'datetime'.*hue= one of 'attributed_channel'"
    ):
        plots.metric_trend(by_channel(email=[1, 2], sms=[3, 4]))


def test_a_missing_column_is_named_with_those_that_exist() -> None:
    with pytest.raises(
        FrameError, match=r"lacks 'counts'; it has 'datetime', 'metric_id', 'metric', 'count'"
    ):
        plots.metric_trend(daily([1]), y="counts")


def test_text_is_neither_a_date_nor_a_number() -> None:
    frame = daily([1, 2])
    with pytest.raises(FrameError, match=r"'metric' is string, and the plot needs numbers"):
        plots.metric_trend(frame, y="metric")
    with pytest.raises(FrameError, match=r"pd\.to_datetime\(frame\['datetime'\]"):
        plots.metric_trend(frame.assign(datetime=frame["datetime"].astype("string")))


def test_two_currencies_never_share_an_axis() -> None:
    frame = daily([1, 2]).assign(currency=["USD", "EUR"])
    with pytest.raises(FrameError, match="EUR, USD"):
        plots.metric_trend(frame, y="sum_value")
    plots.metric_trend(frame, y="count")


def test_the_comparison_must_be_in_the_same_currency() -> None:
    with pytest.raises(FrameError, match="EUR, USD"):
        plots.metric_trend(
            daily([1]).assign(currency="USD"), y="sum_value", compare=daily([1]).assign(currency="EUR")
        )


def test_options_go_to_the_solid_line_by_any_of_their_names() -> None:
    line = only_line(plots.metric_trend(daily([1, 2]), lw=5, color="black", label="orders"))
    assert (line.get_linewidth(), colour(line), line.get_label()) == (5, "#000000", "orders")


def test_text_columns_may_be_backed_by_pyarrow() -> None:
    pytest.importorskip("pyarrow")
    frame = by_channel(email=[8, 9], sms=[1, 2]).astype({"attributed_channel": "string[pyarrow]"})
    assert legend(plots.metric_trend(frame, hue="attributed_channel")) == ["Email", "SMS"]


def test_names_and_the_legend_cover_no_data() -> None:
    names = {f"a channel with a rather long name {number}": [number, number + 1] for number in range(9)}
    many = draw(plots.metric_trend(by_channel(**names), hue="attributed_channel"))
    shown = many.get_legend()
    assert shown is not None
    assert not many.bbox.padded(-1).overlaps(shown.get_window_extent())
    few = draw(plots.metric_trend(by_channel(email=[8, 9], sms=[1, 2]), hue="attributed_channel"))
    for name in (text for text in few.texts if str(text.get_gid()).startswith("series ")):
        assert name.get_window_extent().x0 >= few.bbox.x1


def test_names_stand_apart_where_lines_end_close_together() -> None:
    levels = {f"c{number}": [500, 900 + number] for number in range(8)}
    ax = draw(plots.metric_trend(by_channel(**levels), hue="attributed_channel"))
    boxes = [text.get_window_extent() for text in ax.texts if str(text.get_gid()).startswith("series ")]
    boxes.sort(key=lambda box: float(box.y0))
    assert len(boxes) == 8
    assert all(low.y1 <= high.y0 + 1 for low, high in itertools.pairwise(boxes))


def test_without_room_beside_the_lines_a_legend_names_them() -> None:
    with mpl.rc_context({"figure.figsize": (3.2, 2.4)}):
        ax = plots.metric_trend(by_channel(email=[8, 9], sms=[1, 2]), hue="attributed_channel")
    shown = ax.get_legend()
    assert shown is not None
    assert [text.get_text() for text in shown.get_texts()] == ["Email", "SMS"]


def test_smoothing_draws_means_of_whole_intervals_over_each_interval() -> None:
    frame = daily([2, 4, 6, 8, 100])
    frame["complete"] = [True] * 4 + [False]
    ax = plots.metric_trend(frame, smooth=2)
    (bold,) = (line for line in ax.lines if line.get_gid() == "smooth")
    np.testing.assert_array_equal(bold.get_ydata(), [np.nan, 3, 5, 7, np.nan])
    np.testing.assert_array_equal(only_line(ax).get_ydata(), [2, 4, 6, 8, np.nan])
    assert "bold: mean of 2 days" in caption(ax)


def test_a_smoothed_rate_is_made_of_sums_and_starts_anew_after_a_gap() -> None:
    frame = daily([0] * 5).assign(opens_unique=[1, 30, 5, 4, 0], delivered=[10, 50, 10, 10, 0])
    frame["open_rate"] = frame["opens_unique"] / frame["delivered"].where(frame["delivered"] > 0)
    ax = plots.metric_trend(frame.drop(index=2), y="open_rate", smooth=2)
    bold, _dots = (line for line in ax.lines if line.get_gid() == "smooth")
    np.testing.assert_allclose(
        np.asarray(bold.get_ydata(), dtype=float), [np.nan, 31 / 60, np.nan, np.nan, 0.4]
    )
    with pytest.raises(FrameError, match="rates are not averaged"):
        plots.metric_trend(frame[["datetime", "open_rate"]], y="open_rate", smooth=2)
    with pytest.raises(InvalidInputError, match="smooth=0 is not a number of intervals"):
        plots.metric_trend(frame, smooth=0)


def test_metrics_of_very_different_size_on_one_axis_are_pointed_out() -> None:
    def of(size: float) -> pd.DataFrame:
        parts = [daily([1.0, 2.0]).assign(metric="Small"), daily([size, 2 * size]).assign(metric="Large")]
        return pd.concat(parts)

    assert "Large is 40 times Small" in caption(plots.metric_trend(of(40), hue="metric"))
    assert "times" not in caption(plots.metric_trend(of(3), hue="metric"))


def test_a_benchmark_is_on_the_axis_and_in_the_caption() -> None:
    frame = daily([0, 0]).assign(open_rate=[0.1, 0.2])
    ax = plots.metric_trend(frame, y="open_rate", benchmark=(0.5, 0.3))
    assert ax.get_ylim()[1] >= 0.5
    assert "benchmark 30% – 50%" in caption(ax)
    for wrong in (float("nan"), (1.0, 2.0, 3.0), "a"):
        with pytest.raises(InvalidInputError, match="is not a value or a band"):
            plots.metric_trend(frame, y="open_rate", benchmark=wrong)  # type: ignore[arg-type]


def test_campaigns_and_holidays_are_annotations() -> None:
    sent = pd.DataFrame(
        {
            "send_time": pd.to_datetime(
                pd.Series(["2026-03-02 15:00Z", "2026-03-02 18:00Z", None]), utc=True
            ),
            "campaign": ["Spring", "Sale", "Draft"],
        }
    )
    ax = plots.metric_trend(daily([1, 2, 3]), annotations=sent)
    assert [text.get_text() for text in ax.texts if text.get_gid() == "annotation"] == ["Spring · Sale"]
    with pytest.raises(FrameError, match="lacks a column of times or of names"):
        plots.metric_trend(daily([1, 2]), annotations=pd.DataFrame({"x": [1]}))
    days = plots.holidays(2025)
    assert {name: f"{day:%m-%d}" for day, name in days.items()} == {
        "Valentine's Day": "02-14",
        "Mother's Day": "05-11",
        "Father's Day": "06-15",
        "Thanksgiving": "11-27",
        "Black Friday": "11-28",
        "Cyber Monday": "12-01",
        "Christmas": "12-25",
    }
    with pytest.raises(InvalidInputError, match="expected one or more years"):
        plots.holidays()


def test_small_multiples_draw_one_chart_per_metric_in_the_order_of_the_frame() -> None:
    frame = pd.concat([daily([1, 2]).assign(metric=name) for name in ("Received", "Opened", "Clicked")])
    figure = plots.small_multiples(frame, compare=frame.iloc[:2])
    assert [title(ax) for ax in figure.axes] == ["Received", "Opened", "Clicked"]
    assert [sum(line.get_gid() == "compare" for line in ax.lines) for ax in figure.axes] == [1, 0, 0]


def test_small_multiples_say_how_many_they_leave_out() -> None:
    frame = pd.concat([daily([1, 2]).assign(metric=f"M{number}") for number in range(5)])
    figure = plots.small_multiples(frame, most=3)
    assert len(figure.axes) == 3
    assert "+2 more not drawn" in str(figure.get_supxlabel())


def test_small_multiples_of_nothing_say_so() -> None:
    figure = plots.small_multiples(daily([]))
    assert [note(draw(ax)) for ax in figure.axes] == ["No rows to draw"]
    assert plt.get_fignums()
