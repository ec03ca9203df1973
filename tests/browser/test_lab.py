"""Explorers and pickers in JupyterLab, clicked through in a real browser."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal

import pytest

from tests.browser.jupyter import Server
from tests.browser.lab import ask, comms, pale, run, saved_notebook, theme

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page, expect
else:
    expect = pytest.importorskip("playwright.sync_api").expect

pytestmark = pytest.mark.xdist_group("browser")

SETUP = """
import klaviyo_analytics as ka
from klaviyo_analytics.sandbox import Sandbox
from tests.widgets import accounts

sandbox = Sandbox(account=accounts.{account}()).start()
client = ka.connect(api_key=sandbox.api_key, base_url=sandbox.direct_url)
client._api.paced = False
from datetime import UTC, datetime
client._context.now = lambda: datetime.fromtimestamp(sandbox.account.now, UTC)
"""
# Holds requests back until the test lets them go: no time is long enough to look at what is there for a while.
HOLD = """
import threading
go, send = threading.Event(), client._api.transport._attempt
client._api.transport._attempt = lambda *args, **kwargs: (go.wait(), send(*args, **kwargs))[1]
"""
COLOURS: tuple[Literal["Light", "Dark"], ...] = ("Light", "Dark")
LET_GO = "client._api.transport._attempt = send; go.set()"
SHOW = "explorer = ka.widgets.MetricExplorer(client)\nexplorer"


def open_explorer(page: Page, lab: Server, account: str = "shop") -> Locator:
    run(page, lab, SETUP.format(account=account), SHOW)
    explorer = page.locator(".kla-explorer")
    expect(explorer).to_be_visible()
    return explorer


def button(place: Locator, name: str) -> Locator:
    return place.get_by_role("button", name=name, exact=True)


def choose(explorer: Locator, metric: str) -> None:
    explorer.get_by_placeholder("Search metrics").fill(metric)
    expect(explorer.locator(".kla-choice-metric")).to_contain_text("1–1 of 1")
    explorer.get_by_label(metric, exact=True).check()
    expect(button(explorer, f"{metric} ×")).to_be_visible()


def ended(explorer: Locator, how: str, runs: int) -> None:
    expect(explorer).to_have_class(re.compile(rf"\bkla-is-{how}-{runs}\b"))


def test_search_among_500_metrics_run_and_take_everything_along(page: Page, lab: Server, shot: Any) -> None:
    explorer = open_explorer(page, lab, "with_many_metrics")
    results, go = explorer.locator(".kla-results"), button(explorer, "Run")
    expect(explorer.locator(".kla-choice-metric")).to_contain_text("1–7 of 500")
    expect(go).to_be_disabled()
    expect(explorer.get_by_role("heading", name="Often used")).to_be_visible()
    shot("explorer_before")
    button(explorer, "More").click()
    expect(explorer.get_by_role("heading", name="Integration 0")).to_be_visible()
    shot("explorer_headings")
    choose(explorer, "Opened Email")
    go.scroll_into_view_if_needed()
    place, size = go.bounding_box(), results.bounding_box()
    go.click()
    ended(explorer, "done", 1)
    assert (go.bounding_box(), results.bounding_box()) == (place, size)  # nothing jumped

    chart = results.get_by_role("img", name=re.compile("Line chart of Opened Email"))
    expect(chart).to_have_count(1)  # the other one is for dark pages
    assert chart.evaluate("async e => { await e.decode(); return e.naturalWidth; }") > 500
    shot("explorer_light")
    results.get_by_role("tab", name="Table").click()
    expect(results.locator("tbody tr")).to_have_count(90)
    shot("explorer_table")
    results.get_by_role("tab", name="Code").click()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    button(results, "Copy as code").click()
    expect(button(results, "Copied")).to_be_visible()
    copied = page.evaluate("() => navigator.clipboard.readText()")
    assert ask(page, f"{copied}\nprint(frame.equals(explorer.frame), len(frame))") == "True 90"
    shot("explorer_code")

    results.get_by_role("tab", name="Chart").click()
    theme(page, "Dark")
    expect(results.locator("img.kla-dark")).to_be_visible()
    expect(results.locator("img.kla-light")).to_be_hidden()
    shot("explorer_dark")
    button(results, "Save").click()
    expect(results).to_contain_text("Saved opened_email")
    assert len(list(lab.folder.glob("opened_email*.csv"))) == 1


def test_a_hundred_clicks_leave_nothing_and_close_leaves_nothing_at_all(page: Page, lab: Server) -> None:
    explorer = open_explorer(page, lab)
    for name in ("Opened Email", "Clicked Email"):
        choose(explorer, name)
    before = comms(page)
    box = explorer.get_by_label("Clicked Email", exact=True)
    for _ in range(50):
        box.uncheck()
        box.check()
    button(explorer, "Run").click()
    ended(explorer, "done", 1)
    assert comms(page) == before
    ours = "[each for each in threading.enumerate() if each.name == 'klaviyo-widget']"
    assert ask(page, f"import threading; explorer._loader.join(60); print({ours})") == "[]"
    assert ask(page, "import matplotlib.pyplot as plt; print(plt.get_fignums())") == "[]"
    saved = "str(ipywidgets.Widget.get_manager_state())"
    assert (
        ask(page, f"import ipywidgets; print(sandbox.api_key in {saved}, 'Clicked' in {saved})")
        == "False True"
    )
    ask(page, "explorer.close()")
    expect(explorer).to_have_count(0)
    assert comms(page) == 0


def test_a_slow_answer_is_called_off_and_an_error_is_read_in_the_widget(
    page: Page, lab: Server, shot: Any
) -> None:
    explorer = open_explorer(page, lab)
    choose(explorer, "Opened Email")
    ask(page, HOLD)
    button(explorer, "Run").click()
    expect(explorer.get_by_role("progressbar")).to_be_visible()
    expect(button(explorer, "Run")).to_be_disabled()
    assert ask(page, "print(6 * 7)") == "42"  # the notebook goes on meanwhile
    shot("explorer_loading")
    button(explorer, "Cancel").click()
    ended(explorer, "cancelled", 1)
    expect(button(explorer, "Cancel")).to_be_disabled()
    ask(page, LET_GO)
    button(explorer, "Run").click()
    ended(explorer, "done", 2)
    expect(explorer.locator("img.kla-light")).to_be_visible()

    ask(page, "sandbox.faults.add(path='/api/metric-aggregates', status=403)")
    button(explorer, "Run").click()
    ended(explorer, "failed", 3)
    expect(explorer.get_by_role("alert")).to_contain_text("403")
    shot("explorer_error")
    expect(explorer.locator("img.kla-light")).to_be_visible()
    button(explorer, "Run").click()
    ended(explorer, "done", 4)
    expect(explorer.get_by_role("alert")).to_have_count(0)


def test_an_empty_account_says_so(page: Page, lab: Server, shot: Any) -> None:
    explorer = open_explorer(page, lab, "empty")
    expect(explorer).to_contain_text("This account has no metrics.")
    expect(button(explorer, "Run")).to_be_disabled()
    theme(page, "Dark")
    shot("explorer_empty_dark")


def test_days_by_keyboard_in_a_narrow_column(page: Page, lab: Server, shot: Any) -> None:
    page.set_viewport_size({"width": 620, "height": 1000})
    explorer = open_explorer(page, lab)
    search = explorer.get_by_placeholder("Search metrics")
    search.fill("opened email")
    expect(explorer.get_by_label("Opened Email", exact=True)).to_be_visible()
    search.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(explorer.get_by_label("Opened Email", exact=True)).to_be_checked()
    last = explorer.get_by_label("Last day")
    last.fill("2026-01-01")
    last.press("Tab")
    expect(explorer.get_by_role("alert")).to_contain_text("is before the first")
    expect(button(explorer, "Run")).to_be_disabled()
    explorer.get_by_label("Period").select_option("last month")
    expect(explorer.get_by_role("alert")).to_have_count(0)
    expect(last).to_have_value("2026-05-31")
    explorer.get_by_label("Compare").select_option("previous period")
    button(explorer, "Run").press("Enter")
    ended(explorer, "done", 1)
    width = explorer.evaluate("e => [e.scrollWidth, e.clientWidth]")
    assert width[0] <= width[1]  # nothing has to be scrolled sideways
    shot("explorer_narrow")


def test_every_other_picker_and_explorer_is_clicked_through(page: Page, lab: Server, shot: Any) -> None:
    show = """
