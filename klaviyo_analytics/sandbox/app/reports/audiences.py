"""Through which list or segment a campaign reached each recipient."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from klaviyo_analytics.sandbox.app.reports.deliveries import Deliveries
from klaviyo_analytics.sandbox.app.reports.mailings import Mailings
from klaviyo_analytics.sandbox.app.reports.tallies import distinct
from klaviyo_analytics.sandbox.app.store import GROUPS, Store

Ints = npt.NDArray[np.int64]


def audiences_of(store: Store, known: Mailings, found: Deliveries) -> tuple[Ints, list[tuple[str, str]]]:
    """Find the audience of each event as a number, and the id and name of each number.

    Every recipient belongs to one audience of the campaign, so that the rows add up: the first that holds the
    profile today, or the first of all if it has left them since. A profile's past memberships are not kept.
    """
    profiles = [*store.account.events.profile_ids, ""]  # the last is nobody's, -1
    numbers: dict[str, int] = {}
    pairs, place = distinct(found.message, found.profile)
    chosen = []
    for message, profile in pairs:
        included = known.messages[message].owner.attributes["audiences"].get("included") or []
        holding = (group for group in included if profiles[profile] in store.members(group))
        audience = next(holding, included[0] if included else "")
        chosen.append(numbers.setdefault(audience, len(numbers)))
    names = [(id_, _name(store, id_)) for id_ in numbers]
    return np.array(chosen, dtype=np.int64)[place], names


def _name(store: Store, id_: str) -> str:
    found = (store.find(type_, id_) for type_ in GROUPS)
    return next((group.attributes["name"] for group in found if group), "")
