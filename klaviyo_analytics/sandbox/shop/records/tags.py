"""Tags and their groups."""

from __future__ import annotations

from klaviyo_analytics.sandbox.model import Record
from klaviyo_analytics.sandbox.shop.ids import Names

_GROUPS = (
    ("Tags", False, True, ("holiday", "content", "mobile", "lifecycle", "retention", 'needs "review", soon')),
    ("Team", True, False, ("Growth", "CRM", "Ops 🛠")),
)


def tag_records(names: Names) -> list[Record]:
    """Give the default tag group, an exclusive one, and their tags."""
    records = []
    for name, exclusive, default, tags in _GROUPS:
        group = names.uuid("tag-group", name)
        records.append(Record("tag-group", group, {"name": name, "exclusive": exclusive, "default": default}))
        records += [
            Record("tag", names.uuid("tag", tag), {"name": tag}, {"tag-group": group}) for tag in tags
        ]
    return records
