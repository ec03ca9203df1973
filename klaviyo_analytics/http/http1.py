"""HTTP/1.1 answers read strictly: interim answers are skipped, contradictions refused, and every read has a bound.

`http.client` skips an interim answer only if its status is 100. Any other one would be taken for the final answer,
and each later answer on that connection for the answer to the request before. It also lets a server keep a reader
forever by sending one byte at a time, as its timeout starts anew with every byte.
"""

from __future__ import annotations

import http.client
import io
import re
import socket
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass
from email.errors import MissingHeaderBodySeparatorDefect
from typing import Any, NoReturn

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.util.wait import wait_for_read

from klaviyo_analytics.http import cancellation

INTERIM = 16  # interim answers before a final one; real servers send one or two
_LENGTH = re.compile(r"[0-9]{1,18}")
LOOK = 0.1  # seconds between two looks whether a read was cancelled


@dataclass(frozen=True, slots=True)
class Deadline:
    """When the attempt at hand has to be over.

    `grace` is how many seconds the answer is waited for after the work was cancelled: a write's answer is worth a
    moment, since without it nobody knows whether the write was carried out.
    """

    at: float
    clock: Callable[[], float] = time.monotonic
    grace: float = 0.0

    @property
    def left(self) -> float:
        """Seconds that are left; zero or less once it has passed."""
        return self.at - self.clock()


deadline: ContextVar[Deadline | None] = ContextVar("deadline", default=None)
# called when a request has been written: connecting may have taken most of a second
written: ContextVar[Callable[[], object] | None] = ContextVar("written", default=None)


class _Reader(io.RawIOBase):
    """Reads from a socket until the deadline, and looks now and then whether the work was cancelled."""

    def __init__(self, raw: Any, sock: Any) -> None:
        self._raw = raw
        self._socket = sock
        self._patience: float | None = sock.gettimeout()
        self._deadline = deadline.get()
        self.stopped = False  # nothing more is read from the socket; what is buffered can still be seen

    def readable(self) -> bool:
        return True

    def fileno(self) -> int:
        return int(self._raw.fileno())

    def readinto(self, buffer: Any) -> int | None:
        if self.stopped:
            return None
        left = self._deadline.left if self._deadline else None
        if left is not None and left <= 0:
            raise TimeoutError("the answer took longer than one attempt may take")
        bounds = [seconds for seconds in (self._patience, left) if seconds is not None]
        patience = min(bounds) if bounds else None
        if cancellation.events():
            self._wait(patience)
        self._socket.settimeout(patience)
        count: int | None = self._raw.readinto(buffer)
        return count

    def _wait(self, patience: float | None) -> None:
        if isinstance(self._socket, ssl.SSLSocket) and self._socket.pending():
            return
        until = None if patience is None else time.monotonic() + patience
        cancelled: float | None = None
        while True:
            if cancellation.cancelled():
                cancelled = time.monotonic() if cancelled is None else cancelled
                if time.monotonic() - cancelled >= (self._deadline.grace if self._deadline else 0.0):
                    raise cancellation.Cancelled
            left = LOOK if until is None else min(LOOK, until - time.monotonic())
            if wait_for_read(self._socket, timeout=max(0.0, left)):
                return
            if until is not None and time.monotonic() >= until:
                raise TimeoutError("timed out")

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
        super().close()


class Response(http.client.HTTPResponse):
    """An answer whose status is final and whose length is stated once."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self._socket = sock
        self._reader = _Reader(self.fp.detach(), sock)
        self.fp = io.BufferedReader(self._reader)

    def _read_status(self) -> tuple[str, int, str]:
        for _ in range(INTERIM + 1):
            version, status, reason = super()._read_status()  # type: ignore[misc]
            if status >= 200:
                return version, status, reason
            if status == 101:
                raise http.client.UnknownProtocol("the server switched to a protocol that nobody asked for")
            http.client.parse_headers(self.fp)
        raise http.client.HTTPException("the server sent interim answers only")

    def begin(self) -> None:
        """Read status and headers."""
        super().begin()
        stated = self.headers.get_all("Content-Length", [])
        lengths = {length.strip() for line in stated for length in line.split(",")}
        if len(lengths) > 1 or not all(_LENGTH.fullmatch(length) for length in lengths):
            self._refuse("the answer states contradictory lengths")
        codings = [coding.strip().lower() for coding in self.headers.get_all("Transfer-Encoding", [])]
        if codings not in ([], ["chunked"], ["identity"]):
            self._refuse("the answer is transferred in a way that nobody asked for")
        lost = any(name != name.strip() for name in self.headers) or any(
            isinstance(defect, MissingHeaderBodySeparatorDefect) for defect in self.headers.defects
        )
        if lost and not lengths and not self.chunked:
            self._refuse("the answer has a header that cannot be read, which may be its length")
        if lengths and self.chunked:
            self.will_close = True  # two ways to find the end: nothing may be read after it

    def _refuse(self, why: str) -> NoReturn:
        self._close_conn()
        raise http.client.HTTPException(why)

    def _close_conn(self) -> None:
        """Finish; a connection with bytes after the answer's end is not used again: they answer nothing."""
        self._reader.stopped = True
        with suppress(ValueError, OSError):  # closed already
            if self.fp.peek(1):
                self._socket.shutdown(socket.SHUT_RDWR)
        super()._close_conn()  # type: ignore[misc]


class _Telling:
    def getresponse(self) -> Any:
        """Read the answer to the request that was just written."""
        if (tell := written.get()) is not None:
            tell()
        return super().getresponse()  # type: ignore[misc]


class _Connection(_Telling, HTTPConnection):
    response_class = Response


class _SecureConnection(_Telling, HTTPSConnection):
    response_class = Response


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


class StrictAdapter(HTTPAdapter):
    """The adapter of `requests`, on connections that read answers strictly."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make the pool of direct connections."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        """Make the pool of connections through a proxy."""
        manager = super().proxy_manager_for(proxy, **options)
        manager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}
        return manager
