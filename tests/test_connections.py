"""Connections: how a gateway key comes to reach an account."""

from __future__ import annotations

import json
import logging
import pickle
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict
from typing import Any

import pytest

import klaviyo_analytics as ka
from klaviyo_analytics._secret import Secret
from klaviyo_analytics.connections import Connection, Connections
from klaviyo_analytics.errors import (
    AuthenticationError,
    ConfigurationError,
    GatewayError,
    InvalidInputError,
    KlaviyoError,
    MalformedResponseError,
    NotFoundError,
    RequestTimeoutError,
)
from klaviyo_analytics.http.retry import RetryPolicy
from klaviyo_analytics.sandbox import Sandbox
from tests.http.scripted_server import Answer, ScriptedServer

Sleep = Callable[[float], None]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(profiles=50, events=300) as sandbox:
        yield sandbox


@pytest.fixture
def connections(sandbox: Sandbox) -> Iterator[Connections]:
    sandbox.faults.clear()
    connections = _connections(sandbox)
    yield connections
    connections.close()


def _connections(sandbox: Sandbox, *, key: str | None = None, sleep: Sleep | None = None) -> Connections:
    """Look with a clock that only sleeping moves; `sleep` hears of each pause, too."""
    now = [0.0]

    def pause(seconds: float) -> None:
        now[0] += seconds
        if sleep:
            sleep(seconds)

    return Connections(
        api_key=key or sandbox.maton_key,
        base_url=sandbox.control_url,
        progress=False,
        sleep=pause,
        clock=lambda: now[0],
        retry=RetryPolicy(attempts=2),
    )


def test_a_connection_is_made_opened_used_and_deleted(sandbox: Sandbox, connections: Connections) -> None:
    made = connections.create()
    assert (made.status, made.active) == ("PENDING", False)
    assert made.id in set(connections.list(status="PENDING")["id"])
    with pytest.raises(GatewayError, match="no active Klaviyo connection"):
        _account(sandbox, made)
    sandbox.connections.activate(made.id)
    opened = connections.wait_until_active(made)
    assert opened.active
    assert _account(sandbox, opened)["type"] == "account"
    connections.delete(opened)
    with pytest.raises(NotFoundError):
        connections.get(made)


def test_the_frame_has_no_links(connections: Connections) -> None:
    frame = connections.list()
    columns = ["id", "account", "status", "app", "method", "created", "updated", "metadata"]
    assert frame.columns.tolist() == columns
    assert frame["created"].dtype == "datetime64[us, UTC]"
    assert "session_token" not in str(frame.to_dict())
    assert connections.get(frame.iloc[0]).id == frame["id"][0]
    assert connections.list(status="FAILED").dtypes.astype(str).tolist() == frame.dtypes.astype(str).tolist()


