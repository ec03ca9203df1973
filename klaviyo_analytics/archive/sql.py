"""DuckDB over the current Parquet files of an archive: one view per table, with every column of its schema."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, Literal

import duckdb
import pandas as pd
import pyarrow as pa
from deltalake import DeltaTable

from klaviyo_analytics._progress import Progress
from klaviyo_analytics.archive.store import Store, named, quoted
from klaviyo_analytics.archive.tables import MEMBER_SCHEMAS, TIME
from klaviyo_analytics.errors import InvalidInputError
from klaviyo_analytics.resources import Context, Lists, Metrics, Segments
from klaviyo_analytics.resources._reading import read_in_turn
from klaviyo_analytics.resources.metrics import Metric
from klaviyo_analytics.timeframe import Timeframe
from klaviyo_analytics.timeframe.words import Moment, in_zone, plain, zone_named

DUCKDB_TYPES: Mapping[str, str] = {
    "string": "VARCHAR",
    "long": "BIGINT",
    "double": "DOUBLE",
    "boolean": "BOOLEAN",
    "timestamp": "TIMESTAMP WITH TIME ZONE",
}


def connected() -> duckdb.DuckDBPyConnection:
    """Open an empty database in memory whose clock is UTC."""
    connection = duckdb.connect(config={"autoinstall_known_extensions": "false"})
    connection.execute("SET GLOBAL TimeZone = 'UTC'")
    connection.execute("SET GLOBAL preserve_insertion_order = false")
    connection.execute(
        "SET GLOBAL python_enable_replacements = false"
    )  # names are tables, never a caller's variables
    return connection


def value(connection: duckdb.DuckDBPyConnection, query: str) -> Any:
    """Return the first value of a query, and leave nothing of it unfinished on the connection."""
    rows = connection.execute(query).fetchall()
    return rows[0][0] if rows else None


def create_view(connection: duckdb.DuckDBPyConnection, store: Store, name: str, table: DeltaTable) -> None:
    """Create or replace the view of a table's last version."""
    files = store.files(table)
    types = {field.name: DUCKDB_TYPES[field.type.type] for field in table.schema().fields}
    if not files:
        columns = ", ".join(f"NULL::{kind} AS {named(column)}" for column, kind in types.items())
        connection.execute(f"CREATE OR REPLACE VIEW {named(name)} AS SELECT {columns} WHERE false")
        return
    if store.local is None:  # DuckDB reads object stores by an extension that it would have to download
        connection.register("_read", table.to_pyarrow_table())
        connection.execute(f"CREATE OR REPLACE TABLE {named(f'_{name}')} AS SELECT * FROM _read")  # noqa: S608
        connection.unregister("_read")
        connection.execute(f"CREATE OR REPLACE VIEW {named(name)} AS SELECT * FROM {named(f'_{name}')}")  # noqa: S608
        return
    listed = ", ".join(quoted(file) for file in files)
    partitions = table.metadata().partition_columns
    source = (
        f"read_parquet([{listed}], union_by_name = true, hive_partitioning = {bool(partitions)}"
        f"{', hive_types_autocast = false' if partitions else ''})"
    )
    described = connection.sql(f"SELECT * FROM {source}")  # noqa: S608
    present = set(described.columns)
    columns = ", ".join(
        named(column) if column in present else f"NULL::{kind} AS {named(column)}"
        for column, kind in types.items()
    )
    connection.execute(f"CREATE OR REPLACE VIEW {named(name)} AS SELECT {columns} FROM {source}")  # noqa: S608


def frame_of(table: pa.Table) -> pd.DataFrame:
    """Convert a result to pandas: string, nullable integers and booleans, times in UTC; the rest as pandas does."""
    columns: dict[int, Any] = {}
    for place, column in enumerate(table.columns):
        kind = column.type
        if pa.types.is_string(kind) or pa.types.is_large_string(kind):
            columns[place] = pd.array(column.to_pylist(), dtype="string")
        elif pa.types.is_integer(kind) and column.null_count == 0 and kind.bit_width <= 64:
            columns[place] = pd.array(column.to_numpy(), dtype="UInt64" if str(kind) == "uint64" else "Int64")
        elif pa.types.is_integer(kind):
            columns[place] = pd.array(
                column.to_pylist(), dtype="UInt64" if str(kind) == "uint64" else "Int64"
            )
        elif pa.types.is_boolean(kind):
            columns[place] = pd.array(column.to_pylist(), dtype="boolean")
        elif pa.types.is_timestamp(kind) and kind.tz:
            columns[place] = pd.DatetimeIndex(column.cast(TIME, safe=False).to_pandas()).as_unit("us").array
        elif (
            pa.types.is_decimal(kind) and kind.scale == 0 and kind.precision > 18
        ):  # sums of integers (HUGEINT)
            columns[place] = _whole(column)
        elif pa.types.is_decimal(kind):
            columns[place] = column.cast(pa.float64()).to_numpy()
        else:
            columns[place] = column.to_pandas().array
    frame = pd.DataFrame(columns, index=pd.RangeIndex(table.num_rows))
    frame.columns = pd.Index(table.column_names)
    return frame


def _whole(column: pa.ChunkedArray) -> Any:
    values = [None if value is None else int(value) for value in column.to_pylist()]
    try:
        return pd.array(values, dtype="Int64")
    except (OverflowError, TypeError):
        return pd.Series(values, dtype=object).array


