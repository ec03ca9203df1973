"""A request as it came: its path before anything was decoded, and a body that may be too large, cut or packed."""

from __future__ import annotations

import zlib
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

import orjson
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge
from werkzeug.wrappers import Request

from klaviyo_analytics.sandbox.app.errors import ApiFault, Problem

MAX_BODY = 5 * 1024 * 1024  # unpacked
GZIP = zlib.MAX_WBITS | 16


def raw_path(request: Request) -> str:
    """Find the path as it came; `PATH_INFO` has lost encoded slashes."""
    raw = str(request.environ.get("REQUEST_URI", ""))
    return raw.partition("?")[0] if raw.startswith("/") else request.path


def raw_query(request: Request) -> str:
    """Find the query as it came; letters that should have been encoded, and are not, are UTF-8."""
    return (
        str(request.environ.get("QUERY_STRING", "")).encode("latin-1", "replace").decode("utf-8", "replace")
    )


def read_body(request: Request) -> bytes:
    """Read the whole body; refuse one that is too large unread, and one that does not come to its end."""
    request.max_content_length = MAX_BODY + 1  # of chunks nobody knows how many come: reading ends there
    try:
        body = request.get_data()
    except RequestEntityTooLarge:
        raise _too_large() from None
    except (HTTPException, OSError):
        raise ApiFault.bad_request("The body does not come to its end.") from None
    if len(body) > MAX_BODY:
        raise _too_large()
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding == "identity":
        return body
    if encoding != "gzip":
        raise ApiFault(415, [Problem("unsupported_media_type", f"Bodies cannot be {encoding}-encoded.")])
    return _unpack(body)


def _unpack(body: bytes) -> bytes:
    unpacking = zlib.decompressobj(GZIP)
    try:
        plain = unpacking.decompress(body, MAX_BODY + 1)
    except zlib.error:
        raise ApiFault.bad_request("The body is not what gzip writes.") from None
    if len(plain) > MAX_BODY:
        raise _too_large()
    if not unpacking.eof:
        raise ApiFault.bad_request("The body does not come to its end.")
    return plain


def _too_large() -> ApiFault:
    return ApiFault(413, [Problem("payload_too_large", "A request may hold 5 MB.")])


JSON_API = "application/vnd.api+json"


@dataclass(slots=True)
class Answer:
    """Status, headers, and a body that is still a document or already bytes."""

    status: int
    document: Any = None
    body: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = JSON_API

    def encode(self) -> bytes:
        """Write the body; no document means an empty one."""
        if self.body is not None:
            return self.body
        return (
            b"" if self.document is None else orjson.dumps(self.document, option=orjson.OPT_SERIALIZE_NUMPY)
        )


@dataclass(slots=True)
class Wire:
    """How an answer is sent: the server hands this out with each request, and obeys it afterwards."""

    drop: bool = False  # close without a status
    cut: bool = False  # promise the whole body, send half of it
    reset: bool = False  # after a cut: abort the connection instead of closing it in good order
    close: bool = False  # do not keep the connection


class ConnectionDropped(ConnectionError):  # noqa: N818 - it is a fault that was asked for
    """A dropped connection, as it looks without a socket."""


@dataclass(slots=True)
class Settings:
    """Switches that tests may turn while the sandbox runs.

    `keys` maps Klaviyo's private keys to their scopes (None: all). `events_page_max` of 200 makes the server
    refuse the larger pages that the schema allows and the prose does not. With `null_links` the links of a page
    without neighbours are null, as has been seen; without it they are left out, as the schema has it. The size of
    a report's page is documented nowhere: `report_page_size` rows. Links lead to Klaviyo, whoever asked, as the
    API's do; with `own_links` they lead to the sandbox, for clients that follow them as they are. With `compress`
    answers are packed for those who take gzip, as on their way across the Internet; on loopback that only costs time.
    """

    maton_key: str
    keys: dict[str, Collection[str] | None] = field(default_factory=dict)
    rate_limits: bool = False
    events_page_max: int | None = None
    null_links: bool = False
    report_page_size: int = 100
    own_links: bool = False
    compress: bool = False
