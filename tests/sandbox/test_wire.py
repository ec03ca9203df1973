"""What goes over the socket: kept connections, scripted faults, and an end without leftovers."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import pytest

from klaviyo_analytics.sandbox import Sandbox
from tests.http.clocks import Clock
from tests.sandbox.accounts import small_account
from tests.sandbox.api import JSON_API, Api, data


class Line:
    """One kept connection to a sandbox."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.http = http.client.HTTPConnection(urlsplit(sandbox.url).netloc, timeout=60)
        self.headers = {"Authorization": f"Klaviyo-API-Key {sandbox.api_key}", "revision": "2026-01-15"}

    def send(self, method: str, path: str, body: Any = None) -> http.client.HTTPResponse:
        headers = self.headers | ({"Content-Type": JSON_API} if body is not None else {})
        self.http.request(method, path, headers=headers, body=None if body is None else json.dumps(body))
        return self.http.getresponse()

    def read(self, path: str) -> tuple[int, bytes]:
        answer = self.send("GET", path)
        return answer.status, answer.read()


@pytest.fixture
def line(sandbox: Sandbox) -> Iterator[Line]:
    line = Line(sandbox)
    yield line
    line.http.close()


class TestConnections:
    def test_one_connection_serves_many_requests(self, sandbox: Sandbox, line: Line) -> None:
        for _ in range(3):
            assert line.read("/api/lists")[0] == 200
            assert line.read("/api/nothing")[0] == 404
        answer = line.send("POST", "/api/lists", data("list", name="A"))
        assert (answer.status, json.loads(answer.read())["data"]["attributes"]["name"]) == (201, "A")
        answer = line.send("DELETE", "/api/lists/LIST02")
        assert (answer.status, answer.read(), answer.headers["Content-Type"]) == (204, b"", None)
        assert line.read("/api/lists")[0] == 200
        assert len({request.client for request in sandbox.requests}) == 1

    def test_an_unread_body_does_not_become_the_next_request(self, line: Line) -> None:
        line.headers["Authorization"] = "Klaviyo-API-Key wrong"
        answer = line.send("POST", "/api/lists", data("list", name="A"))
        assert (answer.status, bool(answer.read())) == (401, True)
        assert line.read("/api/lists")[0] == 401

    def test_too_large_a_body_is_refused_unread(self, sandbox: Sandbox) -> None:
        head = (
            "POST /api/lists HTTP/1.1\r\nHost: localhost\r\nrevision: 2026-01-15\r\n"
            f"Authorization: Klaviyo-API-Key {sandbox.api_key}\r\n"
            f"Content-Type: {JSON_API}\r\nContent-Length: 6000000\r\n\r\n"
        )
        with socket.create_connection(("127.0.0.1", urlsplit(sandbox.url).port or 0), timeout=60) as raw:
            raw.sendall(head.encode())
            answer = raw.recv(1000)
        assert answer.startswith(b"HTTP/1.1 413 ")
        assert b"Connection: close" in answer

    def test_a_body_in_chunks_may_not_be_larger(self, sandbox: Sandbox, line: Line) -> None:
        chunks = iter([b" " * 1_000_000] * 6)
        headers = line.headers | {"Content-Type": JSON_API}
        with suppress(ConnectionError):  # the server has gone before the end
            line.http.request("POST", "/api/lists", chunks, headers)
            line.http.getresponse()
        assert [request.status for request in sandbox.requests] == [413]

    @pytest.mark.parametrize(
        "rest",
        [
            b"Content-Length: 1000\r\n\r\n{",
            b"Transfer-Encoding: chunked\r\n\r\nZZ\r\n",
            b"Transfer-Encoding: chunked\r\n\r\n5\r\n{",
        ],
    )
    def test_who_hangs_up_in_a_body_harms_nobody(
        self, sandbox: Sandbox, line: Line, rest: bytes, capsys: pytest.CaptureFixture[str]
    ) -> None:
        head = (
            "POST /api/lists HTTP/1.1\r\nHost: localhost\r\nrevision: 2026-01-15\r\n"
            f"Authorization: Klaviyo-API-Key {sandbox.api_key}\r\nContent-Type: {JSON_API}\r\n"
        )
        with socket.create_connection(("127.0.0.1", urlsplit(sandbox.url).port or 0), timeout=60) as raw:
            raw.sendall(head.encode() + rest)
            raw.shutdown(socket.SHUT_WR)
            answer = raw.recv(1000)
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert line.read("/api/lists")[0] == 200
        assert capsys.readouterr().err == ""

    def test_a_body_in_chunks_is_read(self, sandbox: Sandbox, line: Line) -> None:
        body = json.dumps(data("list", name="In chunks")).encode()
        line.http.request(
            "POST", "/api/lists", iter([body[:7], body[7:]]), line.headers | {"Content-Type": JSON_API}
        )
        answer = line.http.getresponse()
        assert (answer.status, json.loads(answer.read())["data"]["attributes"]["name"]) == (201, "In chunks")
        assert line.read("/api/lists")[0] == 200

    def test_head_has_no_body(self, line: Line) -> None:
        answer = line.send("HEAD", "/api/lists")
        assert (answer.status, answer.read()) == (405, b"")
        assert line.read("/api/lists")[0] == 200

    def test_several_at_once(self, sandbox: Sandbox) -> None:
        statuses: list[int] = []

        def ask() -> None:
            line = Line(sandbox)
            statuses.extend(line.read("/api/events?page[size]=5")[0] for _ in range(10))
            line.http.close()

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert statuses == [200] * 40


