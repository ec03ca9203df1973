"""What messages are made of: templates and universal content."""

from __future__ import annotations

from klaviyo_analytics.resources._deletes import deletes
from klaviyo_analytics.resources._noun import Noun
from klaviyo_analytics.resources._verbs import finds, gets, iterates, lists
from klaviyo_analytics.resources._writes import applies, creates, updates


class Templates(Noun):
    """Templates of e-mails, rendered with a person's data."""

    list = lists("get_templates")
    iter_frames = iterates("get_templates")
    get = gets("get_template")
    find = finds("get_templates")
    create = creates("create_template")
    update = updates("update_template")
    delete = deletes("delete_template")
    clone = applies("clone_template")
    render = applies("render_template")


class UniversalContent(Noun):
    """Blocks that several templates share."""

    list = lists("get_all_universal_content")
    iter_frames = iterates("get_all_universal_content")
    get = gets("get_universal_content")
    find = finds("get_all_universal_content")
    create = creates("create_universal_content")
    update = updates("update_universal_content")
    delete = deletes("delete_universal_content")
