"""One shop a file, so that files can run beside each other."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from klaviyo_analytics.client import KlaviyoClient
from tests.resources.shop import serving
from tests.shops import Shop


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    """A sandbox that this file's tests may write to."""
    with serving() as shop:
        yield shop


@pytest.fixture(scope="module")
def client(shop: Shop) -> KlaviyoClient:
    """A client of that sandbox."""
    return shop.client
