"""Reading: one resource, a collection, what is related, and the ids of what is related."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import orjson

from klaviyo_analytics.sandbox.app import events, groups
from klaviyo_analytics.sandbox.app.contract import Operation
from klaviyo_analytics.sandbox.app.errors import ApiFault
from klaviyo_analytics.sandbox.app.paging import Page, View, mark_of, page_links, take_page, url
from klaviyo_analytics.sandbox.app.predicates import matches_all
from klaviyo_analytics.sandbox.app.query import Query
from klaviyo_analytics.sandbox.app.relations import target
from klaviyo_analytics.sandbox.app.render import Included, Renderer
from klaviyo_analytics.sandbox.app.store import GROUPS, Store
from klaviyo_analytics.sandbox.app.suppressions import MARKETING, latest
from klaviyo_analytics.sandbox.model import Record

Json = dict[str, Any]


@dataclass(slots=True)
class Call:
    """One request, as the handlers see it."""

    store: Store
    operation: Operation
    path: str  # as it came, percent-encoded
    params: dict[str, str]
    query: Query
    owner: str  # the type that the path's id belongs to
    body: Any = None
    status: int = field(init=False)  # of the answer, if all goes well

    def __post_init__(self) -> None:
        self.status = self.operation.success[0]

    @property
    def id(self) -> str:
        """The id in the path."""
        return next(iter(self.params.values()))


def list_resources(call: Call) -> Json:
    """Answer a collection."""
    shape = call.operation.shape
    assert shape is not None
    if shape.type == "event":
        return answer_page(call, events.view(call.store, call.query))
    ids = list(call.store.records(shape.type))
    return answer_page(call, ordered(call, shape.type, ids))


def get_resource(call: Call) -> Json:
    """Answer one resource by its id."""
    shape = call.operation.shape
    assert shape is not None
    return answer_one(call, call.store.get(shape.type, call.id))


def get_related(call: Call) -> Json:
    """Answer what a relationship leads to, whole or (`/relationships/`) as ids only."""
    owner = call.store.get(call.owner, call.id)
    name = call.operation.segments[-1]
    shape = call.operation.shape
    assert shape is not None
    if owner.type in GROUPS and name == "profiles":
        return answer_page(
            call, groups.view(call.store, owner.id, call.query), joined=call.store.members(owner.id)
        )
    ids = call.store.related(owner, name)
    if call.operation.many:
        return answer_page(call, ordered(call, target(owner.type, name), ids))
    other = call.store.find(target(owner.type, name), ids[0]) if ids else None
    if other is None:
        raise ApiFault.not_found(f"The {owner.type} {owner.id} has no {name}.")
    return answer_one(call, other)


def ordered(call: Call, type_: str, ids: Iterable[str]) -> View:
    """Filter and sort resources; without a sort they come in the order of their ids."""

    def build() -> View:
        store, query = call.store, call.query
        records = store.find_all(type_, ids)
        kept = [record for record in records if matches_all(store, record, query.conditions)]
        name = query.sort.removeprefix("-") or "id"
        pairs = sorted((_sort_key(record, name), record.id) for record in kept)
        return View([key for key, _ in pairs], [id_ for _, id_ in pairs], query.sort.startswith("-"))

    return call.store.derive(
        (call.operation.id, *call.params.values(), call.query.filter, call.query.sort), build
    )


def _sort_key(record: Record, name: str) -> tuple[int, Any]:
    """Make a key of which all compare; what has no value comes last."""
    if name.startswith(MARKETING):
        value: Any = latest(record, name)
    else:
        value = record.id if name == "id" else record.attributes.get(name)
    return (1, "") if value is None else (0, value)


def answer_page(call: Call, view: View, joined: dict[str, int] | None = None) -> Json:
    """Answer the page of an ordered collection that the query asks for."""
    query = call.query
    mark = mark_of(call.operation.id, *call.params.values(), query.filter, query.sort)
    page = take_page(view, query.size, query.cursor, mark)
    shape = call.operation.shape
    assert shape is not None
    if shape.attributes is None and "relationships" in call.operation.segments:
        named = [{"type": shape.type, "id": id_} for id_ in page.ids]
        return {"data": named, "links": _links(call, page)}
    records = call.store.find_all(shape.type, page.ids)
    if joined is not None:
        records = (groups.with_joined(record, joined) for record in records)
    renderer, included = (
        Renderer(call.store, shape, call.query),
        Included(call.store, call.operation.included, call.query),
    )
    data: list[Any] = []
    for record in records:
        # Each resource is text at once: thousands of live dicts would keep the garbage collector busy.
        data.append(orjson.Fragment(orjson.dumps(renderer.object(record))))
        included.follow(record)
    return _document(call, data, included, _links(call, page))


def answer_one(call: Call, record: Record) -> Json:
    """Answer one resource."""
    shape = call.operation.shape
    assert shape is not None
    links = {"self": url(call.path, call.query.pairs)}
    if shape.attributes is None and "relationships" in call.operation.segments:
        return {"data": {"type": record.type, "id": record.id}, "links": links}
    included = Included(call.store, call.operation.included, call.query)
    included.follow(record)
    return _document(call, Renderer(call.store, shape, call.query).object(record), included, links)


def _document(call: Call, data: Any, included: Included, links: dict[str, str]) -> Json:
    document: Json = {"data": data}
    if call.query.include:
        document["included"] = list(included.found.values())
    document["links"] = links
    return document


def _links(call: Call, page: Page) -> dict[str, str]:
    return page_links(call.path, call.query, page)
