"""Send the batches of a journal: record each, send it, follow its job, and record the outcome."""

from __future__ import annotations

import math
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from orjson import Fragment

from klaviyo_analytics import errors
from klaviyo_analytics._messages import counted, spoken
from klaviyo_analytics._progress import Progress
from klaviyo_analytics._reader import EMPTY, Reader
from klaviyo_analytics._secret import without_session
from klaviyo_analytics.endpoints import Endpoint, Window, jsonapi
from klaviyo_analytics.endpoints.api import GATEWAY_BUCKET, Api
from klaviyo_analytics.errors import ApiError
from klaviyo_analytics.http import cancellation
from klaviyo_analytics.http.cancellation import Cancelled, wait_for
from klaviyo_analytics.timeframe.words import answered
from klaviyo_analytics.writeback.account import Account
from klaviyo_analytics.writeback.journal import Batch, Journal, NotRecordedError
from klaviyo_analytics.writeback.write_types import (
    WRITE_TYPES,
    Listing,
    Options,
    Status,
    WriteType,
    folded,
    identity,
    options_from,
)

RowOutcome = list[Any]  # status, code, detail, pointer: what a journal holds of a row
_ROW = re.compile(r"/data/(\d+)(?:/|$)")


def row_outcome(
    status: Status, error: Mapping[str, Any] | None = None, detail: str | None = None
) -> RowOutcome:
    """Return the outcome of a row as a journal stores it."""
    error = error or {}
    source = error.get("source")
    pointer = source.get("pointer") if isinstance(source, Mapping) else None
    text = detail or error.get("detail") or error.get("title")
    return [status, error.get("code"), without_session(text) if isinstance(text, str) else text, pointer]


def refused(error: ApiError, rows: Sequence[int], write_type: WriteType) -> dict[int, RowOutcome]:
    """Return the rows that an error points to; all of them if it points to none."""
    named: dict[int, RowOutcome] = {}
    for one in error.errors if write_type.most > 1 else ():
        place = _place(one, len(rows))
        if place is not None:
            named.setdefault(rows[place], row_outcome("failed", one))
    if named:
        return named
    first = error.errors[0] if error.errors else {"code": str(error.status), "detail": str(error)}
    if len(rows) == 1:
        return {rows[0]: row_outcome("failed", first)}
    why = f"the whole request was refused: {error.detail or error.title or error.status}"
    return {row: row_outcome("failed", first, why) for row in rows}


def job_failures(
    errors: Iterable[Mapping[str, Any]], rows: Sequence[int], keys: Sequence[str], key: str
) -> dict[int, RowOutcome]:
    """Return the rows that a job's errors are about: by pointer, otherwise by the key in what was sent."""
    found: dict[int, RowOutcome] = {}
    same = folded if key == "email" else str
    where = {same(name): row for name, row in zip(keys, rows, strict=True)}
    for one in errors:
        place = _place(one, len(rows))
        row = (
            rows[place] if place is not None else where.get(same(identity(one.get("original_payload"), key)))
        )
        if row is not None:
            found.setdefault(row, row_outcome("failed", one))
    return found


def _place(error: Mapping[str, Any], count: int) -> int | None:
    source = error.get("source")
    pointer = source.get("pointer") if isinstance(source, Mapping) else None
    match = _ROW.search(pointer) if isinstance(pointer, str) else None
    return int(match[1]) if match and int(match[1]) < count else None


ENDED = ("complete", "cancelled")
PATIENCE = 24 * 3600.0  # seconds that a job may take, unless `timeout=` says otherwise
MARGIN = 3600.0  # how far two clocks may be apart


class Unfinished(Exception):  # noqa: N818  (the job goes on; nothing went wrong)
    """A job did not end within the time given; it can be looked at again later."""


def checked_timeout(timeout: Any) -> float:
    """Return the seconds that a job may take.

    Raises
    ------
    InvalidInputError
        It is not a finite, non-negative number.
    """
    good = isinstance(timeout, (int, float)) and not isinstance(timeout, bool) and 0 <= timeout < math.inf
    if not good:
        raise errors.InvalidInputError(
            f"timeout={timeout!r} is not a non-negative number of seconds. Pass a number such as 3600. Nothing was "
            "sent."
        )
    return float(timeout)


