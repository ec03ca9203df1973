"""Maton's connections: which Klaviyo accounts a Maton key reaches."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

from klaviyo_analytics.sandbox.app.errors import to_text

ACTIVE, PENDING, FAILED = "ACTIVE", "PENDING", "FAILED"


@dataclass(slots=True)
class Connection:
    """One connection; `scopes` None means all of them, and an expired grant answers 500."""

    id: str
    status: str
    created: float
    updated: float
    app: str = "klaviyo"
    method: str = "OAUTH2"
    metadata: dict[str, Any] = field(default_factory=dict)
    scopes: Collection[str] | None = None
    grant_expired: bool = False

    def to_json(self) -> dict[str, Any]:
        """Shape it as the control API does; the link holds a token for the session."""
        token = uuid.uuid5(uuid.NAMESPACE_URL, self.id).hex
        return {
            "connection_id": self.id,
            "status": self.status,
            "creation_time": to_text(self.created),
            "last_updated_time": to_text(self.updated),
            "url": f"https://connect.maton.ai/?session_token={token}",
            "app": self.app,
            "method": self.method,
            "metadata": self.metadata,
        }


class Connections:
    """All connections of the Maton account, the oldest first; one to Klaviyo is active at the start."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._kept: dict[str, Connection] = {}
        self.create(status=ACTIVE)

    def create(self, app: str = "klaviyo", *, method: str = "OAUTH2", status: str = PENDING) -> Connection:
        """Add a connection that waits for its owner's consent."""
        number = len(self._kept) + 1
        id_ = str(uuid.uuid5(uuid.NAMESPACE_OID, f"connection {number} {self._now()}"))
        connection = Connection(id_, status, self._now(), self._now(), app, method)
        self._kept[id_] = connection
        return connection

    def list(self, app: str | None = None, status: str | None = None) -> list[Connection]:
        """Find connections of an app or in a state."""
        return [
            connection
            for connection in self._kept.values()
            if app in (None, connection.app) and status in (None, connection.status)
        ]

    def get(self, id_: str) -> Connection | None:
        """Look up one connection."""
        return self._kept.get(id_)

    def delete(self, id_: str) -> None:
        """Forget a connection."""
        del self._kept[id_]

    def activate(self, id_: str) -> None:
        """Activate a pending connection, as if the owner had consented."""
        self._set(id_, ACTIVE)

    def fail(self, id_: str) -> None:
        """Mark a connection as failed."""
        self._set(id_, FAILED)

    def expire(self, id_: str, *, expired: bool = True) -> None:
        """Expire or renew Klaviyo's grant behind a connection."""
        self._kept[id_].grant_expired = expired

    def _set(self, id_: str, status: str) -> None:
        self._kept[id_].status = status
        self._kept[id_].updated = self._now()
