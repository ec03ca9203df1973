"""Values of a Matplotlib figure as boxes: where the pointer has to be, and what it then shows."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from klaviyo_analytics.plots._quantities import write

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST = 1_000  # boxes of a figure; beyond that they would weigh more than the picture


class Mark(NamedTuple):
    """A box in fractions of the figure, from its left and upper edges, with the text that it shows."""

    left: float
    top: float
    width: float
    height: float
    text: str


def marks_of(figure: Figure, kind: str, currency: str | None) -> list[Mark]:
    """Return the boxes of all bars, points, lines and cells of a figure that has been drawn."""
    figure.canvas.draw()
    found = [mark for ax in figure.axes for mark in _of_axes(ax, _Writer(kind, currency))]
    return found if len(found) <= _MOST else []


class _Writer:
    """Writes values as the figure's own kind of number."""

    def __init__(self, kind: str, currency: str | None) -> None:
        self._kind, self._currency = kind, currency

    def __call__(self, value: float) -> str:
        if self._kind in ("count", "money", "rate"):
            return write(value, self._kind, self._currency)  # type: ignore[arg-type]
        return write(value, "number")


def _of_axes(ax: Axes, write_value: _Writer) -> Iterator[Mark]:
    yield from _bars(ax, write_value)
    yield from _lines(ax, write_value)
    yield from _cells(ax, write_value)


def _bars(ax: Axes, write_value: _Writer) -> Iterator[Mark]:
    size = ax.figure.bbox
    for container in ax.containers:
        across = getattr(container, "orientation", "vertical") == "horizontal"
        name = str(container.get_label())
        name = "" if name.startswith("_") else f"{name}: "
        for bar in getattr(container, "patches", []):
            box = bar.get_window_extent()
            value = float(bar.get_width() if across else bar.get_height())
            if not np.isfinite(value) or not value:
                continue
            middle = bar.get_y() + bar.get_height() / 2 if across else bar.get_x() + bar.get_width() / 2
            where = _position(ax, float(middle), "y" if across else "x")
            text = f"{where}\n{name}{write_value(value)}" if where else f"{name}{write_value(value)}"
            yield _mark(box.x0, box.y0, box.x1, box.y1, size, text)


def _lines(ax: Axes, write_value: _Writer) -> Iterator[Mark]:
    lines = [line for line in ax.lines if not str(line.get_label()).startswith("_") or len(ax.lines) == 1]
    lines = [line for line in lines if np.size(line.get_xdata(orig=False)) > 1]
    values: dict[float, list[str]] = {}
    for line in lines:
        name = str(line.get_label())
        data: Any = line.get_xydata()
        for x, y in data:
            if np.isfinite(y):
                label = "" if name.startswith("_") else f"{name}: "
                values.setdefault(float(x), []).append(f"{label}{write_value(float(y))}")
    if not values:
        return
    xs = sorted(values)
    area, size = ax.get_window_extent(), ax.figure.bbox
    pixels = [float(ax.transData.transform((x, 0))[0]) for x in xs]
    edges = [area.x0, *((a + b) / 2 for a, b in pairwise(pixels)), area.x1]
    for position, x in enumerate(xs):
        text = "\n".join([_position(ax, x, "x"), *dict.fromkeys(values[x])])
        yield _mark(edges[position], area.y0, edges[position + 1], area.y1, size, text)


def _cells(ax: Axes, write_value: _Writer) -> Iterator[Mark]:
    for mesh in ax.collections:
        corners = getattr(mesh, "get_coordinates", lambda: None)()
        if corners is None:
            continue
        size, corners = ax.figure.bbox, np.asarray(corners)
        array: Any = np.ma.filled(np.ma.asarray(mesh.get_array(), dtype=float), np.nan)
        array = array.reshape(corners.shape[0] - 1, corners.shape[1] - 1)
        for (row, column), value in np.ndenumerate(array):
            if not np.isfinite(value):
                continue
            ends = ax.transData.transform([corners[row, column], corners[row + 1, column + 1]])
            middle = (corners[row, column] + corners[row + 1, column + 1]) / 2
            where = " · ".join(filter(None, (_position(ax, middle[1], "y"), _position(ax, middle[0], "x"))))
            low, high = ends.min(axis=0), ends.max(axis=0)
            yield _mark(low[0], low[1], high[0], high[1], size, f"{where}\n{write_value(float(value))}")


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
