"""Something to look at that is not saved: a page of this machine's own, there only while it is needed.

What a widget shows is its state, and a notebook saves that. A link that holds a session token, and rows that name
people, are served beside the notebook instead, under an address that nobody can guess and that ends with the widget.
"""

from __future__ import annotations

import re
import secrets
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pandas as pd

HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "frame-ancestors 'none'; form-action 'none'; base-uri 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
}


PATIENCE = 10.0  # seconds that a browser may take to send its request
OPEN = 16  # connections at once; one browser opens six


class _Server(ThreadingHTTPServer):
    """Serves a few connections at once and turns further ones away."""

    daemon_threads = True

    def __init__(self, *args: Any) -> None:
        self._free = threading.BoundedSemaphore(OPEN)
        super().__init__(*args)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection in a thread of its own, or close it if there are too many."""
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve a connection, and make room for another."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print nothing: a browser that hangs up is not an error."""


class Aside:
    """Serves one thing on loopback until it is closed.

    Parameters
    ----------
    link : str, optional
        Where the address leads on to.
    page : callable, optional
        Gives the HTML to show, each time that it is asked for.

    Raises
    ------
    OSError
        This machine allows no server.
    """

    def __init__(self, *, link: str | None = None, page: Callable[[], str] | None = None) -> None:
        path = f"/{secrets.token_urlsafe(24)}"

        class Handler(BaseHTTPRequestHandler):
            timeout = PATIENCE

            def do_GET(self) -> None:
                # another host name that leads here is a page of somebody else's (DNS rebinding)
                known = self.headers.get("Host", "") in hosts
                known = known and secrets.compare_digest(self.path.encode(), path.encode())
                body = page().encode() if known and page else b""
                self.send_response(404 if not known else 200 if page else 302)
                for name, value in HEADERS.items():
                    self.send_header(name, value)
                if known and link:
                    self.send_header("Location", link)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = _Server(("127.0.0.1", 0), Handler)
        hosts = {f"{name}:{self._server.server_port}" for name in ("127.0.0.1", "localhost")}
        self.address = f"http://127.0.0.1:{self._server.server_port}{path}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.1,), name="klaviyo-aside", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def aside(*, link: str | None = None, page: Callable[[], str] | None = None) -> Aside | None:
    """Open one, or give None where this machine allows no server."""
    try:
        return Aside(link=link, page=page)
    except OSError:
        return None


HIDDEN = "…"
_ADDRESS = r"[\w.+-]+(?:@|%40)[\w.-]+"
_PERSON = re.compile(rf"{_ADDRESS}|(?<![\w+])(?:\+|%2B)\d[\d .()-]{{5,}}\d")
# In what is said about a row, anything may be a value of it: what is quoted, long numbers, ids of profiles.
_VALUE = re.compile(
    rf"'[^']*'|\"[^\"]*\"|\S+@\S+|\+?\d[\d .()-]{{5,}}\d|\b[0-9A-HJKMNP-TV-Z]{{26}}\b|{_ADDRESS}"
)


def without_person(text: str) -> str:
    """Remove email addresses and telephone numbers."""
    return _PERSON.sub(HIDDEN, text)


def without_people(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame to show: without addresses and numbers of people, different values still different."""
    changed = {}
    for name in frame.columns:
        if isinstance(frame[name].dtype, pd.StringDtype):
            names = _hidden([str(value) for value in frame[name].dropna().unique()])
            if names:
                changed[name] = frame[name].replace(names)
    return frame.assign(**changed) if changed else frame


def without_values(message: Any, key: Any = None) -> Any:
    """Remove whatever may be a row's value from a message about it."""
    if pd.isna(message):
        return message
    said = str(message)
    if not pd.isna(key) and str(key).strip():
        said = said.replace(str(key), HIDDEN)
    return _VALUE.sub(HIDDEN, said)


def masked(key: Any) -> str:
    """Shorten a key so that it tells rows apart and nobody who they are.

    Of an email address, initials and the domain; of a telephone number, its last two digits; of anything else, the
    first two characters.
    """
    if pd.isna(key):
        return ""
    said = str(key).strip()
    local, at, domain = said.rpartition("@")
    if at and local and re.fullmatch(r"[\w.-]+", domain):
        parts = [part for part in re.split(r"[._+-]+", local) if len(part) > 1]
        initials = "".join(f"{part[0]}{HIDDEN}" for part in parts[:2]) or HIDDEN
        return f"{initials} at {domain}"  # which no reader, and no search for addresses, takes for one
    if re.fullmatch(r"\+?[\d .()-]{7,}", said):
        return HIDDEN + said[-2:]
    return said[: min(2, len(said) // 4)] + HIDDEN


def _hidden(values: list[str]) -> dict[str, str]:
    names: dict[str, str] = {}
    for value in values:
        shown = without_person(value)
        if shown != value:
            same = sum(other.startswith(shown) for other in names.values())
            names[value] = f"{shown} ({same + 1})" if same else shown
    return names
