"""What the account as a whole allows: counts, unique names, things that must stay."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from klaviyo_analytics.sandbox.app.errors import ApiFault
from klaviyo_analytics.sandbox.app.store import Store
from klaviyo_analytics.sandbox.model import Record

MOST = {"tag": 500, "tag-group": 50, "template": 1000, "webhook": 10}
UNIQUE_NAMES = frozenset({"custom-metric", "tag", "tag-group"})
EDITORS = ("CODE", "USER_DRAGGABLE")
NAME = "/data/attributes/name"
COUPON_ID = re.compile(r"[0-9A-Za-z_]+")


def check_new(store: Store, data: dict[str, Any], links: dict[str, list[str]]) -> None:
    """Refuse a new resource that the account has no room for."""
    type_, attributes = data["type"], data.get("attributes", {})
    check_room(store, type_)
    _check_name(store, type_, attributes.get("name"))
    if type_ == "coupon" and not COUPON_ID.fullmatch(attributes["external_id"]):
        pointer = "/data/attributes/external_id"
        raise ApiFault.pointer(pointer, "Only letters, digits and underscores are allowed.")
    if type_ == "template" and attributes["editor_type"] not in EDITORS:
        pointer = "/data/attributes/editor_type"
        raise ApiFault.pointer(pointer, f"A template is created with one of {', '.join(EDITORS)}.")
    _check_expiry(type_, attributes)
    if type_ == "tag" and not links.get("tag-group"):
        links["tag-group"] = [
            id_ for id_, group in store.records("tag-group").items() if group.attributes["default"]
        ]


def check_room(store: Store, type_: str) -> None:
    """Refuse one more of a type of which the account has as many as it may have."""
    if type_ in MOST and len(store.records(type_)) >= MOST[type_]:
        raise ApiFault.bad_request(f"An account may have {MOST[type_]} of type {type_}.")


def check_change(store: Store, record: Record, data: dict[str, Any]) -> None:
    """Refuse a change that the account cannot hold."""
    attributes = data.get("attributes", {})
    if attributes.get("name") != record.attributes.get("name"):
        _check_name(store, record.type, attributes.get("name"))
    _check_expiry(record.type, attributes)
    if record.type == "template" and record.attributes["editor_type"] != "CODE":
        for name in ("html", "text", "amp"):
            if attributes.get(name) is not None:
                pointer = f"/data/attributes/{name}"
                raise ApiFault.pointer(pointer, "A template of the drag-and-drop editor is changed there.")


def _check_expiry(type_: str, attributes: dict[str, Any]) -> None:
    """Refuse a coupon code's expiry without an offset: it would be a guess on whose clock it is meant."""
    text = attributes.get("expires_at")
    if type_ == "coupon-code" and text is not None and datetime.fromisoformat(text).tzinfo is None:
        raise ApiFault.pointer("/data/attributes/expires_at", f"{text!r} is a datetime without an offset.")


def _check_name(store: Store, type_: str, name: str | None) -> None:
    if type_ in UNIQUE_NAMES and name is not None:
        names = {other.attributes["name"] for other in store.records(type_).values()}
        if name in names:
            raise ApiFault.conflict(f"A {type_} named {name!r} exists already.", pointer=NAME)


def check_removal(store: Store, record: Record) -> None:
    """Refuse to delete what must stay."""
    if record.type == "tag-group" and record.attributes["default"]:
        raise ApiFault.bad_request("The default tag group cannot be deleted.")
    if record.type == "coupon-code" and store.related(record, "profile"):
        raise ApiFault.bad_request("A coupon code that is assigned to a profile cannot be deleted.")
