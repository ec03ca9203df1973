"""Where `requests` ends: its answers are read here, and its exceptions, which hold the key, become ours."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, ReadTimeoutError

from klaviyo_analytics._transport.retry import Failure
from klaviyo_analytics.errors import ConnectionFailedError, RequestTimeoutError, TransportError

PIECE = 1 << 18  # bytes read at once


def read(response: requests.Response, *, until: float, clock: Callable[[], float]) -> bytes:
    """Read a body piece by piece: one that only trickles is never late by the timeout between two bytes."""
    parts: list[bytes] = []
    with response:
        try:
            while part := response.raw.read1(PIECE, decode_content=True):
                parts.append(part)
                if clock() > until:
                    raise requests.ReadTimeout
        except HTTPError as problem:
            raise requests.ConnectionError(problem) from problem
    return b"".join(parts)


def translated(
    exception: requests.RequestException, where: str, base: str
) -> tuple[Failure | None, TransportError]:
    """Translate an exception of `requests`: whether trying again may help, and what to raise if not."""
    host = urlsplit(base).netloc
    reason = exception.args[0] if exception.args else None
    cause = getattr(reason, "reason", reason)
    unreached = isinstance(cause, (NewConnectionError, ConnectTimeoutError))
    if isinstance(exception, requests.Timeout) or isinstance(cause, ReadTimeoutError):
        message = f"{where}: {host} did not answer in time; see timeout=."
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
    if isinstance(exception, ValueError):  # of the address or a header, and the same next time
        message = f"{where}: no request can be made of base_url {base!r} ({type(exception).__name__})."
        return None, ConnectionFailedError(message)
    kind = type(cause).__name__ if isinstance(cause, BaseException) else type(exception).__name__
    message = f"{where}: the connection to {host} broke before the answer was whole ({kind})."
    return Failure(None), ConnectionFailedError(message)
