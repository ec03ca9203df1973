"""DuckDB over the current Parquet files of an archive: one view per table, with every column of its schema."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
from deltalake import DeltaTable

from klaviyo_analytics.archive.store import Store, named, quoted
from klaviyo_analytics.archive.tables import TIME

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
