"""A request as it came: its path before anything was decoded, and a body that may be too large, cut or packed."""

from __future__ import annotations

import zlib

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
