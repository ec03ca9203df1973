"""Who: profiles, and the lists and segments that hold them."""

from __future__ import annotations

from klaviyo_analytics.resources._noun import Noun
from klaviyo_analytics.resources._verbs import finds, gets, iterates, lists, lists_of


class Profiles(Noun):
    """People, by `id`, `email`, `phone_number` or `external_id`."""

    list = lists("get_profiles")
    iter_frames = iterates("get_profiles")
    get = gets("get_profile")
    find = finds("get_profiles")
    lists = lists_of("get_lists_for_profile")
    segments = lists_of("get_segments_for_profile")


class Lists(Noun):
    """Lists, which people join and leave."""

    list = lists("get_lists")
    iter_frames = iterates("get_lists")
    get = gets("get_list")
    find = finds("get_lists")
    profiles = lists_of("get_profiles_for_list")


class Segments(Noun):
    """Segments, whose members follow from a definition."""

    list = lists("get_segments")
    iter_frames = iterates("get_segments")
    get = gets("get_segment")
    find = finds("get_segments")
    profiles = lists_of("get_profiles_for_segment")
