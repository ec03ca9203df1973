"""What came back, in three tabs: chart, table and code; and files."""

from __future__ import annotations

import base64
import html
from typing import Any

import ipywidgets

from klaviyo_analytics.widgets._explorer_state import ExplorerState
from klaviyo_analytics.widgets._loading import in_words
from klaviyo_analytics.widgets._saving import FORMATS, save
from klaviyo_analytics.widgets._tables import table
from klaviyo_analytics.widgets._view import View, note

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
        self._chart, self._table, self._code = (ipywidgets.HTML() for _ in TABS)
        self._chart.add_class("kla-chart")
        pages = [ipywidgets.VBox([page]) for page in self._pages]
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

    @property
    def _pages(self) -> tuple[Any, ...]:
        return self._chart, self._table, self._code

    def _show(self, _change: Any) -> None:
        picture, frame, asked = self.state.picture, self.state.frame, self.state.asked
        self._saved.value = ""
        self._save.disabled = picture is None
        if picture is None or frame is None or asked is None:
            self._chart.value = self._table.value = note(self._hint)
            return
        alt = html.escape(asked.alt, quote=True)
        self._chart.value = "".join(
            f'<img class="kla-{theme}" alt="{alt}" src="data:image/png;base64,{base64.b64encode(data).decode()}">'
            for theme, data in (("light", picture.light), ("dark", picture.dark))
        )
        self._table.value = table(frame)

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
