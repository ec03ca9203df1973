"""Webhooks: Klaviyo calling an address of yours."""

from __future__ import annotations

from klaviyo_analytics.resources._deletes import deletes
from klaviyo_analytics.resources._noun import Noun
from klaviyo_analytics.resources._verbs import finds, gets, lists
from klaviyo_analytics.resources._writes import creates, updates


class Webhooks(Noun):
    """Addresses that Klaviyo calls when something happens; only some accounts may have them.

    The secret that signs the calls can be set, never read: keep it where you keep keys.
    """

    list = lists("get_webhooks")
    get = gets("get_webhook")
    find = finds("get_webhooks")
    create = creates("create_webhook")
    update = updates("update_webhook")
    delete = deletes("delete_webhook")


class WebhookTopics(Noun):
    """What a webhook can be told about; the ids differ between accounts."""

    list = lists("get_webhook_topics")
    get = gets("get_webhook_topic")
