"""Conversations: everyone who has agreed to text messages has one; messages can be sent, and are not shown."""

from __future__ import annotations

import uuid
from typing import Any

from klaviyo_analytics.sandbox.app.errors import ApiFault
from klaviyo_analytics.sandbox.app.profiles import is_subscribed
from klaviyo_analytics.sandbox.app.reads import Call, get_related
from klaviyo_analytics.sandbox.app.store import Store
from klaviyo_analytics.sandbox.app.writes import required_id, ulid
from klaviyo_analytics.sandbox.model import Record

Json = dict[str, Any]
TYPE, MESSAGE = "conversation", "conversation-message"


def begin(store: Store) -> None:
    """Create a conversation for everyone who has agreed to text messages."""
    for profile in store.records("profile").values():
        _begin(store, profile)


def _begin(store: Store, profile: Record) -> None:
    id_ = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{TYPE} {profile.id}"))
    if is_subscribed(profile, "sms") and store.find(TYPE, id_) is None:
        store.add(Record(TYPE, id_, {"channel": "sms"}, {"profile": profile.id}))


def get_conversations(call: Call) -> Json:
    """Answer the conversations of a profile, which may have agreed just now."""
    _begin(call.store, call.store.get("profile", call.id))
    return get_related(call)


def send_message(call: Call) -> None:
    """Send a message to the profile of a conversation."""
    data, store = call.body["data"], call.store
    conversation = store.get(TYPE, required_id(data, TYPE))
    if not data["attributes"]["body"].strip():
        raise ApiFault.pointer("/data/attributes/body", "A message has a text.")
    store.add(Record(MESSAGE, ulid(store, {}), dict(data["attributes"]), {TYPE: conversation.id}))


HANDLERS = {
    "create_conversation_message": send_message,
    **{f"get_conversation{name}_for_profile": get_conversations for name in ("", "s", "_id", "_ids")},
}
