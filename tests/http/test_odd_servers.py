"""Servers that are not as they should be: each gives the right answer, or a clear error of our own tree."""

from __future__ import annotations

import gzip
import json
import zlib
from typing import Any

import pytest

import klaviyo_analytics as ka
from klaviyo_analytics import errors
from klaviyo_analytics.client import KlaviyoClient
from tests.http.clocks import Clock
from tests.http.scripted_server import Answer, ScriptedServer, data, error
from tests.http.senders import KEY, TWICE, get, post, transport

GREEN = {"type": "tag", "id": "1", "attributes": {"name": "green"}}
DOCUMENT = json.dumps({"data": [GREEN], "links": {"next": None}}).encode()
NEXT = "https://a.klaviyo.com/api/tags?page%5Bcursor%5D="


class Ticking(Clock):
    """A clock on which a minute passes with every look."""

    def __call__(self) -> float:
        self.now += 60
        return self.now


def packed(body: bytes, how: str) -> Answer:
    return Answer(body=body, headers={"Content-Encoding": how})


def chunked(body: bytes, headers: dict[str, str] | None = None, *, size: int = 7) -> Answer:
    pieces = [body[place : place + size] for place in range(0, len(body), size)]
    whole = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in [*pieces, b""])
    return Answer(body=whole, headers={"Transfer-Encoding": "chunked", **(headers or {})})


def tags(server: ScriptedServer, face: str = "") -> KlaviyoClient:
    """A client that does not wait."""
    client = ka.connect(api_key="pk_0123456789abcdef", base_url=server.url + face, progress=False)
    clock = Clock()
    client._api.paced = False
    client._api.transport._sleep = clock.sleep
    client._api.transport._clock = clock
    return client


FINE = {
    "gzip": packed(gzip.compress(DOCUMENT), "gzip"),
    "deflate": packed(zlib.compress(DOCUMENT), "deflate"),
    "raw-deflate": packed(zlib.compress(DOCUMENT)[2:-4], "deflate"),
    "chunks": chunked(DOCUMENT),
    "packed-chunks": chunked(gzip.compress(DOCUMENT), {"Content-Encoding": "gzip"}),
    "byte-order-mark": Answer(body=b"\xef\xbb\xbf" + DOCUMENT),
    "plain-text": Answer(body=DOCUMENT, headers={"Content-Type": "text/plain"}),
    "no-type": Answer(body=DOCUMENT, headers={"Content-Type": ""}),
    "another-status": Answer(206, DOCUMENT),
    "no-links": data([GREEN]),
    "links-null": data([GREEN], links=None),
    "links-list": data([GREEN], links=[]),
    "included-null": data([GREEN], included=None),
    "one-object": data(GREEN),
    "a-number-as-id": data([{**GREEN, "id": 1}]),
    "relationships-null": data([{**GREEN, "relationships": None}]),
    "a-header-in-utf-8": Answer(body=DOCUMENT, headers={"X-Ärger": "ü"}),
}
USELESS = {
    "brotli-that-nobody-asked-for": (packed(b"\x0b\x02\x80abc", "br"), r"not JSON \(.* in br, 6 bytes\)"),
    "whole-brotli": (packed(b'\x0b\x05\x80{"data":[]}\x03', "br"), r"not JSON \(.* in br, 15 bytes\)"),
    "half-a-gzip": (packed(gzip.compress(DOCUMENT * 99)[:60], "gzip"), r"not JSON|broke"),
    "half-a-chunk": (
        Answer(body=b"ff\r\n{", headers={"Transfer-Encoding": "chunked"}, end="close"),
        "broke before the response was complete",
    ),
    "no-chunk": (
        Answer(body=b"zz\r\nabc", headers={"Transfer-Encoding": "chunked"}, end="close"),
        "broke before the response was complete",
    ),
    "a-huge-header": (Answer(body=DOCUMENT, headers={"X-H": "a" * 70_000}), "broke before"),
    "nothing": (Answer(body=b""), "without data"),
    "204-with-a-body": (Answer(204, DOCUMENT), "without data"),
    "a-list": (Answer(body=b"[]"), "without data"),
    "a-text": (data("green"), "not JSON:API resources"),
    "texts": (data(["green"]), "not JSON:API resources"),
    "no-id-and-no-type": (data([{"attributes": {}}]), "not JSON:API resources"),
    "null-instead-of-a-list": (data(None), "null instead of a list"),
    "no-such-page": (data([GREEN], links={"next": "?page%5Bcursor%5D=2"}), r"links\.next leads to no page"),
    "itself-as-next": (data([GREEN], links={"next": "/api/tags"}), "same cursor twice"),
    "another-place": (Answer(302, b"", {"Location": "https://evil.example/"}), "redirected to evil.example"),
}


@pytest.mark.parametrize("answer", FINE.values(), ids=FINE)
def test_what_is_only_odd_is_read(answer: Answer) -> None:
    with ScriptedServer(answer) as server, tags(server) as client:
        frame = client.tags.list()
    assert frame[["id", "name"]].to_dict("list") == {"id": ["1"], "name": ["green"]}


