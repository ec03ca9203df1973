"""Bulk imports of profiles: the request is refused whole, or every profile has an outcome of its own."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import orjson

from klaviyo_analytics.sandbox.app import linking
from klaviyo_analytics.sandbox.app.errors import ApiFault, Problem
from klaviyo_analytics.sandbox.app.kinds import ulid
from klaviyo_analytics.sandbox.app.profiles import IDENTIFIERS, MOST_BYTES, identifier_problems, upsert
from klaviyo_analytics.sandbox.app.reads import Call, answer_one
from klaviyo_analytics.sandbox.app.special import jobs
from klaviyo_analytics.sandbox.app.store import Store
from klaviyo_analytics.sandbox.app.writes import related_ids
from klaviyo_analytics.sandbox.model import Record, Related

Json = dict[str, Any]
TYPE = "profile-bulk-import-job"
PROFILES = "/data/attributes/profiles/data"
MOST = 10_000


def import_profiles(call: Call) -> Json:
    """Take on an import."""
    data = call.body["data"]
    profiles: list[Json] = data["attributes"]["profiles"]["data"]
    _check(profiles)
    lists = dict(related_ids(data)).get("lists", [])
    linking.check_exist(call.store, "list", lists)
    # Ids of these jobs are base64 and end with an equals sign, which belongs percent-encoded into a path.
    id_ = b64encode(f"{TYPE}:{ulid(call.store, {})}".encode()).decode()
    links: dict[str, Related] = {"lists": lists, "profiles": [], "import-errors": []}
    job = jobs.start(call.store, TYPE, profiles, _import, id_=id_, links=links, fail=_fail, pointer=PROFILES)
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


HANDLERS = {"bulk_import_profiles": import_profiles}
