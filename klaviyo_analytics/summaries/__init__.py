"""Summaries: what the client reads, put together by what the analysis computes.

The only place where the two sides of the house meet.
"""

from __future__ import annotations

from klaviyo_analytics.summaries._account import Comparison, account_summary
from klaviyo_analytics.summaries._campaigns import Campaigns
from klaviyo_analytics.summaries._flows import Flows

__all__ = ["Campaigns", "Comparison", "Flows", "account_summary"]
