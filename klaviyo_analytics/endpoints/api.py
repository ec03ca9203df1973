"""Where the endpoint table meets the transport: checked, paced, retried, and errors of one kind."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from klaviyo_analytics.endpoints import Catalog, Endpoint, jsonapi, paging
from klaviyo_analytics.errors import ApiError, ConfigurationError, NotFoundError, ValidationError
from klaviyo_analytics.http.json import dumps
from klaviyo_analytics.http.rate_limits import Bucket
from klaviyo_analytics.http.retry import RetryPolicy
from klaviyo_analytics.http.session import Call, Reply, Transport, leaves_base

GATEWAY_BUCKET = Bucket("the gateway", ((10, 1),))
IMPATIENT = RetryPolicy(attempts=3, budget=5.0)


class Api:
    """Makes the calls of one account.

    Parameters
    ----------
    transport : Transport
    catalog : Catalog
        The endpoint table.
    gateway : bool
        Whether calls go through the gateway, with its own limit and errors.
    strict : bool
        Refuse queries that the table does not know.
    """

    def __init__(self, transport: Transport, catalog: Catalog, *, gateway: bool, strict: bool = True) -> None:
        self.transport = transport
        self.catalog = catalog
        self.gateway = gateway
        self.strict = strict
        self.requests = 0  # calls so far, retries not counted
        self._counting = threading.Lock()
        self.paced = True  # an embedded sandbox has no limits to keep within
        self._smaller_pages: dict[str, int] = {}  # operations whose largest page the server refused

    def call(
        self,
        operation: str,
        ids: Mapping[str, str] | None = None,
        *,
        params: Mapping[str, str] | None = None,
        json: Any = None,
        files: Mapping[str, Any] | None = None,
        replay_safe: bool | None = None,
        on_wait: Callable[[float], None] | None = None,
        on_repeat: Callable[[], None] | None = None,
    ) -> Any:
        """Make one call of a known operation; None for an empty answer."""
        reply = self.answer(
            operation,
            ids,
            params=params,
            json=json,
            files=files,
            replay_safe=replay_safe,
            on_wait=on_wait,
            on_repeat=on_repeat,
        )
        return reply.document

    def answer(
        self,
        operation: str,
        ids: Mapping[str, str] | None = None,
        *,
        params: Mapping[str, str] | None = None,
        json: Any = None,
        files: Mapping[str, Any] | None = None,
        replay_safe: bool | None = None,
        on_wait: Callable[[float], None] | None = None,
        on_repeat: Callable[[], None] | None = None,
    ) -> Reply:
        """Make one call of a known operation, and return the whole answer: some differ in their status only.

        Raises
        ------
        MalformedResponseError
            A write was answered by something else than documented.
        """
        endpoint = self.catalog[operation]
        call = self._call(endpoint.method, endpoint.at(**(ids or {})), endpoint, params, json, files)
        if replay_safe is not None:
            call = replace(call, replay_safe=replay_safe)
        reply = self._answer(replace(call, on_repeat=on_repeat), on_wait=on_wait)
        reads = endpoint.method == "GET" or (endpoint.method == "POST" and endpoint.replay_safe)
        if not reads and reply.status < 400:  # 404 to a repeated deletion: the first attempt was carried out
            jsonapi.check_written(reply.document, endpoint, reply.status)
        return reply

    def ask(self, operation: str, params: Mapping[str, str] | None = None) -> Reply:
        """Read, and return the answer as it is, whatever its status; retries are few."""
        endpoint = self.catalog[operation]
        call = self._call(endpoint.method, endpoint.path, endpoint, params, None, None)
        return self.transport.send(call, retry=IMPATIENT)

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        on_repeat: Callable[[], None] | None = None,
    ) -> Any:
        """Make a call of any path below /api, with the same auth, pacing, retries and errors."""
        method = method.upper()
        if not isinstance(path, str) or not path.startswith("/api/") or leaves_base(path):
            raise ConfigurationError(
                f"path={path!r} is not a path of the API. Pass the path from /api/ on, such as '/api/profiles', "
                "without a host, '..' or backslashes."
            )
        endpoint = self.found(method, path)
        written = {name: _written(value) for name, value in (params or {}).items() if value is not None}
        call = self._call(method, path, endpoint, written, json, None)
        if b'"patch_properties"' in (call.body or b""):  # appending twice is not appending once
            call = replace(call, replay_safe=False)
        return self._answer(replace(call, on_repeat=on_repeat)).document

    def found(self, method: str, path: str) -> Endpoint | None:
        """Find the operation that a path belongs to; None if the table has none.

        Older guides end paths with a slash, and the API takes both.
        """
        return self.catalog.find(method.upper(), path.partition("?")[0].removesuffix("/"))

    def pages(
        self,
        endpoint: Endpoint,
        ids: Mapping[str, str],
        params: Mapping[str, str],
        *,
        size: int | None,
        chosen: bool,
        on_wait: Callable[[float], None] | None = None,
    ) -> Iterator[Any]:
        """Yield the documents of all pages.

        Where the size was not `chosen` by the user and the server refuses it, the documented default is taken,
        and remembered.
        """
        if size is not None and not chosen:
            size = min(size, self._smaller_pages.get(endpoint.operation, size))
        call = self._call("GET", endpoint.at(**ids), endpoint, {**params, **_sized(size)}, None, None)

        def send(call: Call) -> Any:
            return self._answer(call, on_wait=on_wait).document

        links = paging.NextLinks(call.label)
        pages = links.pages(call, send)
        try:
            first = next(pages)
        except ValidationError as refusal:
            smaller = endpoint.page_default
            if chosen or smaller is None or (size or 0) <= smaller or refusal.parameter not in _SIZE_NAMES:
                raise
        else:
            yield first
            del first
            yield from pages
            return
        self._smaller_pages[endpoint.operation] = smaller
        yield from links.pages(replace(call, params={**params, **_sized(smaller)}), send)

    def pace(self, endpoint: Endpoint, params: Mapping[str, str]) -> float | None:
        """Return how many requests a second the shortest documented windows allow; None if no limit is documented."""
        shortest = [
            min(bucket.windows, key=lambda window: window[1])
            for bucket in self._buckets(endpoint, params)
            if bucket.windows
        ]
        return min((calls / seconds for calls, seconds in shortest), default=None)

    def close(self) -> None:
        """Close the connections."""
        self.transport.close()

    def _call(
        self,
        method: str,
        path: str,
        endpoint: Endpoint | None,
        params: Mapping[str, str] | None,
        json: Any,
        files: Mapping[str, Any] | None,
    ) -> Call:
        return Call(
            method,
            path,
            params or {},
            body=None if json is None else dumps(json),
            files=files,
            replay_safe=endpoint.replay_safe if endpoint else method in ("GET", "DELETE"),
            buckets=self._buckets(endpoint, params or {}),
        )

    def _buckets(self, endpoint: Endpoint | None, params: Mapping[str, str]) -> tuple[Bucket, ...]:
        buckets: list[Bucket] = []
        if not self.paced:
            return ()
        if endpoint:
            windows = tuple((window.requests, window.seconds) for window in endpoint.limits)
            buckets.append(Bucket(f"{endpoint.method} {endpoint.path}", windows))
            for parameter, value, limits in endpoint.extra_limits:
                if value in params.get(parameter, "").split(","):
                    windows = tuple((window.requests, window.seconds) for window in limits)
                    buckets.append(Bucket(f"{parameter}={value}", windows))
        return (*buckets, GATEWAY_BUCKET) if self.gateway else tuple(buckets)

    def _answer(self, call: Call, *, on_wait: Callable[[float], None] | None = None) -> Reply:
        with self._counting:
            self.requests += 1
        reply = self.transport.send(call, on_wait=on_wait)
        if reply.status < 400 and not jsonapi.only_errors(reply.document):
            return reply
        error: ApiError = jsonapi.error(reply, method=call.method, path=call.path, gateway=self.gateway)
        if call.method == "DELETE" and reply.ambiguous and isinstance(error, NotFoundError):
            return replace(reply, document=None)  # an earlier attempt, whose answer was lost, has deleted it
        raise error


_SIZE_NAMES = ("page[size]", "page_size")


def _sized(size: int | None) -> dict[str, str]:
    return {} if size is None else {"page[size]": str(size)}


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return ",".join(map(str, value))
    return str(value)
