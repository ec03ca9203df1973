"""Reports as the official document has them: every statistic, grouping and page."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from klaviyo_analytics.sandbox import Sandbox
from klaviyo_analytics.sandbox.app.contract import load_contract
from tests.contract.conftest import document_path
from tests.contract.openapi import Document
from tests.sandbox.api import JSON_API, Api
from tests.sandbox.asking import KINDS

SCHEMAS = load_contract().schemas


@pytest.fixture(scope="module")
def document() -> Document:
    return Document.load(document_path(os.environ))


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(profiles=150, events=4000) as sandbox:
        yield sandbox


@pytest.mark.parametrize("kind", KINDS)
def test_all_that_can_be_asked_for(document: Document, sandbox: Sandbox, kind: str) -> None:
    schema = SCHEMAS[f"{kind.title().replace('-', '')}RequestDTOResourceObject"]["properties"]["attributes"]
    properties = schema["properties"]
    attributes: dict[str, Any] = {
        "statistics": properties["statistics"]["items"]["enum"],
        "timeframe": {"key": "last_month"},
    }
    if "conversion_metric_id" in properties:
        attributes["conversion_metric_id"] = next(iter(sandbox.account.records["metric"]))
    if "group_by" in properties:
        attributes["group_by"] = properties["group_by"]["items"]["enum"]
    if "interval" in properties:
        attributes["interval"] = "daily"
    path, body = f"/api/{kind}-reports", {"data": {"type": f"{kind}-report", "attributes": attributes}}
    headers = {"revision": "2026-01-15", "Content-Type": JSON_API}
    assert document.check_request("POST", path, headers, orjson.dumps(body)) == []
    reply = Api(sandbox).post(path, body)
    assert document.check_response("POST", path, reply.status, reply.headers, reply.body) == []
    results = reply.json["data"]["attributes"]["results"]
    assert results
    for row in results:
        assert list(row["statistics"]) == attributes["statistics"]
        assert list(row["groupings"]) == attributes.get("group_by", ["segment_id"])


@pytest.mark.parametrize("kind", KINDS)
def test_refusals(document: Document, sandbox: Sandbox, kind: str) -> None:
    path, body = f"/api/{kind}-reports", {"data": {"type": f"{kind}-report", "attributes": {}}}
    reply = Api(sandbox).post(path, body)
    assert reply.status == 400
    assert document.check_response("POST", path, reply.status, reply.headers, reply.body) == []
