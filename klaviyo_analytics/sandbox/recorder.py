"""What the sandbox was asked, kept for assertions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import orjson

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
