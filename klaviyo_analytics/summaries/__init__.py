"""Summaries: what the client reads, put together by what the analysis computes.

The only place where the two sides of the house meet. A summary is dated as numbers are, on the account's clock, which
decides what a day is: `send_time` is in the account's time zone here, and in UTC in the records of
`client.campaigns.list()`. It is the same moment, and the dtype shows the zone.
"""

from __future__ import annotations

from klaviyo_analytics.summaries._account import Comparison, account_summary
from klaviyo_analytics.summaries._campaigns import Campaigns
from klaviyo_analytics.summaries._flows import Flows

__all__ = ["Campaigns", "Comparison", "Flows", "account_summary"]
