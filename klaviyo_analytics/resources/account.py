"""The account itself."""

from __future__ import annotations

from klaviyo_analytics.resources._generated.account import AccountMethods


class Accounts(AccountMethods):
    """The one account that the key belongs to: name, currency, time zone."""
