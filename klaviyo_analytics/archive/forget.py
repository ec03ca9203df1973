"""Remove a person from every table of an archive, from its history and from its log."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb
import pandas as pd
from deltalake import DeltaTable

from klaviyo_analytics.archive import sql
from klaviyo_analytics.archive.store import Store, named, quoted
from klaviyo_analytics.archive.tables import TABLES
from klaviyo_analytics.errors import NoMatchError

REMOVED = "[removed]"
PERSONAL = ("email", "phone_number", "external_id")  # what identifies a person besides the profile's id


def people(connection: duckdb.DuckDBPyConnection, store: Store, email: str) -> list[str]:
    """Find the ids of the profiles with an email address, whatever its case."""
    table = store.table("profiles")
    if table is None:
        raise NoMatchError(
            f"email={email!r} cannot be looked up: the archive has no profiles. Pass profile= with the profile's id."
        )
    sql.create_view(connection, store, "profiles", table)
    found = connection.execute("SELECT id FROM profiles WHERE lower(email) = lower(?)", [email.strip()])
    return [id for (id,) in found.fetchall()]


def forget(store: Store, ids: Sequence[str], address: str | None) -> pd.DataFrame:
    """Delete the rows of these profiles, and their ids and addresses from the text of the rows that stay."""
    connection = sql.connected()
    words = {*ids, *([address.strip(), address.strip().lower()] if address else [])}
    words |= _words(connection, store, ids)
    rows = []
    for spec in TABLES.values():
        table = store.table(spec.name)
        if table is None:
            continue
        sql.create_view(connection, store, spec.name, table)
        deleted = _count(connection, spec.name, spec.people, ids)
        if deleted:
            store.delete(table, spec.people or "", ids)
        masked = _mask(connection, store, spec.name, table, words)
        cleaned(store, table)
        rows.append((spec.name, deleted, masked))
    connection.close()
    frame = pd.DataFrame(rows, columns=["table", "rows", "masked"])
    return frame.astype({"table": "string", "rows": "Int64", "masked": "Int64"})


def cleaned(store: Store, table: DeltaTable) -> None:
    """Remove every earlier version: its files, and its entries in the log."""
    table.vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False, full=True)
    table.alter.set_table_properties({"delta.logRetentionDuration": "interval 0 days"})
    current = DeltaTable(table.table_uri, storage_options=store.options)
    current.create_checkpoint()
    current.cleanup_metadata()
    current.alter.set_table_properties(
        {"delta.logRetentionDuration": "interval 30 days"}
    )  # as it is by default


def _words(connection: duckdb.DuckDBPyConnection, store: Store, ids: Sequence[str]) -> set[str]:
    """Collect what identifies these people in the text of other rows: addresses, phone numbers, ids of the shop."""
    table = store.table("profiles")
    if table is None or not ids:
        return set()
    sql.create_view(connection, store, "profiles", table)
    columns = ", ".join(PERSONAL)
    listed = ", ".join(map(quoted, ids))
    found = connection.execute(f"SELECT {columns} FROM profiles WHERE id IN ({listed})").fetchall()  # noqa: S608
    return {
        word for row in found for word in row if word and len(word) >= 5
    }  # a short id is part of too much


def _count(connection: duckdb.DuckDBPyConnection, name: str, column: str | None, ids: Sequence[str]) -> int:
    if column is None or not ids:
        return 0
    listed = ", ".join(map(quoted, ids))
    return int(sql.value(connection, f"SELECT count(*) FROM {name} WHERE {named(column)} IN ({listed})"))  # noqa: S608


def _mask(
    connection: duckdb.DuckDBPyConnection, store: Store, name: str, table: DeltaTable, words: set[str]
) -> int:
    """Replace what identifies the person in the text of rows that belong to somebody else."""
    sql.create_view(connection, store, name, table)
    text = [
        field.name
        for field in table.schema().fields
        if getattr(field.type, "type", "") == "string"
        and field.name not in table.metadata().partition_columns
    ]
    masked = 0
    for column in text:
        for word in sorted(words, key=len, reverse=True):
            where = f"contains({named(column)}, {quoted(word)})"
            count = sql.value(connection, f"SELECT count(*) FROM {name} WHERE {where}")  # noqa: S608
            if count:
                change = f"replace({named(column)}, {quoted(word)}, {quoted(REMOVED)})"
                predicate = f"strpos({named(column)}, {quoted(word)}) > 0"
                store.repeated(
                    table,
                    lambda column=column, change=change, predicate=predicate: table.update(  # type: ignore[misc]
                        updates={named(column): change}, predicate=predicate
                    ),
                )
                sql.create_view(connection, store, name, table)
                masked += int(count)
    return masked
