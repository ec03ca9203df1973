"""What the sandbox refuses, and that it says so in the document's shape."""

from __future__ import annotations

import re

import pytest
from werkzeug.test import Client

from klaviyo_analytics.sandbox import Sandbox
from tests.contract.openapi import Document
from tests.contract.recorder import CheckedApp
from tests.contract.walk import headers

JSONAPI = {"Content-Type": "application/vnd.api+json"}


def test_no_nonsense_is_taken_for_a_write(document: Document, sandbox: Sandbox) -> None:
    app = CheckedApp(sandbox.wsgi, document)
    client = Client(app)
    for operation in document.operations:
        if operation.takes and operation.template.startswith("/api/"):
            path = re.sub(r"\{\w+\}", "none", operation.template)
            for body in (
                {},
                {"data": None},
                {"data": {"type": "surprise"}},
                {"data": [{"type": "surprise"}]},
            ):
                client.open(
                    path, method=operation.method, json=body, headers=headers(sandbox.api_key) | JSONAPI
                )
    assert len(app.exchanges) >= 400
    passed = [f"{each.method} {each.url}" for each in app.exchanges if each.status < 400]
    assert not passed, passed
    wrong = [violation for each in app.exchanges for violation in each.in_answer]
    assert not wrong, wrong


@pytest.mark.parametrize(
    ("path", "changes", "status"),
    [
        ("/api/lists", {"Authorization": "Klaviyo-API-Key pk_wrong"}, 401),
        ("/api/lists", {"revision": ""}, 400),
        ("/api/lists", {"revision": "today"}, 400),
        ("/api/lists/none", {}, 404),
        ("/api/nowhere", {}, 404),
        ("/client/reviews?company_id=x", {}, 404),
    ],
)
def test_refusals_have_the_documents_shape(
    document: Document, sandbox: Sandbox, path: str, changes: dict[str, str], status: int
) -> None:
    app = CheckedApp(sandbox.wsgi, document)
    answer = Client(app).get(path, headers=headers(sandbox.api_key) | changes)
    assert answer.status_code == status
    assert document.check_response("GET", path, status, dict(answer.headers), answer.data) == []