def follow(
    account: Account, write_type: WriteType, job: str, sleep: Callable[[float], None], timeout: float
) -> Mapping[str, Any]:
    """Wait for the end of a job, and return its attributes.

    Raises
    ------
    Unfinished
        It did not end within `timeout` seconds.
    """
    assert write_type.job is not None
    operation = write_type.job.get
    began = account.clock()

    def check() -> Mapping[str, Any]:
        document = account.api.call(operation, {"job_id": job})
        data = Reader(document, f"The job {job}").at("data")
        return dict(data.at("attributes").optional(Reader.mapping, EMPTY))

    try:
        return wait_for(
            check,
            lambda attributes: attributes.get("status") in ENDED,
            what=f"The job {job}",
            timeout=timeout,
            sleep=sleep,
            clock=account.clock,
        )
    except errors.RequestTimeoutError:
        if account.clock() - began < timeout:
            raise  # one of its requests, not the job
        raise Unfinished(
            f"the job {job} did not finish within {timeout:g} s; it is still running on the server"
        ) from None


def find(
    account: Account,
    write_type: WriteType,
    listing: Listing,
    keys: Sequence[str],
    options: Options,
    *,
    since: float,
    known: set[str],
    seen: dict[str, set[str]],
    sleep: Callable[[float], None],
    timeout: float = PATIENCE,
) -> str | None:
    """Find the job of a batch whose answer was lost.

    Jobs that began earlier, that are known to be other batches', or that hold another number of rows are left
    out. What decides is whose rows the job holds. Only somebody else's job, begun at the same time, with as
    many rows and mostly the same people, would be mistaken for it. `seen` remembers what jobs hold.
    """
    endpoint = account.api.catalog[listing.operation]
    ours = {folded(key) for key in keys}
    for document in account.api.pages(endpoint, {}, listing.order, size=endpoint.page_max, chosen=False):
        for record in jsonapi.listed(document, endpoint.path, endpoint.type):
            attributes = Reader(record, endpoint.path).at("attributes").optional(Reader.mapping, EMPTY)
            began = answered(attributes.get("created_at"))  # None where the time is missing or unreadable
            if began is not None and began.timestamp() < since - MARGIN:
                if listing.order:
                    return None
                continue
            id = str(record["id"])
            if id in known or attributes.get("total_count") not in (None, 0, len(keys)):
                continue
            if id not in seen:
                follow(account, write_type, id, sleep, timeout)
                seen[id] = listing.contents(account.api, id, options)
            if mostly(ours, seen[id]):
                return id
    return None


def mostly(ours: set[str], held: set[str]) -> bool:
    """Check whether most keys of a job are ours; some keys are stored differently from how they were sent."""
    return 2 * len(ours & held) > len(held)


def seconds_at_limits(api: Api, requests: Mapping[str, int]) -> float:
    """Return the least seconds that these requests take; requests to one endpoint share its limits."""
    counts: dict[str, int] = {}
    for name, count in requests.items():
        operation = WRITE_TYPES[name].operation
        counts[operation] = counts.get(operation, 0) + count
    found = [seconds_for(api.catalog[operation], count) for operation, count in counts.items()]
    if api.gateway:
        windows = [Window(*window) for window in GATEWAY_BUCKET.windows]
        found.append(_least(windows, sum(counts.values())))
    return max(found, default=0.0)


def seconds_for(endpoint: Endpoint, requests: int) -> float:
    """Return the least seconds that the documented limits allow for so many requests."""
    return _least(endpoint.limits, requests)


