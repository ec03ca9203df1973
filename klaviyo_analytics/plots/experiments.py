"""Experiments as a forest of intervals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from klaviyo_analytics.plots._canvas import new_axes, points, put_caption, put_note, put_title, quiet
from klaviyo_analytics.plots._frame import draws, names, numbers, require
from klaviyo_analytics.plots._quantities import Kind, QuantityFormatter, in_words, quantity, write
from klaviyo_analytics.plots._rows import name_rows
from klaviyo_analytics.plots._style import PALETTE, ink, line_width


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
        ax.xaxis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 2.5, 5, 10], min_n_ticks=2))
        ax.xaxis.set_major_formatter(QuantityFormatter(kind))
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