connections = ka.Connections(api_key=sandbox.maton_key, base_url=sandbox.control_url, progress=False)
nouns = ("List", "Segment", "Campaign", "Flow")
pickers = [getattr(ka.widgets, noun + "Picker")(client) for noun in nouns]
account, flows = ka.widgets.ConnectionPicker(connections), ka.widgets.FlowExplorer(client)
display(flows, account, *pickers)
"""
    run(page, lab, SETUP.format(account="shop"), show)
    for noun in ("list", "segment", "campaign", "flow"):
        picker = page.locator(f".kla-choice-{noun}")
        picker.get_by_role("checkbox").first.check()
        expect(picker.get_by_role("button", name=re.compile("×$"))).to_have_count(1)
    assert ask(page, "print([len(picker.value) for picker in pickers])") == "[1, 1, 1, 1]"
    shot("pickers")

    account = page.locator(".kla-choice-connection")
    account.get_by_role("radio").first.check()
    button(account, "New connection").click()
    link = account.get_by_role("link", name="Open Klaviyo to allow access")
    expect(link).to_have_attribute("href", re.compile("^http://127.0.0.1:"))
    token = ask(page, "print(account.link.partition('session_token=')[2])")
    assert token
    assert token not in saved_notebook(page, lab)
    account.scroll_into_view_if_needed()
    shot("connection_waiting")
    button(account, "Cancel").click()
    expect(link).to_have_count(0)

    flows = page.locator(".kla-explorer")
    flows.get_by_label("Period").select_option("last 90 days")
    flows.get_by_label("Rows").select_option("one row a message")
    button(flows, "Run").click()
    ended(flows, "done", 1)
    expect(flows.get_by_role("img", name=re.compile("Funnel chart"))).to_be_visible()
    theme(page, "Dark")
    flows.scroll_into_view_if_needed()
    shot("flows_dark")
    for name in ("flows", "account", *(f"pickers[{place}]" for place in range(4))):
        ask(page, f"{name}.close()")
    assert comms(page) == 0


def test_one_of_many_is_chosen_with_radio_buttons_by_keyboard(page: Page, lab: Server, shot: Any) -> None:
    show = """
