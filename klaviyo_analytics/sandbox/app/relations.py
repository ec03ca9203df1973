"""How resources are tied together: what a record stores itself, and what follows from others' records.

A relationship that is not listed here is stored on the record, under its own name. One that follows from
others is listed with the type that stores it and its name there: a campaign's messages are those whose
`campaign` it is.
"""

from __future__ import annotations

from klaviyo_analytics.sandbox.app.contract import load_contract

# (type, relationship) -> (type that stores it, its name there)
INVERSE: dict[tuple[str, str], tuple[str, str]] = {
    ("campaign", "campaign-messages"): ("campaign-message", "campaign"),
    ("catalog-item", "variants"): ("catalog-variant", "item"),
    ("catalog-category", "items"): ("catalog-item", "categories"),
    ("coupon", "coupon-codes"): ("coupon-code", "coupon"),
    ("flow", "flow-actions"): ("flow-action", "flow"),
    ("flow-action", "flow-messages"): ("flow-message", "flow-action"),
    ("form", "form-versions"): ("form-version", "form"),
    ("metric", "metric-properties"): ("metric-property", "metric"),
    ("profile", "push-tokens"): ("push-token", "profile"),
    ("tag", "campaigns"): ("campaign", "tags"),
    ("tag", "flows"): ("flow", "tags"),
    ("tag", "lists"): ("list", "tags"),
    ("tag", "segments"): ("segment", "tags"),
    ("tag-group", "tags"): ("tag", "tag-group"),
}

# Ids that an answer shows even when nothing is included.
INHERENT: dict[str, frozenset[str]] = {
    "attribution": frozenset(
        {"event", "campaign", "campaign-message", "flow", "flow-message", "flow-message-variation"}
    ),
    "campaign": frozenset({"campaign-messages"}),
    "event": frozenset({"metric", "profile"}),
}

# Relationships whose ids alone cannot be asked for.
ONLY_WHOLE = frozenset({"import-errors"})

# Where no path of the API tells what a relationship leads to.
_TARGETS: dict[str, str] = {
    "attributed-event": "event",
    "attributions": "attribution",
    "campaign": "campaign",
    "campaign-message": "campaign-message",
    "campaign-messages": "campaign-message",
    "categories": "catalog-category",
    "coupon-codes": "coupon-code",
    "data-source": "data-source",
    "event": "event",
    "events": "event",
    "flow": "flow",
    "flow-message": "flow-message",
    "flow-message-variation": "flow-message",
    "item": "catalog-item",
    "items": "catalog-item",
    "lists": "list",
    "profile": "profile",
    "segments": "segment",
    "variants": "catalog-variant",
    "webhook-topics": "webhook-topic",
}


def target(type_: str, relationship: str) -> str:
    """Name the type that a relationship leads to."""
    known = load_contract().targets.get((type_, relationship))
    return known or _TARGETS[relationship]
