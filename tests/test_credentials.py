"""Which key goes where, and that it is seen nowhere."""

from __future__ import annotations

import gc
import logging
import traceback
from collections.abc import Mapping
from typing import Any

import pytest

import klaviyo_analytics as ka
from klaviyo_analytics import credentials
from klaviyo_analytics.credentials import DIRECT, GATEWAY, Credentials
from klaviyo_analytics.errors import ApiError, ConfigurationError, KlaviyoError
from tests.http.clocks import Clock
from tests.http.scripted_server import Answer, ScriptedServer, error

MATON, PRIVATE = "maton-0123456789", "pk_0123456789abcdef"
BOTH = {"MATON_API_KEY": MATON, "KLAVIYO_API_KEY": PRIVATE}


def find(environ: Mapping[str, str] | None = None, **arguments: Any) -> Credentials:
    return credentials.find(environ=environ or {}, **arguments)


class TestWhichKey:
    @pytest.mark.parametrize(
        ("environ", "authorization", "base_url"),
        [
            ({"MATON_API_KEY": MATON}, f"Bearer {MATON}", GATEWAY),
            ({"KLAVIYO_API_KEY": PRIVATE}, f"Klaviyo-API-Key {PRIVATE}", DIRECT),
            (BOTH, f"Bearer {MATON}", GATEWAY),
            ({**BOTH, "KLAVIYO_BASE_URL": DIRECT}, f"Klaviyo-API-Key {PRIVATE}", DIRECT),
            ({**BOTH, "KLAVIYO_BASE_URL": "http://localhost:1/klaviyo"}, f"Bearer {MATON}", "http://localhost:1/klaviyo"),
            ({"MATON_API_KEY": f" {MATON}\n"}, f"Bearer {MATON}", GATEWAY),
        ],
    )  # fmt: skip
    def test_of_the_environment(self, environ: dict[str, str], authorization: str, base_url: str) -> None:
        found = find(environ)
        assert (found.authorization, found.base_url) == (authorization, base_url)

    @pytest.mark.parametrize("environ", [{}, BOTH, {"KLAVIYO_API_KEY": "pk_other"}])
    def test_an_argument_comes_before_the_environment(self, environ: dict[str, str]) -> None:
        assert find(environ, api_key=PRIVATE).authorization == f"Klaviyo-API-Key {PRIVATE}"
        assert find(environ, api_key=MATON).authorization == f"Bearer {MATON}"
        moved = {**environ, "KLAVIYO_BASE_URL": "https://environment.example"}
        assert find(moved, api_key=MATON, base_url="https://argument.example").host == "argument.example"

    @pytest.mark.parametrize("base_url", [None, "https://a.klaviyo.com", "https://gateway.maton.ai/klaviyo"])
    def test_no_key_at_all_says_what_to_do(self, base_url: str | None) -> None:
        with pytest.raises(ConfigurationError, match=r"MATON_API_KEY.*KLAVIYO_API_KEY.*ka\.demo\(\)"):
            find(base_url=base_url)

    @pytest.mark.parametrize(
        "key", ["", "  ", "'pk_1'", "pk_ 1", "pk_\u00e9", "pk_1\r\nX-Evil: 1", 123, b"pk_1"]
    )
    def test_what_cannot_be_a_key_is_refused_without_being_repeated(self, key: Any) -> None:
        with pytest.raises(ConfigurationError, match="The key is empty, or holds") as caught:
            find(api_key=key)
        assert "Evil" not in str(caught.value)


class TestNeitherKeyAtTheOthersDoor:
    @pytest.mark.parametrize(
        "base_url",
        [
            "https://a.klaviyo.com",
            "https://A.KLAVIYO.COM/api/",
            "https://b.klaviyo.com",
            "https://klaviyo.com",
        ],
    )
    def test_klaviyo_sees_no_gateway_key(self, base_url: str) -> None:
        for environ, arguments in (({}, {"api_key": MATON}), ({"KLAVIYO_API_KEY": MATON}, {})):
            with pytest.raises(ConfigurationError, match="must not see") as caught:
                find(environ, base_url=base_url, **arguments)
            assert MATON not in str(caught.value)
        with pytest.raises(ConfigurationError, match="No key was found for"):
            find({"MATON_API_KEY": MATON}, base_url=base_url)

    @pytest.mark.parametrize(
        "base_url",
        [
            None,
            GATEWAY,
            "https://api.maton.ai/klaviyo/api",
            "https://maton.ai",
            "https://proxy.example/x/klaviyo/",
        ],
    )
    def test_the_gateway_sees_no_private_key(self, base_url: str | None) -> None:
        with pytest.raises(ConfigurationError, match="is a gateway, which must not see it") as caught:
            find({"MATON_API_KEY": PRIVATE}, base_url=base_url)
        assert PRIVATE not in str(caught.value)
        if base_url:
            with pytest.raises(ConfigurationError, match="must not see it"):
                find(api_key=PRIVATE, base_url=base_url)
            with pytest.raises(ConfigurationError, match="No key was found for"):
                find({"KLAVIYO_API_KEY": PRIVATE}, base_url=base_url)

    def test_a_host_that_only_sounds_like_theirs_is_not_theirs(self) -> None:
        assert find(api_key=PRIVATE, base_url="https://evilmaton.ai").authorization.startswith(
            "Klaviyo-API-Key"
        )
        assert find(api_key=MATON, base_url="https://notklaviyo.com").authorization.startswith("Bearer")


