"""JSON:API documents: resources, what they include, and error answers."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping
from typing import Any

from klaviyo_analytics import errors
from klaviyo_analytics._messages import described
from klaviyo_analytics._reader import Reader
from klaviyo_analytics.endpoints import Endpoint
from klaviyo_analytics.http.retry import retry_after
from klaviyo_analytics.http.session import Reply, redact

Record = Mapping[str, Any]
NOT_INCLUDABLE = "An answer included something that is not a JSON:API resource"
BY_STATUS: Mapping[int, type[errors.ApiError]] = {
    401: errors.AuthenticationError,
    403: errors.PermissionDeniedError,
    404: errors.NotFoundError,
    409: errors.ConflictError,
    429: errors.RateLimitError,
}
# What the gateway itself means by a status, when the body is not one of Klaviyo's.
GATEWAY_SAYS: Mapping[int, str] = {
    400: "the gateway has no active Klaviyo connection for this key; see ka.Connections()",
    401: "the gateway did not accept the key; check MATON_API_KEY",
    500: "the gateway failed, often because the account's grant has expired: make a new connection with "
    "ka.Connections().create(), then delete the old one",
}


def resources(document: Any, where: str) -> list[Record]:
    """Return the primary data of an answer as a list, whether it is one resource or many.

    Raises
    ------
    MalformedResponseError
        There are no data, or something in them is not a resource with an id.
    """
    return _data(document, where).records("id")


def collection(document: Any, where: str) -> list[Record]:
    """Return the rows of a page; unlike `resources`, rows without an id are kept, with the id None.

    Raises
    ------
    MalformedResponseError
        If the data are null, or hold something that is not a resource: an empty page says ``[]``.
    """
    data = _data(document, where)
    if data.value is None:
        raise errors.MalformedResponseError(f"{where} answered with null instead of a list of resources.")
    rows = data.records()
    if None not in [row.get("id") for row in rows]:
        return data.records("id")
    for n, row in enumerate(rows):
        if not _is_nameless(row):
            Reader(row, data.where, f"{data.path}[{n}]").records("id")
    return [{**row, "id": None} if _is_nameless(row) else row for row in rows]


def listed(document: Any, where: str, kind: str | None = None) -> list[Record]:
    """Return the resources of a page, all of which have ids, and the type `kind` if it is given.

    Raises
    ------
    MalformedResponseError
        As `collection`; also if a resource has no id, or another type.
    """
    if isinstance(document, Mapping) and "data" in document and document["data"] is None:
        raise errors.MalformedResponseError(f"{where} answered with null instead of a list of resources.")
    found = resources(document, where)
    for record in found:
        check_type(record, kind, where)
    return found


def check_type(record: Record, kind: str | None, where: str) -> None:
    """Check that a resource has a type, if it states one; None allows any.

    Raises
    ------
    MalformedResponseError
        It has another type.
    """
    stated = record.get("type", kind)
    if kind is not None and stated != kind:
        raise errors.MalformedResponseError(
            f"{where} answered with a resource of the type {stated!r}; expected {kind!r}."
        )


def check_written(document: Any, endpoint: Endpoint, status: int) -> None:
    """Check that the answer to a write is what the API documents: the resource, or an empty body.

    An empty body may also be the resource, as JSON:API allows. Anything else, such as ``{"message": "ok"}`` of a
    proxy, says nothing about the write.

    Raises
    ------
    MalformedResponseError
        The answer is something else, so it is unknown whether the write was carried out.
    """
    if document is None and endpoint.may_be_empty:
        return
    data = document.get("data") if isinstance(document, Mapping) else None
    if isinstance(data, list) and len(data) == 1:
        (data,) = data
    kind = data.get("type") if isinstance(data, Mapping) else None
    if isinstance(kind, str) and (endpoint.no_body or kind == endpoint.type):
        return
    if isinstance(data, Mapping):
        got = f"a resource of the type {kind!r}" if isinstance(kind, str) else "a resource without a type"
    elif isinstance(document, Mapping) and "data" in document:
        got = f"{described(data)} as data"
    elif isinstance(document, Mapping):
        got = "an object without data"
    else:
        got = "an empty body" if document is None else described(document)
    expected = "an empty body" if endpoint.no_body else f"a {endpoint.type} resource"
    where = f"{endpoint.method} {endpoint.path} answered {status} with {got}; expected {expected}."
    raise errors.MalformedResponseError(
        f"{where} It is unknown whether the write was carried out. Read the resource before you repeat it, and check "
        "base_url."
    )


def only(document: Any, where: str, kind: str | None = None) -> Record:
    """Return the only resource of an answer.

    Raises
    ------
    MalformedResponseError
        The answer holds no resource, several, or one of another type than `kind`.
    """
    found = resources(document, where)
    if len(found) != 1:
        held = f"{len(found):,} resources instead of one" if found else "no resource"
        raise errors.MalformedResponseError(f"{where} contains {held}.")
    check_type(found[0], kind, where)
    return found[0]


def only_errors(document: Any) -> bool:
    """Return whether a document holds errors only, whatever its status."""
    return isinstance(document, Mapping) and bool(document.get("errors")) and "data" not in document


def included(documents: Iterable[Any]) -> dict[tuple[str, str], Record]:
    """Index everything that answers included by (type, id)."""
    index: dict[tuple[str, str], Record] = {}
    for document in documents:
        found = Reader(document, NOT_INCLUDABLE).at("included").records("type", "id", one=False)
        index |= {(str(record["type"]), str(record["id"])): record for record in found}
    return index


def _data(document: Any, where: str) -> Reader:
    try:
        data = Reader(document, f"{where} answered without data").held("data")
    except errors.MalformedResponseError as problem:
        raise errors.MalformedResponseError(f"{problem} Is base_url Klaviyo's API?") from None
    return Reader(data.value, f"{where} answered with data that are not JSON:API resources", data.path)


def _is_nameless(row: Record) -> bool:
    return row.get("id") is None and "type" in row


def error(reply: Reply, *, method: str, path: str, gateway: bool) -> errors.ApiError:
    """Make the exception for an answer with an error status."""
    document = reply.document if isinstance(reply.document, Mapping) else {}
    found = document.get("errors")
    said = [e for e in found if isinstance(e, Mapping)] if isinstance(found, list) else []
    kind = BY_STATUS.get(reply.status)
    if kind is None:
        kind = errors.ServerError if reply.status >= 500 else errors.ValidationError
    message = None
    if not said:
        message = _words(reply, document)
        if gateway and reply.status in GATEWAY_SAYS:
            kind = kind if reply.status == 401 else errors.GatewayError
            message = (
                f"{GATEWAY_SAYS[reply.status]} (it said: {message})"
                if message
                else GATEWAY_SAYS[reply.status]
            )
    request_id = next((e["id"] for e in said if isinstance(e.get("id"), str)), None)
    return kind(
        reply.status,
        method=method,
        path=path.partition("?")[0],
        errors=said,
        message=message,
        request_id=request_id or reply.headers.get("X-Request-Id"),
        retry_after=retry_after(reply.headers, now=time.time()),
    )


def control_error(reply: Reply, *, method: str, path: str) -> errors.ApiError:
    """Make the exception for an error of the gateway's own API."""
    kind = BY_STATUS.get(reply.status, errors.GatewayError)
    document = reply.document if isinstance(reply.document, Mapping) else {}
    said = _words(reply, document)
    if reply.status == 401:
        said = f"{GATEWAY_SAYS[401]} (it said: {said})" if said else GATEWAY_SAYS[401]
    return kind(
        reply.status,
        method=method,
        path=path,
        message=said,
        retry_after=retry_after(reply.headers, now=time.time()),
    )


def _words(reply: Reply, document: Mapping[str, Any]) -> str | None:
    """Return the message in a body that is not JSON:API, short and without secrets."""
    for key in ("message", "error", "detail", "error_description"):
        value = document.get(key)
        if isinstance(value, Mapping):
            value = value.get("message")
        if isinstance(value, str) and value:
            return redact(value)[:300]
    text = reply.body[:4000].decode("utf-8", "replace")
    if title := re.search(r"<title[^>]*>(.*?)</title>", text, re.IGNORECASE | re.DOTALL):
        return f"a web page titled {redact(title[1]).strip()[:100]!r}"
    words = " ".join(re.sub(r"<[^>]+>", " ", text).split())
    return redact(words)[:200] or None
