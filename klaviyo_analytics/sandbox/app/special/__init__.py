"""Operations that are not regular: jobs, consent, campaigns, flows, and whatever else has rules of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from klaviyo_analytics.sandbox.app.reads import Call
from klaviyo_analytics.sandbox.app.special import imports

HANDLERS: dict[str, Callable[[Call], dict[str, Any] | None]] = {
    **imports.HANDLERS,
}
