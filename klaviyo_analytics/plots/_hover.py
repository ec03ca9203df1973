"""Values of a Matplotlib figure for the pointer: boxes with texts, and a layer for each series of the legend.

`figure_html` is an image with transparent boxes over it: no script and no SVG, so that notebooks, Voilà, reports and
pages that strip scripts from saved outputs show the same. Each series is a `details` element, which opens and closes
without a script, too.
"""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from matplotlib.colors import to_hex
from matplotlib.transforms import Bbox

from klaviyo_analytics.plots._quantities import QuantityFormatter, write

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST = 1_000  # boxes of a figure; beyond that they would weigh more than the picture
_MOST_LAYERS = 12
_SERIES = "series "  # begins the id of a name that stands where its line ends; the colour of the line follows


class Mark(NamedTuple):
    """A box in fractions of the figure, from its left and upper edges, with the text that it shows."""

    left: float
    top: float
    width: float
    height: float
    text: str


class Layer(NamedTuple):
    """One series: the box of its name in the legend, with the name as text, and the series alone as a PNG."""

    name: Mark
    png: bytes


@contextmanager
def laid_out(figure: Figure, dpi: float | None = None) -> Iterator[None]:
    """Lay a figure out once, and keep everything in its place for all that is rendered within the block.

    Laying out takes longer than drawing. Type is rounded to pixels, so a layout belongs to a resolution. The figure
    is the same afterwards.
    """
    engine, before = figure.get_layout_engine(), figure.dpi
    figure.set_dpi(dpi or before)
    try:
        figure.draw_without_rendering()
        figure.set_layout_engine("none")
        yield
    finally:
        figure.set_dpi(before)
        figure.set_layout_engine(engine)


def marks_of(figure: Figure, kind: str = "number", currency: str | None = None) -> list[Mark]:
    """Return the boxes of all bars, points, lines and cells of a figure that is laid out.

    `kind` and `currency` say how values are written where the axis itself does not.
    """
    found = [mark for ax in figure.axes for mark in _of_axes(ax, _Writer(kind, currency))]
    return found if len(found) <= _MOST else []


def has_layers(figure: Figure) -> bool:
    """Return whether the figure has a legend of several series, and not very many."""
    return 1 < sum(len(_series(ax)) for ax in figure.axes) <= _MOST_LAYERS


def picture_in_layers(figure: Figure, *, transparent: bool = False) -> tuple[bytes, list[Layer]]:
    """Render a figure without the series of its legends, and each of these alone, as PNG of one size.

    The figure is laid out. Without a legend, or with very many entries, the picture is whole and has no layers.
    """
    if not has_layers(figure):
        return png_of(figure, transparent=transparent), []
    series = [one for ax in figure.axes for one in _series(ax)]
    names = [_box(text.get_window_extent(), figure.bbox, text.get_text()) for text, _ in series]
    with _without(artist for _, artists in series for artist in artists):
        whole = png_of(figure, transparent=transparent)
    layers = [Layer(name, _alone(figure, artists)) for name, (_, artists) in zip(names, series, strict=True)]
    return whole, layers


def png_of(figure: Figure, *, transparent: bool = False) -> bytes:
    """Render a figure that is laid out as PNG."""
    with _without([figure.patch, *(ax.patch for ax in figure.axes)] if transparent else ()):
        return _rendered(figure, figure.draw)


