"""Words that a caller chooses from those that the API knows."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

from klaviyo_analytics.errors import InvalidQueryError

# what people type for the API's words
SAID_FOR = {
    "revenue": "sum_value", "value": "sum_value", "sum": "sum_value", "money": "sum_value", "total": "sum_value",
    "orders": "count", "events": "count", "number": "count",
    "people": "unique", "profiles": "unique", "uniques": "unique", "customers": "unique",
    "channel": "$attributed_channel", "flow": "$attributed_flow", "message": "$attributed_message",
    "variation": "$attributed_variation", "campaign": "Campaign Name", "currency": "$value_currency",
    "list": "List", "form": "form_id", "domain": "Email Domain", "provider": "Inbox Provider",
    "daily": "day", "weekly": "week", "monthly": "month", "hourly": "hour", "quarterly": "quarter", "yearly": "year",
}  # fmt: skip


def instead(given: str, names: Iterable[str], *, most: int = 30) -> str:
    """Say which names come close to one that there is not, or else which there are."""
    there = list(dict.fromkeys(names))
    if near := difflib.get_close_matches(given, there, n=5, cutoff=0.5):
        return f" Did you mean {', '.join(map(repr, near))}?"
    more = f" and {len(there) - most:,} more" if len(there) > most else ""
    return f" There are {', '.join(map(repr, there[:most]))}{more}." if there else ""


def chosen(given: Sequence[str] | str, allowed: Sequence[str], what: str) -> list[str]:
    """Give the words once each, in their order; one that is not allowed is refused.

    Raises
    ------
    InvalidQueryError
        The message names what is allowed and what may have been meant.
    """
    words = [given] if isinstance(given, str) else list(given)
    for word in words:
        if word not in allowed:
            meant_by = SAID_FOR.get(str(word).lower())
            near = [meant_by] if meant_by in allowed else difflib.get_close_matches(str(word), allowed, n=1)
            meant = f" (did you mean {near[0]!r}?)" if near else ""
            raise InvalidQueryError(f"{what}={word!r} is not known{meant}; allowed are {', '.join(allowed)}.")
    return list(dict.fromkeys(words))
