"""A chart as pictures: one for light pages, one for dark ones. No figure is registered with pyplot."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from klaviyo_analytics.widgets._asks import Ask, Frames
from klaviyo_analytics.widgets._privacy import without_people

WIDTH = 8.0
DPI = 120
_DARK_PAGE, _PALE = "#212121", "#e8e8e8"
_DARK: Any = {
    "figure.facecolor": _DARK_PAGE,
    "axes.facecolor": _DARK_PAGE,
    "savefig.facecolor": _DARK_PAGE,
    "text.color": _PALE,
    "axes.labelcolor": _PALE,
    "axes.edgecolor": _PALE,
    "xtick.color": _PALE,
    "ytick.color": _PALE,
}


@dataclass(frozen=True)
class Picture:
    """A chart: the Axes to go on with, and its two pictures as PNG."""

    axes: Axes
    light: bytes
    dark: bytes


def picture(ask: Ask, frames: Frames) -> Picture:
    """Draw an answer for light and for dark pages."""
    compare = None if frames.compare is None else without_people(frames.compare)
    frames = Frames(without_people(frames.frame), compare)
    axes = _drawn(ask, frames)
    light = png(axes)
    with mpl.rc_context(_DARK):
        dark = png(_drawn(ask, frames))
    return Picture(axes, light, dark)


def png(axes: Axes) -> bytes:
    """Give the Axes' figure as it stands."""
    figure = axes.get_figure(root=True)
    assert figure is not None
    return _png(figure)


def _drawn(ask: Ask, frames: Frames) -> Axes:
    figure = _Chart(figsize=(WIDTH, ask.height(frames)), layout="constrained")
    return ask.draw(frames, figure.subplots)


class _Chart(Figure):
    """A figure that a cell shows without pyplot's help."""

    def _repr_png_(self) -> bytes:
        return _png(self)


def _png(figure: Figure) -> bytes:
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=DPI)
    return file.getvalue()