def figure_html(
    image: bytes,
    marks: Sequence[Mark] = (),
    layers: Sequence[Layer] = (),
    *,
    alt: str,
    name: str = "",
    live: bool = False,
) -> str:
    """Write an image with its boxes and layers as HTML.

    `name` is added to the classes. With `live`, the page's own style sheet shows the texts (`data-text`) at once;
    without, the browser does (`title`).
    """
    said = "data-text" if live else "title"
    parts = [
        f'<div class="ka-hover {name}" style="position:relative;max-width:860px">'
        f'<img alt="{html.escape(alt, quote=True)}" src="{_source(image)}" style="display:block;width:100%">'
    ]
    parts += [
        f'<details open><summary aria-label="{html.escape(layer.name.text, quote=True)}" '
        f'title="Hide or show {html.escape(layer.name.text, quote=True)}" '
        f'style="position:absolute;{place(layer.name)};z-index:2;cursor:pointer;list-style:none;display:block"></summary>'
        f'<img alt="" src="{_source(layer.png)}" '
        'style="position:absolute;left:0;top:0;width:100%;pointer-events:none"></details>'
        for layer in layers
    ]
    parts += [
        f'<div class="ka-hit{" ka-right" if mark.left > 0.55 else ""}" '
        f'{said}="{html.escape(mark.text, quote=True)}" style="position:absolute;{place(mark)}"></div>'
        for mark in marks
    ]
    return "".join([*parts, "</div>"])


def place(mark: Mark) -> str:
    """Return where a box lies in its figure, as CSS."""
    sizes = (("left", mark.left), ("top", mark.top), ("width", mark.width), ("height", mark.height))
    return ";".join(f"{side}:{size * 100:.2f}%" for side, size in sizes)


def _source(image: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(image).decode()}"


@contextmanager
def _without(artists: Iterable[Artist]) -> Iterator[None]:
    """Hide artists within the block."""
    hidden = [artist for artist in artists if artist.get_visible()]
    try:
        for artist in hidden:
            artist.set_visible(False)
        yield
    finally:
        for artist in hidden:
            artist.set_visible(True)


def _alone(figure: Figure, artists: Sequence[Artist]) -> bytes:
    """Render only these artists, on nothing."""

    def draw(renderer: Any) -> None:
        for artist in sorted(artists, key=lambda each: each.get_zorder()):
            artist.draw(renderer)

    return _rendered(figure, draw)


def _rendered(figure: Figure, draw: Callable[[Any], None]) -> bytes:
    """Return what is drawn, once: `savefig` would draw the figure twice."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415  (also registers the canvas)
    from PIL import Image  # noqa: PLC0415

    before, dpi = figure.canvas, figure.dpi
    canvas: Any = FigureCanvasAgg(figure)
    try:
        renderer = canvas.get_renderer()
        renderer.clear()
        draw(renderer)
        file = io.BytesIO()
        Image.fromarray(np.asarray(renderer.buffer_rgba())).save(file, format="png", dpi=(dpi, dpi))
    finally:
        figure.set_canvas(before)
    return file.getvalue()


def _series(ax: Axes) -> list[tuple[Any, list[Artist]]]:
    """Return each entry of the legend and name at a line's end with the artists of its colour.

    None where two share a colour.
    """
    legend = ax.get_legend()
    handles = zip(legend.get_texts(), legend.legend_handles, strict=False) if legend else ()
    entries: list[tuple[Any, str]] = [
        (text, shade) for text, handle in handles if (shade := _colour(handle)) and text.get_text()
    ]
    at_the_ends = [text for text in ax.texts if str(text.get_gid()).startswith(_SERIES)]
    entries += [(text, to_hex(str(text.get_gid()).removeprefix(_SERIES))) for text in at_the_ends]
    drawn: list[tuple[Artist, str | None]] = [
        (artist, _colour(artist))
        for artist in (*ax.lines, *ax.patches, *ax.collections, *ax.texts)
        if artist.get_visible() and artist not in at_the_ends
    ]
    found = []
    for text, shade in entries:
        artists = [artist for artist, own in drawn if own == shade]
        if artists and sum(other == shade for _, other in entries) == 1:
            found.append((text, artists))
    return found if len(found) > 1 else []


def _colour(artist: Any) -> str | None:
    """Return the colour of a line, a text or a bar, whatever its transparency."""
    try:
        if hasattr(artist, "get_color"):
            shade = artist.get_color()
            return to_hex(shade if isinstance(shade, str) or np.ndim(shade) < 2 else shade[0])
        face = np.atleast_2d(artist.get_facecolor())
        edge = np.atleast_2d(artist.get_edgecolor())
        shade = face[0] if len(face) and (face[0][3] > 0.5 or not len(edge)) else edge[0]
        return to_hex(shade[:3])
    except (AttributeError, IndexError, ValueError, TypeError):
        return None  # it has no colour of its own, such as a heatmap's cells


class _Writer:
    """Writes values as the axis does, else as the figure's own kind of number."""

    def __init__(self, kind: str, currency: str | None) -> None:
        self._kind, self._currency = kind, currency

    def along(self, axis: Any) -> Callable[[float], str]:
        """Return what writes the values of an axis."""
        formatter = axis.get_major_formatter()
        return formatter if isinstance(formatter, QuantityFormatter) else self

    def __call__(self, value: float) -> str:
        if self._kind in ("count", "money", "rate"):
            return write(value, self._kind, self._currency)  # type: ignore[arg-type]
        return write(value, "number")


