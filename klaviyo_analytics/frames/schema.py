"""The columns of a frame: settled by the request, before any row has been read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from klaviyo_analytics.endpoints import Endpoint, Kind, Shape
from klaviyo_analytics.endpoints.query import Query
from klaviyo_analytics.errors import InvalidQueryError

DTYPES: Mapping[Kind, str] = {
    "text": "string",
    "time": "datetime64[us, UTC]",
    "integer": "Int64",
    "number": "float64",
    "boolean": "boolean",
    "json": "object",
}
Properties = str | Sequence[str] | Mapping[str, str]
# free-form objects that an account fills as it likes; the rest of the API has a fixed shape
FREE_FORM = ("event_properties", "properties", "record_properties")
# the order in which every frame shows its columns is decided here; the others stay in the API's order
READ_FIRST = ("name", "datetime", "send_time", "status", "channel")
READ_LAST = ("timestamp", "uuid")


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name in the frame, where its value stands in a resource, and its kind."""

    name: str
    path: tuple[str, ...]
    kind: Kind
    chosen: bool = False  # the caller has chosen the dtype, so that it never depends on the rows
    related: bool = False  # the id of what an included resource is related to, instead of an attribute
    as_text: bool = False  # an object as JSON text, written page by page so that no dict is kept

    @property
    def dtype(self) -> str:
        """The pandas dtype."""
        return DTYPES[self.kind]


@dataclass(frozen=True, slots=True)
class Link:
    """A relationship that a frame shows: its ids, and the columns of what was included by it."""

    relationship: str
    many: bool
    ids: str
    columns: tuple[Column, ...] = ()
    complete: bool = False  # all its attributes are wanted, so an unknown one is shown too

    @property
    def prefix(self) -> str:
        """What stands before the names of its columns."""
        return f"{snake(self.relationship)}."


@dataclass(frozen=True, slots=True)
class Schema:
    """Columns of a frame: `id`, then what a person reads first, the rest, what was included, and related ids."""

    attributes: tuple[Column, ...]
    links: tuple[Link, ...] = ()
    expand: str | None = None  # a free-form attribute whose keys all become columns
    complete: bool = True  # all attributes are wanted, so an unknown one is shown too

    @property
    def columns(self) -> tuple[Column, ...]:
        """Every column, in order."""
        joined = [column for link in self.links for column in link.columns]
        return (Column("id", (), "text"), *self.attributes, *joined, *self.ids)

    @property
    def ids(self) -> tuple[Column, ...]:
        """The columns of related ids, which stand last."""
        return tuple(Column(link.ids, (), "json" if link.many else "text") for link in self.links)


def schema(endpoint: Endpoint, query: Query, properties: Properties = "json") -> Schema:
    """Return the columns of an endpoint's response to a query."""
    shape = endpoint.returns
    assert shape is not None
    wanted = query.fields.get(shape.type)
    attributes, expand = _free_form(_columns(shape, endpoint, query), properties, endpoint)
    links = tuple(
        _link(name, kind, many=arity == "many", endpoint=endpoint, query=query)
        for name, (kind, arity) in shape.relationships.items()
        if arity == "one" or name in query.include or name not in endpoint.include
    )
    return Schema(tuple(sorted(attributes, key=_rank)), links, expand, complete=wanted is None)


def _rank(column: Column) -> int:
    """Rank a column for reading: names, times and states first, nested values and technical fields last."""
    if column.name in READ_FIRST:
        return READ_FIRST.index(column.name) - len(READ_FIRST)
    if column.name in READ_LAST:
        return 2
    return int(column.kind == "json" and column.path[0] != "event_properties")


def snake(name: str) -> str:
    """Write a JSON:API name as a column name."""
    return name.replace("-", "_")


