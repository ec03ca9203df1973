"""Around the data: a new figure, quiet axes, title, legend, caption, the note on an empty plot."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from textwrap import fill, wrap
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.text import Annotation
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import Bbox, ScaledTranslation

from klaviyo_analytics.plots._frame import Floats
from klaviyo_analytics.plots._quantities import Kind, QuantityFormatter
from klaviyo_analytics.plots._style import ink
from klaviyo_analytics.plots._text import clip, put_names, told_apart

_FIGURE_SIZE = (8.0, 4.5)
_CHARACTER = 0.52  # mean width of a character, in units of the font size
_BOLD = 1.15  # bold type is wider
_LEGEND_NAME, _SHORTEST_NAME = 32, 10
_LEGEND_MARK = 7  # characters that a mark and the space around it take
_FEW_ROWS = 3
_NARROWEST = 12  # characters of a line


def new_axes(ax: Axes | None, *, rows: int = 0) -> Axes:
    """Return `ax`, or the Axes of a new figure with constrained layout, with room for `rows` names."""
    if ax is not None:
        return ax
    width, height = figure_size(_FIGURE_SIZE)
    needed = points(1.75 * rows + 10) / 72
    _, created = plt.subplots(figsize=(width, max(height, needed)), layout="constrained")
    return created


def new_grid(
    down: int, across: int, *, size: tuple[float, float], least: tuple[float, float]
) -> tuple[Figure, list[Axes]]:
    """Return a new figure of `down` times `across` charts, at `size` inches or scaled to the user's figures.

    Each chart has a subfigure of its own, so that the long names of one take no room from another. `least` is the
    width and height of a chart in font sizes, below which its texts would not fit: the figure is made larger then.
    """
    width, height = figure_size(size)
    width = max(width, points(least[0]) / 72 * across)
    height = max(height, points(least[1]) / 72 * down)
    figure = plt.figure(figsize=(width, height), layout="constrained")
    if isinstance(engine := figure.get_layout_engine(), ConstrainedLayoutEngine):
        engine.set(h_pad=points(0.9) / 72, w_pad=points(0.9) / 72)
    cells = figure.subfigures(down, across, squeeze=False)
    return figure, [cell.subplots() for cell in cells.flat]


def figure_size(ours: tuple[float, float]) -> tuple[float, float]:
    """Return the size that the user set for figures, or ours, scaled to what the user set for type."""
    theirs = mpl.rcParams["figure.figsize"]
    if list(theirs) == list(mpl.rcParamsDefault["figure.figsize"]):
        return ours
    scale = theirs[0] / _FIGURE_SIZE[0]
    return (theirs[0], theirs[1]) if ours == _FIGURE_SIZE else (ours[0] * scale, ours[1] * scale)


def points(size: float = 1.0) -> float:
    """Return `size` times the font size, in points."""
    return size * float(mpl.rcParams["font.size"])


def characters(ax: Axes, size: float = 1.0) -> int:
    """Return about how many characters of `size` times the font fit beside each other on the axes."""
    inches = ax.get_window_extent().width / ax.figure.dpi
    return max(int(inches * 72 / (points(size) * _CHARACTER)), 20)


def lines_down(ax: Axes) -> float:
    """Return about how many lines of type fit below each other on the axes.

    A constrained layout will give them all of their cell but for title, legend and caption.
    """
    figure: Any = ax.figure
    height = ax.get_window_extent().height / figure.dpi * 72 / points()
    while figure.figure is not figure:
        figure = figure.figure
    if not isinstance(figure.get_layout_engine(), ConstrainedLayoutEngine):
        return float(height)
    share = mpl.rcParams["figure.subplot.top"] - mpl.rcParams["figure.subplot.bottom"]
    return max(float(height / share) - 6.5, 1.0)


def quiet(ax: Axes, *, grid: str = "y") -> None:
    """Hide what carries no information, on these axes only; `grid` is the axis with the values."""
    ax.set_axisbelow(True)
    ax.grid(visible=False)
    ax.grid(visible=True, axis=grid, color=ink(ax, 0.1), linewidth=0.8)  # type: ignore[arg-type]
    for side in ("top", "right", "left", "bottom"):
        ax.spines[side].set_visible(side == ("bottom" if grid == "y" else "left"))
        ax.spines[side].set_color(ink(ax, 0.4))
    ax.tick_params(axis="both", colors=ink(ax, 0.4), labelcolor=ink(ax, 0.75), labelsize=points(), length=0)
    for axis in (ax.xaxis, ax.yaxis):
        axis.label.set_fontsize(points())
    if grid == "y":
        ax.tick_params(axis="x", length=3, pad=points(0.45))


def with_period(ax: Axes, title: str, period: str, *, share: float = 1.0) -> str:
    """Return the title with the dates behind it, if both fit in two lines; else the title alone."""
    if not period or not title:
        return title
    room = int(characters(ax, 1.2 * _BOLD) * share)
    dated = f"{title}, {period}"
    return dated if len(wrap(dated, width=room)) <= 2 else title


def put_title(ax: Axes, title: str, *, rows_above: float = 0.0, share: float = 1.0) -> None:
    """Write the title above `rows_above` rows of text that stand on the axes.

    `share` is how much of their width the axes will keep when names or numbers stand beside them.
    """
    room = int(characters(ax, 1.2 * _BOLD) * share)
    whole = " ".join(title.split())
    lines = fill(whole, width=room, max_lines=2, placeholder=" …")
    what, comma, when = whole.rpartition(", ")
    if "\n" in lines and comma and "–" in when and max(len(what) + 1, len(when)) <= room:
        lines = f"{what},\n{when}"  # dates are not cut in two
    text = ax.set_title(
        lines,
        loc="left",
        pad=points(0.7 + 1.5 * rows_above),
        color=ink(ax, 0.85),
        fontweight="bold",
        fontsize="large",
    )
    put_names([text])


def put_caption(ax: Axes, parts: Sequence[str | None], *, share: float = 1.0) -> None:
    """Write what a reader must know - denominator, time zone, currency - small, below the axis labels."""
    said = [part for part in parts if part]
    if not said:
        return
    width = int(characters(ax, 0.83) * share)
    caption = ax.annotate(
        _lines_of(said, width=width),
        xy=(0, 0),
        xycoords=("axes fraction", partial(_below, ax)),
        xytext=(0, -0.5),
        textcoords="offset fontsize",
        va="top",
        ha="left",
        fontsize="small",
        color=ink(ax, 0.55),
        annotation_clip=False,
        gid="caption",
    )
    put_names([caption])
    if ax.figure.get_layout_engine() is None:
        _make_room(ax, caption, said, width)


def _make_room(ax: Axes, caption: Annotation, said: Sequence[str], width: int) -> None:
    """Keep what stands around the axes inside a figure that has no layout engine, as those of callers may not."""
    figure = ax.figure.bbox
    while caption.get_window_extent().x1 > figure.x1 and width > _NARROWEST:
        width = int(width * 0.9)
        caption.set_text(_lines_of(said, width=width))
        put_names([caption])
    box = ax.get_tightbbox()
    if box is None:
        return
    place = ax.get_position()
    lower, upper = max(figure.y0 - box.y0, 0.0), max(box.y1 - figure.y1, 0.0)
    bottom, top = place.y0 + lower / figure.height, place.y1 - upper / figure.height
    if (lower or upper) and top - bottom > place.height / 4:
        ax.set_position((place.x0, bottom, place.width, top - bottom))


def figure_title(figure: Figure, title: str) -> None:
    """Write one title over all charts of a figure."""
    if title:
        text = figure.suptitle(
            " ".join(title.split()), x=0.01, ha="left", fontweight="bold", fontsize="x-large"
        )
        text.set_color(ink(figure.axes[0], 0.85))
        put_names([text])


def figure_caption(figure: Figure, parts: Sequence[str | None]) -> None:
    """Write one caption under all charts of a figure."""
    width = int(figure.get_figwidth() * 72 / (points(0.83) * _CHARACTER))
    said = _lines_of([part for part in parts if part], width=width)
    text = figure.supxlabel(said, x=0.01, ha="left", fontsize="small", color=ink(figure.axes[0], 0.55))
    put_names([text])


def value_axis(ax: Axes, values: Floats, kind: Kind, money: str | None) -> None:
    """Format the y axis from zero, or below it where values are, to the first tick beyond the largest value."""
    known = values[np.isfinite(values)]
    locator = MaxNLocator(nbins=5, steps=[1, 2, 2.5, 5, 10], integer=kind == "count", min_n_ticks=2)
    ax.yaxis.set_major_locator(locator)
    ax.yaxis.set_major_formatter(QuantityFormatter(kind, money))
    low, high = float(min(known.min(), 0.0)), float(max(known.max(), 0.0))
    ticks = locator.tick_values(low, high) if high > low else [low, high + 1.0]
    room = (high - low) * 0.06
    ax.set_ylim(low - room if low < 0 else 0.0, max(float(ticks[-1]), high))
    if low < 0:
        ax.axhline(0.0, color=ink(ax, 0.4), linewidth=0.8)


def across_axis(ax: Axes, values: Floats, kind: Kind, money: str | None = None, *, room: float = 0.0) -> None:
    """Format the x axis from zero, or the first tick below it, to the first tick beyond the largest value.

    `room` is the share of the axis to keep free behind it, for numbers.
    """
    known = values[np.isfinite(values)]
    bins = min(max(characters(ax) // 14, 2), 5)
    locator = MaxNLocator(nbins=bins, steps=[1, 2, 2.5, 5, 10], integer=kind == "count", min_n_ticks=2)
    low, high = min(float(known.min()), 0.0), max(float(known.max()), 0.0)
    ticks = locator.tick_values(low, high if high > low else low + 1.0)
    first, last = (float(ticks[0]) if low < 0 else 0.0), max(float(ticks[-1]), high)
    ax.set_xlim(first, max(last, high + room * (last - first)))
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(QuantityFormatter(kind, money))


def only_zeros(values: Floats) -> str | None:
    """Return a remark if every value is zero: a flat line could be taken for a missing one."""
    known = values[np.isfinite(values)]
    return "every value is zero" if len(known) and not known.any() else None


def put_note(ax: Axes, note: str) -> None:
    """Write in the middle of the axes why there is nothing to see."""
    ax.set_xticks([])
    ax.set_yticks([])
    ax.spines[:].set_visible(False)
    text = ax.text(
        0.5, 0.5, note, transform=ax.transAxes, ha="center", va="center", color=ink(ax, 0.55), gid="note"
    )
    text.set_text(fill(note, width=characters(ax)))
    put_names([text])


def put_legend(
    ax: Axes,
    handles: Sequence[Artist],
    labels: Sequence[str],
    *,
    rows_above: float = 0.0,
    beside: bool = True,
    share: float = 1.0,
) -> float:
    """Put the legend where it covers nothing: in a row on the axes if it fits, else beside them.

    `share` is how much of their width the axes will keep. With `beside=False`, or where it would take a third of the
    width, the legend takes a few rows instead. Returns the number of rows that it takes above the axes.
    """
    if not handles:
        return 0.0
    room = int(characters(ax) * share)
    shown = [clip(label, _LEGEND_NAME) for label in labels]
    widest = max(len(label) for label in shown) + _LEGEND_MARK
    in_a_row = sum(len(label) + _LEGEND_MARK for label in shown) <= room
    columns = len(shown) if in_a_row else min(max(room // widest, 1), len(shown))
    rows = -(-len(shown) // columns)
    above = in_a_row or not beside or (rows <= _FEW_ROWS and 3 * widest > room)
    if not above and 2 * widest > room:  # beside narrow axes long names would leave nothing of them
        shown = told_apart(labels, max(room // 2 - _LEGEND_MARK, _SHORTEST_NAME))
    lift = ScaledTranslation(0, points(0.4 + 1.5 * rows_above) / 72, ax.figure.dpi_scale_trans)
    options: dict[str, Any] = {"loc": "upper left", "bbox_to_anchor": (1.02, 1)}
    if above:
        options = {"loc": "lower left", "bbox_to_anchor": (0, 1), "ncols": columns}
        options["bbox_transform"] = ax.transAxes + lift
    # Matplotlib drops labels that begin with an underscore, so they are written after it has counted.
    legend = ax.legend(
        handles,
        [str(position) for position in range(len(shown))],
        frameon=False,
        borderaxespad=0,
        borderpad=0,
        handlelength=1.6,
        columnspacing=1.4,
        labelcolor=ink(ax, 0.75),
        **options,
    )
    for text, label in zip(legend.get_texts(), shown, strict=True):
        text.set_text(label)
    put_names(legend.get_texts())
    return float(rows) if above else 0.0


def legend_share(ax: Axes, labels: Sequence[str]) -> float:
    """Return about which share of the axes' width a legend beside them takes."""
    widest = max(len(clip(label, _LEGEND_NAME)) for label in labels) + _LEGEND_MARK
    return min(widest / characters(ax), 0.5)


def _lines_of(parts: Sequence[str], *, width: int) -> str:
    """Join the parts with dots, and break lines between parts rather than within."""
    lines = [parts[0]]
    for part in parts[1:]:
        joined = f"{lines[-1]} · {part}"
        lines = [*lines[:-1], joined] if len(joined) <= width else [*lines, part]
    return "\n".join(fill(line, width=width) for line in lines)


def _below(ax: Axes, renderer: RendererBase) -> Bbox:
    """Return the box that the x axis fills with its ticks and labels, or the axes where it has none."""
    box = ax.xaxis.get_tightbbox(renderer) if ax.xaxis.get_visible() else None
    bottom = ax.get_window_extent(renderer)
    if box is None:
        return bottom
    return Bbox.from_extents(bottom.x0, min(box.y0, bottom.y0), bottom.x1, bottom.y1)
