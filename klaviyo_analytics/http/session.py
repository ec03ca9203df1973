"""One pooled keep-alive session: requests are paced, failures retried, and exceptions translated to our own."""

from __future__ import annotations

import io
import logging
import os
import random
import re
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from http.client import HTTPException
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import unquote, urlencode, urlsplit

import requests
from requests.auth import AuthBase
from requests.structures import CaseInsensitiveDict
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, ReadTimeoutError

from klaviyo_analytics._secret import MASK, Secret, body_without_session
from klaviyo_analytics.errors import (
    ConnectionFailedError,
    InvalidInputError,
    MalformedResponseError,
    RequestTimeoutError,
    ResponseTooLargeError,
    TransportError,
)
from klaviyo_analytics.http import cancellation, http1
from klaviyo_analytics.http.json import loads
from klaviyo_analytics.http.rate_limits import Bucket, Pacer, reset_wait
from klaviyo_analytics.http.retry import Failure, RetryPolicy

PIECE = 1 << 18  # bytes read at once
ACCEPTED = ("gzip", "x-gzip", "deflate")  # encodings that are requested; any other is not decoded
PACKED_PIECE = 1 << 14  # the same of a compressed body, which can be a thousand times as long once unpacked


def read(
    response: requests.Response, *, where: str, until: float, clock: Callable[[], float], limit: int
) -> bytes:
    """Read a body of limited size, unpacked, until a point in time.

    Raises
    ------
    ResponseTooLargeError
        The body is longer than `limit` bytes, or packed several times over.
    """
    body = io.BytesIO()  # parts in a list would take their memory twice when they are joined
    packing = response.headers.get("Content-Encoding", "")
    with response:
        if "," in packing:
            raise ResponseTooLargeError(
                f"{where} answered with a body that is compressed several times over ({packing[:40]}). Check "
                "base_url; it may be another service."
            )
        try:
            packed = packing.strip().lower() in ACCEPTED
            piece = PACKED_PIECE if packed else PIECE
            while part := response.raw.read1(piece, decode_content=packed):
                body.write(part)
                if body.tell() > limit:
                    raise ResponseTooLargeError(
                        f"{where} answered with more than {limit:,} bytes. Request less (page_size=, fields=), or "
                        "raise max_response_bytes= in ka.connect()."
                    )
                if clock() > until:
                    raise requests.ReadTimeout
        except HTTPError as problem:
            raise requests.ConnectionError(problem) from problem
    return body.getvalue()


def translated(exception: Exception, where: str, base: str) -> tuple[Failure | None, TransportError]:
    """Translate an exception of `requests`: whether trying again may help, and what to raise if not."""
    host = urlsplit(base).netloc
    reason = exception.args[0] if exception.args else None
    cause = getattr(reason, "reason", reason)
    unreached = isinstance(cause, (NewConnectionError, ConnectTimeoutError))
    if isinstance(exception, ResponseTooLargeError):
        return None, exception
    if isinstance(exception, (requests.Timeout, TimeoutError)) or isinstance(
        cause, (ReadTimeoutError, TimeoutError)
    ):
        message = f"{where}: {host} did not answer in time; see timeout= and deadline= of ka.connect()."
        return Failure(None, refused=unreached), RequestTimeoutError(message)
    if isinstance(exception, requests.exceptions.ProxyError):
        message = (
            f"{where}: the proxy of this environment (HTTPS_PROXY, ALL_PROXY) does not let requests through to "
            f"{host}."
        )
        return Failure(None, refused=True), ConnectionFailedError(message)
    if isinstance(exception, requests.exceptions.SSLError) and "CERTIFICATE_VERIFY_FAILED" in str(cause):
        message = (
            f"{where}: the certificate of {host} is not trusted here. Where a company's proxy stands in between, set "
            "REQUESTS_CA_BUNDLE to the file with its certificates."
        )
        return None, ConnectionFailedError(message)
    if unreached:
        message = f"{where}: {host} cannot be reached. Check the network and base_url."
        return Failure(None, refused=True), ConnectionFailedError(message)
    if isinstance(exception, OSError) and not isinstance(exception, requests.RequestException):
        # requests looks for the bundle before it connects, and names the path in its message
        if "TLS" in str(exception) or "certificate" in str(exception).lower():
            message = (
                f"{where}: the file of certificates that REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE names does not exist. "
                "Correct the variable, or remove it."
            )
            return None, ConnectionFailedError(message)
        message = f"{where}: the connection to {host} failed ({type(exception).__name__})."
        return Failure(None), ConnectionFailedError(message)
    if isinstance(exception, ValueError):  # an invalid URL or header: a retry would fail again
        message = f"{where}: base_url={base!r} cannot be used for a request ({type(exception).__name__})."
        return None, ConnectionFailedError(message)
    kind = type(cause).__name__ if isinstance(cause, BaseException) else type(exception).__name__
    message = f"{where}: the connection to {host} broke before the response was complete ({kind})."
    return Failure(None), ConnectionFailedError(message)