def difference(
    connection: duckdb.DuckDBPyConnection,
    view: str,
    rows: pa.Table,
    key: Iterable[str],
    where: str = "true",
    ignore: Iterable[str] = (),
) -> tuple[pa.Table, pa.Table]:
    """Split rows into those whose key a table lacks and those that differ from what it has.

    Two rows of one key count once: the later one stays.
    """
    columns = ", ".join(named(name) for name in rows.column_names if name not in ignore)
    keys = ", ".join(named(name) for name in key)
    numbered = rows.append_column("_row", pa.array(range(rows.num_rows), pa.int64()))
    connection.register("_given", numbered)
    try:
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE _kept AS SELECT {columns} FROM {named(view)} "  # noqa: S608
            f"WHERE ({where}) AND ({keys}) IN (SELECT ({keys}) FROM _given)"
        )
        found = connection.sql(
            f"""
            WITH last AS (
                SELECT * FROM _given QUALIFY row_number() OVER (PARTITION BY {keys} ORDER BY _row DESC) = 1
            ),
            same AS (SELECT {columns} FROM last INTERSECT SELECT {columns} FROM _kept)
            SELECT _row, ({keys}) IN (SELECT ({keys}) FROM _kept) AS known FROM last
            WHERE ({keys}) NOT IN (SELECT ({keys}) FROM same) ORDER BY _row
            """  # noqa: S608
        ).to_arrow_table()
    finally:
        connection.unregister("_given")
        connection.execute("DROP TABLE IF EXISTS _kept")
    known = found["known"].combine_chunks()
    places = found["_row"]
    import pyarrow.compute as pc  # noqa: PLC0415

    new = rows.take(places.filter(pc.invert(known)))
    changed = rows.take(places.filter(known))
    return new, changed


Span = Timeframe | str | tuple[Moment, Moment]


@dataclass(frozen=True)
class Clock:
    """The account's time zone and present."""

    timezone: str
    now: datetime

    def moment(self, value: Moment) -> datetime:
        """Read a date, datetime or text as a moment in UTC; without a zone it is in the account's."""
        given = plain(value)
        if isinstance(given, datetime) and given.tzinfo is not None:
            return given.astimezone(UTC)
        return in_zone(given, zone_named(self.timezone)).astimezone(UTC)


class _KeptMetrics(Metrics):
    """The metrics of the copy, found by name as `client.metrics` finds them."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self._frame = frame

    def known(self, *, refresh: bool = False) -> pd.DataFrame:  # noqa: ARG002  (there is nothing newer)
        """Return the metrics of the copy."""
        return self._frame


def kept_metric(metrics: pd.DataFrame, metric: Metric) -> str:
    """Return the id of a metric of the copy."""
    return _KeptMetrics(metrics).resolve(metric)[0]


def conditions(
    clock: Clock,
    metrics: pd.DataFrame | None,
    metric: Metric | Sequence[Metric] | None,
    start: Moment | None,
    end: Moment | None,
    timeframe: Span | None,
    profile: Any,
) -> str:
    """Write the conditions of a question; `metrics` are the copy's, for finding a metric by name."""
    if timeframe is not None and (start is not None or end is not None):
        raise InvalidInputError("Pass either timeframe=, or start= and end=, not both.")
    first, last = (None if value is None else clock.moment(value) for value in (start, end))
    if timeframe is not None:
        frame = (
            timeframe
            if isinstance(timeframe, Timeframe)
            else Timeframe.parse(timeframe, timezone=clock.timezone, now=clock.now)
        )
        first, last = frame.start.astimezone(UTC), frame.end.astimezone(UTC)
    if first and last and last <= first:
        raise InvalidInputError(
            f"end={end} is not after start={start}. The frame is half-open: [start, end)."
        )
    found = ["true"]
    if first:
        found.append(f"datetime >= TIMESTAMPTZ '{first.isoformat(sep=' ')}'")
        found.append(f"month >= '{first:%Y-%m}'")
    if last:
        found.append(f"datetime < TIMESTAMPTZ '{last.isoformat(sep=' ')}'")
        found.append(f"month <= '{last:%Y-%m}'")
    if profile is not None:
        profile = profile.get("id") if isinstance(profile, (pd.Series, Mapping)) else profile
        if not isinstance(profile, str):
            raise InvalidInputError(
                f"profile={profile!r} is not an id. Pass the id as text, or a profile row."
            )
        found.append(f"profile_id = {quoted(profile)}")
    if metric is not None and metrics is not None:
        ids = [id for id, _ in _KeptMetrics(metrics).resolve_all(metric)]
        found.append(f"metric_id IN ({', '.join(map(quoted, ids))})")
    return " AND ".join(found)


def snapshot(
    context: Context, store: Store, kind: Literal["lists", "segments"], ids: Sequence[str] | None
) -> pd.DataFrame:
    """Append the present members of each list or segment, one commit each; see `Archive.snapshot`."""
    resource = Lists(context) if kind == "lists" else Segments(context)
    name = f"{kind[:-1]}_members"
    wanted = list(ids) if ids is not None else resource.list(fields=["name"])["id"].tolist()
    seen_at = context.now().astimezone(UTC)
    schema = MEMBER_SCHEMAS[name]
    counts = []
    table = store.opened(name, schema, None, ["seen_at"])
    with Progress(name, shown=context.progress, total=len(wanted), unit=kind) as progress:
        read = read_in_turn(partial(resource.profiles, fields=["joined_group_at"]), wanted)
        for id, members in zip(wanted, read, strict=True):
            joined = pa.array(members["joined_group_at"], from_pandas=True).cast(TIME)
            rows = [[id] * len(members), members["id"].tolist(), joined, [seen_at] * len(members)]
            store.append(table, pa.table(rows, schema), {})
            counts.append((id, len(members), seen_at))
            progress.add(1)
    store.compact(table)
    frame = pd.DataFrame(counts, columns=["id", "members", "seen_at"])
    return frame.astype({"id": "string", "members": "Int64", "seen_at": "datetime64[us, UTC]"})
