"""How much of a list a write touches: more than a tenth of it has to be confirmed."""

from __future__ import annotations

from klaviyo_analytics import _jsonapi
from klaviyo_analytics.writeback._account import Account

SHARE = 0.1


def asks(account: Account, list: str, sent: int, does: str) -> str | None:
    """Say what has to be confirmed, if anything has: `does` is "removes", "unsubscribes"."""
    if not sent:
        return None
    size = _size(account, list)
    if not size or sent <= SHARE * size:
        return None
    return f"This {does} {sent:,} of the {size:,} profiles of the list {list}."


def _size(account: Account, list: str) -> int:
    params = {"additional-fields[list]": "profile_count"}
    document = account.api.call("get_list", {"id": list}, params=params)
    record, *_ = _jsonapi.resources(document, "GET /api/lists/{id}")
    return int(record["attributes"].get("profile_count") or 0)
