"""The account that resources belong to, and how a collection or a single resource is read."""

from __future__ import annotations

import operator
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from typing import Any, TypeVar

import pandas as pd

from klaviyo_analytics import frames as tables
from klaviyo_analytics._messages import closest, counted, near
from klaviyo_analytics._progress import Progress
from klaviyo_analytics.endpoints import Endpoint, jsonapi
from klaviyo_analytics.endpoints import query as queries
from klaviyo_analytics.endpoints.api import Api
from klaviyo_analytics.endpoints.query import Fields, Query
from klaviyo_analytics.errors import (
    InvalidInputError,
    InvalidQueryError,
    MalformedResponseError,
    PaginationError,
)
from klaviyo_analytics.filters import F, Filter
from klaviyo_analytics.frames.schema import Properties, Schema
from klaviyo_analytics.http import cancellation
from klaviyo_analytics.quota.budget import Quota
from klaviyo_analytics.quota.cache import Cache
from klaviyo_analytics.timeframe import Timeframe
from klaviyo_analytics.timeframe.words import Moment, answered, in_zone, plain, zone_named

Item = TypeVar("Item")
Answer = TypeVar("Answer")
Filtering = Filter | str | None
Page = tuple[list[Any], Any]  # records, and what was included with them
Bounds = tuple[datetime | None, datetime | None]
Times = list[datetime | None]
CHUNK = 10_000
SECOND = timedelta(seconds=1)
AT_ONCE = 8  # reads of related collections at the same time
beside: ContextVar[int] = ContextVar("beside", default=1)  # reads that run at the same time and share readers
MOST_KNOWN_PAGES = 3  # pages in a row with only known rows, after which a collection is taken to be endless
MOST_EMPTY_PAGES = 100  # a filter may leave a page empty, but not that many in a row


@dataclass
class Context:
    """The account that resources read: its API, its settings, its clock."""

    api: Api
    progress: bool | None = None
    now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    sleep: Callable[[float], None] = field(default=cancellation.sleep, repr=False)  # between looks at a job
    clock: Callable[[], float] = field(default=time.monotonic, repr=False)
    workers: int | None = None  # readers of one collection, where a call names no number
    metrics: pd.DataFrame | None = field(default=None, repr=False)  # read once, see Metrics.known
    known_account: pd.Series[Any] | None = field(default=None, repr=False)
    conversion: tuple[str, str] | None = field(default=None, repr=False)  # see resources._conversion
    names: dict[str, dict[str, str | None]] = field(default_factory=dict, repr=False)  # see reports._base
    money: dict[tuple[str, str], tuple[datetime, set[str | None]]] = field(
        default_factory=dict, repr=False
    )  # see metrics.remember_currencies
    cache: Cache = field(default_factory=Cache, repr=False)
    quota: Quota = field(default_factory=Quota, repr=False)

    @property
    def account(self) -> pd.Series[Any]:
        """The account's own row; asked for once."""
        if self.known_account is None:
            frame = Reading(self, "get_accounts").frame()
            if frame.empty:
                raise MalformedResponseError("GET /api/accounts contains no account.")
            self.known_account = frame.iloc[0]
        return self.known_account

    @property
    def timezone(self) -> str:
        """The account's time zone, which decides what a day is.

        Raises
        ------
        MalformedResponseError
            The account has no time zone, or one that is not known here.
        """
        zone = self.account.get("timezone")
        if not isinstance(zone, str) or not zone.strip():
            shown = "empty" if isinstance(zone, str) else "null"
            raise MalformedResponseError(
                f"The account's time zone is {shown}, and it decides when a day begins. Set it in Klaviyo's account "
                "settings, or pass timezone= with an IANA name such as 'America/New_York' where a call takes it."
            )
        try:
            return zone_named(zone.strip()).key
        except InvalidInputError as problem:
            raise MalformedResponseError(
                f"The account's time zone {zone!r} is not known on this machine. Install the newest tzdata package, "
                "or pass timezone= with an IANA name such as 'America/New_York' where a call takes it."
            ) from problem


