"""The session over real sockets: what is sent, what comes back, what is kept alive."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor

import pytest

from klaviyo_analytics.errors import ConnectionFailedError, MalformedResponseError, QuotaExhaustedError
from klaviyo_analytics.http.rate_limits import Bucket, Pacer
from klaviyo_analytics.http.retry import RetryPolicy
from klaviyo_analytics.http.session import Call
from tests.http.clocks import Clock
from tests.http.scripted_server import Answer, ScriptedServer, data, error
from tests.http.senders import KEY, get, post, transport


class TestRequests:
    def test_every_request_carries_the_key_and_the_common_headers(self) -> None:
        with ScriptedServer() as server:
            transport(server.url).send(get())
            transport(server.url).send(post())
        for asked in server.asked:
            assert asked.headers["authorization"] == f"Bearer {KEY}"
            assert asked.headers["revision"] == "2026-01-15"
        assert "content-type" not in server.asked[0].headers
        assert server.asked[1].headers["content-type"] == "application/vnd.api+json"
        assert server.asked[1].body == b'{"a":1}'

    def test_queries_are_encoded_so_that_a_plus_stays_a_plus(self) -> None:
        params = {"page[size]": "10", "filter": 'equals(phone_number,"+1 555")'}
        with ScriptedServer() as server:
            transport(server.url).send(get(**params))
            transport(server.url).send(get("/api/profiles?page%5Bcursor%5D=x", a="b"))
        first, second = server.targets()
        assert first == "/api/profiles?page%5Bsize%5D=10&filter=equals%28phone_number%2C%22%2B1+555%22%29"
        assert second == "/api/profiles?page%5Bcursor%5D=x&a=b"

    def test_a_base_url_with_a_path_stands_before_every_path(self) -> None:
        with ScriptedServer() as server:
            transport(f"{server.url}/klaviyo/").send(get())
        assert server.targets() == ["/klaviyo/api/profiles"]

    def test_no_key_of_a_netrc_file_and_no_cookie_goes_along(
        self, tmp_path: object, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        netrc = f"{tmp_path}/netrc"
        with open(netrc, "w") as file:  # noqa: PTH123
            file.write("machine 127.0.0.1 login somebody password else\n")
        monkeypatch.setenv("NETRC", netrc)
        with ScriptedServer(Answer(headers={"Set-Cookie": "session=1; Path=/"})) as server:
            sender = transport(server.url)
            sender.send(get())
            sender.send(get())
        assert [asked.headers["authorization"] for asked in server.asked] == [f"Bearer {KEY}"] * 2
        assert not any("cookie" in asked.headers for asked in server.asked)

    @pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
    def test_a_proxy_is_not_asked_for_this_machine(
        self, variable: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with ScriptedServer() as server, ScriptedServer() as proxy:
            monkeypatch.setenv(variable, proxy.url)
            transport(server.url).send(get())
        assert (len(server.asked), len(proxy.asked)) == (1, 0)


class TestAnswers:
    def test_json_is_decoded_and_headers_are_found_in_any_case(self) -> None:
        with ScriptedServer(Answer(headers={"cid": "abc"})) as server:
            reply = transport(server.url).send(get())
        assert (reply.status, reply.document, reply.headers["CID"]) == (200, {"data": []}, "abc")

    @pytest.mark.parametrize("status", [200, 202, 204])
    @pytest.mark.parametrize("body", [b"", b" \r\n"])
    def test_an_empty_answer_is_none(self, status: int, body: bytes) -> None:
        answer = Answer(status, body if status != 204 else b"")
        with ScriptedServer(answer) as server:
            assert transport(server.url).send(post()).document is None

    @pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 410])
    def test_an_error_status_is_an_answer_too_and_is_not_asked_for_again(self, status: int) -> None:
        with ScriptedServer(error(status)) as server:
            reply = transport(server.url).send(get())
        assert (reply.status, len(server.asked)) == (status, 1)
        assert reply.document["errors"][0]["code"] == "some_code"

    def test_an_error_in_html_has_no_document_but_its_words(self) -> None:
        page = Answer(403, b"<html><title>Just a moment...</title></html>", {"Content-Type": "text/html"})
        with ScriptedServer(page) as server:
            reply = transport(server.url).send(get())
        assert reply.document is None
        assert b"Just a moment" in reply.body

    @pytest.mark.parametrize("status", [401, 200])
    def test_a_key_that_the_server_repeats_in_an_error_is_masked(self, status: int) -> None:
        with ScriptedServer(error(status, detail=f"The key {KEY} is revoked.")) as server:
            reply = transport(server.url).send(get())
        assert KEY.encode() not in reply.body
        assert reply.document["errors"][0]["detail"] == "The key *** is revoked."

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    @pytest.mark.parametrize(
        "call", [get(), post(), Call("DELETE", "/api/lists/1")], ids=lambda call: call.method
    )
    def test_a_redirect_is_refused_and_the_key_does_not_travel(self, status: int, call: Call) -> None:
        with ScriptedServer() as other:
            elsewhere = Answer(status, b"", {"Location": f"{other.url}/api/profiles?a=b"})
            with ScriptedServer(elsewhere) as server, pytest.raises(MalformedResponseError) as caught:
                transport(server.url).send(call)
            assert other.asked == []
            assert other.url.removeprefix("http://") in str(caught.value)
        assert len(server.asked) == 1

    @pytest.mark.parametrize("location", ["", "http://[broken", "/api/elsewhere"])
    def test_a_redirect_to_nowhere_is_refused_too(self, location: str) -> None:
        with (
            ScriptedServer(Answer(302, b"", {"Location": location})) as server,
            pytest.raises(MalformedResponseError, match="another address"),
        ):
            transport(server.url).send(get())


class TestConnections:
    def test_one_connection_is_used_again_and_again(self) -> None:
        with ScriptedServer(Answer(), error(404), Answer(204, b""), Answer()) as server:
            sender = transport(server.url)
            for call in (get(), get(), post(), get(), get()):
                sender.send(call)
        assert len(server.asked) == 5
        assert server.connections == 1

    def test_eight_threads_at_once_get_each_their_own_answer(self) -> None:
        answers = [data([{"type": "profile", "id": str(n)}]) for n in range(200)]
        with ScriptedServer(*answers) as server:
            sender = transport(server.url)
            with ThreadPoolExecutor(8) as pool:
                replies = list(pool.map(lambda n: sender.send(get(n=str(n))), range(200)))
        assert sorted(int(reply.document["data"][0]["id"]) for reply in replies) == list(range(200))
        assert sorted(server.targets()) == sorted(f"/api/profiles?n={n}" for n in range(200))
        assert server.connections <= 8

    def test_a_connection_that_the_server_closed_meanwhile_costs_a_post_nothing(self) -> None:
        with ScriptedServer(Answer(end="close"), Answer(202, b"")) as server:
            sender = transport(server.url)
            sender.send(get())
            assert server.closed.acquire(timeout=60)
            reply = sender.send(post())
        assert (reply.status, len(server.asked), server.connections) == (202, 2, 2)


class TestLimits:
    BUCKET = Bucket("GET /api/profiles", ((2, 1), (4, 60)))

    def test_requests_are_paced_before_they_are_sent(self) -> None:
        clock = Clock()
        with ScriptedServer() as server:
            sender = transport(server.url, clock=clock)
            for _ in range(5):
                sender.send(Call("GET", "/api/profiles", buckets=(self.BUCKET,)))
        assert len(server.asked) == 5
        assert 60 <= sum(clock.slept) <= 61

    def test_an_answer_that_says_nothing_is_left_holds_the_next_request_back(self) -> None:
        clock = Clock()
        spent = Answer(headers={"RateLimit-Remaining": "0", "RateLimit-Reset": "17"})
        with ScriptedServer(spent, Answer()) as server:
            sender = transport(server.url, clock=clock)
            for _ in range(2):
                sender.send(Call("GET", "/api/profiles", buckets=(self.BUCKET,)))
        assert clock.slept == [17.0]

    def test_a_429_closes_the_endpoint_for_everybody_for_as_long_as_it_said(self) -> None:
        clock = Clock()
        other = Bucket("GET /api/lists", ((2, 1),))
        wide = Bucket("shared", ((100, 1),))
        with ScriptedServer(error(429, headers={"Retry-After": "200"}), Answer()) as server:
            sender = transport(server.url, clock=clock, retry=RetryPolicy(attempts=1))
            assert sender.send(Call("GET", "/api/profiles", buckets=(self.BUCKET, wide))).status == 429
            sender.send(Call("GET", "/api/lists", buckets=(other, wide)))
            assert clock.slept == []  # neither another endpoint nor what they share
            sender.send(Call("GET", "/api/profiles", buckets=(self.BUCKET, wide)))
        assert (len(server.asked), clock.slept) == (3, [200.0])

    @pytest.mark.parametrize(
        "pause", ["1000", "1e9", "9" * 40, "-5", "soon", "inf", "1_000", "0x10", "5, 900"]
    )
    def test_a_huge_or_odd_pause_is_reported_and_not_remembered(self, pause: str) -> None:
        clock = Clock()
        shared = Pacer(clock=clock, sleep=clock.sleep)
        with ScriptedServer(error(429, headers={"Retry-After": pause}), Answer()) as server:
            first = transport(server.url, clock=clock, pacer=shared, retry=RetryPolicy(attempts=1))
            assert first.send(Call("GET", "/api/profiles", buckets=(self.BUCKET,))).status == 429
            later = transport(server.url, clock=clock, pacer=shared)
            assert later.send(Call("GET", "/api/profiles", buckets=(self.BUCKET,))).status == 200
        assert clock.slept == []

    def test_a_daily_quota_that_is_used_up_raises_before_anything_is_sent(self) -> None:
        bucket = Bucket("POST /api/reports", ((1, 86_400),))
        with ScriptedServer() as server:
            sender = transport(server.url)
            sender.send(Call("GET", "/api/reports", buckets=(bucket,)))
            with pytest.raises(QuotaExhaustedError, match="used up"):
                sender.send(Call("GET", "/api/reports", buckets=(bucket,)))
        assert len(server.asked) == 1

    def test_what_the_limits_cost_is_not_taken_from_the_budget_for_retries(self) -> None:
        clock = Clock()
        bucket = Bucket("slow", ((1, 299),))
        with ScriptedServer(Answer(), error(503), Answer()) as server:
            sender = transport(server.url, clock=clock)
            sender.send(Call("GET", "/api/slow", buckets=(bucket,)))
            reply = sender.send(Call("GET", "/api/slow", buckets=(bucket,)))
        assert reply.status == 200


def test_logs_hold_no_key_and_nobodys_address(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), ScriptedServer(error(503), error(429), Answer()) as server:
        transport(server.url).send(
            get(filter='any(email,["ann@mail.example.net","bo@x.org"])', phone="+15551234567")
        )
    ours = [line for line in caplog.records if line.name.startswith("klaviyo_analytics")]
    said = " ".join(line.getMessage() for line in ours)
    assert "GET /api/profiles" in said
    assert "trying again in" in said
    assert not any(secret in caplog.text for secret in (KEY, "Bearer"))
    assert not any(secret in said for secret in ("ann@", "ann%40", "x.org", "5551234567"))


def test_a_closed_transport_says_so_and_asks_nobody() -> None:
    with ScriptedServer(Answer()) as server:
        sender = transport(server.url)
        sender.close()
        with pytest.raises(ConnectionFailedError, match="closed"):
            sender.send(get())
        assert server.asked == []
