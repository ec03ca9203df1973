"""What the account as a whole allows: counts, unique names, things that must stay."""

from __future__ import annotations

import re
from typing import Any

from klaviyo_analytics.sandbox.app.errors import ApiFault
from klaviyo_analytics.sandbox.app.store import Store
from klaviyo_analytics.sandbox.model import Record

MOST = {"tag": 500, "tag-group": 50, "template": 1000, "webhook": 10}
UNIQUE_NAMES = frozenset({"custom-metric", "tag", "tag-group"})
NAME = "/data/attributes/name"
COUPON_ID = re.compile(r"[0-9A-Za-z_]+")


def check_new(store: Store, data: dict[str, Any], links: dict[str, list[str]]) -> None:
    """Refuse a new resource that the account has no room for."""
    type_, attributes = data["type"], data.get("attributes", {})
    existing = store.records(type_)
    if type_ in MOST and len(existing) >= MOST[type_]:
        raise ApiFault.bad_request(f"An account may have {MOST[type_]} of type {type_}.")
    if type_ in UNIQUE_NAMES and any(
        other.attributes["name"] == attributes["name"] for other in existing.values()
    ):
        raise ApiFault.conflict(f"A {type_} named {attributes['name']!r} exists already.", pointer=NAME)
    if type_ == "coupon" and not COUPON_ID.fullmatch(attributes["external_id"]):
        pointer = "/data/attributes/external_id"
        raise ApiFault.pointer(pointer, "Only letters, digits and underscores are allowed.")
    if type_ == "webhook" and not attributes["endpoint_url"].startswith("https://"):
        raise ApiFault.pointer("/data/attributes/endpoint_url", "The URL must begin with https://.")
    if type_ == "tag" and not links.get("tag-group"):
        links["tag-group"] = [
            id_ for id_, group in store.records("tag-group").items() if group.attributes["default"]
        ]


def check_removal(store: Store, record: Record) -> None:
    """Refuse to delete what must stay."""
    if record.type == "tag-group" and record.attributes["default"]:
        raise ApiFault.bad_request("The default tag group cannot be deleted.")
    if record.type == "coupon-code" and store.related(record, "profile"):
        raise ApiFault.bad_request("A coupon code that is assigned to a profile cannot be deleted.")
