"""Jobs: taken on now, done later, a step with every look at one or with every second that passes.

A job is queued; its next step carries out the first half of its pieces (processing), the last one the rest
(complete). Nothing sleeps: whoever asks for a job moves it on, and `keep_time` does the same for all jobs by the
account's clock.
"""

from __future__ import annotations

import uuid
from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import orjson

from klaviyo_analytics.sandbox.app import store as _store
from klaviyo_analytics.sandbox.app.errors import TITLES, ApiFault, Problem, to_text
from klaviyo_analytics.sandbox.app.profiles import IDENTIFIERS, MOST_BYTES, identifier_problems, upsert
from klaviyo_analytics.sandbox.app.reads import Call, answer_one
from klaviyo_analytics.sandbox.app.store import Store
from klaviyo_analytics.sandbox.app.writes import change_record, new_record, related_ids, remove, ulid
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
    """Start a job; a second one with the same id replaces the first."""
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
    """Advance a job by one step, if there is one."""
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
    """Return whether a job has something left to do."""
    return job.attributes["status"] in ("queued", "processing")


def cancel(store: Store, job: Record) -> None:
    """End a job with what it has done so far."""
    job.attributes |= {"status": "cancelled", "completed_at": to_text(store.now())}
    store.changed()


def keep_time(store: Store) -> None:
    """Advance every job by the steps that are due, and remove expired jobs."""
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


TYPE = "profile-bulk-import-job"
PROFILES = "/data/attributes/profiles/data"
MOST = 10_000


def import_profiles(call: Call) -> Json:
    """Start an import."""
    data = call.body["data"]
    profiles: list[Json] = data["attributes"]["profiles"]["data"]
    _check(profiles)
    lists = dict(related_ids(data)).get("lists", [])
    _store.check_exist(call.store, "list", lists)
    # Ids of these jobs are base64 and end with an equals sign, which belongs percent-encoded into a path.
    id_ = b64encode(f"{TYPE}:{ulid(call.store, {})}".encode()).decode()
    links: dict[str, Related] = {"lists": lists, "profiles": [], "import-errors": []}
    job = start(call.store, TYPE, profiles, _import, id_=id_, links=links, fail=_fail, pointer=PROFILES)
    return answer_one(call, job)


def _check(profiles: list[Json]) -> None:
    """Refuse the whole request if one of its profiles cannot be."""
    if not 1 <= len(profiles) <= MOST:
        raise ApiFault.pointer(PROFILES, f"An import has 1 to {MOST} profiles.")
    problems: list[Problem] = []
    for place, profile in enumerate(profiles):
        pointer = f"{PROFILES}/{place}"
        if len(orjson.dumps(profile)) > MOST_BYTES:
            raise ApiFault(
                413, [Problem("payload_too_large", "A profile may have 100 KB.", {"pointer": pointer})]
            )
        attributes = profile["attributes"]
        problems += identifier_problems(attributes, f"{pointer}/attributes")
        if not profile.get("id") and not any(attributes.get(name) for name in IDENTIFIERS):
            detail = f"One of these identifiers is required: {', '.join(IDENTIFIERS)}."
            problems.append(Problem("invalid", detail, {"pointer": f"{pointer}/attributes"}))
    if problems:
        raise ApiFault(400, problems)


def _import(store: Store, job: Record, profile: Json) -> bool:
    """Create or update one profile; a null clears nothing here."""
    if profile.get("id") and store.find("profile", profile["id"]) is None:
        detail = f"A profile with id {profile['id']} does not exist."
        raise ApiFault(404, [Problem("not_found", detail, {"pointer": "/data/id"})])
    record, _ = upsert(store, profile | {"attributes": _without_nulls(profile["attributes"])})
    if record.id not in (seen := job.hidden.setdefault("seen", set())):  # one profile may come twice
        seen.add(record.id)
        _add(job, "profiles", record.id)
    for list_id in store.related(job, "lists"):
        store.members(list_id).setdefault(record.id, int(store.now()))
    return True


def _fail(store: Store, job: Record, profile: Json, error: Json) -> None:
    """Keep the error of one profile, with what was sent."""
    id_ = error.pop("id")
    store.add(Record("import-error", id_, error | {"original_payload": profile}))
    _add(job, "import-errors", id_)


def _add(job: Record, name: str, id_: str) -> None:
    ids = job.relationships[name]
    assert isinstance(ids, list)
    ids.append(id_)


def _without_nulls(attributes: Json) -> Json:
    return {
        name: _without_nulls(value) if name in ("location", "properties") else value
        for name, value in attributes.items()
        if value is not None
    }


PLURALS = {"item": "items", "variant": "variants", "category": "categories"}
MOST_OBJECTS, MOST_JOBS = 100, 500
MOST_CODES, MOST_CODE_JOBS = 1000, 100


def start_bulk_job(call: Call, run: Run, plural: str, most: int, most_jobs: int) -> Json:
    """Start a job, if it is not too large and not too many are running."""
    store, data = call.store, call.body["data"]
    pieces: list[Json] = data["attributes"][plural]["data"]
    pointer = f"/data/attributes/{plural}/data"
    if not 1 <= len(pieces) <= most:
        raise ApiFault.pointer(pointer, f"A job has 1 to {most} {plural}.")
    if sum(is_open(job) for job in store.records(data["type"]).values()) >= most_jobs:
        raise ApiFault.bad_request(f"{most_jobs} such jobs are under way; wait until one is done.")
    links: dict[str, Any] = {plural: []}
    return answer_one(call, start(store, data["type"], pieces, run, links=links, pointer=pointer))


def _create(plural: str, store: Store, job: Record, data: Json) -> bool:
    _note(job, plural, new_record(store, data))
    return True


def _update(plural: str, store: Store, job: Record, data: Json) -> bool:
    record = _find(store, data)
    change_record(store, record, data)
    _note(job, plural, record)
    return True


def _delete(_: str, store: Store, __: Record, data: Json) -> bool:
    remove(store, _find(store, data))
    return True


def _find(store: Store, data: Json) -> Record:
    record = store.find(data["type"], data["id"])
    if record is None:
        detail = f"A {data['type']} with id {data['id']} does not exist."
        raise ApiFault(404, [Problem("not_found", detail, {"pointer": "/data/id"})])
    return record


def _note(job: Record, plural: str, record: Record) -> None:
    ids = job.relationships[plural]
    assert isinstance(ids, list)
    if record.id not in ids:
        ids.append(record.id)


HANDLERS: dict[str, Callable[[Call], dict[str, Any] | None]] = {
    "bulk_import_profiles": import_profiles,
    **{
        f"bulk_{verb}_catalog_{plural}": partial(
            start_bulk_job, run=partial(run, plural), plural=plural, most=MOST_OBJECTS, most_jobs=MOST_JOBS
        )
        for verb, run in (("create", _create), ("update", _update), ("delete", _delete))
        for plural in PLURALS.values()
    }
    | {
        "bulk_create_coupon_codes": partial(
            start_bulk_job,
            run=partial(_create, "coupon-codes"),
            plural="coupon-codes",
            most=MOST_CODES,
            most_jobs=MOST_CODE_JOBS,
        )
    },
}
