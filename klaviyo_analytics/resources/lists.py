"""Lists, which people join and leave."""

from __future__ import annotations

from klaviyo_analytics.resources._generated.people import ListMethods
from klaviyo_analytics.resources.member_frames import ListFrames


class Lists(ListMethods, ListFrames):
    """Lists, which people join and leave."""
