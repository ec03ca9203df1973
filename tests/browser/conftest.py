"""A real browser, and a page that talks to this machine only.

Without Chromium, JupyterLab or Playwright these tests are skipped; where CI=true they fail.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.jupyter import PATIENCE, Server

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

HERE = Path(__file__).parent
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def _chromium() -> str | None:
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


def _missing() -> list[str]:
    wanted = ("playwright", "axe_playwright_python", "jupyterlab", "voila")
    missing = [name for name in wanted if importlib.util.find_spec(name) is None]
    return missing if _chromium() else [*missing, "chromium"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what has no browser, unless this is CI."""
    missing = _missing()
    if not missing or os.environ.get("CI") == "true":
        return
    for item in items:
        if HERE in item.path.parents:
            # a laptop without Chromium still runs all the rest; in CI the `browser` fixture fails instead
            item.add_marker(
                pytest.mark.skip(reason=f"browser tests need {', '.join(missing)} on this machine")
            )


# Modules, not sessions: while Playwright runs, this thread has a running loop, which other tests cannot bear.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    assert not _missing(), f"install {', '.join(_missing())}"
    from playwright.sync_api import expect, sync_playwright  # noqa: PLC0415  (may not be there)

    expect.set_options(timeout=PATIENCE * 1_000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=_chromium(), args=list(ARGUMENTS), timeout=PATIENCE * 1_000
        )
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("lab"), "lab")
    try:
        yield server.wait()
    finally:
        server.stop()


class Tab:
    """The one page of a module, what it wanted from the world, and what went wrong in it."""

    def __init__(self, browser: Browser) -> None:
        context = browser.new_context()
        self.asked: list[str] = []
        self.errors: list[str] = []
        context.route(re.compile(r"^https?://(?!127\.0\.0\.1[:/])"), self._refuse)
        self.page = context.new_page()
        self.page.set_default_timeout(PATIENCE * 1_000)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))

    def _refuse(self, route: Route) -> None:
        self.asked.append(route.request.url)
        route.abort()


@pytest.fixture(scope="module")
def tab(browser: Browser) -> Iterator[Tab]:
    tab = Tab(browser)
    yield tab
    tab.page.context.close()


@pytest.fixture
def page(tab: Tab) -> Iterator[Page]:
    """A page; whatever it wants from the world is refused, and any error in it fails the test."""
    tab.page.set_viewport_size({"width": 1280, "height": 1000})
    tab.page.emulate_media(color_scheme="light")
    yield tab.page
    asked, errors = tab.asked.copy(), tab.errors.copy()
    tab.asked.clear()
    tab.errors.clear()
    assert [url for url in asked if "fontawesome" not in url] == []  # Voilà's own page links it
    assert errors == []


@pytest.fixture
def shot(page: Page) -> Any:
    """Take a picture of the page, where KLAVIYO_SCREENSHOTS names a folder for them."""
    folder = os.environ.get("KLAVIYO_SCREENSHOTS")

    def take(name: str) -> None:
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            page.screenshot(path=Path(folder) / f"{name}.png")

    return take
