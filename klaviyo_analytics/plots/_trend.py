"""The trend behind `metric_trend`, `small_multiples` and `flow_performance`: what to draw, then how."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from klaviyo_analytics.plots._annotations import put_annotations
from klaviyo_analytics.plots._canvas import put_legend, put_note, quiet, value_axis
from klaviyo_analytics.plots._dates import (
    date_axis,
    days_of_another_zone,
    in_words,
    laid_over,
    moment,
    nearest_days,
)
from klaviyo_analytics.plots._frame import Floats, currency_of, interval_of, require, zone_of
from klaviyo_analytics.plots._lines import (
    Series,
    all_times,
    colours,
    draw_earlier,
    draw_series,
    in_order,
    partial_mark,
    split,
    with_gaps,
)
from klaviyo_analytics.plots._quantities import Quantity, capitalised, money_in_words, quantity
from klaviyo_analytics.plots._style import MOST_HUES, ink, line_width


@dataclass(frozen=True, slots=True)
class Trend:
    """What a trend shows, taken from the frame before anything is drawn."""

    column: str
    subject: Quantity
    currency: str | None
    interval: str | None
    zone: str | None
    series: list[Series]
    earlier: list[Series]
    period: str
    earlier_period: str

    @property
    def values(self) -> Floats:
        """All values of the period, series after series."""
        return np.concatenate([one.values for one in self.series]) if self.series else np.array([])

    @property
    def intervals(self) -> int:
        """Number of different intervals."""
        return len(all_times(self.series).unique())

    @property
    def partial(self) -> str | None:
        """What to call the intervals that are covered in part only, in either period, if there are any.

        They may not be over yet, or the time frame may cut them: the frame does not say which.
        """
        whole = all(one.complete.all() for one in [*self.series, *self.earlier])
        return None if whole else f"incomplete {self.interval or 'interval'}"

    @property
    def empty(self) -> str | None:
        """Why there is nothing to draw, if so."""
        if not self.series:
            return "No rows to draw"
        if not np.isfinite(self.values).any():
            return f"No values: {self.column!r} is missing in every row"
        return None


def read_trend(
    frame: pd.DataFrame,
    *,
    x: str,
    y: str,
    hue: str | None = None,
    compare: pd.DataFrame | None = None,
    currency: str | None = None,
    interval: str | None = None,
) -> Trend:
    """Check the frame, and the one to compare it with, and cut both into series."""
    require(frame, [x, y, hue])
    subject = quantity(y)
    money = currency_of(frame, currency) if subject.kind == "money" else None
    series = split(frame, x=x, y=y, hue=hue)
    span = interval_of(frame, all_times(series), interval)
    zone = zone_of(frame, all_times(series))
    if days_of_another_zone(all_times(series), span):
        series = [_on_days(one) for one in series]
        zone = None
    when = all_times(series)
    earlier: list[Series] = []
    if compare is not None:
        require(compare, [x, y, hue])
        if money:
            currency_of(compare, money)
        earlier = split(compare, x=x, y=y, hue=hue)
        if days_of_another_zone(all_times(earlier), span):
            earlier = [_on_days(one) for one in earlier]
    return Trend(
        column=y,
        subject=subject,
        currency=money,
        interval=span,
        zone=zone,
        series=series,
        earlier=_laid_over(earlier, when, span),
        period=in_words(when, span),
        earlier_period=in_words(all_times(earlier), span),
    )


def draw_trend(
    ax: Axes,
    trend: Trend,
    *,
    annotations: Mapping[Any, str],
    kwargs: Mapping[str, Any],
    explained: bool = True,
) -> tuple[float, int]:
    """Draw; return the rows of text above the axes, and how many annotations lay outside the dates.

    With `explained=False` the periods and incomplete intervals are explained elsewhere.
    """
    quiet(ax)
    both = [*trend.series, *trend.earlier]
    ranked = in_order(both)
    lines = _draw_lines(ax, trend, ranked, kwargs)
    if trend.empty:
        put_note(ax, trend.empty)
        return 0.0, 0
    value_axis(ax, np.concatenate([one.values for one in both]), trend.subject.kind, trend.currency)
    shown = all_times(both)
    date_axis(ax, shown, trend.interval)
    rows, outside = put_annotations(ax, annotations, within=shown)
    if not explained or _label_partial(ax, trend):
        return rows, outside
    handles, labels = _legend(ax, trend, lines, ranked)
    return rows + put_legend(ax, handles, labels, rows_above=rows), outside


def measure_in_words(trend: Trend) -> str:
    """Return what is measured, per what and in what: `Value per day = sum of the events' values, in USD`."""
    said = capitalised(trend.subject.label)
    if trend.interval:
        said += f" per {trend.interval}"
    if trend.subject.definition:
        said += f" = {trend.subject.definition}"
    return f"{said}{money_in_words(trend.subject, trend.currency)}"


def period_in_words(trend: Trend) -> str:
    """Return which dates are shown; a week is named by its first day."""
    if trend.interval != "week" or not trend.period:
        return trend.period
    return f"week{'s' * (trend.intervals > 1)} beginning {trend.period}"


def zone_in_words(zone: str | None) -> str:
    """Return the time zone, or that nothing says which it is."""
    return f"time zone {zone}" if zone else "time zone not stated"


def _on_days(one: Series) -> Series:
    return replace(one, when=nearest_days(one.when))


def _laid_over(series: Sequence[Series], onto: pd.DatetimeIndex, interval: str | None) -> list[Series]:
    every = all_times(series)
    if len(onto) == 0 or len(every) == 0:
        return []
    moved = laid_over(every, onto, interval)
    ends = np.cumsum([len(one.when) for one in series])
    return [
        Series(one.name, moved[end - len(one.when) : end], one.values, one.complete)
        for one, end in zip(series, ends, strict=True)
    ]


def _draw_lines(ax: Axes, trend: Trend, ranked: list[str], kwargs: Mapping[str, Any]) -> dict[str, Line2D]:
    shade = colours(ax, ranked)
    for one in trend.earlier:
        draw_earlier(
            ax, with_gaps(one, trend.interval), colour=shade[one.name] if len(ranked) > 1 else ink(ax, 0.45)
        )
    first_on_top = sorted(trend.series, key=lambda one: -ranked.index(one.name))
    return {
        one.name: draw_series(ax, with_gaps(one, trend.interval), colour=shade[one.name], kwargs=kwargs)
        for one in first_on_top
    }


def _legend(
    ax: Axes, trend: Trend, lines: Mapping[str, Line2D], ranked: list[str]
) -> tuple[list[Artist], list[str]]:
    """Return the entries of the legend; a lone line needs none."""
    handles: list[Artist] = []
    labels: list[str] = []
    grey = ink(ax, 0.45)
    coloured = [name for name in ranked[:MOST_HUES] if name in lines]
    if len(ranked) > 1:
        handles += [lines[name] for name in coloured]
        labels += coloured
    if len(ranked) > MOST_HUES:
        handles.append(Line2D([], [], color=ink(ax, 0.25), linewidth=line_width()))
        labels.append(f"+{len(ranked) - MOST_HUES} more")
    if trend.earlier:
        if len(ranked) == 1:
            handles.append(lines[ranked[0]])
            labels.append(trend.period)
        handles.append(Line2D([], [], color=grey, linestyle="--", linewidth=0.75 * line_width()))
        labels.append(trend.earlier_period)
    if trend.partial:
        handles.append(Line2D([], [], **{**partial_mark(ax, grey, line_width()), "linestyle": ":"}))
        labels.append(trend.partial)
    return handles, labels


def _label_partial(ax: Axes, trend: Trend) -> bool:
    """Write "incomplete" beside the last point of a lone line, if only that is; it then needs no legend."""
    if len(trend.series) != 1 or trend.earlier:
        return False
    (one,) = trend.series
    partial = np.flatnonzero(~one.complete & np.isfinite(one.values))
    last = len(one.values) - 1
    if partial.tolist() != [last]:
        return False
    ax.annotate(
        "incomplete",
        xy=(moment(one.when[last]), one.values[last]),
        xytext=(0.8, 0),
        textcoords="offset fontsize",
        va="center",
        fontsize="small",
        color=ink(ax, 0.55),
        annotation_clip=False,
    )
    return True
