"""What an answer owes to its request beyond its schema: links, inclusion, chosen fields, page size."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

Json = Any
PAGE_LINKS = ("first", "last", "prev", "next")
CURSORS = ("page[cursor]", "page_cursor")


@dataclass(frozen=True, slots=True)
class Asked:
    """The URL of a request, taken apart."""

    path: str  # still percent-encoded, from /api on
    query: tuple[tuple[str, str], ...]

    @classmethod
    def by(cls, url: str) -> Asked:
        parts = urlsplit(url)
        return cls(parts.path, tuple(parse_qsl(parts.query, keep_blank_values=True)))

    def names(self, parameter: str) -> list[str]:
        """Return the names in a comma-joined parameter."""
        return [name for key, value in self.query if key == parameter for name in value.split(",")]

    def families(self, family: str) -> dict[str, set[str]]:
        """Return {type: names} of all parameters like fields[type]."""
        return {
            key[len(family) + 1 : -1]: set(self.names(key))
            for key, _ in self.query
            if key.startswith(f"{family}[")
        }

    @property
    def identity(self) -> str:
        """The decoded last step of the path."""
        return unquote(self.path.rsplit("/", 1)[-1])

    @property
    def without_cursor(self) -> set[tuple[str, str]]:
        return {(key, value) for key, value in self.query if key not in CURSORS}


def resources(body: Json) -> Iterator[tuple[str, Mapping[str, Json]]]:
    """Yield each whole resource of a document with its place: primary data first, then what is included."""
    for part in ("data", "included"):
        found = body.get(part) if isinstance(body, Mapping) else None
        if isinstance(found, Mapping):
            yield part, found
        for position, resource in enumerate(found if isinstance(found, list) else ()):
            if isinstance(resource, Mapping):
                yield f"{part}[{position}]", resource


def page_size(body: Json, asked: Asked) -> Iterator[str]:
    """A page holds no more than was asked for."""
    size, data = dict(asked.query).get("page[size]", ""), body.get("data")
    if size.isdecimal() and isinstance(data, list) and len(data) > int(size):
        yield f"data: {len(data)} resources on a page of {size}"


def fields(body: Json, asked: Asked, additional: Mapping[str, set[str]]) -> Iterator[str]:
    """A sparse fieldset brings nothing else, and an additional field comes only when it is asked for."""
    chosen, added = asked.families("fields"), asked.families("additional-fields")
    for place, resource in resources(body):
        kind, attributes = resource.get("type", ""), resource.get("attributes")
        if not isinstance(attributes, Mapping):
            continue
        named = chosen.get(kind, set()) | added.get(kind, set())
        unasked = additional.get(kind, set()) - {name.split(".")[0] for name in named}
        if kind in chosen:
            for name in _beyond(attributes, named):
                yield f"{place}.attributes: {name} is not in fields[{kind}]"
        for name in sorted(unasked & set(attributes)):
            yield f"{place}.attributes: {name} comes only with additional-fields[{kind}]"


def _beyond(attributes: Mapping[str, Json], named: set[str], prefix: str = "") -> Iterator[str]:
    for key, value in attributes.items():
        name = prefix + key
        if name in named:
            continue
        deeper = any(other.startswith(f"{name}.") for other in named)
        if deeper and isinstance(value, Mapping):
            yield from _beyond(value, named, f"{name}.")
        elif not deeper:
            yield name


def included(body: Json, asked: Asked) -> Iterator[str]:
    """Resources are included when they are asked for, once each, and each is linked from the document."""
    attached = [
        (each.get("type"), each.get("id")) for place, each in resources(body) if place.startswith("included")
    ]
    wanted = asked.names("include")
    if "included" in body and not wanted:
        yield "included: nothing was asked to be included"
    if len(set(attached)) < len(attached):
        yield "included: a resource comes twice"
    linked: set[tuple[Any, Any]] = set()
    for place, resource in resources(body):
        for name, targets in linkage(resource):
            linked |= targets
            missing = targets - set(attached)
            if place.startswith("data") and name in wanted and missing:
                yield f"{place}.relationships.{name}: {sorted(missing)[0]} is not included"
    for kind, identity in sorted(set(attached) - linked, key=str):
        yield f"included: no relationship of the document leads to {kind} {identity}"


def linkage(resource: Mapping[str, Json]) -> Iterator[tuple[str, set[tuple[Any, Any]]]]:
    """Yield each relationship with the (type, id) pairs that it shows."""
    for name, relationship in _relationships(resource):
        data = relationship.get("data")
        targets = data if isinstance(data, list) else [data]
        yield name, {(each.get("type"), each.get("id")) for each in targets if isinstance(each, Mapping)}


def _relationships(resource: Mapping[str, Json]) -> Iterator[tuple[str, Mapping[str, Json]]]:
    found = resource.get("relationships")
    for name, relationship in found.items() if isinstance(found, Mapping) else ():
        if isinstance(relationship, Mapping):
            yield name, relationship


def links(body: Json, asked: Asked, server: str, collections: Mapping[str, set[str]]) -> Iterator[str]:
    """A resource's links lead to itself, a relationship's to that relationship, a page's to its siblings.

    `collections` maps a resource type to the paths that its resources live under.
    """
    for place, resource in resources(body):
        own = _link(resource, "self")
        if own is None:
            continue
        identity = quote(str(resource.get("id")), safe="")
        homes = collections.get(str(resource.get("type")))
        right = {f"{server}{home}/{identity}" for home in homes or ()}
        if _canonical(own) not in right and (homes or not _canonical(own).endswith(f"/{identity}")):
            yield f"{place}.links.self: {own} is not {' or '.join(sorted(right)) or 'of this resource'}"
        for name, relationship in _relationships(resource):
            for key, tail in (("self", f"relationships/{name}"), ("related", name)):
                link = _link(relationship, key)
                if link is not None and _canonical(link) != f"{_canonical(own)}/{tail}":
                    yield f"{place}.relationships.{name}.links.{key}: {link} does not belong to {own}"
    yield from _document_links(body, asked, server)


def page_links(body: Json) -> Iterator[tuple[str, str]]:
    """Yield the links to other pages, with their keys."""
    for key in PAGE_LINKS:
        if link := _link(body, key):
            yield key, link


def _document_links(body: Json, asked: Asked, server: str) -> Iterator[str]:
    for key in ("self", *PAGE_LINKS):
        link = _link(body, key)
        if link is None:
            continue
        leads = Asked.by(link.removeprefix(server))
        if not link.startswith(f"{server}/api/"):
            yield f"links.{key}: {link} does not start with {server}/api/"
        elif _canonical(leads.path) != _canonical(asked.path):
            yield f"links.{key}: {link} leads away from {asked.path}"
        elif key == "self" and set(leads.query) != set(asked.query):
            yield f"links.self: {link} is not what was asked: {asked}"
        elif key in PAGE_LINKS and leads.without_cursor != asked.without_cursor:
            yield f"links.{key}: {link} does not keep the query {asked.query}"


def _link(holder: Mapping[str, Json], key: str) -> str | None:
    found = holder.get("links")
    link = found.get(key) if isinstance(found, Mapping) else None
    return link if isinstance(link, str) else None


def _canonical(url: str) -> str:
    """Percent-encode what needs it, the same way everywhere, and drop a slash at the end."""
    parts = urlsplit(url)
    path = "/".join(quote(unquote(step), safe="") for step in parts.path.rstrip("/").split("/"))
    return f"{parts.scheme}://{parts.netloc}{path}" if parts.netloc else path
