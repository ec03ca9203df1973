"""Where customers stand in recency, frequency and money, and how they move."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from klaviyo_analytics.analysis.rfm import KLAVIYO_GROUPS
from klaviyo_analytics.plots._canvas import new_axes, put_caption, put_note, put_title, quiet
from klaviyo_analytics.plots._format import write
from klaviyo_analytics.plots._frame import draws, names, numbers, require
from klaviyo_analytics.plots._matrix import draw_cells, scale_in_words

_MAP = "the frame of ka.analysis.rfm(...) or ka.analysis.klaviyo_rfm(...)"
_MOVES = "the frame of ka.analysis.klaviyo_rfm(..., previous=...)"
_NEW = "no other group before"


@draws(_MAP)
def rfm_map(frame: pd.DataFrame, *, title: str | None = None, ax: Axes | None = None, **kwargs: Any) -> Axes:
    """Draw how many customers have each pair of recency and frequency scores.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row per customer with the scores `r` and `f`, as `analysis.rfm` and `analysis.klaviyo_rfm` return it.
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
        If a column is missing or does not hold numbers.

    Examples
    --------
    >>> import pandas as pd
    >>> import klaviyo_analytics.plots as plots
    >>> ax = plots.rfm_map(pd.DataFrame({"r": [1, 3, 3], "f": [1, 3, 3]}))
    >>> sorted(text.get_text() for text in ax.texts if text.get_text().isdigit())
    ['0', '0', '0', '0', '0', '0', '0', '1', '2']
    """
    require(frame, ["r", "f"])
    recency, frequency = numbers(frame, "r"), numbers(frame, "f")
    ax = new_axes(ax)
    quiet(ax)
    put_title(ax, "Customers by recency and frequency" if title is None else title)
    known = (np.nan_to_num(recency) >= 1) & (np.nan_to_num(frequency) >= 1)
    if not known.any():
        put_note(
            ax,
            "No values: no row has scores of 1 or more in 'r' and 'f'" if len(frame) else "No rows to draw",
        )
        return ax
    bins = int(max(recency[known].max(), frequency[known].max(), 3))
    counts = np.zeros((bins, bins))
    np.add.at(counts, (bins - frequency[known].astype(int), recency[known].astype(int) - 1), 1)
    scores = [str(score) for score in range(1, bins + 1)]
    written = draw_cells(ax, counts, rows=scores[::-1], columns=scores, kind="count", kwargs=kwargs)
    ax.set_xlabel(f"recency score ({bins} = ordered most recently)")
    ax.set_ylabel(f"frequency score ({bins} = most orders)")
    left_out = len(frame) - int(known.sum())
    put_caption(
        ax,
        [
            f"{int(known.sum()):,} customers",
            None if written else scale_in_words(counts, "count"),
            f"{left_out:,} without scores not drawn" if left_out else None,
        ],
    )
    return ax


@draws(_MOVES)
def rfm_movement(
    frame: pd.DataFrame, *, title: str | None = None, ax: Axes | None = None, **kwargs: Any
) -> Axes:
    """Draw how many customers came from which RFM group into which.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row per customer: `group` and `previous_group`, as `analysis.klaviyo_rfm` returns them.
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
    >>> frame = pd.DataFrame({"group": ["Champions", "Loyal"], "previous_group": ["Loyal", None]})
    >>> ax = plots.rfm_movement(frame)
    >>> [label.get_text() for label in ax.get_xticklabels()]
    ['Champions', 'Loyal']
    """
    require(frame, ["group", "previous_group"])
    ax = new_axes(ax, rows=8)
    quiet(ax)
    put_title(ax, "Movement between RFM groups" if title is None else title)
    if frame.empty:
        put_note(ax, "No rows to draw")
        return ax
    now = names(frame, "group")
    before = [_NEW if pd.isna(one) else str(one) for one in frame["previous_group"].astype(object)]
    to, origin = _in_order(now), _in_order(before)
    counts = np.full((len(origin), len(to)), np.nan)
    pairs = pd.Series(list(zip(before, now, strict=True))).value_counts()
    for (source, target), count in pairs.items():
        counts[origin.index(source), to.index(target)] = count
    written = draw_cells(ax, counts, rows=origin, columns=to, kind="count", kwargs=kwargs)
    ax.set_xlabel("group now")
    ax.set_ylabel("previous group")
    moved = sum(one != _NEW for one in before)
    put_caption(
        ax,
        [
            f"{write(len(frame), 'count')} customers, {write(moved, 'count')} of them changed group",
            None if written else scale_in_words(counts, "count"),
        ],
    )
    return ax


def _in_order(found: list[str]) -> list[str]:
    """Return the groups from the best to the worst, then any others."""
    present = set(found)
    known = [name for name in KLAVIYO_GROUPS if name in present]
    others = sorted(present - set(known) - {_NEW})
    return [*known, *others, *([_NEW] if _NEW in present else [])]
