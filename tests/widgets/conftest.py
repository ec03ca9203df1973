"""One small shop a file; what is remembered goes to a folder of the test's own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import ipywidgets
import pytest

import klaviyo_analytics as ka
from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.sandbox import Sandbox
from klaviyo_analytics.widgets.private_page import Aside

PATIENCE = 120.0  # seconds for what takes less than one on an idle machine


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(profiles=100, events=2_000) as sandbox:
        yield sandbox


@pytest.fixture
def client(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[KlaviyoClient]:
    monkeypatch.setenv("KLAVIYO_ANALYTICS_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    with ka.connect(api_key=sandbox.api_key, base_url=sandbox.direct_url, progress=False) as client:
        at_the_shops_time(client, sandbox)
        yield client
    sandbox.faults.clear()


def at_the_shops_time(client: KlaviyoClient, sandbox: Sandbox) -> None:
    """Let "last 90 days" mean the shop's last ones, today and in years; and wait for no limits."""
    client._embed(now=lambda: datetime.fromtimestamp(sandbox.account.now, UTC), on_close=lambda: None)


@pytest.fixture
def no_widget_left() -> Iterator[None]:
    """Fail if a test leaves a widget open."""
    before = set(open_widgets())
    yield
    assert sorted(set(open_widgets()) - before) == []


def open_widgets() -> dict[str, Any]:
    registry: dict[str, Any] = ipywidgets.widgets.widget._instances
    return registry


def is_closed(served: Aside) -> bool:
    """Whether a page of its own is there no more; its port may be somebody else's by now."""
    return served._server.socket.fileno() == -1 and not served._thread.is_alive()


def saved() -> str:
    """What a notebook saves of all widgets that are open: as a front end does it, and as embedding does it."""
    states = [widget.get_state() for widget in open_widgets().values()]
    return json.dumps([states, ipywidgets.Widget.get_manager_state()], default=str)
