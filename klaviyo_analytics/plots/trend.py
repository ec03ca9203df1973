"""A metric over time: one chart, or one small chart per metric."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from klaviyo_analytics.analysis._given import AGGREGATES
from klaviyo_analytics.plots._canvas import (
    figure_caption,
    figure_title,
    new_axes,
    new_grid,
    only_zeros,
    put_caption,
    put_note,
    put_title,
    quiet,
)
from klaviyo_analytics.plots._frame import draws, names, require
from klaviyo_analytics.plots._quantities import capitalised, in_words
from klaviyo_analytics.plots._trend import (
    Trend,
    draw_trend,
    measure_in_words,
    period_in_words,
    read_trend,
    zone_in_words,
)


@draws(AGGREGATES)
def metric_trend(
    frame: pd.DataFrame,
    *,
    x: str = "datetime",
    y: str = "count",
    hue: str | None = None,
    compare: pd.DataFrame | None = None,
    annotations: Mapping[Any, str] | None = None,
    currency: str | None = None,
    interval: str | None = None,
    title: str | None = None,
    ax: Axes | None = None,
    **kwargs: Any,
) -> Axes:
    """Draw a metric over time, one line per value of `hue`.

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
    annotations : mapping of date to str, optional
        What happened when; a date without a zone is in the frame's.
    currency : str, optional
        Code such as `"EUR"`; read from the frame's column `currency` or its attrs if not given.
    interval : str, optional
        `"day"`, `"week"`, ...; read from the frame's attrs or its dates if not given.
    title : str, optional
        Made from the metric's name if not given; `""` for none.
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
        If a column is missing or of the wrong kind, several rows fall on one point, or currencies are mixed.

    Examples
    --------
    >>> import pandas as pd
    >>> import klaviyo_analytics.plots as plots
    >>> days = pd.date_range("2026-03-01", periods=3, tz="America/New_York")
    >>> frame = pd.DataFrame({"datetime": days, "metric": "Placed Order", "count": [12, 15, 9]})
    >>> ax = plots.metric_trend(frame)
    >>> ax.get_title(loc="left")
    'Placed Order: events per day'
    """
    trend = read_trend(frame, x=x, y=y, hue=hue, compare=compare, currency=currency, interval=interval)
    ours = title_of(frame, trend, hue) if title is None else title
    return draw_titled(trend, title=ours, annotations=annotations or {}, ax=ax, kwargs=kwargs)


def draw_titled(
    trend: Trend,
    *,
    title: str,
    annotations: Mapping[Any, str],
    ax: Axes | None,
    kwargs: Mapping[str, Any],
    note: str | None = None,
) -> Axes:
    """Draw a trend with its title and caption; `note` is one thing more to say there."""
    ax = new_axes(ax)
    rows, outside = draw_trend(ax, trend, annotations=annotations, kwargs=kwargs)
    put_title(ax, title, rows_above=rows)
    put_caption(
        ax,
        [
            measure_in_words(trend),
            note,
            period_in_words(trend),
            zone_in_words(trend.zone),
            only_zeros(trend.values),
            "one interval only" if trend.intervals == 1 else None,
            f"{outside} annotation{'s' * (outside > 1)} outside these dates" if outside else None,
        ],
    )
    return ax


@draws(AGGREGATES)
def small_multiples(
    frame: pd.DataFrame,
    *,
    x: str = "datetime",
    y: str = "count",
    by: str = "metric",
    compare: pd.DataFrame | None = None,
    annotations: Mapping[Any, str] | None = None,
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
        Columns of the interval's start and of the measurement.
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
    summary = read_trend(frame, x=x, y=y, hue=by, compare=compare, currency=currency, interval=interval)
    every = [one.name for one in summary.series]
    shown = every[:most]
    figure, cells = _grid(len(shown), columns=columns)
    labels = np.array(names(frame, by), dtype=object)
    earlier = np.array([] if compare is None else names(compare, by), dtype=object)
    for ax, name in zip(cells, shown, strict=False):
        part = frame[labels == name]
        before = None if compare is None else compare.loc[earlier == name]
        trend = read_trend(
            part, x=x, y=y, compare=before, currency=summary.currency, interval=summary.interval
        )
        rows, _ = draw_trend(ax, trend, annotations=annotations or {}, kwargs=kwargs, explained=False)
        put_title(ax, name, rows_above=rows)
    for ax in cells[max(len(shown), 1) :]:
        ax.remove()
    if not shown:
        quiet(cells[0])
        put_note(cells[0], "No rows to draw")
    figure_title(figure, title_of(frame.iloc[:0], summary, by) if title is None else title)
    figure_caption(
        figure,
        [
            measure_in_words(summary),
            period_in_words(summary) + (f" (dashed: {summary.earlier_period})" if summary.earlier else ""),
            zone_in_words(summary.zone),
            f"hollow point: {summary.partial}" if summary.partial else None,
            "each chart on its own scale" if len(shown) > 1 else None,
            f"+{len(every) - most} more not drawn" if len(every) > most else None,
        ],
    )
    return figure


def _grid(charts: int, *, columns: int) -> tuple[Figure, list[Axes]]:
    across = max(min(columns, charts), 1)
    down = max(-(-charts // across), 1)
    return new_grid(down, across, size=(4.0 * across, 2.2 * down + 0.6))


def title_of(frame: pd.DataFrame, trend: Trend, hue: str | None) -> str:
    """Say what is measured, per what and split by what."""
    metrics = list(dict.fromkeys(names(frame, "metric"))) if "metric" in frame.columns else []
    label = trend.subject.label
    what = f"{label} per {trend.interval}" if trend.interval else label
    named = f"{metrics[0]}: {what}" if len(metrics) == 1 else capitalised(what)
    return f"{named}, by {in_words(hue)}" if hue else named
