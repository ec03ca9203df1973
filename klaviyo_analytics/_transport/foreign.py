"""Where `requests` ends: its answers are read here, and its exceptions, which hold the key, become ours."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, ReadTimeoutError

from klaviyo_analytics._transport.retry import Failure
from klaviyo_analytics.errors import (
    ConnectionFailedError,
    RequestTimeoutError,
    ResponseTooLargeError,
    TransportError,
)

PIECE = 1 << 18  # bytes read at once
ACCEPTED = ("gzip", "x-gzip", "deflate")  # what requests ask for; anything else is left as it is
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
    parts: list[bytes] = []
    size = 0
    packing = response.headers.get("Content-Encoding", "")
    with response:
        if "," in packing:
            raise ResponseTooLargeError(
                f"{where} answered with a body that is compressed several times over ({packing[:40]}), which no "
                "API does. Check base_url."
            )
        try:
            packed = packing.strip().lower() in ACCEPTED
            piece = PACKED_PIECE if packed else PIECE
            while part := response.raw.read1(piece, decode_content=packed):
                parts.append(part)
                size += len(part)
                if size > limit:
                    raise ResponseTooLargeError(
                        f"{where} answered with more than {limit:,} bytes. Ask for less (page_size=, fields=), or "
                        "raise max_response_bytes= in ka.connect()."
                    )
                if clock() > until:
                    raise requests.ReadTimeout
        except HTTPError as problem:
            raise requests.ConnectionError(problem) from problem
    return b"".join(parts)


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
            f"{where}: the proxy of this environment (HTTPS_PROXY, ALL_PROXY) lets nothing through to {host}."
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
    if isinstance(exception, ValueError):  # of the address or a header, and the same next time
        message = f"{where}: no request can be made of base_url {base!r} ({type(exception).__name__})."
        return None, ConnectionFailedError(message)
    kind = type(cause).__name__ if isinstance(cause, BaseException) else type(exception).__name__
    message = f"{where}: the connection to {host} broke before the answer was whole ({kind})."
    return Failure(None), ConnectionFailedError(message)
