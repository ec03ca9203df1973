"""What a write sends: said by `dry_run`, and judged by the official document where there is one."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import pytest

from klaviyo_analytics.client import KlaviyoClient
from tests.contract.openapi import Document
from tests.shops import OPENAPI

Json = Any
Call = Callable[[KlaviyoClient], Any]
HEADERS = {"revision": "2026-01-15", "content-type": "application/vnd.api+json"}


def data(kind: str, attributes: Json = None, *, id: str | None = None, **rest: Json) -> Json:
    document: Json = {"type": kind}
    if id is not None:
        document["id"] = id
    if attributes is not None:
        document["attributes"] = attributes
    return {"data": {**document, **rest}}


def one(kind: str, id: str) -> Json:
    return {"data": {"type": kind, "id": id}}


def many(kind: str, *ids: str) -> Json:
    return {"data": [{"type": kind, "id": id} for id in ids]}


def sends(name: str, call: Call, request: str, body: Json = None) -> Any:
    """Name a case: this call makes this request."""
    return pytest.param(call, request, body, id=name)


def check(client: KlaviyoClient, call: Call, request: str, body: Json) -> None:
    """Run a call dry; it must show this request, and the official document must allow it."""
    shown = dry(client, call)
    assert f"{shown['method']} {shown['path']}" == request
    assert shown["body"] == body
    if Path(OPENAPI).is_file():
        assert not _document().check_request(
            shown["method"], shown["path"], HEADERS, orjson.dumps(shown["body"])
        )


def dry(client: KlaviyoClient, call: Call) -> dict[str, Any]:
    """Make a call with `dry_run=True` added, whatever verb it is."""
    frame = call(_Dry(client))  # type: ignore[arg-type]
    assert list(frame.columns) == ["method", "path", "body"]
    assert len(frame) == 1
    return dict(frame.iloc[0])


class _Dry:
    """A client whose verbs all run dry."""

    def __init__(self, thing: Any) -> None:
        self._thing = thing

    def __getattr__(self, name: str) -> Any:
        inside = getattr(self._thing, name)
        if callable(inside):
            return lambda *args, **kwargs: inside(*args, **kwargs, dry_run=True)
        return _Dry(inside)


@cache
def _document() -> Document:
    return Document.load(OPENAPI)