class TestEnd:
    def test_closing_hangs_up_and_leaves_no_thread(self, clock: Clock) -> None:
        before = set(threading.enumerate())
        sandbox = Sandbox(account=small_account(), clock=clock)
        with sandbox:
            line = Line(sandbox)
            assert line.read("/api/lists")[0] == 200
        assert set(threading.enumerate()) <= before  # a thread of an earlier test may have ended meanwhile
        with pytest.raises((ConnectionError, http.client.RemoteDisconnected)):
            line.read("/api/lists")
        line.http.close()
        sandbox.close()
        assert repr(sandbox) == "<Sandbox closed>"

    def test_one_never_started_can_be_closed(self, clock: Clock) -> None:
        Sandbox(account=small_account(), clock=clock).close()

    def test_a_port_can_be_chosen_and_taken_again(self, clock: Clock) -> None:
        for _ in range(10):  # somebody else may be quicker to take a port
            with Sandbox(account=small_account(), clock=clock) as first:
                line = Line(first)
                assert line.read("/api/lists")[0] == 200
            line.http.close()
            with (
                suppress(OSError),
                Sandbox(account=small_account(), clock=clock, port=urlsplit(first.url).port or 0) as second,
            ):
                assert second.url == first.url
                assert second.gateway_url == f"{second.url}/klaviyo"
                return
        pytest.fail("no port could be taken again")

    def test_a_port_that_is_taken_is_an_ordinary_error(self, sandbox: Sandbox, clock: Clock) -> None:
        port = urlsplit(sandbox.url).port
        assert port is not None
        with pytest.raises(OSError, match=r"in use|permitted|denied"):
            Sandbox(account=small_account(), clock=clock, port=port)

    def test_serving_in_this_thread_ends_when_another_closes(self, clock: Clock) -> None:
        sandbox = Sandbox(account=small_account(), clock=clock)
        server = threading.Thread(target=sandbox.serve_forever)
        server.start()
        line = Line(sandbox)
        assert line.read("/api/lists")[0] == 200
        line.http.close()
        sandbox.close()
        server.join(timeout=60)
        assert not server.is_alive()

    def test_nothing_is_printed(
        self, sandbox: Sandbox, line: Line, capfd: pytest.CaptureFixture[str]
    ) -> None:
        line.read("/api/lists")
        line.read("/api/nothing")
        sandbox.close()
        assert capfd.readouterr() == ("", "")


class TestFaults:
    def test_a_status_with_and_without_a_body(self, sandbox: Sandbox, line: Line) -> None:
        sandbox.faults.add(path="/api/lists", status=503, retry_after=7)
        sandbox.faults.add(path="/api/lists", status=403, body="<html>Just a moment...</html>")
        sandbox.faults.add(path="/api/lists", status=500, body=b"")
        answer = line.send("GET", "/api/lists")
        assert (answer.status, answer.headers["Retry-After"]) == (503, "7")
        assert json.loads(answer.read())["errors"][0]["status"] == 503
        answer = line.send("GET", "/api/lists")
        assert (answer.status, answer.headers["Content-Type"]) == (403, "text/html; charset=utf-8")
        assert answer.read().startswith(b"<html>")
        assert line.read("/api/lists") == (500, b"")
        assert line.read("/api/lists")[0] == 200

    def test_dropped_before_the_request_is_carried_out(self, sandbox: Sandbox, line: Line) -> None:
        fault = sandbox.faults.add(method="POST", path="/api/lists", drop="before")
        with pytest.raises(ConnectionError):
            line.send("POST", "/api/lists", data("list", name="Lost"))
        assert fault.hits == 1
        assert "Lost" not in names(sandbox)
        assert sandbox.requests[-1].status == 0

    def test_dropped_after_the_request_was_carried_out(self, sandbox: Sandbox, line: Line) -> None:
        sandbox.faults.add(method="POST", path="/api/lists", drop="after")
        with pytest.raises(ConnectionError):
            line.send("POST", "/api/lists", data("list", name="Kept"))
        assert "Kept" in names(sandbox)

    def test_dropped_in_the_middle_of_the_body(self, sandbox: Sandbox, line: Line) -> None:
        sandbox.faults.add(path="/api/lists", drop="during")
        with pytest.raises(ConnectionError):
            line.read("/api/lists")

    def test_cut_short_and_closed_in_good_order(self, sandbox: Sandbox, line: Line) -> None:
        sandbox.faults.add(path="/api/lists", truncate=True)
        answer = line.send("GET", "/api/lists")
        promised = int(answer.headers["Content-Length"])
        with pytest.raises(http.client.IncompleteRead) as caught:
            answer.read()
        assert len(caught.value.partial) == promised // 2

    def test_garbage_for_json(self, sandbox: Sandbox, line: Line) -> None:
        sandbox.faults.add(path="/api/lists", body=b'{"data": [')
        assert line.read("/api/lists") == (200, b'{"data": [')

    def test_a_redirect(self, sandbox: Sandbox, line: Line) -> None:
        sandbox.faults.add(path="/api/lists", redirect="https://elsewhere.example/api/lists")
        answer = line.send("GET", "/api/lists")
        answer.read()
        assert (answer.status, answer.headers["Location"]) == (302, "https://elsewhere.example/api/lists")

    def test_a_delay(self, sandbox: Sandbox, line: Line, clock: Clock) -> None:
        sandbox.faults.add(path="/api/lists", delay=3.5)
        assert line.read("/api/lists")[0] == 200
        assert clock.slept == [3.5]


