"""Why two numbers differ, as a waterfall."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from klaviyo_analytics.plots._canvas import new_axes, put_caption, put_note, put_title, quiet
from klaviyo_analytics.plots._format import QuantityFormatter, write
from klaviyo_analytics.plots._frame import currency_of, draws, names, numbers, require
from klaviyo_analytics.plots._rows import name_rows
from klaviyo_analytics.plots._style import PALETTE, ink
from klaviyo_analytics.plots._text import put_names


@draws("the frame of ka.analysis.bridge(orders, start=..., end=...)")
def bridge(
    frame: pd.DataFrame, *, zeros: bool = False, title: str | None = None, ax: Axes | None = None
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
            ink(ax, 0.45) if total else (PALETTE[0] if amount >= 0 else PALETTE[5])
            for total, amount in zip(totals, amounts, strict=True)
        ]
        ax.barh(range(len(steps)), ends - starts, left=starts, height=0.62, color=colours)
        for row in range(len(steps) - 1):
            ax.plot([ends[row], ends[row]], [row + 0.31, row + 0.69], color=ink(ax, 0.4), linewidth=0.8)
        texts = [
            ax.annotate(
                write(float(amount), "money", money),
                xy=(max(start, end), row),
                xytext=(0.4, 0),
                textcoords="offset fontsize",
                va="center",
                color=ink(ax, 0.75),
                annotation_clip=False,
                gid="amount",
            )
            for row, (amount, start, end) in enumerate(zip(amounts, starts, ends, strict=True))
        ]
        put_names(texts)
        low, high = min(0.0, float(np.min([starts, ends]))), max(0.0, float(np.max([starts, ends])))
        room = (high - low) or 1.0
        ax.set_xlim(low - (0.04 * room if low < 0 else 0.0), high + 0.18 * room)
        if low < 0:
            ax.axvline(0.0, color=ink(ax, 0.4), linewidth=0.8)
        ax.xaxis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 2.5, 5, 10], min_n_ticks=2))
        ax.xaxis.set_major_formatter(QuantityFormatter("money", money))
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


def _ends(amounts: np.ndarray, totals: np.ndarray) -> np.ndarray:  # type: ignore[type-arg]
    """Return where each bar ends: a total at itself, a change after the running sum."""
    ends, running = [], 0.0
    for amount, total in zip(amounts, totals, strict=True):
        running = float(amount) if total else running + float(amount)
        ends.append(running)
    return np.array(ends)
