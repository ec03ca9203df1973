"""What is peculiar to a type of resource when one is created: its id, its defaults, its times."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from klaviyo_analytics.sandbox.app.errors import ApiFault
from klaviyo_analytics.sandbox.app.store import Store

Json = dict[str, Any]
LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's, as in ULIDs
CATALOG = "$custom:::$default:::"


def spell(number: int, width: int) -> str:
    """Write a number in letters and digits."""
    letters = []
    for _ in range(width):
        number, rest = divmod(number, len(LETTERS))
        letters.append(LETTERS[rest])
    return "".join(reversed(letters))


def short_id(store: Store, _: Json) -> str:
    """Make an id as lists, metrics and flows have: six letters and digits."""
    number = uuid.uuid5(uuid.NAMESPACE_OID, f"short {store.issue_number()}").int
    return "N" + spell(number, 5)


def ulid(store: Store, _: Json) -> str:
    """Make an id as profiles and campaigns have; later ones sort after earlier ones."""
    return spell(int(store.now() * 1000), 10) + spell(store.issue_number(), 16)


def uuid_id(store: Store, _: Json) -> str:
    """Make an id as tags and forms have."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"uuid {store.issue_number()}"))


def number_id(store: Store, _: Json) -> str:
    """Make an id as images and flow actions have."""
    return str(90_000_000 + store.issue_number())


def catalog_id(_: Store, data: Json) -> str:
    """Make an id as catalog items, variants and categories have, from their own."""
    return CATALOG + str(data["attributes"]["external_id"])


def _coupon_code_id(_: Store, data: Json) -> str:
    coupon = data["relationships"]["coupon"].get("data")
    if not coupon:
        raise ApiFault.pointer("/data/relationships/coupon/data", "A code belongs to a coupon.")
    return f"{coupon['id']}-{data['attributes']['unique_code']}"


def _external_id(_: Store, data: Json) -> str:
    return str(data["attributes"]["external_id"])


@dataclass(frozen=True, slots=True)
class Kind:
    """How a new resource of a type comes to be; `secret` attributes are taken and never shown."""

    new_id: Callable[[Store, Json], str]
    defaults: Mapping[str, Any] = field(default_factory=dict)
    created: str = ""
    updated: str = ""
    secret: frozenset[str] = frozenset()
    life: int = 0  # seconds until `expires_at`, if nothing is said of it


YEAR = 365 * 86_400
_PICTURES: Json = {"image_full_url": None, "image_thumbnail_url": None, "images": []}
_CATALOG: Json = {**_PICTURES, "price": None, "custom_metadata": {}, "published": True}
_CATALOG_SECRET = frozenset({"integration_type", "catalog_type"})

KINDS: Mapping[str, Kind] = {
    "catalog-category": Kind(catalog_id, {}, updated="updated", secret=_CATALOG_SECRET),
    "catalog-item": Kind(catalog_id, _CATALOG, "created", "updated", _CATALOG_SECRET),
    "catalog-variant": Kind(
        catalog_id, {**_CATALOG, "inventory_policy": 0}, "created", "updated", _CATALOG_SECRET
    ),
    "coupon": Kind(_external_id, {"description": None, "monitor_configuration": {}}),
    "coupon-code": Kind(_coupon_code_id, {"status": "UNASSIGNED"}, life=YEAR),
    "custom-metric": Kind(uuid_id, {}, "created", "updated"),
    "data-source": Kind(ulid, {"visibility": "private", "description": "", "namespace": "custom-objects"}),
    "form": Kind(short_id, {}, "created_at", "updated_at"),
    "list": Kind(short_id, {"opt_in_process": "double_opt_in"}, "created", "updated"),
    "segment": Kind(
        short_id,
        {"definition": None, "is_active": True, "is_processing": False, "is_starred": False},
        "created",
        "updated",
    ),
    "tag": Kind(uuid_id),
    "tag-group": Kind(uuid_id, {"exclusive": False, "default": False}, secret=frozenset({"return_fields"})),
    "template": Kind(short_id, {"html": "", "text": None, "amp": None}, "created", "updated"),
    "template-universal-content": Kind(
        ulid, {"screenshot_status": "never_generated", "screenshot_url": ""}, "created", "updated"
    ),
    "web-feed": Kind(ulid, {"status": "ok"}, "created", "updated"),
    "webhook": Kind(
        ulid, {"description": None, "enabled": True}, "created_at", "updated_at", frozenset({"secret_key"})
    ),
}

# Types that are created elsewhere and yet carry the time of their last change.
UPDATED: Mapping[str, str] = {
    **{type_: kind.updated for type_, kind in KINDS.items() if kind.updated},
    "campaign": "updated_at",
    "campaign-message": "updated_at",
    "flow": "updated",
    "flow-action": "updated",
    "flow-message": "updated",
    "image": "updated_at",
    "mapped-metric": "updated",
    "profile": "updated",
    "review": "updated",
}
