"""Push tokens: a device's address, which belongs to one profile at a time."""

from __future__ import annotations

from typing import Any

from klaviyo_analytics.sandbox.app.kinds import uuid_id
from klaviyo_analytics.sandbox.app.profiles import upsert
from klaviyo_analytics.sandbox.app.reads import Call
from klaviyo_analytics.sandbox.app.store import Store
from klaviyo_analytics.sandbox.app.times import to_text
from klaviyo_analytics.sandbox.model import Record

Json = dict[str, Any]
PROFILE = "/data/attributes/profile/data/attributes"


def create_push_token(call: Call) -> None:
    """Take on a token for a profile, which is created or updated on the way."""
    attributes = call.body["data"]["attributes"]
    data = attributes["profile"]["data"]
    meta = data["attributes"].get("meta")
    profile, _ = upsert(call.store, data | ({"meta": meta} if meta else {}), PROFILE)
    register_token(call.store, profile, attributes)


def register_token(store: Store, profile: Record, token: Json) -> Record:
    """Give a profile a token, which leaves whoever had it."""
    now = to_text(store.now())
    known = {
        "token": token["token"],
        "platform": token["platform"],
        "vendor": token["vendor"],
        "enablement_status": token.get("enablement_status") or "AUTHORIZED",
        "background": token.get("background") or "AVAILABLE",
        "metadata": token.get("device_metadata") or {},
        "recorded_date": now,
    }
    record = _find(store, token["token"])
    if record is None:
        return store.add(
            Record("push-token", uuid_id(store, {}), known | {"created": now}, {"profile": profile.id})
        )
    record.attributes |= known
    record.relationships["profile"] = profile.id
    store.changed()
    return record


def forget_token(store: Store, profile: Record, token: str) -> None:
    """Take a token from a profile; one that is not its own is left alone."""
    record = _find(store, token)
    if record and record.relationships.get("profile") == profile.id:
        store.remove(record.type, record.id)


def _find(store: Store, token: str) -> Record | None:
    tokens = store.records("push-token").values()
    return next((record for record in tokens if record.attributes["token"] == token), None)


HANDLERS = {"create_push_token": create_push_token}
