"""A shop whose client is judged by the official document."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from tests.shops import OPENAPI, Shop, open_shop
from tests.shops import without_waiting as _without_waiting
from tests.transport.clocks import Clock

__all__ = ["OPENAPI", "Clock", "Shop", "_without_waiting", "serving"]


def serving(**options: Any) -> AbstractContextManager[Shop]:
    """Serve a small shop."""
    return open_shop(judged=True, **{"profiles": 120, "events": 2_000, **options})
