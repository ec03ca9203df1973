"""What a person does in JupyterLab: open a notebook, run it, change the theme; and a look into the kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from tests.browser.jupyter import Server

if TYPE_CHECKING:
    from playwright.sync_api import Page

# The toolbar says idle before there is a kernel, so the session itself is asked.
READY = """() => {
  const p = window.jupyterapp?.shell?.currentWidget, c = p?.sessionContext, k = c?.session?.kernel;
  return !!(p?.context?.isReady && c?.isReady && p.content?.widgets?.length
            && k?.connectionStatus === 'connected' && k?.status === 'idle');
}"""
RUN_ALL = """() => Promise.race([
  window.jupyterapp.commands.execute('notebook:run-all-cells'),
  new Promise((_, no) => setTimeout(() => no(new Error('the cells took over 90 s')), 90000))])"""
ASK = """async code => {
  const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
  const future = kernel.requestExecute({code}, true);
  let said = '';
  future.onIOPub = m => {
    if (m.header.msg_type === 'stream') said += m.content.text;
    if (m.header.msg_type === 'error') said += m.content.ename + ': ' + m.content.evalue;
  };
  await Promise.race([future.done, new Promise((_, no) => setTimeout(() => no(new Error('no answer')), 60000))]);
  return said.trim();
}"""
COMMS = """async () => {
  const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
  const answer = await kernel.requestCommInfo({target_name: 'jupyter.widget'});
  return Object.keys(answer.content.comms).length;
}"""


def run(page: Page, lab: Server, *cells: str) -> None:
    """Open a new notebook and run its cells."""
    page.goto(lab.write(*cells))
    page.wait_for_function(READY)
    theme(page, "Light")
    assert page.evaluate(RUN_ALL), f"a cell failed: {page.locator('.jp-OutputArea').all_inner_texts()}"


def ask(page: Page, code: str) -> str:
    """Run code in the kernel, and give what it prints."""
    said: str = page.evaluate(ASK, code)
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
