"""Webhooks: their addresses are shown without their paths, their secrets never."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from klaviyo_analytics.sandbox.app.errors import ApiFault
from klaviyo_analytics.sandbox.app.reads import Call, answer_one
from klaviyo_analytics.sandbox.app.writes import change_record, check_id, new_record
from klaviyo_analytics.sandbox.model import Record

Json = dict[str, Any]


def create_webhook(call: Call) -> Json:
    """Create a webhook."""
    data = call.body["data"]
    _check(data)
    return answer_one(call, _shorten(new_record(call.store, data), data))


def update_webhook(call: Call) -> Json:
    """Change a webhook."""
    record, data = call.store.get("webhook", call.id), call.body["data"]
    check_id(call, data)
    _check(data)
    change_record(call.store, record, data)
    return answer_one(call, _shorten(record, data))


def _check(data: Json) -> None:
    url = urlsplit(data.get("attributes", {}).get("endpoint_url") or "https://unchanged.example")
    if url.scheme != "https" or not url.hostname:
        raise ApiFault.pointer("/data/attributes/endpoint_url", "The URL must begin with https://.")


def _shorten(record: Record, data: Json) -> Record:
    url = data.get("attributes", {}).get("endpoint_url")
    if url:
        record.hidden["endpoint_url"] = url
        record.attributes["endpoint_url"] = f"https://{urlsplit(url).netloc}/\u2026"
    return record


HANDLERS = {"create_webhook": create_webhook, "update_webhook": update_webhook}
