"""Klaviyo's own side of a request: revision, route, limits, scopes, body, query; then the handler."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import orjson

from klaviyo_analytics.sandbox.app import (
    aggregates,
    campaigns,
    consent,
    custom_objects,
    events,
    flows,
    forms,
    jobs,
    metrics,
    omnichannel,
    omnichannel_schedules,
    omnichannel_writes,
    profiles,
    reads,
    reports,
    segments,
    tags,
    templates,
    webhooks,
    writes,
)
from klaviyo_analytics.sandbox.app.contract import (
    OLDEST,
    REVISION,
    SERVED,
    Contract,
    Limit,
    Operation,
    load_contract,
    served_from,
)
from klaviyo_analytics.sandbox.app.errors import ApiFault, Problem
from klaviyo_analytics.sandbox.app.exchange import Settings
from klaviyo_analytics.sandbox.app.reads import Call
from klaviyo_analytics.sandbox.app.request_checks import Query, check_body, parse_query
from klaviyo_analytics.sandbox.app.store import Store, target
from klaviyo_analytics.sandbox.app.writes import KINDS
from klaviyo_analytics.sandbox.limits import DAY, MINUTE, SECOND, Bucket, RateLimiter, Throttled

Handler = Callable[[Call], dict[str, Any] | None]

NEWER: dict[str, Handler] = {**omnichannel_writes.HANDLERS, **omnichannel_schedules.HANDLERS}
SPECIAL: dict[str, Handler] = {
    **aggregates.HANDLERS,
    **profiles.HANDLERS,
    **reports.HANDLERS,
    **campaigns.HANDLERS,
    **consent.HANDLERS,
    **custom_objects.HANDLERS,
    **events.HANDLERS,
    **flows.HANDLERS,
    **forms.HANDLERS,
    **jobs.HANDLERS,
    **metrics.HANDLERS,
    **segments.HANDLERS,
    **tags.HANDLERS,
    **templates.HANDLERS,
    **webhooks.HANDLERS,
}


def handle(call: Call) -> dict[str, Any] | None:
    """Carry a request out; None stands for an answer without a body."""
    jobs.keep_time(call.store.base)
    campaigns.keep_time(call.store.base)
    omnichannel_schedules.keep_time(call.store.base)
    handler = handler_of(call.operation)
    if handler is None:
        detail = f"The sandbox does not serve {call.operation.method} {call.operation.path}."
        raise ApiFault(501, [Problem("not_implemented", detail)])
    return handler(call)


def handler_of(operation: Operation) -> Handler | None:
    """Return what carries an operation out in the revision of the request; None where the sandbox does not."""
    own = NEWER if REVISION.get() >= omnichannel.SINCE else {}
    return own.get(operation.id) or SPECIAL.get(operation.id) or regular_handler(operation)


def regular_handler(operation: Operation) -> Handler | None:
    """Choose by method and path: `/lists`, `/lists/{id}`, `/lists/{id}/tags`, and so on."""
    depth = len(operation.segments)
    if operation.method == "GET":
        get_one = jobs.get_job if operation.collection.endswith("-jobs") else reads.get_resource
        return {1: reads.list_resources, 2: get_one}.get(depth, reads.get_related)
    if depth == 4:
        return writes.change_relationship
    if depth == 2 and operation.method in ("PATCH", "DELETE"):
        return writes.update_resource if operation.method == "PATCH" else writes.delete_resource
    type_ = operation.shape.type if operation.shape else ""
    creates = type_ in KINDS and operation.segments == [load_contract().collections[type_]]
    return writes.create_resource if creates else None


JSON_TYPES = frozenset({"application/vnd.api+json", "application/json"})
YEARS_OF_LIFE = 2  # a year stable, a year deprecated
Scopes = Collection[str] | None


@dataclass(frozen=True, slots=True)
class Sender:
    """Who asks; each app has quotas of its own, and all private keys share one."""

    app: str
    scopes: Scopes


@dataclass(frozen=True, slots=True)
class Incoming:
    """A request that has been told who sent it."""

    method: str
    path: str  # from /api on, percent-encoded
    query: str
    headers: Mapping[str, str]  # names in lower case
    body: bytes
    sender: Sender


@dataclass(slots=True)
class Outgoing:
    """What Klaviyo answers when nothing is wrong."""

    status: int
    document: dict[str, Any] | None


class Klaviyo:
    """Answers authenticated requests from one account."""

    def __init__(self, store: Store, settings: Settings, limiter: RateLimiter) -> None:
        self.store = store
        self.settings = settings
        self.limiter = limiter
        profiles.begin_conversations(store)

    @property
    def contract(self) -> Contract:
        """The contract of the revision that the request at hand names."""
        return load_contract()

    def answer(self, request: Incoming, headers: dict[str, str]) -> Outgoing:
        """Carry a request out; `headers` takes what the answer must show even if it is an error."""
        revision = self._revision(request.headers)
        REVISION.set(revision)
        headers["X-Klaviyo-API-Revision"] = revision
        operation, params = self._match(request.method, request.path)
        self._check_scopes(request.sender.scopes, operation.scopes)
        query_fault = None
        try:
            query = self._query(operation, request.query)
        except ApiFault as fault:
            query, query_fault = Query(), fault
        self._throttle(request.sender.app, operation, query, headers)
        if query_fault:
            raise query_fault
        self._check_included_scopes(request.sender.scopes, operation, query)
        # looking at a job carries it on, which is a write
        only_reads = request.method == "GET" and not operation.collection.endswith("-jobs")
        newer = revision >= omnichannel.SINCE and only_reads
        store = omnichannel.View(self.store) if newer else self.store
        call = Call(store, operation, request.path, params, query, owner=self._owner(operation))
        call.body = self._body(operation, request)
        document = handle(call)
        if self.settings.null_links and operation.many and document and operation.method == "GET":
            document["links"] = {"prev": None, "next": None} | document["links"]
        return Outgoing(call.status, document)

    def _revision(self, headers: Mapping[str, str]) -> str:
        """Return the revision that answers: a retired one falls forward to the oldest that is served."""
        text, offered = headers.get("revision", ""), f"It serves {', '.join(SERVED)}."
        if text in SERVED:
            return text
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\.pre", text):
            raise ApiFault.bad_request(
                f"Revision {text} is a beta, which the sandbox does not serve. {offered}"
            )
        if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            raise ApiFault.bad_request(f"The revision header must be a date such as {OLDEST}.")
        try:
            asked = date.fromisoformat(text)
        except ValueError:
            raise ApiFault.bad_request(f"{text} is not a date.") from None
        today = self.store.today()
        if asked > today:
            raise ApiFault.bad_request(f"Revision {text} is in the future.")
        retired = asked.replace(day=min(asked.day, 28), year=asked.year + YEARS_OF_LIFE) <= today
        if not retired:
            raise ApiFault.bad_request(f"Revision {text} is not one that the sandbox serves. {offered}")
        if headers.get("x-klaviyo-revision-fall-forward-opt-out") == "1":
            raise ApiFault(410, [Problem("gone", f"Revision {text} is retired.")])
        return OLDEST

    def _match(self, method: str, path: str) -> tuple[Operation, dict[str, str]]:
        """Find the operation; one that only another revision has is missing as an unknown path is."""
        try:
            return self.contract.match(method, path)
        except ApiFault:
            if other := served_from(method, path):
                raise ApiFault.not_found(
                    f"Revision {self.contract.revision} has no {method} {path}; revision {other} has."
                ) from None
            raise

    def _check_scopes(self, scopes: Scopes, needed: Collection[str]) -> None:
        missing = [] if scopes is None else sorted(set(needed) - set(scopes))
        if missing:
            raise ApiFault.missing_scopes(missing)

    def _check_included_scopes(self, scopes: Scopes, operation: Operation, query: Query) -> None:
        """Including a type needs the scope for reading it."""
        if operation.shape is None:
            return
        for name in query.include:
            collection = self.contract.collections.get(target(operation.shape.type, name))
            for reader in self.contract.operations.values():
                if reader.method == "GET" and reader.segments == [collection]:
                    self._check_scopes(scopes, reader.scopes)

    def _query(self, operation: Operation, text: str) -> Query:
        page_max = self.settings.events_page_max if operation.id == "get_events" else None
        query = parse_query(operation, text, page_max=page_max)
        if operation.cursor == "page_cursor":  # a report's, whose page size is not the caller's to choose
            query.size = self.settings.report_page_size
        return query

    def _throttle(self, app: str, operation: Operation, query: Query, headers: dict[str, str]) -> None:
        limits = [(operation.id, operation.limit), *self._extra_limits(operation, query)]
        buckets = [_bucket(f"{app}: {name}", limit) for name, limit in limits]
        try:
            standing = self.limiter.spend(buckets, enforce=self.settings.rate_limits)
        except Throttled as throttled:
            raise ApiFault.throttled(throttled.seconds) from None
        if standing:
            headers.update(standing.headers())

    def _extra_limits(self, operation: Operation, query: Query) -> list[tuple[str, Limit]]:
        """Find the buckets that parameters pay into; endpoints share those of `additional-fields`."""
        asked = dict(query.pairs)
        found = []
        for when, limit in (self.contract.shared_limits | dict(operation.extra_limits)).items():
            name, value = when.split("=")
            if any(part.startswith(value) for part in asked.get(name, "").split(",")):
                found.append((when, limit))
        return found

    def _owner(self, operation: Operation) -> str:
        """Find the type that the path's id belongs to."""
        for type_, collection in self.contract.collections.items():
            if collection == operation.collection:
                return type_
        return ""

    def _body(self, operation: Operation, request: Incoming) -> Any:
        if operation.body is None:
            return None
        content_type = request.headers.get("content-type", "").split(";")[0].strip().lower()
        allowed = JSON_TYPES if operation.content_type in JSON_TYPES else {operation.content_type}
        if content_type not in allowed:
            raise ApiFault(415, [Problem("unsupported_media_type", f"Send {operation.content_type}.")])
        if operation.content_type not in JSON_TYPES:
            return request  # a form is read by its own handler
        try:
            body = orjson.loads(request.body)
        except orjson.JSONDecodeError as error:
            raise ApiFault.pointer("/", f"The body is not valid JSON: {error}.") from None
        try:
            orjson.dumps([[[[body]]]])  # an answer may hold what was sent a little deeper
        except TypeError:
            raise ApiFault.pointer("/", "The body is nested too deeply.") from None
        check_body(operation.body, body)
        return body


def _bucket(name: str, limit: Limit) -> Bucket:
    windows = [(limit.burst, SECOND), (limit.steady, MINUTE)]
    return Bucket(name, windows + ([(limit.daily, DAY)] if limit.daily else []))
