"""Values for filters: real ones from resources that were seen, so that a filter finds something."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tests.contract.filter_expression import COMPARES, TAKES_LIST
from tests.contract.json_schema import RFC3339

Json = Any
MOMENT = "2026-01-01T00:00:00Z"
# Filters that name another resource.
REFERENCES = {
    "campaign_id": "campaign",
    "category.id": "catalog-category",
    "coupon.id": "coupon",
    "item.id": "catalog-item",
    "list_id": "list",
    "metric_id": "metric",
    "profile.id": "profile",
    "profile_id": "profile",
    "segment_id": "segment",
    "subscriptions.email.marketing.list_suppressions.list_id": "list",
}
# Filters that no attribute of an answer shows.
UNSEEN: dict[str, Json] = {
    "_kx": "exchange-token",
    "content": "tea",
    "definition.content_type": "block",
    "definition.type": "text",
    "enablement_status": "AUTHORIZED",
    "messages.channel": "email",
    "platform": "ios",
    "push_token": "token",
    "rating": 5,
    "review_type": "review",
    "sku": "SKU-1",
    "status": "processing",
    "subscriptions.email.marketing.list_suppressions.reason": "UNSUBSCRIBE",
    "subscriptions.email.marketing.suppression.reason": "UNSUBSCRIBE",
    "verified": True,
}


def literal(found: Mapping[str, Mapping[str, Json]], kind: str, name: str, operator: str) -> str | None:
    """Write a literal for a condition on resources of a type; None where the operator takes none."""
    if operator == "has":
        return None
    if name in REFERENCES:
        value: Json = next(iter(found[REFERENCES[name]]), "none")
    else:
        value = _seen(found[kind], name)
    if value is None:
        value = MOMENT if operator in COMPARES else UNSEEN.get(name, "none")
    written = _written(value)
    return f"[{written}]" if operator in TAKES_LIST else written


def _seen(resources: Mapping[str, Json], name: str) -> Json:
    for identity, resource in resources.items():
        if name in ("id", "ids"):
            return identity
        value = resource and resource["attributes"]
        inner = value.get("definition") if value and name not in value else None
        value = inner if isinstance(inner, Mapping) and name in inner else value
        for step in name.split("."):
            value = value.get(step) if isinstance(value, Mapping) else None
        if isinstance(value, Mapping):  # a review's status is an object around what a filter compares
            value = value.get("value")
        if value is not None:
            return value
    return None


def _written(value: Json) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float) or RFC3339.fullmatch(value):
        return str(value)
    escaped = re.sub(r'(["\\])', r"\\\1", value)
    return f'"{escaped}"'
