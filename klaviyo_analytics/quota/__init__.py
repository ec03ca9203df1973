"""Scarce calls: how a long question is cut into allowed ones, how long they take, what is left of the day."""

from __future__ import annotations

from klaviyo_analytics.quota.budget import Forecast, Quota, Standing, series_parts, values_parts
from klaviyo_analytics.quota.call_log import Ledger

__all__ = ["Forecast", "Ledger", "Quota", "Standing", "series_parts", "values_parts"]
