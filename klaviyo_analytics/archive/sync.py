"""Bring an archive up to date: read what may be new, write what is, in commits that are whole or not there at all."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import blake2b
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable

from klaviyo_analytics import frames, resources
from klaviyo_analytics._progress import Progress
from klaviyo_analytics.archive import sql
from klaviyo_analytics.archive.store import REACHED, Marks, Store, mark, quoted
from klaviyo_analytics.archive.tables import ATTRIBUTION, SPECS, TIME, Spec, json_text, to_arrow
from klaviyo_analytics.filters import F, Filter
from klaviyo_analytics.http.session import Reply
from klaviyo_analytics.resources import Context, _concurrent
from klaviyo_analytics.resources._concurrent import Ranges
from klaviyo_analytics.resources._reading import EVENTS, Bounds, Reading, Rows, read_in_turn
from klaviyo_analytics.resources.campaigns import SUBJECT, read_subject
from klaviyo_analytics.resources.reports._base import by_channel

BATCH = 10_000  # rows of a commit
PAGE = 1_000  # events of the largest page
READERS = 2  # at once; writing keeps up with few more, and each takes some 30 MB
SERIAL = 20  # pages of an overlap up to which it is read by one reader
RECENT = 20_000  # ids kept as text; a page repeats those of the pages just before
PARENTS = 50  # campaigns or flows whose messages are written in one commit
SECOND = timedelta(seconds=1)
EVERYTHING = datetime.fromtimestamp(0, UTC)
START = "start"  # the mark of a table from when it was read
CLASSES: Mapping[str, type[Any]] = {
    "accounts": resources.Accounts,
    "metrics": resources.Metrics,
    "profiles": resources.Profiles,
    "lists": resources.Lists,
    "segments": resources.Segments,
    "campaigns": resources.Campaigns,
    "flows": resources.Flows,
    "forms": resources.Forms,
    "templates": resources.Templates,
    "universal_content": resources.UniversalContent,
    "catalog_items": resources.CatalogItems,
    "catalog_variants": resources.CatalogVariants,
    "catalog_categories": resources.CatalogCategories,
    "coupons": resources.Coupons,
    "tags": resources.Tags,
}


@dataclass
class Outcome:
    """What a sync did to one table."""

    table: str
    new: int = 0
    changed: int = 0
    removed: int = 0
    read_again: int = 0
    requests: int = 0
    seconds: float = 0.0
    reason: str = ""


def report(outcomes: Sequence[Outcome]) -> pd.DataFrame:
    """Return what a sync did as a frame; see `Archive.sync`."""
    kinds = {
        "table": "string",
        **dict.fromkeys(("new", "changed", "removed", "read_again", "requests"), "Int64"),
        "seconds": "float64",
        "reason": "string",
    }
    rows = [[getattr(outcome, name) for name in kinds] for outcome in outcomes]
    return pd.DataFrame(rows, columns=list(kinds)).astype(kinds)


class Counted:
    """A transport that counts the calls it passes on."""

    def __init__(self, transport: Any) -> None:
        self._transport = transport
        self.calls = 0

    def send(self, *args: Any, **kwargs: Any) -> Reply:
        """Pass a call on."""
        self.calls += 1
        reply: Reply = self._transport.send(*args, **kwargs)
        return reply

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


def counting(context: Context) -> tuple[Context, Counted]:
    """Copy a context so that the calls made by the copy are counted."""
    api = copy.copy(context.api)
    counted = Counted(api.transport)
    api.transport = counted  # type: ignore[assignment]
    return replace(context, api=api), counted


@dataclass
class Sync:
    """One sync: the account on one side, the tables on the other."""

    context: Context
    store: Store
    overlap: timedelta
    since: datetime | None = None
    removals: bool = False
    connection: duckdb.DuckDBPyConnection = field(default_factory=sql.connected)

    def run(self, names: Sequence[str]) -> list[Outcome]:
        """Bring the tables up to date, one after the other."""
        wanted = {*names, *(parent for name in names if (parent := SPECS[name].parent))}
        if "events" in wanted and self.store.table("metrics") is None:
            wanted.add("metrics")
        revision = self.context.api.catalog.revision
        with _system_memory():
            return [self._table(spec.at(revision)) for spec in SPECS.values() if spec.name in wanted]

    def _table(self, spec: Spec) -> Outcome:
        context, counted = counting(self.context)
        began, outcome = time.perf_counter(), Outcome(spec.name)
        opened = self.store.opened(spec.name, spec.arrow, spec.partition, _statistics(spec))
        work = _Table(self, context, spec, opened, outcome)
        if spec.name == "events":
            work.events()
        elif spec.parent:
            work.children()
        else:
            work.snapshot()
        self.store.compact(opened)
        outcome.requests, outcome.seconds = counted.calls, time.perf_counter() - began
        return outcome


@contextmanager
def _system_memory() -> Iterator[None]:
    """Make Arrow allocate from the system meanwhile: its own pool keeps some 40 MB of what many threads released."""
    usual = pa.default_memory_pool()
    pa.set_memory_pool(pa.system_memory_pool())
    try:
        yield
    finally:
        pa.set_memory_pool(usual)


def _statistics(spec: Spec) -> list[str]:
    """Columns whose smallest and largest values the log may hold: nothing that identifies a person."""
    return ["datetime"] if spec.name == "events" else ["seen_at"]


@dataclass
class _Table:
    sync: Sync
    context: Context
    spec: Spec
    table: DeltaTable
    outcome: Outcome

    def view(self) -> None:
        sql.create_view(self.sync.connection, self.sync.store, self.spec.name, self.table)

    def write(
        self,
        rows: pa.Table,
        marks: Marks,
        *,
        where: str = "true",
        within: str | None = None,
        known: bool = True,
    ) -> None:
        """Write the rows that are new or differ; `known=False` if the table certainly lacks all of them."""
        if not rows.num_rows:
            return
        new, changed = rows, rows.slice(0, 0)
        if known:
            ignore = ("seen_at",) if "seen_at" in rows.column_names else ()
            self.view()
            new, changed = sql.difference(
                self.sync.connection, self.spec.name, rows, self.spec.key, where, ignore
            )
        store = self.sync.store
        if changed.num_rows or (new.num_rows and store.local is None):
            both = changed if store.local is not None else pa.concat_tables([changed, new])
            last = store.local is None or not new.num_rows
            store.merge(self.table, both, self.spec.key, marks if last else {}, within=within)
        if new.num_rows and store.local is not None:  # the lock keeps other writers away
            store.append(self.table, new, marks)
        self.outcome.new += new.num_rows
        self.outcome.changed += changed.num_rows
        self.outcome.read_again += rows.num_rows - new.num_rows

    def remove(self, seen: Sequence[pa.Array], where: str) -> None:
        """Delete the rows within `where` that the account no longer has."""
        self.view()
        connection = self.sync.connection
        connection.register("_seen", pa.table({"id": pa.chunked_array(list(seen), pa.string())}))
        gone = connection.execute(
            f"SELECT id FROM {self.spec.name} WHERE ({where}) AND id NOT IN (SELECT id FROM _seen)"  # noqa: S608
        ).fetchall()
        connection.unregister("_seen")
        if gone:
            self.sync.store.delete(self.table, "id", [id for (id,) in gone])
        self.outcome.removed += len(gone)

    # events -----------------------------------------------------------------------------------------------------

    def events(self) -> None:
        """Read events from the mark on, less the overlap; before that, a past that was not asked for until now."""
        since = self.sync.since
        begun, reached = mark(self.table, START), mark(self.table, REACHED)
        if begun is None or reached is None:
            self.outcome.reason = (
                "first sync" if since is None else f"first sync, since {since:%Y-%m-%d %H:%M} UTC"
            )
            self._events(since, None, {START: since or EVERYTHING})
            return
        if since is not None and since < begun:
            self._events(since, begun, {})
            self.sync.store.append(self.table, self.spec.arrow.empty_table(), {START: since})
            begun = since
        start = reached - self.sync.overlap
        start = start if start > begun else begun
        days = self.sync.overlap / timedelta(days=1)
        self.outcome.reason = f"overlap of {days:g} days before {reached:%Y-%m-%d %H:%M} UTC, for late events"
        self.view()
        edge = reached.replace(microsecond=0) + SECOND
        kept = sql.value(
            self.sync.connection,
            f"SELECT count(*) FROM events WHERE datetime >= {_at(start)} AND datetime < {_at(edge)}",  # noqa: S608
        )
        first = None if start <= EVERYTHING else start
        if (
            PAGE <= kept <= PAGE * SERIAL and start < edge
        ):  # one page after the other takes the fewest requests
            self._events(first, edge, {}, workers=1)
            first = edge
        self._events(first, None, {})

    def _events(
        self, start: datetime | None, end: datetime | None, marks: Marks, workers: int | None = None
    ) -> None:
        self.view()
        latest = sql.value(self.sync.connection, "SELECT epoch_us(max(datetime)) FROM events")
        kept_until = EVERYTHING + timedelta(microseconds=latest) if latest is not None else None
        began, reached = self.context.now(), mark(self.table, REACHED)
        seen: list[pa.Array] = []
        for rows in event_batches(self.context, None, (start, end), workers):
            times = rows["datetime"]
            last = pc.max(times).as_py()
            if kept_until is None:
                overlapping, fresh = rows.slice(0, 0), rows
            else:
                old = pc.less_equal(times, pa.scalar(kept_until, TIME))
                overlapping, fresh = rows.filter(old), rows.filter(pc.invert(old))
            if overlapping.num_rows:
                seen.append(overlapping["id"].combine_chunks())
                months = pc.unique(overlapping["month"]).to_pylist()
                within = f"t.month in ({', '.join(map(quoted, months))})"
                passed = self._passed(pc.max(overlapping["datetime"]).as_py(), began, reached, end)
                self.write(overlapping, {**marks, **passed}, where=_months(months), within=within)
            if fresh.num_rows:
                self.write(fresh, {**marks, **self._passed(last, began, reached, end)}, known=False)
        if kept_until is not None:  # later rows are new ones, and were not collected
            bounds = [f"datetime <= {_at(kept_until)}"]
            bounds += [f"datetime >= {_at(start)}"] if start else []
            bounds += [f"datetime < {_at(end)}"] if end else []
            self.remove(seen, " AND ".join(bounds))

    @staticmethod
    def _passed(last: datetime, began: datetime, reached: datetime | None, end: datetime | None) -> Marks:
        """Mark until when events are known; events dated in the future say nothing about the time before them."""
        passed = min(last, began.astimezone(UTC))
        return {} if end is not None or (reached is not None and passed <= reached) else {REACHED: passed}

    # everything else --------------------------------------------------------------------------------------------

    def snapshot(self) -> None:
        """Read what was updated since the mark, or all of it where the API has no such filter."""
        spec, reached = self.spec, mark(self.table, REACHED)
        partial = spec.updated is not None and reached is not None and not self.sync.removals
        resource = CLASSES[spec.name](self.context)
        options: dict[str, Any] = {}
        if spec.updated:
            options["sort"] = spec.updated
        if partial:
            assert reached is not None
            options["filter"] = F[spec.updated or ""] > reached - SECOND
            self.outcome.reason = f"rows updated after {reached - SECOND:%Y-%m-%d %H:%M:%S} UTC"
        else:
            self.outcome.reason = (
                "all rows" if spec.updated is None else "all rows (first sync or removals=True)"
            )
        ordered = spec.updated is not None and spec.name != "campaigns"  # campaigns come channel by channel
        highest: datetime | None = None
        seen: list[pa.Array] = []
        for frame in _frames(resource, self.context, spec, options):
            rows = to_arrow(frame, spec, self.spec.arrow, seen_at=_now(self.context, len(frame)))
            seen.append(rows["id"].combine_chunks())
            if spec.updated and rows.num_rows:
                last = pc.max(rows[spec.updated]).as_py()
                highest = max(filter(None, (highest, last)), default=None)
            self.write(rows, {REACHED: highest} if ordered and not self.sync.removals else {})
        if not partial:
            self.remove(seen, "true")
        if (
            highest is not None
            and (reached is None or highest > reached)
            and highest != mark(self.table, REACHED)
        ):
            self.sync.store.append(self.table, spec.arrow.empty_table(), {REACHED: highest})

    def children(self) -> None:
        """Read the messages of the campaigns or flows that were updated since the mark."""
        spec, reached = self.spec, mark(self.table, REACHED)
        parent = SPECS[spec.parent or ""]
        parents = self.sync.store.table(parent.name)
        assert parents is not None
        sql.create_view(self.sync.connection, self.sync.store, parent.name, parents)
        self.view()
        gone = self.sync.connection.execute(
            f"SELECT DISTINCT parent_id FROM {spec.name} WHERE parent_id NOT IN (SELECT id FROM {parent.name})"  # noqa: S608
        ).fetchall()
        if gone:
            ids = ", ".join(quoted(id) for (id,) in gone)
            self.outcome.removed += sql.value(
                self.sync.connection,
                f"SELECT count(*) FROM {spec.name} WHERE parent_id IN ({ids})",  # noqa: S608
            )
            self.sync.store.delete(self.table, "parent_id", [id for (id,) in gone])
        condition = "true" if reached is None or self.sync.removals else f"{parent.updated} > {_at(reached)}"
        due = self.sync.connection.execute(
            f"SELECT id, epoch_us({parent.updated}) FROM {parent.name} "  # noqa: S608
            f"WHERE {parent.updated} IS NULL OR {condition} ORDER BY {parent.updated} NULLS FIRST, id"
        ).fetchall()
        self.outcome.reason = f"messages of {len(due)} new or updated {parent.name}"
        resource = CLASSES[parent.name](self.context)
        with Progress(spec.name, shown=self.context.progress, total=len(due), unit=parent.name) as progress:
            for start, stop in _groups([moment for _, moment in due]):
                group = [id for id, _ in due[start:stop]]
                last = due[stop - 1][1]
                rows = self._of_parents(resource, group, progress)
                marks: Marks = {} if last is None else {REACHED: EVERYTHING + timedelta(microseconds=last)}
                listed = ", ".join(map(quoted, group))
                self.write(rows, {})
                self.remove([rows["id"].combine_chunks()], f"parent_id IN ({listed})")
                self.sync.store.append(self.table, spec.arrow.empty_table(), marks)

    def _of_parents(self, resource: Any, ids: Sequence[str], progress: Progress) -> pa.Table:
        tables = [self.spec.arrow.empty_table()]
        read = resource.messages
        if self.spec.name == "campaign_messages" and not by_channel(self.context):
            read = partial(_with_subjects, self.context, read)
        for id, frame in zip(ids, read_in_turn(read, ids), strict=True):
            now = _now(self.context, len(frame))
            tables.append(
                to_arrow(frame, self.spec, self.spec.arrow, seen_at=now, parent_id=[id] * len(frame))
            )
            progress.add(1)
        return pa.concat_tables(tables).combine_chunks()


def _with_subjects(context: Context, read: Callable[[str], pd.DataFrame], campaign: str) -> pd.DataFrame:
    """Read a campaign's messages with the subjects of their variations, one request for each message."""
    frame = read(campaign)
    subjects = read_in_turn(partial(read_subject, context), frame["id"])
    return frame.assign(**{SUBJECT: pd.array([*subjects], dtype="string")})


