"""HTTP/1.1 oddities on a real socket: interim answers, contradictory lengths, slow bytes, huge bodies, forks."""

from __future__ import annotations

import gc
import gzip
import json
import os
import threading
import time
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klaviyo_analytics import errors
from klaviyo_analytics.http import cancellation
from klaviyo_analytics.http import json as _json
from klaviyo_analytics.http.cancellation import Cancelled
from klaviyo_analytics.http.retry import RetryPolicy
from klaviyo_analytics.http.session import GRACE, Call, leaves_base
from tests.http.clocks import Clock
from tests.http.scripted_server import Answer, ScriptedServer, data, error
from tests.http.senders import TWICE, get, post, transport

ONCE = RetryPolicy(attempts=1)
HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n"
INTERIM = {
    "100": b"HTTP/1.1 100 Continue\r\n\r\n",
    "102": b"HTTP/1.1 102 Processing\r\n\r\n",
    "103": HINTS,
    "199": b"HTTP/1.1 199 Whatever\r\nContent-Length: 5\r\n\r\n",
    "several": HINTS + b"HTTP/1.1 100 Continue\r\n\r\n" + HINTS,
}


class TestInterimAnswers:
    @pytest.mark.parametrize("before", INTERIM.values(), ids=INTERIM)
    def test_they_are_skipped_and_every_call_gets_its_own_answer(self, before: bytes) -> None:
        script = [
            Answer(202, b'{"data":[1]}', before=before),
            Answer(422, b'{"errors":[{"code":"invalid"}]}', before=before),
            Answer(200, b'{"data":[3]}'),
        ]
        with ScriptedServer(*script) as server:
            sender = transport(server.url)
            replies = [sender.send(post()), sender.send(post()), sender.send(get())]
        assert [reply.status for reply in replies] == [202, 422, 200]
        assert replies[0].document == {"data": [1]}
        assert replies[2].document == {"data": [3]}
        assert server.connections == 1

    @pytest.mark.parametrize("raw", [HINTS * 1000, b"HTTP/1.1 101 Switching Protocols\r\n\r\n"])
    def test_without_a_final_answer_the_call_failed_and_a_write_is_not_repeated(self, raw: bytes) -> None:
        with ScriptedServer(Answer(raw=raw), Answer(202, b"")) as server:
            with pytest.raises(errors.ConnectionFailedError, match="broke before the response was complete"):
                transport(server.url).send(post())
            assert len(server.asked) == 1
        with ScriptedServer(Answer(raw=raw), Answer()) as server:
            assert transport(server.url).send(get()).status == 200
            assert server.connections == 2

    @pytest.mark.parametrize("status", ["99", "000", "1e2", "2000", "-200"])
    def test_a_status_that_is_not_one_is_never_a_success(self, status: str) -> None:
        raw = f"HTTP/1.1 {status} OK\r\nContent-Length: 0\r\n\r\n".encode()
        with ScriptedServer(Answer(raw=raw)) as server, pytest.raises(errors.TransportError):
            transport(server.url, retry=ONCE).send(post())


LENGTHS = {
    "differing": b"Content-Length: 11\r\nContent-Length: 2\r\n",
    "listed": b"Content-Length: 11, 2\r\n",
    "negative": b"Content-Length: -1\r\n",
    "signed": b"Content-Length: +11\r\n",
    "words": b"Content-Length: eleven\r\n",
    "endless": b"Content-Length: " + b"9" * 5_000 + b"\r\n",
    "before a colon with a space": b"Content-Length : 11\r\n",
    "after a line that is no header": b"no header\r\nContent-Length: 11\r\n",
    "an unknown coding": b"Transfer-Encoding: gzip, chunked\r\n",
    "two codings": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n",
    "almost chunked": b"Transfer-Encoding: xchunked\r\n",
}


