"""Choosing a connection, and making a new one."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from pathlib import Path

import ipywidgets
import pytest
import requests

import klaviyo_analytics as ka
from klaviyo_analytics.errors import ConfigurationError
from klaviyo_analytics.sandbox import Sandbox
from klaviyo_analytics.widgets import ConnectionPicker
from tests.widgets.conftest import PATIENCE, is_closed, open_widgets, saved

pytestmark = pytest.mark.usefixtures("no_widget_left")


class Patience:
    """Waits for the test instead of for the clock."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.now = 0.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        assert self.go.wait(PATIENCE)

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


def ways() -> list[str]:
    """Addresses that are shown."""
    written = [widget.value for widget in open_widgets().values() if isinstance(widget, ipywidgets.HTML)]
    return [found for value in written for found in re.findall(r'href="([^"]*)"', value)]


def test_a_new_connection_shows_a_way_to_its_link_until_it_is_active_and_is_chosen_then(
    picker: ConnectionPicker, patience: Patience, sandbox: Sandbox
) -> None:
    picker.create()
    (way,), served = ways(), picker._aside
    assert served is not None
    answer = requests.get(way, allow_redirects=False, timeout=PATIENCE)
    assert (answer.status_code, answer.headers["Location"]) == (302, picker.link)
    assert "session_token" in str(picker.link)
    assert requests.get(way[:-1], allow_redirects=False, timeout=PATIENCE).status_code == 404
    made = sandbox.connections.list(status="PENDING")[-1]
    sandbox.connections.activate(made.id)
    patience.go.set()
    picker._loader.join(PATIENCE)
    assert picker.run.status == "done"
    assert picker.value == made.id
    assert (ways(), picker.link) == ([], None)
    assert is_closed(served)


def test_a_notebook_saved_while_it_waits_holds_no_session_token(picker: ConnectionPicker) -> None:
    picker.create()
    token = str(picker.link).partition("session_token=")[2]
    assert token
    assert token not in saved()


def test_cancel_takes_the_link_away(picker: ConnectionPicker) -> None:
    picker.create()
    picker._cancel.click()
    assert picker.run.status == "cancelled"
    assert (ways(), picker.link) == ([], None)


def test_where_no_server_may_run_the_link_can_be_asked_for(
    picker: ConnectionPicker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError

    monkeypatch.setattr("klaviyo_analytics.widgets.private_page._Server", refuse)
    picker.create()
    assert ways() == []
    assert ".link" in picker._status.value
    assert picker.link is not None


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


def test_an_error_is_shown_with_its_notes_and_names_nobody(
    picker: ConnectionPicker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        error = ConfigurationError("ada@example.org took the key back.")
        error.add_note("Take another.")
        raise error

    for verb in ("list", "create"):
        monkeypatch.setattr(picker._connections, verb, refuse)
    picker.refresh()
    picker.create()
    assert picker.state.problem == picker.run.message == "… took the key back. Take another."


def test_a_connection_is_named_after_its_account(sandbox: Sandbox, patience: Patience) -> None:
    known = ka.Connections(
        api_key=sandbox.maton_key,
        base_url=sandbox.control_url,
        gateway_url=sandbox.gateway_url,
        progress=False,
        sleep=patience.sleep,
        clock=patience.clock,
    )
    picker = ConnectionPicker(known)
    active = [option for option in picker.state.options if option.group == "active"]
    assert active
    for option in active:
        assert option.name == f"Juniper & Pine Outfitters, LLC · {option.id}"
        assert option.value == option.id
    picker.close()
    known.close()
