"""Pages of JSON:API resources to one frame, column by column."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import chain
from typing import Any

import pandas as pd

from klaviyo_analytics._messages import did_you_mean
from klaviyo_analytics.endpoints.jsonapi import Record
from klaviyo_analytics.frames.columns import SchemaWarning, Values, array, joined_texts, texts, warn
from klaviyo_analytics.frames.schema import FREE_FORM, Column, Link, Schema

_NOTHING: Mapping[str, Any] = {}
_OBJECT_OR_NULL: frozenset[type] = frozenset({dict, type(None)})
Objects = list[Mapping[str, Any]]
Index = Mapping[tuple[str, str], Record]


#: What integrations call the currency of an order: the API and Shopify.
CURRENCY = ("$value_currency", "$currency_code")


class NamedProperties:
    """Which of the properties that a caller asked for any row has; tables and readers may share it."""

    def __init__(self) -> None:
        self._wanted: dict[str, None] = {}
        self._met: set[str] = set()
        self._there: dict[str, None] = {}
        self._rows = 0

    def look(self, schema: Schema, attributes: Objects) -> None:
        """Record which properties the rows of a page have."""
        for column in schema.attributes:
            if not column.chosen:
                continue
            holder, name = column.path
            self._wanted[name] = None
            if name in self._met:
                continue
            for row in attributes:
                held = row.get(holder)
                if isinstance(held, Mapping):
                    self._there |= dict.fromkeys(held)
            if name in self._there:
                self._met.add(name)
        self._rows += len(attributes)

    def report(self) -> None:
        """Warn of named properties that no row has, with the names that come close."""
        # whoever asks for both names of the currency knows that an integration sends only one of them
        both = self._met.intersection(CURRENCY) and set(CURRENCY) <= set(self._wanted)
        known = self._met.union(CURRENCY) if both else self._met
        missing = [name for name in self._wanted if name not in known]
        if not self._rows or not missing:
            return
        said = [f"{name!r}{did_you_mean(name, self._there, most=3)}" for name in missing]
        there = ", ".join(map(repr, list(self._there)[:5]))
        warn(
            f"properties: none of {self._rows:,} rows has {', '.join(said)}; every value of the column is missing."
            + (f" Rows have properties such as {there}." if there else ""),
            SchemaWarning,
        )


class Table:
    """Collects resources as column lists; the records themselves are released page by page."""

    def __init__(self, schema: Schema, named: NamedProperties | None = None) -> None:
        self.schema = schema
        self._named = named or NamedProperties()
        self.rows = 0
        self._columns = {column.name: Values(column.kind) for column in schema.columns if not column.as_text}
        self._texts: dict[str, list[Any]] = {column.name: [] for column in schema.columns if column.as_text}
        self._late: dict[str, list[Any]] = {}  # columns that the schema does not know

    def add(self, records: Sequence[Record], included: Index = _NOTHING) -> None:  # type: ignore[assignment]
        """Append a page."""
        self._columns["id"].extend([record["id"] for record in records])
        attributes = self._objects("attributes", [record.get("attributes") for record in records])
        self._append(self.schema.attributes, attributes, complete=self.schema.complete)
        self._named.look(self.schema, attributes)
        if self.schema.expand:
            self._expand(self.schema.expand, attributes)
        relationships = self._objects("relationships", [record.get("relationships") for record in records])
        for link in self.schema.links:
            self._relate(link, self._related(link.relationship, relationships), included)
        self._unasked(relationships)
        self.rows += len(records)

    def extend(self, other: Table) -> None:
        """Append the rows of another table of the same schema."""
        for name, column in self._columns.items():
            column.join(other._columns[name])
        for name, pages in self._texts.items():
            pages.extend(other._texts[name])
        for name, values in other._late.items():
            self._later(name, values)
        self.rows += other.rows

    def frame(self) -> pd.DataFrame:
        """Build the frame of all that was added."""
        arrays = {
            column.name: joined_texts(self._texts[column.name])
            if column.as_text
            else self._columns.pop(column.name).array(column.name, chosen=column.chosen)
            for column in self.schema.columns
        }
        related = {column.name: arrays.pop(column.name) for column in self.schema.ids}
        for name, values in self._late.items():
            values.extend([None] * (self.rows - len(values)))
            label = (
                f"attributes.{name}" if name in arrays or name in related else name
            )  # never in place of what was promised
            arrays[label] = array(values, "json", name)
        arrays |= related
        index = pd.RangeIndex(self.rows)
        # pandas 3 would infer text from objects that happen to be text
        columns = {
            name: pd.Series(values, index=index, dtype=object, copy=False)
            if values.dtype == object
            else values
            for name, values in arrays.items()
        }
        return pd.DataFrame(columns, index=index, copy=False)

    def _append(
        self,
        columns: Sequence[Column],
        holders: Objects,
        *,
        complete: bool,
        prefix: str = "",
        depth: int = 0,
    ) -> None:
        """Extract the columns' values from the objects that hold them, level by level."""
        below: dict[str, list[Column]] = {}
        for column in columns:
            below.setdefault(column.path[depth], []).append(column)
        for step, inside in below.items():
            values = [holder.get(step) for holder in holders]
            nested = [column for column in inside if len(column.path) > depth + 1]
            for column in inside:
                if column.as_text:
                    self._texts[column.name].append(texts(values))
                elif column not in nested:
                    self._columns[column.name].extend(values)
            if nested:
                name = f"{prefix}{step}"
                wanted = complete and len(nested) == len(inside) and step not in FREE_FORM
                objects = self._objects(name, values)
                self._append(nested, objects, complete=wanted, prefix=f"{name}.", depth=depth + 1)
        if complete:
            self._unknown(below, holders, prefix)

    def _objects(self, name: str, values: list[Any]) -> Objects:
        """Return the objects to read; a value that should be an object but is not is kept as it came."""
        kinds = set(map(type, values))
        if kinds == {dict}:
            return values
        if name not in self._columns and name not in self._texts and not kinds <= _OBJECT_OR_NULL:
            self._later(name, [None if isinstance(value, dict) else value for value in values])
        return [value if isinstance(value, dict) else _NOTHING for value in values]

    def _unknown(self, known: Collection[str], holders: Objects, prefix: str) -> None:
        """Show what the endpoint table does not know, or not yet."""
        for name in _names(holders, known):
            if prefix or name != self.schema.expand:
                self._later(f"{prefix}{name}", [holder.get(name) for holder in holders])

    def _expand(self, name: str, attributes: Objects) -> None:
        """Add a column for every key of a free-form object."""
        objects = self._objects(name, [holder.get(name) for holder in attributes])
        for key in _names(objects):
            self._later(f"{name}.{key}", [held.get(key) for held in objects])

    def _related(self, name: str, relationships: Objects) -> list[Any]:
        links = self._objects(f"relationships.{name}", [related.get(name) for related in relationships])
        return [link.get("data") for link in links]

    def _relate(self, link: Link, data: list[Any], included: Index) -> None:
        self._columns[link.ids].extend([_ids(entry) for entry in data])
        if link.many:
            lists = [entry if isinstance(entry, list) else None for entry in data]
            for column in link.columns:
                self._columns[column.name].extend(
                    None if entry is None else [_value(included, one, column) for one in entry]
                    for entry in lists
                )
        elif link.columns:
            found = [_attributes(included, one) for one in data]
            self._append(link.columns, found, complete=link.complete, prefix=link.prefix)

    def _unasked(self, relationships: Objects) -> None:
        """Keep ids of relationships that the server returned without being asked."""
        for name in _names(relationships, {link.relationship for link in self.schema.links}):
            data = self._related(name, relationships)
            if any(entry is not None for entry in data):
                column = name.replace("-", "_").removesuffix("s")
                many = any(isinstance(entry, list) for entry in data)
                self._later(f"{column}_ids" if many else f"{column}_id", [_ids(entry) for entry in data])

    def _later(self, name: str, values: list[Any]) -> None:
        column = self._late.setdefault(name, [])
        if len(column) > self.rows:  # two things of one name on one page
            self._later(f"attributes.{name}", values)
            return
        column.extend([None] * (self.rows - len(column)))
        column.extend(values)


