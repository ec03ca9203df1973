"""Segments, whose members follow from a definition."""

from __future__ import annotations

from klaviyo_analytics.resources._generated.people import SegmentMethods


class Segments(SegmentMethods):
    """Segments, whose members follow from a definition."""
