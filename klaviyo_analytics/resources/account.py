"""The account itself."""

from __future__ import annotations

from klaviyo_analytics.resources._noun import Noun
from klaviyo_analytics.resources._verbs import gets, lists


class Accounts(Noun):
    """The one account that the key belongs to: name, currency, time zone."""

    list = lists("get_accounts")
    get = gets("get_account")
