"""Reading: one resource, a collection, what is related, and the ids of what is related."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import orjson

from klaviyo_analytics.sandbox.app import selection
from klaviyo_analytics.sandbox.app.contract import REVISION, Operation, Shape, load_contract
from klaviyo_analytics.sandbox.app.errors import ApiFault
from klaviyo_analytics.sandbox.app.filters import MARKETING, latest
from klaviyo_analytics.sandbox.app.paging import ORIGIN, Page, View, mark_of, page_links, take_page, url
from klaviyo_analytics.sandbox.app.request_checks import Query
from klaviyo_analytics.sandbox.app.selection import matches_all
from klaviyo_analytics.sandbox.app.store import GROUPS, INHERENT, ONLY_WHOLE, Store, target
from klaviyo_analytics.sandbox.model import Record


class Renderer:
    """Writes resources of one shape for one query."""

    def __init__(self, store: Store, shape: Shape, query: Query) -> None:
        contract = load_contract()
        self.store = store
        self.shape = shape
        collection = contract.collections.get(shape.type)
        self.root = f"{ORIGIN.get()}/api/{collection or shape.type + 's'}"
        self.has_links = collection is not None
        self.identifiers: dict[tuple[str, str], Json] = {}  # many resources lead to the same few
        self.names, self.paths = _choose(shape, query, contract.additional.get(shape.type, frozenset()))
        self.all_names = frozenset() if self.paths else frozenset(self.names)
        inherent = INHERENT.get(shape.type, frozenset())
        # Per relationship: its name, the type it leads to if its ids are shown, and whether it leads to many.
        self.relationships = [
            (
                name,
                target(shape.type, name) if self._shows(name, arity, query, inherent) else "",
                arity == "many",
            )
            for name, arity in shape.relationships.items()
        ]

    def object(self, record: Record) -> Json:
        """Write one resource."""
        shown: Json = {"type": record.type, "id": record.id}
        if self.shape.attributes is not None:
            shown["attributes"] = self._attributes(record)
        base = f"{self.root}/{quote(record.id, safe='$:=')}"
        if self.relationships:
            shown["relationships"] = self._relationships(record, base)
        shown["links"] = orjson.Fragment(f'{{"self":"{base}"}}')
        return shown

    def _shows(self, name: str, arity: str, query: Query, inherent: frozenset[str]) -> bool:
        return arity != "link" and (name in query.include or name in inherent)

    def _attributes(self, record: Record) -> Json:
        attributes = record.attributes
        if "profile_count" in self.names and record.type in GROUPS:
            attributes = {**attributes, "profile_count": len(self.store.members(record.id))}
        if attributes.keys() <= self.all_names:
            return attributes
        shown = {name: attributes[name] for name in self.names if name in attributes}
        for path in self.paths:
            _copy(attributes, shown, path)
        return shown

    def _relationships(self, record: Record, base: str) -> Json:
        shown: Json = {}
        for name, type_, many in self.relationships:
            entry: Json = {}
            if type_:
                ids = self.store.related(record, name)
                if many:
                    entry["data"] = [self._identifier(type_, id_) for id_ in ids]
                elif ids:
                    entry["data"] = self._identifier(type_, ids[0])
            if self.has_links:
                # Text, not a dict: a page of events has thousands, and they would keep the collector busy.
                own = "" if name in ONLY_WHOLE else f'"self":"{base}/relationships/{name}",'
                entry["links"] = orjson.Fragment(f'{{{own}"related":"{base}/{name}"}}')
            if entry:
                shown[name] = entry
        return shown

    def _identifier(self, type_: str, id_: str) -> Json:
        key = (type_, id_)
        if key not in self.identifiers:
            self.identifiers[key] = {"type": type_, "id": id_}
        return self.identifiers[key]


class Included:
    """What the included relationships of some resources lead to, each resource once."""

    def __init__(self, store: Store, shapes: Mapping[str, Shape], query: Query) -> None:
        self.store = store
        self.names = query.include
        self.renderers = {type_: Renderer(store, shape, query) for type_, shape in shapes.items()}
        self.found: dict[tuple[str, str], Json] = {}

    def follow(self, record: Record) -> None:
        """Add the resources that a resource's relationships lead to."""
        for name in self.names:
            type_ = target(record.type, name)
            for id_ in self.store.related(record, name):
                if (type_, id_) not in self.found and (other := self.store.find(type_, id_)):
                    self.found[type_, id_] = self.renderers[type_].object(other)


def _choose(shape: Shape, query: Query, additional: frozenset[str]) -> tuple[list[str], list[list[str]]]:
    """Choose the attributes to show whole, and the paths of those of which only a part is shown."""
    asked = query.additional.get(shape.type, ())
    hidden = additional.difference(name.split(".")[0] for name in asked)
    names = [name for name in shape.attributes or () if name not in hidden]
    if shape.type not in query.fields:
        return names, []
    fields = query.fields[shape.type]
    paths = [field.split(".") for field in fields if "." in field and field.split(".")[0] in names]
    partly = {path[0] for path in paths}
    return [name for name in names if name in fields or (name in asked and name not in partly)], paths


def _copy(source: Json, goal: Json, path: list[str]) -> None:
    """Copy one nested value, with the objects on the way to it."""
    *way, last = path
    for name in way:
        inner = source.get(name)
        if not isinstance(inner, dict):
            if name in source:
                goal.setdefault(name, inner)
            return
        source, goal = inner, goal.setdefault(name, {})
    if last in source:
        goal[last] = source[last]


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
        return answer_page(call, selection.event_view(call.store, call.query))
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
            call, selection.group_view(call.store, owner.id, call.query), joined=call.store.members(owner.id)
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
        (REVISION.get(), call.operation.id, *call.params.values(), call.query.filter, call.query.sort), build
    )


def _sort_key(record: Record, name: str) -> tuple[int, Any]:
    """Make a key of which all compare; what has no value comes last."""
    if name.startswith(MARKETING):
        value: Any = latest(record, name)
    else:
        value = record.id if name == "id" else selection.sort_value(record, name)
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
        records = (selection.with_joined(record, joined) for record in records)
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