def _of_axes(ax: Axes, writer: _Writer) -> Iterator[Mark]:
    yield from _bars(ax, writer)
    yield from _lines(ax, writer)
    yield from _cells(ax, writer)
    yield from _points(ax, writer)


def _bars(ax: Axes, writer: _Writer) -> Iterator[Mark]:
    size = _root(ax).bbox
    for container in ax.containers:
        across = getattr(container, "orientation", "vertical") == "horizontal"
        write_value = writer.along(ax.xaxis if across else ax.yaxis)
        name = str(container.get_label())
        name = "" if name.startswith("_") else f"{name}: "
        for bar in getattr(container, "patches", []):
            box = bar.get_window_extent()
            value = float(bar.get_width() if across else bar.get_height())
            if not np.isfinite(value) or (not value and len(ax.containers) > 1):
                continue
            if (
                across and len(ax.containers) == 1
            ):  # a short bar, or one of zero, is found anywhere in its row
                area = ax.get_window_extent()
                box = Bbox.from_extents(area.x0, box.y0, area.x1, box.y1)
            middle = bar.get_y() + bar.get_height() / 2 if across else bar.get_x() + bar.get_width() / 2
            where = _position(ax, float(middle), "y" if across else "x")
            text = f"{where}\n{name}{write_value(value)}" if where else f"{name}{write_value(value)}"
            yield _mark(box.x0, box.y0, box.x1, box.y1, size, text)


def _lines(ax: Axes, writer: _Writer) -> Iterator[Mark]:
    named = [line for line in ax.lines if not str(line.get_label()).startswith("_")]
    alone = not named and len(ax.lines) == 1
    if not named and not alone:  # a single series has no label, but it is the first line
        named = [line for line in ax.lines if line.get_gid() is None][:1]
    named = list(ax.lines) if alone else named
    values: dict[float, list[str]] = {}
    write_value = writer.along(ax.yaxis)
    several = len(named) > 1
    for line in named:
        if np.size(line.get_xdata(orig=False)) < 2:
            continue
        name = str(line.get_label())
        name = "" if name.startswith("_") or not several else f"{name}: "
        for x, y in _points_of(line):
            values.setdefault(x, []).append(f"{name}{write_value(y)}")
        shade = _colour(line)
        for other in ax.lines:
            if other.get_gid() not in ("incomplete", "compare") or _colour(other) != shade:
                continue
            earlier = other.get_gid() == "compare"
            for x, y in _points_of(other):
                said = f"{name}{write_value(y)}"
                values.setdefault(x, []).append(f"{said} before" if earlier else f"{said} (incomplete)")
    if not values:
        return
    xs = sorted(values)
    area, size = ax.get_window_extent(), _root(ax).bbox
    pixels = [float(ax.transData.transform((x, 0))[0]) for x in xs]
    edges = [area.x0, *((a + b) / 2 for a, b in pairwise(pixels)), area.x1]
    for position, x in enumerate(xs):
        text = "\n".join([_position(ax, x, "x"), *dict.fromkeys(values[x])])
        yield _mark(edges[position], area.y0, edges[position + 1], area.y1, size, text)


