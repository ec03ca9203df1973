"""How groups overlap, how far people get, and one year against the other."""

from __future__ import annotations

import calendar
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from klaviyo_analytics.errors import FrameError
from klaviyo_analytics.plots._canvas import (
    characters,
    new_axes,
    put_caption,
    put_legend,
    put_note,
    put_title,
    quiet,
    value_axis,
    with_period,
)
from klaviyo_analytics.plots._frame import currency_of, draws, finished, names, numbers, require
from klaviyo_analytics.plots._lines import (
    Series,
    all_times,
    bar_width,
    draw_bars,
    draw_partial,
    partial_patch,
    with_gaps,
)
from klaviyo_analytics.plots._matrix import draw_cells, scale_in_words, share_beside
from klaviyo_analytics.plots._quantities import quantity, write
from klaviyo_analytics.plots._style import MOST_HUES, MUTED, PALETTE, ink, line_width
from klaviyo_analytics.plots._text import clip, legible, put_names
from klaviyo_analytics.plots._time_axis import Annotations, date_axis, dated, moments, put_annotations
from klaviyo_analytics.plots.trend import (
    Trend,
    draw_titled,
    period_in_words,
    read_trend,
    title_of,
    zone_in_words,
)


@draws("the frame of ka.analysis.overlap(...)")
def overlap(frame: pd.DataFrame, *, title: str | None = None, ax: Axes | None = None, **kwargs: Any) -> Axes:
    """Draw which share of each list or segment is in each other one.

    Parameters
    ----------
    frame : pandas.DataFrame
        `group_a`, `group_b`, `size_a` and `share_of_a`, as `analysis.overlap` returns them.
    title : str, optional
        `""` for none.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure if omitted.
    **kwargs
        Passed to `matplotlib.axes.Axes.pcolormesh`.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    FrameError
        If a column is missing.

    Examples
    --------
    >>> import pandas as pd
    >>> import klaviyo_analytics.plots as plots
    >>> frame = pd.DataFrame(
    ...     {"group_a": ["New", "VIP"], "group_b": ["VIP", "New"], "size_a": [2, 4], "share_of_a": [0.5, 0.25]}
    ... )
    >>> ax = plots.overlap(frame)
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['New (2)', 'VIP (4)']
    """
    require(frame, ["group_a", "group_b", "size_a", "share_of_a"])
    left, right = names(frame, "group_a"), names(frame, "group_b")
    groups = list(dict.fromkeys([*left, *right]))
    ax = new_axes(ax, rows=min(len(groups), 40))
    quiet(ax)
    put_title(ax, "Overlap of groups" if title is None else title)
    shares, sizes = numbers(frame, "share_of_a"), dict(zip(left, numbers(frame, "size_a"), strict=True))
    if frame.empty or not np.isfinite(shares).any():
        put_note(ax, "No values: 'share_of_a' is missing in every row" if len(frame) else "No rows to draw")
        return ax
    place = {group: row for row, group in enumerate(groups)}
    cells = np.full((len(groups), len(groups)), np.nan)
    for a, b, share in zip(left, right, shares, strict=True):
        cells[place[a], place[b]] = share
    labels = [
        f"{clip(group, 20)} ({sizes[group]:,.0f})" if np.isfinite(sizes.get(group, np.nan)) else group
        for group in groups
    ]
    written = draw_cells(ax, cells, rows=labels, columns=groups, kind="rate", highest=1.0, kwargs=kwargs)
    put_caption(
        ax,
        [
            "share of the row's profiles that are in the column" + (", in %" if written else ""),
            None if written else scale_in_words(cells, "rate"),
        ],
        share=share_beside(ax, labels),
    )
    return ax