# percent-encoded characters belong to an address, too (%2B is its plus), unless they end a word
_WORD = r"(?:[^\s\"'(),\[\]=&%]|%(?!2[0-26-9C]|3[CDE]|40|5[BD]|7[BD])[0-9A-Fa-f]{2}|%(?![0-9A-Fa-f]{2}))"
_EMAIL = re.compile(rf"(?i){_WORD}+(?:@|%40)[^\s\"'(),\[\]=&]+")
_PHONE = re.compile(r"(?:\+|%2B)\d{6,15}")
_SECRET = re.compile(r"(?i)((?:session_token|token|key|secret|company_id)=)[^&\s\"']+|\b(?:pk|sk)_[\w-]+")


def redact(text: str) -> str:
    """Mask keys, tokens, email addresses and phone numbers in a text."""
    text = _SECRET.sub(lambda match: f"{match[1] or ''}***", text)
    return _PHONE.sub("***", _EMAIL.sub("***", text))


log = logging.getLogger("klaviyo_analytics")
Timeout = tuple[float, float]
LOOPBACK = ("localhost", "127.0.0.1", "::1")
MEDIA_TYPE = "application/vnd.api+json"
DEADLINE = 300.0  # seconds that one attempt may take in all
UNKNOWN = "It is unknown whether the write was carried out. Read the resource before you repeat it."
GRACE = 0.6  # seconds that a cancelled write still waits for its answer
LARGEST = 256 * 2**20  # bytes of a body, unpacked
_FOREIGN = (requests.RequestException, HTTPError, HTTPException, OSError, ValueError)
_HOST = re.compile(r"[\w.:-]{1,255}")
_UNSENDABLE = re.compile(r"[\x00-\x20\x7f\\#]|//")


def leaves_base(path: str) -> bool:
    """Return whether a path could lead elsewhere than below the base URL, however often it is decoded."""
    path = path.partition("?")[0]
    if _UNSENDABLE.search(path):
        return True
    decoded = path
    while (again := unquote(decoded)) != decoded:
        decoded = again
    return any(part.strip() in (".", "..") for part in re.split(r"[/\\]", decoded))


@dataclass(frozen=True, slots=True)
class Call:
    """One request to make: `path` starts with a slash and may carry a query of its own."""

    method: str
    path: str
    params: Mapping[str, str] = field(default_factory=dict, repr=False)  # filters name people
    body: bytes | None = field(default=None, repr=False)
    content_type: str = MEDIA_TYPE
    files: Mapping[str, Any] | None = field(default=None, repr=False)
    replay_safe: bool = True
    buckets: tuple[Bucket, ...] = ()
    on_repeat: Callable[[], None] | None = field(
        default=None, repr=False
    )  # after an answer that may have cost a quota

    @property
    def label(self) -> str:
        """Method and path, for messages: a query can name people."""
        return f"{self.method} {self.path.partition('?')[0]}"

    @property
    def target(self) -> str:
        """Path and query."""
        # brackets, quotes and plus signs are all percent-encoded: a bare + would arrive as a space
        query = urlencode(self.params)
        return f"{self.path}{'&' if '?' in self.path else '?'}{query}" if query else self.path


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, whatever its status. `document` is its JSON value, None for an empty or non-JSON body."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    document: Any = field(repr=False)
    ambiguous: bool = False  # an earlier attempt may have been carried out already


class HeaderAuth(AuthBase):
    """Sets the Authorization header, and keeps `requests` from looking for a key in ~/.netrc."""

    def __init__(self, value: str | Secret) -> None:
        self._secret = value if isinstance(value, Secret) else Secret(value)

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add the header."""
        request.headers["Authorization"] = self._secret.reveal()
        return request

    def mask(self, body: bytes) -> bytes:
        """Replace the key, and the token of a session link, in what a server says about an error."""
        masked = body.replace(self._secret.reveal().rpartition(" ")[2].encode(), MASK.encode())
        return body_without_session(masked)

    def __repr__(self) -> str:
        return f"HeaderAuth({MASK})"


class _Session(requests.Session):
    """A session that ignores redirects, because the key must not go there."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Return None: redirects are never followed."""


