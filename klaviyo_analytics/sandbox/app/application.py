"""The WSGI application: who asks, through which face, and what the scripted faults make of it."""

from __future__ import annotations

import gzip
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

import orjson
from werkzeug.wrappers import Request, Response

from klaviyo_analytics.sandbox.app import gateway
from klaviyo_analytics.sandbox.app.errors import ApiFault, Problem
from klaviyo_analytics.sandbox.app.exchange import (
    JSON_API,
    Answer,
    ConnectionDropped,
    Settings,
    Wire,
    raw_path,
    raw_query,
    read_body,
)
from klaviyo_analytics.sandbox.app.klaviyo import Incoming, Klaviyo, Scopes, Sender
from klaviyo_analytics.sandbox.app.paging import KLAVIYO, ORIGIN
from klaviyo_analytics.sandbox.app.store import Store
from klaviyo_analytics.sandbox.connections import Connections
from klaviyo_analytics.sandbox.faults import KEPT, Fault, Faults, RequestRecord, mask_headers
from klaviyo_analytics.sandbox.limits import RateLimiter
from klaviyo_analytics.sandbox.model import Account

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


def instead(fault: Fault, wire: Wire) -> Answer | None:
    """Return the answer that replaces the real one, if the request must not be carried out."""
    if fault.drop == "before":
        wire.drop = True
        return Answer(500)
    if fault.redirect:
        return Answer(302, headers={"Location": fault.redirect, **fault.headers})
    if fault.status is None:
        return None
    headers = dict(fault.headers)
    if fault.retry_after is not None:
        headers["Retry-After"] = str(fault.retry_after)
    if fault.body is None:
        problem = Problem("scripted", f"A scripted fault with status {fault.status}.")
        return Answer(fault.status, ApiFault(fault.status, [problem]).document(), headers=headers)
    return _with_body(Answer(fault.status, headers=headers), fault)


def afterwards(fault: Fault, answer: Answer, wire: Wire) -> Answer:
    """Do to a true answer what the fault says; the request has been carried out."""
    if fault.drop == "after":
        wire.drop = True
    if fault.drop == "during" or fault.truncate:
        wire.cut, wire.reset = True, fault.drop == "during"
    if fault.status is None and fault.redirect is None:
        answer.headers |= dict(fault.headers)
        if fault.body is not None:
            answer = _with_body(answer, fault)
    links = answer.document.get("links", {}) if isinstance(answer.document, dict) else {}
    if fault.next_host and "next" in links:
        links["next"] = _on_host(links["next"], fault.next_host)
    if fault.repeat_cursor and "cursor" in links.get("self", ""):
        links["next"] = links["self"]
    return answer


def _with_body(answer: Answer, fault: Fault) -> Answer:
    body: Any = fault.body
    is_html = isinstance(body, str | bytes) and (body[:1] in ("<", b"<"))
    answer.content_type = fault.content_type or ("text/html; charset=utf-8" if is_html else JSON_API)
    answer.body = (
        orjson.dumps(body) if isinstance(body, dict) else body.encode() if isinstance(body, str) else body
    )
    return answer


def _on_host(link: str, origin: str) -> str:
    parts, host = urlsplit(link), urlsplit(origin)
    return urlunsplit((host.scheme, host.netloc, parts.path, parts.query, ""))


WIRE = "klaviyo_sandbox.wire"  # where the server puts its Wire in the environ
UNREAD = "klaviyo_sandbox.unread"  # where the fault of a body that could not be read waits for its turn