def _columns(shape: Shape, endpoint: Endpoint, query: Query, prefix: str = "") -> tuple[Column, ...]:
    wanted = query.fields.get(shape.type)
    switched_off = [
        name
        for name in endpoint.additional_fields.get(shape.type, ())
        if name not in query.additional_fields.get(shape.type, ())
    ]
    return tuple(
        Column(f"{prefix}{name}", tuple(name.split(".")), kind)
        for name, kind in shape.attributes.items()
        if (wanted is None or _under(name, wanted))
        and not _under(name, switched_off)
        and not _inside_whole(name, shape, wanted)
    )


def _inside_whole(name: str, shape: Shape, wanted: Sequence[str] | None) -> bool:
    """Return whether a part is in another column already: an object whose form varies is shown whole.

    Parts of it that are asked for by name are columns of their own.
    """
    parts = name.split(".")
    wholes = [whole for n in range(1, len(parts)) if (whole := ".".join(parts[:n])) in shape.attributes]
    return any(wanted is None or _under(whole, wanted) for whole in wholes)


def _under(name: str, parents: Sequence[str]) -> bool:
    return any(name == parent or name.startswith(f"{parent}.") for parent in parents)


def _link(name: str, kind: str, *, many: bool, endpoint: Endpoint, query: Query) -> Link:
    prefix = snake(name)
    singular = {"categories": "category"}.get(prefix, prefix.removesuffix("s")) if many else prefix
    shape = endpoint.included.get(kind)
    joined = shape is not None and name in query.include
    columns = _columns(shape, endpoint, query, f"{prefix}.") if shape is not None and joined else ()
    if shape is not None and joined and not shape.attributes:  # all that it has is what it is related to
        columns = tuple(
            Column(f"{prefix}.{snake(other)}_id", (other,), "text", related=True)
            for other, (of, arity) in shape.relationships.items()
            if arity == "one" and not (other == of == endpoint.type)
        )
    if many:  # a list of values in each row
        columns = tuple(replace(column, kind="json") for column in columns)
    ids = f"{singular}_ids" if many else f"{singular}_id"
    return Link(name, many, ids, columns, complete=kind not in query.fields)


def _free_form(
    columns: tuple[Column, ...], properties: Properties, endpoint: Endpoint
) -> tuple[tuple[Column, ...], str | None]:
    """Keep the free-form object as one column, or put named parts of it in its place."""
    if isinstance(properties, str) and properties == "json":
        return columns, None
    holder = next((column for column in columns if column.name in FREE_FORM), None)
    if holder is None:
        raise InvalidQueryError(
            f"{endpoint.method} {endpoint.path}: properties= needs a column of custom properties "
            f"({' or '.join(FREE_FORM)}), which this query does not read."
        )
    if isinstance(properties, str):
        if properties == "columns":
            return tuple(column for column in columns if column is not holder), holder.name
        if properties == "text":
            text = replace(holder, kind="text", as_text=True)
            return tuple(text if column is holder else column for column in columns), None
        raise InvalidQueryError(
            f"properties={properties!r} is not allowed. Use 'json' (a column of dicts), 'text' (JSON text), "
            "'columns' (a column each), or a list of names."
        )
    kinds = dict(properties) if isinstance(properties, Mapping) else dict.fromkeys(properties, "object")
    named = tuple(
        Column(f"{holder.name}.{name}", (holder.name, name), _kind(name, dtype), chosen=True)
        for name, dtype in kinds.items()
    )
    place = columns.index(holder)
    return (*columns[:place], *named, *columns[place + 1 :]), None


def _kind(name: Any, dtype: Any) -> Kind:
    if not isinstance(name, str):
        raise InvalidQueryError(f"properties takes names, not {name!r}.")
    kinds: dict[str, Kind] = {
        **{dtype: kind for kind, dtype in DTYPES.items()},
        "datetime": "time",
        "float": "number",
        "int": "integer",
        "bool": "boolean",
        "str": "text",
    }
    if dtype not in kinds:
        raise InvalidQueryError(
            f"properties[{name!r}]={dtype!r} is not a supported dtype; use {', '.join(kinds)}."
        )
    return kinds[dtype]
