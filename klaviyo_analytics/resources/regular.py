"""Sign-up forms and the versions that are shown."""

from __future__ import annotations

from klaviyo_analytics.resources._generated.account import (
    TagGroupMethods,
    TagMethods,
    WebhookMethods,
    WebhookTopicMethods,
)
from klaviyo_analytics.resources._generated.messages import (
    FormMethods,
    FormVersionMethods,
    TemplateMethods,
    UniversalContentMethods,
)
from klaviyo_analytics.resources._generated.people import SegmentMethods
from klaviyo_analytics.resources.lists import TagFrames


class Forms(FormMethods):
    """Sign-up forms; each is shown in one or several versions."""


class FormVersions(FormVersionMethods):
    """Versions of forms; `forms.versions(form_id)` lists them."""


class Webhooks(WebhookMethods):
    """Addresses that Klaviyo calls when something happens; only some accounts may have them.

    The secret that signs the calls can be set, never read: keep it where you keep keys.
    """


class WebhookTopics(WebhookTopicMethods):
    """The topics that a webhook can subscribe to; their ids differ between accounts."""


class Templates(TemplateMethods):
    """Email templates, rendered with a profile's data."""


class UniversalContent(UniversalContentMethods):
    """Blocks that several templates share."""


class Segments(SegmentMethods):
    """Segments, whose members follow from a definition."""


class Tags(TagMethods, TagFrames):
    """Tags of campaigns, flows, lists and segments."""


class TagGroups(TagGroupMethods):
    """Groups of tags; of an exclusive group, a resource carries one tag."""
