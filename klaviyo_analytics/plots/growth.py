"""How a list or a segment grows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from klaviyo_analytics.plots._canvas import (
    new_axes,
    put_caption,
    put_legend,
    put_note,
    put_title,
    quiet,
    value_axis,
)
from klaviyo_analytics.plots._frame import draws
from klaviyo_analytics.plots._lines import (
    Series,
    bar_width,
    draw_bars,
    draw_partial,
    partial_patch,
    with_gaps,
)
from klaviyo_analytics.plots._quantities import quantity, write
from klaviyo_analytics.plots._style import PALETTE, ink, line_width
from klaviyo_analytics.plots._time_axis import date_axis, moments
from klaviyo_analytics.plots.trend import Trend, period_in_words, read_trend, zone_in_words

_OF_A_LIST = ("subscribed", "unsubscribed", "net", "members")
_OF_A_SEGMENT = ("members_added", "members_removed", "net_members_changed", "total_members")


@draws("the frame of ka.analysis.list_growth(...), or client.reports.segment_series(...)")
def list_growth(
    frame: pd.DataFrame,
    *,
    x: str = "datetime",
    interval: str | None = None,
    title: str | None = None,
    ax: Axes | None = None,
    **kwargs: Any,
) -> Axes:
    """Draw who joined above the line, who left below it, and the net change between them.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row per interval. Of a list: `subscribed`, `unsubscribed`, `net`, `members`; of a segment:
        `members_added`, `members_removed`, `net_members_changed`, `total_members`.
    x : str
        Column of the interval's start.
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
        If a column is missing or of the wrong kind, or several rows fall on one interval.

    Examples
    --------
    >>> import pandas as pd
    >>> import klaviyo_analytics.plots as plots
    >>> frame = pd.DataFrame(
    ...     {"datetime": pd.date_range("2026-03-01", periods=3, tz="UTC"), "subscribed": [12, 9, 15],
    ...      "unsubscribed": [3, 4, 2], "net": [9, 5, 13], "members": [1009, 1014, 1027]}
    ... )
    >>> ax = plots.list_growth(frame)
    >>> [int(bar.get_height()) for bar in ax.containers[1]]
    [-3, -4, -2]
    """
    joined, left, net, members = _OF_A_SEGMENT if _OF_A_SEGMENT[0] in frame.columns else _OF_A_LIST
    gains, losses, change, size = (
        read_trend(frame, x=x, y=column, interval=interval) for column in (joined, left, net, members)
    )
    ax = new_axes(ax)
    quiet(ax)
    rows_above = 0.0
    if gains.empty and losses.empty:
        put_note(ax, gains.empty)
    else:
        handles, labels = _draw_growth(ax, gains, losses, change, kwargs)
        rows_above = put_legend(ax, handles, labels)
    subject = "Segment" if joined == _OF_A_SEGMENT[0] else "List"
    per = f" per {gains.interval}" if gains.interval else ""
    put_title(ax, f"{subject} growth{per}" if title is None else title, rows_above=rows_above)
    put_caption(
        ax,
        [
            f"Profiles{per}, {quantity(net).label} = {quantity(net).definition}",
            _sizes(size),
            period_in_words(gains),
            zone_in_words(gains.zone),
        ],
    )
    return ax


def _draw_growth(
    ax: Axes, gains: Trend, losses: Trend, change: Trend, kwargs: dict[str, Any]
) -> tuple[list[Artist], list[str]]:
    up, down, net = (trend.series[0] for trend in (gains, losses, change))
    below = Series(down.name, down.when, -np.abs(down.values), down.complete)
    width = bar_width(up.when, gains.interval)
    handles: list[Artist] = []
    for part, trend, shade in ((up, gains, PALETTE[0]), (below, losses, PALETTE[1])):
        patch = draw_bars(
            ax,
            part.when,
            part.values,
            complete=part.complete,
            bottom=np.zeros(len(part.values)),
            width=width,
            colour=shade,
            label=trend.subject.label,
            kwargs=kwargs,
        )
        handles.append(patch)
    dark = ink(ax, 0.85)
    looks: dict[str, Any] = {"color": dark, "linewidth": line_width(), "marker": "o"}
    looks["markersize"] = 2.2 * line_width()
    line = with_gaps(net, gains.interval)
    whole = np.where(line.complete, line.values, np.nan)
    ax.plot(moments(line.when), whole, label=change.subject.label, **looks)
    draw_partial(ax, line, colour=dark, width=line_width())
    handles.append(Line2D([], [], **looks))
    values = np.concatenate([np.nan_to_num(up.values), np.nan_to_num(below.values), net.values])
    value_axis(ax, values, "count", None)
    date_axis(ax, up.when, gains.interval, margin=width / 2)
    labels = [trend.subject.label for trend in (gains, losses, change)]
    if not up.complete.all():
        handles.append(partial_patch(ax))
        labels.append(f"incomplete {gains.interval or 'interval'}")
    return handles, labels


def _sizes(size: Trend) -> str | None:
    """Return how large the list was at both ends."""
    known = [value for one in size.series for value in one.values if np.isfinite(value)]
    if not known:
        return None
    first, last = (
        f"{value:,.0f}" if value < 1e6 else write(value, "count") for value in (known[0], known[-1])
    )
    return f"members {first} → {last}" if len(known) > 1 else f"members {first}"
