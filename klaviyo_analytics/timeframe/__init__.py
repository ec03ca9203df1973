"""Time frames: half-open, in a time zone, in the words of each endpoint."""

from __future__ import annotations

from klaviyo_analytics.timeframe.frame import Timeframe

__all__ = ["Timeframe"]
