"""Who: profiles, and the lists and segments that hold them."""

from __future__ import annotations

from klaviyo_analytics.resources._generated.lists import ListMethods
from klaviyo_analytics.resources._generated.profiles import ProfileMethods
from klaviyo_analytics.resources._generated.segments import SegmentMethods
from klaviyo_analytics.resources.consent import Consent
from klaviyo_analytics.resources.consent_frames import ConsentFrames
from klaviyo_analytics.resources.member_frames import ListFrames
from klaviyo_analytics.resources.profile_frames import ProfileFrames


class Profiles(ProfileMethods, ProfileFrames, ConsentFrames, Consent):
    """People, by `id`, `email`, `phone_number` or `external_id`."""


class Lists(ListMethods, ListFrames):
    """Lists, which people join and leave."""


class Segments(SegmentMethods):
    """Segments, whose members follow from a definition."""
