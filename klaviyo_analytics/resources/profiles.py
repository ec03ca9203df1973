"""Profiles: the people of an account."""

from __future__ import annotations

from klaviyo_analytics.resources._generated.people import ProfileMethods
from klaviyo_analytics.resources.consent import Consent
from klaviyo_analytics.resources.consent_frames import ConsentFrames
from klaviyo_analytics.resources.profile_frames import ProfileFrames


class Profiles(ProfileMethods, ProfileFrames, ConsentFrames, Consent):
    """People, by `id`, `email`, `phone_number` or `external_id`."""
