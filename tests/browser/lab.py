"""What a person does in JupyterLab: open a notebook, run it, change the theme; and a look into the kernel."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tests.browser.jupyter import PATIENCE, Server

if TYPE_CHECKING:
    from playwright.sync_api import Page

# The toolbar says idle before there is a kernel, so the session itself is asked.
READY = """() => {
  const p = window.jupyterapp?.shell?.currentWidget, c = p?.sessionContext, k = c?.session?.kernel;
  return !!(p?.context?.isReady && c?.isReady && p.content?.widgets?.length
            && k?.connectionStatus === 'connected' && k?.status === 'idle');
}"""
RUN_ALL = """patience => Promise.race([
  window.jupyterapp.commands.execute('notebook:run-all-cells'),
  new Promise((_, no) => setTimeout(() => no(new Error('the cells took too long')), patience))])"""
ASK = """async ([code, patience]) => {
  const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
  const future = kernel.requestExecute({code}, true);
  let said = '';
  future.onIOPub = m => {
    if (m.header.msg_type === 'stream') said += m.content.text;
    if (m.header.msg_type === 'error') said += m.content.ename + ': ' + m.content.evalue;
  };
  await Promise.race([future.done, new Promise((_, no) => setTimeout(() => no(new Error('no answer')), patience))]);
  return said.trim();
}"""
# A test may have taken JupyterLab's colours away.
INTACT = "() => Boolean(window.jupyterapp && document.body.dataset.jpThemeLight)"
# In a page that has JupyterLab already, which takes longer to load than most tests to run.
OPEN = """async path => {
  const {commands, shell} = window.jupyterapp, before = shell.currentWidget;
  await commands.execute('docmanager:open', {path});
  before?.dispose();
}"""
SAVE = """async () => {
  await window.jupyterapp.commands.execute('docmanager:save');
  return window.jupyterapp.shell.currentWidget.context.path;
}"""
# WCAG's contrast of a text and what is behind it: 4.5 for ordinary text; what is disabled may be paler.
PALE = """place => {
  const numbers = c => { const m = c.match(/[\\d.]+/g).map(Number); return m.length < 4 ? [...m, 1] : m; };
  const over = (top, below) => [0, 1, 2].map(i => top[i] * top[3] + below[i] * (1 - top[3])).concat(1);
  const behind = e => {
    const own = numbers(getComputedStyle(e).backgroundColor);
    return own[3] === 1 ? own : over(own, e.parentElement ? behind(e.parentElement) : [255, 255, 255, 1]);
  };
  const light = c => [0, 1, 2].map(i => c[i] / 255).map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
  const bad = [];
  for (const root of document.querySelectorAll(place))
    for (const e of [root, ...root.querySelectorAll('*')]) {
      const says = e.matches('input, select') || [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim());
      if (!says || e.matches('style, option') || e.closest(':disabled')) continue;
      if (!e.checkVisibility({visibilityProperty: true})) continue;
      const back = behind(e), ink = over(numbers(getComputedStyle(e).color), back);
      const [a, b] = [light(ink), light(back)].sort((x, y) => y - x), ratio = (a + .05) / (b + .05);
      const what = `${e.tagName} ${e.className} ${(e.textContent || e.value).slice(0, 40)}`;
      if (ratio < 4.45) bad.push(`${ratio.toFixed(2)} ${what}`);
    }
  return bad;
}"""
# axe-core, on our part of the page only: the rest belongs to JupyterLab, Voilà or the theme of the guide.
AXE = """async ([include, exclude]) => {
  const found = await axe.run({include, exclude}, {resultTypes: ['violations'], elementRef: false});
  return found.violations.filter(rule => ['serious', 'critical'].includes(rule.impact)).flatMap(rule =>
    rule.nodes.map(node => `${rule.impact} ${rule.id}: ${node.html.slice(0, 160)} | ${node.failureSummary}`));
}"""
COMMS = """async () => {
  const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
  const answer = await kernel.requestCommInfo({target_name: 'jupyter.widget'});
  return Object.keys(answer.content.comms).length;
}"""


def run(page: Page, lab: Server, *cells: str) -> None:
    """Open a new notebook and run its cells."""
    notebook = lab.write(*cells)
    if page.url.startswith(lab.url) and page.evaluate(INTACT):
        page.evaluate(OPEN, notebook)
    else:
        page.goto(lab.address(notebook))
    page.wait_for_function(READY)
    theme(page, "Light")
    assert page.evaluate(RUN_ALL, PATIENCE * 1_000), (
        f"a cell failed: {page.locator('.jp-OutputArea').all_inner_texts()}"
    )


def ask(page: Page, code: str) -> str:
    """Run code in the kernel, and give what it prints."""
    said: str = page.evaluate(ASK, [code, PATIENCE * 1_000])
    return said


def comms(page: Page) -> int:
    """Count the widgets that the kernel holds open."""
    count: int = page.evaluate(COMMS)
    return count


def theme(page: Page, name: Literal["Light", "Dark"]) -> None:
    """Change the theme; the server remembers it."""
    change = (
        "name => window.jupyterapp.commands.execute('apputils:change-theme', {theme: `JupyterLab ${name}`})"
    )
    light = str(name == "Light").lower()
    if page.evaluate("() => document.body.dataset.jpThemeLight") != light:
        page.evaluate(change, name)
    page.wait_for_function("light => document.body.dataset.jpThemeLight === light", arg=light)
    # a splash covers the page for a while
    page.wait_for_function("() => !document.getElementById('jupyterlab-splash')")


def saved_notebook(page: Page, lab: Server) -> str:
    """Save the notebook with its widgets, as its menu does, and give what is in the file."""
    path: str = page.evaluate(SAVE)
    return (lab.folder / path).read_text()


def pale(page: Page, place: str) -> list[str]:
    """Give the texts in a place that are hard to read: too little contrast with what is behind them."""
    found: list[str] = page.evaluate(PALE, place)
    return found


@functools.cache
def _axe_core() -> str:
    """Read axe-core from the package that carries it."""
    import axe_playwright_python  # type: ignore[import-untyped]  # noqa: PLC0415  (not everywhere)

    return (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text("utf-8")


def violations(page: Page, *places: str, without: Sequence[str] = ()) -> list[str]:
    """Return the serious and critical violations that axe-core finds in some places of a page.

    `without` are places in them that are not ours, such as a menu of JupyterLab.
    """
    if page.evaluate("() => typeof window.axe") != "object":
        page.evaluate(_axe_core())
    # a place that is not there would be an error of axe-core's, and one of many may well be missing
    missing = [place for place in places if not page.locator(place).count()]
    assert not missing, f"there is nothing at {missing}"
    asked: list[Any] = [[[place] for place in places], [[place] for place in without]]
    found: list[str] = page.evaluate(AXE, asked)
    return found
