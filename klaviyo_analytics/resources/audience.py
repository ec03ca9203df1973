"""Who: profiles, and the lists and segments that hold them."""

from __future__ import annotations

from klaviyo_analytics.resources._deletes import deletes
from klaviyo_analytics.resources._noun import Noun
from klaviyo_analytics.resources._ranges import MEMBERS, PROFILES
from klaviyo_analytics.resources._verbs import finds, gets, iterates, iterates_of, lists, lists_of
from klaviyo_analytics.resources._writes import creates, relates, updates
from klaviyo_analytics.resources.consent import Consent
from klaviyo_analytics.resources.consent_frames import ConsentFrames
from klaviyo_analytics.resources.member_frames import ListFrames
from klaviyo_analytics.resources.profile_frames import ProfileFrames


class Profiles(ProfileFrames, ConsentFrames, Consent):
    """People, by `id`, `email`, `phone_number` or `external_id`."""

    list = lists("get_profiles", PROFILES)
    iter_frames = iterates("get_profiles")
    get = gets("get_profile")
    find = finds("get_profiles")
    lists = lists_of("get_lists_for_profile")
    segments = lists_of("get_segments_for_profile")
    push_tokens = lists_of("get_push_tokens_for_profile")


class Lists(ListFrames):
    """Lists, which people join and leave."""

    list = lists("get_lists")
    iter_frames = iterates("get_lists")
    get = gets("get_list")
    find = finds("get_lists")
    profiles = lists_of("get_profiles_for_list", MEMBERS)
    iter_profiles = iterates_of("get_profiles_for_list")
    tags = lists_of("get_tags_for_list")
    flow_triggers = lists_of("get_flows_triggered_by_list")
    create = creates("create_list")
    update = updates("update_list")
    delete = deletes("delete_list")
    add_profiles = relates("add_profiles_to_list")


class Segments(Noun):
    """Segments, whose members follow from a definition."""

    list = lists("get_segments")
    iter_frames = iterates("get_segments")
    get = gets("get_segment")
    find = finds("get_segments")
    profiles = lists_of("get_profiles_for_segment", MEMBERS)
    iter_profiles = iterates_of("get_profiles_for_segment")
    tags = lists_of("get_tags_for_segment")
    flow_triggers = lists_of("get_flows_triggered_by_segment")
    create = creates("create_segment")
    update = updates("update_segment")
    delete = deletes("delete_segment")
