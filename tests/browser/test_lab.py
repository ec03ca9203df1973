"""Explorers and pickers in JupyterLab, clicked through in a real browser."""

from __future__ import annotations

import json
import re
import secrets
from typing import TYPE_CHECKING, Any, Literal

import pytest

from tests.browser.jupyter import Server
from tests.browser.lab import ask, comms, pale, run, saved_notebook, theme, violations

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


def listed(place: Locator, name: str) -> Locator:
    return place.get_by_role("listbox", name=name, exact=True)


def choose(explorer: Locator, metric: str) -> None:
    explorer.get_by_placeholder("Search metrics").fill(metric)
    offered = listed(explorer, "Metrics").locator("option")
    expect(offered).to_have_text([re.compile("^" + metric.replace(" ", r"\s"))])  # not to be broken there
    listed(explorer, "Metrics").select_option(index=0)
    expect(button(explorer, f"{metric} ×")).to_be_visible()


def light(place: Locator) -> Locator:
    """The chart for light pages, without the layers of its series."""
    return place.locator(".kla-light > img").first


def ended(explorer: Locator, how: str, runs: int) -> None:
    expect(explorer).to_have_class(re.compile(rf"\bkla-is-{how}-{runs}\b"))


def test_search_among_500_metrics_run_and_take_everything_along(page: Page, lab: Server, shot: Any) -> None:
    explorer = open_explorer(page, lab, "with_many_metrics")
    results, go = explorer.locator(".kla-results"), button(explorer, "Run")
    expect(explorer.locator(".kla-choice-metric")).to_contain_text("500 metrics")
    expect(go).to_be_disabled()
    expect(listed(explorer, "Metrics").locator("option")).to_have_count(500)  # without pages
    heights = listed(explorer, "Metrics").evaluate("e => [e.scrollHeight, e.clientHeight]")
    assert heights[0] > 10 * heights[1]
    shot("explorer_before")
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
    expect(results.locator(".kla-dark > img")).to_be_visible()
    expect(light(results)).to_be_hidden()
    shot("explorer_dark")
    button(results, "Save").click()
    expect(results).to_contain_text("Saved opened_email")
    assert len(list(lab.folder.glob("opened_email*.csv"))) == 1


