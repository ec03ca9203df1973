"""The numbers of an account as cards."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from klaviyo_analytics.errors import FrameError
from klaviyo_analytics.plots._canvas import characters, new_axes, put_caption, put_note, put_title
from klaviyo_analytics.plots._frame import draws, names, numbers, require
from klaviyo_analytics.plots._quantities import Kind, capitalised, quantity, write
from klaviyo_analytics.plots._style import PALETTE, ink
from klaviyo_analytics.plots._text import clip, put_names

_MEASURES = (
    "revenue",
    "orders",
    "average_order_value",
    "recipients",
    "open_rate",
    "click_rate",
    "conversion_rate",
)
_KINDS: tuple[Kind, ...] = ("count", "number", "money", "rate")
_LESS_IS_BETTER = ("bounce_rate", "unsubscribe_rate", "spam_complaint_rate")
_CARD = 20  # characters
_GAP = 0.04


@draws("the frame of client.account_summary(...)")
def scorecard(
    frame: pd.DataFrame,
    *,
    source: str | None = None,
    measures: tuple[str, ...] | None = None,
    title: str | None = None,
    ax: Axes | None = None,
    **kwargs: Any,
) -> Axes:
    """Draw the key numbers of an account as cards, each with its change to the period before.

    Parameters
    ----------
    frame : pandas.DataFrame
        The frame of `client.account_summary`: `source`, `measure`, `kind` and `value`; with `previous` and `change`
        if it was compared.
    source : str, optional
        Which rows: "all", "campaign", "flow" or "other". If omitted "all", or the first source of a frame without it;
        the title names it.
    measures : tuple of str, optional
        Which measures, in this order; those of revenue, orders and engagement that the source has if omitted.
    title : str, optional
        `""` for none.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure if omitted.
    **kwargs
        Passed to `matplotlib.patches.Rectangle`.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    FrameError
        If a column is missing, a measure has several rows, or the frame lacks the source or a measure.

    Examples
    --------
    >>> import pandas as pd
    >>> import klaviyo_analytics.plots as plots
    >>> frame = pd.DataFrame({"source": "all", "measure": ["revenue", "orders"], "kind": ["money", "count"]})
    >>> ax = plots.scorecard(frame.assign(value=[4966.0, 72.0], currency=["USD", None], change=[0.12, -0.03]))
    >>> [text.get_text() for text in ax.texts if text.get_gid() == "value"]
    ['$4,966', '72']
    """
    require(frame, ["source", "measure", "kind", "value"])
    ax = new_axes(ax)
    ax.set_axis_off()
    sources = names(frame, "source")
    source = source or ("all" if "all" in sources or not sources else sources[0])
    cards = _cards(frame, source, measures)
    put_title(ax, _heading(frame, source) if title is None else title)
    if cards.empty:
        ax.set_axis_on()
        put_note(ax, "No rows to draw")
        return ax
    across = min(max(characters(ax) // _CARD, 1), 4, len(cards))
    down = -(-len(cards) // across)
    ax.set_xlim(0, across)
    ax.set_ylim(down, 0)
    values = numbers(cards, "value")
    changes = numbers(cards, "change") if "change" in cards.columns else np.full(len(cards), np.nan)
    for place, (measure, kind) in enumerate(zip(names(cards, "measure"), names(cards, "kind"), strict=True)):
        row, column = divmod(place, across)
        box: dict[str, Any] = {
            "facecolor": ink(ax, 0.05),
            "edgecolor": ink(ax, 0.15),
            "linewidth": 0.8,
            **kwargs,
        }
        ax.add_patch(Rectangle((column + _GAP, row + _GAP), 1 - 2 * _GAP, 1 - 2 * _GAP, **box))
        currency = cards["currency"].iloc[place] if "currency" in cards.columns else None
        written = write(
            float(values[place]),
            next((known for known in _KINDS if known == kind), "number"),
            None if pd.isna(currency) else str(currency),
        )
        label = clip(capitalised(quantity(measure).label), _CARD + 2)
        _text(ax, column, row + 0.27, label, size="small", colour=ink(ax, 0.75), gid="label")
        _text(ax, column, row + 0.54, written, size="x-large", colour=ink(ax, 0.95), gid="value")
        if np.isfinite(changes[place]):
            change = float(changes[place])
            good = (change < 0) == (measure in _LESS_IS_BETTER) or change == 0
            arrow = "▲" if change > 0 else "▼" if change < 0 else "="
            shade = ink(ax, 0.75) if good else ink(ax, 0.95)
            _text(
                ax,
                column,
                row + 0.8,
                f"{arrow} {write(abs(change), 'rate')}",
                size="small",
                colour=shade,
                gid="change",
            )
            mark = PALETTE[0] if good else PALETTE[5]
            ax.add_patch(
                Rectangle((column + _GAP, row + _GAP), 0.02, 1 - 2 * _GAP, facecolor=mark, linewidth=0)
            )
    complete = (
        frame["complete"].astype("boolean").fillna(value=True).all() if "complete" in frame.columns else True
    )
    put_caption(
        ax,
        [
            "change to the period before; red: for the worse" if np.isfinite(changes).any() else None,
            None if complete else "the time frame is not over",
            f"time zone {frame.attrs['timezone']}" if frame.attrs.get("timezone") else None,
        ],
    )
    return ax


def _cards(frame: pd.DataFrame, source: str, measures: tuple[str, ...] | None) -> pd.DataFrame:
    """Return the rows to draw, in their order."""
    if frame.empty:
        return frame
    sources = names(frame, "source")
    if source not in sources:
        known = ", ".join(map(repr, dict.fromkeys(sources)))
        raise FrameError(f"the frame has no source {source!r}. It has {known}. Pass source= one of them.")
    rows = frame[[name == source for name in sources]]
    there = names(rows, "measure")
    if len(set(there)) < len(there):
        raise FrameError("a measure has several rows. Filter the frame to one time frame.")
    if missing := [name for name in measures or () if name not in there]:
        raise FrameError(
            f"the frame has no measure {missing[0]!r} of {source!r}. It has {', '.join(map(repr, there[:5]))}."
        )
    wanted = [name for name in measures or _MEASURES if name in there] or there[:8]
    return rows.iloc[[there.index(name) for name in wanted]]


def _heading(frame: pd.DataFrame, source: str) -> str:
    when = frame.attrs.get("timeframe")
    what = {"all": "The account", "campaign": "Campaigns", "flow": "Flows", "other": "Not attributed"}.get(
        source, source
    )
    return f"{what}, {when}" if when else what


def _text(ax: Axes, column: int, y: float, text: str, *, size: str, colour: str, gid: str) -> None:
    looks: dict[str, Any] = {"fontsize": size, "color": colour, "va": "center", "gid": gid}
    put_names([ax.text(column + 0.1, y, text, fontweight="bold" if gid == "value" else "normal", **looks)])
