"""Lines over time, shared by the trend, the small multiples and the performance of flows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from operator import index
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cbook import normalize_kwargs
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgb
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from klaviyo_analytics.arithmetic import RATES
from klaviyo_analytics.errors import FrameError, InvalidInputError
from klaviyo_analytics.plots._canvas import characters, lines_down, value_axis
from klaviyo_analytics.plots._frame import Flags, Floats, finished, labels_of, numbers, times
from klaviyo_analytics.plots._quantities import Kind, quantity, write
from klaviyo_analytics.plots._style import MOST_HUES, MUTED, colours_of, ink, legible_shade, line_width
from klaviyo_analytics.plots._text import columns, legible, put_names, told_apart
from klaviyo_analytics.plots._time_axis import longest_gap, moments, step_days

_ROOMY = 45  # characters across that leave room for names beside the lines
_CROWDED, _CROWDED_WIDTH = 400, 0.45  # so many points run together into a band if the line is not thinner


@dataclass(frozen=True, slots=True)
class Series:
    """One line: values at times, and which of them cover a whole interval."""

    name: str
    when: pd.DatetimeIndex
    values: Floats
    complete: Flags
    smoothed: Floats | None = None


def split(frame: pd.DataFrame, *, x: str, y: str, hue: str | None) -> list[Series]:
    """Cut the frame into one series per value of `hue`, or into one; rows without a date cannot be drawn."""
    when, values, complete = times(frame, x), numbers(frame, y), finished(frame)
    named = np.array(labels_of(frame, hue) if hue else [quantity(y).label] * len(frame), dtype=object)
    dated = np.asarray(when.notna())
    series = []
    whose, found = pd.factorize(named)
    by_time = np.lexsort((when.asi8, whose))
    by_time = by_time[dated[by_time]]
    starts = np.flatnonzero(np.diff(whose[by_time], prepend=-1))
    for rows in np.split(by_time, starts[1:]) if len(by_time) else []:
        label = found[whose[rows[0]]]
        one = Series(str(label), when[rows], values[rows], complete[rows])
        if one.when.has_duplicates:
            raise FrameError(_several_rows(frame, x=x, hue=hue, label=one.name))
        series.append(one)
    return series


def _several_rows(frame: pd.DataFrame, *, x: str, hue: str | None, label: str) -> str:
    texts = [
        str(name)
        for name in frame.columns
        if name not in (x, hue) and pd.api.types.is_string_dtype(frame[name].dtype)
    ]
    splitters = [name for name in texts if frame[name].nunique() > 1]
    whose = f" of {hue} {label!r}" if hue else ""
    cure = (
        f"give hue= one of {', '.join(map(repr, splitters))}, or filter or aggregate the frame first"
        if splitters
        else "aggregate the frame first"
    )
    return f"several rows{whose} share one {x!r}, and a plot does not add them up: {cure}"


def with_gaps(one: Series, interval: str | None) -> Series:
    """Return the series with a missing value where intervals are absent, so that no line is drawn over them."""
    longest = longest_gap(interval)
    if longest is None or len(one.when) < 2:
        return one
    after = np.flatnonzero(np.diff(one.when.as_unit("us").asi8) > longest.value // 1000)
    if not len(after):
        return one
    rows = np.insert(np.arange(len(one.when)), after + 1, after)
    added = np.zeros(len(rows), dtype=bool)
    added[after + 1 + np.arange(len(after))] = True
    when = one.when[rows]
    moved = when.where(~added, when + longest / 2)
    return Series(
        one.name,
        pd.DatetimeIndex(moved),
        np.where(added, np.nan, one.values[rows]),
        one.complete[rows] | added,
        None if one.smoothed is None else np.where(added, np.nan, one.smoothed[rows]),
    )


def smoothed(
    one: Series, window: int, interval: str | None, *, parts: tuple[Floats, Floats] | None = None
) -> Series:
    """Return the series with the mean of each `window` consecutive whole intervals, at the last of them.

    `parts` are the numerator and the denominator of a rate: their sums over the window make its rate.
    """
    longest = longest_gap(interval)
    runs = np.zeros(len(one.when), dtype=np.int64)
    if longest is not None and len(runs) > 1:
        runs[1:] = np.cumsum(np.diff(one.when.as_unit("us").asi8) > longest.value // 1000)

    def added_up(values: Floats) -> Floats:
        whole = pd.Series(np.where(one.complete, values, np.nan))
        sums = whole.groupby(runs).rolling(window, min_periods=window).sum()
        return np.array(sums, dtype=np.float64)

    if parts is None:
        return replace(one, smoothed=added_up(one.values) / window)
    numerator, denominator = parts
    below = added_up(np.where(np.isfinite(numerator), denominator, np.nan))
    rate = np.full(len(below), np.nan)
    np.divide(added_up(numerator), below, out=rate, where=below > 0)
    return replace(one, smoothed=rate)


def all_times(series: Sequence[Series]) -> pd.DatetimeIndex:
    """Return the times of all series, one after another."""
    if not series:
        return pd.DatetimeIndex([])
    first, *others = (one.when for one in series)
    return pd.DatetimeIndex(first.append(others))


def in_order(series: Sequence[Series]) -> list[str]:
    """Return the names of the series in the order in which they get a colour.

    By name, so that a channel has one colour in all charts; but if there are more than colours, by size.
    """
    sizes: dict[str, float] = {}
    for one in series:
        sizes[one.name] = sizes.get(one.name, 0.0) + float(np.nansum(np.abs(one.values)))
    return sorted(sizes) if len(sizes) <= MOST_HUES else sorted(sizes, key=lambda name: -sizes[name])


def colours(ax: Axes, ranked: Sequence[str]) -> dict[str, str]:
    """Return a colour for each of the first names, and one grey for the rest."""
    return colours_of(ax, ranked)


def draw_series(ax: Axes, one: Series, *, colour: str, kwargs: Mapping[str, Any]) -> Line2D:
    """Draw one series: solid where intervals are whole, dotted and hollow where not, a dot where alone."""
    given = normalize_kwargs(dict(kwargs), Line2D)
    thinner = _CROWDED_WIDTH if len(one.when) > _CROWDED and "linewidth" not in given else 1.0
    options: dict[str, Any] = {
        "color": colour,
        "linewidth": thinner * line_width(),
        "label": one.name,
        "solid_capstyle": "round",
        **given,
    }
    x = moments(one.when)
    whole = np.where(one.complete, one.values, np.nan)
    (line,) = ax.plot(x, whole, **options)
    shade, width = line.get_color(), line.get_linewidth() / thinner
    alone = _standing_alone(whole)
    if alone.any():
        dots: dict[str, Any] = {"color": shade, "linestyle": "none", "marker": "o", "markersize": 2.4 * width}
        ax.plot(x[alone], whole[alone], **dots)
    draw_partial(ax, one, colour=str(shade), width=width)
    return line


_THIN, _BOLD = 0.35, 1.4  # of the usual width: both in the full colour, which alone has enough contrast


def draw_smoothed(ax: Axes, one: Series, *, colour: str, kwargs: Mapping[str, Any]) -> Line2D:
    """Draw each interval thin, and the means of several over it."""
    thin = draw_series(ax, one, colour=colour, kwargs={"linewidth": _THIN * line_width(), **kwargs})
    assert one.smoothed is not None
    looks: dict[str, Any] = {"color": thin.get_color(), "linewidth": _BOLD * line_width(), "gid": "smooth"}
    x, alone = moments(one.when), _standing_alone(one.smoothed)
    ax.plot(x, one.smoothed, solid_capstyle="round", zorder=2.5, **looks)
    if alone.any():
        ax.plot(x[alone], one.smoothed[alone], marker="o", zorder=2.5, **{**looks, "linestyle": "none"})
    return thin


_LINE_END = 24  # characters of a name where a line ends
_LINE_APART = 1.5  # lines of type between two names


def name_ends(ax: Axes, series: Sequence[Series], shade: Mapping[str, str]) -> bool:
    """Write the name of each line where it ends; return False, and write nothing, where they do not fit.

    Names stand right of the axes, apart from each other, with a leader where one had to move.
    """
    written = told_apart([legible(one.name) for one in series], _LINE_END)
    widest, room = max(map(columns, written)), characters(ax)
    gap = _LINE_APART / max(lines_down(ax) - 2.0, 1.0)
    if ax.figure.get_layout_engine() is None and ax.figure.figure is ax.figure:
        return False
    if room < _ROOMY or 4 * widest > room or len(series) * gap > 1.0 - gap / 3:
        return False
    low, high = ax.get_ylim()
    left, right = ax.get_xlim()
    found: list[tuple[float, float, str, Series]] = []
    for one, name in zip(series, written, strict=True):
        ends = one.values if one.smoothed is None or not np.isfinite(one.smoothed).any() else one.smoothed
        last = int(np.flatnonzero(np.isfinite(ends))[-1]) if np.isfinite(ends).any() else None
        if last is None:
            return False
        end = float(ax.convert_xunits(moments(one.when[[last]])[0]))  # type: ignore[no-untyped-call]
        found.append(((float(ends[last]) - low) / (high - low), (end - left) / (right - left), name, one))
    found.sort(key=lambda each: each[0])
    places = _apart([height for height, *_ in found], gap)
    for place, (height, across, name, one) in zip(places, found, strict=True):
        colour = shade[one.name]
        leader = LineCollection(
            [[(across, height), (1.0, height), (1.02, place)]],
            colors=colour,
            linewidths=0.7,
            linestyles=[(0, (1, 1.5))],
            transform=ax.transAxes,
            clip_on=False,
            zorder=1.5,
            gid="leader",
        )
        ax.add_collection(leader, autolim=False)
        text = ax.annotate(
            name,
            xy=(1.02, place),
            xycoords="axes fraction",
            xytext=(0.3, 0),
            textcoords="offset fontsize",
            va="center",
            color=legible_shade(ax, colour),
            annotation_clip=False,
            gid=f"series {colour}",
        )
        put_names([text])
    return True


def _apart(heights: Sequence[float], gap: float) -> list[float]:
    """Move ascending heights as little as keeps them `gap` apart, and between 0 and 1."""
    places = list(heights)
    for row in range(len(places)):
        least = places[row - 1] + gap if row else 0.0
        places[row] = max(places[row], least)
    for row in reversed(range(len(places))):
        most = places[row + 1] - gap if row + 1 < len(places) else 1.0 - gap / 3
        places[row] = min(places[row], most)
    return places


def draw_earlier(ax: Axes, one: Series, *, colour: str) -> None:
    """Draw the series of another period behind: dashed, and also there dotted and hollow where not whole."""
    width = 0.75 * line_width()
    whole = np.where(one.complete, one.values, np.nan)
    looks: dict[str, Any] = {"color": colour, "linewidth": width, "gid": "compare"}
    x, alone = moments(one.when), _standing_alone(whole)
    ax.plot(x, whole, linestyle="--", **looks)
    if alone.any():
        ax.plot(x[alone], whole[alone], marker="o", markersize=2.4 * width, **{**looks, "linestyle": "none"})
    draw_partial(ax, one, colour=colour, width=width)


def draw_partial(ax: Axes, one: Series, *, colour: str, width: float) -> None:
    """Draw the intervals that a series covers only in part: hollow, with dotted lines to their neighbours."""
    partial = ~one.complete
    if not partial.any():
        return
    beside = partial.copy()
    beside[:-1] |= partial[1:]
    beside[1:] |= partial[:-1]
    x = moments(one.when)
    ax.plot(x, np.where(beside, one.values, np.nan), color=colour, linestyle=":", linewidth=width)
    ax.plot(
        x[partial],
        one.values[partial],
        **partial_mark(ax, colour, width),
        gid="incomplete",
    )


def partial_mark(ax: Axes, colour: str, width: float) -> dict[str, Any]:
    """Return how the mark of an incomplete interval looks: hollow."""
    return {
        "color": colour,
        "linestyle": "none",
        "marker": "o",
        "markersize": 3.2 * width,
        "markeredgewidth": 0.8 * width,
        "markerfacecolor": ax.get_facecolor(),
    }


def _standing_alone(values: Floats) -> Flags:
    """Return which values have no neighbour to be joined to: a line would not show them."""
    there = np.isfinite(values)
    padded = np.concatenate([[False], there, [False]])
    alone: Flags = there & ~padded[:-2] & ~padded[2:]
    return alone


_FILLED = 0.8
_TINT = 0.2
_DENSE = 200  # gaps between so many bars would be narrower than a pixel, and flicker


def bar_width(when: pd.DatetimeIndex, interval: str | None) -> float:
    """Return the width of a bar in days: most of an interval, or of the smallest distance between two of them."""
    days = step_days(interval)
    distinct = when.unique().sort_values()
    if len(distinct) > 1:
        gaps = np.diff(distinct.as_unit("us").asi8) / 86_400e6
        days = min(days, float(gaps.min())) if interval else float(gaps.min())
    return days if len(distinct) > _DENSE else days * _FILLED


def draw_bars(
    ax: Axes,
    when: pd.DatetimeIndex,
    values: Floats,
    *,
    complete: Flags,
    bottom: Floats,
    width: float,
    colour: str,
    label: str,
    kwargs: Mapping[str, Any],
) -> Patch:
    """Draw one row of bars and return the patch that stands for it in the legend."""
    options: dict[str, Any] = {"color": colour, "width": width, "label": label, "linewidth": 0}
    options |= kwargs
    heights = np.nan_to_num(values)
    bars = ax.bar(moments(when), heights, bottom=bottom, **options)
    for bar, whole in zip(bars.patches, complete, strict=True):
        if not whole:
            shade = to_rgb(bar.get_facecolor())
            bar.set(facecolor=(shade, _TINT), edgecolor=shade, linestyle=":", linewidth=1.2)
            bar.set_gid("incomplete")
    return Patch(facecolor=options["color"], label=label)


def partial_patch(ax: Axes) -> Patch:
    """Return how the bar of an incomplete interval looks in the legend."""
    return Patch(facecolor=ink(ax, _TINT / 2), edgecolor=ink(ax, 0.5), linestyle=":", linewidth=1.2)


def all_smoothed(
    frame: pd.DataFrame,
    series: Sequence[Series],
    *,
    x: str,
    y: str,
    hue: str | None,
    window: int,
    interval: str | None,
) -> list[Series]:
    """Return the series with their means over `window` intervals; a rate's is made of its counts."""
    if not made_of_counts(y):
        return [smoothed(one, window, interval) for one in series]
    rate = RATES.get(y)
    if rate is None or not {rate.numerator, rate.denominator} <= set(frame.columns):
        parts = f" {rate.numerator!r} and {rate.denominator!r}" if rate else " the counts that it is made of"
        raise FrameError(
            f"smooth={window} of {y!r} needs{parts}, which the frame lacks: rates are not averaged. "
            "Ask for those columns as well, or leave smooth out."
        )
    above, below = (split(frame, x=x, y=name, hue=hue) for name in (rate.numerator, rate.denominator))
    return [
        smoothed(one, window, interval, parts=(part.values, whole.values))
        for one, part, whole in zip(series, above, below, strict=True)
    ]


