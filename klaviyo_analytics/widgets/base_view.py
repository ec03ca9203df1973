"""Base of all states and views.

States refuse unknown attributes and invalid values. Views share one style sheet, labels and status lines, and a
`close` that releases everything.
"""

from __future__ import annotations

import html
import inspect
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import ipywidgets
from traitlets import HasTraits, TraitError

from klaviyo_analytics._messages import explained_methods
from klaviyo_analytics.analysis._engine import described
from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.errors import InvalidInputError
from klaviyo_analytics.resources._reading import instead


class State(HasTraits):
    """Traits to set, and parts, annotated in the class, that are there from the beginning and stay."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        explained_methods(cls)

    if not TYPE_CHECKING:  # a type checker refuses unknown attributes only where it sees no such method

        def __setattr__(self, name: str, value: Any) -> None:
            own = not name.startswith("_") and not hasattr(HasTraits, name)  # traitlets sets some for itself
            if own and not self.has_trait(name):
                self._refuse_unless_begun(name)
            try:
                super().__setattr__(name, value)
            except TraitError as error:
                wanted = self.traits()[name].info() if self.has_trait(name) else error
                raise InvalidInputError(f"{name}={value!r}: give {wanted}.") from error

    def _refuse_unless_begun(self, name: str) -> None:
        """Raise for an attribute that is not a trait, unless it is a part set for the first time."""
        kind = type(self).__name__
        parts = {part for each in type(self).__mro__ for part in inspect.get_annotations(each)}
        parts = {part for part in parts - set(self.traits()) if not part.startswith("_")}
        if name in parts and name not in vars(self):
            return
        if name in parts or hasattr(type(self), name):
            raise InvalidInputError(f"{kind}.{name} cannot be replaced; {self._settable()}")
        raise InvalidInputError(f"{kind} has no {name!r}.{instead(name, [*self.traits(), *parts])}")

    def _settable(self) -> str:
        return f"to set there are {', '.join(sorted(self.traits()))}, and what is in its parts."


def one_of(name: str, value: Any, allowed: Any) -> Any:
    """Return the value if it is allowed.

    Raises
    ------
    InvalidInputError
        The message lists the allowed values.
    """
    if value not in allowed:
        raise InvalidInputError(f"{name}={value!r} is not known; there are {', '.join(map(repr, allowed))}.")
    return value


_ARROW = (
    "url(&quot;data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 18 18'%3E%3Cpath "
    "d='M5.2 7.2 9 11l3.8-3.8' fill='none' stroke='%23888' stroke-width='1.8'/%3E%3C/svg%3E&quot;)"
).replace("&quot;", '"')
COLOURS = """
  --kla-muted: var(--jp-ui-font-color2, var(--vscode-descriptionForeground, GrayText));
  --kla-problem: var(--jp-error-color1, var(--vscode-errorForeground, #d93025));
  --kla-warn: var(--jp-warn-color0, var(--vscode-editorWarning-foreground, #b35900));
  --kla-accent: var(--jp-brand-color1, var(--vscode-focusBorder, #1976d2));
  --kla-link: var(--jp-content-link-color, var(--vscode-textLink-foreground, LinkText));
  --kla-line: var(--jp-border-color2, var(--vscode-widget-border, rgba(128, 128, 128, .35)));
  --kla-fill: var(--jp-layout-color2, var(--vscode-editorWidget-background, Canvas));
"""
TABLE = """
.kla-scroll {overflow: auto; max-height: 400px; border: 1px solid var(--kla-line); border-radius: 4px}
.kla-scroll table {border-collapse: collapse; font-variant-numeric: tabular-nums; width: 100%; line-height: 1.5}
.kla-scroll th {position: sticky; top: 0; background: var(--kla-fill); text-align: left}
.kla-scroll th, .kla-scroll td {padding: 3px 8px; vertical-align: top}
.kla-scroll td.n {white-space: nowrap}
.kla-scroll th {vertical-align: bottom; line-height: 1.3}
.kla-cell {min-width: 4em; max-width: 22em; width: max-content; overflow: hidden; overflow-wrap: anywhere;
  display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 4; text-align: left}
.kla-scroll tr.kla-bad td {color: var(--kla-problem)}
.kla-scroll th.n, .kla-scroll td.n {text-align: right}
.kla-scroll tbody tr:nth-child(even) td {background: rgba(128, 128, 128, .07)}
"""
# Arrow keys and letters in a list or among radio buttons are shortcuts of JupyterLab, too ("dd" deletes the cell); it
# leaves an element alone that has this attribute. Radio buttons of one name are one stop of the Tab key. A click in a
# list of several adds or removes one option, without Ctrl or Command; with Shift the browser's own range stays.
_KEYS = (
    "const k=this.closest('.kla');if(k&&!k.dataset.kla){k.dataset.kla='1';k.addEventListener('focusin',e=>{"
    "const t=e.target;if(t.matches('select, .kla-presets input'))t.setAttribute('data-lm-suppress-shortcuts','true');"
    "k.querySelectorAll('.kla-presets').forEach(g=>{const n=g.dataset.kla=g.dataset.kla||'kla'+Math.random();"
    "g.querySelectorAll('input').forEach(r=>{r.name=n})})});k.addEventListener('mousedown',e=>{"
    "const o=e.target,l=o.closest('.kla-several select');"
    "if(!l||o.tagName!=='OPTION'||e.button||e.shiftKey||e.ctrlKey||e.metaKey||e.defaultPrevented)return;"
    "e.preventDefault();const top=l.scrollTop;o.selected=!o.selected;l.focus();l.scrollTop=top;"
    "l.dispatchEvent(new Event('change',{bubbles:true}))})}"
)
CSS = f"""<style onload="{_KEYS}">
.kla-explorer, .kla-results {{container-type: inline-size}}
.kla {{font-size: var(--jp-ui-font-size1, var(--vscode-font-size, 13px));
  font-family: var(--jp-ui-font-family, var(--vscode-font-family, system-ui, sans-serif));{COLOURS}
  --jp-widgets-dropdown-arrow: {_ARROW}}}
.kla, .kla .widget-label, .kla .widget-html-content {{
  color: var(--jp-ui-font-color1, var(--vscode-foreground, inherit))}}
.kla .widget-label-basic {{display: flex; align-items: center}}
.kla .widget-label-basic input {{flex: 0 0 auto; margin: 0 8px 0 1px}}
.kla .widget-label-basic span {{white-space: nowrap; overflow: hidden; text-overflow: ellipsis}}
.kla .widget-select select {{height: auto; width: 100%; max-width: none}}
.kla .widget-select-multiple select {{padding: 2px}}
.kla-several option::before {{content: "☐ " / ""; opacity: .75}}
.kla-several option:checked::before {{content: "☑ " / ""; opacity: 1}}
.kla .jupyter-button.mod-primary {{background: #1565c0; color: #fff}}
.kla-presets .widget-radio-box {{display: flex; flex-flow: row wrap; gap: 4px; margin: 0 2px 4px !important;
  padding: 0; flex: 1 1 0}}
.kla-presets .widget-radio-box label {{width: auto; height: 24px; line-height: 22px; margin: 0; padding: 0 9px;
  border: 1px solid var(--kla-line); border-radius: 12px; color: inherit; cursor: pointer; white-space: nowrap}}
.kla-presets .widget-radio-box input {{position: absolute; opacity: 0; width: 1px; margin: 0}}
.kla-presets .widget-radio-box label:has(input:checked) {{border-color: var(--kla-accent); font-weight: 600;
  background: var(--kla-fill); box-shadow: inset 0 0 0 1px var(--kla-accent)}}
.kla-presets .widget-radio-box label:has(input:focus-visible) {{outline: 2px solid var(--kla-accent);
  outline-offset: 1px}}
.kla-unseen-label > label {{position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%)}}
.kla .lm-TabBar-tabLabel {{color: var(--jp-ui-font-color1, var(--vscode-foreground, inherit))}}
.kla input[type=date] {{font-family: inherit}}
.kla .kla-muted {{color: var(--kla-muted); font-size: .92em; white-space: nowrap}}
.kla-head {{font-weight: 600}}
.kla-group {{font-weight: 600; font-size: .85em; letter-spacing: .02em; color: var(--kla-muted)}}
.kla-problem {{color: var(--kla-problem)}}
.kla-warn {{color: var(--kla-warn)}}
.kla .kla-note {{min-height: 1.5em; line-height: 1.5; white-space: normal}}
.kla-status {{margin-left: 8px}}
.kla-status .kla-note {{padding-top: 5px}}
.kla progress {{width: 100%; height: 6px; accent-color: var(--kla-accent); display: block; margin-top: 4px}}
.kla :focus-visible {{outline: 2px solid var(--kla-accent); outline-offset: 1px}}
.kla-panel {{flex-wrap: wrap; gap: 16px; align-items: flex-start}}
@container (max-width: 780px) {{
  .kla-panel {{flex-direction: column; align-items: stretch; gap: 8px}}
  .kla-panel > :first-child {{max-width: none !important; flex: none !important}}
  .kla-panel > :first-child > .kla {{max-width: none !important}}
  .kla-panel > :last-child {{display: contents}}
  .kla-top {{order: -1}}
}}
.kla-chips {{flex-wrap: wrap}}
.kla-chips button {{border-radius: 12px; height: 24px; line-height: 22px; width: auto; max-width: 100%;
  padding: 0 10px; overflow: hidden; text-overflow: ellipsis}}
.kla-page {{min-height: calc(min(100cqw, 892px) * .52 + 84px)}}
.kla-chart img {{width: 100%; max-width: 860px; border-radius: 4px; display: block}}
.kla-chart .kla-dark {{display: none}}
.kla .ka-hit:hover {{background: rgba(128, 128, 128, .14)}}
.kla .ka-hit:hover::after {{content: attr(data-text); position: absolute; left: 100%; top: 0; z-index: 5;
  white-space: pre; pointer-events: none; padding: 5px 9px; border-radius: 4px; line-height: 1.45; font-size: .92em;
  background: #1b2430; color: #fff; box-shadow: 0 1px 6px rgba(0, 0, 0, .35)}}
.kla .ka-right:hover::after {{left: auto; right: 100%}}
.kla .ka-hover summary:hover {{background: rgba(128, 128, 128, .18)}}
.kla .kla-light details:not([open]) > summary {{background: rgba(255, 255, 255, .72)}}
.kla .kla-dark details:not([open]) > summary {{background: rgba(33, 33, 33, .72)}}
.kla-old .kla-chart, .kla-old .kla-scroll {{opacity: .45; transition: opacity .2s}}
body[data-jp-theme-light="false"] .kla-chart .kla-light, .theme-dark .kla-chart .kla-light,
.vscode-dark .kla-chart .kla-light {{display: none}}
body[data-jp-theme-light="false"] .kla-chart .kla-dark, .theme-dark .kla-chart .kla-dark,
.vscode-dark .kla-chart .kla-dark {{display: block}}
{TABLE}
.kla a {{color: var(--kla-link); text-decoration: underline}}
.kla pre.kla-code {{white-space: pre-wrap; background: var(--kla-fill); padding: 10px 12px; margin: 0 0 8px;
  border-radius: 4px; color: inherit;
  font-family: var(--jp-code-font-family, var(--vscode-editor-font-family, monospace));
  font-size: var(--jp-code-font-size, 13px); line-height: 1.45}}
body .kla-saved {{display: none}}
.kla-cards {{display: flex; flex-wrap: wrap; gap: 8px; margin: 2px 0 8px}}
.kla-card {{border: 1px solid var(--kla-line); border-radius: 4px; padding: 5px 12px; min-width: 110px;
  max-width: 260px; line-height: 1.45}}
.kla-card b {{font-size: 1.35em; font-weight: 600; font-variant-numeric: tabular-nums}}
.kla-card .kla-muted {{white-space: normal}}
.kla-card svg {{width: 100%; height: 18px; display: block; color: var(--kla-accent)}}
.kla-tools {{flex-wrap: wrap; gap: 4px; margin-bottom: 2px}}
.kla-button {{border: 1px solid var(--kla-line); background: var(--kla-fill);
  color: inherit; padding: 4px 12px; border-radius: 3px; cursor: pointer}}
</style>"""


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
        """Close the view: stop watching the state, and close the widgets inside with their layouts and styles."""
        if "_watched" not in vars(self):
            return  # the constructor raised before this was set
        for state, then, names in self._watched:
            state.unobserve(then, names=names)
        self._watched.clear()
        for child in getattr(self, "children", ()):
            let_go(child)
        layout = self.layout
        super().close()
        layout.close()

    def __repr__(self) -> str:
        said = self._chosen_in_words()
        return f"<{type(self).__name__}: {said}>" if said else f"<{type(self).__name__}>"

    def _chosen_in_words(self) -> str:
        """Return what is chosen, for pages that run no widgets and show this text instead."""
        return ""


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
    """Make the status line beside the buttons; its height is fixed."""
    line = ipywidgets.HTML(layout={"height": "48px", "overflow": "hidden auto", "flex": "1 1 0"})
    line.add_class("kla-status")
    return line


def check_client(view: object, given: Any) -> None:
    """Raise unless `given` is a client.

    Raises
    ------
    InvalidInputError
        The message says what was given, and where a client comes from.
    """
    check(view, "client", given, KlaviyoClient, "a client from ka.connect() or ka.demo()")


def check_state(view: object, given: Any, kind: type) -> None:
    """Raise unless `given` is a state of this view, or None.

    Raises
    ------
    InvalidInputError
        The message says what was given, and what the view takes.
    """
    if given is not None:
        check(view, "state", given, kind, f"a {kind.__name__}, or omit it")


def check(view: object, name: str, given: Any, kind: type | tuple[type, ...], wanted: str) -> None:
    """Raise unless the value has the right type; the value is not shown, as it may be a key.

    Raises
    ------
    InvalidInputError
        The message says what was given and what is wanted.
    """
    if not isinstance(given, kind):
        raise InvalidInputError(f"{type(view).__name__}(): {name} is {described(given)}; give {wanted}.")