class Application:
    """One account behind both faces: Klaviyo's own (`/api`) and Maton's (`/klaviyo/api`, `/connections`)."""

    def __init__(
        self,
        account: Account,
        settings: Settings,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self.settings = settings
        self.store = Store(account, clock)
        self.faults = Faults()
        self.limiter = RateLimiter(clock)
        self.connections = Connections(self.store.now)
        self.requests: deque[RequestRecord] = deque(maxlen=KEPT)
        self._klaviyo = Klaviyo(self.store, settings, self.limiter)
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.RLock()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        request = Request(environ)
        wire: Wire = environ.get(WIRE) or Wire()
        record = self._record(request, wire)
        answer = self._play(request, record, wire)
        if WIRE not in environ and (wire.drop or wire.cut):
            raise ConnectionDropped(record.path)
        record.status = 0 if wire.drop else answer.status
        response = Response(answer.encode(), status=answer.status, content_type=answer.content_type)
        if not response.data:
            del response.headers["Content-Type"]
        response.headers.update(answer.headers)
        if self.settings.compress and response.data and request.accept_encodings["gzip"]:
            response.data = gzip.compress(response.data, compresslevel=1)
            response.headers["Content-Encoding"] = "gzip"
            response.headers["Vary"] = "Accept-Encoding"
        return response(environ, start_response)

    def _record(self, request: Request, wire: Wire) -> RequestRecord:
        body = b""
        try:
            body = read_body(request)
        except ApiFault as fault:
            request.environ[UNREAD] = fault
            wire.close = True  # what is not read cannot be followed by another request
        record = RequestRecord(
            request.method,
            raw_path(request),
            raw_query(request),
            mask_headers(dict(request.headers)),
            body,
            self._clock(),
            str(request.environ.get("REMOTE_PORT", "")),
        )
        self.requests.append(record)
        return record

    def _play(self, request: Request, record: RequestRecord, wire: Wire) -> Answer:
        """Carry the request out, with what a scripted fault does before and after."""
        with self._lock:
            fault = self.faults.next(record.method, record.path.removeprefix(gateway.PREFIX))
        if fault is None:
            return self._answer(request, record)
        if fault.delay:
            self._sleep(fault.delay)
        answer = instead(fault, wire) or self._answer(request, record)
        return afterwards(fault, answer, wire)

    def _answer(self, request: Request, record: RequestRecord) -> Answer:
        headers = {"X-Request-ID": str(uuid.uuid4())}
        with self._lock:
            try:
                answer = self._route(request, record, headers)
            except gateway.GatewayFault as fault:
                return fault.answer()
            except ApiFault as fault:
                answer = Answer(fault.status, fault.document(), headers=fault.headers)
        answer.headers = headers | answer.headers
        return answer

    def _route(self, request: Request, record: RequestRecord, headers: dict[str, str]) -> Answer:
        path = record.path
        if path == gateway.CONTROL or path.startswith(gateway.CONTROL + "/"):
            gateway.check_key(request, self.settings)
            return gateway.control(request, self.connections, path)
        if path.startswith(gateway.PREFIX + "/"):
            gateway.check_key(request, self.settings)
            gateway.throttle(self.limiter, self.settings)
            connection = gateway.choose(request, self.connections)
            sender = Sender("maton", connection.scopes)
            return self._ask_klaviyo(request, record, path.removeprefix(gateway.PREFIX), sender, headers)
        sender = Sender("private keys", self._key_scopes(request))
        return self._ask_klaviyo(request, record, path, sender, headers)

    def _key_scopes(self, request: Request) -> Scopes:
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Klaviyo-API-Key" or key not in self.settings.keys:
            raise ApiFault.not_authenticated(
                "Send Authorization: Klaviyo-API-Key with a private key of the account."
            )
        return self.settings.keys[key]

    def _ask_klaviyo(
        self, request: Request, record: RequestRecord, path: str, sender: Sender, headers: dict[str, str]
    ) -> Answer:
        own = request.host_url.rstrip("/") + record.path.removesuffix(path)
        ORIGIN.set(own if self.settings.own_links else KLAVIYO)
        headers["CID"] = next(iter(self.store.records("account")), "")
        if UNREAD in request.environ:
            raise request.environ[UNREAD]
        lowered: dict[str, Any] = {name.lower(): value for name, value in request.headers.items()}
        path = path.removesuffix("/")  # older guides end paths with a slash, and the API takes both
        incoming = Incoming(record.method, path, record.query, lowered, record.body, sender)
        outgoing = self._klaviyo.answer(incoming, headers)
        return Answer(outgoing.status, outgoing.document)
