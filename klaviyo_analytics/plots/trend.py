"""A metric over time: one chart, or one small chart per metric."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from klaviyo_analytics.plots._annotations import put_annotations
from klaviyo_analytics.plots._canvas import new_axes, put_caption, put_legend, put_note, put_title, quiet
from klaviyo_analytics.plots._dates import date_axis, in_words, laid_over, moment, moments
from klaviyo_analytics.plots._format import QuantityFormatter
from klaviyo_analytics.plots._frame import currency_of, interval_of, names, require, zone_of
from klaviyo_analytics.plots._lines import (
    MOST_HUES,
    Series,
    by_size,
    colours,
    draw_series,
    split,
    unfinished_mark,
)
from klaviyo_analytics.plots._quantities import Quantity, quantity
from klaviyo_analytics.plots._quantities import in_words as spoken
from klaviyo_analytics.plots._style import ink, line_width


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

    Intervals that the column `complete` marks as unfinished are dotted and hollow, so that today is not read
    as a fall. Missing values break the line. The caption states interval, dates, time zone and currency.

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
    require(frame, [x, y, hue])
    subject = quantity(y)
    money = currency_of(frame, currency) if subject.kind == "money" else None
    series = split(frame, x=x, y=y, hue=hue)
    when = _all_times(series)
    span = interval_of(frame, when, interval)
    earlier = _earlier(compare, when, x=x, y=y, hue=hue, money=money, interval=span)

    ax = new_axes(ax)
    quiet(ax)
    ranked = by_size([*series, *earlier])
    lines = _draw(ax, series, earlier, ranked, kwargs)
    rows = 0.0
    outside = 0
    empty = _why_empty(series, y)
    if empty:
        put_note(ax, empty)
    else:
        value_axis(ax, [*series, *earlier], subject, money)
        shown = _all_times([*series, *earlier])
        date_axis(ax, shown, span)
        rows, outside = put_annotations(ax, annotations or {}, within=shown)
        handles, labels = _legend(ax, series, lines, ranked, compare=compare, x=x, interval=span)
        rows += put_legend(ax, handles, labels, rows_above=rows)
        if not handles:
            _label_unfinished(ax, series)
    put_title(ax, _title(frame, subject, hue, span) if title is None else title, rows_above=rows)
    put_caption(
        ax,
        [
            _measure(subject, span, money),
            in_words(when),
            f"time zone {zone}" if (zone := zone_of(frame, when)) else "time zone not stated",
            "one interval only" if len(when.unique()) == 1 else None,
            f"{outside} annotation{'s' * (outside > 1)} outside these dates" if outside else None,
        ],
    )
    return ax


def value_axis(ax: Axes, series: Sequence[Series], subject: Quantity, money: str | None) -> None:
    """Format the y axis and let it start at zero where nothing is below."""
    values = np.concatenate([one.values for one in series])
    known = values[np.isfinite(values)]
    ax.yaxis.set_major_locator(MaxNLocator(nbins=5, integer=subject.kind == "count", min_n_ticks=2))
    kind = "number" if subject.kind == "money" and not money else subject.kind
    ax.yaxis.set_major_formatter(QuantityFormatter(kind, money))
    low, high = float(min(known.min(), 0.0)), float(max(known.max(), 0.0))
    room = (high - low) * 0.06 or 0.5
    ax.set_ylim(low - room if low < 0 else 0.0, high + room)
    if low < 0:
        ax.axhline(0.0, color=ink(ax, 0.4), linewidth=0.8)


def _all_times(series: Sequence[Series]) -> pd.DatetimeIndex:
    if not series:
        return pd.DatetimeIndex([])
    first, *others = (one.when for one in series)
    return pd.DatetimeIndex(first.append(others))


def _earlier(
    compare: pd.DataFrame | None,
    onto: pd.DatetimeIndex,
    *,
    x: str,
    y: str,
    hue: str | None,
    money: str | None,
    interval: str | None,
) -> list[Series]:
    if compare is None:
        return []
    require(compare, [x, y, hue])
    if money:
        currency_of(compare, money)
    found = split(compare, x=x, y=y, hue=hue)
    every = _all_times(found)
    if len(onto) == 0 or len(every) == 0:
        return []
    moved = laid_over(every, onto, interval)
    ends = np.cumsum([len(one.when) for one in found])
    return [
        Series(one.name, moved[end - len(one.when) : end], one.values, one.complete)
        for one, end in zip(found, ends, strict=True)
    ]


def _draw(
    ax: Axes, series: list[Series], earlier: list[Series], ranked: list[str], kwargs: Mapping[str, Any]
) -> dict[str, Line2D]:
    shade = colours(ax, ranked)
    for one in earlier:
        ax.plot(
            moments(one.when),
            one.values,
            color=shade[one.name] if len(ranked) > 1 else ink(ax, 0.45),
            linestyle="--",
            linewidth=0.75 * line_width(),
            alpha=0.75,
            gid="compare",
        )
    last_first = sorted(series, key=lambda one: -ranked.index(one.name))
    return {one.name: draw_series(ax, one, colour=shade[one.name], kwargs=kwargs) for one in last_first}


def _legend(
    ax: Axes,
    series: list[Series],
    lines: dict[str, Line2D],
    ranked: list[str],
    *,
    compare: pd.DataFrame | None,
    x: str,
    interval: str | None,
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
    if compare is not None and len(compare):
        if len(ranked) == 1 and coloured:
            handles.append(lines[coloured[0]])
            labels.append(in_words(series[0].when))
        handles.append(Line2D([], [], color=grey, linestyle="--", linewidth=0.75 * line_width()))
        labels.append(in_words(_all_times(split(compare, x=x, y=x, hue=None))))
    if handles and not all(one.complete.all() for one in series):
        handles.append(Line2D([], [], **{**unfinished_mark(ax, grey, line_width()), "linestyle": ":"}))
        labels.append(f"unfinished {interval or 'interval'}")
    return handles, labels


def _label_unfinished(ax: Axes, series: list[Series]) -> None:
    """Write "unfinished" beside the hollow point of a lone line, outside the data."""
    for one in series:
        partial = np.flatnonzero(~one.complete & np.isfinite(one.values))
        if len(partial):
            last = partial[-1]
            ax.annotate(
                "unfinished",
                xy=(moment(one.when[last]), one.values[last]),
                xytext=(0.8, 0),
                textcoords="offset fontsize",
                va="center",
                fontsize="small",
                color=ink(ax, 0.55),
                annotation_clip=False,
            )


def _why_empty(series: list[Series], y: str) -> str | None:
    if not series:
        return "No rows to draw"
    if not any(np.isfinite(one.values).any() for one in series):
        return f"No values: {y!r} is missing in every row"
    return None


def _title(frame: pd.DataFrame, subject: Quantity, hue: str | None, interval: str | None) -> str:
    metrics = list(dict.fromkeys(names(frame, "metric"))) if "metric" in frame.columns else []
    what = f"{subject.label} per {interval}" if interval else subject.label
    named = f"{metrics[0]}: {what}" if len(metrics) == 1 else what[:1].upper() + what[1:]
    return f"{named}, by {spoken(hue)}" if hue else named


def _measure(subject: Quantity, interval: str | None, money: str | None) -> str:
    what = f"{subject.label[:1].upper()}{subject.label[1:]}"
    said = f"{what} per {interval}" if interval else what
    said = f"{said} = {subject.definition}" if subject.definition else said
    return f"{said}, in {money}" if money else said