@pytest.mark.parametrize(("answer", "says"), USELESS.values(), ids=USELESS)
def test_what_cannot_be_read_is_a_clear_error(answer: Answer, says: str) -> None:
    with (
        ScriptedServer(answer) as server,
        tags(server) as client,
        pytest.raises(errors.TransportError, match=says),
    ):
        client.tags.list()


class TestData:
    @pytest.mark.parametrize("row", [{"type": "tag"}, {**GREEN, "id": None}], ids=["missing", "null"])
    def test_a_row_without_an_id_is_kept_with_a_warning(self, row: dict[str, Any]) -> None:
        with (
            ScriptedServer(data([GREEN, row])) as server,
            tags(server) as client,
            pytest.warns(ka.ReadingWarning, match="1 row without an id"),
        ):
            assert client.tags.list()["id"].isna().tolist() == [False, True]

    def test_null_instead_of_one_resource_is_an_error(self) -> None:
        with (
            ScriptedServer(data(None)) as server,
            tags(server) as client,
            pytest.raises(errors.MalformedResponseError, match=r"GET /api/tags/1 contains no resource"),
        ):
            client.tags.get("1")

    def test_several_are_not_taken_for_one(self) -> None:
        with (
            ScriptedServer(data([GREEN, {**GREEN, "id": "2"}])) as server,
            tags(server) as client,
            pytest.raises(errors.MalformedResponseError, match=r"tags/1 contains 2 resources instead of one"),
        ):
            client.tags.get("1")

    def test_null_attributes_are_missing_values(self) -> None:
        with ScriptedServer(data([{**GREEN, "attributes": None}])) as server, tags(server) as client:
            assert client.tags.list()["name"].isna().all()

    def test_a_row_that_came_on_two_pages_is_kept_once_with_a_warning(self) -> None:
        with (
            ScriptedServer(data([GREEN], links={"next": NEXT + "b"}), data([GREEN])) as server,
            pytest.warns(ka.ReadingWarning, match="1 row came on more than one page"),
        ):
            assert tags(server).tags.list()["id"].tolist() == ["1"]

    def test_errors_are_errors_whatever_the_status(self) -> None:
        said = Answer(200, error(500, detail="No such thing.").body)
        with ScriptedServer(said) as server, tags(server) as client:
            for call in (client.tags.list, lambda: client.tags.create(name="x")):
                with pytest.raises(errors.ApiError, match=r"200 some_code from \w+ /api/tags: No such thing"):
                    call()

    def test_a_body_after_no_content_does_not_answer_the_next_request(self) -> None:
        with ScriptedServer(Answer(204, DOCUMENT), Answer(202, b'{"data":[2]}')) as server:
            sender = transport(server.url)
            assert sender.send(post()).document is None
            assert sender.send(post()).document == {"data": [2]}
        assert len(server.asked) == 2

    def test_ids_longer_than_64_bits_stay_exact(self) -> None:
        long = 2**64 + 1
        body = json.dumps({"data": [{"id": "1", "a": long, "b": [-long], "c": f"{long}", "d": 0.5}]}).encode()
        with ScriptedServer(Answer(body=body)) as server:
            (record,) = transport(server.url).send(get()).document["data"]
        assert record == {"id": "1", "a": long, "b": [-long], "c": f"{long}", "d": 0.5}


class TestRedirects:
    @pytest.mark.parametrize(
        ("status", "location", "says"),
        [
            (301, "https://evil.example/api/tags", r"redirected to evil\.example;"),
            (302, "http://127.0.0.1:1/api/tags", r"redirected to 127\.0\.0\.1:1;"),
            (303, "//evil.example", r"redirected to evil\.example;"),
            (307, "/api/tags", "redirected to another address;"),
            (308, "", "redirected to another address;"),
            (302, "http://ann:secret-1@evil.example/", r"redirected to evil\.example;"),
            (302, "http://[::1", "redirected to another address;"),
            (302, "http://evil.example:port/", "redirected to another address;"),
            (302, "http://\x1b[31mevil.example/", "redirected to another address;"),
            (304, None, "answered 304 without a Location;"),
            (300, None, "answered 300 without a Location;"),
        ],
    )
    def test_they_are_not_followed_and_named_without_secrets(
        self, status: int, location: str | None, says: str
    ) -> None:
        headers = {} if location is None else {"Location": location}
        with ScriptedServer(Answer(status, b"", headers)) as server, tags(server) as client:
            with pytest.raises(errors.MalformedResponseError, match=says) as caught:
                client.tags.list()
            with pytest.raises(errors.MalformedResponseError, match=says):
                client.tags.create(name="x")
            assert len(server.asked) == 2
        assert "secret-1" not in str(caught.value)
        assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize(
    ("bytes_", "read"), [(b"Jos\xe9", "Jos\ufffd"), (b"\xef\xbf\xbd\xff\xfe", "\ufffd\ufffd\ufffd")]
)
def test_bytes_of_another_charset_are_read_and_logged(
    bytes_: bytes, read: str, caplog: pytest.LogCaptureFixture
) -> None:
    body = DOCUMENT.replace(b"green", bytes_)
    kind = {"Content-Type": "application/json; charset=iso-8859-1"}
    with ScriptedServer(Answer(200, body, kind)) as server, tags(server) as client:
        assert client.tags.list()["name"].tolist() == [read]
    (line,) = [one.getMessage() for one in caplog.records if one.levelname == "WARNING"]
    assert "not valid UTF-8" in line
    assert ("1 place" if read.startswith("Jos") else "2 places") in line