def _names(holders: Objects, known: Collection[str] = ()) -> list[str]:
    """Return the keys that are not known, in the order in which they first appear."""
    if set().union(*holders) <= set(known):
        return []
    return [name for name in dict.fromkeys(chain.from_iterable(holders)) if name not in known]


def _ids(data: Any) -> Any:
    """Return the id or ids of a relationship's data; anything but a resource identifier is kept as it came."""
    if isinstance(data, dict):
        return data.get("id", data)
    return [_ids(entry) for entry in data] if isinstance(data, list) else data


def _attributes(included: Index, identifier: Any) -> Mapping[str, Any]:
    """Return the attributes of an included resource, empty if it was not included."""
    return _mapping(_record(included, identifier).get("attributes"))


def _record(included: Index, identifier: Any) -> Mapping[str, Any]:
    if not isinstance(identifier, dict):
        return _NOTHING
    return included.get((str(identifier.get("type")), str(identifier.get("id"))), _NOTHING)


def _value(included: Index, identifier: Any, column: Column) -> Any:
    record = _record(included, identifier)
    if column.related:
        return _ids(_mapping(_mapping(record.get("relationships")).get(column.path[0])).get("data"))
    value: Any = _mapping(record.get("attributes"))
    for step in column.path:
        value = _mapping(value).get(step)
    return value


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else _NOTHING


def one(record: Record, schema: Schema, included: Index) -> pd.Series[Any]:
    """Return a single resource as a row: a Series whose labels are the frame's columns."""
    table = Table(schema)
    table.add([record], included)
    frame = table.frame()
    row = pd.Series({name: frame[name].iloc[0] for name in frame.columns}, dtype=object)
    return row.rename(record["id"])
