"""Events in concurrent ranges of time.

Cursor pages are serial: each names the next, so latency sets the pace. Ranges of time are not. The first page
is read alone; how much time it covers tells how dense the rest is, and if the rest is long, it is cut into
half-open ranges that are read at once. An event lies in exactly one of them.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd

from klaviyo_analytics import tabular
from klaviyo_analytics._progress import Progress
from klaviyo_analytics.errors import InvalidInputError
from klaviyo_analytics.filters import F, Filter
from klaviyo_analytics.resources._noun import Context, Reading

Bounds = tuple[datetime | None, datetime | None]
WORKERS = 4
ENOUGH = 4  # pages that must be left before cutting pays
RANGES_PER_WORKER = 3  # more ranges than workers, since time is never evenly filled


def between(conditions: Filter | None, start: datetime | None, end: datetime | None) -> Filter | None:
    """Add the bounds to a filter."""
    for bound in (F.datetime >= start if start else None, F.datetime < end if end else None):
        if bound is not None:
            conditions = bound if conditions is None else conditions & bound
    return conditions


def read(
    context: Context, conditions: Filter | None, bounds: Bounds, *, workers: int | None, **options: Any
) -> pd.DataFrame:
    """Read all events between the bounds into one frame, in order."""
    if workers is not None and workers < 1:
        raise InvalidInputError(f"workers={workers}: give at least 1.")
    whole = Reading(context, "get_events", filter=between(conditions, *bounds), **options)
    serial = workers == 1 or options["limit"] is not None or options["sort"] != "datetime"
    serial = serial or all(column.name != "datetime" for column in whole.schema.attributes)
    # a bound in the filter itself would have to be cut, too
    given = conditions.conditions if conditions is not None else ()
    serial = serial or any(condition.field in ("datetime", "timestamp") for condition in given)
    if serial:
        return whole.frame()
    return _Concurrent(whole, conditions, bounds, workers or WORKERS, options).frame()


class _Concurrent:
    def __init__(
        self, whole: Reading, conditions: Filter | None, bounds: Bounds, workers: int, options: dict[str, Any]
    ) -> None:
        self.whole = whole
        self.conditions = conditions
        self.end = bounds[1]
        self.workers = workers
        self.options = options
        self._failed = threading.Event()  # what has failed in one range need not be waited for in others

    def frame(self) -> pd.DataFrame:
        with Progress("events", shown=self.whole.context.progress) as progress:
            pages = self.whole.pages(progress)
            head = tabular.Table(self.whole.schema)
            first, included = next(pages)
            cut = self._cut(first)
            if not cut:
                head.add(first, included)
                for records, extra in pages:
                    head.add(records, extra)
                return head.frame()
            # whatever shares the cut's second is read again, from its range: no tie is split
            whole_seconds = [
                record for record, time in zip(first, _times(first), strict=True) if time < cut[0]
            ]
            head.add(whole_seconds, included)
            progress.add(len(whole_seconds) - len(first))
            tables = [head, *self._read_ranges(cut, progress)]
        return _joined(tables)

    def _cut(self, first: list[Any]) -> list[datetime]:
        """Choose the ranges' edges from the first page; none where the rest is short."""
        size, times = self.whole.size or 0, _times(first)
        if not times or len(first) < min(size, self.whole.endpoint.page_default or size):
            return []
        edge = times[-1]
        covered = (edge - times[0]).total_seconds()
        now = self.whole.context.now()
        now = min(self.end, now) if self.end else now  # the few events after now go to the last range
        left = (now - edge).total_seconds()
        if covered <= 0 or left <= covered * ENOUGH:
            return []
        count = min(self.workers * RANGES_PER_WORKER, max(2, round(left / covered)))
        edges = [edge + timedelta(seconds=int(left * index / count)) for index in range(count)]
        return list(dict.fromkeys(edges))

    def _read_ranges(self, edges: list[datetime], progress: Progress) -> list[tabular.Table]:
        ends: list[datetime | None] = [*edges[1:], self.end]
        with ThreadPoolExecutor(self.workers, thread_name_prefix="klaviyo-events") as pool:
            futures = [
                pool.submit(self._read_range, start, end, progress)
                for start, end in zip(edges, ends, strict=True)
            ]
            try:
                return [future.result() for future in futures]
            except BaseException:
                self._failed.set()
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def _read_range(self, start: datetime, end: datetime | None, progress: Progress) -> tabular.Table:
        reading = Reading(
            self.whole.context, "get_events", filter=between(self.conditions, start, end), **self.options
        )
        table = tabular.Table(reading.schema)
        try:
            for records, included in reading.pages(progress):
                table.add(records, included)
                if self._failed.is_set():
                    break
        except BaseException:
            self._failed.set()
            raise
        return table


def _times(records: list[Any]) -> list[datetime]:
    """Say when each happened; nothing, where one of them does not tell."""
    try:
        return [
            datetime.fromisoformat(record["attributes"]["datetime"]).astimezone(UTC) for record in records
        ]
    except (KeyError, TypeError, ValueError):
        return []


def _joined(tables: list[tabular.Table]) -> pd.DataFrame:
    head, *rest = tables
    for table in rest:
        head.extend(table)
    return head.frame()
