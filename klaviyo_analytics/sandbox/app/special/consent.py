"""What a profile agreed to, channel by channel, and what keeps it from getting email all the same."""

from __future__ import annotations

from typing import Any

from klaviyo_analytics.sandbox.model import Record

Json = dict[str, Any]
SUBSCRIBED, UNSUBSCRIBED = "SUBSCRIBED", "UNSUBSCRIBED"
# Why somebody gets no email; consenting anew lifts these, while a bounce stays a bounce.
LIFTED_BY_CONSENT = frozenset({"UNSUBSCRIBE", "SPAM_COMPLAINT", "SPAM_REPORT", "USER_SUPPRESSED"})
BY_HAND = "USER_SUPPRESSED"
ATTRIBUTES = {"push": "mobile_push"}  # channels that profiles call by another name


def consent_of(profile: Record, channel: str, purpose: str = "marketing") -> Json:
    """Find what is known of a profile's consent."""
    subscriptions = profile.attributes.get("subscriptions") or {}
    known: Json = (subscriptions.get(ATTRIBUTES.get(channel, channel)) or {}).get(purpose) or {}
    return known


def is_subscribed(profile: Record, channel: str, purpose: str = "marketing") -> bool:
    """Tell whether a profile has agreed."""
    return consent_of(profile, channel, purpose).get("consent") == SUBSCRIBED


def set_consent(profile: Record, channel: str, purpose: str, consent: str, at: str, source: str = "") -> None:
    """Note that a profile agreed, or that it does no more."""
    known: Json = {"consent": consent, "consent_timestamp": at}
    agreed = consent == SUBSCRIBED
    if channel == "email":
        known |= {"last_updated": at, "method": "API", "method_detail": "", "double_optin": False}
        known |= {"custom_method_detail": source or None}
    elif channel == "sms":
        known |= {"last_updated": at, "method": "API", "method_detail": source}
        known |= {f"can_receive_sms_{purpose}": agreed}
    elif channel == "push":
        known |= {"can_receive_push_marketing": agreed}
    else:
        known |= {
            "last_updated": at,
            "can_receive": agreed,
            "phone_number": profile.attributes["phone_number"],
        }
    _change(profile, channel, purpose, known)


def suppress(profile: Record, reason: str, at: str) -> bool:
    """Keep email from a profile, for another reason or for the first; tell whether that is news."""
    entries = consent_of(profile, "email").get("suppression") or []
    if any(entry["reason"] == reason for entry in entries):
        return False
    _suppress(profile, [*entries, {"reason": reason, "timestamp": at}])
    return True


def lift(profile: Record, reasons: frozenset[str]) -> bool:
    """Let email through that was kept away for these reasons; tell whether any was."""
    entries = consent_of(profile, "email").get("suppression") or []
    left = [entry for entry in entries if entry["reason"] not in reasons]
    if len(left) == len(entries):
        return False
    _suppress(profile, left)
    return True


def leave_list(profile: Record, list_id: str, at: str) -> None:
    """Note that a profile wants no email through a list."""
    entry = {"list_id": list_id, "reason": "UNSUBSCRIBE", "timestamp": at}
    _change(profile, "email", "marketing", {"list_suppressions": [*_other_lists(profile, list_id), entry]})


def rejoin_list(profile: Record, list_id: str) -> None:
    """Forget that a profile once left a list."""
    if consent_of(profile, "email").get("list_suppressions"):
        _change(profile, "email", "marketing", {"list_suppressions": _other_lists(profile, list_id)})


def _other_lists(profile: Record, list_id: str) -> list[Json]:
    entries = consent_of(profile, "email").get("list_suppressions") or []
    return [entry for entry in entries if entry["list_id"] != list_id]


def _suppress(profile: Record, entries: list[Json]) -> None:
    state = {"suppression": entries, "can_receive_email_marketing": not entries}
    _change(profile, "email", "marketing", state)


def _change(profile: Record, channel: str, purpose: str, known: Json) -> None:
    name = ATTRIBUTES.get(channel, channel)
    subscriptions = profile.attributes.get("subscriptions") or {}
    state = {purpose: consent_of(profile, channel, purpose) | known}
    profile.attributes["subscriptions"] = subscriptions | {name: (subscriptions.get(name) or {}) | state}
