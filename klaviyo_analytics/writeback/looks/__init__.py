"""How each kind of write is read back."""

from collections.abc import Mapping

from klaviyo_analytics.writeback.kinds.members import TAGGED
from klaviyo_analytics.writeback.looks import catalog, events, groups, people
from klaviyo_analytics.writeback.looks._look import Look

LOOKS: Mapping[str, Look] = {
    **dict.fromkeys(("profile import", "profile upsert", "profile append"), people.profiles),
    "event create": events.events,
    **dict.fromkeys(("subscribe", "record consent", "unsubscribe"), people.subscriptions),
    "suppress": people.suppressions,
    "unsuppress": people.lifted,
    "list join": groups.members(joined=True),
    "list leave": groups.members(joined=False),
    **{f"tag {kind}": groups.tagged(kind, tagged=True) for kind in TAGGED},
    **{f"untag {kind}": groups.tagged(kind, tagged=False) for kind in TAGGED},
    **{f"catalog {noun} {verb}": catalog.written(noun) for noun in catalog.LISTS for verb in catalog.WRITES},
    **{f"catalog {noun} delete": catalog.deleted(noun) for noun in catalog.LISTS},
    "coupon code create": catalog.codes,
}

__all__ = ["LOOKS", "Look"]
