"""A Klaviyo account on loopback: `Sandbox` starts it, scripts its faults and stops it."""

from __future__ import annotations

import re
import socket
import struct
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

from klaviyo_analytics.sandbox.app.application import WIRE, Application
from klaviyo_analytics.sandbox.app.exchange import Settings, Wire
from klaviyo_analytics.sandbox.connections import Connections
from klaviyo_analytics.sandbox.faults import Faults, RequestRecord
from klaviyo_analytics.sandbox.model import Account

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

# Closing sends a reset; on Windows the two numbers are shorter.
NO_LINGER = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)


PATIENCE = 120.0  # seconds that a connection may be idle, or take to send a request
OPEN = 128  # connections at once
HOST = re.compile(r"(?:127\.0\.0\.1|localhost|\[::1\])(?::[0-9]+)?")
FULL = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Handler(WSGIRequestHandler):
    """Serves the requests of one connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = PATIENCE
    server: Server

    def run_wsgi(self) -> None:
        """Answer one request; head and body leave in one piece."""
        host = self.headers.get("Host")
        if host is not None and not HOST.fullmatch(host):
            # a foreign web page can point its own host name here (DNS rebinding)
            self.close_connection = True
            self._send("421 Misdirected Request", [("Content-Length", "0")], b"")
            return
        environ: WSGIEnvironment = self.make_environ()
        wire = Wire()
        environ[WIRE] = wire
        status_line, headers = "", []

        def start_response(status: str, fields: list[tuple[str, str]], _: Any = None) -> Any:
            nonlocal status_line, headers
            status_line, headers = status, fields

        try:
            body = b"".join(self.server.app(environ, start_response))
        except Exception:  # a bug of the sandbox: the client gets a 500, the terminal the traceback
            self.close_connection = True
            self._send("500 Internal Server Error", [("Content-Length", "0")], b"")
            raise
        self.close_connection |= wire.drop or wire.cut or wire.close
        if wire.drop:
            self.server.reset(self.connection)
            return
        self._send(status_line, headers, body[: len(body) // 2] if wire.cut else body)
        if wire.reset:
            self.server.reset(self.connection)

    def _send(self, status: str, headers: list[tuple[str, str]], body: bytes) -> None:
        fields = [*headers, ("Server", "klaviyo-sandbox"), ("Date", self.date_time_string())]
        if self.close_connection:
            fields.append(("Connection", "close"))
        lines = [f"{self.protocol_version} {status}", *(f"{name}: {value}" for name, value in fields), "", ""]
        head = "\r\n".join(lines).encode("latin-1")
        with suppress(ConnectionError):  # the client has gone
            self.connection.sendall(head if self.command == "HEAD" else head + body)

    def log(self, type: str, message: str, *args: Any) -> None:
        """Print nothing: requests are in `Sandbox.requests`."""


class Server(ThreadedWSGIServer):
    """A threaded server that can end: it closes all connections, and waits for its threads."""

    daemon_threads = True

    def __init__(self, host: str, port: int, app: Any) -> None:
        self._open: dict[socket.socket, threading.Thread] = {}
        self._reset: set[socket.socket] = set()
        self._guard = threading.Lock()
        # Bound here: werkzeug would end the program if the port is taken.
        with socket.create_server((host, port)) as listening:
            super().__init__(host, port, app, handler=Handler, fd=listening.fileno())

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection in a thread of its own."""
        with self._guard:
            full = len(self._open) >= OPEN
        if full:
            with suppress(OSError):
                request.sendall(FULL)
            self.shutdown_request(request)
            return
        thread = threading.Thread(
            target=self.process_request_thread,
            args=(request, client_address),
            name="klaviyo-sandbox-connection",
            daemon=True,
        )
        with self._guard:
            self._open[request] = thread
        thread.start()

    def reset(self, connection: socket.socket) -> None:
        """End a connection with a reset."""
        with self._guard:
            self._reset.add(connection)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)

    def shutdown_request(self, request: Any) -> None:
        """Close a connection; one that is reset is not shut down first."""
        with self._guard:
            self._open.pop(request, None)
            shut_down = request not in self._reset
            self._reset.discard(request)
        if shut_down:
            with suppress(OSError):
                request.shutdown(socket.SHUT_WR)
        self.close_request(request)

    def end(self) -> None:
        """Stop listening, close all connections, and wait until all threads are done."""
        self.shutdown()
        self.server_close()
        with self._guard:
            connections = list(self._open.items())
        for connection, _ in connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for _, thread in connections:
            thread.join()


API_KEY = "pk_sandbox0000000000000000000000000000"
MATON_KEY = "maton_sandbox_key"


