"""The kinds of writes, each a small declaration; journals name them."""

from klaviyo_analytics.writeback.kinds import catalog, consent, events, members, profiles
from klaviyo_analytics.writeback.kinds._kind import Job, Kind, Listing, Options, Status, folded

_ALL = (*profiles.KINDS, events.CREATE, *members.KINDS, *consent.KINDS, *catalog.KINDS)
KINDS = {kind.name: kind for kind in _ALL}

__all__ = ["KINDS", "Job", "Kind", "Listing", "Options", "Status", "folded"]
