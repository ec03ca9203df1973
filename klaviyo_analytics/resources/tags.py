"""Tags and the groups they belong to."""

from __future__ import annotations

from klaviyo_analytics.resources._deletes import deletes
from klaviyo_analytics.resources._noun import Noun
from klaviyo_analytics.resources._verbs import finds, gets, gets_of, iterates, lists, lists_of
from klaviyo_analytics.resources._writes import creates, relates, updates
from klaviyo_analytics.resources.member_frames import TagFrames


class Tags(TagFrames):
    """Tags of campaigns, flows, lists and segments."""

    list = lists("get_tags")
    iter_frames = iterates("get_tags")
    get = gets("get_tag")
    find = finds("get_tags")
    group = gets_of("get_tag_group_for_tag")
    campaigns = lists_of("get_campaign_ids_for_tag")
    flows = lists_of("get_flow_ids_for_tag")
    lists = lists_of("get_list_ids_for_tag")
    segments = lists_of("get_segment_ids_for_tag")
    create = creates("create_tag")
    update = updates("update_tag")
    delete = deletes("delete_tag")
    tag_campaigns = relates("tag_campaigns")
    untag_campaigns = relates("remove_tag_from_campaigns")
    tag_flows = relates("tag_flows")
    untag_flows = relates("remove_tag_from_flows")
    tag_lists = relates("tag_lists")
    untag_lists = relates("remove_tag_from_lists")
    tag_segments = relates("tag_segments")
    untag_segments = relates("remove_tag_from_segments")


class TagGroups(Noun):
    """Groups of tags; of an exclusive group, a resource carries one tag."""

    list = lists("get_tag_groups")
    iter_frames = iterates("get_tag_groups")
    get = gets("get_tag_group")
    find = finds("get_tag_groups")
    tags = lists_of("get_tags_for_tag_group")
    create = creates("create_tag_group")
    update = updates("update_tag_group")
    delete = deletes("delete_tag_group")
