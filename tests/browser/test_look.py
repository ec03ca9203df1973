"""How it looks: every text can be read, on light and dark pages and on one that knows no colours of JupyterLab's.

axe-core finds no serious violation in what cells show, a report and the guide; test_voila.py looks at Voilà's page.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest

from tests.browser.jupyter import Server
from tests.browser.lab import ask, pale, run, theme, violations
from tests.browser.test_lab import COLOURS, SETUP, button, choose, ended, open_explorer

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
REPORT = """
with ka.demo(profiles=200, events=4_000, progress=False) as other:
    ka.report.performance(other, "2026-05").to_html("report.html")
"""
OUTPUTS = ".jp-OutputArea"  # JupyterLab's own menus and toolbars are not ours
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
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
        for colours in COLOURS:
            theme(page, colours)
            assert pale(page, ".kla") == []
            assert violations(page, OUTPUTS) == []
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


def test_what_a_cell_shows_and_a_report_can_be_read(page: Page, lab: Server, shot: Any) -> None:
    run(page, lab, SETUP.format(account="shop"), DISPLAYS)
    outputs = page.locator(".jp-RenderedHTMLCommon")
    expect(outputs.first).to_contain_text("Juniper")
    for colours in COLOURS:
        theme(page, colours)
        assert pale(page, ".jp-RenderedHTMLCommon") == []
        assert violations(page, OUTPUTS) == []
        outputs.first.scroll_into_view_if_needed()
        shot(f"displays_{colours}".lower())
        outputs.last.scroll_into_view_if_needed()
        shot(f"displays_end_{colours}".lower())
    assert not ask(page, REPORT)
    page.goto((lab.folder / "report.html").as_uri())
    expect(page.get_by_role("heading", name="Deliverability")).to_be_visible()
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        assert violations(page, "html") == []
        shot(f"report_{scheme}")


@pytest.mark.skipif(
    "KLAVIYO_SITE" not in os.environ and os.environ.get("CI") != "true",
    reason="KLAVIYO_SITE names no folder with the guide; .ci/run builds it (python -m tests.notebooks.build FOLDER)",
)
@pytest.mark.parametrize("name", ["index.html", "01_read.html"])
def test_a_page_of_the_guide_can_be_read(name: str, page: Page, shot: Any) -> None:
    page.goto((Path(os.environ["KLAVIYO_SITE"]) / name).as_uri())
    for scheme in SCHEMES:
        page.evaluate("mode => { document.documentElement.dataset.theme = mode; }", scheme)
        assert violations(page, "article") == []
        shot(f"guide_{Path(name).stem}_{scheme}")


def test_axe_core_finds_what_is_wrong_and_only_where_it_is_asked(page: Page) -> None:
    page.set_content(
        "<html lang=en><title>A page</title><main><p>Fine</p><div id=bad><img src='data:,'></div></main></html>"
    )
    assert violations(page, "p") == []
    (found,) = violations(page, "main")
    assert found.startswith("critical image-alt")
    assert violations(page, "main", without=["#bad"]) == []


def test_every_picker_can_be_read(page: Page, lab: Server, shot: Any) -> None:
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
    button(place, "New connection").click()
    expect(place.get_by_role("link")).to_be_visible()
    for colours in COLOURS:
        theme(page, colours)
        assert pale(page, ".kla") == []
        assert violations(page, OUTPUTS) == []
        page.locator(".kla-choice-metric").scroll_into_view_if_needed()
        shot(f"pickers_{colours}_top".lower())
        place.scroll_into_view_if_needed()
        shot(f"pickers_{colours}_end".lower())
    button(place, "Cancel").click()
    expect(place.get_by_role("link")).to_have_count(0)
