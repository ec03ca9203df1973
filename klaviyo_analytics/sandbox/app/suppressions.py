"""Filters on who must not get email: they have rules of their own, and look at one suppression at a time."""

from __future__ import annotations

from typing import Any

from klaviyo_analytics.sandbox.app.errors import ApiFault
from klaviyo_analytics.sandbox.app.filters import Condition
from klaviyo_analytics.sandbox.model import Record

MARKETING = "subscriptions.email.marketing."
ON_LISTS = MARKETING + "list_suppressions."


def check_suppression_filters(conditions: list[Condition]) -> None:
    """Refuse to mix the two kinds, to ask for several times, or for lists without naming one."""
    fields = [condition.field for condition in conditions if condition.field.startswith(MARKETING)]
    on_lists = [field for field in fields if field.startswith(ON_LISTS)]
    if on_lists and len(on_lists) < len(fields):
        raise _refusal("list_suppressions and suppression cannot be mixed.")
    if sum(field.endswith(".timestamp") for field in fields) > 1:
        raise _refusal("Only one condition on the time of a suppression is possible.")
    if on_lists and ON_LISTS + "list_id" not in on_lists:
        raise _refusal("Conditions on list_suppressions need the list_id.")


def suppressions(record: Record, field: str) -> list[dict[str, Any]]:
    """Find the suppressions of a profile that a filter's field speaks of."""
    name = "list_suppressions" if field.startswith(ON_LISTS) else "suppression"
    email = (record.attributes.get("subscriptions") or {}).get("email") or {}
    return list((email.get("marketing") or {}).get(name) or [])


def latest(record: Record, field: str) -> str | None:
    """Find the latest time under such a field, for sorting."""
    return max((entry["timestamp"] for entry in suppressions(record, field)), default=None)


def _refusal(detail: str) -> ApiFault:
    return ApiFault.parameter("filter", f"Invalid filter: {detail}")
