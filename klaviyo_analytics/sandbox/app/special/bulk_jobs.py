"""Bulk jobs of the catalog and of coupon codes: each piece is a body of its own, with an outcome of its own."""

from __future__ import annotations

from functools import partial
from typing import Any

from klaviyo_analytics.sandbox.app.errors import ApiFault, Problem
from klaviyo_analytics.sandbox.app.reads import Call, answer_one
from klaviyo_analytics.sandbox.app.special import jobs
from klaviyo_analytics.sandbox.app.store import Store
from klaviyo_analytics.sandbox.app.writes import change_record, new_record, remove
from klaviyo_analytics.sandbox.model import Record

Json = dict[str, Any]
PLURALS = {"item": "items", "variant": "variants", "category": "categories"}
MOST_OBJECTS, MOST_JOBS = 100, 500
MOST_CODES, MOST_CODE_JOBS = 1000, 100


def start(call: Call, run: jobs.Run, plural: str, most: int, most_jobs: int) -> Json:
    """Take on a job, if it is not too large and not too many are under way."""
    store, data = call.store, call.body["data"]
    pieces: list[Json] = data["attributes"][plural]["data"]
    pointer = f"/data/attributes/{plural}/data"
    if not 1 <= len(pieces) <= most:
        raise ApiFault.pointer(pointer, f"A job has 1 to {most} {plural}.")
    if sum(jobs.is_open(job) for job in store.records(data["type"]).values()) >= most_jobs:
        raise ApiFault.bad_request(f"{most_jobs} such jobs are under way; wait until one is done.")
    links: dict[str, Any] = {plural: []}
    return answer_one(call, jobs.start(store, data["type"], pieces, run, links=links, pointer=pointer))


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


HANDLERS = {
    f"bulk_{verb}_catalog_{plural}": partial(
        start, run=partial(run, plural), plural=plural, most=MOST_OBJECTS, most_jobs=MOST_JOBS
    )
    for verb, run in (("create", _create), ("update", _update), ("delete", _delete))
    for plural in PLURALS.values()
} | {
    "bulk_create_coupon_codes": partial(
        start,
        run=partial(_create, "coupon-codes"),
        plural="coupon-codes",
        most=MOST_CODES,
        most_jobs=MOST_CODE_JOBS,
    )
}