@draws("the frame of ka.analysis.ordered_funnel(...)")
def ordered_funnel(
    frame: pd.DataFrame, *, title: str | None = None, ax: Axes | None = None, **kwargs: Any
) -> Axes:
    """Draw how many profiles reached each step, and how long it took them.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row per step: `step`, `profiles`, `share_of_previous` and `median_hours`, as `analysis.ordered_funnel`
        returns them.
    title : str, optional
        `""` for none.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure if omitted.
    **kwargs
        Passed to `matplotlib.axes.Axes.barh`.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    FrameError
        If a column is missing or does not hold numbers.

    Examples
    --------
    >>> import pandas as pd
    >>> import klaviyo_analytics.plots as plots
    >>> frame = pd.DataFrame(
    ...     {
    ...         "step": ["Viewed Product", "Placed Order"],
    ...         "profiles": [100, 25],
    ...         "share_of_previous": [None, 0.25],
    ...         "median_hours": [None, 30.0],
    ...     }
    ... )
    >>> ax = plots.ordered_funnel(frame)
    >>> [text.get_text() for text in ax.texts if text.get_gid() != "caption"]
    ['100', '25 · 25.0% of previous · median 30 h']
    """
    require(frame, ["step", "profiles", "share_of_previous", "median_hours"])
    counts = numbers(frame, "profiles")
    ax = new_axes(ax, rows=len(frame))
    quiet(ax, grid="x")
    put_title(ax, "Profiles by step" if title is None else title)
    if frame.empty or not np.isfinite(counts).any():
        put_note(ax, "No values: 'profiles' is missing in every row" if len(frame) else "No rows to draw")
        return ax
    rates, hours = numbers(frame, "share_of_previous"), numbers(frame, "median_hours")
    rows = np.arange(len(frame))
    looks: dict[str, Any] = {"color": PALETTE[0], "height": 0.62, **kwargs}
    ax.barh(rows, np.nan_to_num(counts), **looks)
    ax.set_yticks(rows, [legible(clip(name, 32)) for name in names(frame, "step")])
    put_names(ax.get_yticklabels())
    ax.invert_yaxis()
    ax.set_xticks([])
    most = float(np.nanmax(counts)) or 1.0
    roomy = characters(ax) >= _MONTHS_FIT
    for row in rows:
        said = [write(float(counts[row]), "count")]
        if np.isfinite(rates[row]):
            said.append(f"{write(float(rates[row]), 'rate')}{' of previous' if roomy else ''}")
        if np.isfinite(hours[row]) and roomy:
            said.append(f"median {_spoken(float(hours[row]))}")
        inside = counts[row] > 0.55 * most
        ax.annotate(
            " · ".join(said),
            (float(np.nan_to_num(counts[row])), row),
            xytext=(-0.5 if inside else 0.5, 0),
            textcoords="offset fontsize",
            ha="right" if inside else "left",
            va="center",
            fontsize="small",
            color="white" if inside else ink(ax, 0.8),
        )
    ax.set_xlim(0, most * 1.02)
    what = [
        "profiles that did the steps in this order",
        "time from the previous step" if roomy else "share of the previous",
    ]
    put_caption(ax, what)
    return ax


@draws("the frame of ka.analysis.year_over_year(...)")
def year_over_year(
    frame: pd.DataFrame,
    *,
    y: str | None = None,
    title: str | None = None,
    ax: Axes | None = None,
    **kwargs: Any,
) -> Axes:
    """Draw a line for each year over the months of the year.

    Parameters
    ----------
    frame : pandas.DataFrame
        `year`, `month` and a value, as `analysis.year_over_year` returns them; of one series.
    y : str, optional
        Column of the value; the one with a `<value>_previous` beside it if omitted.
    title : str, optional
        `""` for none.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure if omitted.
    **kwargs
        Passed to `matplotlib.axes.Axes.plot`.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    FrameError
        If a column is missing, or a month has several rows.

    Examples
    --------
    >>> import pandas as pd
    >>> import klaviyo_analytics.plots as plots
    >>> frame = pd.DataFrame(
    ...     {"year": [2025, 2026], "month": [1, 1], "count": [9.0, 12.0], "count_previous": [None, 9.0]}
    ... )
    >>> ax = plots.year_over_year(frame)
    >>> len(ax.lines) >= 2
    True
    """
    require(frame, ["year", "month"])
    column = y or next((name for name in frame.columns if f"{name}_previous" in frame.columns), "count")
    require(frame, [column])
    if frame.duplicated(["year", "month"]).any():
        raise FrameError(
            "several rows share one year and month. Filter the frame to one series, such as "
            "frame[frame['channel'] == 'email']."
        )
    subject = quantity(column)
    currency = currency_of(frame, None) if subject.kind == "money" else None
    values, years, months = numbers(frame, column), numbers(frame, "year"), numbers(frame, "month")
    ax = new_axes(ax)
    quiet(ax)
    known = np.isfinite(values) & np.isfinite(years) & np.isfinite(months)
    heading = f"{subject.label[:1].upper()}{subject.label[1:]} by month and year" if title is None else title
    if not known.any():
        put_title(ax, heading)
        put_note(ax, f"No values: {column!r} is missing in every row" if len(frame) else "No rows to draw")
        return ax
    whole, handles, labels = finished(frame), [], []
    different = sorted(set(years[known]), reverse=True)
    for rank, year in enumerate(different):
        line = np.full(12, np.nan)
        open_ = np.full(12, np.nan)
        for row in np.flatnonzero(known & (years == year)):
            line[int(months[row]) - 1] = values[row]
            open_[int(months[row]) - 1] = np.nan if whole[row] else values[row]
        bright = rank < MOST_HUES
        colour = PALETTE[rank] if bright else ink(ax, MUTED)
        looks: dict[str, Any] = {"color": colour, "linewidth": line_width() * (1.0 if rank == 0 else 0.7)}
        looks |= {"marker": "o", "markersize": 2.2 * line_width(), **kwargs}
        ax.plot(range(12), line, **looks)
        ax.plot(
            range(12),
            open_,
            color=ax.get_facecolor(),
            marker="o",
            markersize=1.2 * line_width(),
            linestyle="",
        )
        if bright:
            handles.append(Line2D([], [], **looks))
            labels.append(f"{int(year)}")
    if len(different) > MOST_HUES:
        handles.append(Line2D([], [], color=ink(ax, MUTED)))
        labels.append(f"{len(different) - MOST_HUES} earlier years")
    rows_above = put_legend(ax, handles, labels)
    put_title(ax, heading, rows_above=rows_above)
    value_axis(ax, values[known], subject.kind, currency)
    step = 1 if characters(ax) >= _MONTHS_FIT else 3
    ax.set_xticks(range(0, 12, step), [calendar.month_abbr[month + 1] for month in range(0, 12, step)])
    ax.set_xlim(-0.4, 11.4)
    part = "hollow: this month or the one a year before is incomplete" if (~whole & known).any() else None
    put_caption(ax, [subject.definition or None, f"in {currency}" if currency else None, part])
    return ax


