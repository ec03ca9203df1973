"""Models of attribution beside each other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from klaviyo_analytics.analysis._engine import WrongFrame, listed
from klaviyo_analytics.errors import FrameError
from klaviyo_analytics.plots._canvas import (
    across_axis,
    new_axes,
    points,
    put_caption,
    put_legend,
    put_note,
    put_title,
    quiet,
)
from klaviyo_analytics.plots._frame import currency_of, draws, labels_of, names, numbers, require
from klaviyo_analytics.plots._quantities import in_words, write_column
from klaviyo_analytics.plots._rows import name_rows
from klaviyo_analytics.plots._style import MUTED, PALETTE, ink
from klaviyo_analytics.plots._text import put_names

_PREFIX = "revenue_"
_MARKS = ("o", "s", "^", "D", "v", "P", "X", "p")


@draws("the frame of ka.analysis.attribution_comparison(orders, touches, by='channel')")
def attribution_comparison(
    frame: pd.DataFrame,
    *,
    by: str | None = None,
    top: int = 12,
    title: str | None = None,
    ax: Axes | None = None,
    **kwargs: Any,
) -> Axes:
    """Draw the revenue that each model gives to each group: a row per group, a mark per model.

    Parameters
    ----------
    frame : pandas.DataFrame
        The frame of `analysis.attribution_comparison` with `by`.
    by : str, optional
        Column with the groups; the first that is neither the currency nor a revenue if omitted.
    top : int, default 12
        Groups with a row of their own, by the largest revenue under any model; the caption counts the others.
    title : str, optional
        `""` for none.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure if omitted.
    **kwargs
        Passed to `matplotlib.axes.Axes.scatter`.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    FrameError
        If no column holds the revenue of a model, a group occurs twice, or the money is in several currencies.

    Examples
    --------
    >>> import pandas as pd
    >>> import klaviyo_analytics.plots as plots
    >>> frame = pd.DataFrame({"channel": ["email", "text"], "revenue_last_touch": [80.0, 20.0]})
    >>> ax = plots.attribution_comparison(frame.assign(revenue_native=[60.0, 40.0], currency="EUR"))
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['last touch', 'Klaviyo']
    """
    require(frame, [by])
    models = [name for name in map(str, frame.columns) if name.startswith(_PREFIX)]
    key = by or next(
        (str(name) for name in frame.columns if name != "currency" and str(name) not in models), None
    )
    if not models or key is None or "touch_id" in frame.columns:
        raise WrongFrame(
            f"the frame has no groups with 'revenue_...' of models; it has {listed(map(str, frame.columns))}"
        )
    groups = labels_of(frame, key)
    if len(set(groups)) < len(groups):
        raise FrameError(
            f"a {key} stands in several rows. Compare by {key!r} alone, or name another column with by=."
        )
    money = currency_of(frame, None)
    values = (
        np.column_stack([numbers(frame, model) for model in models])
        if len(frame)
        else np.empty((0, len(models)))
    )
    groups, values, folded = _largest(groups, values, top)
    ax = new_axes(ax, rows=len(groups))
    quiet(ax, grid="x")
    rows_above = 0.0
    if np.isfinite(values).any():
        name_rows(ax, groups)
        spread = np.array([[np.nanmin(row), np.nanmax(row)] for row in values])
        ax.hlines(
            range(len(groups)), spread[:, 0], spread[:, 1], color=ink(ax, MUTED), linewidth=2.0, zorder=1
        )
        for place, _ in enumerate(models):
            ax.scatter(
                values[:, place],
                range(len(groups)),
                **{
                    "s": points(0.8) ** 2,
                    "marker": _MARKS[place % len(_MARKS)],
                    "color": PALETTE[place % len(PALETTE)],
                    "edgecolors": ax.get_facecolor(),
                    "zorder": 2 + place / 10,
                    "clip_on": False,
                    **kwargs,
                },
            )
        across_axis(ax, values, "money", money)
        handles = [
            Line2D(
                [],
                [],
                linestyle="none",
                marker=_MARKS[place % len(_MARKS)],
                color=PALETTE[place % len(PALETTE)],
                markersize=points(0.7),
            )
            for place, _ in enumerate(models)
        ]
        rows_above = put_legend(ax, handles, [_label(model) for model in models], beside=False, share=0.75)
    else:
        put_note(ax, "No revenue to draw" if len(frame) else "No rows to draw")
    words = in_words(key)
    put_title(
        ax,
        f"Attributed revenue by {words} and model" if title is None else title,
        rows_above=rows_above,
        share=0.75,
    )
    put_caption(
        ax,
        [
            f"Revenue in {money}" if money else "Revenue, currency not known",
            "every model shares out the same orders",
            f"{folded} smaller group{'s' if folded > 1 else ''} not shown" if folded else None,
        ],
        share=0.75,
    )
    return ax


def _label(model: str) -> str:
    name = model.removeprefix(_PREFIX)
    return "Klaviyo" if name == "native" else in_words(name)


def _largest(groups: list[str], values: np.ndarray, top: int) -> tuple[list[str], np.ndarray, int]:
    """Keep the groups with the largest revenue under any model, and count the rest."""
    if len(groups) <= top:
        return groups, values, 0
    order = np.argsort(-np.nanmax(np.abs(np.nan_to_num(values)), axis=1), kind="stable")[:top]
    return [groups[row] for row in order], values[order], len(groups) - len(order)


@draws("the frame of ka.analysis.bridge(orders, start=..., end=...)")
def bridge(
    frame: pd.DataFrame,
    *,
    zeros: bool = False,
    title: str | None = None,
    ax: Axes | None = None,
    **kwargs: Any,
) -> Axes:
    """Draw the steps from one number to another as a waterfall.

    Parameters
    ----------
    frame : pandas.DataFrame
        The frame of `analysis.bridge`: `step`, `kind` ("total" or "change"), `amount` and `currency`.
    zeros : bool, default False
        Whether steps of nothing have a row.
    title : str, optional
        `""` for none.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure if omitted.
    **kwargs
        Passed to `matplotlib.axes.Axes.barh`.

    Returns
    -------
    matplotlib.axes.Axes
        A bar per step, from top to bottom; every change begins where the one before ended.

    Raises
    ------
    FrameError
        If columns are missing, hold no numbers, or the money is in several currencies.

    Examples
    --------
    >>> import pandas as pd
    >>> import klaviyo_analytics.plots as plots
    >>> frame = pd.DataFrame({"step": ["by order", "sent before", "by send"], "kind": ["total", "change", "total"]})
    >>> ax = plots.bridge(frame.assign(amount=[100.0, -80.0, 20.0], currency="EUR"))
    >>> [text.get_text() for text in ax.texts if text.get_gid() == "amount"]
    ['€100.00', '−€80.00', '€20.00']
    """
    require(frame, ["step", "kind", "amount"])
    money = currency_of(frame, None)
    amounts = numbers(frame, "amount")
    totals = np.array([kind == "total" for kind in names(frame, "kind")], dtype=bool)
    kept = np.isfinite(amounts) & (totals | (amounts != 0) | zeros)
    steps = [name for name, keep in zip(names(frame, "step"), kept, strict=True) if keep]
    amounts, totals = amounts[kept], totals[kept]
    ax = new_axes(ax, rows=len(steps))
    quiet(ax, grid="x")
    if steps:
        name_rows(ax, steps)
        ends = _ends(amounts, totals)
        starts = np.where(totals, 0.0, ends - amounts)
        colours = [
            ink(ax, MUTED) if total else (PALETTE[0] if amount >= 0 else PALETTE[5])
            for total, amount in zip(totals, amounts, strict=True)
        ]
        ax.barh(range(len(steps)), ends - starts, left=starts, **{"height": 0.62, "color": colours, **kwargs})
        for row in range(len(steps) - 1):
            ax.plot([ends[row], ends[row]], [row + 0.31, row + 0.69], color=ink(ax, 0.4), linewidth=0.8)
        texts = [
            ax.annotate(
                said,
                xy=(max(start, end), row),
                xytext=(0.4, 0),
                textcoords="offset fontsize",
                va="center",
                color=ink(ax, 0.75),
                annotation_clip=False,
                gid="amount",
            )
            for row, (said, start, end) in enumerate(
                zip(write_column(amounts, "money", money), starts, ends, strict=True)
            )
        ]
        put_names(texts)
        low, high = min(0.0, float(np.min([starts, ends]))), max(0.0, float(np.max([starts, ends])))
        across_axis(ax, np.array([low, high]), "money", money, room=0.18)
        if low < 0:
            ax.axvline(0.0, color=ink(ax, 0.4), linewidth=0.8)
    else:
        put_note(ax, "No steps to draw" if len(frame) else "No rows to draw")
    put_title(ax, "Why the two numbers differ" if title is None else title)
    hidden = int((~kept).sum())
    put_caption(
        ax,
        [
            f"Attributed revenue in {money}" if money else "Attributed revenue, currency not known",
            f"{hidden} step{'s' if hidden > 1 else ''} of nothing left out" if hidden else None,
        ],
    )
    return ax


def _ends(amounts: np.ndarray, totals: np.ndarray) -> np.ndarray:
    """Return where each bar ends: a total at itself, a change after the running sum."""
    ends, running = [], 0.0
    for amount, total in zip(amounts, totals, strict=True):
        running = float(amount) if total else running + float(amount)
        ends.append(running)
    return np.array(ends)