def _points_of(line: Any) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in line.get_xydata() if np.isfinite(y)]


def _points(ax: Axes, writer: _Writer) -> Iterator[Mark]:
    """Yield a box around each point of a scatter chart; its name is the artist's, where it has one for each."""
    for points in ax.collections:
        names = getattr(points, "hover_names", None)
        if names is None:
            continue
        offsets: Any = np.ma.filled(np.ma.asarray(points.get_offsets(), dtype=float), np.nan)
        size, half = _root(ax).bbox, 6 * _root(ax).dpi / 72
        for (x, y), name in zip(offsets, names, strict=True):
            if np.isfinite([x, y]).all():
                left, low = ax.transData.transform((x, y))
                facts = f"{_axis_value(ax, 'x', x, writer)}\n{_axis_value(ax, 'y', y, writer)}"
                yield _mark(left - half, low - half, left + half, low + half, size, f"{name}\n{facts}")


def _axis_value(ax: Axes, axis: str, value: float, writer: _Writer) -> str:
    own = getattr(ax, f"{axis}axis")
    label = own.get_label_text()
    return f"{label}: {writer.along(own)(value)}" if label else writer.along(own)(value)


def _root(ax: Axes) -> Any:
    """Return the whole figure, also of axes in a part of it."""
    figure: Any = ax.figure
    while figure.figure is not figure:
        figure = figure.figure
    return figure


def _cells(ax: Axes, writer: _Writer) -> Iterator[Mark]:
    for mesh in ax.collections:
        corners = getattr(mesh, "get_coordinates", lambda: None)()
        if corners is None:
            continue
        size, corners = _root(ax).bbox, np.asarray(corners)
        array: Any = np.ma.filled(np.ma.asarray(mesh.get_array(), dtype=float), np.nan)
        array = array.reshape(corners.shape[0] - 1, corners.shape[1] - 1)
        for (row, column), value in np.ndenumerate(array):
            if not np.isfinite(value):
                continue
            ends = ax.transData.transform([corners[row, column], corners[row + 1, column + 1]])
            middle = (corners[row, column] + corners[row + 1, column + 1]) / 2
            where = " · ".join(filter(None, (_position(ax, middle[1], "y"), _position(ax, middle[0], "x"))))
            low, high = ends.min(axis=0), ends.max(axis=0)
            yield _mark(low[0], low[1], high[0], high[1], size, f"{where}\n{writer(float(value))}")


def _position(ax: Axes, value: float, axis: str) -> str:
    """Write where something lies: the name of a category, a date, or a number."""
    own = getattr(ax, f"{axis}axis")
    if _is_dates(own):
        from matplotlib.dates import num2date  # noqa: PLC0415  (slow to import, needed for dates only)

        when: Any = num2date(value, tz=getattr(own.get_major_formatter(), "_tz", None))  # type: ignore[no-untyped-call]
        return f"{when:%Y-%m-%d}" if not (when.hour or when.minute) else f"{when:%Y-%m-%d %H:%M}"
    for tick, label in zip(own.get_ticklocs(), own.get_ticklabels(), strict=False):
        if abs(tick - value) < 0.3 and label.get_text():
            return str(label.get_text()).replace("\n", " ").replace("\\$", "$")
    return ""


def _is_dates(axis: Any) -> bool:
    return "Date" in type(axis.get_converter() if hasattr(axis, "get_converter") else axis.converter).__name__


def _mark(x0: float, y0: float, x1: float, y1: float, size: Any, text: str) -> Mark:
    low, high = min(y0, y1), max(y0, y1)
    left, right = min(x0, x1), max(x0, x1)
    return Mark(
        round(left / size.width, 5),
        round(1 - high / size.height, 5),
        round((right - left) / size.width, 5),
        round((high - low) / size.height, 5),
        text,
    )


def _box(extent: Any, size: Any, text: str) -> Mark:
    """Return the box of an entry of the legend, with the line or square before it."""
    return _mark(extent.x0 - 2.4 * extent.height, extent.y0, extent.x1, extent.y1, size, text)
