"""Sends writes to an account, as the document wants them, and reads back what came of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson
import pytest
from werkzeug.test import Client

from tests.contract.recorder import CheckedApp
from tests.contract.walk import NOT_SERVED, headers

Json = Any


def link(kind: str, identity: str) -> Json:
    return {"data": {"type": kind, "id": identity}}


def links(kind: str, *identities: str) -> Json:
    return {"data": [{"type": kind, "id": each} for each in identities]}


@dataclass
class Writer:
    """Sends JSON:API documents to the sandbox; the test is skipped where the sandbox does not serve one."""

    app: CheckedApp
    key: str

    def send(self, method: str, path: str, body: Json = None, *, get: str = "") -> Json:
        """Return the data of the answer; `get` is a path to read afterwards, with the answered id in it."""
        client = Client(self.app)
        has_body = {} if body is None else {"json": body, "content_type": "application/vnd.api+json"}
        answer = client.open(path, method=method, headers=headers(self.key), **has_body)
        if answer.status_code == NOT_SERVED:
            pytest.skip(f"the sandbox does not serve {method} {path}")
        data = _data(answer.data)
        if get and answer.status_code < 400:
            client.get(get.format(data["id"]), headers=headers(self.key))
        return data

    def post(self, path: str, kind: str, attributes: Json = None, *, get: str = "", **rest: Json) -> Json:
        return self.send("POST", path, self.document(kind, attributes, **rest), get=get)

    def patch(self, path: str, kind: str, identity: str, attributes: Json = None, **rest: Json) -> Json:
        body = self.document(kind, attributes, id=identity, **rest)
        return self.send("PATCH", f"{path}/{identity}", body)

    def delete(self, path: str) -> None:
        self.send("DELETE", path)
        Client(self.app).get(path, headers=headers(self.key))

    def ids(self, path: str) -> list[str]:
        answer = Client(self.app).get(path, headers=headers(self.key))
        return [each["id"] for each in _data(answer.data)]

    @staticmethod
    def document(kind: str, attributes: Json = None, **rest: Json) -> Json:
        return {"data": {"type": kind} | ({} if attributes is None else {"attributes": attributes}) | rest}


def _data(body: bytes) -> Json:
    return orjson.loads(body).get("data") if body else None
