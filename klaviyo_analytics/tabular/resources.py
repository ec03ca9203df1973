"""Pages of JSON:API resources to one frame, column by column."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from klaviyo_analytics._jsonapi import Record
from klaviyo_analytics.tabular.columns import array
from klaviyo_analytics.tabular.schema import Column, Link, Schema

_NOTHING: Mapping[str, Any] = {}
Index = Mapping[tuple[str, str], Record]


class Table:
    """Collects resources as column lists; the records themselves are let go page by page."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.rows = 0
        self._columns: dict[str, list[Any]] = {column.name: [] for column in schema.columns}
        self._late: dict[str, list[Any]] = {}  # columns that the schema does not know

    def add(self, records: Sequence[Record], included: Index = _NOTHING) -> None:  # type: ignore[assignment]
        """Append a page."""
        attributes = [record.get("attributes") or _NOTHING for record in records]
        self._columns["id"].extend([record["id"] for record in records])
        self._append(self.schema.attributes, attributes, complete=self.schema.complete)
        relationships = [record.get("relationships") or _NOTHING for record in records]
        for link in self.schema.links:
            self._relate(link, [_data(related, link.relationship) for related in relationships], included)
        self._unasked(relationships)
        self.rows += len(records)

    def extend(self, other: Table) -> None:
        """Append the rows of another table of the same schema."""
        for name, values in self._columns.items():
            values.extend(other._columns[name])
        for name, values in other._late.items():
            self._later(name, values)
        self.rows += other.rows

    def frame(self) -> pd.DataFrame:
        """Build the frame of all that was added."""
        arrays = {
            column.name: array(self._columns[column.name], column.kind, column.name)
            for column in self.schema.columns
        }
        for name, values in self._late.items():
            values.extend([None] * (self.rows - len(values)))
            arrays[name] = array(values, "json", name)
        return pd.DataFrame(arrays, index=pd.RangeIndex(self.rows), copy=False)

    def _append(self, columns: Sequence[Column], holders: list[Mapping[str, Any]], *, complete: bool) -> None:
        for path, inside in _by_parent(columns).items():
            parents = _descend(holders, path)
            for column in inside:
                name = column.path[-1]
                self._columns[column.name].extend([parent.get(name) for parent in parents])
        if complete:
            self._unknown(columns, holders)

    def _unknown(self, columns: Sequence[Column], holders: list[Mapping[str, Any]]) -> None:
        """Show attributes that the table does not know, and all keys of an expanded free-form object."""
        known = {column.path[0] for column in columns}
        expand = self.schema.expand
        for name in dict.fromkeys(name for holder in holders for name in holder):
            if name == expand:
                objects = [_mapping(holder.get(name)) for holder in holders]
                for key in dict.fromkeys(key for held in objects for key in held):
                    self._later(f"{name}.{key}", [held.get(key) for held in objects])
            elif name not in known:
                self._later(name, [holder.get(name) for holder in holders])

    def _relate(self, link: Link, data: list[Any], included: Index) -> None:
        if link.many:
            lists = [entry if isinstance(entry, list) else None for entry in data]
            ids = [None if entry is None else [one["id"] for one in entry] for entry in lists]
            self._columns[link.ids].extend(ids)
            for column in link.columns:
                self._columns[column.name].extend(
                    None if entry is None else [_value(included, one, column.path) for one in entry]
                    for entry in lists
                )
            return
        self._columns[link.ids].extend([one["id"] if one else None for one in data])
        if link.columns:
            found = [included.get((one["type"], one["id"])) if one else None for one in data]
            holders = [(record.get("attributes") or _NOTHING) if record else _NOTHING for record in found]
            self._append(link.columns, holders, complete=False)

    def _unasked(self, relationships: list[Mapping[str, Any]]) -> None:
        """Keep ids of to-many relationships that the server gave without being asked."""
        shown = {link.relationship for link in self.schema.links}
        for name in dict.fromkeys(name for related in relationships for name in related):
            if name in shown:
                continue
            data = [_data(related, name) for related in relationships]
            if any(entry is not None for entry in data):
                column = name.replace("-", "_").removesuffix("s")
                many = any(isinstance(entry, list) for entry in data)
                ids = [_ids(entry) for entry in data]
                self._later(f"{column}_ids" if many else f"{column}_id", ids)

    def _later(self, name: str, values: list[Any]) -> None:
        column = self._late.setdefault(name, [])
        column.extend([None] * (self.rows - len(column)))
        column.extend(values)


def _by_parent(columns: Iterable[Column]) -> dict[tuple[str, ...], list[Column]]:
    parents: dict[tuple[str, ...], list[Column]] = {}
    for column in columns:
        parents.setdefault(column.path[:-1], []).append(column)
    return parents


def _descend(holders: list[Mapping[str, Any]], path: tuple[str, ...]) -> list[Mapping[str, Any]]:
    for step in path:
        holders = [_mapping(holder.get(step)) for holder in holders]
    return holders


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else _NOTHING


def _data(related: Mapping[str, Any], name: str) -> Any:
    return _mapping(related.get(name)).get("data")


def _ids(data: Any) -> Any:
    if isinstance(data, list):
        return [one["id"] for one in data]
    return data["id"] if data else None


def _value(included: Index, identifier: Mapping[str, str], path: tuple[str, ...]) -> Any:
    record = included.get((identifier["type"], identifier["id"]))
    value: Any = (record.get("attributes") if record else None) or _NOTHING
    for step in path:
        value = _mapping(value).get(step)
    return value


def one(record: Record, schema: Schema, included: Index) -> pd.Series[Any]:
    """Give a single resource as a row: a Series whose labels are the frame's columns."""
    table = Table(schema)
    table.add([record], included)
    frame = table.frame()
    row = pd.Series({name: frame[name].iloc[0] for name in frame.columns}, dtype=object)
    return row.rename(record["id"])
