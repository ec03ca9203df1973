"""Jobs: taken on now, done later, a step with every look at one or with every second that passes.

A job is queued; its next step carries out the first half of its pieces (processing), the last one the rest
(complete). Nothing sleeps: whoever asks for a job moves it on, and `keep_time` does the same for all jobs by the
account's clock.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from klaviyo_analytics.sandbox.app.errors import TITLES, ApiFault
from klaviyo_analytics.sandbox.app.kinds import ulid
from klaviyo_analytics.sandbox.app.reads import Call, answer_one
from klaviyo_analytics.sandbox.app.store import Store
from klaviyo_analytics.sandbox.app.times import to_text
from klaviyo_analytics.sandbox.model import Record, Related

Json = dict[str, Any]
STEP = 1.0  # seconds of the account's clock
LIFE = 7 * 86_400
WORK = "work"  # where a job's record hides its `Work`

# Carries out one piece; false says that there was nothing to do, a fault that it failed.
Run = Callable[[Store, Record, Any], bool]
Fail = Callable[[Store, Record, Any, Json], None]
Follow = Callable[[Store, Record], None]  # is told of every step


@dataclass(slots=True)
class Work:
    """What a job has to do, and how far it has come."""

    pieces: Sequence[Any]
    run: Run
    fail: Fail
    follow: Follow
    pointer: str  # to the pieces in the request
    moved: float  # when the job last took a step
    expires: float | None
    done: int = 0


def note(_: Store, job: Record, __: Any, error: Json) -> None:
    """Keep the error of a piece in the job itself."""
    job.attributes["errors"].append(error)


def ignore(_: Store, __: Record) -> None:
    """Follow a job without doing anything."""


def start(
    store: Store,
    type_: str,
    pieces: Sequence[Any],
    run: Run,
    *,
    id_: str = "",
    links: dict[str, Related] | None = None,
    fail: Fail = note,
    follow: Follow = ignore,
    pointer: str = "/data",
    life: float | None = LIFE,
) -> Record:
    """Take on a job; a second one of the same id takes the place of the first."""
    now = store.now()
    expires = None if life is None else now + life
    attributes: Json = {
        "status": "queued",
        "created_at": to_text(now),
        "started_at": None,
        "completed_at": None,
        "expires_at": None if expires is None else to_text(expires),
        "total_count": len(pieces),
        "completed_count": 0,
        "failed_count": 0,
        "skipped_count": 0,
        "errors": [],
    }
    job = Record(type_, id_ or ulid(store, {}), attributes, links or {})
    job.hidden[WORK] = Work(pieces, run, fail, follow, pointer, now, expires)
    store.jobs = [other for other in store.jobs if (other.type, other.id) != (type_, job.id)] + [job]
    follow(store, job)
    return store.add(job)


def advance(store: Store, job: Record) -> None:
    """Let a job take its next step, if there is one."""
    work: Work = job.hidden[WORK]
    attributes, now = job.attributes, to_text(store.now())
    if not is_open(job):
        return
    if attributes["status"] == "queued":
        attributes |= {"status": "processing", "started_at": now}
        _carry_out(store, job, work, (len(work.pieces) + 1) // 2)
    else:
        _carry_out(store, job, work, len(work.pieces))
        attributes |= {"status": "complete", "completed_at": now}
    work.moved = store.now()
    work.follow(store, job)
    store.changed()


def _carry_out(store: Store, job: Record, work: Work, stop: int) -> None:
    for place in range(work.done, stop):
        piece, work.done = work.pieces[place], place + 1
        try:
            counted = "completed_count" if work.run(store, job, piece) else "skipped_count"
        except ApiFault as fault:
            counted = "failed_count"
            work.fail(store, job, piece, _error(fault, f"{work.pointer}/{place}"))
        job.attributes[counted] += 1


def _error(fault: ApiFault, place: str) -> Json:
    """Write a fault down as if the piece, which takes itself for a whole body, stood in the job's own."""
    problem = fault.problems[0]
    pointer = problem.source.get("pointer", "/data")
    return {
        "id": str(uuid.uuid4()),
        "code": problem.code,
        "title": TITLES[fault.status],
        "detail": problem.detail,
        "source": {"pointer": place + pointer.removeprefix("/data")},
    }


def is_open(job: Record) -> bool:
    """Tell whether a job has something left to do."""
    return job.attributes["status"] in ("queued", "processing")


def cancel(store: Store, job: Record) -> None:
    """End a job with what it has done so far."""
    job.attributes |= {"status": "cancelled", "completed_at": to_text(store.now())}
    store.changed()


def keep_time(store: Store) -> None:
    """Let every job take the steps that are due, and forget those that have expired."""
    now = store.now()
    for job in list(store.jobs):
        work: Work = job.hidden[WORK]
        while is_open(job) and now - work.moved >= STEP:
            due = work.moved + STEP
            advance(store, job)
            work.moved = due
        if work.expires is None and not is_open(job):
            store.jobs.remove(job)
        elif work.expires is not None and now >= work.expires:
            _forget(store, job)


def _forget(store: Store, job: Record) -> None:
    store.jobs.remove(job)
    for id_ in store.related(job, "import-errors"):
        del store.records("import-error")[id_]
    store.remove(job.type, job.id)


def get_job(call: Call) -> Json:
    """Answer a job after its next step."""
    assert call.operation.shape is not None
    job = call.store.get(call.operation.shape.type, call.id)
    advance(call.store, job)
    return answer_one(call, job)
