"""Profiles: many by import jobs, single ones where the API offers no job for what is asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from klaviyo_analytics import _jsonapi
from klaviyo_analytics._api import Api
from klaviyo_analytics.writeback.kinds._kind import Job, Json, Kind, Listing, Options, folded


def _job_body(records: Sequence[Any], options: Options) -> Any:
    data: dict[str, Any] = {
        "type": "profile-bulk-import-job",
        "attributes": {"profiles": {"data": list(records)}},
    }
    if lists := options.get("lists"):
        data["relationships"] = {"lists": {"data": [{"type": "list", "id": id} for id in lists]}}
    return {"data": data}


def _errors(api: Api, job: str, attributes: Json) -> Iterator[Json]:
    if not attributes.get("failed_count"):
        return
    endpoint = api.catalog["get_errors_for_bulk_import_profiles_job"]
    for document in api.pages(endpoint, {"id": job}, {}, size=endpoint.page_max, chosen=False):
        for record in _jsonapi.resources(document, endpoint.path):
            yield record.get("attributes") or {}


def _contents(api: Api, job: str, options: Options) -> set[str]:
    """Name some of a finished job's people: those it wrote, or those it could not write."""
    document = api.call(
        "get_profiles_for_bulk_import_profiles_job", {"id": job}, params={"page[size]": "100"}
    )
    key = options["key"]
    people = _jsonapi.resources(document, "GET /api/profile-bulk-import-jobs/{id}/profiles")
    found = {folded(identity(one, key)) for one in people}
    if found:
        return found
    refused = _errors(api, job, {"failed_count": 1})
    return {folded(identity(one["original_payload"], key)) for one in refused if one.get("original_payload")}


def identity(record: Json, key: str) -> Any:
    """Give what names a profile, in a resource or in the bare attributes of a complaint."""
    if key == "id":
        return record.get("id")
    return (record.get("attributes") or record).get(key)


IMPORT = Kind(
    name="profile import",
    operation="bulk_import_profiles",
    most=10_000,
    body=_job_body,
    done="written",
    job=Job(
        "get_bulk_import_profiles_job",
        _errors,
        Listing(
            "get_bulk_import_profiles_jobs",
            _contents,
            order={"sort": "-created_at", "page[size]": "100"},
        ),
    ),
)
UPSERT = Kind(
    name="profile upsert",
    operation="create_or_update_profile",
    most=1,
    body=lambda records, _options: {"data": records[0]},
    done="written",
    told={200: "updated", 201: "created"},
    at_once=8,
)
APPEND = Kind(
    name="profile append",
    operation="create_or_update_profile",
    most=1,
    body=lambda records, _options: {"data": records[0]},
    done="written",
    repeatable=False,  # what is appended twice stands there twice
    told={200: "updated", 201: "created"},
    at_once=8,
)

KINDS = (IMPORT, UPSERT, APPEND)