class Rows:
    """The ids of the rows read so far, so that a row on two pages is kept once; several readers may share it."""

    def __init__(self) -> None:
        self._ids: set[str] = set()
        self._lock = threading.Lock()
        self._stale = 0  # pages in a row that brought nothing new
        self.repeated = 0
        self.nameless = 0

    def new(self, records: list[Any]) -> list[Any]:
        """Return the records that were not read before, in order; those without an id are all kept."""
        with self._lock:
            fresh = []
            for record in records:
                if (id := record["id"]) is None:
                    self.nameless += 1
                elif (key := str(id)) in self._ids:
                    continue
                else:
                    self._ids.add(key)
                fresh.append(record)
            self.repeated += len(records) - len(fresh)
        return fresh

    def check_progress(self, records: list[Any], fresh: list[Any], where: str) -> None:
        """Stop reading a collection whose pages never end although their cursors differ.

        Raises
        ------
        PaginationError
            Several pages in a row held only known rows, or very many were empty.
        """
        self._stale = 0 if fresh else self._stale + 1
        if self._stale >= (MOST_KNOWN_PAGES if records else MOST_EMPTY_PAGES):
            held = "rows that were read already" if records else "no rows"
            raise PaginationError(
                f"{where}: {self._stale} pages in a row held {held}, each with a new cursor; stopped "
                "instead of reading them for ever."
            )

    def report(self, what: str) -> None:
        """Warn about dropped rows and rows without an id, with counts."""
        if self.repeated:
            tables.warn(
                f"{what}: {counted(self.repeated, 'row')} came on more than one page and {_was(self.repeated)} "
                "dropped; the data changed while the pages were read."
            )
        if self.nameless:
            tables.warn(
                f"{what}: {counted(self.nameless, 'row')} without an id; the id is missing in the frame."
            )


def _was(count: int) -> str:
    return "was" if count == 1 else "were"


