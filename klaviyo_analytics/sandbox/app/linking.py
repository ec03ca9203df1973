"""Changing relationships, on whichever side they are stored."""

from __future__ import annotations

from collections.abc import Iterable

from klaviyo_analytics.sandbox.app.errors import ApiFault
from klaviyo_analytics.sandbox.app.relations import INVERSE, target
from klaviyo_analytics.sandbox.app.store import GROUPS, Store
from klaviyo_analytics.sandbox.model import Record


def link(store: Store, record: Record, name: str, ids: Iterable[str]) -> None:
    """Add ids to a relationship to many; those already there stay as they are."""
    type_ = target(record.type, name)
    for id_ in ids:
        other = store.get(type_, id_)
        if record.type in GROUPS and name == "profiles":
            store.members(record.id).setdefault(id_, int(store.now()))
        elif (record.type, name) in INVERSE:
            _store(store, other, INVERSE[record.type, name][1], record.id)
        else:
            _store(store, record, name, id_)
    store.changed()


def unlink(store: Store, record: Record, name: str, ids: Iterable[str]) -> None:
    """Take ids out of a relationship; those that are not there do no harm."""
    type_ = target(record.type, name)
    for id_ in ids:
        other = store.get(type_, id_)
        if record.type in GROUPS and name == "profiles":
            store.members(record.id).pop(id_, None)
        elif (record.type, name) in INVERSE:
            _forget(other, INVERSE[record.type, name][1], record.id)
        else:
            _forget(record, name, id_)
    store.changed()


def replace(store: Store, record: Record, name: str, ids: list[str]) -> None:
    """Let a relationship lead to these ids and to no others."""
    unlink(store, record, name, [id_ for id_ in store.related(record, name) if id_ not in ids])
    link(store, record, name, ids)


def check_exist(store: Store, type_: str, ids: Iterable[str]) -> None:
    """Answer 404 if one of the ids does not exist, before anything is changed."""
    for id_ in ids:
        if store.find(type_, id_) is None:
            raise ApiFault.missing(type_, id_)


def _store(store: Store, record: Record, name: str, id_: str) -> None:
    if not name.endswith("s"):  # relationships to many have plural names
        record.relationships[name] = id_
    elif id_ not in (ids := store.related(record, name)):
        record.relationships[name] = [*ids, id_]


def _forget(record: Record, name: str, id_: str) -> None:
    value = record.relationships.get(name)
    if isinstance(value, list):
        record.relationships[name] = [other for other in value if other != id_]
    elif value == id_:
        record.relationships[name] = None
