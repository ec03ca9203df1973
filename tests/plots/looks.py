"""What a reader sees on an Axes, as plain values."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.lines import Line2D


def draw(ax: Axes) -> Axes:
    """Render the figure, so that ticks are placed and missing glyphs would warn."""
    figure: Any = ax.figure
    while figure.figure is not figure:
        figure = figure.figure
    figure.canvas.draw()
    return ax


def texts(ax: Axes, gid: str) -> list[str]:
    return [text.get_text() for text in ax.texts if text.get_gid() == gid]


def caption(ax: Axes) -> str:
    return " ".join(texts(ax, "caption")).replace("\n", " · ")


def note(ax: Axes) -> str:
    return " ".join(texts(ax, "note"))


def legend(ax: Axes) -> list[str]:
    """Return what names the lines: the names where they end, from A to Z, and the entries of the legend."""
    shown = ax.get_legend()
    at_the_ends = [text.get_text() for text in ax.texts if str(text.get_gid()).startswith("series ")]
    return sorted(at_the_ends) + ([text.get_text() for text in shown.get_texts()] if shown else [])


def title(ax: Axes) -> str:
    return ax.get_title(loc="left")


def solid(ax: Axes) -> dict[str, Line2D]:
    """Return the lines of the data by name, without marks, comparison and zero line."""
    drawn = [line for line in ax.lines if line.get_linestyle() == "-"]
    return {str(line.get_label()): line for line in drawn if not str(line.get_label()).startswith("_")}


def only_line(ax: Axes) -> Line2D:
    """Return the line of a plot without hue."""
    (line,) = solid(ax).values()
    return line


def xs(line: Any) -> list[Any]:
    """Return the times of a line as they were given."""
    return list(line.get_xdata(orig=True))


def ys(line: Any) -> list[Any]:
    return list(line.get_ydata())


def bars(ax: Any, row: int) -> list[Any]:
    """Return the bars that were drawn in one go."""
    return list(ax.containers[row])


def colour(line: Line2D) -> str:
    return to_hex(line.get_color())


def x_labels(ax: Axes) -> list[str]:
    """Return the tick labels that are in view."""
    low, high = sorted(draw(ax).get_xlim())
    return [tick.label1.get_text() for tick in ax.xaxis.get_major_ticks() if low <= tick.get_loc() <= high]


def y_labels(ax: Axes) -> list[str]:
    """Return the tick labels that are in view."""
    low, high = sorted(draw(ax).get_ylim())
    return [tick.label1.get_text() for tick in ax.yaxis.get_major_ticks() if low <= tick.get_loc() <= high]


def dots(ax: Axes) -> list[list[float]]:
    """Return the points of a scatter, group after group."""
    return [list(map(float, point)) for group in ax.collections for point in np.asarray(group.get_offsets())]


def marks(group: Any) -> dict[str, Any]:
    """Return what tells a group of points from another."""
    return {"colour": to_hex(group.get_facecolor()[0]), "corners": len(group.get_paths()[0].vertices)}
