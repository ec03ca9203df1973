"""A server on loopback that answers what it is told, byte by byte, and remembers what it was asked.

It is not a framework's server on purpose: half an answer, or none, is what it has to be able to give.
"""

from __future__ import annotations

import json
import socket
import struct
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Literal, Self

LINGER_NOT = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)
End = Literal["keep", "close", "reset"]


@dataclass(frozen=True)
class Answer:
    """One answer.

    `length` is the Content-Length to claim, the body's own if None. After `sent` bytes of the body, or instead
    of anything (`silent`), the connection is closed as `end` says; `hang` keeps it open and says no more. `before`
    and `after` are bytes around the answer, `raw` replaces it, and `drip` sends it byte by byte, seconds apart.
    """

    status: int = 200
    body: bytes = b'{"data":[]}'
    headers: Mapping[str, str] = field(default_factory=dict)
    length: int | None = None
    sent: int | None = None
    silent: bool = False
    hang: bool = False
    end: End = "keep"
    before: bytes = b""
    after: bytes = b""
    raw: bytes | None = None
    drip: float | None = None

    def written(self) -> bytes:
        if self.raw is not None:
            return self.raw
        if self.silent:
            return b""
        length = len(self.body) if self.length is None else self.length
        headers = {"Content-Type": "application/vnd.api+json", "Content-Length": str(length), **self.headers}
        lines = [f"HTTP/1.1 {self.status} Whatever", *(f"{name}: {value}" for name, value in headers.items())]
        head = "\r\n".join(lines).encode() + b"\r\n\r\n"
        return self.before + head + self.body[: self.sent] + self.after


def data(value: Any = (), **more: Any) -> Answer:
    """A JSON:API answer."""
    return Answer(body=json.dumps({"data": value, **more}).encode())


def error(status: int, *, headers: Mapping[str, str] | None = None, **facts: Any) -> Answer:
    """A JSON:API error."""
    facts = {"id": "e-1", "code": "some_code", "title": "A title", "detail": "A detail", **facts}
    return Answer(status, json.dumps({"errors": [facts]}).encode(), headers or {})


@dataclass(frozen=True)
class Asked:
    """One request as it came."""

    method: str
    target: str
    headers: Mapping[str, str]  # names in lower case
    body: bytes
    connection: int  # requests on one connection share it


class ScriptedServer:
    """Gives the answers of its script in turn, and the last of them for ever."""

    def __init__(self, *script: Answer, host: str = "127.0.0.1") -> None:
        self.script = list(script) or [Answer()]
        self.asked: list[Asked] = []
        self.closed = threading.Semaphore(0)  # one for each connection that is over
        self._changed = threading.Condition()
        self._ended = threading.Event()
        self._connections: list[socket.socket] = []
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._host = f"[{host}]" if ":" in host else host
        self._listener = socket.create_server((host, 0), family=family, backlog=64)
        self._thread = threading.Thread(target=self._accept, daemon=True)

    @property
    def url(self) -> str:
        return f"http://{self._host}:{self._listener.getsockname()[1]}"

    @property
    def connections(self) -> int:
        """How many connections were used for requests."""
        return len({one.connection for one in self.asked})

    def hears(self, count: int) -> bool:
        """Wait for so many requests: who gives up early may be gone before they are read."""
        with self._changed:
            return self._changed.wait_for(lambda: len(self.asked) >= count, timeout=60)

    def targets(self) -> list[str]:
        return [one.target for one in self.asked]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        with suppress(OSError):  # wakes the thread that waits for connections, on every system
            socket.create_connection(self._listener.getsockname()[:2]).close()
        self._thread.join()
        self._listener.close()
        for connection in self._connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            if self._ended.is_set():
                connection.close()
                return
            self._connections.append(connection)
            number = len(self._connections)
            threading.Thread(target=self._serve, args=(connection, number), daemon=True).start()

    def _serve(self, connection: socket.socket, number: int) -> None:
        self._answer_all(connection, number)
        self.closed.release()

    def _answer_all(self, connection: socket.socket, number: int) -> None:
        with connection, connection.makefile("rb") as stream:
            try:
                while (asked := _read(stream, number)) is not None:
                    with self._changed:
                        self.asked.append(asked)
                        self._changed.notify_all()
                        answer = self.script.pop(0) if len(self.script) > 1 else self.script[0]
                    if answer.drip is None:
                        connection.sendall(answer.written())
                    else:
                        for byte in answer.written():
                            connection.sendall(bytes([byte]))
                            if self._ended.wait(answer.drip):
                                return
                    if answer.hang:
                        self._ended.wait()
                    if answer.end == "reset":  # unread or not, everything is thrown away
                        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOT)
                    if answer.end != "keep" or answer.silent or answer.sent is not None:
                        return
            except OSError:
                return


def _read(stream: Any, number: int) -> Asked | None:
    line = stream.readline().decode().split()
    if len(line) != 3:
        return None
    headers: dict[str, str] = {}
    while (row := stream.readline().decode().strip()) != "":
        name, _, value = row.partition(":")
        headers[name.lower()] = value.strip()
    body = stream.read(int(headers.get("content-length", 0)))
    return Asked(line[0], line[1], headers, body, number)