def _frames(resource: Any, context: Context, spec: Spec, options: dict[str, Any]) -> Iterator[pd.DataFrame]:
    if hasattr(resource, "iter_frames"):
        yield from resource.iter_frames(chunk_size=BATCH, **options)
    else:
        yield from Reading(context, spec.operation, **options).frames(BATCH)


def event_batches(
    context: Context, filter: Filter | None, bounds: Bounds = (None, None), workers: int | None = None
) -> Iterator[pa.Table]:
    """Read events in order of time, as Arrow tables of some 10,000 rows with what they are attributed to."""
    workers = workers or READERS
    options: dict[str, Any] = {
        "sort": "datetime", "include": ["attributions"], "page_size": BATCH if BATCH < PAGE else None,
        "properties": "text",
    }  # fmt: skip
    settled = _concurrent.plan(
        context, "get_events", EVENTS, filter=filter, bounds=bounds, workers=workers, **options
    )
    rows = KnownIds()
    packed = partial(
        _event_rows, reading=settled.whole
    )  # Arrow takes a tenth of the memory of Python's objects
    ranges = Ranges(settled, EVENTS, bounds[1], workers, packed=packed)
    source = ranges.pages if settled.concurrent else settled.whole.pages
    held: list[pa.Table] = []
    with Progress("events", shown=context.progress) as progress:
        for records, included in source(progress, rows):
            held.append(records if isinstance(records, pa.Table) else packed(records, included))
            if sum(table.num_rows for table in held) >= BATCH:
                yield pa.concat_tables(held)
                held = []
    settled.whole.report(rows)
    if held:
        yield pa.concat_tables(held)


