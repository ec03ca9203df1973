"""The error answers of the API, as an exception that any part of the application may raise."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

TITLES = {
    400: "Invalid input.",
    401: "Authentication failed.",
    403: "Permission denied.",
    404: "Not found.",
    405: "Method not allowed.",
    409: "Conflict.",
    410: "Gone.",
    413: "Payload too large.",
    415: "Unsupported media type.",
    429: "Request was throttled.",
    500: "Internal server error.",
    501: "Not implemented.",
    503: "Service unavailable.",
}


@dataclass(slots=True)
class Problem:
    """One entry of an answer's `errors`."""

    code: str
    detail: str
    source: dict[str, str] = field(default_factory=dict)
    meta: dict[str, Any] = field(default_factory=dict)

    def to_json(self, status: int) -> dict[str, Any]:
        """Shape it as JSON:API does."""
        return {
            "id": str(uuid.uuid4()),
            "status": status,
            "code": self.code,
            "title": TITLES.get(status, "Error."),
            "detail": self.detail,
            "source": self.source,
            "links": {},
            "meta": self.meta,
        }


class ApiFault(Exception):  # noqa: N818 - it is an answer, not a mistake of the program
    """Ends the handling of a request with an error answer."""

    def __init__(
        self, status: int, problems: Iterable[Problem], headers: Mapping[str, str] | None = None
    ) -> None:
        self.status = status
        self.problems = list(problems)
        self.headers = dict(headers or {})
        super().__init__(status, [problem.detail for problem in self.problems])

    def document(self) -> dict[str, Any]:
        """Shape the whole answer."""
        return {"errors": [problem.to_json(self.status) for problem in self.problems]}

    @classmethod
    def parameter(cls, name: str, detail: str) -> ApiFault:
        """Refuse a query parameter."""
        return cls(400, [Problem("invalid", detail, {"parameter": name})])

    @classmethod
    def pointer(cls, pointer: str, detail: str) -> ApiFault:
        """Refuse something in the body."""
        return cls(400, [Problem("invalid", detail, {"pointer": pointer})])

    @classmethod
    def bad_request(cls, detail: str) -> ApiFault:
        """Refuse the request as a whole."""
        return cls(400, [Problem("invalid", detail)])

    @classmethod
    def not_authenticated(cls, detail: str) -> ApiFault:
        """Say that the key is missing or unknown."""
        return cls(401, [Problem("not_authenticated", detail)])

    @classmethod
    def missing_scopes(cls, scopes: Iterable[str]) -> ApiFault:
        """Say that the key may not do this."""
        return cls(403, [Problem("permission_denied", f"The key lacks these scopes: {', '.join(scopes)}.")])

    @classmethod
    def not_found(cls, detail: str) -> ApiFault:
        """Say that a path or a resource does not exist."""
        return cls(404, [Problem("not_found", detail)])

    @classmethod
    def missing(cls, type_: str, id_: str) -> ApiFault:
        """Say that a resource does not exist."""
        return cls.not_found(f"A {type_} with id {id_} does not exist.")

    @classmethod
    def method_not_allowed(cls, method: str, allowed: Iterable[str]) -> ApiFault:
        """Say that the path exists, but not for this method."""
        detail = f"Method {method} is not allowed here."
        return cls(405, [Problem("method_not_allowed", detail)], {"Allow": ", ".join(allowed)})

    @classmethod
    def conflict(cls, detail: str, *, code: str = "conflict", pointer: str = "", **meta: Any) -> ApiFault:
        """Say that what was sent clashes with what the account holds."""
        source = {"pointer": pointer} if pointer else {}
        return cls(409, [Problem(code, detail, source, meta)])

    @classmethod
    def throttled(cls, seconds: int) -> ApiFault:
        """Return 429 with Retry-After, the only header that says when to come back."""
        detail = f"Expected to be available in {seconds} s."
        return cls(429, [Problem("throttled", detail)], {"Retry-After": str(seconds)})


YEARS = range(1970, 9000)  # what lies beyond cannot be reckoned with


def to_text(seconds: float) -> str:
    """Write Unix seconds as the API writes them, whole seconds in UTC."""
    return datetime.fromtimestamp(int(seconds), UTC).isoformat()


def to_seconds(text: str) -> float:
    """Read a date or a datetime; one without an offset is in UTC."""
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
