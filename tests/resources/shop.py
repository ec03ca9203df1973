"""A shop whose client is judged by the official document."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from tests.shops import Shop, open_shop


def serving(**options: Any) -> AbstractContextManager[Shop]:
    """Serve a small shop."""
    return open_shop(judged=True, **{"profiles": 120, "events": 2_000, **options})