class TestAddresses:
    @pytest.mark.parametrize(
        ("given", "kept"),
        [
            ("https://gateway.maton.ai/klaviyo/", "https://gateway.maton.ai/klaviyo"),
            ("https://gateway.maton.ai/klaviyo/api", "https://gateway.maton.ai/klaviyo"),
            ("https://gateway.maton.ai/klaviyo/api/", "https://gateway.maton.ai/klaviyo"),
            ("http://127.0.0.1:8765/klaviyo", "http://127.0.0.1:8765/klaviyo"),
            ("http://[::1]:8765/klaviyo", "http://[::1]:8765/klaviyo"),
        ],
    )
    def test_what_stands_before_api_is_kept(self, given: str, kept: str) -> None:
        assert find(api_key=MATON, base_url=given).base_url == kept

    @pytest.mark.parametrize(
        "base_url",
        ["nowhere", "ftp://a.b", "https://", "https://[broken", "https://a.b:port", "https://a.b:99999",
         "https://a b", "https://a.b/x?y=1", "https://a.b/x#y", "https://user:secret@a.b",
         "https://:secret@a.b", "//a.b", 5],
    )  # fmt: skip
    def test_what_is_no_address_is_refused(self, base_url: Any) -> None:
        with pytest.raises(
            ConfigurationError, match=r"not a valid address; expected one such as 'https://gateway"
        ) as caught:
            find(api_key=MATON, base_url=base_url)
        assert "secret" not in str(caught.value)

    @pytest.mark.parametrize(
        "base_url", ["http://a.klaviyo.com", "http://192.168.0.1/klaviyo", "http://localhost.evil"]
    )
    def test_no_key_goes_out_unencrypted(self, base_url: str) -> None:
        for key in (MATON, PRIVATE):
            with pytest.raises(ConfigurationError):
                find(api_key=key, base_url=base_url)


class TestConnection:
    def test_it_is_sent_with_a_gateway_key(self) -> None:
        with (
            ScriptedServer() as server,
            ka.connect(api_key=MATON, base_url=f"{server.url}/klaviyo", connection="c-1") as client,
        ):
            client.request("GET", "/api/accounts")
        assert server.asked[0].headers["maton-connection"] == "c-1"

    def test_a_private_key_has_no_connections_to_choose_from(self) -> None:
        with pytest.raises(ConfigurationError, match="belongs to one account already"):
            find(api_key=PRIVATE, connection="c-1")

    @pytest.mark.parametrize("connection", ["c 1", "c\r\nX: y", "\u00e9", 7])
    def test_what_is_no_id_is_refused(self, connection: Any) -> None:
        with pytest.raises(ConfigurationError, match="is not a valid connection id"):
            find(api_key=MATON, connection=connection)


@pytest.mark.parametrize("timeout", [None, 0, -1, float("inf"), float("nan"), "5", (1,), (1, 0), (1, 2, 3)])
def test_there_is_always_a_timeout(timeout: Any) -> None:
    with pytest.raises(ConfigurationError, match="timeout="):
        ka.connect(api_key=PRIVATE, timeout=timeout)


@pytest.mark.parametrize("key", [MATON, PRIVATE])
def test_the_key_is_seen_nowhere(key: str, caplog: pytest.LogCaptureFixture) -> None:
    shown: list[str] = []
    refusals = [
        error(401, detail=f"{key} is no key"),
        Answer(403, key.encode()),
        Answer(302, b"", {"Location": "http://x/" + key}),
    ]
    face = "/klaviyo" if key == MATON else ""
    with caplog.at_level(logging.DEBUG), ScriptedServer(*refusals, Answer(body=b"{")) as server:
        client = ka.connect(api_key=key, base_url=server.url + face, timeout=5)
        client._api.paced = False
        client._api.transport._sleep = Clock().sleep
        for _ in range(4):
            with pytest.raises(KlaviyoError) as caught:
                client.request("GET", "/api/accounts")
            problem: BaseException | None = caught.value
            shown += traceback.format_exception(caught.value)
            while problem is not None:
                shown += [str(problem), repr(problem), repr(vars(problem)), repr(problem.args)]
                problem = problem.__cause__ or problem.__context__
            if isinstance(caught.value, ApiError):
                shown.append(repr(caught.value.errors))
        assert server.asked[0].headers["authorization"].endswith(key)
        shown += [repr(client), str(client), client._repr_html_(), caplog.text, *everything_of(client)]
        client.close()
    assert "401" in " ".join(shown)
    assert not [text for text in shown if key in text]


def everything_of(client: Any) -> list[str]:
    """What `vars` shows of the client and of what it is made of."""
    parts = [
        client,
        client._api,
        client._api.transport,
        client._context,
        client.events,
        client._api.transport._session,
    ]
    gc.collect()
    return [repr(vars(part)) for part in parts] + [repr(client._credentials)]
