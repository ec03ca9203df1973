"""Segment conditions about what profiles agreed to, and how they can be reached."""

from __future__ import annotations

from typing import Any

from klaviyo_analytics.sandbox.app.special import consent
from klaviyo_analytics.sandbox.app.special.segments.criteria import passes
from klaviyo_analytics.sandbox.app.store import Store
from klaviyo_analytics.sandbox.model import Record

Json = dict[str, Any]
NEVER = "NEVER_SUBSCRIBED"
# Fields of a filter, and where what is known of a consent has them.
KNOWN = {
    "status_date": "consent_timestamp",
    "is_double_opt_in": "double_optin",
    "custom_source": "custom_method_detail",
    "effective_date": "consent_timestamp",
    "recorded_date": "last_updated",
}
METHODS = ("method", "subscribe_method")
REASONS = {
    "bounce_date": "HARD_BOUNCE",
    "manual_suppression_date": consent.BY_HAND,
    "invalid_email_date": "INVALID_EMAIL",
}


def is_filter(wanted: Any) -> bool:
    """Tell whether something can be asked of a consent; the document leaves the form of some filters open."""
    if not isinstance(wanted, dict):
        return False
    field = wanted.get("field")
    if field in METHODS:
        return "method" in wanted
    return isinstance(field, str) and field in {*KNOWN, *REASONS} and isinstance(wanted.get("filter"), dict)


def consents(store: Store, profile: Record, condition: Json) -> bool:
    """Tell whether a profile may be sent marketing, and agreed to it as the condition says."""
    wanted = condition["consent"]
    channel, may = wanted["channel"], wanted["can_receive_marketing"]
    known = consent.consent_of(profile, channel)
    asked = str((wanted.get("consent_status") or {}).get("subscription", "any"))
    filters = (wanted.get("consent_status") or {}).get("filters") or ()
    return (
        _can_receive(profile, channel, known) is may
        and (asked == "any" or known.get("consent", NEVER) == asked.upper())
        and all(_passes(store, known, one) for one in filters)
    )


def is_reachable(store: Store, profile: Record, condition: Json) -> bool:
    """Tell whether a profile can be reached by WhatsApp in the way that the condition says."""
    wanted, purpose = condition["permission"], condition["channel"].removeprefix("whatsapp_")
    known = consent.consent_of(profile, "whatsapp", purpose)
    how, _, reach = wanted["reachable_status"].rpartition("_")
    explicit = known.get("consent", NEVER) != NEVER
    return (
        bool(known.get("can_receive")) is (reach == "reachable")
        and (how == "implicitly_or_explicitly" or explicit is (how == "explicitly"))
        and all(_passes(store, {"method": "API"} | known, one) for one in wanted.get("filters") or ())
    )


def _can_receive(profile: Record, channel: str, known: Json) -> bool:
    if channel == "email":
        return bool(profile.attributes.get("email")) and bool(known.get("can_receive_email_marketing", True))
    return bool(known.get("consent") == consent.SUBSCRIBED)


def _passes(store: Store, known: Json, wanted: Json) -> bool:
    """Tell whether what is known of a consent passes one more filter."""
    field = wanted["field"]
    if field in METHODS:
        details = (wanted.get("filter") or {}).get("value")
        return str(known.get("method")).lower() == wanted["method"] and (
            details is None or known.get("method_detail") in details
        )
    if field in REASONS:
        entries = known.get("suppression") or []
        return any(
            passes(entry["timestamp"], wanted["filter"], store.now())
            for entry in entries
            if entry["reason"] == REASONS[field]
        )
    return passes(known.get(KNOWN[field]), wanted["filter"], store.now())
