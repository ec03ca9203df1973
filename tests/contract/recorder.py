"""A WSGI middleware that holds every exchange between a client and a server against the document."""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from tests.contract.documents import document_of
from tests.contract.openapi import Document

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

GATEWAY = "/klaviyo"


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its answer, and what each of them violates."""

    method: str
    operation: str  # the path's template, or the path where the document has none
    url: str
    status: int
    in_request: list[str]
    in_answer: list[str]

    @property
    def violations(self) -> list[str]:
        """All that is wrong, each with the exchange that it belongs to."""
        about = f"{self.method} {self.url} -> {self.status}"
        return [f"{about}: request: {each}" for each in self.in_request] + [
            f"{about}: answer: {each}" for each in self.in_answer
        ]


@dataclass
class CheckedApp:
    """Serve what `app` serves and judge every exchange under /api, through the gateway or not.

    What is not Klaviyo's (the gateway's own /connections) passes unjudged.
    """

    app: WSGIApplication
    document: Document
    exchanges: list[Exchange] = field(default_factory=list)
    by_revision: bool = False  # judge each request by the document of the revision that it names
    _lock: Lock = field(default_factory=Lock)

    @property
    def violations(self) -> list[str]:
        return [violation for exchange in self.exchanges for violation in exchange.violations]

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        url = _url(environ)
        if not url.startswith("/api/"):
            return self.app(environ, start_response)
        sent = _body(environ)
        head: dict[str, Any] = {}

        def heard(status: str, headers: list[tuple[str, str]], *error: Any) -> Callable[[bytes], object]:
            head.update(status=int(status[:3]), headers=dict(headers))
            return start_response(status, headers, *error)

        answer = self.app(environ, heard)
        try:
            received = b"".join(answer)
        finally:
            if close := getattr(answer, "close", None):
                close()
        self._judge(environ, url, sent, head, received)
        return [received]

    def _judge(
        self, environ: WSGIEnvironment, url: str, sent: bytes, head: dict[str, Any], received: bytes
    ) -> None:
        method, document = environ["REQUEST_METHOD"], self.document
        if self.by_revision:  # another revision has a document of its own, or none here
            other = document_of(_headers(environ).get("revision", ""))
            if other is None:
                return
            document = other
        with self._lock:  # the validators keep what they have looked up, and are not made for several threads
            in_request = document.check_request(method, url, _headers(environ), sent)
            in_answer = document.check_response(method, url, head["status"], head["headers"], received)
        if _is_gateways_own(environ, head):
            in_answer = []
        operation = document.find(method, url)
        name = operation.template if operation else url
        with self._lock:
            self.exchanges.append(Exchange(method, name, url, head["status"], in_request, in_answer))


Wrap = Callable[["WSGIApplication"], CheckedApp]


@contextmanager
def judged(document: Document) -> Iterator[Wrap]:
    """Give a function that wraps applications; in the end all violations of all of them are one failure."""
    wrapped: list[CheckedApp] = []

    def wrap(app: WSGIApplication) -> CheckedApp:
        wrapped.append(CheckedApp(app, document))
        return wrapped[-1]

    yield wrap
    broken = [violation for app in wrapped for violation in app.violations]
    assert not broken, "\n".join(broken)


def complaints(exchanges: list[Exchange]) -> str:
    """Tell each kind of violation once, refusals of right requests among them: how often, where, an example."""
    count: Counter[str] = Counter()
    example: dict[str, str] = {}
    for exchange in exchanges:
        found = [f"wrong request: {_alike(each)}" for each in exchange.in_request]
        found += [f"wrong answer: {_alike(each)}" for each in exchange.in_answer]
        if exchange.status >= 400 and not exchange.in_request:
            found.append(f"{exchange.status} to a request that the document allows")
        for each in found:
            kind = f"{exchange.method} {exchange.operation}: {each}"
            count[kind] += 1
            example.setdefault(kind, exchange.url)
    return "\n".join(f"{count[kind]} x {kind}\n    {example[kind]}" for kind in count)


def _alike(violation: str) -> str:
    """Blank out what differs from one resource to the next."""
    return re.sub(r"'[^']*'|\S*[0-9]\S*", "#", violation)


def _url(environ: WSGIEnvironment) -> str:
    """Return path and query as they were sent: REQUEST_URI keeps an encoded slash that PATH_INFO has lost."""
    raw = environ.get("REQUEST_URI") or environ.get("RAW_URI")
    if raw is None:
        path = quote(environ["PATH_INFO"].encode("latin-1"), safe="/")
        raw = f"{path}?{environ['QUERY_STRING']}" if environ.get("QUERY_STRING") else path
    url = str(raw)
    return url.removeprefix(GATEWAY) if url.startswith(f"{GATEWAY}/") else url


def _is_gateways_own(environ: WSGIEnvironment, head: Mapping[str, Any]) -> bool:
    """A gateway's errors are its own, in plain JSON; all else it passes on as Klaviyo said it."""
    plain = any(value.startswith("application/json") for value in head["headers"].values())
    return head["status"] >= 400 and plain and environ["PATH_INFO"].startswith(f"{GATEWAY}/")


def _headers(environ: WSGIEnvironment) -> dict[str, str]:
    sent = {
        key[5:].replace("_", "-").lower(): value for key, value in environ.items() if key.startswith("HTTP_")
    }
    return {**sent, "content-type": environ.get("CONTENT_TYPE", "")}


def _body(environ: WSGIEnvironment) -> bytes:
    """Read the request's body and put it back for the application."""
    source = environ["wsgi.input"]
    ends_by_itself = environ.get("wsgi.input_terminated", False)
    body: bytes = source.read() if ends_by_itself else source.read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(body)
    return body
