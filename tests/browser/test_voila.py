"""The interactive tour as a page of Voilà."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.jupyter import ROOT, Server

if TYPE_CHECKING:
    from playwright.sync_api import Page, expect
else:
    expect = pytest.importorskip("playwright.sync_api").expect

pytestmark = pytest.mark.xdist_group("browser")


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
