"""What an event may be: when, how large, how deep."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson

from klaviyo_analytics.sandbox.app.errors import ApiFault
from klaviyo_analytics.sandbox.app.store import Store
from klaviyo_analytics.sandbox.app.times import to_seconds

Json = dict[str, Any]
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC).timestamp()
YEAR = 365 * 86_400
MOST_PROPERTIES = 400
MOST_ITEMS = 4000
DEEPEST = 10
LONGEST_TEXT = 100 * 1024  # bytes
LARGEST_PROFILE = 95 * 1024
LONGEST_EMAIL = 100
LONGEST_KEY = 255


def check_event(store: Store, attributes: Json, pointer: str) -> None:
    """Refuse an event that cannot be stored."""
    time = attributes.get("time")
    if time and not EARLIEST <= to_seconds(time) <= store.now() + YEAR:
        raise ApiFault.pointer(
            f"{pointer}/time", "The time must lie between the year 2000 and a year from now."
        )
    if not 0 < len(attributes["metric"]["data"]["attributes"]["name"]) < 128:
        raise ApiFault.pointer(f"{pointer}/metric/data/attributes/name", "A name has 1 to 127 characters.")
    unique_id = attributes.get("unique_id")
    if unique_id is not None and not 0 < len(unique_id) <= LONGEST_KEY:
        raise ApiFault.pointer(f"{pointer}/unique_id", f"A unique_id has 1 to {LONGEST_KEY} characters.")
    if len(attributes["properties"]) > MOST_PROPERTIES:
        raise ApiFault.pointer(f"{pointer}/properties", f"An event may have {MOST_PROPERTIES} properties.")
    for name, value in attributes["properties"].items():
        _check_value(value, f"{pointer}/properties/{name}", 1)


def check_profile(data: Json, pointer: str) -> None:
    """Refuse somebody whom an event cannot carry."""
    if len(data["attributes"].get("email") or "") > LONGEST_EMAIL:
        raise ApiFault.pointer(
            f"{pointer}/attributes/email", f"An address has {LONGEST_EMAIL} characters at most."
        )
    if len(orjson.dumps(data)) > LARGEST_PROFILE:
        raise ApiFault.pointer(pointer, "The profile of an event may have 95 KB.")


def _check_value(value: Any, pointer: str, depth: int) -> None:
    if isinstance(value, str):
        if len(value) * 4 > LONGEST_TEXT and len(value.encode()) > LONGEST_TEXT:
            raise ApiFault.pointer(pointer, "A text may have 100 KB.")
        return
    if not isinstance(value, list | dict):
        return
    if depth > DEEPEST:
        raise ApiFault.pointer(pointer, f"Objects may be {DEEPEST} deep.")
    if isinstance(value, list) and len(value) > MOST_ITEMS:
        raise ApiFault.pointer(pointer, f"An array may have {MOST_ITEMS} items.")
    for name, item in value.items() if isinstance(value, dict) else enumerate(value):
        _check_value(item, f"{pointer}/{name}", depth + isinstance(item, dict))