class TestNextLinks:
    @pytest.mark.parametrize(
        "link", ["/api/tags?page%5Bcursor%5D=b", "//evil.example/api/tags?page%5Bcursor%5D=b"]
    )
    def test_a_host_or_none_it_is_ours_that_is_asked(self, link: str) -> None:
        with ScriptedServer(data([GREEN], links={"next": link}), data([])) as server:
            tags(server, "/shop/klaviyo.example/").tags.list()
        assert [target.partition("?")[0] for target in server.targets()] == [
            "/shop/klaviyo.example/api/tags"
        ] * 2
        assert len({asked.headers["host"] for asked in server.asked}) == 1


class TestTime:
    def test_a_trickle_has_an_end(self) -> None:
        with (
            ScriptedServer(chunked(DOCUMENT, size=1)) as server,
            pytest.raises(errors.RequestTimeoutError, match="did not answer in time"),
        ):
            transport(server.url, clock=Ticking(), retry=TWICE).send(get())

    @pytest.mark.parametrize(
        ("headers", "least", "most"),
        [
            ({}, 0.2, 1),
            ({"Retry-After": "0"}, 0.2, 1),
            ({"Retry-After": "Thu, 01 Jan 2004 00:00:00 GMT"}, 0.2, 1),
            # a server's own date says how its clock stands, whatever ours shows
            (
                {"Retry-After": "Thu, 01 Jan 2004 00:00:20 GMT", "Date": "Thu, 01 Jan 2004 00:00:00 GMT"},
                20,
                21,
            ),
        ],
    )
    def test_a_wish_is_read_on_the_servers_clock_and_at_once_is_none(
        self, headers: dict[str, str], least: float, most: float
    ) -> None:
        clock = Clock()
        with ScriptedServer(error(429, headers=headers), Answer()) as server:
            transport(server.url, clock=clock).send(get())
        assert least <= sum(clock.slept) <= most

    def test_a_date_far_away_is_told(self) -> None:
        date = {"Retry-After": "Thu, 01 Jan 2004 01:00:00 GMT", "Date": "Thu, 01 Jan 2004 00:00:00 GMT"}
        with (
            ScriptedServer(error(429, headers=date)) as server,
            tags(server) as client,
            pytest.raises(errors.RateLimitError, match="come back in 3600 s"),
        ):
            client.tags.list()


class TestAddresses:
    def test_ipv6(self) -> None:
        try:
            server = ScriptedServer(Answer(body=DOCUMENT), host="::1")
        except OSError:
            pytest.skip("this machine has no IPv6")
        with server, tags(server) as client:
            assert client.tags.list()["name"].tolist() == ["green"]

    @pytest.mark.parametrize("refusal", [Answer(407, b""), Answer(403, b"")], ids=["407", "403"])
    def test_a_proxy_that_lets_nothing_through_is_named_and_sees_no_key(
        self, refusal: Answer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with ScriptedServer(refusal) as proxy:
            monkeypatch.setenv("HTTPS_PROXY", proxy.url)
            sender = transport("https://shop.invalid", retry=TWICE)
            with pytest.raises(errors.ConnectionFailedError, match=r"proxy .* through to shop\.invalid"):
                sender.send(get())
            reads = len(proxy.asked)
            with pytest.raises(errors.ConnectionFailedError):
                sender.send(post())
        assert len(proxy.asked) == 2 * reads  # nothing was carried out, so that a write is repeated, too
        assert {asked.method for asked in proxy.asked} == {"CONNECT"}
        assert not any(KEY in f"{asked.target} {dict(asked.headers)}" for asked in proxy.asked)

    def test_a_proxy_that_is_not_there(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
        with pytest.raises(errors.ConnectionFailedError, match="the proxy of this environment"):
            transport("https://shop.invalid", retry=TWICE).send(post())


LOST_GRANT: dict[str, Any] = {
    "refresh": {"message": "Failed to refresh the token of the klaviyo connection"},
    "expired": {"error": "OAuth grant expired"},
}


@pytest.mark.parametrize("body", LOST_GRANT.values(), ids=LOST_GRANT)
def test_a_gateway_without_a_grant_is_asked_once(body: Any) -> None:
    with ScriptedServer(Answer(500, json.dumps(body).encode())) as server:
        assert transport(server.url).send(get()).status == 500
    assert len(server.asked) == 1


def test_klaviyos_own_500_may_speak_of_tokens_and_is_repeated() -> None:
    with ScriptedServer(error(500, detail="token expired"), Answer()) as server:
        assert transport(server.url).send(get()).status == 200
