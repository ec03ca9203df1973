"""Tags put on resources: so many each, and of an exclusive group only one."""

from __future__ import annotations

from typing import Any

from klaviyo_analytics.sandbox.app.errors import ApiFault
from klaviyo_analytics.sandbox.app.reads import Call
from klaviyo_analytics.sandbox.app.store import Store, target
from klaviyo_analytics.sandbox.app.writes import change_relationship
from klaviyo_analytics.sandbox.model import Record

Json = dict[str, Any]
MOST = 100  # tags of one resource
KINDS = ("campaigns", "flows", "lists", "segments")


def tag_resources(call: Call) -> None:
    """Put a tag on resources, on all of them or on none."""
    tag, name = call.store.get("tag", call.id), call.operation.segments[-1]
    type_ = target("tag", name)
    for place, identifier in enumerate(call.body["data"]):
        other = call.store.get(type_, identifier["id"])
        tags = [id_ for id_ in call.store.related(other, "tags") if id_ != tag.id]
        if len(tags) >= MOST:
            raise ApiFault.pointer(f"/data/{place}", f"The {type_} {other.id} has {MOST} tags already.")
        rival = _rival(call.store, tag, tags)
        if rival:
            detail = f"The {type_} {other.id} has the tag {rival!r} of the same exclusive group."
            raise ApiFault.pointer(f"/data/{place}", detail)
    change_relationship(call)


def _rival(store: Store, tag: Record, tags: list[str]) -> str | None:
    """Find a tag that is there and excludes the new one."""
    groups = store.related(tag, "tag-group")
    if not groups or not store.get("tag-group", groups[0]).attributes["exclusive"]:
        return None
    others = store.find_all("tag", tags)
    return next((one.attributes["name"] for one in others if store.related(one, "tag-group") == groups), None)


HANDLERS = {f"tag_{kind}": tag_resources for kind in KINDS}
