"""Requests made at random from each document, right ones and broken ones: the sandbox takes none that it forbids.

A right request may still be refused, since the account has no such id or a campaign has been sent.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from werkzeug.test import Client

from klaviyo_analytics.sandbox import Sandbox
from tests.contract.conftest import needed_document
from tests.contract.openapi import Document, Operation
from tests.contract.recorder import CheckedApp
from tests.contract.walk import NOT_SERVED, NOW, headers

Json = Any
APIECE = 4  # bodies for each operation, half of them broken


class Maker:
    """Makes values of a schema at random, and breaks them."""

    def __init__(self, document: Document, sandbox: Sandbox, seed: int) -> None:
        self.document, self.dice = document, random.Random(seed)
        self.ids = {kind: list(found)[:20] for kind, found in sandbox.account.records.items() if found}

    def value(self, schema: Json, depth: int = 0) -> Json:
        """Make a value that a schema allows."""
        schema = self.document.resolved(schema)
        if "enum" in schema:
            return self.dice.choice(schema["enum"])
        if several := schema.get("oneOf") or schema.get("anyOf"):
            return self.value(self.dice.choice(several), depth + 1)
        if "allOf" in schema:
            return {
                name: value for part in schema["allOf"] for name, value in self.value(part, depth).items()
            }
        if "properties" in schema or schema.get("type") == "object":
            return self._object(schema, depth)
        if schema.get("type") == "array":
            least, most = schema.get("minItems", 1), schema.get("maxItems", 2)
            return [self.value(schema["items"], depth + 1) for _ in range(max(least, min(2, most)))]
        return self._plain(schema)

    def _object(self, schema: Json, depth: int) -> Json:
        needed, share = schema.get("required", ()), 0.5 if depth < 5 else 0.2
        return {
            name: self.value(each, depth + 1)
            for name, each in schema.get("properties", {}).items()
            if name in needed or self.dice.random() < share
        }

    def _plain(self, schema: Json) -> Json:
        kind = schema.get("type")
        if kind == "string":
            made = {"date-time": "2026-07-10T10:00:00+00:00", "date": "2026-07-10"}.get(
                schema.get("format", "")
            )
            return made or schema.get("example") or f"w{self.dice.randint(0, 99)}"
        if kind in ("integer", "number"):
            return self.dice.randint(schema.get("minimum", 0), schema.get("maximum", 50))
        return self.dice.random() < 0.5

    def named(self, value: Json) -> None:
        """Give resources the ids of such resources of the account."""
        for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            self.named(each)
        if isinstance(value, dict) and "id" in value and value.get("type") in self.ids:
            value["id"] = self.dice.choice(self.ids[value["type"]])

    def break_(self, value: Json) -> None:
        """Change one place of a body: it goes away, gets another type, or something that nobody knows."""
        holder, key = self.dice.choice(list(_places(value)))
        held = holder[key]
        way = self.dice.choice(["gone", "null", "other", "unknown"])
        if way == "gone":
            del holder[key]
        elif way == "unknown" and isinstance(held, dict):
            held["surprise"] = 1
        elif way == "null":
            holder[key] = None
        else:
            holder[key] = self.dice.choice([5, "text", True, [], {}, -1, 1.5, ""])

    def path(self, operation: Operation, body: Json) -> str:
        """Fill in the id of a path: that of the body, or of any resource of its collection."""
        collection = operation.template.split("/")[2]
        known = next((ids for kind, ids in self.ids.items() if collection in _plurals(kind)), ["none"])
        data = body.get("data")
        id_ = data.get("id") if isinstance(data, dict) else None
        own = id_ if isinstance(id_, str) and id_ else self.dice.choice(known)
        return operation.template.replace("{id}", quote(own, safe=""))


def _plurals(kind: str) -> tuple[str, ...]:
    return kind, f"{kind}s", f"{kind[:-1]}ies"


def _places(value: Json) -> Iterator[tuple[Json, Any]]:
    keys: Any = value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield value, key
        yield from _places(value[key])


def asked_at_random(document: Document, sandbox: Sandbox, revision: str) -> CheckedApp:
    """Send some bodies to every operation that takes one."""
    maker, app = Maker(document, sandbox, 7), CheckedApp(sandbox.wsgi, document)
    client = Client(app)
    for operation in document.operations:
        kind, schema = next(iter(operation.takes.items()), ("", None))
        if schema is None or "json" not in kind or not operation.template.startswith("/api/"):
            continue
        for number in range(APIECE):
            body = maker.value(schema)
            maker.named(body)
            if number % 2:
                maker.break_(body)
            sent = headers(sandbox.api_key, revision) | {"Content-Type": kind}
            path = maker.path(operation, body)
            client.open(path, method=operation.method, data=json.dumps(body), headers=sent)
    return app


def test_what_the_document_forbids_is_refused_and_nothing_breaks_the_sandbox(revision: str) -> None:
    document = needed_document(revision)
    with Sandbox(profiles=60, events=500, now=NOW) as sandbox:
        app = asked_at_random(document, sandbox, revision)
    assert len(app.exchanges) > 300
    accepted = [each for each in app.exchanges if each.status < 400]
    assert len(accepted) > 40
    assert len([each for each in accepted if each.method == "POST"]) > 15
    taken = [f"{each.method} {each.url}: {each.in_request}" for each in accepted if each.in_request]
    assert not taken, taken
    assert {each.status for each in app.exchanges if each.status >= 500} <= {NOT_SERVED}
    wrong = [f"{each.method} {each.url}: {each.in_answer}" for each in app.exchanges if each.in_answer]
    assert not wrong, wrong


@pytest.mark.parametrize("body", [{"object-records": {}}, {"object-records": {"data": []}}])
def test_objects_to_delete_that_are_not_named_are_refused(body: Json) -> None:
    with Sandbox(profiles=5, events=20) as sandbox:
        sent = headers(sandbox.api_key, "2026-07-15")
        answer = Client(sandbox.wsgi).post(
            "/api/object-record-bulk-delete-jobs",
            json={"data": {"type": "object-record-bulk-delete-job", "relationships": body}},
            content_type="application/vnd.api+json",
            headers=sent,
        )
    assert answer.status_code == 400
