"""Webhooks: Klaviyo calling an address of yours."""

from __future__ import annotations

from klaviyo_analytics.resources._generated.account import WebhookMethods, WebhookTopicMethods


class Webhooks(WebhookMethods):
    """Addresses that Klaviyo calls when something happens; only some accounts may have them.

    The secret that signs the calls can be set, never read: keep it where you keep keys.
    """


class WebhookTopics(WebhookTopicMethods):
    """What a webhook can be told about; the ids differ between accounts."""
