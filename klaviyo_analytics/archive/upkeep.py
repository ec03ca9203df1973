"""Upkeep of an archive: its events compared with Klaviyo's own counts and read again, and people removed from it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
from deltalake import DeltaTable

from klaviyo_analytics.archive import sql
from klaviyo_analytics.archive.store import REACHED, Store, mark, named, quoted
from klaviyo_analytics.archive.sync import (
    EVERYTHING,
    START,
    Outcome,
    Sync,
    _Table,
    counting,
    event_batches,
)
from klaviyo_analytics.archive.tables import SPECS, TABLES
from klaviyo_analytics.errors import ApiError, InvalidInputError, NoMatchError
from klaviyo_analytics.filters import F
from klaviyo_analytics.resources import MetricAggregates
from klaviyo_analytics.timeframe import Timeframe

YEARS = 5  # how far back metric aggregates go
MONTH = "%Y-%m"
REMOVED = "[removed]"
PERSONAL = ("email", "phone_number", "external_id")  # what identifies a person besides the profile's id


def checked(sync: Sync, *, repair: bool, dry_run: bool) -> pd.DataFrame:
    """Compare counts per month and metric; see `Archive.verify`."""
    table = sync.store.table("events")
    if table is None:
        raise InvalidInputError("The archive has no events. Run archive.sync(['events']) first.")
    sql.create_view(sync.connection, sync.store, "events", table)
    start, end = _bounds(sync, table)
    metrics = [
        id
        for (id,) in sync.connection.execute(
            "SELECT DISTINCT metric_id FROM events WHERE metric_id IS NOT NULL ORDER BY 1"
        ).fetchall()
    ]
    if dry_run:
        return _cost(metrics, start, end)
    ours = _archived(sync, start, end)
    theirs = _counted(sync, metrics, start, end)
    frame = _compared(sync, ours, theirs, start)
    if not repair:
        return frame
    differing = frame[frame["status"].isin(["missing", "surplus"])]
    if differing.empty:
        return frame
    _repair(sync, table, differing, start, end)
    sql.create_view(sync.connection, sync.store, "events", table)
    after = _compared(sync, _archived(sync, start, end), theirs, start)
    fixed = set(zip(differing["month"], differing["metric_id"], strict=True))
    pairs = list(zip(after["month"], after["metric_id"], strict=True))
    again = [pair in fixed and status == "equal" for pair, status in zip(pairs, after["status"], strict=True)]
    after.loc[again, "status"] = "repaired"
    return after


def _bounds(sync: Sync, table: Any) -> tuple[datetime, datetime]:
    """From when until when the copy should have every event: whole seconds, as far back as aggregates go."""
    reached, begun = mark(table, REACHED), mark(table, START)
    first = sql.value(sync.connection, "SELECT epoch_us(min(datetime)) FROM events")
    if reached is None or first is None:
        raise InvalidInputError("The archive has no events to verify. Run archive.sync(['events']) first.")
    start = EVERYTHING + timedelta(microseconds=first)
    start = start.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    if begun is not None and begun > start:
        start = begun
    now = sync.context.now().astimezone(UTC)
    oldest = (
        now.replace(year=now.year - YEARS, day=1, hour=0, minute=0, second=0, microsecond=0)
        + timedelta(days=32)
    ).replace(day=1)
    return max(start, oldest), reached.replace(microsecond=0) + timedelta(seconds=1)


def _years(start: datetime, end: datetime) -> Sequence[Timeframe]:
    return list(Timeframe(start, end, timezone="UTC").split(years=1, interval="month"))


def _cost(metrics: Sequence[str], start: datetime, end: datetime) -> pd.DataFrame:
    parts = _years(start, end)
    rows = [(metric, part.start, part.end, 1) for metric in metrics for part in parts]
    frame = pd.DataFrame(rows, columns=["metric_id", "start", "end", "calls"])
    times = {
        name: pd.to_datetime(frame[name], utc=True).astype("datetime64[us, UTC]") for name in ("start", "end")
    }
    return frame.assign(**times).astype({"metric_id": "string", "calls": "Int64"})


def _at(moment: datetime) -> str:
    return f"TIMESTAMPTZ '{moment.isoformat(sep=' ')}'"


def _archived(sync: Sync, start: datetime, end: datetime) -> dict[tuple[str, str], int]:
    rows = sync.connection.execute(
        "SELECT month, metric_id, count(*) FROM events WHERE metric_id IS NOT NULL "  # noqa: S608
        f"AND datetime >= {_at(start)} AND datetime < {_at(end)} GROUP BY ALL"
    ).fetchall()
    return {(month, metric): count for month, metric, count in rows}


def _counted(
    sync: Sync, metrics: Sequence[str], start: datetime, end: datetime
) -> dict[tuple[str, str], int | None]:
    """Ask Klaviyo's counts, one call for each metric and year; None where it does not know the metric."""
    aggregates = MetricAggregates(sync.context)
    frame = Timeframe(start, end, timezone="UTC")
    counts: dict[tuple[str, str], int | None] = {}
    for metric in metrics:
        try:
            answer = aggregates.query(
                metric, measurements=["count"], interval="month", timeframe=frame, timezone="UTC"
            )
        except (ApiError, LookupError):  # a metric that was deleted
            counts[("", metric)] = None
            continue
        months = answer["datetime"].dt.strftime(MONTH)
        for month, count in zip(months, answer["count"], strict=True):
            counts[(str(month), metric)] = int(count)
    return counts


