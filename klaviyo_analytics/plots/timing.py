"""When messages work: hours of sending, time until the order, messages in quick succession."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import MaxNLocator

from klaviyo_analytics.errors import FrameError
from klaviyo_analytics.plots._canvas import (
    characters,
    new_axes,
    points,
    put_caption,
    put_legend,
    put_note,
    put_title,
    quiet,
    value_axis,
)
from klaviyo_analytics.plots._frame import draws, labels_of, names, numbers, require
from klaviyo_analytics.plots._quantities import QuantityFormatter, write
from klaviyo_analytics.plots._style import MOST_HUES, MUTED, PALETTE, ink, line_width, tint

_ROOMY = 60  # characters across for a label every three hours
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@draws("the frame of ka.analysis.send_times(sends, reactions)")
def send_time_heatmap(
    frame: pd.DataFrame, *, title: str | None = None, ax: Axes | None = None, **kwargs: Any
) -> Axes:
    """Draw the rate of reaction by weekday and hour of sending.

    Parameters
    ----------
    frame : pandas.DataFrame
        The frame of `analysis.send_times` by weekday and hour.
    title : str, optional
        `""` for none.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure if omitted.
    **kwargs
        Passed to `matplotlib.axes.Axes.pcolormesh`.

    Returns
    -------
    matplotlib.axes.Axes
        A cell per hour in which something was sent. Cells with too few sends are hatched.

    Raises
    ------
    FrameError
        If columns are missing, or two rows are of the same hour.

    Notes
    -----
    The rate is sends that led to a reaction ÷ sends of that hour. Sends count whose reaction can be known: those with
    a profile, a message and a time.

    Examples
    --------
    >>> import pandas as pd
    >>> import klaviyo_analytics.plots as plots
    >>> frame = pd.DataFrame({"weekday": [0], "hour": [9], "sends": [200], "rate": [0.1], "enough": [True]})
    >>> plots.send_time_heatmap(frame).get_title(loc="left")
    'Reactions by hour of sending'
    """
    require(frame, ["weekday", "hour", "sends", "rate", "enough"])
    if frame.duplicated(["weekday", "hour"]).any():
        raise FrameError(
            "several rows are of the same weekday and hour. Filter the frame to one group, "
            "or count with send_times(..., by=('weekday', 'hour'))."
        )
    ax = new_axes(ax)
    quiet(ax)
    ax.grid(visible=False)
    rate = numbers(frame, "rate")
    if np.isfinite(rate).any():
        grid = np.full((7, 24), np.nan)
        few = np.zeros((7, 24), dtype=bool)
        enough = frame["enough"].astype("boolean").fillna(value=False).to_numpy(dtype=bool)
        day, hour = numbers(frame, "weekday").astype(int), numbers(frame, "hour").astype(int)
        grid[day, hour], few[day, hour] = rate, ~enough
        shades = LinearSegmentedColormap.from_list("rates", [tint(ax, PALETTE[0], 0.08), PALETTE[0]])
        judged = rate[enough & np.isfinite(rate)]
        reference = judged if len(judged) else rate[np.isfinite(rate)]
        low, high = float(reference.min()), float(reference.max())
        mesh = ax.pcolormesh(
            np.arange(25) - 0.5,
            np.arange(8) - 0.5,
            np.ma.masked_invalid(grid),
            cmap=shades,
            vmin=low if high > low else 0.0,
            vmax=high or 1.0,
            **{"edgecolors": ax.get_facecolor(), "linewidth": 1.0, **kwargs},
        )
        for row, column in zip(*np.nonzero(few & np.isfinite(grid)), strict=True):
            ax.add_patch(_hatched(ax, float(column), float(row)))
        ax.set_yticks(range(7), labels=list(_DAYS))
        step = 3 if characters(ax) >= _ROOMY else 6
        ax.set_xticks(range(0, 24, step), labels=[f"{number}:00" for number in range(0, 24, step)])
        ax.set_ylim(6.5, -0.5)
        ax.set_xlim(-0.5, 23.5)
        figure: Any = ax.figure
        bar = figure.colorbar(mesh, ax=ax, pad=0.02, extend="neither")
        bar.outline.set_visible(False)
        bar.ax.tick_params(colors=ink(ax, 0.4), labelcolor=ink(ax, 0.75), labelsize=points(), length=0)
        bar.locator = MaxNLocator(nbins=4)
        bar.formatter = QuantityFormatter("rate")
        bar.update_ticks()
    else:
        put_note(ax, "No rates to draw" if len(frame) else "No rows to draw")
    put_title(ax, "Reactions by hour of sending" if title is None else title, share=0.85)
    total = float(np.nansum(numbers(frame, "sends"))) if len(frame) else 0.0
    put_caption(
        ax,
        [
            f"Reactions ÷ sends, credited to the hour of sending; {write(total, 'count')} sends",
            "hatched: too few sends to judge" if len(frame) else None,
        ],
        share=0.85,
    )
    return ax


@draws("the frame of ka.analysis.conversion_lag(credited)")
def conversion_lag(
    frame: pd.DataFrame,
    *,
    hue: str | None = None,
    title: str | None = None,
    ax: Axes | None = None,
    **kwargs: Any,
) -> Axes:
    """Draw the share of orders by the time since the message.

    Parameters
    ----------
    frame : pandas.DataFrame
        The frame of `analysis.conversion_lag`.
    hue : str, optional
        Column with the groups, if the frame has several, such as "channel". The largest seven groups have a bar each
        and the others share one.
    title : str, optional
        `""` for none.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure if omitted.
    **kwargs
        Passed to `matplotlib.axes.Axes.bar`.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    FrameError
        If columns are missing, or a bucket stands twice without `hue`.

    Examples
    --------
    >>> import pandas as pd
    >>> import klaviyo_analytics.plots as plots
    >>> frame = pd.DataFrame({"bucket": ["0-1 h", "1-6 h"], "from_hours": [0.0, 1.0], "to_hours": [1.0, 6.0]})
    >>> ax = plots.conversion_lag(frame.assign(orders=[3.0, 1.0]))
    >>> [round(float(bar.get_height()), 2) for bar in ax.patches]
    [0.75, 0.25]
    """
    require(frame, ["bucket", "from_hours", "to_hours", "orders", hue])
    held = pd.DataFrame(
        {
            "bucket": names(frame, "bucket"),
            "from": numbers(frame, "from_hours"),
            "orders": numbers(frame, "orders"),
            "group": labels_of(frame, hue) if hue else "",
        }
    )
    if held.duplicated(["bucket", "group"]).any():
        raise FrameError("a bucket stands twice. Name the column with the groups: hue='channel'.")
    ax = new_axes(ax)
    quiet(ax)
    rows_above = 0.0
    totals = held.groupby("group", sort=False)["orders"].sum().sort_values(ascending=False, kind="stable")
    totals = totals[totals > 0]
    if len(totals):
        shown = list(totals.index) if len(totals) <= MOST_HUES else list(totals.index[: MOST_HUES - 1])
        held["group"] = held["group"].where(held["group"].isin(shown), "others")
        groups = [*shown, *(["others"] if len(totals) > len(shown) else [])]
        buckets = held.sort_values("from", kind="stable")["bucket"].drop_duplicates().tolist()
        table = held.pivot_table(index="bucket", columns="group", values="orders", aggfunc="sum").reindex(
            buckets
        )
        width = 0.8 / len(groups)
        heights = []
        for place, group in enumerate(groups):
            share = (table[group] / table[group].sum()).fillna(0.0).to_numpy(dtype=float)
            heights.append(share)
            left = np.arange(len(buckets)) - 0.4 + width * (place + 0.5)
            colour = (
                ink(ax, MUTED)
                if group == "others" and place == len(groups) - 1 and len(groups) > 1
                else PALETTE[place]
            )
            ax.bar(left, share, **{"width": width * 0.92, "color": colour, **kwargs})
        value_axis(ax, np.concatenate(heights), "rate", None)
        ax.set_xticks(range(len(buckets)), labels=buckets)
        if len(groups) > 1:
            handles = [Patch(color=ax.containers[place][0].get_facecolor()) for place in range(len(groups))]
            rows_above = put_legend(ax, handles, [str(group) for group in groups])
    else:
        put_note(ax, "No orders to draw" if len(frame) else "No rows to draw")
    put_title(ax, "Time from message to order" if title is None else title, rows_above=rows_above)
    put_caption(
        ax,
        [
            f"Share of {write(float(totals.sum()), 'count' if float(totals.sum()).is_integer() else 'number')} orders"
            + (" in each group" if hue else ""),
            "upper bounds belong to their bucket",
        ],
    )
    return ax


@draws("the frame of ka.analysis.fatigue(sends, reactions)")
def fatigue(frame: pd.DataFrame, *, title: str | None = None, ax: Axes | None = None, **kwargs: Any) -> Axes:
    """Draw the rate of reaction by the number of messages in the days before.

    Parameters
    ----------
    frame : pandas.DataFrame
        The frame of `analysis.fatigue`.
    title : str, optional
        `""` for none.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure if omitted.
    **kwargs
        Passed to `matplotlib.axes.Axes.plot`.

    Returns
    -------
    matplotlib.axes.Axes
        The plain rate with its interval, and the rate within persons as a line.

    Raises
    ------
    FrameError
        If columns are missing or hold no numbers.

    Notes
    -----
    The rate is sends that led to a reaction ÷ sends with as many messages before them. Sends count whose reaction can
    be known: those with a profile, a message and a time.

    Examples
    --------
    >>> import pandas as pd
    >>> import klaviyo_analytics.plots as plots
    >>> frame = pd.DataFrame({"earlier": [0, 1], "sends": [90, 40], "rate": [0.2, 0.1], "low": [0.13, 0.04]})
    >>> ax = plots.fatigue(frame.assign(high=[0.3, 0.24], within_rate=[0.18, 0.14]))
    >>> ax.get_xlabel()
    'messages in the days before'
    """
    require(frame, ["earlier", "sends", "rate", "low", "high", "within_rate"])
    ax = new_axes(ax)
    quiet(ax)
    rows_above = 0.0
    x, rate, low, high, own = (
        numbers(frame, name) for name in ("earlier", "rate", "low", "high", "within_rate")
    )
    known = np.isfinite(rate)
    if known.any():
        ax.vlines(x[known], low[known], high[known], color=ink(ax, MUTED), linewidth=line_width())
        ax.scatter(x[known], rate[known], s=points(0.7) ** 2, color=ink(ax, 0.6), zorder=3)
        ax.plot(
            x[known],
            own[known],
            **{
                "color": PALETTE[0],
                "linewidth": line_width(),
                "marker": "o",
                "markersize": points(0.35),
                **kwargs,
            },
        )
        value_axis(ax, np.concatenate([high[known], own[known], low[known]]), "rate", None)
        ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        ax.set_xlim(float(x[known].min()) - 0.5, float(x[known].max()) + 0.5)
        ax.set_xlabel("messages in the days before", color=ink(ax, 0.75))
        handles = [
            Line2D([], [], marker="o", color=ink(ax, 0.6), linewidth=line_width(), markersize=points(0.6)),
            Line2D([], [], color=PALETTE[0], linewidth=line_width(), marker="o", markersize=points(0.35)),
        ]
        rows_above = put_legend(ax, handles, ["all sends, with interval", "within persons"], beside=False)
    else:
        put_note(ax, "No rates to draw" if len(frame) else "No rows to draw")
    put_title(
        ax, "Reactions by messages in the days before" if title is None else title, rows_above=rows_above
    )
    slope = numbers(frame, "slope")[:1] if "slope" in frame.columns and len(frame) else np.array([np.nan])
    said = (
        f"each further message: {slope[0] * 100:+.2f} points, within persons"
        if np.isfinite(slope[0])
        else None
    )
    put_caption(ax, ["Reactions ÷ sends; the last number stands for it and more", said])
    return ax


def _hatched(ax: Axes, column: float, row: float) -> Patch:
    return Rectangle(
        (column - 0.5, row - 0.5),
        1,
        1,
        facecolor=ax.get_facecolor(),
        alpha=1.0,
        edgecolor=ink(ax, 0.25),
        hatch="////",
        linewidth=0.0,
    )
