"""Long collections as pages in order of time, read ahead by several readers in bounded memory.

`_concurrent` reads a whole collection into one frame, so its ranges may be long. Here pages are handed on in order
while others are read, so the ranges are short: about three pages each, as long as the last ones suggest. Readers
work on the ranges that come next, and pause when they are a few pages ahead. A range that turns out to be dense is
shared with a reader that is free.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pandas as pd

from klaviyo_analytics._progress import Progress
from klaviyo_analytics.filters import Filter
from klaviyo_analytics.http import cancellation
from klaviyo_analytics.resources._concurrent import SECOND, Axis, Bounds, Plan, Ranges, in_order, plan
from klaviyo_analytics.resources._reading import Context, Filtering, Page, Rows

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
                        self._changed.wait()
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
