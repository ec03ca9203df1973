"""Failures over real sockets: what is tried again, what is not, and which error it is in the end."""

from __future__ import annotations

import inspect
import json
import pickle
import traceback
from typing import Any

import pytest

import klaviyo_analytics as ka
from klaviyo_analytics.errors import (
    ApiError,
    ConnectionFailedError,
    KlaviyoError,
    MalformedResponseError,
    RequestTimeoutError,
    TransportError,
)
from klaviyo_analytics.http.retry import RetryPolicy
from klaviyo_analytics.http.session import UNKNOWN, Call, Transport
from tests.http.clocks import Clock
from tests.http.scripted_server import Answer, ScriptedServer, error
from tests.http.senders import KEY, TWICE, deaf_address, get, post, transport

HTML = {"Content-Type": "text/html"}
BROKEN = {
    "no-answer": Answer(silent=True),
    "reset": Answer(silent=True, end="reset"),
    "half-a-body": Answer(sent=5),
    "body-shorter-than-said": Answer(length=100, sent=11),
    "half-json": Answer(body=b'{"data": [', headers={}),
    "no-json": Answer(body=b"\x00\xff", headers={}),
    "too-deep": Answer(body=b"[" * 100_000),
    "no-gzip": Answer(body=b"nothing packed", headers={"Content-Encoding": "gzip"}),
}
TRANSIENT = {
    **BROKEN,
    "429": error(429),
    "429-without-json": Answer(429, b"Too many requests", HTML),
    "429-with-wish": error(429, headers={"Retry-After": "3"}),
    "503": error(503),
    "503-with-wish": error(503, headers={"Retry-After": "3"}),
    "500": error(500),
    "502-html": Answer(502, b"<html>Bad gateway</html>", HTML),
    "504-empty": Answer(504, b""),
    "520": Answer(520, b"error code: 520", HTML),
}


@pytest.mark.parametrize("failure", TRANSIENT.values(), ids=TRANSIENT)
def test_a_read_outlives_every_failure_that_may_pass(failure: Answer) -> None:
    clock = Clock()
    with ScriptedServer(failure, failure, Answer()) as server:
        reply = transport(server.url, clock=clock).send(get())
    assert (reply.status, reply.document) == (200, {"data": []})
    assert len(server.asked) == 3
    wish = float(failure.headers.get("Retry-After", 0))
    assert all(wait >= wish for wait in clock.slept)
    assert sum(clock.slept) > 0


@pytest.mark.parametrize("failure", TRANSIENT.values(), ids=TRANSIENT)
def test_a_post_is_repeated_only_where_that_is_safe_or_the_server_refused_it(failure: Answer) -> None:
    with ScriptedServer(failure, Answer(202, b"")) as server:
        assert transport(server.url).send(post(replay_safe=True)).status == 202
    assert len(server.asked) == 2
    with ScriptedServer(failure, Answer(202, b"")) as server:
        sender = transport(server.url)
        if failure.status == 429:
            assert sender.send(post()).status == 202
            return
        if failure.status >= 500:
            assert sender.send(post()).status == failure.status
        else:
            with pytest.raises(TransportError):
                sender.send(post())
    assert len(server.asked) == 1


@pytest.mark.parametrize("failure", TRANSIENT.values(), ids=TRANSIENT)
def test_in_the_end_there_is_one_kind_of_error_and_no_key_in_it(failure: Answer) -> None:
    clock = Clock()
    with ScriptedServer(failure) as server:
        sender = transport(server.url, clock=clock)
        if failure.status != 200:
            assert sender.send(get()).status == failure.status
        else:
            with pytest.raises(TransportError) as caught:
                sender.send(get())
            assert_no_key(caught.value)
    assert len(server.asked) == sender.retry.attempts
    assert sum(clock.slept) <= sender.retry.budget


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        ("no-answer", ConnectionFailedError, r"GET /api/profiles: the connection to 127\.0\.0\.1:\d+ broke"),
        ("reset", ConnectionFailedError, "broke before the response was complete"),
        ("half-a-body", ConnectionFailedError, "broke before the response was complete"),
        ("body-shorter-than-said", ConnectionFailedError, "broke before the response was complete"),
        ("half-json", MalformedResponseError, r"answered 200 with a body that is not JSON \(application"),
        ("no-gzip", ConnectionFailedError, "broke"),
    ],
)
def test_which_error(name: str, kind: type[TransportError], message: str) -> None:
    with ScriptedServer(BROKEN[name]) as server, pytest.raises(kind, match=message):
        transport(server.url, retry=TWICE).send(get())


def test_a_web_page_instead_of_an_answer_is_reported_at_once() -> None:
    with (
        ScriptedServer(Answer(body=b"<html>Please log in</html>", headers=HTML)) as server,
        pytest.raises(MalformedResponseError, match=r"not JSON.*text/html.*login page"),
    ):
        transport(server.url).send(get())
    assert len(server.asked) == 1


