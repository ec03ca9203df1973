"""Long collections in concurrent ranges of time.

Cursor pages are serial: each names the next, so latency sets the pace. Ranges of time are not. The first page
is read alone; the time it covers shows how dense the rest is, and if the rest is long, it is cut into
half-open ranges that are read at once. Time is never evenly filled: a reader that has nothing left to do takes
half of what another still has before it. A row lies in exactly one range. The number of readers grows while more of
them read faster; the documented pace of the endpoint is kept by the transport.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from queue import SimpleQueue
from typing import Any

import pandas as pd

from klaviyo_analytics import frames as tables
from klaviyo_analytics._progress import Progress
from klaviyo_analytics.errors import InvalidInputError
from klaviyo_analytics.filters import F, Filter, as_filter
from klaviyo_analytics.http import cancellation
from klaviyo_analytics.resources._reading import Context, Filtering, Page, Reading, Rows
from klaviyo_analytics.timeframe.words import answered

Bounds = tuple[datetime | None, datetime | None]
FEW, MOST = 4, 16  # readers at first, and at most, where the caller sets no number
FASTER = 1.4  # how much faster a round has to be for more readers to be worth trying
ENOUGH = 4  # pages that must be left before cutting pays
HALVED = 2  # pages that must be left before another reader's help pays
SECOND = timedelta(seconds=1)


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
        return answered(attributes.get(self.time)) if isinstance(attributes, Mapping) else None


EVENTS = Axis("datetime", also=("timestamp",))
PROFILES = Axis("created", inclusive=False, nullable=True)
MEMBERS = Axis("joined_group_at", nullable=True)


class Pace:
    """How many readers work at once: a fixed number, or a few at first and more while that reads faster."""

    def __init__(self, workers: int | None, clock: Callable[[], float]) -> None:
        self.readers = workers or FEW
        self.most = workers or MOST
        self._clock = clock
        self._grows = workers is None
        self._rate = 0.0  # pages a second with the fewer readers before
        self._pages = -self.readers  # the first pages of a round are left out: readers are still starting
        self._began = clock()

    def first_page(self, seconds: float) -> None:
        """Measure the first page, which is read alone, for comparison with the first round."""
        self._rate = 1 / max(seconds, 1e-6)
        self._began = self._clock()

    def page(self) -> None:
        """Count a page; after a round that was faster than the one before, allow twice as many readers."""
        if not self._grows:
            return
        self._pages += 1
        if self._pages == 0:
            self._began = self._clock()
        if self._pages < self.readers:
            return
        rate = self._pages / max(self._clock() - self._began, 1e-6)
        if rate < self._rate * FASTER or self.readers == self.most:
            self._grows = False
            return
        self._rate = rate
        self.readers = min(self.most, self.readers * 2)
        self._pages = -self.readers


@dataclass(frozen=True, slots=True)
class Plan:
    """A collection to read: whole, or in ranges of time."""

    whole: Reading
    conditions: Filter | None
    options: Mapping[str, Any]
    concurrent: bool = False
    unasked: bool = False  # the time was added to the fields, and is left out at the end


def plan(
    context: Context,
    operation: str,
    axis: Axis,
    ids: Mapping[str, str] | None = None,
    *,
    filter: Filtering = None,
    bounds: Bounds = (None, None),
    workers: int | None = None,
    **options: Any,
) -> Plan:
    """Check a query, and decide whether it can be read in ranges of time."""
    if workers is not None and workers < 1:
        raise InvalidInputError(f"workers={workers} is not allowed. Use at least 1, or None for automatic.")
    if isinstance(filter, str) and not context.api.strict:  # it may be in words that are not known here
        return Plan(Reading(context, operation, ids, filter=filter, **options), None, options)
    conditions = None if filter is None else as_filter(filter)
    whole = Reading(context, operation, ids, filter=axis.between(conditions, *bounds), **options)
    # a bound in the filter itself would have to be cut, too
    given = [] if conditions is None else [each.field for each in conditions.conditions]
    bounded = any(field in (axis.time, *axis.also) for field in given)
    if workers == 1 or options.get("limit") is not None or options.get("sort") != axis.time or bounded:
        return Plan(whole, conditions, options)
    unasked = all(column.name != axis.time for column in whole.schema.attributes)
    if unasked:  # it is needed to cut, and left out at the end
        kind, fields = whole.endpoint.type or "", whole.query.fields
        options["fields"] = {**fields, kind: (*fields.get(kind, ()), axis.time)}
        whole = Reading(context, operation, ids, filter=axis.between(conditions, *bounds), **options)
    return Plan(whole, conditions, options, concurrent=True, unasked=unasked)


def read(
    context: Context,
    operation: str,
    axis: Axis,
    ids: Mapping[str, str] | None = None,
    *,
    filter: Filtering = None,
    bounds: Bounds = (None, None),
    workers: int | None = None,
    **options: Any,
) -> pd.DataFrame:
    """Read all between the bounds into one frame, in order."""
    settled = plan(context, operation, axis, ids, filter=filter, bounds=bounds, workers=workers, **options)
    if not settled.concurrent:
        return settled.whole.frame()
    frame = _Concurrent(settled, axis, bounds[1], workers).frame()
    return frame.drop(columns=axis.time) if settled.unasked else frame


class Ranges:
    """What readers of ranges of time share: the query, the cut, and the number of readers."""

    def __init__(self, settled: Plan, axis: Axis, end: datetime | None, workers: int | None) -> None:
        self.whole = settled.whole
        self.axis = axis
        self.conditions = settled.conditions
        self.end = end
        self.options = settled.options
        self.clock = time.monotonic
        self.pace = Pace(workers, self.clock)
        self.latest: datetime | None = None  # when the last row was, as far as that is known
        self._open = 0  # ranges that are being read
        self._lock = threading.RLock()
        self._failed = threading.Event()  # what has failed in one range need not be waited for in others

    def reading(self, start: datetime, end: datetime | None) -> Reading:
        """Return the reading of one range."""
        return Reading(
            self.whole.context,
            self.whole.endpoint.operation,
            self.whole.ids,
            filter=self.axis.between(self.conditions, start, end),
            **self.options,
        )

    def worth_cutting(self, first: list[Any]) -> tuple[datetime, datetime] | None:
        """Return the first and last time of the first page if many pages follow, otherwise None."""
        covered = self.covered(first)
        if covered is None:
            return None
        self.latest = self._latest()
        if self.latest is None or self.latest - covered[1] <= (covered[1] - covered[0]) * ENOUGH:
            return None
        return covered

    def covered(self, records: list[Any]) -> tuple[datetime, datetime] | None:
        """Return the first and last time of a full page; None if no further page is likely, or a time is missing."""
        size = self.whole.size or self.whole.endpoint.page_default or 0
        if not records or len(records) < min(size, self.whole.endpoint.page_default or size):
            return None
        times = in_order([self.axis.of(record) for record in records])
        return (times[0], times[-1]) if times and times[0] < times[-1] else None

    def _latest(self) -> datetime | None:
        """Return the time of the last possible row; None if rows without a time make ranges unsafe."""
        context = self.whole.context
        if not self.axis.nullable:
            now = context.now()  # the few rows after now go to the last range
            return min(self.end, now) if self.end else now
        options = {**self.options, "sort": f"-{self.axis.time}", "limit": 1, "page_size": None}
        last = Reading(
            context, self.whole.endpoint.operation, self.whole.ids, filter=self.conditions, **options
        )
        return next((self.axis.of(record) for records, _ in last.pages() for record in records), None)

    def middle(self, records: list[Any], end: datetime | None) -> datetime | None:
        """Return the middle of what is left after a page; None if too little is left to share."""
        covered, last = self.covered(records), end or self.latest
        if covered is None or last is None or last - covered[1] < (covered[1] - covered[0]) * HALVED:
            return None
        middle = covered[1] + (last - covered[1]) // 2 // SECOND * SECOND
        return middle if middle > covered[1] else None

    def inside(self, records: list[Any], start: datetime | None, end: datetime | None) -> list[Any]:
        """Leave out what other ranges hold."""
        return [record for record in records if _holds(self.axis.of(record), start, end)]

    def is_past(self, records: list[Any], end: datetime | None) -> bool:
        """Return whether a page ends at or after the end of its range."""
        last = self.axis.of(records[-1]) if records else None
        return bool(end and last and last >= end)


@dataclass(slots=True)
class _Range:
    start: datetime
    end: datetime | None
    table: tables.Table


class _Concurrent(Ranges):
    def __init__(self, settled: Plan, axis: Axis, end: datetime | None, workers: int | None) -> None:
        super().__init__(settled, axis, end, workers)
        self.rows = Rows()  # shared by all readers
        self.repeated = 0  # rows that one reader met twice
        self._ended: SimpleQueue[_Range | BaseException] = SimpleQueue()

    def frame(self) -> pd.DataFrame:
        kind = self.whole.endpoint.path.rsplit("/", 1)[-1]
        read = self.rows
        with Progress(kind, shown=self.whole.context.progress) as progress:
            pages = self.whole.pages(progress, read)
            head = self.whole.table()
            began = self.clock()
            first, included = next(pages)
            self.pace.first_page(self.clock() - began)
            edges = self._cut(first)
            if not edges:
                head.add(first, included)
                for records, extra in pages:
                    head.add(records, extra)
                self.whole.report(read)
                return head.frame()
            # whatever shares the cut's second is read again, from its range: no tie is split
            self.rows, self.repeated = Rows(), read.repeated
            before = self.rows.new(self.inside(first, None, edges[0]))
            head.add(before, included)
            progress.add(len(before) - len(first))
            for piece in self._read(edges, progress):
                head.extend(piece.table)
        self.rows.repeated += self.repeated
        self.whole.report(self.rows)
        return head.frame()

    def _cut(self, first: list[Any]) -> list[datetime]:
        """Choose the ranges' edges from the first page; none if the rest is short."""
        covered = self.worth_cutting(first)
        if covered is None or self.latest is None:
            return []
        edge = covered[1]
        left = self.latest - edge
        pages = round(left / (edge - covered[0]))
        count = min(self.pace.readers, max(2, pages))
        edges = [edge + (left * index / count) // SECOND * SECOND for index in range(count)]
        return list(dict.fromkeys(edges))

    def _read(self, edges: list[datetime], progress: Progress) -> list[_Range]:
        done: list[_Range] = []
        with (
            cancellation.group() as cancelled,
            ThreadPoolExecutor(self.pace.most, thread_name_prefix="klaviyo-read") as pool,
        ):
            try:
                with self._lock:
                    for start, end in zip(edges, [*edges[1:], self.end], strict=True):
                        self._begin(pool, start, end, progress)
                while self._open:
                    done.append(self._next())
                    with self._lock:
                        self._open -= 1
            except BaseException:
                self._failed.set()
                cancelled.set()  # nobody waits for the other ranges any more
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        return sorted(done, key=lambda piece: piece.start)

    def _next(self) -> _Range:
        """Wait for a range to be read."""
        ended = cancellation.take(self._ended)
        if isinstance(ended, BaseException):
            raise ended
        return ended

    def _begin(
        self, pool: ThreadPoolExecutor, start: datetime, end: datetime | None, progress: Progress
    ) -> None:
        self._open += 1
        piece = _Range(start, end, self.whole.table())
        pool.submit(
            copy_context().run, self._read_range, pool, piece, progress
        )  # who calls off calls off all

    def _read_range(self, pool: ThreadPoolExecutor, piece: _Range, progress: Progress) -> None:
        try:
            reading = self.reading(piece.start, piece.end)
            met, ordered = Rows(), True
            for records, included in reading.pages(progress, met):
                inside = self.rows.new(self.inside(records, piece.start, piece.end))
                piece.table.add(inside, included)
                progress.add(len(inside) - len(records))
                # where a page is out of order, its last row says nothing about the pages that follow
                ordered = ordered and in_order([self.axis.of(record) for record in records]) is not None
                if self._failed.is_set() or (ordered and self.is_past(records, piece.end)):
                    break
                if ordered:
                    self._share(pool, piece, records, progress)
            with self._lock:
                self.repeated += met.repeated
        except BaseException as error:  # noqa: BLE001  (raised where the frame is waited for)
            self._failed.set()
            self._ended.put(error)
        else:
            self._ended.put(piece)

    def _share(self, pool: ThreadPoolExecutor, piece: _Range, records: list[Any], progress: Progress) -> None:
        """Leave the later half of what is left to a free reader, if that saves time."""
        middle = self.middle(records, piece.end)
        with self._lock:
            self.pace.page()
            if middle is None or self._open >= self.pace.readers or self._failed.is_set():
                return
            self._begin(pool, middle, piece.end, progress)
            piece.end = middle


def _holds(time: datetime | None, start: datetime | None, end: datetime | None) -> bool:
    return time is None or ((start is None or time >= start) and (end is None or time < end))


def in_order(times: list[datetime | None]) -> list[datetime] | None:
    """Return the times if each is known and none is before the one before it."""
    known = [time for time in times if time is not None]
    return known if len(known) == len(times) and all(a <= b for a, b in pairwise(known)) else None


PIECE = 3  # pages that a range should have
AHEAD = 3  # pages that a reader keeps until they are needed


def frames(
    context: Context,
    operation: str,
    axis: Axis,
    ids: Mapping[str, str] | None = None,
    *,
    chunk_size: int,
    filter: Filtering = None,
    bounds: Bounds = (None, None),
    workers: int | None = None,
    **options: Any,
) -> Iterator[pd.DataFrame]:
    """Read all between the bounds in frames of `chunk_size` rows, in order; the arguments are checked at once."""
    settled = plan(context, operation, axis, ids, filter=filter, bounds=bounds, workers=workers, **options)
    if not settled.concurrent:
        return settled.whole.frames(chunk_size)
    chunks = settled.whole.frames(chunk_size, _Stream(settled, axis, bounds[1], workers).pages)
    return (chunk.drop(columns=axis.time) for chunk in chunks) if settled.unasked else chunks


def pages(
    context: Context,
    operation: str,
    axis: Axis,
    progress: Progress,
    *,
    filter: Filter | None,
    bounds: Bounds = (None, None),
    **options: Any,
) -> Iterator[Page]:
    """Yield (records, what they include) in order of time, each row once."""
    settled = plan(context, operation, axis, None, filter=filter, bounds=bounds, **options)
    rows = Rows()
    source = _Stream(settled, axis, bounds[1], None).pages if settled.concurrent else settled.whole.pages
    yield from source(progress, rows)
    settled.whole.report(rows)


@dataclass(eq=False, slots=True)
class _Piece:
    start: datetime
    end: datetime | None
    pages: deque[Page] = field(default_factory=deque)  # read and not handed on yet
    read: int = 0
    over: bool = False


class _Stream(Ranges):
    def __init__(self, settled: Plan, axis: Axis, end: datetime | None, workers: int | None) -> None:
        super().__init__(settled, axis, end, workers)
        self._rows = Rows()
        self._changed = threading.Condition(self._lock)
        self._pieces: deque[_Piece] = deque()  # in order of time
        self._ahead = 0  # pages that were read and not handed on yet
        self._next: datetime | None = None  # where the next range begins; None after the last
        self._length = SECOND
        self._error: BaseException | None = None

    def pages(self, progress: Progress, rows: Rows) -> Iterator[Page]:
        """Yield the pages in order, each row once; `rows` counts what was dropped."""
        self._rows = rows
        met, began = Rows(), self.clock()
        serial = self.whole.pages(progress, met)
        first = next(serial, None)
        if first is None:
            return
        self.pace.first_page(self.clock() - began)
        covered = self.worth_cutting(first[0])
        if covered is None:
            yield rows.new(first[0]), first[1]
            for records, included in serial:
                yield rows.new(records), included
            rows.repeated += met.repeated
            return
        before = rows.new(self.inside(first[0], None, covered[1]))
        progress.add(len(before) - len(first[0]))
        yield before, first[1]
        self._next, self._length = covered[1], (covered[1] - covered[0]) * PIECE
        yield from self._read(progress)

    def _read(self, progress: Progress) -> Iterator[Page]:
        cancelled = threading.Event()
        pool = ThreadPoolExecutor(self.pace.most, thread_name_prefix="klaviyo-read")
        try:
            while True:
                with self._changed:
                    self._begin_next(pool, progress, cancelled)
                    if not self._pieces:
                        return
                    piece = self._pieces[0]
                    while not (piece.pages or piece.over or self._error):
                        self._changed.wait(cancellation.SLICE)  # so that Ctrl-C is always noticed
                    if self._error:
                        raise self._error
                    page = piece.pages.popleft() if piece.pages else None
                    if page is None:
                        self._pieces.popleft()
                    else:
                        self._ahead -= 1
                        self._changed.notify_all()
                if page is not None:
                    yield page
        finally:
            with self._changed:
                self._failed.set()
                self._changed.notify_all()
            cancelled.set()
            pool.shutdown(wait=False, cancel_futures=True)

    def _begin_next(self, pool: ThreadPoolExecutor, progress: Progress, cancelled: threading.Event) -> None:
        """Begin the ranges that come next, as long as readers are free and the pages ahead are few."""
        while (
            self._next is not None
            and self._open < self.pace.readers
            and (not self._pieces or self._ahead < 2 * self.pace.readers)
        ):
            start, length = self._next, max(SECOND, self._length // SECOND * SECOND)
            last = self.latest is None or start + length >= self.latest
            self._next = None if last else start + length
            piece = _Piece(start, self.end if last else self._next)
            self._pieces.append(piece)
            self._begin(pool, piece, progress, cancelled)

    def _begin(
        self, pool: ThreadPoolExecutor, piece: _Piece, progress: Progress, cancelled: threading.Event
    ) -> None:
        self._open += 1
        pool.submit(cancellation.context(cancelled).run, self._read_piece, pool, piece, progress, cancelled)

    def _read_piece(
        self, pool: ThreadPoolExecutor, piece: _Piece, progress: Progress, cancelled: threading.Event
    ) -> None:
        met, ordered = Rows(), True
        error: BaseException | None = None
        try:
            for records, included in self.reading(piece.start, piece.end).pages(progress, met):
                inside = self._rows.new(self.inside(records, piece.start, piece.end))
                progress.add(len(inside) - len(records))
                # where a page is out of order, its last row says nothing about the pages that follow
                ordered = ordered and in_order([self.axis.of(record) for record in records]) is not None
                with self._changed:
                    self.pace.page()
                    piece.read += 1
                    piece.pages.append((inside, included))
                    self._ahead += 1
                    self._changed.notify_all()
                    if ordered:
                        self._share(pool, piece, records, progress, cancelled)
                    while len(piece.pages) >= AHEAD and not self._failed.is_set():
                        self._changed.wait()
                if self._failed.is_set() or (ordered and self.is_past(records, piece.end)):
                    break
        except BaseException as problem:  # noqa: BLE001  (raised where the pages are waited for)
            error = problem
        with self._changed:
            self._rows.repeated += met.repeated
            self._open -= 1
            piece.over = True
            if error is not None:
                self._error = self._error or error
            elif piece.end is not None:
                self._measure(piece.end - piece.start, piece.read)
            self._changed.notify_all()

    def _share(
        self,
        pool: ThreadPoolExecutor,
        piece: _Piece,
        records: list[Any],
        progress: Progress,
        cancelled: threading.Event,
    ) -> None:
        """Leave the later half of what is left to a free reader, if that saves time."""
        middle = self.middle(records, piece.end)
        if middle is None or self._open >= self.pace.readers or self._failed.is_set():
            return
        half = _Piece(middle, piece.end)
        self._pieces.insert(self._pieces.index(piece) + 1, half)
        piece.end = middle
        self._begin(pool, half, progress, cancelled)

    def _measure(self, length: timedelta, read: int) -> None:
        """Choose the length of the ranges to come by a range that was read."""
        if read <= 1:
            self._length = max(self._length, length * 2)
        else:
            self._length = length * PIECE / read
