"""Compare the events of an archive with Klaviyo's own counts, and read again the months that differ."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pyarrow as pa

from klaviyo_analytics.archive import sql
from klaviyo_analytics.archive.store import mark, quoted
from klaviyo_analytics.archive.sync import (
    EVERYTHING,
    REACHED,
    START,
    Outcome,
    Sync,
    _Table,
    counting,
    event_batches,
)
from klaviyo_analytics.archive.tables import SPECS
from klaviyo_analytics.errors import ApiError, InvalidInputError
from klaviyo_analytics.filters import F
from klaviyo_analytics.resources import MetricAggregates
from klaviyo_analytics.timeframe import Timeframe

YEARS = 5  # how far back metric aggregates go
MONTH = "%Y-%m"


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
