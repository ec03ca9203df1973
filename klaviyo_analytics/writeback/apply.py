"""Carry a journal's batches out: each noted, sent, followed to its end, and noted again."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any

from orjson import Fragment

from klaviyo_analytics import errors
from klaviyo_analytics._reader import Reader
from klaviyo_analytics._transport import waiting
from klaviyo_analytics._transport.waiting import CalledOff
from klaviyo_analytics.writeback import answers, jobs
from klaviyo_analytics.writeback._account import Account
from klaviyo_analytics.writeback.answers import Said, said
from klaviyo_analytics.writeback.journal import Batch, Journal
from klaviyo_analytics.writeback.kinds import KINDS, Kind, Listing
from klaviyo_analytics.writeback.showing import Shown

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
    """One go at what a journal still has to do; ends early where going on makes no sense.

    Attributes
    ----------
    stopped : str or None
        Why it ended early.
    """

    def __init__(self, journal: Journal, account: Account) -> None:
        self.stopped: str | None = None
        self._journal = journal
        self._account = account
        self._options: Mapping[str, Any] = journal.fact("options")
        self._keys: list[str] = journal.fact("keys")
        self._seen: dict[str, set[str]] = {}  # what jobs hold that were looked into
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._shown: Shown | None = None

    def carry_out(self) -> None:
        """Do all that is left."""
        todo = [batch for batch in self._journal.batches() if batch.state != "done"]
        if not todo:
            return
        with Shown(self._journal.fact("action"), todo, self._account) as self._shown:
            self._in_parallel(todo)

    def _in_parallel(self, todo: Sequence[Batch]) -> None:
        workers = min(len(todo), max(KINDS[batch.kind].at_once for batch in todo))
        with (
            waiting.group() as cancelled,
            ThreadPoolExecutor(workers, thread_name_prefix="klaviyo-write") as pool,
        ):
            futures = [pool.submit(copy_context().run, self._one, batch) for batch in todo]
            try:
                for future in as_completed(futures):
                    future.result()
            except BaseException as problem:
                self._stop.set()
                if not isinstance(problem, Exception) or isinstance(problem, CalledOff):
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
        except CalledOff:
            self._ends("it was cancelled")
            raise
        except HOPELESS as error:
            self._ends(str(error))
        except errors.TransportError as error:
            self._ends(f"the server could not be reached any more: {error}")
        else:
            if self._shown:
                self._shown.done(batch)

    def _ends(self, reason: str) -> None:
        with self._lock:
            self.stopped = self.stopped or reason
        self._stop.set()

    def _outcome(self, batch: Batch) -> dict[str, Any]:
        kind, payload = KINDS[batch.kind], self._journal.payload(batch.number)
        rows = self._journal.refused(batch.number)
        left = [row for row in range(batch.count) if row not in rows]
        keys = [self._keys[position] for position in payload.positions]
        job, status = batch.job, kind.done
        if batch.state != "accepted":
            job, status = self._sent(_Sending(batch, kind, keys, payload.records), rows, left)
            left = [row for row in left if row not in rows]
            if left and kind.job:
                self._journal.accepted(batch.number, job)
        if kind.job and job and left:
            rows |= self._end_of(kind, job, left, keys)
        elif kind.job and left:
            status = "accepted"  # an answer without the job's name: it was taken, and cannot be followed
        return {"status": status, "job": job, "rows": rows}

    def _end_of(self, kind: Kind, job: str, left: list[int], keys: Sequence[str]) -> dict[int, Said]:
        """Follow a job, and find out what became of its rows."""
        assert kind.job is not None
        try:
            attributes = jobs.follow(self._account, kind, job, self._pause)
        except errors.NotFoundError:
            gone = said("unconfirmed", detail="the job was taken, and is gone; nothing tells how it ended")
            return dict.fromkeys(left, gone)
        complained = kind.job.errors(self._account.api, job, attributes)
        found = answers.complaints(
            complained, left, [keys[row] for row in left], self._options.get("key", "")
        )
        failed = Reader(attributes, f"The job {job}", "attributes").at("failed_count")
        silent = failed.optional(Reader.integer, 0) - len(found)
        doubt = None
        if attributes.get("status") == "cancelled":
            doubt = "the job was cancelled; nothing tells how far it was"
        elif silent > 0:
            doubt = f"{silent:,} rows of this job failed, and the API does not say which"
        if doubt is None:
            return found
        return dict.fromkeys(left, said("unconfirmed", detail=doubt)) | found

    def _sent(  # noqa: PLR0912  (a branch for each way in which a request can end)
        self, sending: _Sending, rows: dict[int, Said], left: list[int]
    ) -> tuple[str | None, Any]:
        """Send what is left of a batch until it is taken; what is refused meanwhile is written into `rows`."""
        kind, batch = sending.kind, sending.batch
        lost, attempt, since = batch.state == "sending", 0, batch.since or 0.0
        while left:
            if lost:
                known, job = self._after_a_loss(sending, rows, left, since)
                if known:
                    return job, kind.done
            if attempt >= ATTEMPTS:
                raise Stopped(
                    f"{kind.operation} was tried {ATTEMPTS} times, and no answer said what became of it"
                )
            if attempt:
                self._pause(min(30.0, 0.5 * 2**attempt))
            attempt += 1
            since = self._now()
            self._journal.sending(batch.number, since=since, refused=rows)
            try:
                reply = self._send(kind, [sending.records[row] for row in left])
            except HOPELESS:
                self._refused_unread(batch, lost=lost)
                raise
            except CalledOff as ended:
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
                if lost and kind.seen(error):
                    return None, kind.done
                found = answers.refused(error, left, kind)
                rows |= found
                left = [row for row in left if row not in found]
                lost, attempt = False, 0
            else:
                return _job_of(reply.document) if kind.job else None, kind.told.get(reply.status, kind.done)
        return None, kind.done

    def _send(self, kind: Kind, records: Sequence[bytes]) -> Any:
        """Send one request."""
        body = kind.body([Fragment(record) for record in records], self._options)
        ids = kind.ids(self._options)
        return self._account.api.answer(
            kind.operation, ids, json=body, replay_safe=False, on_wait=self._waiting
        )

    def _refused_unread(self, batch: Batch, *, lost: bool) -> None:
        """Note that this request was not carried out, unless one before it may have been."""
        if not lost:
            self._journal.unsent(batch.number)

    def _after_a_loss(
        self, sending: _Sending, rows: dict[int, Said], left: list[int], since: float
    ) -> tuple[bool, str | None]:
        """Find out, as far as that is possible, whether the request was carried out: (known, its job)."""
        kind, keys = sending.kind, [sending.keys[row] for row in left]
        if listing := kind.job and kind.job.listing:
            job = self._found(sending.batch, listing, keys, since)
            if job is None and self._settled(since):
                job = self._found(sending.batch, listing, keys, since)
            return job is not None, job
        if not kind.repeatable:
            why = (
                "the answer was lost; nothing tells whether it was carried out, and once more could be twice"
            )
            rows |= dict.fromkeys(left, said("unconfirmed", detail=why))
            return True, None
        return False, None

    def _found(self, batch: Batch, listing: Listing, keys: Sequence[str], since: float) -> str | None:
        """Look for the job of a batch whose answer was lost."""
        known = self._journal.jobs() - {batch.job or ""}
        return jobs.find(
            self._account,
            KINDS[batch.kind],
            listing,
            keys,
            self._options,
            since=since,
            known=known,
            seen=self._seen,
            sleep=self._pause,
        )

    def _settled(self, since: float) -> bool:
        """Wait for a request that may still be under way; False if it is long past."""
        wait = SETTLED - (self._now() - since)
        if wait <= 0:
            return False
        self._pause(min(wait, SETTLED))
        return True

    def _pause(self, seconds: float) -> None:
        """Wait, unless the run is to end."""
        if not self._stop.is_set():
            if self._shown:
                self._shown.looked()
            self._account.sleep(seconds)
        if self._stop.is_set():
            raise Stopped("stopped")

    def _now(self) -> float:
        """Return the time of the account's clock."""
        return self._account.now().timestamp()

    def _waiting(self, seconds: float) -> None:
        if self._shown:
            self._shown.waiting(seconds)


@dataclass(frozen=True, slots=True)
class _Sending:
    """One batch on its way: what it sends, and under which keys its rows are known."""

    batch: Batch
    kind: Kind
    keys: Sequence[str]
    records: Sequence[bytes]


def _job_of(document: Any) -> str | None:
    data = document.get("data") if isinstance(document, Mapping) else None
    return str(data["id"]) if isinstance(data, Mapping) and "id" in data else None
