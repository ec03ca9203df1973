"""A chart as pictures: one for light pages, one for dark ones. No figure is registered with pyplot."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any, cast

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from klaviyo_analytics.plots._hover import figure_html, marks_of, picture_in_layers
from klaviyo_analytics.plots._style import DARK
from klaviyo_analytics.widgets.private_page import without_people
from klaviyo_analytics.widgets.queries import Ask, Frames

WIDTH = 8.0
DPI = 120


@dataclass(frozen=True)
class Picture:
    """A chart: the Axes to go on with, its picture as PNG, and the same as HTML that shows values.

    `live` is for the widget, for light and for dark pages; `saved` needs no style sheet.
    """

    axes: Axes
    light: bytes
    live: str
    saved: str


def picture(ask: Ask, frames: Frames) -> Picture:
    """Draw an answer for light and for dark pages."""
    compare = None if frames.compare is None else without_people(frames.compare)
    frames = Frames(without_people(frames.frame), compare)
    axes = _drawn(ask, frames)
    figure = _figure_of(axes)
    marks = marks_of(figure, *ask.written_as(frames))
    base, layers = picture_in_layers(figure, dpi=DPI)
    light = _png(figure) if layers else base
    saved = figure_html(base, marks, layers, alt=ask.alt)
    live = figure_html(base, marks, layers, alt=ask.alt, name="kla-light", live=True)
    with mpl.rc_context(cast(Any, DARK)):
        base, layers = picture_in_layers(_figure_of(_drawn(ask, frames)), dpi=DPI)
    dark = figure_html(base, marks, layers, alt=ask.alt, name="kla-dark", live=True)
    return Picture(axes, light, live + dark, saved)


def _figure_of(axes: Axes) -> Figure:
    figure = axes.get_figure(root=True)
    assert figure is not None
    return figure


def png(axes: Axes) -> bytes:
    """Render the Axes' figure as PNG."""
    return _png(_figure_of(axes))


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