class TestFaultsInProcess:
    def test_next_on_another_host(self, sandbox: Sandbox, api: Api) -> None:
        sandbox.faults.add(path="/api/lists", next_host="https://elsewhere.example")
        link = api.get("/api/lists").json["links"]["next"]
        assert link.startswith("https://elsewhere.example/api/lists?page%5Bcursor%5D=")

    def test_a_cursor_that_leads_in_a_circle(self, sandbox: Sandbox, api: Api) -> None:
        sandbox.faults.add(path="/api/lists", repeat_cursor=True, times=None)
        second = api.get("/api/lists").next
        assert second is not None
        assert api.get(second).next == second

    def test_wire_faults_without_a_socket_are_an_exception(self, sandbox: Sandbox, api: Api) -> None:
        sandbox.faults.add(drop="before")
        with pytest.raises(ConnectionError):
            api.get("/api/lists")
        assert api.get("/api/lists").status == 200

    def test_which_requests_are_met(self, sandbox: Sandbox, api: Api) -> None:
        sandbox.faults.add(path="/api/lists/*", status=500, times=None)
        sandbox.faults.add(method="POST", path="/api/tags", status=500)
        assert api.get("/api/lists").status == 200
        assert [api.get("/api/lists/LIST01").status for _ in range(3)] == [500] * 3
        assert api.get("/api/tags").status == 200
        assert api.post("/api/tags", data("tag", name="t")).status == 500
        assert api.post("/api/tags", data("tag", name="t")).status == 201
        sandbox.faults.clear()
        assert api.get("/api/lists/LIST01").status == 200

    def test_every_third_after_the_first_two(self, sandbox: Sandbox, api: Api) -> None:
        fault = sandbox.faults.add(path="/api/lists", status=500, times=None, every=3, skip=2)
        statuses = [api.get("/api/lists").status for _ in range(9)]
        assert statuses == [200, 200, 200, 200, 500, 200, 200, 500, 200]
        assert (fault.hits, fault.seen) == (2, 9)

    def test_the_gateway_is_met_by_the_same_paths(self, sandbox: Sandbox) -> None:
        gateway = Api(sandbox, prefix="/klaviyo", Authorization=f"Bearer {sandbox.maton_key}")
        sandbox.faults.add(path="/api/lists", status=502, body="")
        assert gateway.get("/api/lists").status == 502

    def test_a_word_that_faults_do_not_know(self, sandbox: Sandbox) -> None:
        with pytest.raises(TypeError):
            sandbox.faults.add(explode=True)  # type: ignore[call-arg]


def names(sandbox: Sandbox) -> set[str]:
    return {record.attributes["name"] for record in sandbox.account.records["list"].values()}


class TestStrangers:
    @pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil", "", "x:80"])
    def test_another_host_name_is_refused(self, host: str) -> None:
        with Sandbox(profiles=5, events=20) as sandbox:
            request = urllib.request.Request(f"{sandbox.url}/api/accounts", headers={"Host": host})
            with pytest.raises(urllib.error.HTTPError) as caught:
                urllib.request.urlopen(request)
            caught.value.close()
            assert caught.value.code == 421
            assert len(sandbox.requests) == 0

    def test_open_connections_are_bounded(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("klaviyo_analytics.sandbox.server.OPEN", 2)
        with Sandbox(profiles=5, events=20) as sandbox:
            address = ("127.0.0.1", sandbox._server.server_address[1])
            kept = [socket.create_connection(address, timeout=10) for _ in range(3)]
            assert kept[2].recv(12) == b"HTTP/1.1 503"
            for one in kept:
                one.close()

    def test_a_connection_that_says_nothing_is_closed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("klaviyo_analytics.sandbox.server.Handler.timeout", 0.1)
        with (
            Sandbox(profiles=5, events=20) as sandbox,
            socket.create_connection(("127.0.0.1", sandbox._server.server_address[1]), timeout=10) as silent,
        ):
            assert silent.recv(1) == b""