def made_of_counts(column: str) -> bool:
    """Return whether a column is a quotient, whose values cannot be averaged."""
    return column in RATES or quantity(column).kind == "rate" or quantity(column).denominator is not None


def band_of(benchmark: float | tuple[float, float] | None) -> tuple[float, float] | None:
    """Return both ends of a benchmark, in order."""
    if benchmark is None:
        return None
    try:
        ends = sorted(float(end) for end in (benchmark if isinstance(benchmark, tuple) else (benchmark,)))
    except (TypeError, ValueError):
        ends = []
    if not 1 <= len(ends) <= 2 or not np.isfinite(ends).all():
        raise InvalidInputError(
            f"benchmark={benchmark!r} is not a value or a band. Pass a number, such as 0.02, or two: (0.01, 0.03)."
        )
    return ends[0], ends[-1]


def draw_band(ax: Axes, values: Floats, kind: Kind, money: str | None, band: tuple[float, float]) -> str:
    """Shade what lies between the ends, below the lines, and return what to say of it."""
    low, high = band
    value_axis(ax, np.array([*values, low, high]), kind, money)
    looks: dict[str, Any] = {"color": ink(ax, MUTED), "gid": "benchmark"}
    if low < high:
        ax.axhspan(low, high, alpha=0.15, linewidth=0, zorder=0.5, **looks)
    for end in dict.fromkeys(band):
        ax.axhline(end, linewidth=1.0, linestyle="-.", zorder=1.2, label="_benchmark", **looks)
    said = " – ".join(write(end, kind, money).replace(".0%", "%") for end in dict.fromkeys(band))
    return f"dash-dotted: benchmark {said}"


def window_of(smooth: int | None) -> int:
    """Return over how many intervals to smooth; 1 for not at all."""
    try:
        window = 1 if smooth is None else index(smooth)
    except TypeError:
        window = 0
    if window < 1:
        raise InvalidInputError(f"smooth={smooth!r} is not a number of intervals. Pass 1 or more, such as 4.")
    return window
