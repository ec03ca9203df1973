"""Jobs: followed to their end, and found again when the answer that named them was lost."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from klaviyo_analytics import _jsonapi
from klaviyo_analytics._polling import wait_for
from klaviyo_analytics._reader import EMPTY, Reader
from klaviyo_analytics.timeframe._moments import answered
from klaviyo_analytics.writeback._account import Account
from klaviyo_analytics.writeback.kinds import Kind, Listing, Options, folded

ENDED = ("complete", "cancelled")
PATIENCE = 24 * 3600.0
MARGIN = 3600.0  # how far two clocks may be apart


def follow(account: Account, kind: Kind, job: str, sleep: Callable[[float], None]) -> Mapping[str, Any]:
    """Wait for a job's end, and give its attributes."""
    assert kind.job is not None
    operation = kind.job.get

    def look() -> Mapping[str, Any]:
        document = account.api.call(operation, {"job_id": job})
        data = Reader(document, f"The job {job}").at("data")
        return dict(data.at("attributes").optional(Reader.mapping, EMPTY))

    return wait_for(
        look,
        lambda attributes: attributes.get("status") in ENDED,
        what=f"The job {job}",
        timeout=PATIENCE,
        sleep=sleep,
        clock=account.clock,
    )


def find(
    account: Account,
    kind: Kind,
    listing: Listing,
    keys: Sequence[str],
    options: Options,
    *,
    since: float,
    known: set[str],
    seen: dict[str, set[str]],
    sleep: Callable[[float], None],
) -> str | None:
    """Look for the job of a batch whose answer was lost.

    Jobs that began earlier, that are known to be other batches', or that hold another number of rows are left
    out. What decides is whose rows the job holds. Only somebody else's job, begun at the same time, with as
    many rows and mostly the same people, would be mistaken for it. `seen` remembers what jobs hold.
    """
    endpoint = account.api.catalog[listing.operation]
    ours = {folded(key) for key in keys}
    for document in account.api.pages(endpoint, {}, listing.order, size=endpoint.page_max, chosen=False):
        for record in _jsonapi.resources(document, endpoint.path):
            attributes = Reader(record, endpoint.path).at("attributes").optional(Reader.mapping, EMPTY)
            began = answered(attributes.get("created_at"))  # None where the time is missing or unreadable
            if began is not None and began.timestamp() < since - MARGIN:
                if listing.order:
                    return None
                continue
            id = str(record["id"])
            if id in known or attributes.get("total_count") not in (None, 0, len(keys)):
                continue
            if id not in seen:
                follow(account, kind, id, sleep)
                seen[id] = listing.contents(account.api, id, options)
            if mostly(ours, seen[id]):
                return id
    return None


def mostly(ours: set[str], held: set[str]) -> bool:
    """Tell whether what a job holds is ours: not all, as some keys are kept otherwise than they were sent."""
    return 2 * len(ours & held) > len(held)
