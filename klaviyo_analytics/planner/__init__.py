"""Scarce calls: how a long question is cut into allowed ones, how long they take, what is left of the day."""

from __future__ import annotations

from klaviyo_analytics.planner.ledger import Ledger
from klaviyo_analytics.planner.parts import series_parts, values_parts
from klaviyo_analytics.planner.quota import Forecast, Quota, Standing

__all__ = ["Forecast", "Ledger", "Quota", "Standing", "series_parts", "values_parts"]