class Reading:
    """A collection being read: query checked and columns settled before the first request."""

    def __init__(
        self,
        context: Context,
        operation: str,
        ids: Mapping[str, str] | None = None,
        *,
        filter: Filtering = None,
        sort: str | None = None,
        include: Sequence[str] | str = (),
        fields: Fields | None = None,
        additional_fields: Fields | None = None,
        limit: int | None = None,
        page_size: int | None = None,
        properties: Properties = "json",
        named: tables.NamedProperties | None = None,
    ) -> None:
        self.named = named or tables.NamedProperties()  # shared by readings that make one frame
        self._reports_named = named is None
        limit = _whole_number(limit)
        self.context = context
        self.endpoint: Endpoint = context.api.catalog[operation]
        self.ids = {name: checked_id(value, name) for name, value in (ids or {}).items()}
        self.query: Query = queries.build(
            self.endpoint,
            filter=filter,
            sort=sort,
            include=include,
            fields=fields,
            additional_fields=additional_fields,
            strict=context.api.strict,
        )
        self.schema: Schema = tables.schema(self.endpoint, self.query, properties)
        self.size = queries.page_size(self.endpoint, page_size, limit, strict=context.api.strict)
        self.chosen = page_size is not None
        self.limit = limit

    def pages(
        self, progress: Progress | None = None, rows: Rows | None = None
    ) -> Iterator[tuple[list[Any], Any]]:
        """Yield (records, what they include) page by page, `limit` rows in all, each row once."""
        left = self.limit
        rows = rows or Rows()
        where = f"{self.endpoint.method} {self.endpoint.path}"
        if left == 0:
            return
        documents = self.context.api.pages(
            self.endpoint,
            self.ids,
            self.query.params,
            size=self.size,
            chosen=self.chosen,
            on_wait=progress.waiting if progress else None,
        )
        for document in documents:
            found = jsonapi.collection(document, where)
            records = rows.new(found)
            rows.check_progress(found, records, where)
            if left is not None:
                records = records[:left]
                left -= len(records)
            yield records, jsonapi.included([document]) if self.query.include else {}
            if progress:
                progress.add(len(records))
            if left == 0:
                return
            del document, found, records  # not needed while the next page is waited for

    def frame(self) -> pd.DataFrame:
        """Read everything into one frame."""
        table, rows = self.table(), Rows()
        with self._progress() as progress:
            for records, included in self.pages(progress, rows):
                table.add(records, included)
                del records, included
        self.report(rows)
        return table.frame()

    def frames(
        self, chunk_size: int, pages: Callable[[Progress, Rows], Iterator[Page]] | None = None
    ) -> Iterator[pd.DataFrame]:
        """Read everything in frames of `chunk_size` rows; at least one, so that the columns are known.

        `pages` yields the pages instead of this reading, which then only cuts them into frames.
        """
        if chunk_size < 1:
            raise InvalidInputError(f"chunk_size={chunk_size} is not allowed. Use at least 1 row.")
        return self._cut(chunk_size, pages or self.pages)

    def _cut(
        self, chunk_size: int, pages: Callable[[Progress, Rows], Iterator[Page]]
    ) -> Iterator[pd.DataFrame]:
        table, empty, rows = self.table(), True, Rows()
        with self._progress() as progress:
            for records, included in pages(progress, rows):
                rest = records
                while rest:
                    room = chunk_size - table.rows
                    table.add(rest[:room], included)
                    rest = rest[room:]
                    if table.rows == chunk_size:
                        yield table.frame()
                        table, empty = self.table(), False
        self.report(rows)
        if table.rows or empty:
            yield table.frame()

    def table(self) -> tables.Table:
        """Return an empty table of the collection's columns."""
        return tables.Table(self.schema, self.named)

    def report(self, rows: Rows) -> None:
        """Warn of rows that came twice, and of named properties that no row has."""
        rows.report(self.what)
        if self._reports_named:
            self.named.report()

    @property
    def what(self) -> str:
        """The collection for messages: its path below /api/."""
        return self.endpoint.path.removeprefix("/api/")

    def _progress(self) -> Progress:
        return Progress(self.what, shown=self.context.progress, total=self.limit)


def _whole_number(limit: Any) -> int | None:
    """Return a row limit as an int; numpy integers are allowed."""
    try:
        rows = None if limit is None else operator.index(limit)
    except TypeError:
        rows = -1
    if isinstance(limit, bool) or (rows is not None and rows < 0):
        raise InvalidInputError(f"limit={limit!r}: expected a non-negative integer, or None for all rows.")
    return rows


def read_each(work: Callable[[Item], Answer], items: Iterable[Item]) -> list[Answer]:
    """Do one read for each item, several at the same time; the results are in order of the items.

    Reads inside these reads share the number of those at the same time.
    """
    listed = list(items)
    workers = _workers(len(listed))
    if workers < 2:
        return [work(item) for item in listed]
    return cancellation.in_parallel(
        partial(_beside, work, workers), listed, workers=workers, name="klaviyo-related"
    )


def read_in_turn(work: Callable[[Item], Answer], items: Iterable[Item]) -> Iterator[Answer]:
    """Do the same, but yield the results one by one: a few more are read, and no further before they are taken."""
    listed = list(items)
    workers = _workers(len(listed))
    if workers < 2:
        return map(work, listed)
    return cancellation.in_turn(
        partial(_beside, work, workers), listed, workers=workers, name="klaviyo-related"
    )


def frames_in_turn(readings: Sequence[Iterator[pd.DataFrame]]) -> Iterator[pd.DataFrame]:
    """Yield the frames of one reading after the other, while a frame of each of the next ones is read already."""
    if len(readings) == 1:
        yield from readings[0]
        return
    sources = [partial(_yielded, frames) for frames in readings]
    streams = cancellation.streams_in_turn(sources, at_once=AT_ONCE, ahead=1, name="klaviyo-related")
    with closing(streams):
        for frames in streams:
            yield from frames


