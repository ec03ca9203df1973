"""What the body of a bulk job is made of: many of the bodies that single writes send."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from klaviyo_analytics.endpoints import load
from klaviyo_analytics.errors import InvalidInputError
from klaviyo_analytics.resources import event_writes
from klaviyo_analytics.resources._noun import Context, catalog_id, checked_id
from klaviyo_analytics.resources._people import request_of, rows_of
from klaviyo_analytics.resources._writes import resource, written
from klaviyo_analytics.resources.coupons import with_expiry
from klaviyo_analytics.resources.profile_writes import patched
from klaviyo_analytics.writeback.kinds import KINDS
from klaviyo_analytics.writeback.plans.consent import plan_suppression

Record = Mapping[str, Any]
PLURAL = {"item": "items", "variant": "variants", "category": "categories"}


def attributes(context: Context, kind: str, records: Sequence[Record]) -> dict[str, Any]:
    """Write the attributes of a job of one kind."""
    most = KINDS[kind.replace("_", " ")].most
    if not 0 < len(records) <= most:
        raise InvalidInputError(
            f"a job of the kind {kind!r} takes 1 to {most:,} records, not {len(records):,}."
        )
    if kind in ("suppress", "unsuppress"):
        plan = plan_suppression(
            context,
            rows_of(list(records), kind),
            suppresses=kind == "suppress",
            columns=None,
            on_duplicate="error",
        )
        _, body = request_of(plan)
        profiles: dict[str, Any] = body["data"]["attributes"]
        return profiles
    if kind == "profile_import":
        return {"profiles": {"data": [_profile(record) for record in records]}}
    if kind == "event_create":
        return {"events_bulk_create": {"data": [_event(context, record) for record in records]}}
    if kind == "coupon_code_create":
        codes = [resource(load()["create_coupon_code"], with_expiry(context, record)) for record in records]
        return {"coupon_codes": {"data": codes}}
    _, noun, verb = kind.split("_")
    return {PLURAL[noun]: {"data": [_in_catalog(noun, verb, record) for record in records]}}


def _profile(record: Record) -> dict[str, Any]:
    id, given = _parted(record)
    given, meta = patched(given)
    data = resource(load()["create_or_update_profile"], given, id=None if id is None else checked_id(id))
    return {**data, "meta": meta} if meta else data


def _event(context: Context, record: Record) -> dict[str, Any]:
    happened = dict(record)
    profile = event_writes.whose(happened.pop("profile", None))
    event = {"type": "event", "attributes": written("event", event_writes.attributes(context, **happened))}
    one = {"profile": {"data": profile}, "events": {"data": [event]}}
    return {"type": "event-bulk-create", "attributes": one}


def _in_catalog(noun: str, verb: str, record: Record) -> dict[str, Any]:
    if verb == "create":
        return resource(load()[f"create_catalog_{noun}"], record)
    id, given = _parted(record)
    if verb == "delete":
        return {"type": f"catalog-{noun}", "id": catalog_id(id)}
    return resource(load()[f"update_catalog_{noun}"], given, id=catalog_id(id))


def _parted(record: Record) -> tuple[Any, dict[str, Any]]:
    given = dict(record)
    return given.pop("id", None), given