def test_the_link_is_in_no_output_that_is_saved_and_in_no_log(
    connections: Connections, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        made = connections.create()
    assert made.url is not None
    token = made.url.partition("session_token=")[2]
    assert token
    shown = made._repr_html_()
    assert "open()" in shown
    saved = [repr(made), repr(connections), caplog.text, shown, str(asdict(made)), str(pickle.dumps(made))]
    assert not any(token in text for text in saved)
    assert pickle.loads(pickle.dumps(made)) == made
    connections.delete(made)


def test_only_a_safe_link_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []

    def note(url: str) -> bool:
        opened.append(url)
        return True

    monkeypatch.setattr("webbrowser.open", note)
    assert not Connection("c1", "PENDING", Secret("javascript:alert(1)")).open()
    assert not Connection("c1", "ACTIVE").open()
    assert Connection("c1", "PENDING", Secret("https://connect.example")).open()
    assert opened == ["https://connect.example"]
    assert "<script>" not in Connection("<script>", "PENDING", Secret('https://x"><script>'))._repr_html_()


def test_calls_keep_to_the_gateways_ten_a_second(sandbox: Sandbox) -> None:
    sandbox.faults.clear()
    pauses: list[float] = []
    connections = _connections(sandbox, sleep=pauses.append)
    for _ in range(10):
        connections.list()
    assert pauses == []
    connections.list()
    assert 1 < sum(pauses) < 1.2


ODD: list[Any] = [None, [], {}, "x", {"connections": None}, {"connections": {}}, {"connections": [None]},
                  {"connections": [5]}, {"connections": ["x"]}, {"connections": [{"creation_time": {}}]}]  # fmt: skip


@pytest.mark.filterwarnings("ignore::klaviyo_analytics.frames.columns.SchemaWarning")
@pytest.mark.parametrize("document", ODD, ids=str)
def test_odd_documents_are_an_error_or_a_frame(document: Any) -> None:
    with ScriptedServer(Answer(body=json.dumps(document).encode())) as server:
        connections = Connections(api_key="key", base_url=server.url, retry=RetryPolicy(attempts=1))
        for call in (connections.list, connections.create, lambda: connections.get("c1")):
            with suppress(KlaviyoError):
                call()


def test_waiting_for_the_owner(sandbox: Sandbox) -> None:
    pauses: list[float] = []

    def owner(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            sandbox.connections.activate(made.id)

    connections = _connections(sandbox, sleep=owner)
    made = connections.create()
    assert connections.wait_until_active(made).active
    assert pauses == sorted(pauses)
    assert len(pauses) == 3
    connections.delete(made)
    connections.close()


def test_nobody_opens_the_link(connections: Connections) -> None:
    made = connections.create()
    with pytest.raises(RequestTimeoutError, match="30 s"):
        connections.wait_until_active(made, timeout=30)
    connections.delete(made)


def test_a_connection_that_failed(sandbox: Sandbox, connections: Connections) -> None:
    made = connections.create()
    sandbox.connections.fail(made.id)
    with pytest.raises(ConfigurationError, match=r"FAILED.*create"):
        connections.wait_until_active(made)
    connections.delete(made)


def test_errors_are_the_gateways_own(sandbox: Sandbox, connections: Connections) -> None:
    stranger = _connections(sandbox, key="another")
    with pytest.raises(AuthenticationError, match="MATON_API_KEY"):
        stranger.list()
    stranger.close()
    sandbox.faults.add(path="/connections", times=2, status=500, body={"message": "out of order"})
    with pytest.raises(GatewayError, match="500 from GET /connections: out of order"):
        connections.list()
    sandbox.faults.add(path="/connections", status=200, body={"hello": 1})
    with pytest.raises(MalformedResponseError, match="base_url"):
        connections.list()


def test_creating_is_not_repeated_and_deleting_is(sandbox: Sandbox, connections: Connections) -> None:
    before = len(connections.list())
    sandbox.faults.add(method="POST", path="/connections", status=502, body={"message": "busy"})
    with pytest.raises(GatewayError):
        connections.create()
    made = connections.create()
    assert len(connections.list()) == before + 1
    sandbox.faults.add(method="DELETE", path="/connections/*", drop="after")
    connections.delete(made)
    assert len(connections.list()) == before


def test_answers_of_either_shape_are_read(sandbox: Sandbox, connections: Connections) -> None:
    known = connections.list()["id"][0]
    flat = {"connection_id": known, "status": "PENDING"}
    sandbox.faults.add(method="POST", path="/connections", status=200, body=flat)
    made = connections.create()
    assert made.id == known
    assert made.url is not None  # read again, since the answer had no link


def test_host_and_key_come_from_the_environment(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MATON_API_KEY", raising=False)
    with pytest.raises(ConfigurationError, match="MATON_API_KEY"):
        ka.Connections()
    monkeypatch.setenv("MATON_API_KEY", sandbox.maton_key)
    monkeypatch.delenv("MATON_CTRL_URL", raising=False)
    assert repr(ka.Connections()) == "Connections(host='ctrl.maton.ai')"
    monkeypatch.setenv("MATON_CTRL_URL", sandbox.control_url)
    connections = ka.Connections()
    assert len(connections.list()) >= 1
    connections.close()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"api_key": "pk_0123456789"}, "must not see it"),
        ({"api_key": "two words"}, "spaces"),
        ({"api_key": "key", "base_url": "http://ctrl.example"}, "unencrypted"),
    ],
)
def test_a_key_goes_nowhere_it_should_not(options: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        Connections(**options)  # type: ignore[arg-type]


@pytest.mark.parametrize("what", ["", None, 7])
def test_an_id_is_needed(connections: Connections, what: Any) -> None:
    with pytest.raises(InvalidInputError, match="does not identify a connection"):
        connections.get(what)


def _account(sandbox: Sandbox, connection: Connection) -> dict[str, object]:
    with ka.connect(api_key=sandbox.maton_key, base_url=sandbox.gateway_url, connection=connection) as client:
        account: dict[str, object] = client.request("GET", "/api/accounts")["data"][0]
    return account


def named(sandbox: Sandbox, **options: Any) -> Connections:
    return Connections(
        api_key=sandbox.maton_key,
        base_url=sandbox.control_url,
        gateway_url=sandbox.gateway_url,
        progress=False,
        retry=RetryPolicy(attempts=1),
        **options,
    )


def test_the_account_behind_each_active_connection_is_named_and_asked_for_once(sandbox: Sandbox) -> None:
    connections = named(sandbox)
    waiting = connections.create()
    before = sum(record.path.endswith("/api/accounts") for record in sandbox.requests)
    frame = connections.list().set_index("id")
    again = connections.list().set_index("id")
    asked = sum(record.path.endswith("/api/accounts") for record in sandbox.requests) - before
    active = frame[frame["status"] == "ACTIVE"]
    assert len(active) >= 1
    assert set(active["account"]) == {"Juniper & Pine Outfitters, LLC"}
    assert frame["account"].isna()[waiting.id]
    assert again["account"].equals(frame["account"])
    assert asked == len(active)
    connections.delete(waiting)
    connections.close()


def test_an_account_that_cannot_be_read_is_missing_with_a_warning(sandbox: Sandbox) -> None:
    connections = named(sandbox)
    sandbox.faults.add(path="/api/accounts", status=403)
    with pytest.warns(UserWarning, match="could not be read"):
        first = connections.list()
    assert first["account"].isna().all()
    assert connections.list()["account"].notna().any()  # it is asked again
    sandbox.faults.clear()
    connections.close()


def test_a_gateway_key_never_goes_to_klaviyos_own_host(sandbox: Sandbox) -> None:
    with pytest.raises(ConfigurationError, match="must not see a gateway's key"):
        Connections(api_key="key", base_url=sandbox.control_url, gateway_url="https://a.klaviyo.com")


def test_without_a_known_gateway_nothing_is_asked(connections: Connections, sandbox: Sandbox) -> None:
    before = len(sandbox.requests)
    assert connections.list()["account"].isna().all()
    assert not any(record.path.endswith("/api/accounts") for record in list(sandbox.requests)[before:])