class TestLengths:
    @pytest.mark.parametrize("stated", LENGTHS.values(), ids=LENGTHS)
    def test_contradictory_lengths_are_repeated_only_where_a_repeat_is_safe(self, stated: bytes) -> None:
        # closed at once, as a body without a length would end there and pass for a whole one
        odd = Answer(raw=b"HTTP/1.1 200 OK\r\n" + stated + b'\r\n{"data":[]}', end="close")
        with ScriptedServer(odd, Answer(404, b"{}")) as server:
            reply = transport(server.url).send(Call("DELETE", "/api/lists/1"))
            assert (reply.status, reply.ambiguous, len(server.asked)) == (404, True, 2)
        with ScriptedServer(odd, Answer(202, b"")) as server:
            with pytest.raises(errors.ConnectionFailedError):
                transport(server.url).send(post())
            assert len(server.asked) == 1

    @pytest.mark.parametrize("stated", [b"Content-Length: 11\r\n" * 2, b"Content-Length: 11, 11\r\n"])
    def test_the_same_length_twice_is_harmless(self, stated: bytes) -> None:
        odd = Answer(raw=b"HTTP/1.1 200 OK\r\n" + stated + b'\r\n{"data":[]}')
        with ScriptedServer(odd) as server:
            assert transport(server.url, retry=ONCE).send(get()).document == {"data": []}

    def test_bytes_after_an_answer_do_not_answer_the_next_call(self) -> None:
        stray = data([{"id": "stray"}]).written()
        with ScriptedServer(Answer(after=stray), data([{"id": "right"}])) as server:
            sender = transport(server.url)
            sender.send(get())
            assert sender.send(get()).document["data"] == [{"id": "right"}]
        assert server.connections == 2


class TestBounds:
    @pytest.mark.parametrize("part", ["headers", "body", "interim"])
    def test_one_byte_at_a_time_ends_at_the_deadline(self, part: str) -> None:
        slow = Answer(
            body=b'{"data":[%s]}' % (b"1," * 500 + b"1"),
            headers={"X-Long": "a" * 1000} if part == "headers" else {},
            before=b"HTTP/1.1 100 " + b"a" * 1000 if part == "interim" else b"",
            drip=0.001,
        )
        with ScriptedServer(slow) as server:
            sender = transport(server.url, clock=None, retry=ONCE, deadline=0.3, timeout=(5.0, 5.0))
            sender._clock = __import__("time").monotonic
            with pytest.raises(errors.RequestTimeoutError, match="deadline="):
                sender.send(get())

    @pytest.mark.parametrize("how", ["gzip", "deflate", "plain"])
    def test_a_body_over_the_limit_is_an_error_of_our_own_and_is_not_repeated(self, how: str) -> None:
        body = b'{"data":["' + b"a" * 5_000_000 + b'"]}'
        packed = {"gzip": gzip.compress(body), "deflate": zlib.compress(body), "plain": body}[how]
        headers = {} if how == "plain" else {"Content-Encoding": how}
        with ScriptedServer(Answer(body=packed, headers=headers)) as server:
            with pytest.raises(errors.ResponseTooLargeError, match="more than 1,000,000 bytes"):
                transport(server.url, max_body=1_000_000).send(get())
            assert len(server.asked) == 1
            assert len(transport(server.url, max_body=6_000_000).send(get()).body) == len(body)

    def test_the_limit_itself_is_allowed(self) -> None:
        with ScriptedServer(Answer()) as server:
            assert transport(server.url, max_body=11).send(get()).body == b'{"data":[]}'
            with pytest.raises(errors.ResponseTooLargeError):
                transport(server.url, max_body=10).send(get())

    def test_a_silent_server_ends_a_read_that_can_be_cancelled(self) -> None:
        token = cancellation.cancel_event.set(threading.Event())
        try:
            with ScriptedServer(Answer(silent=True, hang=True)) as server:
                sender = transport(server.url, retry=ONCE, timeout=(5.0, 0.3))
                began = time.monotonic()
                with pytest.raises(errors.RequestTimeoutError):
                    sender.send(get())
                assert 0.2 < time.monotonic() - began < 5
        finally:
            cancellation.cancel_event.reset(token)

    def test_a_body_packed_twice_is_refused(self) -> None:
        twice = gzip.compress(gzip.compress(b"a" * 10_000_000))
        with (
            ScriptedServer(Answer(body=twice, headers={"Content-Encoding": "gzip, gzip"})) as server,
            pytest.raises(errors.ResponseTooLargeError, match="several times"),
        ):
            transport(server.url).send(get())


class TestCancelled:
    @pytest.mark.parametrize("when", ["before the answer", "in the body"])
    def test_a_read_ends_when_the_work_is_cancelled(self, when: str) -> None:
        answer = Answer(silent=True, hang=True) if when == "before the answer" else Answer(sent=3, hang=True)
        ended: list[Cancelled] = []
        event = threading.Event()

        def work(url: str) -> None:
            cancellation.cancel_event.set(event)
            with pytest.raises(Cancelled) as caught:
                transport(url).send(post())
            ended.append(caught.value)

        with ScriptedServer(answer) as server:
            thread = threading.Thread(target=work, args=(server.url,))
            thread.start()
            assert server.hears(1)
            began = time.monotonic()
            event.set()
            thread.join(timeout=5)
            assert not thread.is_alive()
        assert ended[0].sent
        assert time.monotonic() - began > GRACE / 2, "the answer of a write is worth a moment"


