"""Resources as JSON:API objects: attributes asked for, relationships with links, and what is included."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import orjson

from klaviyo_analytics.sandbox.app.contract import Shape, load_contract
from klaviyo_analytics.sandbox.app.paging import ORIGIN
from klaviyo_analytics.sandbox.app.query import Query
from klaviyo_analytics.sandbox.app.relations import INHERENT, ONLY_WHOLE, target
from klaviyo_analytics.sandbox.app.store import GROUPS, Store
from klaviyo_analytics.sandbox.model import Record

Json = dict[str, Any]


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
        """Take in what a resource's relationships lead to."""
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