def _yielded(frames: Iterator[pd.DataFrame]) -> Generator[pd.DataFrame, None, None]:
    yield from frames


def _workers(items: int) -> int:
    return min(AT_ONCE // beside.get(), items)


def _beside(work: Callable[[Item], Answer], workers: int, item: Item) -> Answer:
    beside.set(beside.get() * workers)  # of this item's own context
    return work(item)


def read_one(context: Context, operation: str, ids: Mapping[str, str], **options: Any) -> pd.Series[Any]:
    """Read a single resource as a row."""
    row = read_one_or_none(context, operation, ids, **options)
    if row is None:
        where = context.api.catalog[operation].at(**ids)
        raise MalformedResponseError(f"GET {where} contains no resource.")
    return row


def read_one_or_none(
    context: Context,
    operation: str,
    ids: Mapping[str, str],
    *,
    include: Sequence[str] | str = (),
    fields: Fields | None = None,
    additional_fields: Fields | None = None,
    properties: Properties = "json",
) -> pd.Series[Any] | None:
    """Read a to-one relationship: a row, or None where the answer's data are null."""
    endpoint = context.api.catalog[operation]
    query = queries.build(
        endpoint,
        include=include,
        fields=fields,
        additional_fields=additional_fields,
        strict=context.api.strict,
    )
    schema = tables.schema(endpoint, query, properties)
    ids = {name: checked_id(value, name) for name, value in ids.items()}
    document = context.api.call(operation, ids, params=query.params)
    where = f"GET {endpoint.at(**ids)}"
    records = jsonapi.resources(document, where)
    if len(records) > 1:
        raise MalformedResponseError(f"{where} contains {len(records):,} resources instead of one.")
    if not records and document["data"] is not None:
        raise MalformedResponseError(f"{where} answered with an empty list instead of one resource or null.")
    if records:
        jsonapi.check_type(records[0], endpoint.type, where)
    return tables.one(records[0], schema, jsonapi.included([document])) if records else None


def checked_id(value: object, name: str = "id") -> str:
    """Return the id from an id or from a row that has one."""
    one = _text_of(value, name)
    if "@" in one:
        raise InvalidInputError(
            f"{name}={one!r} is an email address, not an id. "
            "client.profiles.find(email=...) returns the row that has the id."
        )
    return one


def catalog_id(value: object) -> str:
    """Return the catalog's compound id for a shop's own id; rows and compound ids have it already."""
    one = _text_of(value, "id")
    return one if ":::" in one else f"$custom:::$default:::{one}"


def _text_of(value: object, name: str) -> str:
    if isinstance(value, pd.Series):
        value = value.get("id")
    if isinstance(value, str) and value.strip():
        return value
    given = f"<{type(value).__name__}>" if isinstance(value, pd.DataFrame) else repr(value)
    raise InvalidInputError(
        f"{name}={given} is not an id. Pass an id as text, or a row that `get` or `find` returned."
    )


# what people type for the API's words
SAID_FOR = {
    "revenue": "sum_value", "value": "sum_value", "sum": "sum_value", "money": "sum_value", "total": "sum_value",
    "orders": "count", "events": "count", "number": "count",
    "people": "unique", "profiles": "unique", "uniques": "unique", "customers": "unique",
    "channel": "$attributed_channel", "flow": "$attributed_flow", "message": "$attributed_message",
    "variation": "$attributed_variation", "campaign": "Campaign Name", "currency": "$value_currency",
    "list": "List", "form": "form_id", "domain": "Email Domain", "provider": "Inbox Provider",
    "daily": "day", "weekly": "week", "monthly": "month", "hourly": "hour", "quarterly": "quarter", "yearly": "year",
}  # fmt: skip


def instead(given: str, names: Iterable[str], *, most: int = 30) -> str:
    """Return a hint for an unknown name: close matches, or else the existing names."""
    there = list(dict.fromkeys(names))
    if near := closest(given, there, most=5, cutoff=0.5):
        return f" Did you mean {', '.join(map(repr, near))}?"
    more = f" and {len(there) - most:,} more" if len(there) > most else ""
    return f" There are {', '.join(map(repr, there[:most]))}{more}." if there else ""


def chosen(given: Sequence[str] | str, allowed: Sequence[str], what: str) -> list[str]:
    """Return each word once, in order, after checking that it is allowed.

    Raises
    ------
    InvalidQueryError
        A word is not allowed; the message lists the allowed ones and a close match.
    """
    words = [given] if isinstance(given, str) else list(given)
    for word in words:
        if word not in allowed:
            meant_by = SAID_FOR.get(str(word).lower())
            close = [meant_by] if meant_by in allowed else closest(word, allowed)
            meant = f" (did you mean {close[0]!r}?)" if close else ""
            raise InvalidQueryError(
                f"{what}={word!r} is not known{meant}; allowed are {near(word, allowed)}."
            )
    return list(dict.fromkeys(words))


Span = Timeframe | str | tuple[Moment, Moment]


def moment(context: Context, value: Moment) -> datetime:
    """Read a date, datetime or text as a moment in UTC."""
    given = plain(value)
    if isinstance(given, datetime) and given.tzinfo is not None:
        return given.astimezone(UTC)
    return in_zone(given, zone_named(context.timezone)).astimezone(UTC)


def timeframe(context: Context, span: Span, timezone: str | None = None) -> Timeframe:
    """Return a time frame in `timezone`, or in the account's zone; a Timeframe keeps its own."""
    if isinstance(span, Timeframe):
        return span.in_timezone(timezone) if timezone else span
    return Timeframe.parse(span, timezone=timezone or context.timezone, now=context.now())


@dataclass(frozen=True, slots=True)
class Axis:
    """The time along which a collection is cut: an attribute that it can be filtered and sorted by.

    `also` are other fields of the same time. `inclusive` says whether the server knows "at or after"; where it
    does not, a second earlier is asked for, and what is too early is left out here. `nullable` says that a
    row may have no such time; such rows come first or last in the order, and where they are found, nothing
    is cut.
    """

    time: str
    also: tuple[str, ...] = ()
    inclusive: bool = True
    nullable: bool = False

    def between(
        self, conditions: Filter | None, start: datetime | None, end: datetime | None
    ) -> Filter | None:
        """Add bounds to a filter."""
        field = F[self.time]
        first = None if start is None else field >= start if self.inclusive else field > start - SECOND
        for bound in (first, field < end if end else None):
            if bound is not None:
                conditions = bound if conditions is None else conditions & bound
        return conditions

    def of(self, record: Mapping[str, Any]) -> datetime | None:
        """Return the time of a row; None if it has no valid one."""
        attributes = record.get("attributes")
        return answered(attributes.get(self.time)) if isinstance(attributes, dict) else None

    def times(self, records: list[Any]) -> Times:
        """Return the time of each row."""
        return [self.of(record) for record in records]


EVENTS = Axis("datetime", also=("timestamp",))
PROFILES = Axis("created", inclusive=False, nullable=True)
MEMBERS = Axis("joined_group_at", nullable=True)


def inside(records: list[Any], times: Times, start: datetime | None, end: datetime | None) -> list[Any]:
    """Leave out what other ranges hold."""
    return [record for record, time in zip(records, times, strict=True) if _holds(time, start, end)]


def is_past(times: Times, end: datetime | None) -> bool:
    """Return whether a page ends at or after the end of its range."""
    return bool(end and times and times[-1] and times[-1] >= end)


def _holds(time: datetime | None, start: datetime | None, end: datetime | None) -> bool:
    return time is None or ((start is None or time >= start) and (end is None or time < end))


def in_order(times: Times) -> list[datetime] | None:
    """Return the times if each is known and none is before the one before it."""
    known = [time for time in times if time is not None]
    return known if len(known) == len(times) and all(a <= b for a, b in pairwise(known)) else None
