"""Revenue by where it came from."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from klaviyo_analytics.plots._canvas import (
    new_axes,
    only_zeros,
    put_caption,
    put_legend,
    put_note,
    put_title,
    quiet,
    value_axis,
)
from klaviyo_analytics.plots._frame import draws
from klaviyo_analytics.plots._lines import all_times, bar_width, draw_bars, in_order, partial_patch
from klaviyo_analytics.plots._quantities import capitalised, in_words
from klaviyo_analytics.plots._style import MOST_HUES, colours_of
from klaviyo_analytics.plots._time_axis import date_axis
from klaviyo_analytics.plots.trend import Trend, measure_in_words, period_in_words, read_trend, zone_in_words

_SOURCES = ("campaign", "flow", "other", "campaigns", "flows", "not attributed")


@draws(
    "the frame of ka.analysis.revenue_split(aggregates, by='datetime'), aggregates being "
    'client.metric_aggregates.query(..., by=["$attributed_message", "$attributed_flow"])'
)
def revenue_split(
    frame: pd.DataFrame,
    *,
    x: str = "datetime",
    y: str = "revenue",
    hue: str = "source",
    currency: str | None = None,
    interval: str | None = None,
    title: str | None = None,
    ax: Axes | None = None,
    **kwargs: Any,
) -> Axes:
    """Stack revenue by source, one bar per interval; the height of a bar is all revenue of its interval.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row per interval and source: `datetime`, `source`, `revenue`, and `currency` if there is one.
    x, y, hue : str
        Columns of the interval's start, of the money, and of what splits it. `campaign`, `flow` and `other`
        always look the same; of other names the largest eight are coloured and the rest is grey.
    currency : str, optional
        Code such as `"EUR"`; read from the frame if not given.
    interval : str, optional
        `"day"`, `"week"`, ...; read from the frame if not given.
    title : str, optional
        `""` for none.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure if not given.
    **kwargs
        Passed to `matplotlib.axes.Axes.bar`.

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
    >>> month = pd.Timestamp("2026-03-01", tz="America/New_York")
    >>> frame = pd.DataFrame(
    ...     {"datetime": month, "source": ["campaign", "flow", "other"], "revenue": [500.0, 300.0, 900.0],
    ...      "currency": "USD"}
    ... )
    >>> ax = plots.revenue_split(frame, interval="month")
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['campaign', 'flow', 'other']
    """
    trend = read_trend(frame, x=x, y=y, hue=hue, currency=currency, interval=interval)
    ax = new_axes(ax)
    quiet(ax)
    rows = 0.0
    if trend.empty:
        put_note(ax, trend.empty)
    else:
        handles, labels = _stack(ax, trend, kwargs)
        rows = put_legend(ax, handles, labels)
    what = f"{trend.subject.label} per {trend.interval}" if trend.interval else trend.subject.label
    put_title(ax, f"{capitalised(what)}, by {in_words(hue)}" if title is None else title, rows_above=rows)
    put_caption(
        ax,
        [
            measure_in_words(trend),
            period_in_words(trend),
            zone_in_words(trend.zone),
            only_zeros(trend.values),
        ],
    )
    return ax


def _stack(ax: Axes, trend: Trend, kwargs: dict[str, Any]) -> tuple[list[Artist], list[str]]:
    """Pile the sources on each other, what was paid back below zero; return the legend's entries."""
    ranked = in_order(trend.series)
    order = sorted(
        ranked, key=lambda name: _SOURCES.index(name.lower()) if name.lower() in _SOURCES else len(_SOURCES)
    )
    series = {one.name: one for one in trend.series}
    when = all_times(trend.series).unique().sort_values()
    above, below = np.zeros(len(when)), np.zeros(len(when))
    width = bar_width(when, trend.interval)
    shade = _shades(ax, order)
    patches: dict[str, Patch] = {}
    for name in order:
        one = series[name]
        place = when.get_indexer(one.when)
        values = np.nan_to_num(one.values)
        gained = values >= 0
        patches[name] = draw_bars(
            ax,
            one.when,
            values,
            complete=one.complete,
            bottom=np.where(gained, above[place], below[place]),
            width=width,
            colour=shade[name],
            label=name,
            kwargs=kwargs,
        )
        above[place] += np.where(gained, values, 0)
        below[place] += np.where(gained, 0, values)
    value_axis(ax, np.concatenate([above, below]), trend.subject.kind, trend.currency)
    date_axis(ax, when, trend.interval, margin=width / 2)
    return _legend(ax, trend, order, patches)


def _legend(
    ax: Axes, trend: Trend, order: list[str], patches: dict[str, Patch]
) -> tuple[list[Artist], list[str]]:
    shown = order[:MOST_HUES]
    handles: list[Artist] = [patches[name] for name in shown]
    labels = list(shown)
    if len(order) > MOST_HUES:
        handles.append(patches[order[-1]])
        labels.append(f"+{len(order) - MOST_HUES} more")
    if not all(one.complete.all() for one in trend.series):
        handles.append(partial_patch(ax))
        labels.append(f"incomplete {trend.interval or 'interval'}")
    return handles, labels


def _shades(ax: Axes, order: list[str]) -> dict[str, str]:
    """Return the colour of each source; revenue that no message earned is grey."""
    return colours_of(ax, order)
