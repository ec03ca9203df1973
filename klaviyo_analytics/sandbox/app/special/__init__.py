"""Operations that are not regular: jobs, consent, campaigns, flows, and whatever else has rules of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from klaviyo_analytics.sandbox.app.reads import Call
from klaviyo_analytics.sandbox.app.special import (
    bulk_events,
    bulk_jobs,
    campaigns,
    data_sources,
    flows,
    forms,
    images,
    imports,
    merging,
    messages,
    metrics,
    push_tokens,
    segments,
    sending,
    stock,
    subscriptions,
    suppressions,
    tagging,
    templates,
    webhooks,
)

HANDLERS: dict[str, Callable[[Call], dict[str, Any] | None]] = {
    **bulk_events.HANDLERS,
    **bulk_jobs.HANDLERS,
    **campaigns.HANDLERS,
    **data_sources.HANDLERS,
    **flows.HANDLERS,
    **forms.HANDLERS,
    **images.HANDLERS,
    **imports.HANDLERS,
    **merging.HANDLERS,
    **messages.HANDLERS,
    **metrics.HANDLERS,
    **push_tokens.HANDLERS,
    **segments.HANDLERS,
    **sending.HANDLERS,
    **stock.HANDLERS,
    **subscriptions.HANDLERS,
    **suppressions.HANDLERS,
    **tagging.HANDLERS,
    **templates.HANDLERS,
    **webhooks.HANDLERS,
}