def test_a_hundred_clicks_leave_nothing_and_close_leaves_nothing_at_all(page: Page, lab: Server) -> None:
    explorer = open_explorer(page, lab)
    options = listed(explorer, "Metrics").get_by_role("option")
    chips = explorer.locator(".kla-choice-metric").get_by_role("button", name=re.compile("×$"))
    for place, chosen in ((0, 1), (2, 2), (4, 3), (2, 2)):  # a click adds or removes one, without Ctrl
        options.nth(place).click()
        expect(chips).to_have_count(chosen)
    expect(listed(explorer, "Metrics")).to_be_focused()
    listed(explorer, "Metrics").select_option([])
    expect(chips).to_have_count(0)
    for name in ("Opened Email", "Clicked Email"):
        choose(explorer, name)
    before = comms(page)
    for _ in range(50):
        listed(explorer, "Metrics").select_option([])
        listed(explorer, "Metrics").select_option(index=0)
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
    expect(light(explorer)).to_be_visible()

    ask(page, "sandbox.faults.add(path='/api/metric-aggregates', status=403)")
    button(explorer, "Run").click()
    ended(explorer, "failed", 3)
    expect(explorer.get_by_role("alert")).to_contain_text("403")
    shot("explorer_error")
    expect(light(explorer)).to_be_visible()
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
    expect(explorer.locator(".kla-choice-metric .kla-note")).to_contain_text("1 of ")
    search.press("Tab")
    expect(listed(explorer, "Metrics")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(button(explorer, "Opened Email ×")).to_be_visible()
    explorer.get_by_text("custom", exact=True).click()
    last = explorer.get_by_label("Last day")
    last.fill("2026-01-01")
    last.press("Tab")
    expect(explorer.get_by_role("alert")).to_contain_text("is before the first")
    expect(button(explorer, "Run")).to_be_disabled()
    explorer.get_by_text("last month", exact=True).click()
    expect(explorer.get_by_role("alert")).to_have_count(0)
    expect(explorer.locator(".kla-dates")).to_contain_text("2026-05-01 to 2026-05-31")
    explorer.get_by_label("Compare").select_option("previous period")
    expect(button(explorer, "Run")).to_be_enabled()  # a key, unlike a click, does not wait for that
    button(explorer, "Run").press("Enter")
    ended(explorer, "done", 1)
    width = explorer.evaluate("e => [e.scrollWidth, e.clientWidth]")
    assert width[0] <= width[1]  # nothing has to be scrolled sideways
    shot("explorer_narrow")


def test_at_600_pixels_run_stands_above_one_column_of_aligned_edges(page: Page, lab: Server) -> None:
    page.set_viewport_size({"width": 600, "height": 900})
    explorer = open_explorer(page, lab)
    explorer.evaluate("e => e.scrollIntoView()")
    expect(button(explorer, "Run")).to_be_in_viewport()
    places = [".kla-top", ".kla-choice-metric", ".kla-dimension", ".kla-dates", ".kla-results"]
    boxes = [explorer.locator(place).bounding_box() for place in places]
    edges = [(round(box["x"]), round(box["x"] + box["width"])) for box in boxes if box]
    assert len(edges) == len(places)
    assert max(left for left, _ in edges) - min(left for left, _ in edges) <= 4
    assert max(right for _, right in edges) - min(right for _, right in edges) <= 4
    tops = [box["y"] for box in boxes if box]
    assert tops == sorted(tops)


def test_search_choose_run_read_and_save_without_a_mouse(page: Page, lab: Server) -> None:
    explorer = open_explorer(page, lab)
    search = explorer.get_by_placeholder("Search metrics")
    search.fill("opened email")
    expect(explorer.locator(".kla-choice-metric .kla-note")).to_contain_text("1 of ")
    search.press("Enter")  # chooses the only match and runs
    ended(explorer, "done", 1)
    expect(button(explorer, "Opened Email ×")).to_be_visible()
    stops = 0
    while not button(explorer, "Run").evaluate("e => e === document.activeElement"):
        page.keyboard.press("Tab")
        stops += 1
        assert stops <= 9  # one of them for all the days
    keys = 0
    while not button(explorer, "Save").evaluate("e => e === document.activeElement"):
        page.keyboard.press("Tab")
        keys += 1
        assert keys <= 3
    page.keyboard.press("Enter")
    expect(explorer.locator(".kla-results")).to_contain_text("Saved opened_email")


def test_values_are_read_off_the_chart_and_series_are_hidden_by_their_name(
    page: Page, lab: Server, shot: Any
) -> None:
    explorer = open_explorer(page, lab)
    for name in ("Opened Email", "Clicked Email"):
        choose(explorer, name)
    button(explorer, "Run").click()
    ended(explorer, "done", 1)
    chart = explorer.locator(".kla-light")
    light(explorer).evaluate("async e => { await e.decode(); }")
    box = light(explorer).bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + box["height"] * 0.5)
    under = chart.locator(".ka-hit:hover")
    expect(under).to_have_count(1)
    text = str(under.get_attribute("data-text"))
    assert re.fullmatch(r"2026-\d\d-\d\d\n(Opened|Clicked) Email: \d+\n(Opened|Clicked) Email: \d+", text)
    shown = under.evaluate("e => getComputedStyle(e, '::after').content")
    assert text.split("\n", 1)[0] in shown
    shot("explorer_value")

    series = chart.locator("details").filter(has=page.get_by_label("Opened Email", exact=True))
    layer = series.locator("img")
    expect(layer).to_be_visible()
    series.locator("summary").click()
    expect(layer).to_be_hidden()
    shot("explorer_series_off")
    series.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(layer).to_be_visible()