class KnownIds(Rows):
    """The ids of any number of rows, each row passed on once; earlier ids are kept as 16-byte digests."""

    def __init__(self) -> None:
        super().__init__()
        self._earlier = np.empty(0, "S16")  # sorted

    def new(self, records: list[Any]) -> list[Any]:
        """Return the records that were not read before, in order; those without an id are all kept."""
        with self._lock:
            if len(self._ids) >= RECENT:
                self._earlier = np.concatenate([self._earlier, _digests(self._ids)])
                self._earlier.sort()
                self._ids = set()
            fresh = []
            for record, met in zip(records, self._met(records), strict=True):
                if (id := record["id"]) is None:
                    self.nameless += 1
                elif met or str(id) in self._ids:
                    continue
                else:
                    self._ids.add(str(id))
                fresh.append(record)
            self.repeated += len(records) - len(fresh)
        return fresh

    def _met(self, records: list[Any]) -> list[bool]:
        """Return for each record whether its id is one of the earlier ones."""
        if not self._earlier.size:
            return [False] * len(records)
        digests = _digests([str(record["id"]) for record in records])
        places = np.minimum(np.searchsorted(self._earlier, digests), self._earlier.size - 1)
        found: list[bool] = (self._earlier[places] == digests).tolist()
        return found


def _digests(ids: Collection[str]) -> np.ndarray[Any, Any]:
    return np.array([blake2b(id.encode(), digest_size=16).digest() for id in ids], "S16")