class Transport:
    """Sends calls to one base URL; safe to use from several threads.

    Parameters
    ----------
    base_url : str
        What every path is appended to; nothing is ever sent elsewhere, and redirects are refused.
    auth : HeaderAuth
        Goes with every request.
    headers : mapping
        The same for every request.
    timeout : (float, float)
        Seconds for connecting and for each read; always on.
    deadline : float
        Seconds that one attempt may take in all, however slowly the answer arrives.
    max_body : int
        Bytes of an answer's body after decompression; a longer one raises `ResponseTooLargeError`.
    """

    def __init__(
        self,
        base_url: str,
        auth: HeaderAuth,
        headers: Mapping[str, str],
        *,
        timeout: Timeout = (10.0, 60.0),
        retry: RetryPolicy | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = cancellation.sleep,
        pacer: Pacer | None = None,
        connections: int = 32,
        deadline: float = DEADLINE,
        max_body: int = LARGEST,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self._given_url = base_url  # for messages
        self.retry = retry or RetryPolicy()
        self.pacer = pacer or Pacer(clock=clock, sleep=sleep, patience=self.retry.budget)
        self._auth = auth
        self._headers = dict(headers)
        self._timeout = timeout
        self._closed = False
        self._clock = clock
        self._sleep = sleep
        self._deadline = deadline
        self._max_body = max_body
        self._connections = connections
        self._session = self._opened()
        _transports.add(self)

    def _opened(self) -> _Session:
        session = _Session()
        # cookies are the one part of a session that threads would share and change
        session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        # a proxy of the environment is for the world outside
        session.trust_env = urlsplit(self.base_url).hostname not in LOOPBACK
        session.headers["Accept-Encoding"] = "gzip, deflate"
        adapter = http1.StrictAdapter(pool_connections=2, pool_maxsize=self._connections, max_retries=0)
        session.mount("https://", adapter)
        session.mount("http://", adapter)
        return session

    def renew(self) -> None:
        """Start with new connections and locks, in a process that was forked: the old ones are the parent's."""
        self._session = self._opened()
        self.pacer.renew()

    def __repr__(self) -> str:
        return f"Transport({getattr(self, 'base_url', 'not connected')!r})"

    def close(self) -> None:
        """Close the pooled connections; nothing is sent afterwards."""
        self._closed = True
        self._session.close()

    def send(
        self,
        call: Call,
        *,
        on_wait: Callable[[float], None] | None = None,
        retry: RetryPolicy | None = None,
    ) -> Reply:
        """Send a call, waiting and retrying as its limits and the server ask; `retry` replaces the policy.

        Raises
        ------
        ConnectionFailedError, RequestTimeoutError, MalformedResponseError
            No usable answer, also after the retries. An answer with an error status is returned, not raised. A note
            on the exception says if a write may have been carried out.
        Cancelled
            The work was cancelled during a wait.
        """
        if self._closed:
            raise ConnectionFailedError(f"{call.label}: this client is closed. Connect again.")
        if leaves_base(call.path):
            raise InvalidInputError(
                f"{call.path.partition('?')[0]!r} is not a path below {self.base_url}. A path or an id must not hold "
                "'..', backslashes, spaces or empty parts."
            )
        counted = self.pacer.acquire(call.buckets, on_wait=on_wait)
        started, ambiguous = self._clock(), False  # pacing does not count towards the retry budget
        attempt = 0
        cancellation.check()
        while True:
            attempt += 1
            reply, failure, error = self._attempt(call, counted, ambiguous=ambiguous)
            if failure is None:
                if error is not None:
                    raise _noted(error, call, sent=ambiguous or isinstance(error, MalformedResponseError))
                assert reply is not None
                return reply
            pause = failure.retry_after
            # a pause beyond the budget is reported but not remembered, as the server may be mistaken
            if failure.limited and pause is not None and pause <= self.retry.budget:
                for bucket in call.buckets[:1]:  # the endpoint's own; a shared one has answers of its own
                    self.pacer.close(bucket, pause)
            wait = (retry or self.retry).delay(
                failure,
                attempt=attempt,
                elapsed=self._clock() - started,
                replay_safe=call.replay_safe,
                jitter=random.random(),  # noqa: S311  (spreads clients out; no secret)
            )
            if wait is None:
                if reply is not None:
                    return reply
                assert error is not None
                raise _noted(error, call, sent=ambiguous or not failure.refused)
            log.info("%s: trying again in %.1f s", redact(call.label), wait)
            ambiguous = ambiguous or not failure.refused
            try:
                if on_wait and wait >= 1:
                    on_wait(wait)
                self._sleep(wait)
                counted = self.pacer.acquire(call.buckets, on_wait=on_wait)
                cancellation.check()
            except cancellation.Cancelled as ended:
                ended.sent, ended.ambiguous = True, ambiguous
                raise
            if call.on_repeat and failure.status is not None:
                call.on_repeat()

    def _attempt(
        self, call: Call, counted: float, *, ambiguous: bool
    ) -> tuple[Reply | None, Failure | None, TransportError | None]:
        """Try once. Foreign exceptions end here: they hold the request, and with it the key.

        A retry may help after a `Failure`; an error without one would be the same next time.
        """
        error: TransportError | None = None
        headers = dict(self._headers)
        if call.body is not None:
            headers["Content-Type"] = call.content_type
        began = self._clock()
        until = began + self._deadline
        grace = 0.0 if call.replay_safe else GRACE
        token = http1.deadline.set(http1.Deadline(until, self._clock, grace))
        told = http1.written.set(partial(self.pacer.written, call.buckets, counted))
        try:
            response = self._session.request(
                call.method,
                f"{self.base_url}{call.target}",
                data=call.body,
                files=call.files,
                headers=headers,
                auth=self._auth,
                timeout=self._timeout,
                allow_redirects=False,
                stream=True,
            )
            status, found = response.status_code, response.headers
            body = read(response, where=call.label, until=until, clock=self._clock, limit=self._max_body)
        except (*_FOREIGN, TransportError) as exception:
            failure, error = translated(exception, call.label, self._given_url)
        except BaseException as stop:  # noqa: BLE001  Ctrl-C: the frames below hold the request, and with it the key
            if isinstance(stop, cancellation.Cancelled):
                stop.sent = stop.ambiguous = True
            stop.__context__ = None
            raise stop.with_traceback(None)  # noqa: B904  (the same exception)
        finally:
            http1.deadline.reset(token)
            http1.written.reset(told)
        if error is None:
            log.debug("%s %d %.3f s", redact(call.label), status, self._clock() - began)
            return self._judge(call, status, found, body, ambiguous=ambiguous)
        return None, failure, error

    def _judge(
        self, call: Call, status: int, headers: CaseInsensitiveDict[str], body: bytes, *, ambiguous: bool
    ) -> tuple[Reply | None, Failure | None, TransportError | None]:
        where = call.label
        if 300 <= status < 400:
            if "Location" in headers:
                happened = f"was redirected to {_host(headers)}"
            else:
                happened = f"answered {status} without a Location"
            error = MalformedResponseError(
                f"{where} {happened}; redirects are not followed, so that the key is not sent elsewhere. Check "
                "base_url."
            )
            return None, None, error
        document, whole = _document(body)
        if status >= 400 or (isinstance(document, Mapping) and document.get("errors")):
            body = self._auth.mask(body)
            document, whole = _document(body)
        if status < 200:
            error = MalformedResponseError(f"{where} answered {status}, which is not a final status.")
            return None, Failure(None), error
        if status < 300 and not whole:
            kind = headers.get("Content-Type", "no content type")
            kind += f" in {packing}" if (packing := headers.get("Content-Encoding")) else ""
            error = MalformedResponseError(
                f"{where} answered {status} with a body that is not JSON ({kind}, {len(body)} bytes). "
                "Check base_url; a proxy or login page may stand in between."
            )
            return None, None if "html" in kind.lower() else Failure(None), error
        reply = Reply(status, headers, body, document if whole else None, ambiguous)
        if status < 400:
            self._close_spent_windows(call.buckets, headers)
            return reply, None, None
        return reply, Failure.of(status, headers, body, now=time.time()), None

    def _close_spent_windows(self, buckets: Sequence[Bucket], headers: Mapping[str, str]) -> None:
        if buckets and (pause := reset_wait(headers)):
            self.pacer.close(buckets[0], min(pause, 60.0))


_transports: weakref.WeakSet[Transport] = weakref.WeakSet()


def _renew_after_fork() -> None:
    for transport in list(_transports):
        transport.renew()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_renew_after_fork)


def _noted(error: TransportError, call: Call, *, sent: bool) -> TransportError:
    """Add to the error of a write that its outcome is unknown; a POST that is safe to repeat only reads."""
    writes = call.method != "GET" and not (call.method == "POST" and call.replay_safe)
    if writes and sent:
        error.add_note(UNKNOWN)
    return error


def _document(body: bytes) -> tuple[Any, bool]:
    if not body.strip():
        return None, True
    try:
        return loads(body), True
    except ValueError:
        return None, False


def _host(headers: Mapping[str, str]) -> str:
    """Return where a redirect leads, for a message: host and port, without a name and password."""
    try:
        target = urlsplit(headers.get("Location", ""))
        host, port = target.hostname, target.port
    except ValueError:
        return "another address"
    if not host or not _HOST.fullmatch(host):
        return "another address"
    return f"{host}:{port}" if port else host
