"""What came back: pictures for light and dark pages, key numbers, three tabs (chart, table and code), and files.

No figure is registered with pyplot.
"""

from __future__ import annotations

import html
import io
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import ipywidgets
import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from klaviyo_analytics._safe_text import create_private, write_csv
from klaviyo_analytics.errors import InvalidInputError, MissingExtraError
from klaviyo_analytics.plots._hover import figure_html, laid_out, marks_of, picture_in_layers, png_of
from klaviyo_analytics.plots._style import DARK
from klaviyo_analytics.widgets.background import in_words
from klaviyo_analytics.widgets.base_view import View, note
from klaviyo_analytics.widgets.private_page import without_people, without_person
from klaviyo_analytics.widgets.queries import Ask, Frames, KeyNumber
from klaviyo_analytics.widgets.tables import TableState, TableView

if TYPE_CHECKING:
    from klaviyo_analytics.widgets.explorer import ExplorerState

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
    with laid_out(figure, DPI):
        marks = marks_of(figure, *ask.written_as(frames))
        base, layers = picture_in_layers(figure)
        light = png_of(figure) if layers else base
    saved = figure_html(base, marks, layers, alt=ask.alt)
    live = figure_html(base, marks, layers, alt=ask.alt, name="kla-light", live=True)
    with mpl.rc_context(cast(Any, DARK)):
        figure = _figure_of(_drawn(ask, frames))
        with laid_out(figure, DPI):
            base, layers = picture_in_layers(figure)
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


FORMATS = ("CSV", "Parquet", "PNG")


def save(format: str, stem: str, frame: pd.DataFrame, axes: Axes, *, folder: Path | None = None) -> Path:
    """Write the frame or the chart, and return the path.

    Only its owner can read a file with rows. In a CSV, texts that a spreadsheet would run as a formula begin with an
    apostrophe.

    Raises
    ------
    InvalidInputError
        The format is not supported.
    MissingExtraError
        Parquet needs pyarrow.
    """
    writers: dict[str, Callable[[Path], object]] = {
        "CSV": lambda path: write_csv(frame, path),
        "Parquet": lambda path: _parquet(frame, path),
        "PNG": lambda path: path.write_bytes(png(axes)),
    }
    if format not in writers:
        raise InvalidInputError(f"format={format!r} is not known; there are {', '.join(FORMATS)}.")
    path = _free(folder or Path.cwd(), stem, format.lower())
    writers[format](path)
    return path


def _parquet(frame: pd.DataFrame, path: Path) -> None:
    create_private(path).close()
    try:
        frame.to_parquet(path, index=False)
    except ImportError as error:
        path.unlink()
        raise MissingExtraError("Parquet", "archive") from error


def _free(folder: Path, stem: str, ending: str) -> Path:
    names = (f"{stem}.{ending}" if number == 1 else f"{stem}-{number}.{ending}" for number in count(1))
    return next(path for path in (folder / name for name in names) if not path.exists())


def key_numbers_html(numbers: Sequence[KeyNumber]) -> str:
    """Write key numbers beside each other: name, value, change, and its course as a small line."""
    cards = []
    for number in numbers:
        change = ""
        if number.change is not None:
            arrow = "▲" if number.change > 0 else "▼" if number.change < 0 else "="
            change = f'<span class="kla-muted">{arrow} {abs(number.change):.1%}</span>'
        cards.append(
            f'<div class="kla-card"><div class="kla-muted">{html.escape(without_person(number.label))}</div>'
            f"<div><b>{html.escape(number.value)}</b> {change}</div>{_sparkline(number.trend)}</div>"
        )
    return f'<div class="kla-cards">{"".join(cards)}</div>' if cards else ""


def _sparkline(values: Sequence[float]) -> str:
    known = [value for value in values if math.isfinite(value)]
    if len(known) < 2:
        return ""
    low, high = min(known), max(known)
    step, room = 100 / (len(known) - 1), (high - low) or 1.0
    points = " ".join(
        f"{place * step:.1f},{18 - 16 * (value - low) / room:.1f}" for place, value in enumerate(known)
    )
    return (
        '<svg viewBox="0 0 100 20" preserveAspectRatio="none" aria-hidden="true"><polyline fill="none" '
        f'stroke="currentColor" stroke-width="1.3" vector-effect="non-scaling-stroke" points="{points}"/></svg>'
    )


TABS = ("Chart", "Table", "Code")
_COPY = (
    "const b=this,c=navigator.clipboard,t=b.previousElementSibling.textContent;"
    "(c?c.writeText(t):Promise.reject()).then(()=>{b.textContent='Copied'},"
    "()=>{b.textContent='Select the lines and press Ctrl+C'})"
)


class ResultsView(View):
    """Shows the result of an `ExplorerState`; it keeps its height, whether there is one or not."""

    def __init__(self, state: ExplorerState, *, hint: str) -> None:
        self.state = state
        self._hint = hint
        self._chart, self._code = ipywidgets.HTML(), ipywidgets.HTML()
        self.table = TableState()
        self._table = TableView(self.table)
        self._table_hint = ipywidgets.HTML()
        self._numbers = ipywidgets.HTML()
        self._chart.add_class("kla-chart")
        contents = ([self._numbers, self._chart], [self._table_hint, self._table], [self._code])
        pages = [ipywidgets.VBox(content) for content in contents]
        for page in pages:
            page.add_class("kla-page")
        self._tabs = ipywidgets.Tab(pages, titles=TABS)
        self._format = ipywidgets.Dropdown(
            description="Format of the file", options=FORMATS, layout={"width": "110px"}
        )
        self._format.add_class("kla-unseen-label")
        self._save = ipywidgets.Button(description="Save", layout={"width": "90px"})
        self._saved = ipywidgets.HTML()
        self._save.on_click(self._write)
        foot = ipywidgets.HBox([self._format, self._save, self._saved], layout={"align_items": "center"})
        super().__init__([self._tabs, foot])
        self.add_class("kla-results")
        self.watch(state, ["picture"], self._show)
        self.watch(state, ["picture", "asked", "problem"], self._show_code)

    def _show(self, _change: Any) -> None:
        picture, frame, asked = self.state.picture, self.state.frame, self.state.asked
        self._saved.value = ""
        self._save.disabled = picture is None
        if picture is None or frame is None or asked is None:
            self._chart.value = self._table_hint.value = note(self._hint)
            self._numbers.value = ""
            self.table.frame = None
            return
        self._chart.value = picture.live
        self._table_hint.value = ""
        self._numbers.value = key_numbers_html(asked.key_numbers(self.state.result))
        if self.table.frame is not frame:
            with self.table.hold_trait_notifications():
                self.table.sort = self.table.sort if self.table.sort in frame.columns else ""
                self.table.frame = frame

    def _show_code(self, _change: Any) -> None:
        code = self.state.code
        if not code:
            self._code.value = note(self._hint)
            return
        copy = html.escape(_COPY, quote=True)
        self._code.value = (
            f'<pre class="kla-code" tabindex="0" aria-label="Python code">{html.escape(code)}</pre>'
            f'<button class="kla-button" type="button" onclick="{copy}">Copy as code</button>'
        )

    def _write(self, _button: Any) -> None:
        frame, axes, asked = self.state.frame, self.state.axes, self.state.asked
        assert frame is not None
        assert axes is not None
        assert asked is not None
        try:
            path = save(self._format.value, asked.file_name, frame, axes)
        except Exception as error:  # noqa: BLE001  (a full disk must be read, not traced back)
            self._saved.value = note(in_words(error), kind="problem", role="alert")
        else:
            self._saved.value = note(f"Saved {path.name}")
