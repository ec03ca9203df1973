"""Operations that are not regular: jobs, consent, campaigns, flows, and whatever else has rules of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from klaviyo_analytics.sandbox.app.reads import Call
from klaviyo_analytics.sandbox.app.special import (
    bulk_events,
    campaigns,
    flows,
    imports,
    merging,
    messages,
    push_tokens,
    sending,
    subscriptions,
    suppressions,
)

HANDLERS: dict[str, Callable[[Call], dict[str, Any] | None]] = {
    **bulk_events.HANDLERS,
    **campaigns.HANDLERS,
    **flows.HANDLERS,
    **imports.HANDLERS,
    **merging.HANDLERS,
    **messages.HANDLERS,
    **push_tokens.HANDLERS,
    **sending.HANDLERS,
    **subscriptions.HANDLERS,
    **suppressions.HANDLERS,
}
