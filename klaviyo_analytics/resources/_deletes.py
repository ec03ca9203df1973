"""Deletions made from the endpoint table: nothing that they take away comes back, so each has to be confirmed."""

from __future__ import annotations

from typing import Any

from klaviyo_analytics._wording import counted
from klaviyo_analytics.endpoints import Endpoint, load
from klaviyo_analytics.resources import _docs
from klaviyo_analytics.resources._noun import Context, Noun, read_one
from klaviyo_analytics.resources._signatures import Deletes
from klaviyo_analytics.resources._verbs import ID, dressed, only_id
from klaviyo_analytics.resources._writes import DRY_RUN, keyword, write
from klaviyo_analytics.writeback.asking import confirmed

NAMES = ("name", "title", "unique_code")  # what a resource is called, whatever it is
CONFIRM = "bool: true; without it the error says what would be deleted, and nothing is sent."


def deletes(operation: str) -> Deletes:
    """Make `delete`."""
    endpoint = load()[operation]
    name = only_id(endpoint)
    reading = load().find("GET", endpoint.path)
    assert reading is not None

    def delete(self: Noun, id: Any, /, *, confirm: bool = False, dry_run: bool = False) -> Any:
        one = {name: self._id(id)}
        if not dry_run and confirm is not True:
            confirmed(confirm, _what_would_go(self._context, reading, one))
        return write(self._context, operation, one, None, dry_run=dry_run)

    doc = _docs.for_write(endpoint, more={"confirm": CONFIRM})
    return dressed(delete, endpoint, doc, [ID, keyword("confirm", default=False), DRY_RUN])


def _what_would_go(context: Context, reading: Endpoint, one: dict[str, str]) -> str:
    """Say what would be deleted: its kind, its name, and how many people are in it."""
    kind = str(reading.type)
    counts = "profile_count" in reading.additional_fields.get(kind, ())
    row = read_one(context, reading.operation, one, additional_fields=["profile_count"] if counts else None)
    named = next((f" {row[name]!r}" for name in NAMES if name in row), "")
    members = f" with {counted(row['profile_count'], 'profile')}" if counts else ""
    what = f"{kind.replace('-', ' ')}{named} ({row['id']}){members}"
    return f"This deletes the {what}; it cannot be restored."