from ipywidgets import HBox
pickers = [getattr(ka.widgets, noun + "Picker")(client, multiple=False) for noun in ("Metric", "Campaign")]
pickers[1].choose_first()
HBox(pickers, layout={"grid_gap": "24px"})
"""
    run(page, lab, SETUP.format(account="shop"), show)
    metrics, campaigns = page.locator(".kla-choice-metric"), page.locator(".kla-choice-campaign")
    expect(metrics.get_by_role("radio", name="Placed Order", exact=True)).to_have_count(2)
    expect(page.locator(".kla").get_by_role("checkbox")).to_have_count(0)
    expect(campaigns.get_by_role("radio").first).to_be_checked()
    for picker in (metrics, campaigns):  # beside each other, none is squeezed to nothing
        assert picker.evaluate("e => e.offsetWidth") > 200
    metrics.get_by_placeholder("Search metrics").fill("placed order")
    expect(metrics).to_contain_text("1–2 of 2")  # whatever is used most often in this folder
    metrics.get_by_label("Integration").press("Tab")
    radios = metrics.get_by_role("radio")
    for place, chip in enumerate(("Placed Order (Point of Sale) ×", "Placed Order (Shopify) ×")):
        expect(radios.nth(place)).to_be_focused()
        page.keyboard.press("Space")
        expect(button(metrics, chip)).to_be_visible()
        expect(metrics.get_by_role("radio", checked=True)).to_have_count(1)
        expect(radios.nth(place)).to_be_checked()
        page.keyboard.press("Tab")
    assert ask(page, "print(pickers[0].value)") == "[('Placed Order', 'Shopify')]"
    for colours in COLOURS:
        theme(page, colours)
        assert pale(page, ".kla") == []
        shot(f"one_of_many_{colours}".lower())
    ask(page, "for picker in pickers: picker.close()")


def test_a_write_is_looked_at_confirmed_and_told_row_by_row(page: Page, lab: Server, shot: Any) -> None:
    show = """
import pandas as pd
people = pd.DataFrame({"email": [f"person{n}@example.org" for n in range(30)] + ["nobody"]})
people["score"] = range(31)
view = ka.widgets.PlanView(client.profiles.plan_upsert(people, key="email", properties=["score"]))
view
"""
    run(page, lab, SETUP.format(account="shop"), show)
    view = page.locator(".kla-plan")
    expect(view.locator("tbody tr").first).to_contain_text("n…")
    expect(button(view, "Apply …")).to_be_disabled()
    shot("plan_before")
    button(view, "Show full keys").click()
    with page.expect_popup() as opened:
        view.get_by_role("link", name="Open the rows in full").click()
    expect(opened.value.locator("tbody tr")).to_have_count(31)
    expect(opened.value.locator("body")).to_contain_text("person29@example.org")
    opened.value.close()
    view.get_by_label("Send only the valid rows").check()
    button(view, "Apply …").click()
    expect(view.get_by_role("alert")).to_contain_text("Send 30 rows?")
    shot("plan_asked")
    ask(page, HOLD)
    button(view, "Yes, send").click()
    expect(view.get_by_role("progressbar")).to_be_visible()
    shot("plan_applying")
    ask(page, LET_GO)
    expect(view.get_by_role("status").last).to_contain_text("1 of 31 rows did not arrive")
    for label in ("Apply …", "Yes, send", "No"):
        expect(button(view, label)).to_have_count(0)
    expect(view.get_by_label("Send only the valid rows")).to_be_hidden()
    view.get_by_label("Show", exact=True).select_option("not sent")
    expect(view.locator("tbody tr")).to_have_count(1)
    shot("plan_applied")
    theme(page, "Dark")
    shot("plan_applied_dark")
    assert ask(page, "print(len(view.result.failures), len(view.result.rows))") == "1 31"
    assert "person" not in saved_notebook(page, lab).partition('"widgets"')[2]
    ask(page, "view.close()")
    assert comms(page) == 0