def _compared(
    sync: Sync, ours: dict[tuple[str, str], int], theirs: dict[tuple[str, str], int | None], start: datetime
) -> pd.DataFrame:
    names = _names(sync)
    unknown = {metric for month, metric in theirs if not month}
    rows = []
    for month, metric in sorted({*ours, *(key for key in theirs if key[0])}):
        archived = ours.get((month, metric), 0)
        counted = None if metric in unknown else theirs.get((month, metric)) or 0
        if archived == 0 and not counted:
            continue
        gap = None if counted is None else counted - archived
        status = "unchecked" if gap is None else "equal" if gap == 0 else "missing" if gap > 0 else "surplus"
        rows.append((month, metric, names.get(metric), archived, counted, gap, status))
    columns = {
        "month": "string",
        "metric_id": "string",
        "metric": "string",
        "archived": "Int64",
        "klaviyo": "Int64",
        "difference": "Int64",
        "status": "string",
    }
    frame = pd.DataFrame(rows, columns=list(columns)).astype(columns)
    frame.attrs["start"] = start.isoformat()
    return frame


def _names(sync: Sync) -> dict[str, str]:
    table = sync.store.table("metrics")
    if table is None:
        return {}
    sql.create_view(sync.connection, sync.store, "metrics", table)
    return dict(sync.connection.execute("SELECT id, name FROM metrics").fetchall())


def _repair(sync: Sync, table: Any, differing: pd.DataFrame, start: datetime, end: datetime) -> Outcome:
    """Read the months of the metrics that differ again, and leave in them what the account has."""
    context, _ = counting(sync.context)
    outcome = Outcome("events")
    work = _Table(sync, context, SPECS["events"], table, outcome)
    for month, metric in zip(differing["month"], differing["metric_id"], strict=True):
        first = datetime.strptime(month, MONTH).replace(tzinfo=UTC)
        after = (first + timedelta(days=32)).replace(day=1)
        low, high = max(first, start), min(after, end)
        seen: list[pa.Array] = []
        for rows in event_batches(context, F.metric_id == metric, (low, high)):
            seen.append(rows["id"].combine_chunks())
            work.write(rows, {}, within=f"t.month = {quoted(month)}", where=f"month = {quoted(month)}")
        bounds = f"datetime >= {_at(low)} AND datetime < {_at(high)}"
        work.remove(seen, f"month = {quoted(month)} AND metric_id = {quoted(metric)} AND {bounds}")
    return outcome


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
