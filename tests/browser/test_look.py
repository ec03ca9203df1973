"""How it looks: every text can be read, on light and dark pages and on one that knows no colours of JupyterLab's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.jupyter import Server
from tests.browser.lab import pale, run, theme
from tests.browser.test_lab import SETUP, button, choose, ended, open_explorer

if TYPE_CHECKING:
    from playwright.sync_api import Page, expect
else:
    expect = pytest.importorskip("playwright.sync_api").expect

pytestmark = pytest.mark.xdist_group("browser")
# A dark page of another front end: VS Code's mark and colours, and none of JupyterLab's.
ELSEWHERE = """() => {
  for (const sheet of document.styleSheets)
    for (const rule of sheet.cssRules)
      if (rule.style) for (const name of [...rule.style])
        if (name.startsWith('--jp-') && !name.startsWith('--jp-widgets')) rule.style.removeProperty(name);
  const page = document.querySelector('.kla').closest('.jp-OutputArea');
  document.body.classList.add('vscode-dark');
  document.body.removeAttribute('data-jp-theme-light');
  Object.assign(page.style, {background: '#1e1e1e', color: '#cccccc', colorScheme: 'dark'});
  for (const [name, colour] of Object.entries({foreground: '#cccccc', descriptionForeground: '#9d9d9d',
    errorForeground: '#f48771', focusBorder: '#007fd4', 'textLink-foreground': '#3794ff',
    'editorWidget-background': '#252526', 'widget-border': '#454545'}))
    page.style.setProperty(`--vscode-${name}`, colour);
}"""
DISPLAYS = """
import pandas as pd
people = pd.DataFrame({"email": ["ada@example.org", "nobody"], "first_name": ["Ada", "Bob"]})
plan = client.profiles.plan_upsert(people, key="email")
result = plan.apply(skip_invalid=True)
display(client, client.account, client.describe("tags"), client.describe(), plan, result, client.check())
"""


def test_everything_can_be_read_in_light_and_dark(page: Page, lab: Server, shot: Any) -> None:
    explorer = open_explorer(page, lab)
    for metric in ("Opened Email", "Clicked Email"):
        choose(explorer, metric)
    explorer.get_by_label("Group by").select_option("Inbox provider")
    explorer.get_by_label("and by").select_option("Email domain")
    explorer.get_by_label("Chart", exact=True).select_option("a small chart each")
    button(explorer, "Run").click()
    ended(explorer, "done", 1)
    expect(explorer.locator(".kla-light > img")).to_be_visible()
    explorer.get_by_placeholder("Search metrics").fill("")
    for name in ("Chart", "Table", "Code"):
        explorer.get_by_role("tab", name=name).click()
        for colours in ("Light", "Dark"):
            theme(page, colours)
            assert pale(page, ".kla") == []
            shot(f"several_{name}_{colours}".lower())


def test_a_front_end_without_jupyterlabs_colours_is_readable_too(page: Page, lab: Server, shot: Any) -> None:
    explorer = open_explorer(page, lab)
    choose(explorer, "Opened Email")
    button(explorer, "Run").click()
    ended(explorer, "done", 1)
    page.evaluate(ELSEWHERE)
    expect(explorer.locator(".kla-dark > img")).to_be_visible()
    ours = ".kla-note, .kla-muted, .kla-head, .kla-group, .kla-code, .kla-scroll, .widget-label"
    assert pale(page, ours) == []
    shot("elsewhere_chart")
    explorer.get_by_role("tab", name="Table").click()
    assert pale(page, ours) == []
    shot("elsewhere_table")


@pytest.mark.parametrize("colours", ["Light", "Dark"])
def test_what_a_cell_shows_can_be_read(colours: Any, page: Page, lab: Server, shot: Any) -> None:
    run(page, lab, SETUP.format(account="shop"), DISPLAYS)
    outputs = page.locator(".jp-RenderedHTMLCommon")
    expect(outputs.first).to_contain_text("Juniper")
    theme(page, colours)
    assert pale(page, ".jp-RenderedHTMLCommon") == []
    shot(f"displays_{colours}".lower())
    outputs.last.scroll_into_view_if_needed()
    shot(f"displays_end_{colours}".lower())


@pytest.mark.parametrize("colours", ["Light", "Dark"])
def test_every_picker_can_be_read(colours: Any, page: Page, lab: Server, shot: Any) -> None:
    show = """
from datetime import date
connections = ka.Connections(api_key=sandbox.maton_key, base_url=sandbox.control_url, progress=False)
nouns = ("Metric", "List", "Segment", "Campaign", "Flow")
days = ka.widgets.DateRangePicker(client)
days.state.last_day = date(2020, 1, 1)
pickers = [getattr(ka.widgets, noun + "Picker")(client) for noun in nouns]
pickers += [ka.widgets.DimensionPicker(), days, ka.widgets.ConnectionPicker(connections)]
for picker in pickers[:6]:
    picker.state.toggle(picker.state.options[1].id)
from ipywidgets import GridBox
GridBox(pickers, layout={"grid_template_columns": "1fr 1fr", "grid_gap": "16px"})
"""
    run(page, lab, SETUP.format(account="shop"), show)
    place = page.locator(".kla-choice-connection")
    expect(place).to_be_visible()
    theme(page, colours)
    button(place, "New connection").click()
    expect(place.get_by_role("link")).to_be_visible()
    assert pale(page, ".kla") == []
    page.locator(".kla-choice-metric").scroll_into_view_if_needed()
    shot(f"pickers_{colours}_top".lower())
    place.scroll_into_view_if_needed()
    shot(f"pickers_{colours}_end".lower())
    button(place, "Cancel").click()
    expect(place.get_by_role("link")).to_have_count(0)