def _spoken(hours: float) -> str:
    if hours < 1:
        return f"{hours * 60:.0f} min"
    return f"{hours:.0f} h" if hours < 48 else f"{hours / 24:.0f} d"


@draws("the frame of client.reports.segment_series(...)")
def segment_sizes(
    frame: pd.DataFrame,
    *,
    x: str = "datetime",
    y: str = "total_members",
    interval: str | None = None,
    annotations: Annotations | None = None,
    title: str | None = None,
    ax: Axes | None = None,
    **kwargs: Any,
) -> Axes:
    """Draw how many members each segment has over time, one line per segment.

    Segments of one name are told apart by their ids. Beyond eight the largest keep their colours, and the others are
    drawn in grey and counted in the legend.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row per interval and segment: `datetime`, `segment` or `segment_id`, and `total_members`, as
        `client.reports.segment_series` returns them.
    x, y : str
        Columns of the interval's start and of the number; `net_members_changed` draws the change instead.
    interval : str, optional
        `"day"`, `"week"`, ...; read from the frame if not given.
    annotations : mapping of date to str, or pandas.DataFrame, optional
        What happened when, as in `metric_trend`.
    title : str, optional
        `""` for none.
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
        If a column is missing or of the wrong kind, or several rows fall on one interval of a segment.

    Examples
    --------
    >>> import pandas as pd
    >>> import klaviyo_analytics.plots as plots
    >>> weeks = pd.date_range("2026-03-02", periods=2, freq="7D", tz="America/New_York")
    >>> frame = pd.DataFrame(
    ...     {"datetime": [*weeks, *weeks], "segment": ["VIP"] * 2 + ["Engaged"] * 2,
    ...      "total_members": [410, 432, 2900, 3010]}
    ... )
    >>> ax = plots.segment_sizes(frame)
    >>> ax.get_title(loc="left")
    'Members per week, 2 segments, 2 Mar – 15 Mar 2026'
    """
    hue = "segment" if "segment" in frame.columns else "segment_id"
    require(frame, [hue])
    if hue == "segment" and "segment_id" in frame.columns:
        frame = _told_apart(frame)
    trend = read_trend(frame, x=x, y=y, hue=hue, interval=interval)
    return draw_titled(
        trend,
        title=title,
        usual=title_of(frame, trend, "segment"),
        annotations=annotations,
        ax=ax,
        kwargs=kwargs,
    )


def _told_apart(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame with the id behind each name that several segments have."""
    labels = pd.Series(names(frame, "segment"), index=frame.index)
    ids = frame["segment_id"].astype("string")
    several = ids.groupby(labels).transform("nunique").gt(1).to_numpy(dtype=bool)
    if not several.any():
        return frame
    return frame.assign(
        segment=labels.where(~several, labels + " (" + ids.fillna("no id").astype(object) + ")")
    )


_MONTHS_FIT = 60  # characters across for twelve months, or for all that is said of a step
_OF_A_LIST = ("subscribed", "unsubscribed", "net", "members")
_OF_A_SEGMENT = ("members_added", "members_removed", "net_members_changed", "total_members")


@draws("the frame of ka.analysis.list_growth(...), or client.reports.segment_series(...)")
def list_growth(
    frame: pd.DataFrame,
    *,
    x: str = "datetime",
    interval: str | None = None,
    annotations: Annotations | None = None,
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
    annotations : mapping of date to str, or pandas.DataFrame, optional
        What happened when, as in `metric_trend`.
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
    events = dated(annotations)
    gains, losses, change, size = (
        read_trend(frame, x=x, y=column, interval=interval) for column in (joined, left, net, members)
    )
    ax = new_axes(ax)
    quiet(ax)
    remarks: list[str] = []
    rows_above = 0.0
    if gains.empty and losses.empty:
        put_note(ax, gains.empty)
    else:
        handles, labels = _draw_growth(ax, gains, losses, change, kwargs)
        rows_above, remarks = put_annotations(ax, events, within=all_times(gains.series))
        rows_above += put_legend(ax, handles, labels, rows_above=rows_above)
    subject = "Segment" if joined == _OF_A_SEGMENT[0] else "List"
    per = f" per {gains.interval}" if gains.interval else ""
    ours = with_period(ax, f"{subject} growth{per}", gains.covers) if title is None else title
    put_title(ax, ours, rows_above=rows_above)
    in_title = gains.period == gains.covers and ours.endswith(gains.covers)
    put_caption(
        ax,
        [
            f"Profiles{per}, {quantity(net).label} = {quantity(net).definition}",
            _sizes(size),
            None if in_title else period_in_words(gains),
            zone_in_words(gains.zone),
            *remarks,
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