def _event_rows(records: list[Any], included: Any, reading: Reading) -> pa.Table:
    """Convert a page of events, with the columns that only the archive has."""
    spec = SPECS["events"]
    table = frames.Table(reading.schema)
    table.add(records, included)
    frame = table.frame()
    properties = [(record.get("attributes") or {}).get("event_properties") for record in records]
    values = [value.get("$value") if isinstance(value, dict) else None for value in properties]
    return to_arrow(
        frame,
        spec,
        spec.arrow,
        as_text=("event_properties",),
        month=frame["datetime"].dt.strftime("%Y-%m").tolist(),
        value=[_number(value) for value in values],
        **_credits(records, included),
    )


def _credits(records: Sequence[Any], included: Any) -> dict[str, list[str | None]]:
    """Find the campaign, flow and message that each event is attributed to."""
    columns: dict[str, list[str | None]] = {name: [] for name in ("attribution_ids", *ATTRIBUTION)}
    for record in records:
        data = ((record.get("relationships") or {}).get("attributions") or {}).get("data") or []
        found = [included.get(("attribution", one["id"]), {}).get("relationships") or {} for one in data]
        columns["attribution_ids"].append(json_text([one["id"] for one in data]))
        for column, relationship in ATTRIBUTION.items():
            ids = [((one.get(relationship) or {}).get("data") or {}).get("id") for one in found]
            columns[column].append(next(filter(None, ids), None))
    return columns


def _number(value: Any) -> float | None:
    """Read an event's value; shops like to write amounts as text."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def _groups(moments: Sequence[int | None]) -> Iterator[tuple[int, int]]:
    """Cut a sorted list into groups that end where the value changes, so that a mark covers whole values."""
    start = 0
    while start < len(moments):
        stop = min(start + PARENTS, len(moments))
        while stop < len(moments) and moments[stop] == moments[stop - 1]:
            stop += 1
        yield start, stop
        start = stop


def _now(context: Context, count: int) -> pa.Array:
    return pa.array([context.now().astimezone(UTC)] * count, TIME)


def _at(moment: datetime) -> str:
    return f"TIMESTAMPTZ '{moment.astimezone(UTC).isoformat(sep=' ')}'"


def _months(months: Sequence[str]) -> str:
    return f"month IN ({', '.join(map(quoted, months))})"