def _least(windows: Iterable[Window], requests: int) -> float:
    before = max(requests - 1, 0)
    return float(max((before // window.requests * window.seconds for window in windows), default=0))


def seconds_left(*, done: int, total: int, elapsed: float, least: float) -> float:
    """Estimate what is left: at the pace of the rows done so far, and no faster than the limits allow."""
    if not done:
        return least
    return max(elapsed / done * (total - done), least)


def how_far(*, requests: int, of: int, seconds: float, measured: bool) -> str:
    """Return a text with the requests done and the time left; a lower bound before a pace is measured."""
    about = "about" if measured else "at least"
    left = f", {about} {spoken(seconds)} left" if requests < of and (measured or seconds >= 1) else ""
    return f"{requests:,} of {counted(of, 'request')}{left}"


class WriteProgress:
    """Counts the batches of one go, from any thread."""

    def __init__(self, action: str, todo: Sequence[Batch], account: Account) -> None:
        self._rows = sum(batch.count for batch in todo)
        self._requests = len(todo)
        self._left = Counter(batch.kind for batch in todo)
        self._rows_done = 0
        self._api = account.api
        self._clock = account.clock
        self._began = account.clock()
        self._lock = threading.Lock()
        self._bar = Progress(action, shown=account.progress, total=self._rows, estimates=False)

    def __enter__(self) -> WriteProgress:
        self._bar.__enter__()
        return self

    def __exit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.__exit__(error_type, error, trace)

    def done(self, batch: Batch) -> None:
        """Count a batch."""
        with self._lock:
            self._rows_done += batch.count
            self._left[batch.kind] -= 1
            self._bar.add(batch.count, self._text())

    def looked(self) -> None:
        """Refresh the text while waiting for a job."""
        with self._lock:
            self._bar.note(self._text())

    def waiting(self, seconds: float) -> None:
        """Say that the account's limits make it wait."""
        with self._lock:
            self._bar.waiting(seconds)

    def _text(self) -> str:
        # an embedded sandbox has no limits to keep within
        least = seconds_at_limits(self._api, self._left) if self._api.paced else 0.0
        seconds = seconds_left(
            done=self._rows_done, total=self._rows, elapsed=self._clock() - self._began, least=least
        )
        done = self._requests - self._left.total()
        return how_far(requests=done, of=self._requests, seconds=seconds, measured=self._rows_done > 0)


SETTLED = 5.0  # seconds in which a request whose connection broke may still be under way at the server
ATTEMPTS = 6
HOPELESS = (  # the next request would fare no better, and this one was certainly not carried out
    errors.AuthenticationError,
    errors.PermissionDeniedError,
    errors.RateLimitError,
    errors.QuotaExhaustedError,
)


class Stopped(Exception):  # noqa: N818  (no error: the reason to go no further)
    """The run ends here; what was not sent can be sent later."""


class Run:
    """One attempt to send what a journal still has to do; ends early where continuing is pointless.

    Attributes
    ----------
    stopped : str or None
        Why it ended early.
    unrecorded : NotRecordedError or None
        Set if the journal could not be written any more.
    """

    def __init__(self, journal: Journal, account: Account, timeout: float = PATIENCE) -> None:
        self.stopped: str | None = None
        self.unrecorded: NotRecordedError | None = None
        self._timeout = timeout
        self._journal = journal
        self._account = account
        self._stored_options: Mapping[str, Any] = journal.fact("options")
        self._keys: list[str] = journal.fact("keys")
        self._seen: dict[str, set[str]] = {}  # what jobs hold that were looked into
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._progress: WriteProgress | None = None

    def carry_out(self) -> None:
        """Send everything that is left."""
        todo = [batch for batch in self._journal.batches() if batch.state != "done"]
        if not todo:
            return
        with WriteProgress(self._journal.fact("action"), todo, self._account) as self._progress:
            self._in_parallel(todo)

    def _in_parallel(self, todo: Sequence[Batch]) -> None:
        workers = min(len(todo), max(WRITE_TYPES[batch.kind].at_once for batch in todo))
        with (
            cancellation.group() as cancelled,
            cancellation.ending(self._stop),
            ThreadPoolExecutor(workers, thread_name_prefix="klaviyo-write") as pool,
        ):
            try:
                futures = [pool.submit(copy_context().run, self._one, batch) for batch in todo]
                for _ in cancellation.as_completed(futures):
                    pass
            except BaseException as problem:
                self._stop.set()
                if not isinstance(problem, Exception) or isinstance(problem, Cancelled):
                    cancelled.set()  # Ctrl-C or Cancel: pauses end now, and answers are not waited for
                pool.shutdown(wait=True, cancel_futures=True)
                raise

    def _one(self, batch: Batch) -> None:
        if self._stop.is_set():
            return
        try:
            self._journal.done(batch.number, self._outcome(batch))
        except Stopped as reason:
            self._ends(str(reason))
        except Unfinished as reason:
            with self._lock:
                self.stopped = self.stopped or str(reason)  # the other batches go on
        except NotRecordedError as error:
            self.unrecorded = error
            self._ends(f"the journal cannot be written any more ({error})")
        except Cancelled:
            if self._stop.is_set() and not cancellation.cancelled():
                return  # another batch ended the run: this one's pause is over, and nothing of it is lost
            self._ends("it was cancelled")
            raise
        except HOPELESS as error:
            self._ends(str(error))
        except errors.TransportError as error:
            self._ends(f"the server could not be reached any more: {error}")
        else:
            if self._progress:
                self._progress.done(batch)

    def _ends(self, reason: str) -> None:
        with self._lock:
            self.stopped = self.stopped or without_session(reason)
        self._stop.set()

    def _outcome(self, batch: Batch) -> dict[str, Any]:
        write_type, payload = WRITE_TYPES[batch.kind], self._journal.payload(batch.number)
        rows = self._journal.refused(batch.number)
        left = [row for row in range(batch.count) if row not in rows]
        keys = [self._keys[position] for position in payload.positions]
        job, status = batch.job, write_type.done
        if batch.state != "accepted":
            job, status = self._sent(_Sending(batch, write_type, keys, payload.records), rows, left)
            left = [row for row in left if row not in rows]
            if left and write_type.job:
                self._journal.accepted(batch.number, job)
        if write_type.job and job and left:
            rows |= self._end_of(write_type, job, left, keys)
        elif write_type.job and left:
            status = "accepted"  # an answer without the job's name: it was taken, and cannot be followed
        return {"status": status, "job": job, "rows": rows}

    def _end_of(
        self, write_type: WriteType, job: str, left: list[int], keys: Sequence[str]
    ) -> dict[int, RowOutcome]:
        """Follow a job, and return the outcome of its rows."""
        assert write_type.job is not None
        try:
            attributes = follow(self._account, write_type, job, self._pause, self._timeout)
        except errors.NotFoundError:
            gone = row_outcome(
                "unconfirmed", detail="the job was accepted, and no longer exists; its outcome is not known"
            )
            return dict.fromkeys(left, gone)
        job_errors = write_type.job.errors(self._account.api, job, attributes)
        found = job_failures(job_errors, left, [keys[row] for row in left], self._options(write_type).key)
        failed = Reader(attributes, f"The job {job}", "attributes").at("failed_count")
        silent = failed.optional(Reader.integer, 0) - len(found)
        doubt = None
        if attributes.get("status") == "cancelled":
            doubt = "the job was cancelled; its progress is not known"
        elif silent > 0:
            doubt = f"{silent:,} rows of this job failed, and the API does not say which"
        if doubt is None:
            return found
        return dict.fromkeys(left, row_outcome("unconfirmed", detail=doubt)) | found

    def _sent(  # noqa: PLR0912  (a branch for each way in which a request can end)
        self, sending: _Sending, rows: dict[int, RowOutcome], left: list[int]
    ) -> tuple[str | None, Any]:
        """Send what is left of a batch until it is taken; what is refused meanwhile is written into `rows`."""
        write_type, batch = sending.write_type, sending.batch
        lost, attempt, since = batch.state == "sending", 0, batch.since or 0.0
        while left:
            if lost:
                known, job = self._after_a_loss(sending, rows, left, since)
                if known:
                    return job, write_type.done
            if attempt >= ATTEMPTS:
                raise Stopped(f"{write_type.operation} was tried {ATTEMPTS} times without a usable answer")
            if attempt:
                self._pause(min(30.0, 0.5 * 2**attempt))
            attempt += 1
            since = self._now()
            self._journal.sending(batch.number, since=since, refused=rows)
            try:
                reply = self._send(write_type, [sending.records[row] for row in left])
            except HOPELESS:
                self._refused_unread(batch, lost=lost)
                raise
            except Cancelled as ended:
                self._refused_unread(batch, lost=lost or ended.ambiguous)
                raise
            except (errors.TransportError, errors.ServerError):
                lost = True
            except errors.GatewayError as error:
                if error.status >= 500:
                    lost = True
                    continue
                self._refused_unread(batch, lost=lost)
                raise Stopped(str(error)) from None
            except errors.ApiError as error:
                if lost and write_type.seen(error):
                    return None, write_type.done
                found = refused(error, left, write_type)
                rows |= found
                left = [row for row in left if row not in found]
                lost, attempt = False, 0
            else:
                return _job_of(reply.document) if write_type.job else None, write_type.by_http_status.get(
                    reply.status, write_type.done
                )
        return None, write_type.done

    def _send(self, write_type: WriteType, records: Sequence[bytes]) -> Any:
        """Send one request."""
        body = write_type.body([Fragment(record) for record in records], self._options(write_type))
        ids = write_type.ids(self._options(write_type))
        return self._account.api.answer(
            write_type.operation, ids, json=body, replay_safe=False, on_wait=self._waiting
        )

    def _options(self, write_type: WriteType) -> Options:
        return options_from(write_type.name, self._stored_options)

    def _refused_unread(self, batch: Batch, *, lost: bool) -> None:
        """Record that this request was not carried out, unless an earlier attempt may have been."""
        if not lost:
            self._journal.unsent(batch.number)

    def _after_a_loss(
        self, sending: _Sending, rows: dict[int, RowOutcome], left: list[int], since: float
    ) -> tuple[bool, str | None]:
        """Find out, as far as that is possible, whether the request was carried out: (known, its job)."""
        write_type, keys = sending.write_type, [sending.keys[row] for row in left]
        if listing := write_type.job and write_type.job.listing:
            job = self._found(sending.batch, listing, keys, since)
            if job is None and self._settled(since):
                job = self._found(sending.batch, listing, keys, since)
            return job is not None, job
        if not write_type.repeatable:
            why = "the answer was lost; it may have been carried out, and sending it again could do it twice"
            rows |= dict.fromkeys(left, row_outcome("unconfirmed", detail=why))
            return True, None
        return False, None

    def _found(self, batch: Batch, listing: Listing, keys: Sequence[str], since: float) -> str | None:
        """Find the job of a batch whose answer was lost."""
        known = self._journal.jobs() - {batch.job or ""}
        return find(
            self._account,
            WRITE_TYPES[batch.kind],
            listing,
            keys,
            self._options(WRITE_TYPES[batch.kind]),
            since=since,
            known=known,
            seen=self._seen,
            sleep=self._pause,
            timeout=self._timeout,
        )

    def _settled(self, since: float) -> bool:
        """Wait for a request that may still be under way; False if it is long past."""
        wait = SETTLED - (self._now() - since)
        if wait <= 0:
            return False
        self._pause(min(wait, SETTLED))
        return True

    def _pause(self, seconds: float) -> None:
        """Wait, unless the run is to end; another batch that ends it ends the wait, too."""
        if not self._stop.is_set():
            if self._progress:
                self._progress.looked()
            try:
                self._account.sleep(seconds)
            except Cancelled:
                if cancellation.cancelled():
                    raise
        if self._stop.is_set():
            raise Stopped("stopped")

    def _now(self) -> float:
        """Return the time of the account's clock."""
        return self._account.now().timestamp()

    def _waiting(self, seconds: float) -> None:
        if self._progress:
            self._progress.waiting(seconds)


@dataclass(frozen=True, slots=True)
class _Sending:
    """One batch that is being sent: its records, and the keys of its rows."""

    batch: Batch
    write_type: WriteType
    keys: Sequence[str]
    records: Sequence[bytes]


def _job_of(document: Any) -> str | None:
    data = document.get("data") if isinstance(document, Mapping) else None
    return str(data["id"]) if isinstance(data, Mapping) and "id" in data else None