@pytest.mark.parametrize("answer", [Answer(silent=True), Answer(body=b"{"), Answer(302, b"")])
def test_a_message_holds_no_query_which_may_name_people(answer: Answer) -> None:
    call = get("/api/profiles?filter=equals%28email%2C%22ann%40mail.example%22%29&page%5Bcursor%5D=x")
    with ScriptedServer(answer) as server, pytest.raises(TransportError, match="GET /api/profiles") as caught:
        transport(server.url, retry=TWICE).send(call)
    assert "ann" not in str(caught.value)


class TestTimeouts:
    @pytest.mark.parametrize(
        "slow", [Answer(silent=True, hang=True), Answer(sent=5, hang=True)], ids=["before", "in-the-body"]
    )
    def test_an_answer_that_takes_too_long(self, slow: Answer) -> None:
        clock = Clock()
        with ScriptedServer(slow) as server:
            sender = transport(server.url, clock=clock, timeout=(60.0, 0.05), retry=TWICE)
            with pytest.raises(RequestTimeoutError, match=r"did not answer in time; see timeout=") as caught:
                sender.send(get())
            assert server.hears(2)
        assert isinstance(caught.value, TimeoutError)
        assert (len(server.asked), len(clock.slept)) == (2, 1)
        assert_no_key(caught.value)

    def test_it_is_not_asked_twice_where_that_is_not_safe(self) -> None:
        clock = Clock()
        with ScriptedServer(Answer(silent=True, hang=True)) as server:
            with pytest.raises(RequestTimeoutError):
                transport(server.url, clock=clock, timeout=(60.0, 0.05)).send(post())
            assert server.hears(1)
        assert (len(server.asked), clock.slept) == (1, [])


class TestUnreached:
    def test_a_refused_connection_is_tried_again_for_seconds_not_minutes_even_for_a_post(self) -> None:
        clock = Clock()
        with deaf_address() as url:
            sender = transport(url, clock=clock)
            with pytest.raises(
                ConnectionFailedError, match=r"cannot be reached\. Check the network"
            ) as caught:
                sender.send(post())
        assert len(clock.slept) == sender.retry.unreached - 1
        assert sum(clock.slept) < 5
        assert isinstance(caught.value, ConnectionError)
        assert_no_key(caught.value)

    @pytest.mark.parametrize("base", ["http://localhost:abc", "http://", "nowhere", "ftp://localhost"])
    def test_an_address_that_is_none_is_not_tried_again(self, base: str) -> None:
        clock = Clock()
        with pytest.raises(ConnectionFailedError, match=rf"base_url={base!r} cannot be used for a request"):
            transport(base, clock=clock).send(get())
        assert clock.slept == []


class TestAmbiguity:
    """After a lost answer the request may have been carried out; after a refusal it was not."""

    @pytest.mark.parametrize(
        ("failure", "ambiguous"),
        [
            (Answer(silent=True), True),
            (Answer(sent=5), True),
            (error(503), True),
            (error(429), False),
        ],
    )
    def test_the_reply_tells(self, failure: Answer, ambiguous: bool) -> None:
        with ScriptedServer(failure, error(404)) as server:
            reply = transport(server.url).send(Call("DELETE", "/api/lists/1"))
        assert (reply.status, reply.ambiguous) == (404, ambiguous)

    def test_a_first_answer_is_never_ambiguous(self) -> None:
        with ScriptedServer(error(404)) as server:
            assert not transport(server.url).send(Call("DELETE", "/api/lists/1")).ambiguous

    def test_once_ambiguous_it_stays_so(self) -> None:
        with ScriptedServer(Answer(silent=True), error(429), error(404)) as server:
            assert transport(server.url).send(Call("DELETE", "/api/lists/1")).ambiguous


def test_waits_are_reported_to_who_shows_progress() -> None:
    waits: list[float] = []
    with ScriptedServer(error(429, headers={"Retry-After": "30"}), Answer()) as server:
        transport(server.url).send(get(), on_wait=waits.append)
    assert len(waits) == 1
    assert waits[0] >= 30


TOKEN = "canary-session-0123"
LINK = f"https://connect.maton.ai/?app=klaviyo&session_token={TOKEN}&theme=dark"
LEAKS: dict[str, Any] = {
    "detail": {"errors": [{"detail": f"Sign in at {LINK}."}]},
    "title": {"errors": [{"title": LINK}]},
    "meta": {"errors": [{"detail": "No access", "meta": {"url": LINK}}]},
    "a-second-error": {"errors": [{"detail": "No access"}, {"detail": LINK}]},
    "after-other-members": {
        "jsonapi": {"version": "1.0", "meta": {"x": "y" * 200}},
        "errors": [{"detail": LINK}],
    },
    "a-field": {"errors": [{"detail": "No access", "meta": {"session_token": TOKEN, "sessionToken": TOKEN}}]},
    "a-quoted-object": {"errors": [{"detail": json.dumps({"session_token": TOKEN})}]},
    "encoded": {"errors": [{"detail": f"/login?next=%2F%3Fsession_token%3D{TOKEN}%26a"}]},
    "gateway": {"message": f"Sign in at {LINK}"},
    "gateway-object": {"error": {"message": LINK}},
}


