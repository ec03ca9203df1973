"""HTTP on a socket: connections are kept alive, and broken in the ways that a scripted fault asks for."""

from __future__ import annotations

import re
import socket
import struct
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

from klaviyo_analytics.sandbox.app.answer import Wire
from klaviyo_analytics.sandbox.app.application import WIRE

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

# Closing sends a reset instead of a goodbye; Windows writes the two numbers shorter.
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
            # another name that leads here belongs to a web page of somebody else's (DNS rebinding)
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
        except Exception:  # the sandbox is wrong: the client gets an answer, the terminal the rest
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
        with suppress(ConnectionError):  # the client has gone; nobody is left to tell
            self.connection.sendall(head if self.command == "HEAD" else head + body)

    def log(self, type: str, message: str, *args: Any) -> None:
        """Say nothing: requests are in `Sandbox.requests`."""


class Server(ThreadedWSGIServer):
    """A threaded server that can end: it hangs up on whoever is connected, and waits for its threads."""

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
        """Let a connection end with a reset."""
        with self._guard:
            self._reset.add(connection)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)

    def shutdown_request(self, request: Any) -> None:
        """Close a connection; one that is to be reset gets no goodbye."""
        with self._guard:
            self._open.pop(request, None)
            says_goodbye = request not in self._reset
            self._reset.discard(request)
        if says_goodbye:
            with suppress(OSError):
                request.shutdown(socket.SHUT_WR)
        self.close_request(request)

    def end(self) -> None:
        """Stop listening, hang up on everybody, and wait until all threads are done."""
        self.shutdown()
        self.server_close()
        with self._guard:
            connections = list(self._open.items())
        for connection, _ in connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for _, thread in connections:
            thread.join()
