"""Scripted faults: what a network, a gateway or a tired server may do to a request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Literal, TypedDict, Unpack
from urllib.parse import parse_qsl

import orjson

Drop = Literal["before", "during", "after"]


class Symptoms(TypedDict, total=False):
    """What a fault does; see `Fault`."""

    status: int
    body: bytes | str | dict[str, Any]
    content_type: str
    retry_after: int | str
    headers: Mapping[str, str]
    delay: float
    drop: Drop
    truncate: bool
    redirect: str
    next_host: str
    repeat_cursor: bool


@dataclass(slots=True)
class Fault:
    """One scripted fault: which requests it meets, and what it does to them.

    Parameters
    ----------
    method, path
        Which requests; `path` is the API's path without the gateway's prefix and may hold `*`.
    times
        How many requests it meets; None for all.
    every
        Only each so-manyth request that matches.
    skip
        How many matching requests go unharmed first.
    status, body, content_type, retry_after, headers
        The answer to give instead. A `status` without a `body` is a JSON:API error. A `body` without a
        `status` replaces the body of the true answer: `b"{"` is broken JSON.
    delay
        Seconds to wait before answering.
    drop
        Drop the connection `before` the request is carried out, `during` the answer's body, or `after` the
        request was carried out but before its answer.
    truncate
        Send half of the body under a Content-Length that promises all of it, and close in good order.
    redirect
        Answer 302 to this URL.
    next_host
        Put this origin in `links.next`.
    repeat_cursor
        Let `links.next` of every page but the first lead to that page again (with `times=None`).
    """

    method: str | None = None
    path: str = "*"
    times: int | None = 1
    every: int = 1
    skip: int = 0
    status: int | None = None
    body: bytes | str | dict[str, Any] | None = None
    content_type: str | None = None
    retry_after: int | str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    drop: Drop | None = None
    truncate: bool = False
    redirect: str | None = None
    next_host: str | None = None
    repeat_cursor: bool = False
    seen: int = field(default=0, init=False)
    hits: int = field(default=0, init=False)

    def strikes(self, method: str, path: str) -> bool:
        """Count a request, and tell whether the fault meets it."""
        if self.method not in (None, method) or not fnmatchcase(path, self.path):
            return False
        self.seen += 1
        turn = self.seen - self.skip
        if turn < 1 or turn % self.every or (self.times is not None and self.hits >= self.times):
            return False
        self.hits += 1
        return True


class Faults:
    """The faults of a sandbox; the first that meets a request decides."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def add(
        self,
        *,
        method: str | None = None,
        path: str = "*",
        times: int | None = 1,
        every: int = 1,
        skip: int = 0,
        **symptoms: Unpack[Symptoms],
    ) -> Fault:
        """Script a fault, and give it back: its `hits` tell how often it struck."""
        fault = Fault(method, path, times, every, skip, **symptoms)
        self._faults.append(fault)
        return fault

    def clear(self) -> None:
        """Remove all faults."""
        self._faults.clear()

    def strike(self, method: str, path: str) -> Fault | None:
        """Choose the fault that meets a request, if any."""
        struck: Fault | None = None
        for fault in self._faults:
            if struck is None and fault.strikes(method, path):
                struck = fault
        return struck


SECRET_HEADERS = frozenset({"authorization", "cookie"})
KEPT = 100_000  # requests; a sandbox may run for days


@dataclass(slots=True)
class RequestRecord:
    """One request and the status it was answered with."""

    method: str
    path: str  # as it came, percent-encoded, with the gateway's prefix
    query: str  # as it came
    headers: Mapping[str, str]  # names in lower case, secrets masked
    body: bytes
    time: float
    client: str  # the connection's port: requests on one connection share it
    status: int = 0  # 0 while under way, and where the connection was dropped before a status

    @property
    def params(self) -> dict[str, str]:
        """The query's parameters, decoded."""
        return dict(parse_qsl(self.query, keep_blank_values=True))

    @property
    def json(self) -> Any:
        """The body, decoded; None for an empty one."""
        return orjson.loads(self.body) if self.body else None


def mask_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Copy headers with lower-case names and without what must not be kept; a scheme stays to be seen."""
    masked = {}
    for name, value in headers.items():
        if name.lower() in SECRET_HEADERS:
            scheme, _, rest = value.partition(" ")
            value = f"{scheme} ***" if rest else "***"  # noqa: PLW2901
        masked[name.lower()] = value
    return masked
