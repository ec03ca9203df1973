"""Choosing a connection, and making a new one."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import ipywidgets
import pytest

import klaviyo_analytics as ka
from klaviyo_analytics.sandbox import Sandbox
from klaviyo_analytics.widgets import ConnectionPicker
from tests.widgets.conftest import open_widgets

pytestmark = pytest.mark.usefixtures("no_widget_left")


class Patience:
    """Waits for the test instead of for the clock."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.now = 0.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        assert self.go.wait(10)

    def clock(self) -> float:
        return self.now


@pytest.fixture
def patience() -> Patience:
    return Patience()


@pytest.fixture
def picker(
    patience: Patience, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[ConnectionPicker]:
    monkeypatch.setenv("KLAVIYO_ANALYTICS_HOME", str(tmp_path))
    picker = ConnectionPicker(connections(sandbox, patience))
    yield picker
    patience.go.set()
    picker.close()
    sandbox.faults.clear()


def connections(sandbox: Sandbox, patience: Patience) -> ka.Connections:
    return ka.Connections(
        api_key=sandbox.maton_key,
        base_url=sandbox.control_url,
        progress=False,
        sleep=patience.sleep,
        clock=patience.clock,
    )


def links() -> list[str]:
    """What is shown, and would be saved, that holds a session token."""
    written = [widget.value for widget in open_widgets().values() if isinstance(widget, ipywidgets.HTML)]
    return [value for value in written if "session_token" in value]


def test_a_new_connection_shows_its_link_until_it_is_active_and_is_chosen_then(
    picker: ConnectionPicker, patience: Patience, sandbox: Sandbox
) -> None:
    picker.create()
    assert len(links()) == 1
    made = sandbox.connections.list(status="PENDING")[-1]
    sandbox.connections.activate(made.id)
    patience.go.set()
    picker._loader.join(10)
    assert picker.run.status == "done"
    assert picker.value == made.id
    assert links() == []


def test_cancel_takes_the_link_away(picker: ConnectionPicker) -> None:
    picker.create()
    picker._cancel.click()
    assert picker.run.status == "cancelled"
    assert links() == []


def test_the_last_choice_is_remembered(
    picker: ConnectionPicker, patience: Patience, sandbox: Sandbox
) -> None:
    assert picker.value is None
    picker.state.toggle(picker.state.options[-1].id)
    again = ConnectionPicker(connections(sandbox, patience))
    assert again.value == picker.state.options[-1].id
    again.close()


def test_a_wrong_key_is_said_in_words(picker: ConnectionPicker, sandbox: Sandbox) -> None:
    sandbox.faults.add(path="/connections*", status=401, times=2)
    picker.refresh()
    assert "401" in picker.state.problem
    picker.create()
    assert "401" in picker.run.message
