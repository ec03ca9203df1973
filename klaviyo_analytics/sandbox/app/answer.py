"""An answer on its way to the wire."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import orjson

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
    """What a dropped connection looks like where there is no socket."""
