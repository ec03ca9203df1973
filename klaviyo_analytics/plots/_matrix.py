"""Coloured cells in rows and columns, with their values written in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, Normalize, to_hex
from matplotlib.patches import Rectangle

from klaviyo_analytics.plots._canvas import characters, points
from klaviyo_analytics.plots._frame import Flags, Floats
from klaviyo_analytics.plots._quantities import Kind, write
from klaviyo_analytics.plots._style import PALETTE, contrast, ink
from klaviyo_analytics.plots._text import clip, legible, put_names
from klaviyo_analytics.plots._text import columns as width_of

_MOST_LABELS = 40
_LONGEST = 24
_AXES_SHARE = 0.775  # of the figure, as Matplotlib lays axes out at first


def draw_cells(
    ax: Axes,
    values: Floats,
    *,
    rows: Sequence[str],
    columns: Sequence[str],
    kind: Kind,
    currency: str | None = None,
    faint: Flags | None = None,
    highest: float | None = None,
    kwargs: dict[str, Any] | None = None,
) -> bool:
    """Draw a cell for each finite value; return whether the values were written into the cells.

    Cells without a value stay empty. `faint` marks cells whose values are not final: they are hatched.
    """
    known = values[np.isfinite(values)]
    high = highest if highest is not None else (float(known.max()) if len(known) else 1.0)
    scale = Normalize(min(0.0, float(known.min(initial=0.0))), high or 1.0)
    shades = LinearSegmentedColormap.from_list("cells", [ax.get_facecolor(), PALETTE[0]])
    masked = np.ma.masked_invalid(values)
    ax.pcolormesh(
        np.arange(values.shape[1] + 1) - 0.5,
        np.arange(values.shape[0] + 1) - 0.5,
        masked,
        cmap=shades,
        norm=scale,
        **{"edgecolors": ink(ax, 0.12), "linewidth": 0.6, **(kwargs or {})},
    )
    if faint is not None:
        _hatch(ax, faint & np.isfinite(values))
    ax.set_xlim(-0.5, values.shape[1] - 0.5)
    ax.set_ylim(values.shape[0] - 0.5, -0.5)
    ax.grid(visible=False)
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0, labelcolor=ink(ax, 0.75), labelsize=points())
    _labels(ax, rows, columns)
    return _write_values(ax, values, kind, currency, scale, shades, share_beside(ax, rows))


def scale_in_words(values: Floats, kind: Kind, currency: str | None = None) -> str | None:
    """Describe what the lightest and the darkest cell stand for, where the cells are too small for numbers."""
    known = values[np.isfinite(values)]
    if not len(known):
        return None
    low, high = (write(float(one), kind, currency) for one in (min(known.min(), 0.0), known.max()))
    return f"colour from {low} to {high}"


def share_beside(ax: Axes, rows: Sequence[str]) -> float:
    """Return how much of their width axes in a constrained layout keep beside the names of their rows."""
    whole = characters(ax) / _AXES_SHARE
    names = max((width_of(clip(name, _LONGEST)) for name in rows), default=0) + 7
    return float(min(max(whole - names, 0.3 * whole) / characters(ax), 1.0))


def _labels(ax: Axes, rows: Sequence[str], columns: Sequence[str]) -> None:
    every = max(-(-len(rows) // _MOST_LABELS), 1)
    ax.set_yticks(range(0, len(rows), every), [legible(clip(name, _LONGEST)) for name in rows[::every]])
    width = max((len(clip(name, _LONGEST)) for name in columns), default=1) + 1
    room = int(characters(ax) * share_beside(ax, rows))
    upright = len(columns) * width > room
    step = max(-(-len(columns) * 2 // room), 1) if upright and width <= 4 else 1
    step = max(step, -(-len(columns) // _MOST_LABELS))
    turned = upright and width > 4
    shown = [legible(clip(name, _LONGEST)) for name in columns[::step]]
    ax.set_xticks(range(0, len(columns), step), shown, rotation=90 if turned else 0)
    put_names([*ax.get_xticklabels(), *ax.get_yticklabels()])


def _write_values(
    ax: Axes,
    values: Floats,
    kind: Kind,
    currency: str | None,
    scale: Normalize,
    shades: LinearSegmentedColormap,
    share: float,
) -> bool:
    texts = {
        (row, column): write(float(values[row, column]), kind, currency)
        for row, column in zip(*np.nonzero(np.isfinite(values)), strict=True)
    }
    if kind == "rate":
        texts = {place: f"{values[place] * 100:.0f}" for place in texts}
    widest = max(map(len, texts.values()), default=0)
    room = characters(ax, 0.83) * share / max(values.shape[1], 1)
    height = ax.get_window_extent().height / ax.figure.dpi * 72 / max(values.shape[0], 1)
    if widest + 1 > room * 0.85 or height < points(1.1):
        return False
    for (row, column), text in texts.items():
        cell = to_hex(shades(float(scale(values[row, column]))))
        label = ax.text(
            column,
            row,
            text,
            ha="center",
            va="center",
            fontsize="small",
            color=max(("#ffffff", "#1a1a1a"), key=lambda colour: contrast(colour, cell)),
        )
        put_names([label])
    return True


def _hatch(ax: Axes, marked: Flags) -> None:
    for row, column in zip(*np.nonzero(marked), strict=True):
        corner = (float(column) - 0.5, float(row) - 0.5)
        looks: dict[str, Any] = {"fill": False, "hatch": "////", "edgecolor": ink(ax, 0.25), "linewidth": 0}
        ax.add_patch(Rectangle(corner, 1, 1, **looks))
