"""The interactive tour as a page of Voilà."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.jupyter import ROOT, Server
from tests.browser.lab import violations

if TYPE_CHECKING:
    from playwright.sync_api import Page, expect
else:
    expect = pytest.importorskip("playwright.sync_api").expect

pytestmark = pytest.mark.xdist_group("browser")
# What IPython shows of a Matplotlib figure is an image without a text, and nothing of ours can give it one.
PICTURES = (".jp-RenderedImage",)
# Voilà's dark theme, without running the notebook again: its colours, and the mark that says so.
DARK = """() => {
  document.body.dataset.jpThemeLight = 'false';
  document.body.dataset.jpThemeName = 'JupyterLab Dark';
  Object.assign(document.body.style, {background: '#111111', color: '#ffffffde', colorScheme: 'dark'});
  for (const [name, colour] of Object.entries({'layout-color0': '#111111', 'layout-color1': '#212121',
    'layout-color2': '#424242', 'layout-color3': '#616161', 'ui-font-color0': '#ffffff',
    'ui-font-color1': '#ffffffde', 'ui-font-color2': '#ffffffb3', 'ui-font-color3': '#ffffff80',
    'content-font-color0': '#ffffff', 'content-font-color1': '#ffffff', 'content-font-color2': '#ffffffb3',
    'border-color1': '#616161', 'border-color2': '#424242', 'brand-color1': '#2196f3',
    'cell-editor-background': '#212121',
    'widgets-label-color': '#ffffff', 'rendermime-table-row-background': '#212121', 'input-background': '#424242'}))
    document.body.style.setProperty(`--jp-${name}`, colour);
}"""


@pytest.fixture(scope="module")
def voila(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("voila"), "voila", ROOT / "notebooks" / "06_explore.ipynb")
    try:
        yield server.wait()
    finally:
        server.stop()


def test_the_tour_is_a_page_whose_explorers_work(page: Page, voila: Server, shot: Any) -> None:
    page.goto(f"{voila.url}/?token={voila.token}")
    explorers = page.locator(".kla-explorer")
    expect(explorers).to_have_count(3)
    metrics, campaigns = explorers.nth(0), explorers.nth(1)
    expect(metrics.locator(".kla-light > img")).to_be_visible()
    shot("voila")

    metrics.get_by_label("Interval").select_option("month")
    metrics.get_by_role("button", name="Run", exact=True).click()
    expect(metrics).to_have_class(re.compile(r"\bkla-is-done-2\b"))
    expect(metrics.get_by_role("img", name=re.compile("per month"))).to_be_visible()

    expect(campaigns).to_contain_text("campaign reports are left today")
    chart = campaigns.locator(".kla-light > img")
    before = chart.get_attribute("src")
    campaigns.get_by_label("Number").select_option("Click rate")
    expect(chart).not_to_have_attribute("src", str(before))
    campaigns.scroll_into_view_if_needed()
    shot("voila_campaigns")
    assert violations(page, ".jp-OutputArea", without=PICTURES) == []
    page.evaluate(DARK)
    expect(metrics.locator(".kla-dark > img")).to_be_visible()
    assert violations(page, ".jp-OutputArea", without=PICTURES) == []
    shot("voila_dark")
