"""Campaigns beside each other: ranked by a number, as points, and their A/B tests."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

from klaviyo_analytics._messages import counted
from klaviyo_analytics.analysis._engine import CAMPAIGNS, renamed
from klaviyo_analytics.plots._canvas import (
    across_axis,
    characters,
    legend_share,
    lines_down,
    new_axes,
    only_zeros,
    points,
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
    labels_of,
    names,
    numbers,
    of_conversion,
    require,
    who_counts,
)
from klaviyo_analytics.plots._quantities import (
    Kind,
    Quantity,
    QuantityFormatter,
    SummaryColumn,
    capitalised,
    in_words,
    quantity,
    write,
)
from klaviyo_analytics.plots._rows import (
    dates_of,
    draw_ranking,
    hue_colours,
    hue_legend,
    largest,
    name_rows,
    noun_of,
    only_group,
    row_names,
    shapes_of,
)
from klaviyo_analytics.plots._style import MOST_HUES, PALETTE, ink, line_width
from klaviyo_analytics.plots._text import put_names, told_apart

_LOG_FROM = 50
_LONGEST = 34
_ROOMY = 50  # characters; on narrower charts title, legend and caption take more lines


def draw_scatter(
    frame: pd.DataFrame,
    *,
    row_kind: str,
    x: str,
    y: str,
    hue: str | None = None,
    label: int = 4,
    scale: str = "auto",
    currency: str | None = None,
    title: str | None = None,
    ax: Axes | None = None,
    kwargs: Mapping[str, Any] = MappingProxyType({}),
) -> Axes:
    """Draw the points; rows that lack one of the two numbers are counted in the caption."""
    require(frame, [row_kind, x, y, hue])
    across, up = quantity(x), quantity(y)
    money = currency_of(frame, currency) if "money" in (across.kind, up.kind) else None
    xs, ys = numbers(frame, x), numbers(frame, y)
    logs = scale == "log" or (scale == "auto" and _spread(xs) > _LOG_FROM)
    known = np.isfinite(xs) & np.isfinite(ys) & ((xs > 0) | (not logs))
    shown, xs, ys = frame[known], xs[known], ys[known]
    ax = new_axes(ax)
    quiet(ax)
    rows_above = 0.0
    if len(shown):
        colours, shade = hue_colours(ax, labels_of(shown, hue) if hue else None, len(shown))
        for colour, shape in shapes_of(shade or {"": colours[0]}).items():
            rows = np.array(colours) == colour
            looks = {
                "color": colour,
                "marker": shape,
                "s": points(0.75) ** 2,
                "clip_on": False,
                "edgecolors": ax.get_facecolor(),
                "zorder": 2,
            }
            dots = ax.scatter(xs[rows], ys[rows], **{**looks, **kwargs})
            vars(dots)["hover_names"] = list(np.array(row_names(shown, row_kind), dtype=object)[rows])
        value_axis(ax, ys, up.kind, money)
        ax.set_xlabel(capitalised(across.label) + (" (log scale)" if logs else ""), color=ink(ax, 0.75))
        ax.set_ylabel(capitalised(up.label), color=ink(ax, 0.75))
        marks, groups = hue_legend(shade, shapes=True)
        rows_above = put_legend(ax, marks, groups)
        share = 1.0 if rows_above or not groups else 1.0 - legend_share(ax, groups)
        _x_axis(ax, xs, across, money, logs=logs, most=int(characters(ax) * share) // 8)
        points_named = label if hue != row_kind or len(shade) > MOST_HUES else 0  # the legend names them
        _name_points(ax, row_names(shown, row_kind), xs, ys, count=points_named, share=share)
    else:
        put_note(ax, "No row has both numbers" if len(frame) else "No rows to draw")
    ours = of_conversion(frame, f"{capitalised(up.label)} against {across.label}", y)
    ours = with_period(ax, ours, dates_of(shown))
    put_title(ax, ours if title is None else title, rows_above=rows_above)
    left_out = len(frame) - len(shown)
    put_caption(
        ax,
        [
            f"One point per {noun_of(frame, row_kind)}",
            _definition(up),
            _definition(across),
            _money(money, across, up),
            counted(len(shown), noun_of(frame, row_kind)),
            only_zeros(ys),
            only_group(shown, hue),
            who_counts(frame, [x, y]),
            f"{left_out} without both numbers left out" if left_out else None,
        ],
    )
    return ax


def _money(currency: str | None, *subjects: Quantity) -> str | None:
    if all(subject.kind != "money" for subject in subjects):
        return None
    return f"money in {currency}" if currency else "currency not stated"


def _spread(values: Floats) -> float:
    known = values[np.isfinite(values)]
    return float(known.max() / known.min()) if len(known) and known.min() > 0 else 0.0


def _definition(subject: Quantity) -> str | None:
    return f"{subject.label} = {subject.definition}" if subject.definition else None


def _x_axis(ax: Axes, xs: Floats, subject: Quantity, money: str | None, *, logs: bool, most: int) -> None:
    """Format the x axis with about `most` ticks, six at most."""
    ax.xaxis.set_major_formatter(QuantityFormatter(subject.kind, money))
    if logs:
        ax.set_xscale("log")
        ax.xaxis.set_major_locator(LogLocator(subs=(1.0, 3.0) if _spread(xs) < 1e3 else (1.0,)))
        ax.xaxis.set_minor_locator(NullLocator())
        ax.xaxis.set_major_formatter(QuantityFormatter(subject.kind, money, shared=False))
        ax.set_xlim(xs.min() / 1.3, xs.max() * 1.3)
        return
    ax.xaxis.set_major_locator(
        MaxNLocator(nbins=min(max(most, 2), 6), steps=[1, 2, 2.5, 5, 10], integer=subject.kind == "count")
    )
    low, high = min(float(xs.min()), 0.0), float(xs.max())
    room = (high - low) * 0.05 or 1.0
    ax.set_xlim(low - (room if low < 0 else 0.0), high + room)


def _name_points(
    ax: Axes, labels: list[str], xs: Floats, ys: Floats, *, count: int, share: float = 1.0
) -> None:
    """Label the highest points and the one farthest right, where a name covers neither a point nor a name.

    `share` is how much of their width the axes keep beside a legend.
    """
    up, right = largest(ys, len(ys)), largest(xs, 1)
    shown = told_apart(labels, _LONGEST)
    candidates = dict.fromkeys([*up[: max(count - 1, 1)], *right, *up[: 3 * count]])
    spots = ax.transAxes.inverted().transform(ax.transData.transform(np.column_stack([xs, ys])))
    letter, line = (
        1.0 / (characters(ax, 0.83) * share),
        1.3 * 0.83 / max(lines_down(ax) * (1.0 if characters(ax) >= _ROOMY else 0.5), 1.0),
    )
    taken = [(spot[0] - letter, spot[0] + letter, spot[1]) for spot in spots]
    named = 0
    for row in candidates:
        name = shown[row]
        at, height = spots[row]
        length = (len(name) + 1) * letter
        backwards = at + length + letter > 1
        if backwards and at < length:
            continue  # it fits on neither side
        start, end = (at - length, at - 1.5 * letter) if backwards else (at + 1.5 * letter, at + length)
        covers = any(
            start < other_end and other_start < end and abs(height - other) < line
            for other_start, other_end, other in taken
        )
        if covers:
            continue
        if named == count:
            break
        taken.append((start, end, height))
        named += 1
        text = ax.annotate(
            name,
            xy=(xs[row], ys[row]),
            xytext=(-0.8 if backwards else 0.8, 0),
            textcoords="offset fontsize",
            ha="right" if backwards else "left",
            va="center",
            fontsize="small",
            color=ink(ax, 0.7),
            gid="name",
        )
        put_names([text])


@renamed(rank_by="by")
@draws(CAMPAIGNS)
def campaign_ranking(
    frame: pd.DataFrame,
    *,
    by: SummaryColumn = "conversion_value",
    top: int = 10,
    hue: str | None = None,
    currency: str | None = None,
    title: str | None = None,
    ax: Axes | None = None,
    **kwargs: Any,
) -> Axes:
    """Rank campaigns by one number, largest first; a rate is followed by the size that it rests on.

    Parameters
    ----------
    frame : pandas.DataFrame
        Campaign summary, one row per campaign, message or variation.
    by : str
        Column of the number, such as `conversion_value`, `revenue_per_recipient` or `click_rate`.
    top : int
        How many to draw; the caption says of how many.
    hue : str, optional
        Column that colours the bars, such as `channel`.
    currency : str, optional
        Code such as `"EUR"`; read from the frame if not given.
    title : str, optional
        `""` for none.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure if not given, taller for many rows.
    **kwargs
        Passed to `matplotlib.axes.Axes.barh`.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    FrameError
        If a column is missing or holds no numbers, or currencies are mixed.

    Notes
    -----
    A rate is drawn as its row has it. Summaries make it of counts, such as click rate = unique clicks ÷ delivered,
    over those messages alone in which both are known: text messages have no open rate. `analysis.rates` lists the
    numerator and the denominator of each.

    Examples
    --------
    >>> import pandas as pd
    >>> import klaviyo_analytics.plots as plots
    >>> frame = pd.DataFrame(
    ...     {"campaign": ["Spring", "Sale"], "delivered": [900, 1800], "click_rate": [0.021, 0.034]}
    ... )
    >>> ax = plots.campaign_ranking(frame, by="click_rate")
    >>> [text.get_text() for text in ax.get_yticklabels()]
    ['Sale', 'Spring']
    """
    return draw_ranking(
        frame,
        row_kind="campaign",
        by=by,
        top=top,
        hue=hue,
        currency=currency,
        title=title,
        ax=ax,
        kwargs=kwargs,
    )


@draws(CAMPAIGNS)
def campaign_scatter(
    frame: pd.DataFrame,
    *,
    x: SummaryColumn = "recipients",
    y: SummaryColumn = "open_rate",
    hue: str | None = None,
    label: int = 4,
    scale: Literal["auto", "linear", "log"] = "auto",
    currency: str | None = None,
    title: str | None = None,
    ax: Axes | None = None,
    **kwargs: Any,
) -> Axes:
    """Draw one point per campaign: how a rate goes with the size of the audience.

    Parameters
    ----------
    frame : pandas.DataFrame
        Campaign summary, one row per campaign, message or variation.
    x, y : str
        Columns of the two numbers.
    hue : str, optional
        Column that colours the points, such as `channel`.
    label : int
        How many points to name: those that stand out, as long as the names do not cover each other.
    scale : {"auto", "linear", "log"}
        Scale of x; `"auto"` takes logarithms when sizes differ more than fiftyfold.
    currency : str, optional
        Code such as `"EUR"`; read from the frame if not given.
    title : str, optional
        `""` for none.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure if not given.
    **kwargs
        Passed to `matplotlib.axes.Axes.scatter`.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    FrameError
        If a column is missing or holds no numbers, or currencies are mixed.

    Notes
    -----
    A rate is drawn as its row has it. Summaries make it of counts, such as click rate = unique clicks ÷ delivered,
    over those messages alone in which both are known: text messages have no open rate. `analysis.rates` lists the
    numerator and the denominator of each.

    Examples
    --------
    >>> import pandas as pd
    >>> import klaviyo_analytics.plots as plots
    >>> frame = pd.DataFrame(
    ...     {"campaign": ["Spring", "Sale"], "recipients": [1000, 2000], "open_rate": [0.41, 0.38]}
    ... )
    >>> ax = plots.campaign_scatter(frame)
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('Recipients', 'Open rate')
    """
    return draw_scatter(
        frame,
        row_kind="campaign",
        x=x,
        y=y,
        hue=hue,
        label=label,
        scale=scale,
        currency=currency,
        title=title,
        ax=ax,
        kwargs=kwargs,
    )


@draws("the frame of ka.analysis.ab_test(...)")
def ab_forest(
    frame: pd.DataFrame, *, title: str | None = None, ax: Axes | None = None, **kwargs: Any
) -> Axes:
    """Draw the difference of each variation to the control, with its interval.

    Parameters
    ----------
    frame : pandas.DataFrame
        The frame of `analysis.ab_test`.
    title : str, optional
        `""` for none.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure if omitted.
    **kwargs
        Passed to `matplotlib.axes.Axes.scatter`.

    Returns
    -------
    matplotlib.axes.Axes
        A point per variation, filled where the interval leaves zero out; variations that cannot be compared have no
        point. The control is named in the caption.

    Raises
    ------
    FrameError
        If columns are missing or hold no numbers.

    Notes
    -----
    A rate is its numerator ÷ its denominator as `analysis.rates` lists them, both added up over those rows of a
    variation alone in which both are known.

    Examples
    --------
    >>> import pandas as pd
    >>> import klaviyo_analytics.plots as plots
    >>> from klaviyo_analytics import analysis
    >>> sent = pd.DataFrame({"variation": ["A", "B"], "delivered": [2400, 2380], "clicks_unique": [120, 150]})
    >>> ax = plots.ab_forest(analysis.ab_test(sent))
    >>> ax.get_title(loc="left")
    'Click rate, difference to A'
    """
    require(
        frame,
        ["variation", "is_control", "measure", "unit", "difference", "difference_low", "difference_high"],
    )
    control = frame["is_control"].astype("boolean").fillna(value=False).to_numpy(dtype=bool)
    base = names(frame, "variation")[int(np.argmax(control))] if control.any() else "the control"
    rows = frame[~control].reset_index(drop=True)
    measure = names(frame, "measure")[0] if len(frame) else "click_rate"
    kind: Kind = "rate" if not len(frame) or names(frame, "unit")[0] == "fraction" else "number"
    ax = new_axes(ax, rows=len(rows))
    quiet(ax, grid="x")
    middle, low, high = (numbers(rows, name) for name in ("difference", "difference_low", "difference_high"))
    known = np.isfinite(middle)
    if known.any():
        name_rows(ax, names(rows, "variation"))
        ax.axvline(0.0, color=ink(ax, 0.55), linewidth=1.0)
        for row in np.flatnonzero(known):
            clear = bool(low[row] > 0 or high[row] < 0)
            shade = PALETTE[0] if clear else ink(ax, 0.5)
            ends = [low[row], high[row]]
            if np.isfinite(ends).all():
                ax.plot(ends, [row, row], color=shade, linewidth=line_width(), solid_capstyle="round")
            ax.scatter(
                [middle[row]],
                [row],
                **{
                    "s": points(0.75) ** 2,
                    "marker": "o",
                    "facecolors": shade if clear else ax.get_facecolor(),
                    "edgecolors": shade,
                    "linewidths": line_width(),
                    "zorder": 3,
                    **kwargs,
                },
            )
        across_axis(ax, np.concatenate([middle, low, high]), kind)
        first, last = ax.get_xlim()
        if first < 0:  # an interval that ends beside the frame would seem to go on behind it
            ax.spines["left"].set_visible(False)
            ax.set_xlim(first - 0.03 * (last - first), last)
    else:
        put_note(ax, "No variation to compare" if len(frame) else "No rows to draw")
    words = quantity(measure).label if kind == "rate" else in_words(measure)
    put_title(ax, f"{words[:1].upper()}{words[1:]}, difference to {base}" if title is None else title)
    base_value = (
        numbers(frame, "estimate")[int(np.argmax(control))]
        if control.any() and "estimate" in frame
        else np.nan
    )
    put_caption(
        ax,
        [
            f"Control: {base}, {write(float(base_value), kind)}" if np.isfinite(base_value) else None,
            "Filled: the interval leaves zero out",
            "Percentage points" if kind == "rate" else None,
            quantity(measure).definition or None,
        ],
    )
    return ax
