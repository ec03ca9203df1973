"""Which customers the expected value comes from."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from klaviyo_analytics.plots._canvas import new_axes, put_caption, put_note, put_title, quiet
from klaviyo_analytics.plots._format import write
from klaviyo_analytics.plots._frame import draws, numbers, require
from klaviyo_analytics.plots._style import PALETTE, ink, line_width


@draws("the frame of ka.analysis.customer_lifetime_value(...)")
def lifetime_value(
    frame: pd.DataFrame, *, title: str | None = None, ax: Axes | None = None, **kwargs: Any
) -> Axes:
    """Draw which share of the expected value comes from which share of the customers.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row per customer: `lifetime_value`, or `expected_orders` where no value is known, as
        `analysis.customer_lifetime_value` returns them.
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
        If a column is missing or does not hold numbers.

    Examples
    --------
    >>> import pandas as pd
    >>> import klaviyo_analytics.plots as plots
    >>> frame = pd.DataFrame({"expected_orders": [1.0, 0.5, 0.5], "lifetime_value": [60.0, 20.0, 20.0]})
    >>> ax = plots.lifetime_value(frame)
    >>> [round(float(value), 2) for value in ax.lines[0].get_ydata()]
    [0.0, 0.6, 0.8, 1.0]
    """
    require(frame, ["lifetime_value", "expected_orders"])
    values, subject = numbers(frame, "lifetime_value"), "expected value"
    if not np.isfinite(values).any():
        values, subject = numbers(frame, "expected_orders"), "expected orders"
    known = np.sort(values[np.isfinite(values)])[::-1]
    ax = new_axes(ax)
    quiet(ax)
    put_title(ax, f"Customers and their {subject}" if title is None else title)
    if not len(known):
        put_note(
            ax,
            f"No values: {'lifetime_value'!r} is missing in every row" if len(frame) else "No rows to draw",
        )
        return ax
    total = float(known.sum())
    share = np.concatenate([[0.0], np.cumsum(known) / (total or 1.0)])
    people = np.linspace(0, 1, len(share))
    looks: dict[str, Any] = {"color": PALETTE[0], "linewidth": line_width(), **kwargs}
    ax.plot(people, share, **looks)
    ax.fill_between(people, share, color=PALETTE[0], alpha=0.12, linewidth=0)
    ax.plot([0, 1], [0, 1], color=ink(ax, 0.3), linewidth=0.8)
    tenth = float(np.interp(0.1, people, share))
    ax.plot([0.1], [tenth], marker="o", color=PALETTE[0])
    ax.annotate(
        f"best 10 % of customers: {write(tenth, 'rate')}",
        (0.1, tenth),
        xytext=(0.8, -0.4),
        textcoords="offset fontsize",
        color=ink(ax, 0.8),
        va="top",
    )
    ax.set_xlim(0, 1)
    ax.set_ylim(0, 1.02)
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(PercentFormatter(1.0, decimals=0, symbol=" %"))
    ax.set_xlabel("share of customers, the best first")
    ax.set_ylabel(f"share of {subject}")
    left_out = len(frame) - len(known)
    put_caption(
        ax,
        [
            f"{len(known):,} customers, {subject} {write(total, 'number')} in all",
            "grey: if all were alike",
            f"{left_out:,} without a value not drawn" if left_out else None,
        ],
    )
    return ax
