"""Sends writes to an account, as the document wants them, and reads back what came of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import orjson
import pytest
from werkzeug.test import Client

from tests.contract.recorder import CheckedApp
from tests.contract.walk import NOT_SERVED, REVISION, headers

Json = Any
UNEVEN = {
    "catalog-category": "/api/catalog-categories",
    "template-universal-content": "/api/template-universal-content",
}


def link(kind: str, identity: str) -> Json:
    return {"data": {"type": kind, "id": identity}}


def links(kind: str, *identities: str) -> Json:
    return {"data": [{"type": kind, "id": each} for each in identities]}


@dataclass
class Writer:
    """Sends JSON:API documents to the sandbox; the test is skipped where the sandbox does not serve one."""

    app: CheckedApp
    key: str
    gone: set[str] = field(default_factory=set)  # paths of what was removed
    revision: str = REVISION

    def make(self, kind: str, attributes: Json = None, *, at: str = "", **rest: Json) -> str:
        """Post a resource and read back what came of it; return its id, which is empty if none was told."""
        path = at or self.path(kind)
        body = {"data": {"type": kind} | ({} if attributes is None else {"attributes": attributes}) | rest}
        identity = (self.send("POST", path, body) or {}).get("id", "")
        self._look(f"{path}/{quote(identity, safe='')}")
        return str(identity)

    def change(self, kind: str, identity: str, attributes: Json = None, **rest: Json) -> None:
        """Patch a resource and read it again."""
        body = {"type": kind, "id": identity} | ({} if attributes is None else {"attributes": attributes})
        self.send("PATCH", self.path(kind, identity), {"data": body | rest})
        self._look(self.path(kind, identity))

    def remove(self, kind: str, identity: str) -> None:
        """Delete a resource and look for it once more."""
        path = self.path(kind, identity)
        self.send("DELETE", path)
        self.gone.add(path)
        self._look(path)
        assert self.app.exchanges[-1].status == 404

    def relate(self, kind: str, identity: str, name: str, others: Json) -> None:
        """Write a relationship in every way that it can be written."""
        path = f"{self.path(kind, identity)}/relationships/{name}"
        for method in ("POST", "PATCH", "DELETE"):
            if self.app.document.find(method, path):
                self.send(method, path, others)
                self._look(path)

    def read(self, path: str) -> Json:
        return self.send("GET", path)

    def ids(self, kind: str, query: str = "") -> list[str]:
        return [each["id"] for each in self.read(self.path(kind) + query)]

    def send(self, method: str, path: str, body: Json = None) -> Json:
        """Return the data of the answer."""
        sent = {} if body is None else {"json": body, "content_type": "application/vnd.api+json"}
        answer = Client(self.app).open(path, method=method, headers=self.headers, **sent)
        if answer.status_code == NOT_SERVED:
            pytest.skip(f"the sandbox does not serve {method} {path}")
        return orjson.loads(answer.data).get("data") if answer.data else None

    @property
    def headers(self) -> dict[str, str]:
        return headers(self.key, self.revision)

    def _look(self, path: str) -> None:
        if self.app.document.find("GET", path):
            self.send("GET", path)

    @staticmethod
    def path(kind: str, identity: str = "") -> str:
        home = UNEVEN.get(kind, f"/api/{kind}s")
        return f"{home}/{quote(identity, safe='')}" if identity else home
