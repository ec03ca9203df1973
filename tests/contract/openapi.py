"""Klaviyo's official OpenAPI document as a judge of requests and answers.

The judge shares nothing with the client or the sandbox: it reads the document alone, so that a mistake which
both of them make is found.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import orjson

from tests.contract import filter_expression, jsonapi_rules
from tests.contract.json_schema import Reading, Schema, Schemas
from tests.contract.jsonapi_rules import Asked

Json = Any
REQUEST = Reading(answer=False)
ERROR = Reading(
    answer=True, closed=False
)  # status, links and meta are seen in practice beside what is listed
REVISION = re.compile(r"\d{4}-\d\d-\d\d(\.\w+)?")


@dataclass(frozen=True)
class Operation:
    """One method on one path of the document."""

    method: str
    template: str
    facts: Mapping[str, Any]

    @cached_property
    def query(self) -> dict[str, Mapping[str, Any]]:
        return {each["name"]: each for each in self.facts.get("parameters", ()) if each["in"] == "query"}

    @cached_property
    def additional(self) -> dict[str, set[str]]:
        """The additional fields of each type, which an answer shows only on request."""
        return {
            name.removeprefix("additional-fields[")[:-1]: set(parameter["schema"]["items"]["enum"])
            for name, parameter in self.query.items()
            if name.startswith("additional-fields[")
        }

    @property
    def takes(self) -> dict[str, Schema]:
        """{content type: schema} of the request's body; empty where none is allowed."""
        return _schemas(self.facts.get("requestBody", {}))

    def gives(self, status: int) -> dict[str, Schema] | None:
        """{content type: schema} of an answer's body, empty for no body; None where the status is unknown."""
        answer = self.facts["responses"].get(str(status))
        return None if answer is None else _schemas(answer)


