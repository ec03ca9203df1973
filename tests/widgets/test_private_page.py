"""The page that is shown and not saved: only for this machine's browser, in no frame, for few callers at once."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from klaviyo_analytics.widgets import private_page
from klaviyo_analytics.widgets.private_page import Aside


@pytest.fixture
def page() -> Iterator[Aside]:
    page = Aside(page=lambda: "<p>Ann</p>")
    yield page
    page.close()


def asked(page: Aside, *, host: str | None = None, path: str | None = None) -> str:
    """The whole answer, as it comes over the socket."""
    parts = urlsplit(page.address)
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as connection:
        head = f"GET {path or parts.path} HTTP/1.0\r\nHost: {host or parts.netloc}\r\n\r\n"
        connection.sendall(head.encode())
        with connection.makefile("rb") as stream:
            return stream.read().decode()


def test_its_own_address_shows_it_and_no_page_may_frame_it(page: Aside) -> None:
    answer = asked(page)
    assert " 200 " in answer.splitlines()[0]
    assert "<p>Ann</p>" in answer
    assert "X-Frame-Options: DENY" in answer
    assert "frame-ancestors 'none'" in answer
    assert "Cache-Control: no-store" in answer


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "127.0.0.1", "127.0.0.1:1", "x"])
def test_another_host_name_is_not_answered(page: Aside, host: str) -> None:
    answer = asked(page, host=host)
    assert " 404 " in answer.splitlines()[0]
    assert "Ann" not in answer


def test_another_path_is_not_answered(page: Aside) -> None:
    assert "Ann" not in asked(page, path="/")


def test_callers_who_say_nothing_are_bounded_and_hung_up_on(
    page: Aside, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page._server.RequestHandlerClass, "timeout", 0.2)
    address = (urlsplit(page.address).hostname, urlsplit(page.address).port)
    silent = [socket.create_connection(address, timeout=10) for _ in range(private_page.OPEN + 4)]
    try:
        assert [one.recv(1) for one in silent] == [b""] * len(silent)  # closed at once, or after the timeout
    finally:
        for one in silent:
            one.close()
    assert "<p>Ann</p>" in asked(page)
