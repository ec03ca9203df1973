"""A walk through an account: every GET of the document, in all the ways that the document allows."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from werkzeug.test import Client

from tests.contract.filter_expression import allowed_by
from tests.contract.jsonapi_rules import linkage, resources
from tests.contract.literals import literal
from tests.contract.openapi import Operation
from tests.contract.recorder import CheckedApp, Exchange

Json = Any
REVISION = "2026-01-15"
NOT_SERVED = 501
NOW = 1_767_225_600  # of the sandbox: 2026-01-01T00:00:00Z
PAGES = 2  # of each plain list
APIECE = 8  # resources that each operation on one resource is asked about plainly
AGAIN = 2  # of those that answered, how many are asked in each other way
CHANNELS = ("email", "sms", "mobile_push")
# No operation of the document knows any of these.
WRONG = {
    "surprise": "1",
    "include": "surprise",
    "sort": "surprise",
    "fields[surprise]": "name",
    "additional-fields[surprise]": "name",
    "filter": 'equals(surprise,"1")',
    "page[size]": "100000",
}
# Resources that carry another resource's id and stand in no list.
NAMED_AFTER = {
    "campaign-recipient-estimation": "campaign",
    "campaign-recipient-estimation-job": "campaign",
    "campaign-send-job": "campaign",
}


@dataclass
class Walk:
    """What the account has shown so far, and what was asked."""

    app: CheckedApp
    key: str
    revision: str = REVISION
    found: dict[str, dict[str, Json]] = field(
        default_factory=lambda: defaultdict(dict)
    )  # type -> id -> resource
    not_served: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.client = Client(self.app)
        self.document = self.app.document
        self.reads = [
            each
            for each in self.document.operations
            if each.method == "GET" and each.template.startswith("/api/")
        ]
        self._discover()
        self.plain = list(self.app.exchanges)

    def ask(self, ways: Callable[[Walk, Operation], Iterator[dict[str, str]]]) -> list[Exchange]:
        """Ask each operation in several ways, of one resource each; return what went on."""
        before = len(self.app.exchanges)
        for operation in self.reads:
            for url in self._answering(operation):
                for query in ways(self, operation):
                    self.get(url, self.required(operation) | query)
        return self.app.exchanges[before:]

    def _answering(self, operation: Operation) -> list[str]:
        """Return the paths of an operation that gave something when they were asked plainly."""
        urls = (
            each.url for each in self.plain if each.operation == operation.template and each.status == 200
        )
        return sorted({url.partition("?")[0] for url in urls})[:AGAIN]

    def get(self, url: str, query: Mapping[str, str] | None = None) -> Json:
        """Read a document and remember its resources; None for an error."""
        answer = self.client.get(
            f"{url}?{urlencode(query)}" if query else url, headers=headers(self.key, self.revision)
        )
        if answer.status_code != 200:
            return None
        body = answer.get_json(force=True)
        for _, resource in resources(body):
            sparse = "fields[" in str(query)
            if "attributes" in resource and not sparse:
                self.found[resource["type"]][resource["id"]] = resource
            self.found[resource["type"]].setdefault(resource["id"], None)
            for _, targets in linkage(resource):
                for kind, identity in targets:
                    self.found[kind].setdefault(identity, None)
        return body

    def _discover(self) -> None:
        """Ask every operation plainly; what one answers gives the ids for the next."""
        campaigns = next(each for each in self.reads if each.template == "/api/campaigns")
        for channel in CHANNELS if campaigns.query["filter"].get("required") else ():
            self.get("/api/campaigns", {"filter": f'equals(messages.channel,"{channel}")'})
        asked: set[str] = set()
        for _ in range(4):
            for operation in self.reads:
                for url in sorted(set(self._urls(operation)) - asked):
                    asked.add(url)
                    self._read_pages(operation, url)

    def _read_pages(self, operation: Operation, url: str) -> None:
        body = self.get(url, self.required(operation))
        status = self.app.exchanges[-1].status
        if status == NOT_SERVED:
            self.not_served.add(operation.template)
        for _ in range(PAGES - 1):
            following = (body or {}).get("links", {}).get("next")
            if following:
                body = self.get(following.removeprefix(self.document.server))

    def _urls(self, operation: Operation) -> list[str]:
        """Return paths of an operation for some of the resources that it can be asked about."""
        if operation.template in self.not_served:
            return []
        if "{" not in operation.template:
            return [operation.template]
        kind = str(self.document.type_at(operation.template))
        identities = list(self.found[NAMED_AFTER.get(kind, kind)])
        few = APIECE if not kind.startswith("campaign-") else 4 * APIECE  # of each channel
        step = max(1, len(identities) // few)
        encoded = (quote(identity, safe="") for identity in {*identities[::step], *identities[-1:]})
        return [re.sub(r"\{\w+\}", each, operation.template) for each in encoded]

    def required(self, operation: Operation, without: str = "") -> dict[str, str]:
        """Return the filter that a list cannot do without."""
        parameter = operation.query.get("filter", {})
        if not parameter.get("required"):
            return {}
        if operation.template == "/api/campaigns":
            name, expression = "messages.channel", 'equals(messages.channel,"email")'
        else:
            coupon = next(iter(self.found["coupon"]), "none")
            name, expression = "coupon.id", f'equals(coupon.id,"{coupon}")'
        return {} if name == without else {"filter": expression}

    def filters(self, operation: Operation) -> Iterator[dict[str, str]]:
        """Yield a query for each field and operator that the filter allows, with a value that exists."""
        parameter = operation.query.get("filter")
        if parameter is None:
            return
        for name, operators in allowed_by(parameter["description"]).items():
            for operator in sorted(operators):
                value = literal(self.found, self.document.type_of_answer(operation), name, operator)
                condition = f"{operator}({name},{value})" if value else f"{operator}({name})"
                companion = self.required(operation, without=name).get("filter", "")
                if ".list_suppressions." in name and not name.endswith("list_id"):
                    listed = literal(self.found, "profile", "list_id", "equals")
                    companion = f"equals(subscriptions.email.marketing.list_suppressions.list_id,{listed})"
                yield {"filter": f"{condition},{companion}" if companion else condition}

    def includes(self, operation: Operation) -> Iterator[dict[str, str]]:
        """Yield a query for each relationship that can be included, and one for all of them."""
        names = _enum(operation, "include")
        for chosen in [[name] for name in names] + [names] * (len(names) > 1):
            yield {"include": ",".join(chosen)}

    def sorts(self, operation: Operation) -> Iterator[dict[str, str]]:
        """Yield a query for each order."""
        for name in operation.query.get("sort", {}).get("schema", {}).get("enum", ()):
            yield {"sort": name}

    def sparse(self, operation: Operation) -> Iterator[dict[str, str]]:
        """Yield queries that together ask for each field of each type, with all that can be included."""
        every = {"include": ",".join(_enum(operation, "include"))} if _enum(operation, "include") else {}
        for name in operation.query:
            if name.startswith("fields["):
                names = _enum(operation, name)
                for chosen in filter(None, (names[::2], names[1::2])):
                    yield {name: ",".join(chosen), **every}

    def additions(self, operation: Operation) -> Iterator[dict[str, str]]:
        """Yield a query for each additional field."""
        for name in operation.query:
            if name.startswith("additional-fields["):
                for added in _enum(operation, name):
                    yield {name: added}

    def mistakes(self, operation: Operation) -> Iterator[dict[str, str]]:
        """Yield queries with one mistake each."""
        for name, value in WRONG.items():
            yield {name: value}

    def page_sizes(self, operation: Operation) -> Iterator[dict[str, str]]:
        """Yield queries for the smallest and the largest page."""
        schema = operation.query.get("page[size]", {}).get("schema", {})
        for bound in ("minimum", "maximum"):
            if bound in schema:
                yield {"page[size]": str(schema[bound])}


def headers(key: str, revision: str = REVISION) -> dict[str, str]:
    """Return what every request carries."""
    return {"Authorization": f"Klaviyo-API-Key {key}", "revision": revision}


def _enum(operation: Operation, parameter: str) -> list[str]:
    schema = operation.query.get(parameter, {}).get("schema", {})
    return list(schema.get("items", {}).get("enum", ()))
