"""Lists as records."""

from __future__ import annotations

from klaviyo_analytics.sandbox.model import Record
from klaviyo_analytics.sandbox.shop.clock import DAY, Clock, iso
from klaviyo_analytics.sandbox.shop.ids import Names
from klaviyo_analytics.sandbox.shop.story.groups import LISTS


def list_records(names: Names, clock: Clock) -> list[Record]:
    """Give the lists."""
    records = []
    for number, (key, name, process) in enumerate(LISTS):
        created = iso(clock.start - (30 - 4 * number) * DAY)
        attributes = {
            "name": name,
            "created": created,
            "updated": iso(clock.start + (5 + 40 * number) * DAY),
            "opt_in_process": process,
            "profile_count": 0,
        }
        records.append(
            Record("list", names.short("list", key), attributes, {"tags": [], "flow-triggers": []})
        )
    return records
