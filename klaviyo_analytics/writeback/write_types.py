"""How the types of writes differ; everything else is the same for all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from klaviyo_analytics._reader import Reader
from klaviyo_analytics.endpoints import jsonapi
from klaviyo_analytics.endpoints.api import Api
from klaviyo_analytics.errors import ApiError

__all__ = [
    "WRITE_TYPES",
    "ConsentOptions",
    "ImportOptions",
    "Job",
    "Listing",
    "OfOptions",
    "Options",
    "Status",
    "WriteType",
    "folded",
    "options_from",
    "stored_options",
]

Json = Mapping[str, Any]
Status = Literal[
    "created", "updated",  # the API said which
    "written",             # the API said that it is done, but not which of the two
    "accepted",            # the API accepted it, and says no more
    "unchanged",           # the account has it already; not sent
    "failed",              # refused, with the API's reason
    "not sent",            # for the reason given
    "unconfirmed",         # sent, or perhaps sent, with an unknown outcome
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Options:
    """What all rows of a write have in common.

    Parameters
    ----------
    key : str
        The attribute that identifies a row: "email", "id", ...
    """

    key: str


@dataclass(frozen=True, slots=True)
class ImportOptions(Options):
    """Options of writes of profiles.

    Parameters
    ----------
    lists : tuple of str
        Ids of lists that the profiles join.
    """

    lists: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ConsentOptions(Options):
    """Options of subscribing and unsubscribing.

    Parameters
    ----------
    list : str, optional
        Id of the list that people join or leave.
    custom_source : str, optional
        Where they agreed.
    historical_import : bool
        They agreed in the past, so that nobody is asked to confirm or welcomed.
    """

    list: str | None = None
    custom_source: str | None = None
    historical_import: bool = False


@dataclass(frozen=True, slots=True)
class OfOptions(Options):
    """Options of writes to the members of one resource.

    Parameters
    ----------
    owner : str
        Id of the list or tag.
    """

    owner: str


def stored_options(options: Options) -> dict[str, Any]:
    """Return options as a journal stores them: those that differ from the default."""
    return {
        one.name: value for one in fields(options) if (value := getattr(options, one.name)) != one.default
    }


def options_from(kind: str, stored: Mapping[str, Any]) -> Options:
    """Read the options of a write type from a journal."""
    given: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in stored.items()
    }
    return WRITE_TYPES[kind].options(**given)


@dataclass(frozen=True, slots=True)
class Listing:
    """How to find a job whose answer was lost.

    Parameters
    ----------
    operation : str
        The endpoint that lists such jobs.
    contents : callable
        Returns the keys of some records of a finished job.
    order : dict, optional
        Parameters that list the newest first.
    """

    operation: str
    contents: Callable[[Api, str, Options], set[str]]
    order: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Job:
    """A job that a request starts.

    Parameters
    ----------
    get : str
        The endpoint that returns its progress.
    errors : callable
        Yields the errors of a finished job.
    listing : Listing, optional
        How to find it again, where it is not simply asked for a second time.
    """

    get: str
    errors: Callable[[Api, str, Json], Iterator[Json]] = lambda _api, _job, _attributes: iter(())
    listing: Listing | None = None


@dataclass(frozen=True, slots=True)
class WriteType:
    """One type of write.

    Parameters
    ----------
    name : str
        Its name in journals.
    operation : str
        The endpoint that is called.
    most : int
        Rows in one request.
    body : callable
        Builds the body of a request from encoded records.
    done : str
        Status of a row without an error.
    repeatable : bool
        Sending the same again does no harm, so that a lost answer is asked for again.
    job : Job, optional
        The job that the request starts.
    ids : callable
        Returns the ids in the path.
    at_once : int
        Requests in flight.
    by_http_status : dict
        The status of a row by the HTTP status of its response.
    seen : callable
        Returns True for an error that means that the record exists already.
    shown : callable
        Returns the part of a record that a preview lists.
    options : type
        What all of its rows have in common.
    single : callable
        Builds the body of the request that writes one record alone.
    """

    name: str
    operation: str
    most: int
    body: Callable[[Sequence[Any], Any], Any]
    done: Status
    repeatable: bool = True
    job: Job | None = None
    ids: Callable[[Any], Mapping[str, str]] = lambda _options: {}
    at_once: int = 4
    by_http_status: Mapping[int, Status] = field(default_factory=dict)
    seen: Callable[[ApiError], bool] = lambda _error: False
    shown: Callable[[Json], Json] = lambda record: record.get("attributes") or {}
    options: type[Options] = Options
    single: Callable[[Json], Any] = lambda record: {"data": record}


def folded(key: object) -> str:
    """Return a key as it is compared: Klaviyo ignores the case of email addresses."""
    return str(key).lower()


BEFORE = "$custom:::$default:::"
PLURAL = {"item": "items", "variant": "variants", "category": "categories"}


def _errors(_: Api, __: str, attributes: Json) -> Iterator[Json]:
    yield from attributes.get("errors") or ()


def _holds(
    operation: str, included: str, key: Callable[[Reader], str]
) -> Callable[[Api, str, Options], set[str]]:
    def contents(api: Api, job: str, _: Options) -> set[str]:
        document = api.call(operation, {"job_id": job}, params={"include": included})
        nothing: list[Reader] = []
        held = Reader(document, f"The job {job}").at("included").optional(Reader.items, nothing)
        return {folded(key(one)) for one in held}

    return contents


def _body(type: str, name: str) -> Callable[[Sequence[Any], Options], Any]:
    return lambda records, _: {"data": {"type": type, "attributes": {name: {"data": list(records)}}}}


def _own_id(record: Reader) -> str:
    return record.at("id").text().removeprefix(BEFORE)


def _catalog(resource_kind: str, verb: str) -> WriteType:
    plural = PLURAL[resource_kind]
    named = "catalog_items" if resource_kind == "item" else plural
    get, many = f"get_bulk_{verb}_{named}_job", f"get_bulk_{verb}_{named}_jobs"
    creates = verb == "create"  # what is created twice is refused; an update or a deletion may come twice
    return WriteType(
        f"catalog {resource_kind} {verb}",
        f"bulk_{verb}_catalog_{plural}",
        most=100,
        body=_body(f"catalog-{resource_kind}-bulk-{verb}-job", plural),
        done={"create": "created", "update": "updated", "delete": "written"}[verb],  # type: ignore[arg-type]
        job=Job(get, _errors, Listing(many, _holds(get, plural, _own_id)) if creates else None),
    )


COUPON_CODES = WriteType(
    "coupon code create",
    "bulk_create_coupon_codes",
    most=1_000,
    body=_body("coupon-code-bulk-create-job", "coupon-codes"),
    done="created",
    job=Job(
        "get_bulk_create_coupon_codes_job",
        _errors,
        Listing(
            "get_bulk_create_coupon_code_jobs",
            _holds(
                "get_bulk_create_coupon_codes_job",
                "coupon-codes",
                lambda one: one.at("attributes").at("unique_code").text(),
            ),
        ),
    ),
)


def _record_body(records: Sequence[Any], options: OfOptions) -> Any:
    return {
        "data": {
            "type": "data-source-record-bulk-create-job",
            "attributes": {"data-source-records": {"data": list(records)}},
            "relationships": {"data-source": {"data": {"type": "data-source", "id": options.owner}}},
        }
    }


# The API says nothing of a record that comes twice, so that a lost answer is not asked for again.
SOURCE_RECORDS = WriteType(
    "data source record create",
    "bulk_create_data_source_records",
    most=500,
    body=_record_body,
    done="accepted",
    repeatable=False,
    shown=lambda record: record["attributes"]["record"],
    options=OfOptions,
)
CATALOG_TYPES = (
    *(_catalog(resource_kind, verb) for resource_kind in PLURAL for verb in ("create", "update", "delete")),
    COUPON_CODES,
    SOURCE_RECORDS,
)


def _subscriptions(type: str) -> Any:
    def body(records: Sequence[Any], options: ConsentOptions) -> Any:
        attributes: dict[str, Any] = {"profiles": {"data": list(records)}}
        if options.custom_source:
            attributes["custom_source"] = options.custom_source
        if options.historical_import:
            attributes["historical_import"] = True
        data: dict[str, Any] = {"type": type, "attributes": attributes}
        if options.list:
            data["relationships"] = {"list": {"data": {"type": "list", "id": options.list}}}
        return {"data": data}

    return body


def _suppressions(type: str) -> Any:
    def body(records: Sequence[Any], _: Options) -> Any:
        return {"data": {"type": type, "attributes": {"profiles": {"data": list(records)}}}}

    return body


_SUBSCRIBES = _subscriptions("profile-subscription-bulk-create-job")
SUBSCRIBE = WriteType(
    "subscribe",
    "bulk_subscribe_profiles",
    most=1_000,
    body=_SUBSCRIBES,
    done="accepted",
    repeatable=False,  # once more could ask people twice to confirm, or welcome them twice
    options=ConsentOptions,
)
RECORD_CONSENT = WriteType(
    "record consent",
    "bulk_subscribe_profiles",
    most=1_000,
    body=_SUBSCRIBES,
    done="accepted",
    options=ConsentOptions,
)
UNSUBSCRIBE = WriteType(
    "unsubscribe",
    "bulk_unsubscribe_profiles",
    most=100,
    body=_subscriptions("profile-subscription-bulk-delete-job"),
    done="accepted",
    options=ConsentOptions,
)
SUPPRESS = WriteType(
    "suppress",
    "bulk_suppress_profiles",
    most=100,
    body=_suppressions("profile-suppression-bulk-create-job"),
    done="written",
    job=Job("get_bulk_suppress_profiles_job"),
)
UNSUPPRESS = WriteType(
    "unsuppress",
    "bulk_unsuppress_profiles",
    most=100,
    body=_suppressions("profile-suppression-bulk-delete-job"),
    done="written",
    job=Job("get_bulk_unsuppress_profiles_job"),
)
CONSENT_TYPES = (SUBSCRIBE, RECORD_CONSENT, UNSUBSCRIBE, SUPPRESS, UNSUPPRESS)


def _event_body(records: Sequence[Any], _: Options) -> Any:
    attributes = {"events-bulk-create": {"data": list(records)}}
    return {"data": {"type": "event-bulk-create-job", "attributes": attributes}}


def _is_known(error: ApiError) -> bool:
    """Check whether a repeated request was refused because the first one arrived."""
    return any(
        "duplicate" in str(one.get("code")).lower()
        or str((one.get("source") or {}).get("pointer")).endswith("/unique_id")
        for one in error.errors
    )


def _shown(record: Mapping[str, Any]) -> Mapping[str, Any]:
    attributes = record["attributes"]
    event = attributes["events"]["data"][0]["attributes"]
    return {
        **attributes["profile"]["data"]["attributes"],
        **{name: value for name, value in event.items() if name not in ("metric", "properties")},
        "properties": event["properties"],
    }


def _single_event(record: Json) -> Any:
    held = record["attributes"]
    event = held["events"]["data"][0]
    return {"data": {**event, "attributes": {**event["attributes"], "profile": held["profile"]}}}


# A unique_id that is repeated is the same event, so that sending again adds nothing.
CREATE = WriteType(
    name="event create",
    operation="bulk_create_events",
    most=1_000,
    body=_event_body,
    done="accepted",
    seen=_is_known,
    shown=_shown,
    single=_single_event,
)


def _member_body(records: Sequence[Any], _: Options) -> Any:
    return {"data": list(records)}


def _ids(options: OfOptions) -> Mapping[str, str]:
    return {"id": options.owner}


def _shown_member(record: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"id": record["id"]}


def _relationship(name: str, operation: str) -> WriteType:
    return WriteType(
        name,
        operation,
        most=1_000,
        body=_member_body,
        done="written",
        ids=_ids,
        shown=_shown_member,
        options=OfOptions,
    )


TAGGED = ("campaigns", "flows", "lists", "segments")
MEMBER_TYPES = (
    _relationship("list join", "add_profiles_to_list"),
    _relationship("list leave", "remove_profiles_from_list"),
    *(_relationship(f"tag {kind}", f"tag_{kind}") for kind in TAGGED),
    *(_relationship(f"untag {kind}", f"remove_tag_from_{kind}") for kind in TAGGED),
)


def _job_body(records: Sequence[Any], options: ImportOptions) -> Any:
    data: dict[str, Any] = {
        "type": "profile-bulk-import-job",
        "attributes": {"profiles": {"data": list(records)}},
    }
    if options.lists:
        data["relationships"] = {"lists": {"data": [{"type": "list", "id": id} for id in options.lists]}}
    return {"data": data}


def _profile_errors(api: Api, job: str, attributes: Json) -> Iterator[Json]:
    if not attributes.get("failed_count"):
        return
    endpoint = api.catalog["get_errors_for_bulk_import_profiles_job"]
    for document in api.pages(endpoint, {"id": job}, {}, size=endpoint.page_max, chosen=False):
        for record in jsonapi.listed(document, endpoint.path, endpoint.type):
            yield record.get("attributes") or {}


def _contents(api: Api, job: str, options: Options) -> set[str]:
    """Return the keys of some profiles of a finished job: those it wrote, or those it could not write."""
    document = api.call(
        "get_profiles_for_bulk_import_profiles_job", {"id": job}, params={"page[size]": "100"}
    )
    key = options.key
    people = jsonapi.listed(document, "GET /api/profile-bulk-import-jobs/{id}/profiles", "profile")
    found = {folded(identity(one, key)) for one in people}
    if found:
        return found
    refused = _profile_errors(api, job, {"failed_count": 1})
    return {folded(identity(one["original_payload"], key)) for one in refused if one.get("original_payload")}


def identity(record: Json, key: str) -> Any:
    """Return the key of a profile, from a resource or from the bare attributes in an error."""
    if key == "id":
        return record.get("id")
    return (record.get("attributes") or record).get(key)


IMPORT = WriteType(
    name="profile import",
    operation="bulk_import_profiles",
    most=10_000,
    body=_job_body,
    done="written",
    job=Job(
        "get_bulk_import_profiles_job",
        _profile_errors,
        Listing(
            "get_bulk_import_profiles_jobs",
            _contents,
            order={"sort": "-created_at", "page[size]": "100"},
        ),
    ),
    options=ImportOptions,
)
UPSERT = WriteType(
    name="profile upsert",
    operation="create_or_update_profile",
    most=1,
    body=lambda records, _options: {"data": records[0]},
    done="written",
    by_http_status={200: "updated", 201: "created"},
    at_once=8,
    options=ImportOptions,
)
APPEND = WriteType(
    name="profile append",
    operation="create_or_update_profile",
    most=1,
    body=lambda records, _options: {"data": records[0]},
    done="written",
    repeatable=False,  # what is appended twice stands there twice
    by_http_status={200: "updated", 201: "created"},
    at_once=8,
    options=ImportOptions,
)

PROFILE_TYPES = (IMPORT, UPSERT, APPEND)


_ALL = (*PROFILE_TYPES, CREATE, *MEMBER_TYPES, *CONSENT_TYPES, *CATALOG_TYPES)
WRITE_TYPES = {kind.name: kind for kind in _ALL}
