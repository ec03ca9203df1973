"""What every view shares: it is a widget, it lets go of everything when it is closed, and it looks of a piece."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import ipywidgets
from traitlets import HasTraits

from klaviyo_analytics._calls import explained_methods
from klaviyo_analytics.widgets._look import CSS

LABELLED = {"description_width": "84px"}


class View(ipywidgets.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """A column of widgets that watches a state."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        # one that is inherited, too, is explained under the name of this class
        cls.__init__ = cls.__init__  # type: ignore[method-assign]
        explained_methods(cls)

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
        if "_watched" not in vars(self):
            return  # it never came to be: what it was to be made of was refused
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


def dropdown(label: str, options: Iterable[tuple[str, Any]]) -> Any:
    """Make a labelled box of options, as wide as its place."""
    return ipywidgets.Dropdown(
        description=label, options=list(options), layout={"width": "auto"}, style=LABELLED
    )


def status_line() -> Any:
    """Make the place beside buttons where it is told how things stand; it keeps its height, whatever is told."""
    line = ipywidgets.HTML(layout={"height": "48px", "overflow": "hidden auto", "flex": "1 1 0"})
    line.add_class("kla-status")
    return line