def test_what_was_saved_shows_the_last_picture_where_no_widget_runs(
    page: Page, lab: Server, shot: Any
) -> None:
    """Somebody else opens the notebook: it is not trusted there, and no kernel has its widgets."""
    explorer = open_explorer(page, lab)
    choose(explorer, "Opened Email")
    button(explorer, "Run").click()
    ended(explorer, "done", 1)
    choose(explorer, "Clicked Email")
    button(explorer, "Run").click()
    ended(explorer, "done", 2)
    expect(page.locator(".kla-saved")).to_be_hidden()  # while the widget is there
    saved = json.loads(saved_notebook(page, lab))
    saved["metadata"].pop("widgets", None)
    name = f"{secrets.token_hex(4)}.ipynb"
    (lab.folder / name).write_text(json.dumps(saved))
    page.goto(lab.address(name))
    kept = page.locator(".kla-saved")
    expect(kept).to_be_visible()
    picture = kept.get_by_role("img", name=re.compile("Line chart of Opened Email, Clicked Email"))
    assert picture.evaluate("async e => { await e.decode(); return e.naturalWidth; }") > 500
    expect(kept.locator(".ka-hit").first).to_have_attribute("title", re.compile(r"2026-\d\d-\d\d"))
    assert violations(page, ".jp-OutputArea") == []
    layer = kept.locator("details img").first
    expect(layer).to_be_visible()
    kept.locator("summary").first.click()
    expect(layer).to_be_hidden()
    shot("explorer_saved")


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
        listed(picker, f"{noun}s".capitalize()).select_option(index=0)
        expect(picker.get_by_role("button", name=re.compile("×$"))).to_have_count(1)
    assert ask(page, "print([len(picker.value) for picker in pickers])") == "[1, 1, 1, 1]"
    shot("pickers")

    account = page.locator(".kla-choice-connection")
    listed(account, "Connections").select_option(index=0)
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
    flows.get_by_text("last 90 days", exact=True).click()
    flows.get_by_label("Rows", exact=True).select_option("one row a message")
    button(flows, "Run").click()
    ended(flows, "done", 1)
    expect(flows.get_by_role("img", name=re.compile("Funnel chart"))).to_be_visible()
    assert violations(page, ".jp-OutputArea") == []
    theme(page, "Dark")
    assert violations(page, ".jp-OutputArea") == []
    flows.scroll_into_view_if_needed()
    shot("flows_dark")
    for name in ("flows", "account", *(f"pickers[{place}]" for place in range(4))):
        ask(page, f"{name}.close()")
    assert comms(page) == 0


def test_one_of_many_is_chosen_by_keyboard(page: Page, lab: Server, shot: Any) -> None:
    show = """
from ipywidgets import HBox
pickers = [getattr(ka.widgets, noun + "Picker")(client, multiple=False) for noun in ("Metric", "Campaign")]
pickers[1].choose_first()
HBox(pickers, layout={"grid_gap": "24px"})
"""
    run(page, lab, SETUP.format(account="shop"), show)
    metrics, campaigns = page.locator(".kla-choice-metric"), page.locator(".kla-choice-campaign")
    expect(
        listed(metrics, "Metrics").get_by_role("option", name=re.compile(r"^Placed\sOrder"))
    ).to_have_count(3)
    expect(listed(campaigns, "Campaigns").get_by_role("option", selected=True)).to_have_count(1)
    for picker in (metrics, campaigns):  # beside each other, none is squeezed to nothing
        assert picker.evaluate("e => e.offsetWidth") > 200
    metrics.get_by_placeholder("Search metrics").fill("placed order")
    expect(metrics.locator(".kla-note")).to_contain_text("3 of ")
    metrics.get_by_placeholder("Search metrics").press("Tab")
    expect(listed(metrics, "Metrics")).to_be_focused()
    for chip in (f"Placed Order ({shop}) ×" for shop in ("API", "Point of Sale", "Shopify")):
        page.keyboard.press("ArrowDown")
        expect(button(metrics, chip)).to_be_visible()
        expect(metrics.get_by_role("button", name=re.compile("×$"))).to_have_count(1)
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
    assert violations(page, ".jp-OutputArea") == []
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
    assert violations(page, ".jp-OutputArea") == []
    theme(page, "Dark")
    assert violations(page, ".jp-OutputArea") == []
    shot("plan_applied_dark")
    assert ask(page, "print(len(view.result.failures), len(view.result.rows))") == "1 31"
    assert "person" not in saved_notebook(page, lab).partition('"widgets"')[2]
    ask(page, "view.close()")
    assert comms(page) == 0
