"""The tables of an archive: their columns and types, and how frames become Arrow tables and frames again.

A table has the columns of `list`, with the same names. Values that JSON leaves free (dicts, lists) are kept as JSON
text. Types are fixed by the endpoint table, never by the rows that came: what the server sends beyond the documented
columns, and values of another type than documented, are kept as JSON in the column `_extra`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import orjson
import pandas as pd
import pyarrow as pa

from klaviyo_analytics import endpoints, frames
from klaviyo_analytics._messages import near
from klaviyo_analytics.endpoints import Kind, revisions
from klaviyo_analytics.endpoints import query as queries
from klaviyo_analytics.errors import InvalidInputError
from klaviyo_analytics.frames.columns import array
from klaviyo_analytics.frames.schema import Properties
from klaviyo_analytics.http.json import loads

TIME = pa.timestamp("us", tz="UTC")
TYPES: Mapping[Kind, pa.DataType] = {
    "text": pa.string(),
    "time": TIME,
    "integer": pa.int64(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
    "json": pa.string(),
}
EXTRA = "_extra"
Columns = tuple[tuple[str, Kind], ...]
ATTRIBUTION = {  # column: the relationship of an attribution that it holds
    "attributed_event_id": "attributed-event",
    "attributed_campaign_id": "campaign",
    "attributed_campaign_message_id": "campaign-message",
    "attributed_flow_id": "flow",
    "attributed_flow_message_id": "flow-message",
    "attributed_variation_id": "flow-message-variation",
}


@dataclass(frozen=True)
class Spec:
    """One table: where its rows come from, and what identifies a row.

    `updated` is the attribute by which changed rows are found; without one the table is read whole. `parent` is the
    table whose rows are asked for theirs one by one.
    """

    name: str
    operation: str
    key: tuple[str, ...] = ("id",)
    updated: str | None = None
    strictly: bool = True  # the server knows "greater than" only
    partition: str | None = None
    parent: str | None = None
    before: Columns = ()  # columns that the client adds after id
    after: Columns = ()  # columns that only the archive has
    people: str | None = None  # the column with a profile's id
    renamed: tuple[str, ...] = ()  # columns of later revisions that `list` returns under their older names
    revision: str = revisions.DEFAULT

    def at(self, revision: str) -> Spec:
        """Return the table as a client of a revision fills it: with the columns that the revision adds."""
        return replace(self, revision=revision)

    @cached_property
    def documented(self) -> Columns:
        """Columns of `list`, name and kind: those of the oldest revision, then what this one adds."""
        own = self._columns(revisions.DEFAULT)
        taken = {name for name, _ in self.before}
        first = (own[0], *self.before, *(pair for pair in own[1:] if pair[0] not in taken))
        return _with(first, self._columns(self.revision), self.renamed)

    @cached_property
    def possible(self) -> Columns:
        """Columns that a client of any revision may have filled."""
        later = [pair for revision in revisions.TABLES for pair in self._columns(revision)]
        return _with(self.documented, later, self.renamed)

    def _columns(self, revision: str) -> Columns:
        endpoint = endpoints.load(revision)[self.operation]
        columns = frames.schema(endpoint, queries.build(endpoint, strict=False)).columns
        return tuple((column.name, column.kind) for column in columns)

    @cached_property
    def arrow(self) -> pa.Schema:
        """Types of the stored table."""
        stored = [*self.documented, *self.after, (EXTRA, "json"), ("seen_at", "time")]
        if self.name == "events":
            stored.remove(("seen_at", "time"))
        fields = [pa.field(name, TYPES[kind]) for name, kind in stored]
        if self.partition:
            fields.append(pa.field(self.partition, pa.string()))
        return pa.schema(fields)


def _with(columns: Columns, more: Iterable[tuple[str, Kind]], without: Sequence[str]) -> Columns:
    """Add columns that are not there yet; one of another kind than before keeps the first."""
    known = dict(columns)
    for name, kind in more:
        if name not in without:
            known.setdefault(name, kind)
    return tuple(known.items())


_ATTRIBUTED: Columns = tuple((name, "text") for name in ATTRIBUTION)
SPECS: Mapping[str, Spec] = {
    spec.name: spec
    for spec in (
        Spec("accounts", "get_accounts"),
        Spec("metrics", "get_metrics"),
        Spec(
            "events",
            "get_events",
            partition="month",
            after=(("value", "number"), ("attribution_ids", "json"), *_ATTRIBUTED),
            people="profile_id",
        ),
        Spec("profiles", "get_profiles", updated="updated", people="id"),
        Spec("lists", "get_lists", updated="updated"),
        Spec("segments", "get_segments", updated="updated"),
        Spec(
            "campaigns",
            "get_campaigns",
            updated="updated_at",
            before=(("channel", "text"),),
            renamed=("definition.name", "definition.archived"),
        ),
        Spec(
            "campaign_messages",
            "get_messages_for_campaign",
            parent="campaigns",
            after=(("parent_id", "text"),),
        ),
        Spec("flows", "get_flows", updated="updated"),
        Spec(
            "flow_messages",
            "get_flow_action_messages",
            parent="flows",
            before=(
                ("flow_id", "text"),
                ("flow_action_id", "text"),
                ("action_type", "text"),
                ("action_status", "text"),
            ),
            after=(("parent_id", "text"),),
        ),
        Spec("forms", "get_forms", updated="updated_at"),
        Spec("templates", "get_templates", updated="updated"),
        Spec("universal_content", "get_all_universal_content", updated="updated"),
        Spec("catalog_items", "get_catalog_items"),
        Spec("catalog_variants", "get_catalog_variants"),
        Spec("catalog_categories", "get_catalog_categories"),
        Spec("coupons", "get_coupons"),
        Spec("tags", "get_tags"),
    )
}
MEMBERS: Mapping[str, Spec] = {
    f"{kind}_members": Spec(
        f"{kind}_members",
        f"get_profiles_for_{kind}",
        key=(f"{kind}_id", "profile_id"),
        people="profile_id",
    )
    for kind in ("list", "segment")
}
MEMBER_SCHEMAS: Mapping[str, pa.Schema] = {
    name: pa.schema(
        [
            pa.field(spec.key[0], pa.string()),
            pa.field("profile_id", pa.string()),
            pa.field("joined_group_at", TIME),
            pa.field("seen_at", TIME),
        ]
    )
    for name, spec in MEMBERS.items()
}


KEPT: Mapping[str, Spec] = {
    "kept": Spec("kept", "", key=("question",))
}  # answers of reports, see Archive.keep
KEPT_SCHEMA = pa.schema(
    [
        pa.field("question", pa.string()),
        pa.field("report", pa.string()),
        pa.field("read_at", TIME),
        pa.field("columns", pa.string()),
        pa.field("rows", pa.string()),
        pa.field("attrs", pa.string()),
    ]
)
TABLES: Mapping[str, Spec] = {**SPECS, **MEMBERS, **KEPT}


def spec_of(name: str, known: Mapping[str, Spec] = SPECS) -> Spec:
    """Find a table's description.

    Raises
    ------
    InvalidInputError
        The archive has no table of this name.
    """
    if name in known:
        return known[name]
    raise InvalidInputError(
        f"{name!r} is not a table of the archive. Tables are {near(str(name), known)}; pass one of them."
    )


def made_by(name: str) -> str:
    """Return the call on an archive that makes a table."""
    if name in MEMBERS:
        return f"snapshot({name.partition('_')[0] + 's'!r})"
    return "keep(report, …)" if name in KEPT else f"sync([{name!r}])"


def to_arrow(
    frame: pd.DataFrame,
    spec: Spec,
    schema: pa.Schema,
    *,
    as_text: Sequence[str] = (),
    **more: Sequence[Any] | None,
) -> pa.Table:
    """Write a frame of `list` in a table's types; `more` are the columns that only the archive has.

    The columns in `as_text` are JSON text already.
    """
    kinds = dict(spec.documented)
    extra: list[dict[str, Any] | None] = [None] * len(frame)
    columns: dict[str, Any] = {}
    for name in frame.columns:
        kind = kinds.get(name)
        if "attribution_ids" in more and name.startswith("attribution"):  # the archive fills its own columns
            continue
        if name in as_text:
            columns[name] = _typed(frame[name], pa.string())
        elif kind == "json":
            columns[name] = pa.array(map(json_text, frame[name]), pa.string())
        elif kind is not None and frame[name].dtype != object:
            columns[name] = _typed(frame[name], TYPES[kind])
        else:  # not documented, or of another type than documented
            _keep(extra, name, frame[name])
    columns[EXTRA] = pa.array([None if kept is None else json_text(kept) for kept in extra], pa.string())
    for name, values in more.items():
        columns[name] = (
            values
            if isinstance(values, (pa.Array, pa.ChunkedArray))
            else pa.array(values, schema.field(name).type)
        )
    absent = pa.nulls(len(frame))
    return pa.table(
        [columns.get(name, absent.cast(schema.field(name).type)) for name in schema.names], schema
    )


def _typed(values: pd.Series[Any], kind: pa.DataType) -> pa.Array:
    made = pa.array(values, from_pandas=True)
    made = made.combine_chunks() if isinstance(made, pa.ChunkedArray) else made
    return made.cast(kind)


def _keep(extra: list[dict[str, Any] | None], name: str, values: pd.Series[Any]) -> None:
    for place, value in enumerate(values):
        if value is not None:
            kept = extra[place]
            if kept is None:
                kept = extra[place] = {}
            kept[name] = value


def json_text(value: Any) -> str | None:
    """Write a value as JSON text; None stays missing."""
    if value is None or value is pd.NA:
        return None
    try:
        return orjson.dumps(value).decode()
    except TypeError:  # an integer of more than 64 bits
        import json  # noqa: PLC0415

        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def json_value(text: str | None) -> Any:
    """Read a value back from JSON text."""
    return None if text is None else loads(text.encode())


def to_frame(table: pa.Table, spec: Spec, properties: Properties | Literal["text"] = "json") -> pd.DataFrame:
    """Read stored rows as the frame that `list` returns, with the same columns and dtypes."""
    endpoint = endpoints.load()[spec.operation]
    asked: Properties = "json" if properties == "text" else properties
    schema = frames.schema(endpoint, queries.build(endpoint, strict=False), asked)
    stored = set(table.column_names)
    extras = [json_value(text) for text in _values(table, EXTRA)] if EXTRA in stored else []
    arrays: dict[str, Any] = {}
    objects: dict[str, list[Any]] = {}

    def held(name: str) -> list[Any]:
        if name not in objects:
            objects[name] = [json_value(text) for text in _values(table, name)]
        return objects[name]

    columns = [(column.name, column.kind, column.path) for column in schema.columns]
    names = [name for name, _, _ in columns]
    place = names.index("status") + 1 if spec.name == "campaigns" else 1  # where the client puts them
    columns[place:place] = [(name, kind, ()) for name, kind in spec.before]
    known = {name for name, _ in spec.at(revisions.DEFAULT).documented}
    columns += [(name, kind, ()) for name, kind in spec.possible if name in stored and name not in known]
    for name, kind, path in columns:
        holder = path[0] if path else name
        if name in arrays:
            continue
        if name not in stored and holder in stored:  # a named property
            inside = [value.get(path[1]) if isinstance(value, dict) else None for value in held(holder)]
            arrays[name] = array(inside, kind, name)
        elif name in stored and kind == "json" and properties == "text" and path[:1] and path[0] in _FREE:
            arrays[name] = pd.array(table[name].combine_chunks(), dtype="string[pyarrow]")
        elif name in stored:
            arrays[name] = array(held(name), kind, name) if kind == "json" else _plain(table[name], kind)
        else:
            continue
        misfits = {row: kept[name] for row, kept in enumerate(extras) if kept and name in kept}
        if misfits:
            values = list(pd.Series(arrays[name]).astype(object))
            arrays[name] = [misfits.get(row, None if pd.isna(v) else v) for row, v in enumerate(values)]
    if schema.expand:
        keys = dict.fromkeys(key for value in held(schema.expand) if isinstance(value, dict) for key in value)
        for key in keys:
            late = [value.get(key) if isinstance(value, dict) else None for value in held(schema.expand)]
            arrays[f"{schema.expand}.{key}"] = late
    for name in dict.fromkeys(name for kept in extras if kept for name in kept if name not in arrays):
        arrays[name] = [kept.get(name) if kept else None for kept in extras]
    index = pd.RangeIndex(table.num_rows)
    series = {
        name: pd.Series(values, index=index, dtype=object)
        if isinstance(values, list) or values.dtype == object
        else values
        for name, values in arrays.items()
    }
    return pd.DataFrame(series, index=index)


_FREE = ("event_properties", "properties")


def _values(table: pa.Table, name: str) -> list[Any]:
    values: list[Any] = table[name].to_pylist()
    return values


def _plain(column: pa.ChunkedArray, kind: Kind) -> Any:
    if kind == "time":
        return pd.DatetimeIndex(column.cast(TIME).to_pandas()).as_unit("us").array
    if kind == "number":
        return column.to_numpy()
    if kind == "text":
        return pd.array(column.to_pylist(), dtype="string")
    if kind == "integer":
        missing = column.is_null().to_numpy()
        return pd.arrays.IntegerArray(column.fill_null(0).to_numpy().copy(), missing)
    return pd.array(column.to_pylist(), dtype="boolean")
