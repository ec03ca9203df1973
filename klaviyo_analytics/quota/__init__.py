"""Scarce calls: how a long question is cut into allowed ones, how long they take, what is left of the day."""

from __future__ import annotations

from klaviyo_analytics.quota.budget import Forecast, Ledger, Quota, Standing, series_parts, values_parts

__all__ = ["Forecast", "Ledger", "Quota", "Standing", "series_parts", "values_parts"]
