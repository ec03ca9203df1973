"""One small shop a file; what is remembered goes to a folder of the test's own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ipywidgets
import pytest

import klaviyo_analytics as ka
from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.sandbox import Sandbox

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
        client._api.paced = False  # the sandbox has no limits to wait for
        yield client
    sandbox.faults.clear()


@pytest.fixture
def no_widget_left() -> Iterator[None]:
    """Fail if a test leaves a widget open."""
    before = set(open_widgets())
    yield
    assert sorted(set(open_widgets()) - before) == []


def open_widgets() -> dict[str, Any]:
    registry: dict[str, Any] = ipywidgets.widgets.widget._instances
    return registry


def saved() -> str:
    """What a notebook saves of all widgets that are open: as a front end does it, and as embedding does it."""
    states = [widget.get_state() for widget in open_widgets().values()]
    return json.dumps([states, ipywidgets.Widget.get_manager_state()], default=str)
