"""A metric over time: one chart, or one small chart per metric."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from klaviyo_analytics._messages import counted
from klaviyo_analytics.analysis._engine import AGGREGATES
from klaviyo_analytics.plots._canvas import (
    figure_caption,
    figure_title,
    new_axes,
    new_grid,
    only_zeros,
    put_caption,
    put_legend,
    put_note,
    put_title,
    quiet,
    value_axis,
    with_period,
)
from klaviyo_analytics.plots._frame import (
    Floats,
    currency_of,
    draws,
    interval_of,
    labels_of,
    names,
    require,
    zone_of,
)
from klaviyo_analytics.plots._lines import (
    Series,
    all_smoothed,
    all_times,
    band_of,
    colours,
    draw_band,
    draw_earlier,
    draw_series,
    draw_smoothed,
    in_order,
    made_of_counts,
    name_ends,
    partial_mark,
    split,
    window_of,
    with_gaps,
)
from klaviyo_analytics.plots._quantities import (
    Quantity,
    capitalised,
    in_words,
    money_in_words,
    quantity,
)
from klaviyo_analytics.plots._style import MOST_HUES, MUTED, ink, line_width
from klaviyo_analytics.plots._time_axis import (
    Annotations,
    date_axis,
    dated,
    dates_covered,
    dates_in_words,
    days_of_another_zone,
    laid_over,
    moment,
    nearest_days,
    put_annotations,
)


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
    covers: str = ""
    window: int = 1

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
    smooth: int | None = None,
) -> Trend:
    """Check the frame, and the one to compare it with, and cut both into series."""
    require(frame, [x, y, hue])
    window = window_of(smooth)
    subject = quantity(y)
    money = currency_of(frame, currency) if subject.kind == "money" else None
    series = split(frame, x=x, y=y, hue=hue)
    span = interval_of(frame, all_times(series), interval)
    zone = zone_of(frame, all_times(series))
    if days_of_another_zone(all_times(series), span):
        series = [_on_days(one) for one in series]
        zone = None
    if window > 1:
        series = all_smoothed(frame, series, x=x, y=y, hue=hue, window=window, interval=span)
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
        period=dates_in_words(when, span),
        earlier_period=dates_in_words(all_times(earlier), span),
        covers=dates_covered(when, span),
        window=window,
    )


def draw_trend(
    ax: Axes,
    trend: Trend,
    *,
    annotations: Mapping[Any, str],
    kwargs: Mapping[str, Any],
    explained: bool = True,
) -> tuple[float, list[str]]:
    """Draw; return the rows of text above the axes, and what is to be said below them.

    With `explained=False` the periods and incomplete intervals are explained elsewhere.
    """
    quiet(ax)
    both = [*trend.series, *trend.earlier]
    ranked = in_order(both)
    lines = _draw_lines(ax, trend, ranked, kwargs)
    if trend.empty:
        put_note(ax, trend.empty)
        return 0.0, []
    value_axis(ax, np.concatenate([one.values for one in both]), trend.subject.kind, trend.currency)
    shown = all_times(both)
    date_axis(ax, shown, trend.interval)
    rows, remarks = put_annotations(ax, annotations, within=shown)
    if trend.window > 1 and explained:
        remarks.append(f"bold: {_mean_in_words(trend)} of {trend.window} {trend.interval or 'interval'}s")
    if not explained or _label_partial(ax, trend):
        return rows, remarks
    if 1 < len(ranked) == len(trend.series) <= MOST_HUES and name_ends(ax, trend.series, colours(ax, ranked)):
        remarks += [f"dashed: {trend.earlier_period}"] if trend.earlier else []
        remarks += [f"hollow: {trend.partial}"] if trend.partial else []
        return rows, remarks
    handles, labels = _legend(ax, trend, lines, ranked)
    return rows + put_legend(ax, handles, labels, rows_above=rows), remarks


def _mean_in_words(trend: Trend) -> str:
    return f"{trend.subject.label}" if made_of_counts(trend.column) else "mean"


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
            ax, with_gaps(one, trend.interval), colour=shade[one.name] if len(ranked) > 1 else ink(ax, MUTED)
        )
    first_on_top = sorted(trend.series, key=lambda one: -ranked.index(one.name))
    return {
        one.name: (draw_series if one.smoothed is None else draw_smoothed)(
            ax, with_gaps(one, trend.interval), colour=shade[one.name], kwargs=kwargs
        )
        for one in first_on_top
    }


def _legend(
    ax: Axes, trend: Trend, lines: Mapping[str, Line2D], ranked: list[str]
) -> tuple[list[Artist], list[str]]:
    """Return the entries of the legend; a lone line needs none."""
    handles: list[Artist] = []
    labels: list[str] = []
    grey = ink(ax, MUTED)
    coloured = [name for name in ranked[:MOST_HUES] if name in lines]
    if len(ranked) > 1:
        handles += [lines[name] for name in coloured]
        labels += coloured
    if len(ranked) > MOST_HUES:
        handles.append(Line2D([], [], color=ink(ax, MUTED), linewidth=line_width()))
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


@draws(AGGREGATES)
def metric_trend(
    frame: pd.DataFrame,
    *,
    x: str = "datetime",
    y: str = "count",
    hue: str | None = None,
    compare: pd.DataFrame | None = None,
    annotations: Annotations | None = None,
    currency: str | None = None,
    interval: str | None = None,
    smooth: int | None = None,
    benchmark: float | tuple[float, float] | None = None,
    title: str | None = None,
    ax: Axes | None = None,
    **kwargs: Any,
) -> Axes:
    """Draw a metric over time, one line per value of `hue`, named where it ends.

    Intervals that the column `complete` marks as incomplete, because they are not over or because the time
    frame cuts them, are dotted and hollow, so that today is not read as a fall; in both periods. Missing values
    break the line. The caption states interval, dates, time zone and currency.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row per interval and value of `hue`, as `client.metric_aggregates.query` returns it.
    x, y : str
        Columns of the interval's start and of the measurement (`count`, `sum_value`, `unique`, a rate, ...).
    hue : str, optional
        Column that splits the lines, such as `attributed_channel` or `metric`. Beyond eight values the
        largest keep their colours, and the others are drawn in grey and counted in the legend.
    compare : pandas.DataFrame, optional
        The same query for another period; drawn dashed, laid over the dates of `frame`.
    annotations : mapping of date to str, or pandas.DataFrame, optional
        What happened when: `{"2026-03-03": "Sale starts"}`, `plots.holidays(2026)`, or a campaign summary with
        `send_time` and `campaign`. A date without a zone is in the frame's.
    currency : str, optional
        Code such as `"EUR"`; read from the frame's column `currency` or its attrs if not given.
    interval : str, optional
        `"day"`, `"week"`, ...; read from the frame's attrs or its dates if not given.
    smooth : int, optional
        Draw the mean of this many consecutive whole intervals in bold, at the last of them, over thin lines of each
        interval. A rate is made anew: its numerator ÷ its denominator (see `analysis.rates`), which the frame must
        have, each added up over the intervals in which both are known.
    benchmark : float or (float, float), optional
        A line to compare with, or a band between two values, in the unit of `y` (0.02 is 2% of a rate).
    title : str, optional
        Made from the metric's name and the dates if not given; `""` for none.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure if not given.
    **kwargs
        Passed to `matplotlib.axes.Axes.plot` for the solid lines.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    FrameError
        If a column is missing or of the wrong kind, several rows fall on one point, currencies are mixed, or a rate
        is to be smoothed without its counts.
    InvalidInputError
        If `smooth` is not a positive integer, or `benchmark` not one or two finite numbers.

    Examples
    --------
    >>> import pandas as pd
    >>> import klaviyo_analytics.plots as plots
    >>> days = pd.date_range("2026-03-01", periods=3, tz="America/New_York")
    >>> frame = pd.DataFrame({"datetime": days, "metric": "Placed Order", "count": [12, 15, 9]})
    >>> ax = plots.metric_trend(frame)
    >>> ax.get_title(loc="left")
    'Placed Order: events per day, 1 Mar – 3 Mar 2026'
    """
    trend = read_trend(
        frame, x=x, y=y, hue=hue, compare=compare, currency=currency, interval=interval, smooth=smooth
    )
    return draw_titled(
        trend,
        title=title,
        usual=title_of(frame, trend, hue),
        annotations=annotations,
        ax=ax,
        kwargs=kwargs,
        note=_different_scales(trend, hue),
        benchmark=benchmark,
    )


def draw_titled(
    trend: Trend,
    *,
    title: str | None,
    usual: str,
    annotations: Annotations | None,
    ax: Axes | None,
    kwargs: Mapping[str, Any],
    note: str | None = None,
    benchmark: float | tuple[float, float] | None = None,
) -> Axes:
    """Draw a trend with its title, or the `usual` one and the dates, and its caption with a `note`."""
    band = band_of(benchmark)
    ax = new_axes(ax)
    rows, remarks = draw_trend(ax, trend, annotations=dated(annotations), kwargs=kwargs)
    if band is not None and not trend.empty:
        both = [*trend.series, *trend.earlier]
        values = np.concatenate([one.values for one in both])
        remarks.append(draw_band(ax, values, trend.subject.kind, trend.currency, band))
    ours = with_period(ax, usual, trend.covers) if title is None else title
    put_title(ax, ours, rows_above=rows)
    in_title = trend.period == trend.covers and ours.endswith(trend.covers)
    put_caption(
        ax,
        [
            measure_in_words(trend),
            note,
            None if in_title else period_in_words(trend),
            zone_in_words(trend.zone),
            only_zeros(trend.values),
            "one interval only" if trend.intervals == 1 else None,
            *remarks,
        ],
    )
    return ax


_FAR_APART = 10


def _different_scales(trend: Trend, hue: str | None) -> str | None:
    """Return a remark where metrics share an axis although one is far larger than another."""
    if hue is None or not hue.startswith("metric"):
        return None
    sizes = {
        one.name: float(np.nanmean(np.abs(one.values)))
        for one in trend.series
        if np.isfinite(one.values).any()
    }
    known = {name: size for name, size in sizes.items() if size > 0}
    if len(known) < 2:
        return None
    least, most = min(known, key=lambda name: known[name]), max(known, key=lambda name: known[name])
    if known[most] < _FAR_APART * known[least]:
        return None
    times = f"{known[most] / known[least]:,.0f}"
    return f"one axis for all: {most} is {times} times {least}; small_multiples gives each its own"


@draws(AGGREGATES)
def small_multiples(
    frame: pd.DataFrame,
    *,
    x: str = "datetime",
    y: str = "count",
    by: str = "metric",
    compare: pd.DataFrame | None = None,
    annotations: Annotations | None = None,
    currency: str | None = None,
    interval: str | None = None,
    columns: int = 2,
    most: int = 12,
    title: str | None = None,
    **kwargs: Any,
) -> Figure:
    """Draw several metrics over time, one small chart each, every one on its own scale.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row per interval and value of `by`.
    x, y : str
        Columns of the interval's start and of the measurement. A rate is drawn as its row has it: `analysis.rates`
        lists numerator, denominator, and which rows have a known rate.
    by : str
        Column that names the charts; they stand in the order of the frame.
    compare : pandas.DataFrame, optional
        The same query for another period; drawn dashed in the chart of the same name.
    annotations : mapping of date to str, optional
        What happened when; marked in every chart.
    currency, interval : str, optional
        As in `metric_trend`.
    columns : int
        Charts beside each other.
    most : int
        Draw no more charts than this; the caption says how many are left out.
    title : str, optional
        Title of the figure; `""` for none.
    **kwargs
        Passed to `matplotlib.axes.Axes.plot` for the solid lines.

    Returns
    -------
    matplotlib.figure.Figure
        A new figure with constrained layout.

    Raises
    ------
    FrameError
        As `metric_trend` does.

    Examples
    --------
    >>> import pandas as pd
    >>> import klaviyo_analytics.plots as plots
    >>> days = pd.date_range("2026-03-01", periods=2, tz="America/New_York")
    >>> frame = pd.DataFrame(
    ...     {"datetime": [*days, *days], "metric": ["Opened Email"] * 2 + ["Clicked Email"] * 2,
    ...      "count": [120, 140, 9, 12]}
    ... )
    >>> figure = plots.small_multiples(frame)
    >>> [ax.get_title(loc="left") for ax in figure.axes]
    ['Opened Email', 'Clicked Email']
    """
    require(frame, [x, y, by])
    events = dated(annotations)
    summary = read_trend(frame, x=x, y=y, hue=by, compare=compare, currency=currency, interval=interval)
    every = [one.name for one in summary.series]
    shown = every[:most]
    figure, cells = _grid(len(shown), columns=columns)
    labels = np.array(labels_of(frame, by), dtype=object)
    earlier = np.array([] if compare is None else labels_of(compare, by), dtype=object)
    for ax, name in zip(cells, shown, strict=False):
        part = frame[labels == name]
        before = None if compare is None else compare.loc[earlier == name]
        trend = read_trend(
            part, x=x, y=y, compare=before, currency=summary.currency, interval=summary.interval
        )
        rows, _ = draw_trend(ax, trend, annotations=events, kwargs=kwargs, explained=False)
        put_title(ax, name, rows_above=rows)
    for ax in cells[max(len(shown), 1) :]:
        ax.remove()
    if not shown:
        quiet(cells[0])
        put_note(cells[0], "No rows to draw")
    usual = title_of(frame.iloc[:0], summary, by)
    across = max(min(columns, len(shown)), 1)
    dated_title = bool(summary.covers) and len(usual) + len(summary.covers) < 40 * across
    figure_title(figure, (f"{usual}, {summary.covers}" if dated_title else usual) if title is None else title)
    when = [period_in_words(summary)]
    if title is None and dated_title and summary.covers == summary.period:
        when = []
    dashed = [f"(dashed: {summary.earlier_period})"] if summary.earlier else []
    figure_caption(
        figure,
        [
            measure_in_words(summary),
            " ".join([*when, *dashed]) or None,
            zone_in_words(summary.zone),
            f"hollow point: {summary.partial}" if summary.partial else None,
            "each chart on its own scale" if len(shown) > 1 else None,
            f"+{len(every) - most} more not drawn" if len(every) > most else None,
        ],
    )
    return figure


_LEAST = (22.0, 15.0)  # font sizes across and down for one small chart


def _grid(charts: int, *, columns: int) -> tuple[Figure, list[Axes]]:
    across = max(min(columns, charts), 1)
    down = max(-(-charts // across), 1)
    return new_grid(down, across, size=(4.0 * across, 2.2 * down + 0.6), least=_LEAST)


def title_of(frame: pd.DataFrame, trend: Trend, hue: str | None) -> str:
    """Return what is measured, per what and split by what."""
    metrics = list(dict.fromkeys(names(frame, "metric"))) if "metric" in frame.columns else []
    label = trend.subject.label
    what = f"{label} per {trend.interval}" if trend.interval else label
    named = f"{metrics[0]}: {what}" if len(metrics) == 1 else capitalised(what)
    if not hue:
        return named
    if len(trend.series) == 1 and trend.series[0].name not in named:
        return f"{named}, {trend.series[0].name}"
    if hue in _COUNTED and len(trend.series) > 1:
        return f"{named}, {counted(len(trend.series), hue)}"
    return f"{named}, by {in_words(hue)}"


_COUNTED = ("campaign", "flow", "message", "metric", "segment", "list")