class Document:
    """The operations of the document, and what a request or an answer violates."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.server: str = document["servers"][0]["url"]
        self.operations = [
            Operation(method.upper(), template, facts)
            for template, methods in document["paths"].items()
            for method, facts in methods.items()
        ]
        self._schemas = Schemas(document["components"]["schemas"])
        self._error = _schemas(document["components"]["responses"]["ClientError"])
        self._paths: dict[str, dict[str, Operation]] = {}
        for operation in self.operations:
            self._paths.setdefault(operation.template, {})[operation.method] = operation
        self._patterns = [(_pattern(template), template) for template in self._paths]

    @classmethod
    def load(cls, path: str | Path) -> Document:
        return cls(orjson.loads(Path(path).read_bytes()))

    def find(self, method: str, url: str) -> Operation | None:
        return self._methods(url).get(method.upper())

    def resolved(self, schema: Schema) -> Schema:
        """Return a schema, or the component that it refers to."""
        return self._schemas.resolved(schema)

    def type_at(self, template: str) -> str | None:
        """Return the type of the resources whose ids a path template takes."""
        home = "/".join(template.split("/")[:3])
        return next((kind for kind, homes in self._collections.items() if home in homes), None)

    def type_of_answer(self, operation: Operation) -> str:
        """Return the type of the primary data that a GET answers with."""
        schema = next(iter((operation.gives(200) or {}).values()))
        data = self._schemas.property_of(schema, "data")
        resource = data.get("items", data)
        return str(self._schemas.property_of(resource, "type")["enum"][0])

    def check_request(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> list[str]:
        """Say what a request violates; `url` is a path from /api on with its query, or a whole URL."""
        if not self._methods(url):
            return [f"{_asked(url, self.server).path} is not a path of the document"]
        operation = self.find(method, url)
        if operation is None:
            return [f"{method} is not allowed, only {', '.join(self._methods(url))}"]
        asked = _asked(url, self.server)
        revision = _header(headers, "revision")
        found = [] if REVISION.fullmatch(revision) else [f"revision header: {revision!r}"]
        return [*found, *self._query(operation, asked), *self._request_body(operation, asked, headers, body)]

    def check_response(
        self, method: str, url: str, status: int, headers: Mapping[str, str], body: bytes | None = None
    ) -> list[str]:
        """Say what an answer violates, given the request's method and URL (with its query)."""
        operation, asked = self.find(method, url), _asked(url, self.server)
        if status >= 400:
            return self._typed_body(self._error, headers, body, ERROR)[0]
        if operation is None:
            return [f"status {status} for an operation that is not in the document"]
        documented = operation.gives(status)
        if documented is None:
            return [f"status {status}: documented are {', '.join(operation.facts['responses'])}"]
        reading = Reading(answer=True, sparse=frozenset(asked.families("fields")))
        found, value = self._typed_body(documented, headers, body, reading)
        if found or value is None:
            return found  # what has the wrong shape cannot be read any further
        return list(self._beyond_schema(operation, asked, value))

    def _beyond_schema(self, operation: Operation, asked: Asked, body: Json) -> Iterator[str]:
        if operation.method == "GET":
            yield from jsonapi_rules.page_size(body, asked)
            yield from jsonapi_rules.links(body, asked, self.server, self._collections)
            for key, link in jsonapi_rules.page_links(body):
                yield from (
                    f"links.{key}: {each}" for each in self._query(operation, _asked(link, self.server))
                )
        yield from jsonapi_rules.fields(body, asked, operation.additional)
        yield from jsonapi_rules.included(body, asked)

    def _query(self, operation: Operation, asked: Asked) -> Iterator[str]:
        given = dict(asked.query)
        for name, parameter in operation.query.items():
            if parameter.get("required") and name not in given:
                yield f"{name}: this parameter is required"
        for name, raw in asked.query:
            parameter = operation.query.get(name, {})
            if not parameter:
                yield f"{name}: not a parameter of {operation.template}"
                continue
            for reason in self._schemas.violations(parameter["schema"], _typed(raw, parameter), REQUEST):
                yield f"{name}: {reason.removeprefix('body: ')}"
            if name == "filter":
                yield from filter_expression.violations(raw, parameter["description"])
        if len(given) < len(asked.query):
            yield "query: a parameter comes twice"

    def _request_body(
        self, operation: Operation, asked: Asked, headers: Mapping[str, str], body: bytes | None
    ) -> Iterator[str]:
        if "multipart/form-data" in operation.takes:
            if not _header(headers, "content-type").startswith("multipart/form-data; boundary="):
                yield "content-type: multipart/form-data is required"
            return
        found, value = self._typed_body(operation.takes, headers, body, REQUEST)
        yield from found
        data = value.get("data") if isinstance(value, dict) else None
        yield from self._body_filters(operation, value)
        changes_one = operation.method == "PATCH" and operation.template.endswith("}")
        if changes_one and isinstance(data, dict) and data.get("id") != asked.identity:
            yield f"data.id: {data.get('id')!r} is not the {asked.identity!r} of the path"

    def _body_filters(self, operation: Operation, body: Json) -> Iterator[str]:
        """Aggregates take a list of filters and reports take one, in the grammar of the query parameter."""
        for schema in operation.takes.values():
            prose = self._schemas.property_of(schema, "data", "attributes", "filter").get("description", "")
            try:
                filters = body["data"]["attributes"]["filter"] if prose else None
            except (KeyError, TypeError):
                continue
            for each in filters if isinstance(filters, list) else [filters]:
                if isinstance(each, str):
                    yield from filter_expression.violations(each, prose)

    def _typed_body(
        self, allowed: Mapping[str, Schema], headers: Mapping[str, str], body: bytes | None, reading: Reading
    ) -> tuple[list[str], Json]:
        """Return the violations of a body and, where it could be read, its value."""
        if not allowed:
            return ([f"body: {body[:60]!r} where none is allowed"] if body else []), None
        if not body:
            return ["body: missing"], None
        content_type = _header(headers, "content-type").split(";")[0].strip().lower()
        found = (
            [] if content_type in allowed else [f"content-type: {content_type!r} is not {', '.join(allowed)}"]
        )
        try:
            value = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            return [*found, f"body: not JSON: {error}"], None
        schema = allowed.get(content_type) or next(iter(allowed.values()))
        return found + self._schemas.violations(schema, value, reading), value

    def _methods(self, url: str) -> dict[str, Operation]:
        path = _asked(url, self.server).path
        return next(
            (self._paths[template] for pattern, template in self._patterns if pattern.fullmatch(path)), {}
        )

    @cached_property
    def _collections(self) -> dict[str, set[str]]:
        """{resource type: paths of the collections that its resources can be read from one by one}."""
        homes: dict[str, set[str]] = {}
        for operation in self.operations:
            one = re.fullmatch(r"(/api/[\w-]+)/\{\w+\}", operation.template)
            if one and operation.method == "GET":
                homes.setdefault(self.type_of_answer(operation), set()).add(one[1])
        return homes


def _schemas(holder: Mapping[str, Any]) -> dict[str, Schema]:
    return {kind: content["schema"] for kind, content in holder.get("content", {}).items()}


def _pattern(template: str) -> re.Pattern[str]:
    literals = re.split(r"\{\w+\}", template)
    return re.compile("[^/]+".join(map(re.escape, literals)))


def _asked(url: str, server: str) -> Asked:
    return Asked.by(url.removeprefix(server))


def _header(headers: Mapping[str, str], name: str) -> str:
    return next((value for key, value in headers.items() if key.lower() == name), "")


def _typed(raw: str, parameter: Mapping[str, Any]) -> Json:
    """Read a query value as its schema's type; what cannot be read stays text, which the schema refuses."""
    kind = parameter["schema"].get("type")
    if kind == "array":
        return raw.split(",")
    return int(raw) if kind == "integer" and re.fullmatch(r"-?\d+", raw) else raw
