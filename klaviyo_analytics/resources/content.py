"""What messages are made of: templates and universal content."""

from __future__ import annotations

from klaviyo_analytics.resources._generated.messages import TemplateMethods, UniversalContentMethods


class Templates(TemplateMethods):
    """Templates of e-mails, rendered with a person's data."""


class UniversalContent(UniversalContentMethods):
    """Blocks that several templates share."""
