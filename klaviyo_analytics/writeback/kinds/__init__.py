"""The kinds of writes, each a small declaration; journals name them."""

from klaviyo_analytics.writeback.kinds import profiles
from klaviyo_analytics.writeback.kinds._kind import Job, Kind, Options, Status, folded

KINDS = {kind.name: kind for kind in (profiles.IMPORT, profiles.UPSERT, profiles.APPEND)}

__all__ = ["KINDS", "Job", "Kind", "Options", "Status", "folded"]
