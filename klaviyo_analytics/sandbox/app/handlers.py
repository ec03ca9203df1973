"""Which handler serves which operation: special ones by name, regular ones by the form of their path."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from klaviyo_analytics.sandbox.app import aggregates, profiles, reads, reports, special, tracking, writes
from klaviyo_analytics.sandbox.app.contract import Operation, load_contract
from klaviyo_analytics.sandbox.app.errors import ApiFault, Problem
from klaviyo_analytics.sandbox.app.kinds import KINDS
from klaviyo_analytics.sandbox.app.reads import Call
from klaviyo_analytics.sandbox.app.special import delivery, jobs

Handler = Callable[[Call], dict[str, Any] | None]

SPECIAL: dict[str, Handler] = {
    **aggregates.HANDLERS,
    **profiles.HANDLERS,
    **reports.HANDLERS,
    **special.HANDLERS,
    **tracking.HANDLERS,
}


def handle(call: Call) -> dict[str, Any] | None:
    """Carry a request out; None stands for an answer without a body."""
    jobs.keep_time(call.store)
    delivery.keep_time(call.store)
    handler = SPECIAL.get(call.operation.id) or regular_handler(call.operation)
    if handler is None:
        detail = f"The sandbox does not serve {call.operation.method} {call.operation.path}."
        raise ApiFault(501, [Problem("not_implemented", detail)])
    return handler(call)


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
