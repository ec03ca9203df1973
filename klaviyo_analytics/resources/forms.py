"""Sign-up forms and the versions that are shown."""

from __future__ import annotations

from klaviyo_analytics.resources._deletes import deletes
from klaviyo_analytics.resources._noun import Noun
from klaviyo_analytics.resources._verbs import finds, gets, gets_of, iterates, lists, lists_of
from klaviyo_analytics.resources._writes import creates


class Forms(Noun):
    """Sign-up forms; each is shown in one or several versions."""

    list = lists("get_forms")
    iter_frames = iterates("get_forms")
    get = gets("get_form")
    find = finds("get_forms")
    versions = lists_of("get_versions_for_form")
    create = creates("create_form")
    delete = deletes("delete_form")


class FormVersions(Noun):
    """Versions of forms; `forms.versions(form_id)` lists them."""

    get = gets("get_form_version")
    form = gets_of("get_form_for_form_version")
