"""Long collections in concurrent ranges of time.

Cursor pages are serial: each names the next, so latency sets the pace. Ranges of time are not: what is left after the
first page is cut into half-open ranges that several readers share, and a row lies in exactly one of them. The first
page shows how many readers help; the documented pace of the endpoint is kept by the transport.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain
from typing import Any

import pandas as pd

from klaviyo_analytics import frames as tables
from klaviyo_analytics._progress import Progress
from klaviyo_analytics.errors import InvalidInputError
from klaviyo_analytics.filters import Filter, as_filter
from klaviyo_analytics.http import cancellation
from klaviyo_analytics.http.json import Decoder
from klaviyo_analytics.http.rate_limits import MOST, Pace
from klaviyo_analytics.resources._reading import (
    SECOND,
    Axis,
    Bounds,
    Context,
    Filtering,
    Page,
    Reading,
    Rows,
    Times,
    beside,
    in_order,
    inside,
    is_past,
)

ENOUGH = 4  # pages that must be left before cutting pays
HALVED = 3  # pages that must be left before another reader's help pays
FEWEST, TOGETHER = 3, 256  # pages that a reader takes at once, and all readers at most, if they are free
# the same near the end where the documented pace, not the latency, is the limit: no turn may be lost
PACED = 1
MARGIN = 0.1  # part of a page that is left free at the end of a range
LONGER = 1.3  # how much more than that a range may be before it is cut
AHEAD = 4  # pages that a reader takes at once where pages are needed in order
# pages a reader that may be kept up to a range before it is not begun, and before it is not read on
HANDED_OUT, AHEAD_OF_IT = 3, 4
# pages a reader that may be kept in all, with those behind a dense stretch that nobody expected
AHEAD_OF_ALL = 6
FIRST = 1  # pages that each range leaves to those before it, which are needed first
# how far a page's density is believed; in order further, as all wait for a range that is longer than planned
BELIEVED, BELIEVED_IN_ORDER = 0.5, 0.75
GROWTH = 1.2  # how much longer each range is than the one before, where a dense stretch may end anywhere
SURPRISE = 4  # how many times longer than planned a range is, where nobody knows how long a dense stretch is
EMPTIER = 64  # how many times longer the range after an empty one may be


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
    workers = workers or context.workers
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
    meanwhile: Callable[[], object] | None = None,
    **options: Any,
) -> pd.DataFrame:
    """Read all between the bounds into one frame, in order.

    `meanwhile` is called while a long collection is read.
    """
    settled = plan(context, operation, axis, ids, filter=filter, bounds=bounds, workers=workers, **options)
    if not settled.concurrent:
        return settled.whole.frame()
    frame = Ranges(settled, axis, bounds[1], workers).frame(meanwhile)
    return frame.drop(columns=axis.time) if settled.unasked else frame


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
    chunks = settled.whole.frames(chunk_size, Ranges(settled, axis, bounds[1], workers).pages)
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
    source = Ranges(settled, axis, bounds[1], None).pages if settled.concurrent else settled.whole.pages
    yield from source(progress, rows)
    settled.whole.report(rows)


WAITING, OPEN, OVER = "waiting", "open", "over"


@dataclass(eq=False, slots=True)
class _Piece:
    """A half-open range of time that waits for a reader, is read, or is over."""

    start: datetime
    end: datetime | None
    page: timedelta  # the time that a full page of it covers, as far as that is known
    known: datetime  # where that was seen
    table: tables.Table
    pages: deque[Page] = field(default_factory=deque)  # read and not handed on yet
    rows: int = 0
    few: float = 0.0  # pages that its reader was to read
    state: str = WAITING
    surprising: bool = False  # much denser than expected; nobody knows for how long


class Ranges:
    """A collection that several readers read at once, in ranges of time.

    What is left to read is a list of ranges in order of time. A free reader takes the first few pages of the first
    range that waits; how much time they cover is estimated from the pages around them. Where a range turns out to
    hold much more, its reader keeps the next few pages, and the rest waits for the next free reader. A range that is
    too long costs nothing, therefore, and one that is too short costs a request.

    Parameters
    ----------
    settled : Plan
    axis : Axis
    end : datetime or None
        What was asked for.
    workers : int or None
        A fixed number of readers.
    packed : callable, optional
        Makes something smaller of a page's rows and what they include, which `pages` hands on instead.
    """

    def __init__(
        self,
        settled: Plan,
        axis: Axis,
        end: datetime | None,
        workers: int | None,
        *,
        packed: Callable[[list[Any], Any], Any] | None = None,
    ) -> None:
        self.whole = settled.whole
        self._packed = packed
        self.axis = axis
        self.conditions = settled.conditions
        self.end = end
        self.options = settled.options
        self.clock = time.monotonic
        self.rows = Rows()  # shared by all readers
        self.repeated = 0  # rows that one reader met twice
        api = self.whole.context.api
        allowed = api.pace(self.whole.endpoint, self.whole.query.params)
        self.pace = Pace(workers, self.clock, allowed, most=max(1, MOST // beside.get()))
        self.latest: datetime | None = None  # when the last row was, as far as that is known
        self._full = 0  # rows of the first page
        self._pieces: list[_Piece] = []  # in order of time
        self._open = self._pausing = 0  # ranges that are being read, and those whose readers wait
        self._ahead = 0  # pages that were read and not handed on yet
        self._in_order = False  # whether pages are handed on in order, and few are kept
        self._changed = threading.Condition(threading.RLock())
        self._decoder = Decoder()
        self._error: BaseException | None = None
        self._stopped = False  # what has failed in one range need not be waited for in others
        self._submit: Callable[[_Piece], object] = lambda _: None

    # Two ways to use it

    def frame(self, meanwhile: Callable[[], object] | None = None) -> pd.DataFrame:
        """Read everything into one frame; `meanwhile` is called while a long collection is read."""
        kind = self.whole.endpoint.path.rsplit("/", 1)[-1]
        with Progress(kind, shown=self.whole.context.progress) as progress:
            met, head = Rows(), self.whole.table()
            pages = self.whole.pages(progress, met)
            first = self._first(pages)
            if first is None or not self._cut(first[0]):
                for records, included in chain([first] if first else [], pages):
                    head.add(records, included)
                self.whole.report(met)
                return head.frame()
            self.repeated = met.repeated
            head.add(self._before(first[0], progress), first[1])
            with self._reading(progress) as begin:
                aside = [begin(self._look_for_the_last)]
                aside += [begin(meanwhile)] if meanwhile else []
                self._until(lambda: all(piece.state == OVER for piece in self._pieces))
                list(cancellation.as_completed(aside))
            for piece in self._pieces:
                head.extend(piece.table)
                piece.table = self.whole.table()  # as frames are built, the lists before them are released
        self.rows.repeated += self.repeated
        self.whole.report(self.rows)
        return head.frame()

    def pages(self, progress: Progress, rows: Rows) -> Iterator[Page]:
        """Yield the pages in order, each row once; `rows` counts what was dropped."""
        self.rows, self._in_order = rows, True
        met = Rows()
        pages = self.whole.pages(progress, met)
        first = self._first(pages)
        if first is None:
            return
        if not self._cut(first[0]):
            for records, included in chain([first], pages):
                yield rows.new(records), included
            rows.repeated += met.repeated
            return
        self.repeated = met.repeated
        yield self._before(first[0], progress), first[1]
        with self._reading(progress) as begin:
            begin(self._look_for_the_last)
            while (piece := self._head()) is not None:
                while (page := self._take(piece)) is not None:
                    yield page
        rows.repeated += self.repeated

    # The first page decides

    def _first(self, pages: Iterator[Page]) -> Page | None:
        """Read the first page alone, and measure it."""
        began, worked = self.clock(), time.thread_time()
        first = next(pages, None)
        self.pace.first_page(self.clock() - began, time.thread_time() - worked)
        return first

    def _cut(self, first: list[Any]) -> bool:
        """Return whether many pages follow; what follows the first page then waits for readers."""
        covered = self.covered(self.axis.times(first))
        if covered is None:
            return False
        self.latest = self._latest()
        page, self._full = covered[1] - covered[0], len(first)
        if self.latest is None or self.latest - covered[1] <= page * ENOUGH:
            return False
        self._pieces = [_Piece(covered[1], self.end, page, covered[1], self.whole.table())]
        return True

    def _before(self, first: list[Any], progress: Progress) -> list[Any]:
        """Return the rows of the first page; those of its last second are read again, so that no tie is split."""
        before = self.rows.new(inside(first, self.axis.times(first), None, self._pieces[0].start))
        progress.add(len(before) - len(first))
        return before

    def covered(self, given: Times) -> tuple[datetime, datetime] | None:
        """Return the first and last time of a full page; None if no further page is likely, or a time is missing."""
        if not given or len(given) < self._size:
            return None
        times = in_order(given)
        return (times[0], times[-1]) if times and times[0] < times[-1] else None

    @property
    def _size(self) -> int:
        """Rows of a full page."""
        size = self.whole.size or self.whole.endpoint.page_default or 0
        return min(size, self.whole.endpoint.page_default or size)

    def _latest(self) -> datetime | None:
        """Return the time of the last possible row; None if rows without a time make ranges unsafe."""
        if self.axis.nullable:
            return self._last()
        now = self.whole.context.now()  # the few rows after now go to the last range
        return min(self.end, now) if self.end else now

    def _last(self) -> datetime | None:
        """Return the time of the last row, which costs a request."""
        options = {**self.options, "sort": f"-{self.axis.time}", "limit": 1, "page_size": None}
        whole = self.whole
        filter = self.axis.between(self.conditions, None, self.end)
        last = Reading(whole.context, whole.endpoint.operation, whole.ids, filter=filter, **options)
        return next((self.axis.of(record) for records, _ in last.pages() for record in records), None)

    def _look_for_the_last(self) -> None:
        """Find out where the rows end while others read, so that no reader looks for them beyond."""
        if self.axis.nullable or (self.end and self.end < self.whole.context.now()):
            return
        try:
            last = self._last()
        except BaseException as problem:  # noqa: BLE001  (raised where the pages are waited for)
            self._fail(problem)
            return
        with self._changed:
            self.latest = last or self.latest

    def _fail(self, problem: BaseException) -> None:
        with self._changed:
            self._error = self._error or problem
            self._stopped = True
            self._changed.notify_all()

    # Ranges are handed out, with the lock held

    def _hand_out(self) -> None:
        """Begin the ranges that wait, in order, as long as readers are free and the pages ahead are few."""
        index = 0
        while index < len(self._pieces) and not self._stopped:
            piece = self._pieces[index]
            next_needed = self._in_order and index == 0  # it must not wait for readers that wait for it
            if piece.state == WAITING:
                if not next_needed and (
                    self._open >= self.pace.readers
                    or self._pausing >= self.pace.most
                    or self._many(index, HANDED_OUT)
                ):
                    return
                self._begin(piece)
            index += 1

    def _begin(self, piece: _Piece) -> None:
        """Begin to read the first few pages of a range; the rest goes on waiting."""
        left = self._pages_left(piece.start, piece.end, piece.page)
        piece.few = few = self._few(left, PACED if self.pace.limits and not piece.surprising else FEWEST)
        if left > few * LONGER:
            rest = self._cut_off(piece, piece.start, few, piece.page)
            if rest:
                rest.page = piece.page * (GROWTH if piece.surprising else 1)
                rest.known, rest.surprising = piece.known, piece.surprising
        piece.state = OPEN
        self._open += 1
        self._submit(piece)

    def _share(self, piece: _Piece, covered: tuple[datetime, datetime]) -> None:
        """Leave the later part of what is left to other readers, if that saves time."""
        # one page may be a burst; between what it shows and what was expected, in orders of magnitude
        shown = (covered[1] - covered[0]) / piece.page
        piece.page = page = piece.page * shown ** (BELIEVED_IN_ORDER if self._in_order else BELIEVED)
        left = self._pages_left(covered[1], piece.end, page)
        few = max(piece.few, self._few(left, FEWEST))
        idle = self._open < self.pace.readers and all(one.state != WAITING for one in self._pieces)
        if left > few * 2:
            keep = few
        elif idle and left >= HALVED:
            keep = left / 2
        else:
            return
        rest = self._cut_off(piece, covered[1], keep, page)
        if rest:
            rest.surprising = left > few * SURPRISE

    def _cut_off(self, piece: _Piece, start: datetime, pages: float, page: timedelta) -> _Piece | None:
        """End a range after so many pages from `start` on; the rest becomes a range of its own."""
        edge = start + page * pages // SECOND * SECOND
        if edge <= start or (piece.end and edge >= piece.end):
            return None
        rest = _Piece(edge, piece.end, page, start, self.whole.table())
        self._pieces.insert(self._pieces.index(piece) + 1, rest)
        piece.end = edge
        return rest

    def _few(self, left: float, fewest: int) -> float:
        """Return how many pages one reader takes at once, if so many are left.

        A little less than a whole number: where rows come evenly, the last page is then nearly full.
        """
        if self._in_order:
            return AHEAD - MARGIN
        fair, readers = left / self.pace.readers, self.pace.readers
        return math.floor(max(fewest, min(fair, TOGETHER / readers))) - MARGIN

    def _pages_left(self, start: datetime, end: datetime | None, page: timedelta) -> float:
        last = end or self.latest
        return max(0.0, (last - start) / page) if last else 0.0

    def _measure(self, piece: _Piece) -> None:
        """Estimate the next range that waits by one that was read, unless more is known about it."""
        later = self._pieces[self._pieces.index(piece) + 1 :]
        waiting = next((one for one in later if one.state == WAITING), None)
        if piece.end is None or waiting is None or waiting.known >= piece.end:
            return
        length = piece.end - piece.start
        page = length * self._full / piece.rows if piece.rows else max(length, waiting.page) * EMPTIER
        waiting.page, waiting.known, waiting.surprising = max(page, SECOND / 1000), piece.end, False

    # Threads

    @contextmanager
    def _reading(self, progress: Progress) -> Iterator[Callable[..., Future[Any]]]:
        """Run readers until the block ends; yield what begins other work in their threads."""
        ends = threading.Event()
        context = cancellation.context(ends)  # who cancels this thread cancels all
        # for readers, as many that wait, and one more: the range that is needed next never waits for a thread
        pool = ThreadPoolExecutor(2 * self.pace.most + 1, thread_name_prefix="klaviyo-read")

        def begin(work: Callable[..., Any], *arguments: Any) -> Future[Any]:
            return pool.submit(context.copy().run, self._decoder.reader, work, *arguments)

        self._submit = lambda piece: begin(self._read_range, piece, progress)
        try:
            with self._changed:
                self._hand_out()
            yield begin
        finally:
            with self._changed:
                self._stopped = True
                self._changed.notify_all()
            ends.set()  # nobody waits for the other ranges any more
            pool.shutdown(wait=False, cancel_futures=True)
            self._decoder.close()

    def _read_range(self, piece: _Piece, progress: Progress) -> None:
        met, ordered = Rows(), True
        error: BaseException | None = None
        try:
            reading = Reading(
                self.whole.context,
                self.whole.endpoint.operation,
                self.whole.ids,
                filter=self.axis.between(self.conditions, piece.start, piece.end),
                **self.options,
            )
            for records, included in reading.pages(progress, met):
                times = self.axis.times(records)
                kept = self.rows.new(inside(records, times, piece.start, piece.end))
                progress.add(len(kept) - len(records))
                page: Page = (kept, included)
                if not self._in_order:
                    self._decoder.run(piece.table.add, kept, included)
                elif self._packed is not None:
                    page = (self._decoder.run(self._packed, kept, included), {})
                # where a page is out of order, its last row says nothing about the pages that follow
                ordered = ordered and in_order(times) is not None
                with self._changed:
                    self._page(piece, page, times if ordered else [])
                    if self._stopped or (ordered and is_past(times, piece.end)):
                        break
                del records, included, kept, page  # not needed while the next page is waited for
        except BaseException as problem:  # noqa: BLE001  (raised where the pages are waited for)
            error = problem
        self._over(piece, met, error)

    def _page(self, piece: _Piece, page: Page, times: Times) -> None:
        """Count a page, hand it on, and see whether others can help."""
        self._decoder.done()
        self.pace.page()
        piece.rows += len(page[0])
        if self._in_order:
            piece.pages.append(page)
            self._ahead += 1
            self._changed.notify_all()
        covered = self.covered(times)
        if covered is not None:
            self._share(piece, covered)
        self._hand_out()
        if self._in_order and self._is_too_far(piece):
            self._pause(piece)

    def _pause(self, piece: _Piece) -> None:
        """Wait until few pages are kept; meanwhile another reader takes the place, for what is needed sooner."""
        self._open, self._pausing = self._open - 1, self._pausing + 1
        self._hand_out()
        self._changed.notify_all()
        while not self._stopped and (
            self._is_too_far(piece) or (self._open >= self.pace.readers and piece is not self._pieces[0])
        ):
            self._changed.wait()
        self._open, self._pausing = self._open + 1, self._pausing - 1

    def _is_too_far(self, piece: _Piece) -> bool:
        """Return whether a reader has to wait with the next page of its range."""
        return piece is not self._pieces[0] and self._many(self._pieces.index(piece) + 1, AHEAD_OF_IT)

    def _many(self, place: int, most: int) -> bool:
        """Return whether the ranges up to a place keep more pages a reader than `most`, or all of them too many."""
        if not self._in_order:
            return False
        kept = sum(len(piece.pages) for piece in self._pieces[:place])
        readers = self.pace.readers
        return kept >= most * readers - FIRST * place or self._ahead >= AHEAD_OF_ALL * readers

    def _over(self, piece: _Piece, met: Rows, error: BaseException | None) -> None:
        with self._changed:
            self.repeated += met.repeated
            self._open -= 1
            piece.state = OVER
            if error is not None:
                self._fail(error)
            elif piece in self._pieces:
                self._measure(piece)
                self._hand_out()
            self._changed.notify_all()

    def _head(self) -> _Piece | None:
        """Return the range that is needed next; None after the last."""
        with self._changed:
            self._pieces = [piece for piece in self._pieces if piece.state != OVER or piece.pages]
            self._hand_out()
            self._changed.notify_all()
            return self._pieces[0] if self._pieces else None

    def _take(self, piece: _Piece) -> Page | None:
        """Wait for the next page of a range; None after its last."""
        with self._changed:
            self._until(lambda: bool(piece.pages) or piece.state == OVER)
            if not piece.pages:
                return None
            self._ahead -= 1
            self._hand_out()
            self._changed.notify_all()
            return piece.pages.popleft()

    def _until(self, ready: Callable[[], bool]) -> None:
        with self._changed:
            while not (self._error or ready()):
                self._changed.wait(cancellation.SLICE)  # so that Ctrl-C is always noticed
            if self._error:
                raise self._error
