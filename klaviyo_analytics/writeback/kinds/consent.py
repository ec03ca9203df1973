"""Who may be written to: subscriptions are taken without another word, suppressions are jobs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from klaviyo_analytics.writeback.kinds._kind import Job, Kind, Options


def _subscriptions(type: str) -> Any:
    def body(records: Sequence[Any], options: Options) -> Any:
        attributes: dict[str, Any] = {"profiles": {"data": list(records)}}
        attributes |= {
            name: options[name] for name in ("custom_source", "historical_import") if name in options
        }
        data: dict[str, Any] = {"type": type, "attributes": attributes}
        if group := options.get("list"):
            data["relationships"] = {"list": {"data": {"type": "list", "id": group}}}
        return {"data": data}

    return body


def _suppressions(type: str) -> Any:
    def body(records: Sequence[Any], _: Options) -> Any:
        return {"data": {"type": type, "attributes": {"profiles": {"data": list(records)}}}}

    return body


_SUBSCRIBES = _subscriptions("profile-subscription-bulk-create-job")
SUBSCRIBE = Kind(
    "subscribe",
    "bulk_subscribe_profiles",
    most=1_000,
    body=_SUBSCRIBES,
    done="accepted",
    repeatable=False,  # once more could ask people twice to confirm, or welcome them twice
)
RECORD_CONSENT = Kind(
    "record consent", "bulk_subscribe_profiles", most=1_000, body=_SUBSCRIBES, done="accepted"
)
UNSUBSCRIBE = Kind(
    "unsubscribe",
    "bulk_unsubscribe_profiles",
    most=100,
    body=_subscriptions("profile-subscription-bulk-delete-job"),
    done="accepted",
)
SUPPRESS = Kind(
    "suppress",
    "bulk_suppress_profiles",
    most=100,
    body=_suppressions("profile-suppression-bulk-create-job"),
    done="written",
    job=Job("get_bulk_suppress_profiles_job"),
)
UNSUPPRESS = Kind(
    "unsuppress",
    "bulk_unsuppress_profiles",
    most=100,
    body=_suppressions("profile-suppression-bulk-delete-job"),
    done="written",
    job=Job("get_bulk_unsuppress_profiles_job"),
)
KINDS = (SUBSCRIBE, RECORD_CONSENT, UNSUBSCRIBE, SUPPRESS, UNSUPPRESS)
