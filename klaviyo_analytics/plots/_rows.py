"""Summaries as rows of a chart: what a row is called, which rows are shown, and the names on the y axis."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import cycle

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from klaviyo_analytics.plots._canvas import characters, lines_down, points
from klaviyo_analytics.plots._frame import NO_NAME, Floats, names
from klaviyo_analytics.plots._names import told_apart
from klaviyo_analytics.plots._style import MOST_HUES, PALETTE, ink
from klaviyo_analytics.plots._text import columns, legible, put_names

_PARTS = ("message", "variation_name")
_SHAPES = ("o", "s", "^", "D", "v", "P", "X", "p")
_SHORTEST = 14
_TWO_LINES, _TWO_SMALL_LINES = 3.0, 2.3  # font sizes that a row needs for a name in two lines
_FEWEST = 4  # fewer rows keep the height that they would have among four


def row_names(frame: pd.DataFrame, noun: str) -> list[str]:
    """Name each row by campaign or flow, then by message and variation if the summary goes so deep.

    Rows of one name are told apart by the day they were sent, where the frame has it.
    """
    labels = names(frame, noun)
    for part in (column for column in _PARTS if column in frame.columns):
        labels = [
            name if own in name or own == NO_NAME else f"{name} · {own}"
            for name, own in zip(labels, names(frame, part), strict=True)
        ]
    if "send_time" not in frame.columns or len(set(labels)) == len(labels):
        return labels
    doubles = {name for name, count in Counter(labels).items() if count > 1}
    days = [f"{day.day} {day:%b}" if pd.notna(day) else "" for day in frame["send_time"]]
    return [
        f"{name} · {day}" if name in doubles and day else name for name, day in zip(labels, days, strict=True)
    ]


def noun_of(frame: pd.DataFrame, noun: str) -> str:
    """Return what a row of the summary is: a campaign, a message or a variation."""
    deeper = {"variation": "variation", "message": "message"}
    return next((word for column, word in deeper.items() if column in frame.columns), noun)


def largest(values: Floats, most: int) -> npt.NDArray[np.intp]:
    """Return the rows of the `most` largest values, in descending order; rows without a value never count."""
    known = np.flatnonzero(np.isfinite(values))
    return known[np.argsort(-values[known], kind="stable")][:most]


def name_rows(ax: Axes, labels: Sequence[str]) -> None:
    """Write the names beside the rows, top down, in about a third of the axes' width, and in two lines if high.

    Names in two lines are written smaller where rows are not much higher than those.
    """
    middle, half = (len(labels) - 1) / 2, max(len(labels), _FEWEST) / 2 + 0.1
    width = max(characters(ax) * 2 // 5, _SHORTEST)
    height = lines_down(ax) / (2 * half)
    legibly = [legible(label) for label in labels]
    small = height < _TWO_LINES and any(columns(label) > width for label in legibly)
    lines = 2 if height > _TWO_SMALL_LINES else 1
    size = 0.83 if small and lines == 2 else 1.0
    written = told_apart(legibly, int(width / size), lines=lines)
    ax.set_yticks(range(len(labels)), labels=written, fontsize=points(size), linespacing=1.1)
    put_names(ax.get_yticklabels())
    ax.set_ylim(middle + half, middle - half)


def hue_colours(ax: Axes, groups: Sequence[str] | None, rows: int) -> tuple[list[str], dict[str, str]]:
    """Return the colour of each row, and of each group: by name, or by size if too many; without any, blue."""
    if groups is None:
        return [PALETTE[0]] * rows, {}
    sizes = Counter(groups)
    order = sorted(sizes, key=lambda name: (-sizes[name], name))
    order = sorted(order) if len(order) <= MOST_HUES else order
    shade = {name: PALETTE[rank] if rank < MOST_HUES else ink(ax, 0.3) for rank, name in enumerate(order)}
    return [shade[name] for name in groups], shade


def shapes_of(shade: Mapping[str, str]) -> dict[str, str]:
    """Return the mark of each colour, so that groups differ also where colours do not print."""
    return dict(zip(dict.fromkeys(shade.values()), cycle(_SHAPES), strict=False))


def hue_legend(shade: Mapping[str, str], *, shapes: bool = False) -> tuple[list[Artist], list[str]]:
    """Return one mark per coloured group, and one for all the others; squares stand for bars."""
    shown = list(shade)[: MOST_HUES + 1]
    marks: list[Artist] = [
        Line2D(
            [],
            [],
            color=shade[name],
            marker=shapes_of(shade)[shade[name]] if shapes else "s",
            markersize=points(0.7),
            linestyle="none",
        )
        for name in shown
    ]
    others = [f"+{len(shade) - MOST_HUES} more"] if len(shade) > MOST_HUES else []
    return marks, [*shown[:MOST_HUES], *others]