BAD_PATHS = [
    "/api/../../hubspot/api/contacts",
    "/api/..",
    "/api/.",
    "/api/%2e%2e/x",
    "/api/%2E%2E/x",
    "/api/.%2E/x",
    "/api/%252e%252e/x",
    "/api/%25252e%25252E/x",
    "/api/..%2fx",
    "/api/x%2F..%2F..",
    "/api/..%5Cx",
    "/api\\..\\x",
    "/api//evil.example/x",
    "//evil.example/api/x",
    "/api/x y",
    "/api/x\r\nHost: evil.example",
    "/api/x#fragment",
    "/api/%20..%20/x",
]


class TestPaths:
    @pytest.mark.parametrize("path", BAD_PATHS)
    def test_a_path_that_leaves_the_base_is_not_sent(self, path: str) -> None:
        with ScriptedServer() as server:
            with pytest.raises(errors.InvalidInputError, match="is not a path below") as caught:
                transport(f"{server.url}/klaviyo").send(get(f"{path}?filter=hush"))
            assert server.asked == []
        assert repr(path) in str(caught.value)  # and not what it asks for, which may name people
        assert "hush" not in str(caught.value)

    @pytest.mark.parametrize(
        "path",
        [
            "/api/profiles?filter=any(a,[%22..%22])",
            "/api/catalog-items/$custom:::$default:::a..b%2F%2Fc%5Cd",
            "/api/profiles/...",
            "/api/profiles/100%25",
        ],
    )
    def test_dots_and_slashes_inside_an_id_are_fine(self, path: str) -> None:
        assert not leaves_base(path)

    @given(
        st.lists(
            st.sampled_from(["..", "%2e", "%2E", ".", "%25", "2e", "/", "%2f", "\\", "%5c", "a"]), max_size=9
        )
    )
    def test_what_is_sent_stays_below_the_base(self, parts: list[str]) -> None:
        from urllib.parse import urlsplit  # noqa: PLC0415

        import requests  # noqa: PLC0415

        path = "/api/" + "".join(parts)
        if not leaves_base(path):
            sent = urlsplit(
                requests.Request("GET", f"http://a.example/klaviyo{path}").prepare().url or ""
            ).path
            assert str(sent).startswith("/klaviyo/api/")
            assert ".." not in str(sent).split("/")


def in_child(work: Any) -> int:
    """Run something in a forked process; return its exit status."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            status = 0 if work() else 2
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
class TestFork:
    def test_a_child_makes_connections_of_its_own(self) -> None:
        with ScriptedServer(*(data([n]) for n in range(4))) as server:
            sender = transport(server.url)
            sender.send(get())
            assert in_child(lambda: sender.send(get()).document == {"data": [1]}) == 0
            assert sender.send(get()).document == {"data": [2]}
        assert [asked.connection for asked in server.asked] == [1, 2, 1]

    def test_locks_that_another_thread_held_do_not_stop_the_child(self) -> None:
        with ScriptedServer() as server:
            sender = transport(server.url)
            with sender.pacer._lock:
                assert in_child(lambda: sender.send(get()).status == 200) == 0

    def test_the_garbage_collector_is_on_in_the_child(self) -> None:
        inside, leave = threading.Event(), threading.Event()

        def decodes() -> None:
            with _json._collector_paused():
                inside.set()
                leave.wait(10)

        thread = threading.Thread(target=decodes)
        thread.start()
        assert inside.wait(10)
        try:
            assert not gc.isenabled()
            assert in_child(gc.isenabled) == 0
        finally:
            leave.set()
            thread.join()
        assert gc.isenabled()


def test_the_garbage_collector_is_never_left_off(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_body: bytes) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("orjson.loads", interrupted)
    with pytest.raises(KeyboardInterrupt):
        _json.loads(b"{}")
    assert gc.isenabled()


def test_the_garbage_collector_stays_off_for_those_who_switched_it_off() -> None:
    gc.disable()
    try:
        assert _json.loads(json.dumps({"a": 1}).encode()) == {"a": 1}
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_a_missing_file_of_certificates_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/no/such/bundle.pem")
    with pytest.raises(errors.ConnectionFailedError, match="REQUESTS_CA_BUNDLE"):
        transport("https://shop.invalid", retry=TWICE).send(get())


def test_an_interrupted_request_shows_no_frame_that_holds_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("urllib3.connectionpool.HTTPConnectionPool._make_request", interrupted)
    with ScriptedServer(error(500)) as server, pytest.raises(KeyboardInterrupt) as caught:
        transport(server.url, clock=Clock()).send(get())
    assert not any("site-packages" in str(entry.path) for entry in caught.traceback)