class TestSessionLinks:
    """A server may put the link that opens a connection into an error; no exception may pass it on."""

    @pytest.mark.parametrize("escaped", [False, True], ids=["plain", "escaped"])
    @pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 409, 429, 500])
    @pytest.mark.parametrize("name", LEAKS)
    def test_the_token_is_masked_in_the_whole_error(self, name: str, status: int, escaped: bool) -> None:
        if status == 200 and "errors" not in LEAKS[name]:
            return  # no error, as it says nothing of errors
        body = json.dumps(LEAKS[name]).encode()
        if escaped:  # as some writers of JSON do with what HTML could misread
            body = body.replace(b"=", rb"\u003d").replace(b"&", rb"\u0026")
        with ScriptedServer(Answer(status, body)) as server:
            client = ka.connect(api_key="pk_0123456789abcdef", base_url=server.url, progress=False)
            clock = Clock()
            client._api.transport._sleep, client._api.transport._clock = clock.sleep, clock
            client._api.transport.retry = RetryPolicy(attempts=1)
            for call in (
                client.tags.list,
                lambda: client.tags.get("1"),
                lambda: client.tags.create(name="x"),
            ):
                with pytest.raises(KlaviyoError) as caught:
                    call()
                problem = caught.value
                assert TOKEN not in f"{problem} {vars(problem)} {problem.args} {pickle.dumps(problem)!r}"
                if "errors" in LEAKS[name]:
                    assert isinstance(problem, ApiError)
                    assert len(problem.errors) == len(LEAKS[name]["errors"]), "still readable"
        assert_no_key(problem)

    def test_a_connections_own_link_still_arrives(self) -> None:
        made = Answer(body=json.dumps({"connection": {"url": LINK}}).encode())
        with ScriptedServer(made) as server:
            assert transport(server.url).send(get()).document == {"connection": {"url": LINK}}


def assert_no_key(problem: BaseException) -> None:
    """Look through everything that an exception shows or drags along."""
    shown: list[Any] = [problem, problem.__cause__, problem.__context__]
    while (cause := shown[-1]) is not None and cause.__context__ is not None:
        shown.append(cause.__context__)
    for one in filter(None, shown):
        assert KEY not in f"{one} {one!r} {one.args} {vars(one)}"
        assert not hasattr(one, "request")
    assert KEY not in "".join(traceback.format_exception(problem))


class TestNotes:
    """A write whose answer is missing or useless may have been carried out, and its error says so."""

    @pytest.mark.parametrize("failure", BROKEN.values(), ids=BROKEN)
    @pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
    def test_a_write_that_was_sent(self, failure: Answer, method: str) -> None:
        with ScriptedServer(failure) as server, pytest.raises(TransportError) as caught:
            transport(server.url, retry=TWICE).send(Call(method, "/api/x", replay_safe=method != "POST"))
        assert caught.value.__notes__ == [UNKNOWN]

    @pytest.mark.parametrize("failure", BROKEN.values(), ids=BROKEN)
    def test_a_read(self, failure: Answer) -> None:
        for call in (get(), post(replay_safe=True)):
            with ScriptedServer(failure) as server, pytest.raises(TransportError) as caught:
                transport(server.url, retry=TWICE).send(call)
            assert not hasattr(caught.value, "__notes__")

    def test_a_write_that_was_never_sent(self) -> None:
        with deaf_address() as url, pytest.raises(ConnectionFailedError) as caught:
            transport(url, retry=TWICE).send(post())
        assert not hasattr(caught.value, "__notes__")

    def test_a_redirect_and_a_web_page(self) -> None:
        for answer in (Answer(302, b"", {"Location": "https://x.example"}), Answer(200, b"<html>", HTML)):
            with ScriptedServer(answer) as server, pytest.raises(MalformedResponseError) as caught:
                transport(server.url).send(post())
            assert caught.value.__notes__ == [UNKNOWN]
            assert pickle.loads(pickle.dumps(caught.value)).__notes__ == [UNKNOWN]


def test_the_gateways_own_calls_wait_as_long_as_those_of_a_client() -> None:
    bounds = [inspect.signature(each).parameters["timeout"].default for each in (Transport, ka.connect)]
    assert bounds == [(10.0, 60.0)] * 2