class Sandbox:
    """A synthetic Klaviyo account, served over HTTP on this machine.

    Parameters
    ----------
    seed, profiles, events, currencies
        What shop to make up; the same numbers make the same shop.
    days
        The length of the shop's history; None for two years, or for 400 days if it has fewer than 200,000 events.
    text_names
        "new" for metrics such as Received Text Message, "old" for Received SMS: accounts have either.
    form_names
        "old" for the metric Submitted Form, "new" for Form submitted by profile: accounts have either.
    message_ids
        By which id reports name the message of a campaign: "own", or "campaign" for the campaign's; accounts have
        either.
    truths
        What the shop's numbers are made to contain, so that an analysis can be asked to find it: "usual", "none",
        "all", or some parameters of `klaviyo_analytics.sandbox.shop.Truths` as a dict: {"send_hour": 0.5}.
    now
        The account's present in Unix seconds, which goes on with the clock; None for the shop's own, the same
        every time.
    port
        The port to listen on; 0 takes any that is free.
    rate_limits
        Whether requests over the documented limits are answered with 429.
    keys
        More private keys, each with the scopes it has (None: all of them).
    events_page_max
        The largest page of events; None for the documented 1,000.
    own_links
        Whether links lead to the sandbox instead of Klaviyo: for clients that follow `links.next` as it is.
    account
        An account to serve instead of a made-up shop.
    clock, sleep
        Where times and waits come from; tests put their own here.

    Examples
    --------
    >>> import json, urllib.request
    >>> from klaviyo_analytics.sandbox import Sandbox
    >>> with Sandbox(profiles=50, events=500) as sandbox:
    ...     request = urllib.request.Request(sandbox.direct_url + "/api/accounts")
    ...     request.add_header("Authorization", f"Klaviyo-API-Key {sandbox.api_key}")
    ...     request.add_header("revision", "2026-01-15")
    ...     with urllib.request.urlopen(request) as answer:
    ...         kind = json.load(answer)["data"][0]["type"]
    >>> kind
    'account'
    """

    def __init__(
        self,
        *,
        seed: int = 7,
        profiles: int = 8_000,
        events: int = 300_000,
        currencies: Sequence[str] = ("USD",),
        days: int | None = None,
        text_names: str = "new",
        form_names: str = "old",
        message_ids: str = "own",
        truths: Mapping[str, object] | str | None = None,
        now: int | None = None,
        port: int = 0,
        rate_limits: bool = False,
        keys: Mapping[str, Collection[str] | None] | None = None,
        events_page_max: int | None = None,
        own_links: bool = False,
        account: Account | None = None,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        if account is None:
            from klaviyo_analytics.sandbox.shop import build_account  # noqa: PLC0415 - a given account needs no shop

            account = build_account(
                seed=seed,
                profiles=profiles,
                events=events,
                now=now,
                currencies=currencies,
                days=days,
                text_names=text_names,
                form_names=form_names,
                message_ids=message_ids,
                truths=truths,
            )
        self.settings = Settings(
            MATON_KEY,
            {API_KEY: None, **(keys or {})},
            rate_limits=rate_limits,
            events_page_max=events_page_max,
            own_links=own_links,
        )
        self._application = Application(account, self.settings, clock, sleep)
        self._server = Server("127.0.0.1", port, self._application)
        self._thread: threading.Thread | None = None
        self._serving = False
        self._closed = False

    @property
    def account(self) -> Account:
        """The data behind the API, to compare with what was read through it."""
        return self._application.store.account

    @property
    def wsgi(self) -> WSGIApplication:
        """The application itself, for requests without a socket."""
        return self._application

    @property
    def url(self) -> str:
        """Where the sandbox listens."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def direct_url(self) -> str:
        """The base URL in front of `/api`, as on Klaviyo's own host."""
        return self.url

    @property
    def gateway_url(self) -> str:
        """The base URL in front of `/api`, as on Maton's gateway."""
        return self.url + "/klaviyo"

    @property
    def control_url(self) -> str:
        """The base URL in front of `/connections`."""
        return self.url

    @property
    def api_key(self) -> str:
        """A private Klaviyo key with all scopes."""
        return API_KEY

    @property
    def maton_key(self) -> str:
        """The Maton key."""
        return MATON_KEY

    @property
    def faults(self) -> Faults:
        """The scripted faults."""
        return self._application.faults

    @property
    def requests(self) -> deque[RequestRecord]:
        """Every request so far, the oldest first."""
        return self._application.requests

    @property
    def connections(self) -> Connections:
        """The Maton account's connections."""
        return self._application.connections

    def start(self) -> Self:
        """Serve in a thread of its own, until `close`."""
        if self._thread is None:
            self._serving = True
            self._thread = threading.Thread(target=self._run, name="klaviyo-sandbox", daemon=True)
            self._thread.start()
        return self

    def serve_forever(self) -> None:
        """Serve in this thread, until interrupted or closed from another."""
        self._serving = True
        try:
            self._run()
        except KeyboardInterrupt:
            self.close()

    def close(self) -> None:
        """Stop serving and close all connections; closing twice does no harm."""
        if self._closed:
            return
        self._closed = True
        if self._serving:
            self._server.end()
        else:
            self._server.server_close()
        if self._thread is not None:
            self._thread.join()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        state = "closed" if self._closed else self.url
        return f"<Sandbox {state}>"

    def _run(self) -> None:
        self._server.serve_forever(poll_interval=0.05)
