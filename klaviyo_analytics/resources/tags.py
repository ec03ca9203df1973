"""Tags and the groups they belong to."""

from __future__ import annotations

from klaviyo_analytics.resources._generated.account import TagGroupMethods, TagMethods
from klaviyo_analytics.resources.member_frames import TagFrames


class Tags(TagMethods, TagFrames):
    """Tags of campaigns, flows, lists and segments."""


class TagGroups(TagGroupMethods):
    """Groups of tags; of an exclusive group, a resource carries one tag."""
