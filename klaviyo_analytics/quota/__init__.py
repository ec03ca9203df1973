"""Scarce calls: how a long query is split, how long its calls take, and how many are left today."""

from __future__ import annotations

from klaviyo_analytics.quota.budget import Forecast, Ledger, Quota, Standing, series_parts, values_parts

__all__ = ["Forecast", "Ledger", "Quota", "Standing", "series_parts", "values_parts"]
