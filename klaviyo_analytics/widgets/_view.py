"""What every view shares: it is a widget, it lets go of everything when it is closed, and it looks of a piece."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets
from traitlets import HasTraits

CSS = """<style>
.kla {container-type: inline-size; font-size: var(--jp-ui-font-size1, 13px)}
.kla, .kla .widget-label, .kla .widget-html-content {color: var(--jp-ui-font-color1, #222)}
.kla .widget-label-basic span {white-space: nowrap; overflow: hidden; text-overflow: ellipsis}
.kla-muted {color: var(--jp-ui-font-color2, #666); font-size: .92em; white-space: nowrap}
.kla-head {font-weight: 600}
.kla-problem {color: var(--jp-error-color1, #c62828)}
.kla-warn {color: var(--jp-warn-color0, #b35900)}
.kla-note {min-height: 1.5em; line-height: 1.5; white-space: normal}
.kla progress {width: 100%; height: 6px; accent-color: var(--jp-brand-color1, #1976d2)}
.kla :focus-visible {outline: 2px solid var(--jp-brand-color1, #1976d2); outline-offset: 1px}
.kla-panel {flex-wrap: wrap; gap: 16px; align-items: flex-start}
.kla-chips {flex-wrap: wrap}
.kla-chips button {border-radius: 12px; height: 24px; line-height: 22px; width: auto; padding: 0 10px}
.kla-chart img {width: 100%; max-width: 860px; border-radius: 4px; display: block}
.kla-chart .kla-dark {display: none}
body[data-jp-theme-light="false"] .kla-chart .kla-light, .vscode-dark .kla-chart .kla-light {display: none}
body[data-jp-theme-light="false"] .kla-chart .kla-dark, .vscode-dark .kla-chart .kla-dark {display: block}
.kla-scroll {overflow: auto; max-height: 400px; border: 1px solid var(--jp-border-color2, #ddd); border-radius: 4px}
.kla-scroll table {border-collapse: collapse; font-variant-numeric: tabular-nums; width: 100%}
.kla-scroll th {position: sticky; top: 0; background: var(--jp-layout-color2, #f0f0f0); text-align: left}
.kla-scroll th, .kla-scroll td {padding: 3px 10px; white-space: nowrap}
.kla-scroll td.n {text-align: right}
.kla-scroll tr:nth-child(even) td {background: var(--jp-layout-color1, #fafafa)}
.kla a {color: var(--jp-content-link-color, #1565c0); text-decoration: underline}
.kla pre.kla-code {white-space: pre-wrap; background: var(--jp-layout-color2, #f5f5f5); padding: 10px 12px;
  margin: 0 0 8px; border-radius: 4px;
  font-family: var(--jp-code-font-family, monospace); font-size: var(--jp-code-font-size, 13px); line-height: 1.45}
.kla-button {border: 1px solid var(--jp-border-color1, #bbb); background: var(--jp-layout-color2, #eee);
  color: inherit; padding: 4px 12px; border-radius: 3px; cursor: pointer}
</style>"""


class View(ipywidgets.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """A column of widgets that watches a state."""

    def __init__(self, children: Sequence[Any]) -> None:
        super().__init__([ipywidgets.HTML(CSS, layout={"display": "none"}), *children])
        self.add_class("kla")
        self._watched: list[tuple[HasTraits, Callable[[Any], None], list[str]]] = []

    def watch(self, state: HasTraits, names: Sequence[str], then: Callable[[Any], None]) -> None:
        """Call `then` at once, and whenever one of the traits changes, until the view is closed."""
        state.observe(then, names=list(names))
        self._watched.append((state, then, list(names)))
        then(None)

    def close(self) -> None:
        """Let everything go: the state, the widgets inside, their layouts and styles."""
        for state, then, names in self._watched:
            state.unobserve(then, names=names)
        self._watched.clear()
        for child in getattr(self, "children", ()):
            let_go(child)
        layout = self.layout
        super().close()
        layout.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


def let_go(widget: Any) -> None:
    """Close a widget and all that is inside it."""
    if not isinstance(widget, View):
        for child in getattr(widget, "children", ()):
            let_go(child)
    parts = [getattr(widget, name, None) for name in ("layout", "style")]
    widget.close()
    for part in parts:
        if isinstance(part, ipywidgets.Widget):
            part.close()


def note(text: str = "", *, kind: str = "muted", role: str = "status") -> str:
    """Write a line that a screen reader speaks when it changes; an empty one keeps its place."""
    said = html.escape(text) or "&nbsp;"
    return f'<div class="kla-note kla-{kind}" role="{role}" aria-live="polite">{said}</div>'


def heading(text: str) -> Any:
    """Make a small heading."""
    return ipywidgets.HTML(f'<div class="kla-head">{html.escape(text)}</div>')
